"""Secrets in the config and in its backups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from openclaw.config.includes import DIRECTIVE, allowed_folders, included_file
from openclaw.config.issues import Parts, dotted
from openclaw.config.json5 import Json5Error, loads, read_bytes
from openclaw.config.paths import get_value
from openclaw.config.plain import Plain
from openclaw.config.read_file import OddFile, read_regular
from openclaw.config.redact import redact_value
from openclaw.config.secret_leaves import SecretForm, secret_leaves
from openclaw.config.substitute import has_reference
from openclaw.config.write import BACKUPS, backup_path, real_path
from openclaw.security.secret_scan.model import Kind, PlainSecret
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.redaction import Redactor

LIMIT: Final = 16 * 1024 * 1024


def scan_config(plain: Plain, layout: StateLayout, environment: Environment, redactor: Redactor) -> list[PlainSecret]:
    """Return the secrets in the config, includes among them, in the order of the document.

    Args:
        plain: the config as written.
        layout: tells where the main file lies.
        environment: tells where includes may lie.
        redactor: knows the forms of secrets.
    """
    if not isinstance(plain.authored, dict):
        return []
    holder = _Holders(plain.source.parsed, layout, environment)
    return [
        PlainSecret(holder.file(parts), dotted(parts), kind, parts)
        for parts, kind in plain_leaves(plain.authored, redactor)
    ]


def plain_leaves(document: Mapping[str, Any], redactor: Redactor) -> Iterator[tuple[Parts, Kind]]:
    """Yield the path of every plain secret of a document: marked ones first, then those that look like one."""
    marked = [leaf.parts for leaf in secret_leaves(document) if leaf.form is SecretForm.PLAIN]
    yield from ((parts, Kind.CONFIG) for parts in marked)
    known = frozenset(marked)
    for parts, text, masked in _texts(dict(document), redact_value(dict(document)), ()):
        if any(parts[: len(above)] == above for above in known) or has_reference(text):
            continue
        if masked != text:
            yield parts, Kind.CONFIG_URL if "://" in text else Kind.CONFIG_UNMARKED
        elif redactor.redact(text) != text:
            yield parts, Kind.CONFIG_UNMARKED


def _texts(value: Any, masked: Any, at: Parts) -> Iterator[tuple[Parts, str, Any]]:
    """Yield every text of a document with its masked form."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, masked[key] if isinstance(masked, dict) else masked, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, masked[index] if isinstance(masked, list) else masked, (*at, index))
    elif isinstance(value, str) and value:
        yield at, value, masked


class _Holders:
    """Finds the file that a path of the whole config is written in."""

    def __init__(self, parsed: Any, layout: StateLayout, environment: Environment) -> None:
        self._parsed = parsed
        self._main = layout.config
        self._roots = allowed_folders(layout.config, environment.paths("OPENCLAW_INCLUDE_ROOTS"))

    def file(self, parts: Parts) -> Path:
        """Return the file; the one that includes it where several are merged."""
        return self._descend(self._main, self._parsed, parts, self._main.parent)

    def _descend(self, file: Path, value: Any, parts: Parts, folder: Path) -> Path:
        for used in range(len(parts)):
            if isinstance(value, dict) and DIRECTIVE in value and parts[used] not in value:
                named = value[DIRECTIVE]
                inner = self._open(named, folder) if isinstance(named, str) else None
                return file if inner is None else self._descend(inner[0], inner[1], parts[used:], inner[0].parent)
            found, value = get_value(value, (parts[used],))
            if not found:
                return file
        return file

    def _open(self, named: str, folder: Path) -> tuple[Path, Any] | None:
        try:
            path = included_file(named, folder, self._roots)
            return path, loads(read_bytes(read_regular(path, LIMIT)[0]))
        except (ValueError, OSError):
            return None


def backups_of(files: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the backups of config files that are there."""
    places = (backup_path(real_path(file), number) for file in files for number in range(BACKUPS))
    return tuple(place for place in places if place.is_file() and not place.is_symlink())


def scan_backups(files: tuple[Path, ...], redactor: Redactor) -> list[PlainSecret]:
    """Return the secrets in the backups of config files."""
    found: list[PlainSecret] = []
    for place in backups_of(files):
        document = read_document(place)
        if document is None:
            continue
        found += [
            PlainSecret(place, dotted(parts), Kind.CONFIG_BACKUP, parts)
            for parts, _ in plain_leaves(document, redactor)
        ]
    return found


def read_document(place: Path) -> dict[str, Any] | None:
    """Return a JSON5 object from a file; None when it is none."""
    try:
        value = loads(read_bytes(read_regular(place, LIMIT)[0]))
    except (Json5Error, OSError, OddFile):
        return None
    return value if isinstance(value, dict) else None
