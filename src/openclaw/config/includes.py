"""`$include`: parts of the config in files of their own (config.md 1.3, advisory K2)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from openclaw.config.issues import Issue, fault
from openclaw.config.json5 import Json5Error, loads, read_bytes
from openclaw.config.read_file import OddFile, read_regular, why

DIRECTIVE: Final = "$include"
MAX_DEPTH: Final = 10
MAX_FILE_BYTES: Final = 2 * 1024 * 1024
MAX_FILES: Final = 1000
MAX_PATH: Final = 4096


@dataclass(slots=True)
class Included:
    """What reading the includes came to.

    Attributes:
        value: the document without any directive.
        files: every file that was read, in load order, the main file first; also those that could not be read.
        contents: path and bytes of each file, in load order.
        issues: faults, all at the whole file.
    """

    value: Any = None
    files: list[Path] = field(default_factory=list)
    contents: list[tuple[Path, bytes]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def revision_hash(self) -> str:
        """Return sha256 over path and bytes of each file (config.md 1.8)."""
        digest = hashlib.sha256()
        for path, content in self.contents:
            for part in (os.fsencode(path), content):
                digest.update(len(part).to_bytes(8, "big"))
                digest.update(part)
        return digest.hexdigest()


def merge(base: Any, over: Any) -> Any:
    """Return `over` laid over `base`: objects key by key, lists joined, anything else replaced."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: merge(base[key], item) if key in base else item for key, item in over.items()}}
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *over]
    return over


def resolve_includes(
    parsed: Any, main: Path, content: bytes, roots: Sequence[Path], overlay: Mapping[Path, bytes] | None = None
) -> Included:
    """Replace every directive of the main file's value by what it names.

    Args:
        parsed: value of the main file.
        main: the main file; its folder, links resolved, is the one that may be read.
        content: bytes of the main file.
        roots: further folders that may be read (`OPENCLAW_INCLUDE_ROOTS`).
        overlay: contents that stand for those on the disk, by resolved path; what a write would put there.
    """
    included = Included(files=[main], contents=[(main, content)])
    included.value = _Resolver(included, allowed_folders(main, roots), overlay or {}).resolve(
        parsed, main.parent, (_real(main),)
    )
    return included


def allowed_folders(main: Path, roots: Sequence[Path]) -> tuple[Path, ...]:
    """Return the folders that includes may be read from: the main file's and those that are named."""
    return (main.parent.resolve(), *(root.resolve() for root in roots))


def included_file(text: str, folder: Path, allowed: Sequence[Path]) -> Path:
    """Return the file that a directive names.

    Raises:
        ValueError: it leaves the allowed folders or is no path.
    """
    if not text or "\0" in text or len(text) >= MAX_PATH:
        raise ValueError("is no usable path")
    resolved = _real(folder / text)
    if not any(resolved.is_relative_to(root) for root in allowed):
        raise ValueError(
            f"leads to {resolved}, outside the folder of the config; move the file there or name its folder in"
            " OPENCLAW_INCLUDE_ROOTS"
        )
    return resolved


def read_include(path: Path) -> bytes:
    """Return the bytes of an included file, which must be a regular file of at most 2 MB.

    Raises:
        OSError: it cannot be read.
        OddFile: it is none, or larger.
    """
    return read_regular(path, MAX_FILE_BYTES)[0]


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()


class _Resolver:
    """Walks the documents; faults are collected and stand for an empty object."""

    def __init__(self, included: Included, allowed: Sequence[Path], overlay: Mapping[Path, bytes]) -> None:
        self._included = included
        self._allowed = allowed
        self._overlay = overlay

    def resolve(self, value: Any, folder: Path, chain: tuple[Path, ...]) -> Any:
        if isinstance(value, list):
            return [self.resolve(item, folder, chain) for item in value]
        if not isinstance(value, dict):
            return value
        if DIRECTIVE not in value:
            return {key: self.resolve(item, folder, chain) for key, item in value.items()}
        return self._directive(value, folder, chain)

    def _directive(self, value: Mapping[str, Any], folder: Path, chain: tuple[Path, ...]) -> Any:
        target = value[DIRECTIVE]
        siblings = {key: self.resolve(item, folder, chain) for key, item in value.items() if key != DIRECTIVE}
        if isinstance(target, str):
            found = self._file(target, folder, chain)
        elif isinstance(target, list) and all(isinstance(item, str) for item in target):
            found = {}
            for item in target:
                found = merge(found, self._file(item, folder, chain))
        else:
            return self._fault("$include must be a text or a list of texts")
        if not siblings:
            return found
        if not isinstance(found, dict):
            return self._fault("$include with other keys beside it must name a file that holds an object")
        return merge(found, siblings)

    def _file(self, text: str, folder: Path, chain: tuple[Path, ...]) -> Any:
        try:
            path = included_file(text, folder, self._allowed)
        except ValueError as error:
            return self._fault(f'$include "{text}" {error}')
        self._included.files.append(path)
        if path in chain:
            circle = " -> ".join(str(step) for step in (*chain, path))
            return self._fault(f"$include goes in a circle: {circle}")
        if len(chain) > MAX_DEPTH:
            return self._fault(f'$include "{text}" is nested deeper than {MAX_DEPTH} levels')
        if len(self._included.files) > MAX_FILES:
            return self._fault(f"more than {MAX_FILES} files are included")
        try:
            content = self._overlay[path] if path in self._overlay else read_include(path)
            self._included.contents.append((path, content))
            value = loads(read_bytes(content))
        except Json5Error as error:
            where = f" at line {error.line}" + (f" column {error.column}" if error.column else "") if error.line else ""
            return self._fault(f'$include "{text}" ({path}): {error}{where}')
        except (OSError, OddFile) as error:
            return self._fault(f'$include "{text}" ({path}): {why(error)}')
        return self.resolve(value, path.parent, (*chain, path))

    def _fault(self, message: str) -> dict[str, Any]:
        self._included.issues.append(fault((), message))
        return {}
