"""Wrapped text."""

from __future__ import annotations

import shutil
import textwrap
from typing import Final

import click

from openclaw.cli.output import visible

WIDEST: Final = 100
NARROWEST: Final = 40


def width() -> int:
    """Return the columns of the terminal, at most 100 and at least 40."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))


def block(head: str, text: str) -> str:
    """Return a text wrapped beside a head, whose colours take no room; control characters are made visible."""
    room = len(click.unstyle(head))
    lines = textwrap.wrap(visible(text), width() - room, break_long_words=False, break_on_hyphens=False) or [""]
    return head + f"\n{' ' * room}".join(lines)
