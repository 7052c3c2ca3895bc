"""The last update id that is in the journal: `telegram/update-offset-<account>.json` (channels.md 5)."""

from __future__ import annotations

import logging
from pathlib import Path

from openclaw.state.files import read_json, write_json
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)


class OffsetFile:
    """Reads and writes `{version: 1, lastUpdateId, botId}`; `botId` is ours, so that a new bot starts anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, bot_id: int) -> int | None:
        """Return the last update id of this bot; a missing, broken or foreign file gives None."""
        try:
            stored = read_json(self._path)
        except OpenClawError as error:
            log.warning("the update offset is not readable, asking for all waiting updates: %s", error)
            return None
        if not isinstance(stored, dict) or stored.get("botId", bot_id) != bot_id:
            return None
        last = stored.get("lastUpdateId")
        return last if isinstance(last, int) and not isinstance(last, bool) else None

    def write(self, bot_id: int, last_update_id: int) -> None:
        """Note that the journal holds everything up to this update."""
        write_json(self._path, {"version": 1, "lastUpdateId": last_update_id, "botId": bot_id})
