"""Putting a service definition on the disk, and taking it away. One that somebody edited is not lost."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from openclaw.security.service.model import Definition, ServiceState
from openclaw.state.files import read_text, write_private
from openclaw.system.errors import Refused, Unavailable

LIMIT: Final = 256 * 1024


def write_definition(before: ServiceState, text: str, *, force: bool) -> None:
    """Write a definition; one that differs is kept beside it as `.bak`.

    Raises:
        Refused: it was changed by hand, and `force` is not given.
        Unavailable: the disk refuses.
    """
    if before.definition is Definition.EDITED and not force:
        raise Refused(
            f"{before.file} was changed by hand; --force replaces it and keeps the old one as .bak",
            code="service-edited",
        )
    if before.installed and before.definition is not Definition.CURRENT:
        old = read_text(before.file, limit=LIMIT)
        if old is not None:
            write_private(before.file.with_name(f"{before.file.name}.bak"), old)
    write_private(before.file, text)


def remove_definition(file: Path) -> None:
    """Remove a definition; never what a link leads to.

    Raises:
        Unavailable: the disk refuses.
    """
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"cannot remove {file}: {(error.strerror or str(error)).lower()}") from error


def is_there(file: Path) -> bool:
    """Tell whether there is a definition, or a link in its place."""
    return file.is_symlink() or file.exists()
