"""Changes of the allow files on real files, while the gateway has the ledger."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from openclaw.gateway.pairing_watch import SECONDS, PairingWatch
from openclaw.state.layout import StateLayout
from openclaw.state.pairing import PairingStore
from support.ledgers import ListLedger
from support.time import FakeClock
from support.waiting import until


def write(folder: Path, name: str, *ids: str) -> None:
    (folder / name).write_text(json.dumps({"version": 1, "allowFrom": list(ids)}))


def watched(folder: Path) -> tuple[PairingWatch, ListLedger]:
    ledger = ListLedger()
    return PairingWatch(folder, ledger, FakeClock()), ledger


def told(ledger: ListLedger) -> list[tuple[str, list[str], list[str]]]:
    return [(entry.what["file"], entry.what["added"], entry.what["removed"]) for entry in ledger.of("pairing")]


@pytest.mark.asyncio
async def test_what_others_add_and_remove_is_recorded_once(tmp_path: Path) -> None:
    write(tmp_path, "telegram-allowFrom.json", "7")
    watch, ledger = watched(tmp_path)
    await watch.look()
    assert told(ledger) == []
    write(tmp_path, "telegram-allowFrom.json", "7", "8", "9")
    write(tmp_path, "telegram-work-allowFrom.json", "5")
    await watch.look()
    await watch.look()
    write(tmp_path, "telegram-allowFrom.json", "9")
    (tmp_path / "telegram-work-allowFrom.json").unlink()
    await watch.look()
    assert told(ledger) == [
        ("telegram-allowFrom.json", ["8", "9"], []),
        ("telegram-work-allowFrom.json", ["5"], []),
        ("telegram-allowFrom.json", [], ["7", "8"]),
        ("telegram-work-allowFrom.json", [], ["5"]),
    ]
    entry = ledger.entries[0]
    assert (entry.actor, entry.verdict) == ({"client": "file"}, {"outcome": "changed", "rule": "pairing.file"})
    assert entry.what["summary"] == "telegram-allowFrom.json: +8 +9"


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ["{broken", "[]", '{"allowFrom": 5}', "\0"])
async def test_a_file_that_says_nothing_lets_nobody_in_and_raises_nothing(tmp_path: Path, text: str) -> None:
    watch, ledger = watched(tmp_path)
    (tmp_path / "signal-allowFrom.json").write_text(text)
    await watch.look()
    assert told(ledger) == []
    write(tmp_path, "signal-allowFrom.json", "+1")
    await watch.look()
    assert told(ledger) == [("signal-allowFrom.json", ["+1"], [])]


@pytest.mark.asyncio
async def test_an_approval_is_seen_without_a_message(tmp_path: Path) -> None:
    layout, clock, ledger = StateLayout.at(tmp_path), FakeClock(), ListLedger()
    watch = PairingWatch(layout.credentials, ledger, clock)
    store = PairingStore(layout, clock)
    request = store.request("telegram", None, "7").request
    assert request is not None
    running = asyncio.create_task(watch.run())
    try:
        await clock.advance(SECONDS)
        assert store.approve("telegram", request.code) is not None
        await clock.advance(SECONDS)
        await until(lambda: told(ledger) == [(store.allow_file("telegram", None), ["7"], [])])
        assert request.code not in json.dumps(dict(ledger.entries[0].what))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
