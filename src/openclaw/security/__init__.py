"""What inspects the system: audit, doctor, explain, verification."""
