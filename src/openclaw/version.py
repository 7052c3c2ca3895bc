"""The version, importable without anything else."""

from typing import Final

VERSION: Final = "2026.11.0"
