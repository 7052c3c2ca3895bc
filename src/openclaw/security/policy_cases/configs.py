"""The config that a policy case runs under."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from openclaw.config.json5 import plain_numbers
from openclaw.config.model import Config, invalid
from openclaw.config.validate import check_schema

_HEAD_KEYS: Final = frozenset({"catalogue", "cases", "config", "referenceRelease", "schema"})


def case_config(given: Mapping[str, Any], base: Mapping[str, Any] | None) -> Config:
    """Return the config of a case: its own, else the one of the file's head, else the head itself when it is a config.

    Keys and types are checked, except those of channels: their rooms are read from the plain values. Rules between keys
    are not checked either: a case may state a config that is only a part of one.

    Args:
        given: the case's `input`.
        base: the head of the case file, or a plain config document; None for neither.

    Raises:
        ConfigInvalid: with `details["issues"]`.
    """
    head = base or {}
    document = given.get("config")
    if document is None:
        document = head.get("config") if _HEAD_KEYS & set(head) else head
    values = plain_numbers(dict(document or {}))
    checked = check_schema(values)
    faults = tuple(issue for issue in checked.issues if issue.path.partition(".")[0] != "channels")
    if faults:
        raise invalid(faults)
    return Config(values, checked)
