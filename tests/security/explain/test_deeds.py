"""What explain says of commands, paths, URLs and methods is what the tools and the gateway do."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openclaw.policy.verdict import Outcome
from openclaw.policy.where.scopes import OPERATIONS, authorize
from openclaw.security.explain import deeds, runs
from openclaw.security.explain.answer import Answer
from openclaw.security.explain.world import World
from openclaw.tools.contract import RunContext
from support.explaining import Names, asked, world_of
from support.tools_room import Room


def main_run(world: World) -> RunContext | None:
    return runs.session_run(world, None, None)


def command(world: World, line: str, **more: Any) -> Answer:
    return asked(world, partial(deeds.command, run_of=main_run, line=line, **more), search=False)


HOST = {"tools": {"exec": {"host": "gateway"}}}
LINES = (
    "true",
    "/usr/bin/true",
    "true | wc -c",
    "true && /usr/bin/id -u",
    "id",
    "sh -c true",
    "echo $(id)",
    "no-such-program",
    "  ",
)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "knobs", [{}, {"security": "full"}, {"security": "full", "ask": "always"}, {"ask": "off"}, {"security": "deny"}]
)
async def test_a_command_does_what_explain_says(knobs: dict[str, str], tmp_path: Path) -> None:
    document = {"tools": {"exec": {"host": "gateway", **knobs}}}
    world = world_of(tmp_path, document)
    room = Room(tmp_path, document)
    room.layout.root.chmod(0o700)
    room.allow("/usr/bin/true")
    world.seen.layout.exec_approvals.write_bytes(room.layout.exec_approvals.read_bytes())
    world.seen.layout.exec_approvals.chmod(0o600)
    world = World.of_disk(world.seen.layout, world.seen.environment)
    try:
        for line in LINES:
            answer = await deeds.command(world, main_run, line)
            result = await room.call("exec", room.run(), command=line)
            status = result.details.get("status")
            if status == "approval-pending":
                assert answer.outcome == "asks a person", line
            elif result.is_error and status is None:
                assert answer.outcome == "refused", (line, result.plain)
            else:
                assert answer.outcome == "runs", (line, result.plain)
    finally:
        await room.close()


def test_a_command_names_its_programs_and_what_is_missing(tmp_path: Path) -> None:
    answer = command(world_of(tmp_path, HOST), "ls -la | wc -l")
    assert [reason.rule for reason in answer.trail] == [
        "exec.gateway",
        "segment.allowlist-miss",
        "segment.safe-bin",
        "allowlist-miss",
    ]
    assert answer.details["programs"] == ["/usr/bin/ls", "/usr/bin/wc"]
    assert answer.tokens == ("/usr/bin/ls",)


def test_without_a_sandbox_and_approvals_a_command_runs_unchecked_and_explain_says_so(tmp_path: Path) -> None:
    answer = command(world_of(tmp_path, {}), "rm -rf /")
    assert (answer.outcome, answer.details["approvals"]) == ("runs", False)
    assert answer.trail[-1].rule == "exec.unsandboxed-host"


def test_a_sandbox_that_no_back_end_gives_refuses_every_command(tmp_path: Path) -> None:
    document = {"agents": {"defaults": {"sandbox": {"mode": "all", "docker": {"network": "bridge"}}}}}
    world = world_of(tmp_path, document)
    answer = command(world, "ls")
    assert (answer.outcome, answer.trail[-1].rule) == ("refused", "sandbox.unavailable")


def test_elevation_that_the_gates_refuse_fails_the_command(tmp_path: Path) -> None:
    boxed = {"agents": {"defaults": {"sandbox": {"mode": "all"}}}}
    answer = command(world_of(tmp_path, boxed), "ls", elevated=True)
    assert (answer.outcome, answer.trail[-1].rule) == ("refused", "elevated.allowFrom")


def test_a_command_without_the_tool_is_refused_by_the_list_that_took_it(tmp_path: Path) -> None:
    answer = command(world_of(tmp_path, {"tools": {"deny": ["exec"]}}), "ls")
    assert (answer.outcome, answer.trail[-1].key) == ("refused", "tools.deny")


def test_a_node_and_a_missing_workspace_are_said_so(tmp_path: Path) -> None:
    node = command(world_of(tmp_path, {"tools": {"exec": {"host": "node"}}}), "ls")
    assert (node.outcome, node.trail[-1].rule) == ("refused", "exec.no-nodes")
    gone = command(world_of(tmp_path, {**HOST, "agents": {"defaults": {"workspace": str(tmp_path / "no")}}}), "ls")
    assert (gone.outcome, gone.trail[-1].rule) == ("refused", "workspace-missing")


# Paths


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "document",
    [{}, {"tools": {"fs": {"workspaceOnly": True}}}, {"agents": {"defaults": {"sandbox": {"mode": "all"}}}}],
    ids=["open", "bounded", "sandbox"],
)
async def test_a_path_is_opened_where_explain_says_so(document: dict[str, Any], tmp_path: Path) -> None:
    world = world_of(tmp_path / "a", document) if _made(tmp_path / "a") else None
    assert world is not None
    room = Room(tmp_path / "b", document) if _made(tmp_path / "b") else None
    assert room is not None
    inside = tmp_path / "a" / "home" / ".openclaw" / "workspace"
    try:
        for folder in (inside, room.workspace):
            (folder / "note.txt").write_text("x")
            (folder / "link").symlink_to("/etc/hostname")
        for text in ("note.txt", "link", "/etc/hostname", "../x", "/proc/self/environ", "/dev/null", "a\0b"):
            answer = await deeds.path(world, main_run, text)
            result = await room.call("read", room.run(), path=text)
            if "note" in answer.details:
                continue  # the sandbox workspace of a session that never ran
            assert answer.allowed is not result.is_error, (text, answer, result.plain)
    finally:
        await room.close()


def _made(folder: Path) -> bool:
    folder.mkdir(mode=0o700)
    return True


@pytest.mark.parametrize(
    ("text", "write", "allowed", "rule"),
    [
        ("note.txt", False, True, "inside"),
        ("new/deep.txt", True, True, "inside"),
        ("/etc/hostname", False, False, "outside"),
        ("link", False, False, "symlink"),
        ("", False, False, "malformed"),
    ],
)
def test_a_bounded_path_names_the_rule(text: str, write: bool, allowed: bool, rule: str, tmp_path: Path) -> None:
    world = world_of(tmp_path, {"tools": {"fs": {"workspaceOnly": True}}})
    workspace = tmp_path / "home" / ".openclaw" / "workspace"
    (workspace / "note.txt").write_text("x")
    (workspace / "link").symlink_to("/etc/hostname")
    answer = asked(world, partial(deeds.path, run_of=main_run, text=text, write=write), search=False)
    assert (answer.allowed, answer.trail[-1].rule) == (allowed, rule)
    assert sorted(found.name for found in workspace.iterdir()) == ["link", "note.txt"]


def test_the_config_file_is_refused_whatever_the_config_says(tmp_path: Path) -> None:
    world = world_of(tmp_path, {})
    answer = asked(world, partial(deeds.path, run_of=main_run, text=str(tmp_path / "openclaw.json")))
    assert (answer.allowed, answer.trail[-1].rule, answer.flip) == (False, "protected", None)


def test_a_sandbox_workspace_is_not_made_by_asking(tmp_path: Path) -> None:
    world = world_of(tmp_path, {"agents": {"defaults": {"sandbox": {"mode": "all"}}}})
    answer = asked(world, partial(deeds.path, run_of=main_run, text="note.txt"), search=False)
    assert answer.allowed
    assert "cannot be opened" in answer.details["note"]
    assert not (tmp_path / "sandboxes").exists()


# URLs


def with_names(world: World, **names: list[str]) -> World:
    known = {name.replace("_", "."): found for name, found in names.items()}
    return world.under(replace(world.seen, resolver=Names(known)))


@pytest.mark.parametrize(
    ("text", "allowed", "rule"),
    [
        ("https://good.example/x", True, "public"),
        ("https://bad.example/", False, "resolved-private-ip"),
        ("https://mixed.example/", False, "resolved-private-ip"),
        ("https://gone.example/", False, "unresolvable"),
        ("http://127.0.0.1/", False, "private-ip"),
        ("ftp://good.example/", False, "scheme"),
        ("http://localhost/", False, "hostname"),
        ("nonsense", False, "malformed"),
    ],
)
def test_a_url_is_judged_by_its_text_and_by_the_addresses_of_now(
    text: str, allowed: bool, rule: str, tmp_path: Path
) -> None:
    world = with_names(
        world_of(tmp_path, {}),
        good_example=["93.184.216.34"],
        bad_example=["10.0.0.5"],
        mixed_example=["93.184.216.34", "10.0.0.5"],
    )
    answer = asked(world, partial(deeds.url, text=text), search=False)
    assert (answer.allowed, answer.trail[-1].rule) == (allowed, rule)


def test_the_browser_has_exceptions_of_its_own(tmp_path: Path) -> None:
    world = world_of(tmp_path, {"browser": {"ssrfPolicy": {"allowedHostnames": ["10.0.0.5"]}}})
    assert not asked(world, partial(deeds.url, text="http://10.0.0.5/"), search=False).allowed
    assert asked(world, partial(deeds.url, text="http://10.0.0.5/", browser=True), search=False).allowed


# Methods


def test_every_operation_is_answered_as_the_gateway_answers_it(tmp_path: Path) -> None:
    world = world_of(tmp_path, {})
    for row in OPERATIONS:
        for scopes in ((), ("operator.read",), ("operator.write",), ("operator.admin",)):
            for role in ("operator", "node"):
                ask = partial(deeds.scope, method=row.name, scopes=scopes, role=role)
                answer, verdict = asked(world, ask, search=False), authorize(row.name, role, scopes)
                assert answer.allowed is (verdict.outcome is Outcome.ALLOW)
                assert answer.trail == verdict.reasons
