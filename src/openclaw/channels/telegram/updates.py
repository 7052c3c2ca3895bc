"""Updates that the library can read, whatever Telegram sends. Imports the library: load this at first use only.

One update that it cannot read must not stop the bot: it would come again with every question, before all others.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from telegram import Bot, Update
from telegram.request import HTTPXRequest

log = logging.getLogger(__name__)


class UpdatesRequest(HTTPXRequest):
    """The connection of long polling: an unreadable update keeps its id, so that it can be acknowledged."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Return the answer of the server, each update in it readable."""
        found: dict[str, Any] = HTTPXRequest.parse_json_payload(payload)
        rows = found.get("result")
        if isinstance(rows, list):
            found["result"] = [_readable(row) for row in rows]
        return found


def read_update(row: Mapping[str, Any], bot: Bot | None) -> Update:
    """Return the update of an object with an `update_id`; the bare id where the rest is not understood."""
    found = _parsed(row, bot)
    return Update(update_id=row["update_id"]) if found is None else found


def _readable(row: Any) -> Any:
    if not isinstance(row, dict) or not isinstance(row.get("update_id"), int):
        return row  # nothing can be acknowledged: the library's error takes the channel down, with pauses
    return row if _parsed(row, None) is not None else {"update_id": row["update_id"]}


def _parsed(row: Mapping[str, Any], bot: Bot | None) -> Update | None:
    try:
        return Update.de_json(dict(row), bot)
    except Exception as error:  # noqa: BLE001 - foreign data in a foreign parser
        log.warning("telegram update %s is not understood and passed over: %s", row["update_id"], type(error).__name__)
        return None
