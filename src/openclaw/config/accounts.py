"""Effective settings of a channel account: its own keys over those of the channel's section (channels.md 1.6)."""

from __future__ import annotations

from typing import Any

from openclaw.config.base import Block


def effective_account(section: Block | None, account_id: str) -> Block | None:
    """Return the account's settings with what the section says where the account is silent.

    Closed blocks are overlaid key by key; lists and maps are replaced as a whole, so that an empty list of an account
    stays empty.
    """
    if section is None:
        return None
    accounts = getattr(section, "accounts", None) or {}
    wanted = account_id.strip().lower()
    own = next((value for name, value in accounts.items() if name.lower() == wanted), None)
    return section if own is None else _overlaid(section, own)


def _overlaid(base: Block, own: Block) -> Block:
    """Return `own` with the keys that only `base` has set, as far as `own` knows them."""
    known = type(own).model_fields
    values: dict[str, Any] = {}
    for name in known:
        mine, theirs = name in own.model_fields_set, name in base.model_fields_set
        if mine and theirs and isinstance(getattr(own, name), Block) and isinstance(getattr(base, name), Block):
            values[name] = _overlaid(getattr(base, name), getattr(own, name))
        elif mine:
            values[name] = getattr(own, name)
        elif theirs:
            values[name] = getattr(base, name)
    return type(own).model_construct(_fields_set=set(values), **{known[n].alias or n: v for n, v in values.items()})
