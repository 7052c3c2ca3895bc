"""The width that wrapped text is printed in."""

from __future__ import annotations

import shutil
from typing import Final

WIDEST: Final = 100
NARROWEST: Final = 40


def width() -> int:
    """Return the columns of the terminal, at most 100 and at least 40."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))
