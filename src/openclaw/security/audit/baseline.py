"""The baseline: findings that somebody has looked at and accepts until a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from openclaw.config.json5 import Json5Error, loads, read_bytes
from openclaw.config.read_file import OddFile, read_regular, why
from openclaw.security.audit.report import Accepting
from openclaw.security.audit.values import listed, trim
from openclaw.system.errors import InvalidInput

_BYTES: Final = 1024 * 1024
_KEYS: Final = frozenset({"checkId", "titleIncludes", "detailIncludes", "reason", "expires"})


def read_baseline(path: Path) -> tuple[Accepting, ...]:
    """Return the entries of a baseline file: `{version: 1, accepted: [{checkId, reason, expires, …}]}`, JSON5.

    Raises:
        InvalidInput: it cannot be read, or an entry lacks an id, a reason or a day.
    """
    try:
        document = loads(read_bytes(read_regular(path, _BYTES, follow=True)[0]))
    except Json5Error as error:
        raise InvalidInput(f"--baseline {path}: {error}") from error
    except (OSError, OddFile) as error:
        raise InvalidInput(f"--baseline {path}: {why(error)}") from error
    if not isinstance(document, Mapping) or document.get("version") != 1:
        raise InvalidInput(f'--baseline {path}: must be an object with "version": 1 and a list "accepted"')
    return tuple(
        _entry(item, f"{path}: accepted[{index}]") for index, item in enumerate(listed(document.get("accepted")))
    )


def _entry(item: Any, place: str) -> Accepting:
    if not isinstance(item, Mapping) or set(item) - _KEYS:
        raise InvalidInput(f"--baseline {place}: an entry has the keys {', '.join(sorted(_KEYS))} and no others")
    for key in ("checkId", "reason", "expires"):
        if not trim(item.get(key)):
            raise InvalidInput(f'--baseline {place}: "{key}" is missing')
    expires = trim(item["expires"])
    try:
        day = date.fromisoformat(expires)
    except ValueError:
        raise InvalidInput(f'--baseline {place}: "expires" must be a day such as 2027-01-31') from None
    return Accepting(
        check_id=trim(item["checkId"]),
        title_includes=trim(item.get("titleIncludes")),
        detail_includes=trim(item.get("detailIncludes")),
        reason=trim(item["reason"]),
        expires=day.isoformat(),
    )
