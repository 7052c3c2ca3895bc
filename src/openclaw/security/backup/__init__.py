"""Backups: one private archive with a manifest of hashes, made, checked and put back (config.md 4.2, advisory K)."""
