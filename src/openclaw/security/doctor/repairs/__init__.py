"""What doctor can do, a module per kind. No repair follows a link or touches what belongs to somebody else."""
