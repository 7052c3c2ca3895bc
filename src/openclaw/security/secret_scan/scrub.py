"""Taking a moved secret out of the backups of the config, which would hold it for five more writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from openclaw.config.issues import Parts
from openclaw.config.json5 import read_bytes
from openclaw.config.read_file import read_regular
from openclaw.config.text_edit import Put, apply_changes
from openclaw.security.secret_scan.in_config import LIMIT, backups_of, read_document
from openclaw.state.files import write_private
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)

_MIN_LENGTH: Final = 8
"""Shorter texts may stand anywhere by chance."""


def scrub_backups(files: tuple[Path, ...], references: Mapping[str, Any]) -> tuple[Path, ...]:
    """Write references in the place of secrets in all backups, and return the files that were changed.

    Args:
        files: config files.
        references: what stands for each secret.
    """
    long = {value: reference for value, reference in references.items() if len(value) >= _MIN_LENGTH}
    changed = []
    for place in backups_of(files):
        document = read_document(place)
        puts = [Put(parts, long[text]) for parts, text in _texts(document, ()) if text in long]
        if not puts:
            continue
        try:
            text = read_bytes(read_regular(place, LIMIT)[0])
            write_private(place, apply_changes(text, puts).text)
        except (OpenClawError, OSError, ValueError) as error:
            log.warning("%s still holds a moved secret: %s", place, error)
            continue
        changed.append(place)
    return tuple(changed)


def _texts(value: Any, at: Parts) -> Iterator[tuple[Parts, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*at, index))
    elif isinstance(value, str):
        yield at, value
