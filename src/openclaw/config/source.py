"""Where a config came from: its files, their text and their hashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Source:
    """Where a config came from.

    Attributes:
        path: the main file; None for a document that was never a file.
        exists: the main file is there.
        raw: its text.
        parsed: its value as authored, before includes and substitution.
        hash: sha256 of its bytes; "" when absent.
        revision_hash: sha256 over path and bytes of it and every include, in load order.
        files: it, every include, and `<state>/.env`: what a reload watches.
        references: names of the variables that it refers to.
    """

    path: Path | None = None
    exists: bool = False
    raw: str = ""
    parsed: Any = field(default_factory=dict)
    hash: str = ""
    revision_hash: str = ""
    files: tuple[Path, ...] = ()
    references: frozenset[str] = frozenset()

    @property
    def has_includes(self) -> bool:
        """Tell whether the main file reads others, so that its own hash does not stand for all."""
        return len(self.files) > len(("main file", ".env"))
