"""Reading the code of plugins and skills: bounded in files, bytes and names, through no linked folder (audit.md 7)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from openclaw.config.read_file import OddFile, read_regular, why
from openclaw.security.audit.deep_facts import CodeHit
from openclaw.security.audit.scan_rules import SCRIPTS, rules_for, scan_content

MAX_FILES: Final = 500
MAX_BYTES: Final = 1024 * 1024
MAX_NAMES: Final = 20_000
MAX_TOTAL: Final = 32 * 1024 * 1024
"""Bytes that are read of one folder."""


@dataclass(slots=True)
class FolderScan:
    """What reading a folder came to.

    Attributes:
        hits: what was found.
        files: scripts that were read, as the seed counts them.
        others: further files that were read.
        bytes: how much was read.
        failed: what could not be read; "" when all could.
        cut: why not everything was read; "" when it was.
    """

    hits: list[CodeHit] = field(default_factory=list)
    files: int = 0
    others: int = 0
    bytes: int = 0
    failed: str = ""
    cut: str = ""


def scan_folder(root: Path, forced: Sequence[Path] = ()) -> FolderScan:
    """Return what the code of a folder does.

    Args:
        root: the folder.
        forced: files to read first, wherever in it they lie.
    """
    result = FolderScan()
    for path in dict.fromkeys((*_inside(root, forced), *_Names(root, result))):
        is_script = path.suffix.lower() in SCRIPTS
        if (result.files if is_script else result.others) >= MAX_FILES:
            result.cut = result.cut or f"more than {MAX_FILES} files"
        elif result.bytes >= MAX_TOTAL:
            result.cut = result.cut or f"more than {MAX_TOTAL >> 20} MiB of code"
        else:
            _scan_file(root, path, result, is_script=is_script)
    return result


def _inside(root: Path, forced: Sequence[Path]) -> Iterator[Path]:
    for path in forced:
        if path.suffix.lower() in SCRIPTS and path.is_relative_to(root) and path.is_file():
            yield path


def _scan_file(root: Path, path: Path, result: FolderScan, *, is_script: bool) -> None:
    try:
        content, _ = read_regular(path, MAX_BYTES, follow=True)
    except FileNotFoundError:
        return
    except OddFile as error:
        result.cut = result.cut or f"{path.relative_to(root)} {error}"
        return
    except OSError as error:
        result.failed = result.failed or f"{path}: {why(error)}"
        return
    result.files += is_script
    result.others += not is_script
    result.bytes += len(content)
    result.hits += scan_content(content, str(path.relative_to(root)), rules_for(path.name))


class _Names:
    """The files of a folder that are scanned, folder by folder; dot names and node_modules are left out."""

    def __init__(self, root: Path, result: FolderScan) -> None:
        self._root = root
        self._result = result
        self._seen = 0

    def __iter__(self) -> Iterator[Path]:
        stack = [self._root]
        while stack:
            folder = stack.pop()
            for entry in self._entries(folder):
                if entry.name.startswith(".") or entry.name == "node_modules":
                    continue
                path = folder / entry.name
                if _is_folder(entry):
                    stack.append(path)
                elif rules_for(entry.name):
                    yield path

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """Return the names in a folder, sorted; the whole walk looks at a limited number."""
        found: list[os.DirEntry[str]] = []
        try:
            with os.scandir(folder) as names:
                for entry in names:
                    self._seen += 1
                    if self._seen > MAX_NAMES:
                        self._result.cut = self._result.cut or f"more than {MAX_NAMES} names"
                        break
                    found.append(entry)
        except OSError as error:
            if folder == self._root or not isinstance(error, FileNotFoundError):
                self._result.failed = self._result.failed or f"{folder}: {why(error)}"
        return sorted(found, key=lambda entry: os.fsencode(entry.name))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode)
    except OSError:
        return False
