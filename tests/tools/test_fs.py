"""The file tools, on real files, inside and outside a sandbox."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from openclaw.policy.what.labels import Effect, Source
from openclaw.system.errors import Refused
from openclaw.tools.contract import ToolResult
from openclaw.tools.fs import edit, read, write
from openclaw.tools.text_slice import MAX_BYTES
from support.tools_room import Room

pytestmark = pytest.mark.asyncio

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


@pytest.fixture
def boxed(tmp_path: Path) -> Room:
    return Room(tmp_path, {"agents": {"defaults": {"sandbox": {"mode": "all"}}}})


async def test_a_file_is_written_read_and_edited(room: Room) -> None:
    done = await room.call("write", path="notes/a.txt", content="one\ntwo\nthree\n")
    assert done.plain == "Created notes/a.txt (14 bytes)."
    assert (room.workspace / "notes/a.txt").read_text() == "one\ntwo\nthree\n"
    assert (await room.call("read", file_path="notes/a.txt")).plain == "one\ntwo\nthree\n"
    done = await room.call("edit", path="notes/a.txt", old_string="two", new_string="2")
    assert done.plain.startswith(
        "Edited notes/a.txt.\n\n--- notes/a.txt\n+++ notes/a.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three"
    )
    assert (room.workspace / "notes/a.txt").read_text() == "one\n2\nthree\n"
    done = await room.call("write", path="notes/a.txt", content="")
    assert done.plain == "Overwrote notes/a.txt (0 bytes)."


async def test_a_read_file_counts_as_a_file(room: Room) -> None:
    (room.workspace / "a").write_text("x")
    result = await room.call("read", path="a")
    assert result.provenance.source is Source.FILE
    assert result.provenance.tool == "read"


async def test_long_files_come_in_parts_with_a_hint(room: Room) -> None:
    (room.workspace / "a").write_text("".join(f"line {number}\n" for number in range(1, 5001)))
    first = await room.call("read", path="a")
    assert first.plain.endswith("line 2000\n\n[Lines 1 to 2000 of more. Use offset=2001 to continue.]")
    second = await room.call("read", path="a", offset=4999, limit=10)
    assert second.plain == "line 4999\nline 5000\n"
    part = await room.call("read", path="a", offset=10, limit=2)
    assert part.plain == "line 10\nline 11\n\n[Lines 10 to 11 of more. Use offset=12 to continue.]"
    assert part.details == {"firstLine": 10, "lastLine": 11, "more": True}


async def test_at_most_50_kilobytes_come_at_once(room: Room) -> None:
    (room.workspace / "wide").write_text(("x" * 999 + "\n") * 100)
    result = await room.call("read", path="wide")
    assert result.details["lastLine"] == 51
    (room.workspace / "one").write_text("y" * 200_000)
    result = await room.call("read", path="one")
    assert result.plain.startswith("y" * MAX_BYTES)
    assert "[Line 1 is larger than 51200 bytes" in result.plain


@pytest.mark.parametrize(("offset", "text"), [(4, "fewer than 4 lines"), (10**9, "fewer than")])
async def test_an_offset_beyond_the_end_is_an_error(room: Room, offset: int, text: str) -> None:
    (room.workspace / "a").write_text("1\n2\n")
    result = await room.call("read", path="a", offset=offset)
    assert result.is_error
    assert text in result.plain


async def test_an_empty_file_is_empty(room: Room) -> None:
    (room.workspace / "a").write_text("")
    assert (await room.call("read", path="a")).plain == ""


async def test_images_come_as_images(room: Room) -> None:
    (room.workspace / "dot.png").write_bytes(PNG)
    result = await room.call("read", path="dot.png")
    image = result.content[1]
    assert image["type"] == "image"
    assert (image["mimeType"], base64.b64decode(image["data"])) == ("image/png", PNG)


async def test_adv_Q2_an_oversized_image_is_refused(room: Room) -> None:
    with (room.workspace / "big.png").open("wb") as file:
        file.write(PNG)
        file.truncate(11 * 1024 * 1024)
    result = await room.call("read", path="big.png")
    assert result.is_error
    assert "larger than" in result.plain


async def test_other_binary_files_are_refused(room: Room) -> None:
    (room.workspace / "a.bin").write_bytes(b"ab\0cd")
    assert "not a text file" in (await room.call("read", path="a.bin")).plain
    (room.workspace / "latin").write_bytes(b"caf\xe9")
    assert (await room.call("read", path="latin")).plain == "caf\ufffd"
    assert "not UTF-8" in (await room.call("edit", path="latin", oldText="c", newText="k")).plain


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("zzz", "y", "does not occur"),
        ("a", "b", "occurs 3 times"),
        ("", "b", "is empty"),
        ("a b", "a b", "are the same"),
    ],
)
async def test_an_edit_needs_exactly_one_match(room: Room, old: str, new: str, part: str) -> None:
    (room.workspace / "f").write_text("a b a c a")
    result = await room.call("edit", path="f", oldText=old, newText=new)
    assert result.is_error
    assert part in result.plain
    assert (room.workspace / "f").read_text() == "a b a c a"


async def test_line_ends_of_windows_stay(room: Room) -> None:
    (room.workspace / "f").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    assert not (await room.call("edit", path="f", oldText="one\ntwo", newText="1\n2")).is_error
    assert (room.workspace / "f").read_bytes() == b"1\r\n2\r\nthree\r\n"


async def test_a_missing_file_is_named(room: Room) -> None:
    cases: dict[str, dict[str, Any]] = {"read": {}, "edit": {"oldText": "a", "newText": "b"}}
    for name, more in cases.items():
        result = await room.call(name, path="nope", **more)
        assert result.is_error
        assert "nope" in result.plain


# What the tools may not touch


async def test_a_sandboxed_run_works_in_its_own_folder(boxed: Room) -> None:
    await boxed.call("write", path="a.txt", content="inside")
    await boxed.call("write", path="/workspace/b.txt", content="mapped")
    active = boxed.places.workspace(boxed.run()).active
    assert (active / "a.txt").read_text() == "inside"
    assert (active / "b.txt").read_text() == "mapped"
    assert not (boxed.workspace / "a.txt").exists()


CASES: dict[str, dict[str, Any]] = {
    "read": {},
    "write": {"content": "owned"},
    "edit": {"oldText": "secret", "newText": "owned"},
}


def outside(room: Room) -> list[str]:
    canary = room.home / "canary"
    canary.write_text("secret")
    active = room.places.workspace(room.run()).active
    link = active / "link"
    if not link.is_symlink():
        link.symlink_to(canary)
        (active / "folder").symlink_to(room.home)
        os.link(canary, active / "hard")
    return [
        str(canary),
        f"@{canary}",
        f"file://{canary}",
        "../../../canary",
        "/workspace/../../canary",
        "link",
        "folder/canary",
        "hard",
        "~/canary",
        "/etc/hostname",
        "/proc/self/environ",
        "x\0y",
        "",
        str(room.layout.config),
        "/workspace/../openclaw.json",
    ]


async def test_adv_J11_K3_K4_every_file_tool_refuses_every_way_out(boxed: Room) -> None:
    await boxed.call("write", path="seed", content="x")
    for path in outside(boxed):
        for name, more in CASES.items():
            result: ToolResult = await boxed.call(name, path=path, **more)
            assert result.is_error, (name, path)
            assert "secret" not in result.plain
    assert (boxed.home / "canary").read_text() == "secret"


STATE_FILES = (
    "openclaw.json",
    "exec-approvals.json",
    "credentials/telegram-pairing.json",
    "agents/main/sessions/sessions.json",
    "agents/main/agent/auth-profiles.json",
    "identity/device.json",
    "ledger/2026-11.jsonl",
    "hooks/x/handler.py",
    "skills/x/SKILL.md",
)


@pytest.mark.parametrize("path", STATE_FILES)
@pytest.mark.parametrize("mode", ["off", "all"])
async def test_adv_P10_no_file_tool_changes_openclaws_own_state(tmp_path: Path, path: str, mode: str) -> None:
    room = Room(tmp_path, {"agents": {"defaults": {"sandbox": {"mode": mode}}}})
    target = room.layout.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("secret")
    for name in ("write", "edit"):
        result = await room.call(name, path=str(target), **CASES[name])
        assert result.is_error, name
    assert target.read_text() == "secret"
    if not path.startswith("skills"):
        assert (await room.call("read", path=str(target))).is_error


async def test_workspace_only_bounds_an_unsandboxed_session(tmp_path: Path) -> None:
    room = Room(tmp_path, {"tools": {"fs": {"workspaceOnly": True}}})
    (tmp_path / "canary").write_text("secret")
    result = await room.call("read", path=str(tmp_path / "canary"))
    assert result.is_error
    assert result.details["key"] == "tools.fs.workspaceOnly"
    free = Room(tmp_path)
    assert (await free.call("read", path=str(tmp_path / "canary"))).plain == "secret"


async def test_a_read_only_workspace_shows_the_agents_files_and_takes_no_write(tmp_path: Path) -> None:
    room = Room(tmp_path, {"agents": {"defaults": {"sandbox": {"mode": "all", "workspaceAccess": "ro"}}}})
    (room.workspace / "notes.md").write_text("hello")
    assert (await room.call("read", path="/agent/notes.md")).plain == "hello"
    assert (await room.call("write", path="/agent/notes.md", content="x")).is_error
    files = await room.places.files(room.run())
    for path in ("/agent/notes.md", "x"):
        with pytest.raises(Refused):
            files.write(path, b"x")


@pytest.mark.parametrize(
    ("path", "effects"),
    [
        ("new.txt", {Effect.WRITE}),
        ("old.txt", {Effect.WRITE, Effect.DESTROY}),
        ("AGENTS.md", {Effect.WRITE, Effect.CONFIG}),
        ("skills/x/SKILL.md", {Effect.WRITE, Effect.CONFIG}),
        ("memory/2026.md", {Effect.WRITE, Effect.CONFIG}),
        ("a/../MEMORY.md", {Effect.WRITE, Effect.CONFIG}),
    ],
)
async def test_writing_what_later_runs_obey_is_a_change_of_config(room: Room, path: str, effects: set[Effect]) -> None:
    (room.workspace / "old.txt").write_text("x")
    await room.call("write", path=path, content="x")
    assert room.ledger.of("tool.call")[-1].what["effects"] == sorted(effects)


async def test_the_tools_state_their_parameters() -> None:
    shapes: dict[str, Any] = {found.name: sorted(found.schema()["properties"]) for found in (read, write, edit)}
    assert shapes == {
        "read": ["limit", "offset", "path"],
        "write": ["content", "path"],
        "edit": ["newText", "oldText", "path"],
    }
