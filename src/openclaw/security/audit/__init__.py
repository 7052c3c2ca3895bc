"""Audit checks, a module per area."""
