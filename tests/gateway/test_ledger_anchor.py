"""The head of the ledger goes to another place, and a roll-back is found there: real files, programs and servers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.sections.logging import LedgerAnchor
from openclaw.gateway.ledger_anchor import HOUR_SECONDS, LedgerAnchors
from openclaw.state.layout import StateLayout
from openclaw.state.ledger import Ledger
from openclaw.state.ledger_port import LedgerEntry
from openclaw.state.ledger_verify import read_anchors, verify_ledger
from openclaw.system.environment import Environment
from support.configs import faults
from support.process import GatewayProcess, base_config, free_port
from support.state_dirs import program
from support.time import FakeClock
from support.waiting import until

CANARY = "canary-of-the-anchor-0123456789"


class Scene:
    """A state directory with a ledger, and what the config says of its anchor."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = StateLayout.at(root / "state")
        self.clock = FakeClock()
        self.anchor = LedgerAnchor()
        environment = Environment({"HOME": str(root), "PATH": "/usr/bin:/bin", "MY_TOKEN": CANARY})
        self.anchors = LedgerAnchors(self.layout, environment, self.clock, lambda: self.anchor)

    def records(self, *kinds: str) -> None:
        ledger = Ledger.open(self.layout.ledger, self.clock)
        for kind in kinds:
            ledger.record(LedgerEntry(kind=kind))
        ledger.close()

    @property
    def noted(self) -> Path:
        return self.root / "elsewhere/heads.jsonl"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.records("start", "config")
    return made


@pytest.mark.asyncio
async def test_a_file_gets_a_line_each_hour_in_which_something_happened(scene: Scene) -> None:
    scene.anchor = LedgerAnchor(file="~/elsewhere/heads.jsonl")
    task = asyncio.create_task(scene.anchors.run())
    try:
        await scene.clock.advance(HOUR_SECONDS)
        await until(lambda: seqs(scene) == [2])
        await scene.clock.advance(HOUR_SECONDS)
        scene.records("pairing")
        await scene.clock.advance(HOUR_SECONDS)
        await until(lambda: seqs(scene) == [2, 3])
    finally:
        task.cancel()
    assert seqs(scene) == [2, 3]
    assert scene.noted.stat().st_mode & 0o777 == 0o600
    assert verify_ledger(scene.layout.ledger, anchors=read_anchors(scene.noted)).ok


def seqs(scene: Scene) -> list[int]:
    text = scene.noted.read_text() if scene.noted.exists() else ""
    return [json.loads(line)["seq"] for line in text.splitlines()]


@pytest.mark.asyncio
async def test_a_roll_back_of_ledger_and_head_is_found_at_the_anchor(scene: Scene) -> None:
    before = {path.name: path.read_bytes() for path in scene.layout.ledger.iterdir()}
    scene.anchor = LedgerAnchor(file=str(scene.noted))
    scene.records("pairing", "approval")
    await scene.anchors.note()
    for path in scene.layout.ledger.iterdir():
        path.write_bytes(before[path.name])
    assert verify_ledger(scene.layout.ledger).ok
    found = verify_ledger(scene.layout.ledger, anchors=read_anchors(scene.noted))
    assert (found.ok, found.fault, found.where) == (False, "rolled-back", "anchor")
    scene.records("forged", "forged")
    assert verify_ledger(scene.layout.ledger, anchors=read_anchors(scene.noted)).fault == "rolled-back"


@pytest.mark.asyncio
async def test_a_program_reads_the_head_and_gets_no_secret(scene: Scene) -> None:
    out = scene.root / "out"
    tool = program(scene.root / "tool", f'cat > {out}; env >> {out}; echo "$@" >> {out}')
    scene.anchor = LedgerAnchor(command=(str(tool), "a b"))
    await scene.anchors.note()
    head, *rest = out.read_text().splitlines()
    assert json.loads(head)["seq"] == 2
    assert rest[-1] == "a b"
    assert CANARY not in out.read_text()


@asynccontextmanager
async def server(status: str, seen: list[bytes]) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        seen.append(head.split(b"\r\n")[0] + b"\n" + await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/heads?key={CANARY}"


@pytest.mark.asyncio
async def test_an_address_of_the_owner_is_posted_to_also_in_the_own_network(scene: Scene) -> None:
    seen: list[bytes] = []
    async with server("204 No Content", seen) as url:
        scene.anchor = LedgerAnchor(url=url)
        await scene.anchors.note()
        await scene.anchors.note()
    assert len(seen) == 1  # the same head is told once
    first, body = seen[0].split(b"\n", 1)
    assert first.startswith(b"POST /heads?key=")
    assert json.loads(body)["seq"] == 2


@pytest.mark.parametrize("place", ["file", "state", "command", "missing", "url", "closed"])
@pytest.mark.asyncio
async def test_what_cannot_be_told_is_a_warning_without_secrets_and_is_tried_again(
    scene: Scene, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (scene.root / "taken").write_text("")
    async with server("500 Oops", []) as url:
        scene.anchor = {
            "file": LedgerAnchor(file=str(scene.root / "taken/heads")),
            "state": LedgerAnchor(file=str(scene.layout.root / "heads")),
            "command": LedgerAnchor(command=(str(program(scene.root / "tool", "exit 3")),)),
            "missing": LedgerAnchor(command=("/nowhere/tool",)),
            "url": LedgerAnchor(url=url),
            "closed": LedgerAnchor(url=f"http://user:{CANARY}@127.0.0.1:9/?key={CANARY}"),
        }[place]
        await scene.anchors.note()
    warning = next(one for one in caplog.records if one.levelno == logging.WARNING)
    assert "logging.ledger.anchor" in warning.getMessage()
    assert CANARY not in caplog.text
    assert any("ledger head: seq 2" in one.getMessage() for one in caplog.records)
    scene.anchor = LedgerAnchor(file=str(scene.noted))
    await scene.anchors.note()
    assert seqs(scene) == [2]


@pytest.mark.parametrize(
    ("anchor", "path", "words"),
    [
        ({"file": "/a", "url": "https://x"}, "logging.ledger.anchor", "one of"),
        ({"command": ["logger"]}, "logging.ledger.anchor.command", "absolute"),
        ({"command": []}, "logging.ledger.anchor.command", "absolute"),
        ({"url": "ftp://x"}, "logging.ledger.anchor.url", "https://"),
        ({"file": ""}, "logging.ledger.anchor.file", ""),
    ],
)
def test_the_config_names_one_place_that_can_be_told(anchor: dict[str, Any], path: str, words: str) -> None:
    found = faults({"logging": {"ledger": {"anchor": anchor}}})
    assert words in found[path]


def test_a_plain_anchor_is_valid() -> None:
    for anchor in ({}, {"file": "~/x"}, {"command": ["/usr/bin/logger"]}, {"url": "https://h.example"}):
        assert faults({"logging": {"ledger": {"anchor": anchor}}}) == {}


@pytest.mark.e2e
@pytest.mark.asyncio
async def test_a_gateway_that_stops_tells_its_head_and_verify_compares_it(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere/heads.jsonl"
    config = base_config(free_port(), logging={"ledger": {"anchor": {"file": str(place)}}})
    gateway = GatewayProcess(tmp_path, config)
    try:
        await gateway.start()
        await gateway.stop()
    finally:
        await gateway.kill()
    assert [json.loads(line)["seq"] for line in place.read_text().splitlines()] == [len(gateway.ledger())]
    code, out, _ = await gateway.run_cli("ledger", "verify", "--json")
    assert (code, json.loads(out)["anchors"]) == (0, 1)
    for path in (gateway.state / "ledger").iterdir():
        path.unlink()
    code, out, _ = await gateway.run_cli("ledger", "verify", "--json")
    assert (code, json.loads(out)["fault"]) == (1, "rolled-back")
