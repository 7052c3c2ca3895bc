"""Telling other places the head of the ledger, hourly and at stop (guard.md 4).

That finds a roll-back of the ledger together with its HEAD. What cannot be told is a warning and is tried again an hour
later: no turn waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from openclaw.config.secrets import check_program, plain_environment
from openclaw.config.sections.logging import LedgerAnchor
from openclaw.policy.what.urls import UrlPolicy
from openclaw.state.files import append_line, read_json
from openclaw.state.layout import StateLayout
from openclaw.state.ledger import HEAD, canonical
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError, Unavailable
from openclaw.system.http import HttpClient, Limits

log = logging.getLogger(__name__)

HOUR_SECONDS: Final = 3600.0
TELL_SECONDS: Final = 10.0
KEY: Final = "logging.ledger.anchor"


class LedgerAnchors:
    """Notes the head of one ledger.

    Args:
        layout: whose ledger it is.
        environment: for the program; it gets no secrets.
        clock: the hours.
        where: the anchor that the config states now.
        http: posts to a URL.
    """

    def __init__(
        self,
        layout: StateLayout,
        environment: Environment,
        clock: Clock,
        where: Callable[[], LedgerAnchor],
        *,
        http: HttpClient | None = None,
    ) -> None:
        self._layout = layout
        self._environment = environment
        self._clock = clock
        self._where = where
        self._http = http or HttpClient()
        self._noted: int | None = None

    async def run(self) -> None:
        """Note the head every hour."""
        while True:
            await self._clock.sleep(HOUR_SECONDS)
            await self.note()

    async def note(self) -> None:
        """Write the head to the log and to the place that the config names, unless that was done already."""
        try:
            head = await asyncio.to_thread(read_json, self._layout.ledger / HEAD)
        except OpenClawError as error:
            log.warning("the head of the ledger cannot be read: %s", error.message)
            return
        if not isinstance(head, dict) or head.get("seq") == self._noted:
            return
        log.info("ledger head: seq %s, line %s", head.get("seq"), head.get("line"))
        try:
            async with asyncio.timeout(TELL_SECONDS + 1):
                await self._tell(self._where(), head)
        except OpenClawError as error:
            log.warning("the head of the ledger was not noted elsewhere (%s): %s", KEY, error.message)
            return
        except TimeoutError:
            log.warning("the head of the ledger was not noted elsewhere (%s): no answer in time", KEY)
            return
        self._noted = head["seq"]

    async def _tell(self, anchor: LedgerAnchor, head: dict[str, Any]) -> None:
        line = canonical(head)
        if anchor.file is not None:
            await asyncio.to_thread(append_line, self._place(anchor.file), line, sync=True)
        elif anchor.command is not None:
            await asyncio.to_thread(self._run, anchor.command, line)
        elif anchor.url is not None:
            await self._post(anchor.url, line)

    def _place(self, text: str) -> Path:
        place = self._environment.expand(text)
        if not place.is_absolute():
            raise Unavailable(f"{KEY}.file must be an absolute path, or begin with ~")
        if place.resolve().is_relative_to(self._layout.root.resolve()):
            raise Unavailable(
                f"{place} lies in the state directory, where whoever rolls the ledger back rolls it back too"
            )
        return place

    def _run(self, command: tuple[str, ...], line: str) -> None:
        check_program(Path(command[0]), f"{KEY}.command")
        try:
            done = subprocess.run(
                list(command),
                input=f"{line}\n".encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=plain_environment(self._environment),
                cwd="/",
                timeout=TELL_SECONDS,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{command[0]} took longer than {TELL_SECONDS:g} s") from None
        except OSError as error:
            raise Unavailable(f"{command[0]} does not start") from error
        if done.returncode != 0:
            raise Unavailable(f"{command[0]} ended with status {done.returncode}")

    async def _post(self, url: str, line: str) -> None:
        host = urlsplit(url).hostname or ""
        answer = await self._http.fetch(
            url,
            method="POST",
            headers={"Content-Type": "application/json"},
            body=line.encode(),
            limits=Limits(total_seconds=TELL_SECONDS, max_redirects=0, max_bytes=1024),
            policy=UrlPolicy.of(allowed_hostnames=[host], key=f"{KEY}.url"),
        )
        if not 200 <= answer.status < 300:
            raise Unavailable(f"{host} answered with status {answer.status}")
