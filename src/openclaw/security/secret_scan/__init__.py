"""Secrets that lie in plain text in the state directory: where they are, and moving them (config.md 1.11, 2.3)."""
