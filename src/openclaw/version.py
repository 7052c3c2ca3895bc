"""The version, importable without anything else: `--version` loads not even `typing`."""

VERSION = "2026.11.0"
