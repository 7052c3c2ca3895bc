"""exec on the gateway host: what is decided is what runs, in an environment built from nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from openclaw.policy.what.child_environment import FORBIDDEN, OVERRIDE_ONLY
from openclaw.policy.what.labels import Effect, Source
from openclaw.tools.contract import Requester
from openclaw.tools.exec_settings import LoginPath
from support.tools_room import OWNER, Room
from support.waiting import until

pytestmark = pytest.mark.asyncio

GATEWAY = {"tools": {"exec": {"host": "gateway"}}}


def config(**keys: Any) -> dict[str, Any]:
    return {"tools": {"exec": {"host": "gateway", **keys}}}


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    found = Room(tmp_path, GATEWAY)
    yield found
    await found.close()


# Where


@pytest.mark.parametrize(
    ("mode", "host", "asked", "refused"),
    [
        ("all", None, "gateway", True),
        ("all", None, "node", True),
        ("off", None, "gateway", True),
        ("off", "gateway", "sandbox", True),
        ("off", "gateway", "node", True),
        ("off", "gateway", " GATEWAY ", False),
        ("off", "gateway", "elsewhere", False),
        ("off", "gateway", None, False),
    ],
)
async def test_adv_H16_a_call_cannot_choose_another_host(
    tmp_path: Path, mode: str, host: str | None, asked: str | None, refused: bool
) -> None:
    document: dict[str, Any] = {"agents": {"defaults": {"sandbox": {"mode": mode}}}, "tools": {"exec": {}}}
    if host:
        document["tools"]["exec"]["host"] = host
    room = Room(tmp_path, document)
    room.allow("/usr/bin/touch")
    more: dict[str, Any] = {"host": asked} if asked else {}
    result = await room.call("exec", command="touch ran", **more)
    assert result.is_error == refused
    if refused:
        assert result.plain == (
            f"exec host not allowed (requested {asked}; configure tools.exec.host={asked} to allow)."
        )
        assert not list(room.workspace.iterdir())
    await room.close()


async def test_this_build_has_no_nodes(tmp_path: Path) -> None:
    room = Room(tmp_path, {"tools": {"exec": {"host": "node"}}})
    assert "exec" not in {tool.name for tool in room.gate.offered(room.run()).tools}
    result = await room.call("exec", command="echo x")
    assert result.is_error
    assert "no nodes yet" in result.plain
    await room.close()


async def test_exec_is_not_offered_where_the_host_denies_everything(room: Room) -> None:
    def offered() -> bool:
        return "exec" in {tool.name for tool in room.gate.offered(room.run()).tools}

    assert offered()
    room.allow(security="deny")
    assert not offered()
    room.layout.exec_approvals.write_text("{broken")
    assert not offered()
    refused = (await room.call("exec", command="id")).plain
    assert refused.startswith("exec denied: host=gateway security=deny; ")
    assert refused.endswith("is mended: openclaw approvals set --file F")


# What runs


async def test_an_allowlisted_program_runs_and_its_use_is_noted(room: Room) -> None:
    room.allow("/usr/bin/ls")
    (room.workspace / "file").write_text("")
    assert (await room.call("exec", command="ls")).plain == "file\n"
    entry = json.loads(room.layout.exec_approvals.read_text())["agents"]["main"]["allowlist"][0]
    assert (entry["lastUsedCommand"], entry["lastResolvedPath"]) == ("ls", "/usr/bin/ls")


async def test_a_miss_asks_or_denies(room: Room) -> None:
    result = await room.call("exec", command="id")
    assert result.details["status"] == "approval-pending"
    result = await room.call("exec", command="id", ask="off")
    assert result.details["status"] == "approval-pending"
    room.configure(config(ask="off"))
    result = await room.call("exec", command="id")
    assert (result.is_error, result.plain) == (True, "exec denied: allowlist miss")
    result = await room.call("exec", command="id", security="deny")
    assert (result.is_error, result.plain) == (True, "exec denied: host=gateway security=deny")


async def test_a_call_can_only_tighten(room: Room) -> None:
    result = await room.call("exec", command="id > x", security="full", ask="off")
    assert result.details["status"] == "approval-pending"
    assert room.approvals.pending()[0].view.security == "allowlist"
    assert not (room.workspace / "x").exists()


@pytest.mark.parametrize("flag", ["approved", "approvalDecision", "runId", "approvalId"])
async def test_adv_H1_a_call_cannot_bring_its_own_approval(room: Room, flag: str) -> None:
    more: dict[str, Any] = {flag: "allow-once"}
    result = await room.call("exec", command="touch canary", **more)
    assert result.is_error
    assert "extra inputs are not permitted" in result.plain
    assert room.approvals.pending() == ()


@pytest.mark.parametrize("program", ["ping", "nslookup", "dig", "host", "curl", "wget", "nc"])
async def test_adv_P11_programs_that_reach_the_network_are_never_allowed_by_default(room: Room, program: str) -> None:
    result = await room.call("exec", command=f"{program} example.org")
    assert result.details["status"] == "approval-pending"


async def test_an_agent_has_settings_of_its_own(tmp_path: Path) -> None:
    document = config(envAllow=["FROM_ALL"])
    document["agents"] = {
        "list": [{"id": "main", "tools": {"exec": {"security": "full", "ask": "off", "envAllow": ["MINE"]}}}]
    }
    room = Room(tmp_path, document)
    assert (await room.call("exec", command="echo $((2)) $MINE", env={"MINE": "x"})).plain == "2 x\n"
    assert (await room.call("exec", command="id", env={"FROM_ALL": "x"})).is_error
    await room.close()


async def test_full_security_runs_the_text_with_the_users_shell(tmp_path: Path) -> None:
    room = Room(tmp_path, config(security="full", ask="off"))
    result = await room.call("exec", command='x=a; [[ $x == a ]] && echo "$BASH_VERSION" | wc -l')
    assert result.plain == "1\n"
    room.allow(security="allowlist")
    assert (await room.call("exec", command="id")).plain == "exec denied: allowlist miss"
    await room.close()


async def test_without_sandbox_and_host_the_gateway_runs_it_without_asking(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.allow(security="deny")
    assert (await room.call("exec", command="echo $((1+1))")).plain == "2\n"
    await room.close()


async def test_adv_H7_what_runs_is_the_plan_and_not_the_text(room: Room) -> None:
    """The words go to the program as they were judged; no shell reads them again."""
    room.allow("/usr/bin/printf")
    (room.workspace / "a b").write_text("")
    result = await room.call("exec", command="printf '%s|' 'a  b' \"c\\\"d\" e\\ f ~ '*' -- '$(id)'")
    assert result.plain == f'a  b|c"d|e f|{room.home}|*|--|$(id)|'
    result = await room.call("exec", command="printf '%s|' * $HOME")
    assert result.plain == f"a b|{room.home}|"


async def test_a_builtin_never_stands_in_for_an_allowed_file(room: Room) -> None:
    room.allow("/usr/bin/printf", "/usr/bin/test")
    await room.call("exec", command="printf -v 'a[$(touch canary)]' x")
    await room.call("exec", command="test -v 'a[$(touch canary)]' $HOME")
    assert not (room.workspace / "canary").exists()


async def test_pipes_and_chains_of_a_plan(room: Room) -> None:
    room.allow("/usr/bin/printf", "/usr/bin/false", "/usr/bin/true")
    result = await room.call(
        "exec", command="printf 'b\\na\\n' | tail -n 1 | tr a-z A-Z && false || printf x; printf y"
    )
    assert result.plain == "A\nxy"


CANARY = (
    "ls; touch canary",
    "ls && touch canary",
    "ls | touch canary",
    "ls $(touch canary)",
    "ls `touch canary`",
    'ls "$(touch canary)"',
    "ls > canary",
    "ls\ntouch canary",
    "ls & touch canary",
    "ls <(touch canary)",
    "X=1 touch canary",
    "ls # '\ntouch canary #'",
    "$'\\164ouch' canary",
    "ls ${x:-$(touch canary)}",
    "ls <<< $(touch canary)",
    "env touch canary",
    "xargs touch canary",
    "time touch canary",
    "if true; then touch canary; fi",
    "eval touch canary",
    "exec touch canary",
    "command touch canary",
    "sh -c 'touch canary'",
    "\\touch canary",
    "./../../../usr/bin/touch canary",
    "t?uch canary",
    "l{s,s} ; touch canary",
    "coproc touch canary",
    "function ls { touch canary; }; ls",
    "alias ls='touch canary'; ls",
    "ls |& touch canary",
    "! touch canary",
    "( touch canary )",
    "{ touch canary; }",
    "ls\u2028touch canary",
    "ls\u00a0; touch canary",
)


@pytest.mark.parametrize("command", CANARY)
async def test_adv_H7_no_hidden_second_command_runs(room: Room, command: str) -> None:
    room.configure(config(ask="off"))
    room.allow("/usr/bin/ls", "/usr/bin/env")
    result = await room.call("exec", command=command)
    assert result.is_error
    assert not (room.workspace / "canary").exists()


# Environment


@pytest.mark.parametrize("document", [{}, GATEWAY])
async def test_adv_I2_dangerous_variables_fail_the_call(tmp_path: Path, document: dict[str, Any]) -> None:
    room = Room(tmp_path, document)
    names = {*FORBIDDEN, *OVERRIDE_ONLY} - {"PAGER", "GIT_PAGER"}
    for name in sorted(names | {"LD_PRELOAD", "DYLD_X", "OPENCLAW_X", "X_TOKEN"}):
        result = await room.call("exec", command="env; touch ran", env={name: "canary"})
        assert result.is_error, name
        assert "Security Violation" in result.plain
        assert "canary" not in result.plain
    assert not (room.workspace / "ran").exists()
    await room.close()


async def test_a_variable_that_is_not_listed_fails_the_call(tmp_path: Path) -> None:
    room = Room(tmp_path, {"tools": {"exec": {"envAllow": ["MY_VAR"]}}})
    result = await room.call("exec", command="env", env={"OTHER": "x"})
    assert result.plain == "Environment variable 'OTHER' is not in tools.exec.envAllow."
    assert result.details["key"] == "tools.exec.envAllow"
    result = await room.call("exec", command="echo $MY_VAR $LC_ALL", env={"MY_VAR": "mine", "LC_ALL": "C"})
    assert result.plain == "mine C\n"
    assert "PATH" in (await room.call("exec", command="env", env={"PATH": "/x"})).plain
    await room.close()


async def test_adv_I2_the_environment_is_built_from_lists(tmp_path: Path) -> None:
    gateway = {
        "PATH": "/usr/bin:relative::/bin:/usr/bin",
        "HOME": "/home/me",
        "TERM": "xterm",
        "LC_CTYPE": "C",
        "UNLISTED": "canary",
        "OPENCLAW_GATEWAY_TOKEN": "canary",
        "LD_PRELOAD": "canary",
        "PASSED": "on",
        "BASH_ENV": "canary",
    }
    document = {
        "tools": {
            "exec": {"envInherit": ["PASSED", "LD_PRELOAD", "OPENCLAW_GATEWAY_TOKEN"], "pathPrepend": ["/opt/x", "rel"]}
        }
    }
    room = Room(tmp_path, document, env=gateway)
    result = await room.call("exec", command="env -0 | tr '\\0' '\\n' | grep -v '^_=\\|^PWD=\\|^SHLVL='")
    values = dict(line.split("=", 1) for line in result.plain.splitlines())
    assert values == {
        "PATH": "/opt/x:/usr/bin:/bin",
        "HOME": "/home/me",
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "LC_CTYPE": "C",
        "PASSED": "on",
        "SHELL": "/bin/bash",
        "OPENCLAW_SHELL": "exec",
    }
    await room.close()


async def test_adv_I6_the_shell_variable_is_never_run(tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\n")
    evil.chmod(0o755)
    room = Room(tmp_path, env={"SHELL": str(evil)})
    assert (await room.call("exec", command="echo $SHELL")).plain == "/bin/bash\n"
    assert not (tmp_path / "canary").exists()
    await room.close()


async def test_the_login_shell_is_asked_for_path_once_and_only_when_asked_to(tmp_path: Path) -> None:
    count = tmp_path / "count"
    shell = tmp_path / "shell"
    shell.write_text(f"#!/bin/sh\necho x >> {count}\necho noise\nprintf '\\n/login/bin:/usr/bin'\n")
    shell.chmod(0o755)
    off = LoginPath(enabled=False, home=tmp_path, shell=lambda: str(shell))
    assert await off.get() == ""
    assert not count.exists()
    on = LoginPath(enabled=True, home=tmp_path, shell=lambda: str(shell))
    assert [await on.get(), await on.get()] == ["/login/bin:/usr/bin"] * 2
    assert count.read_text() == "x\n"
    broken = LoginPath(enabled=True, home=tmp_path, shell=lambda: "/nowhere/sh")
    assert await broken.get() == ""


# Elevated

ELEVATED = {"elevated": {"allowFrom": {"telegram": ["42"], "webchat": ["op"]}}, "exec": {}}
BOXED = {"agents": {"defaults": {"sandbox": {"mode": "all"}}}, "tools": ELEVATED}


def sender(ident: str = "42", **facts: Any) -> Requester:
    return Requester(channel="telegram", source=facts.pop("source", Source.PAIRED), sender_id=ident, **facts)


async def test_elevated_asks_on_the_gateway_host(tmp_path: Path) -> None:
    room = Room(tmp_path, BOXED)
    result = await room.call("exec", command="hostname > x", elevated=True)
    assert result.details["status"] == "approval-pending"
    assert (result.details["host"], result.details["cwd"]) == ("gateway", str(room.workspace))
    await room.close()


async def test_elevated_full_runs_at_once_unless_the_host_says_no(tmp_path: Path) -> None:
    room = Room(tmp_path, BOXED)
    run = room.run(elevated_level="full")
    assert (await room.call("exec", run, command="pwd")).plain == f"{room.workspace}\n"
    assert (await room.call("exec", run, command="pwd", elevated=False)).plain == "/workspace\n"
    room.allow(security="deny")
    assert "security=deny" in (await room.call("exec", run, command="pwd")).plain
    room.allow(ask="always")
    assert (await room.call("exec", run, command="pwd")).details["status"] == "approval-pending"
    room.allow()
    assert (await room.call("exec", run, command="pwd > x", security="allowlist", ask="on-miss")).details[
        "status"
    ] == "approval-pending"
    await room.close()


@pytest.mark.parametrize(
    ("requester", "session", "gate"),
    [
        (sender("43"), "agent:main:main", "allowFrom"),
        (sender("42", chat_type="group", group_id="-1"), "agent:main:telegram:group:-1", "mention"),
        (sender("42", source=Source.CRON), "agent:main:cron:x", "origin"),
        (sender("42", source=Source.HOOK), "agent:main:hook:x", "origin"),
        (OWNER, "agent:main:subagent:1", "origin"),
        (Requester(channel="", source=Source.OWNER, sender_id="42"), "agent:main:main", "provider"),
    ],
)
async def test_elevation_in_vain_names_every_failing_gate(
    tmp_path: Path, requester: Requester, session: str, gate: str
) -> None:
    room = Room(tmp_path, BOXED)
    result = await room.call("exec", room.run(session, requester=requester), command="id", elevated=True)
    assert result.is_error
    assert f"{gate} (" in result.plain
    assert f"session={session}" in result.plain
    assert "tools.elevated.allowFrom.<channel>" in result.plain
    assert (
        await room.call("exec", room.run(session, requester=requester, elevated_level="full"), command="pwd")
    ).plain == "/workspace\n"
    await room.close()


async def test_a_mentioned_sender_on_the_list_may_elevate_in_a_group(tmp_path: Path) -> None:
    room = Room(tmp_path, BOXED)
    who = sender("42", chat_type="group", group_id="-1", mentioned=True)
    run = room.run("agent:main:telegram:group:-1", requester=who)
    assert (await room.call("exec", run, command="id > x", elevated=True)).details["status"] == "approval-pending"
    await room.close()


async def test_elevation_never_lifts_the_tool_policy(tmp_path: Path) -> None:
    room = Room(tmp_path, {**BOXED, "tools": {**ELEVATED, "deny": ["exec"]}})
    result = await room.call("exec", room.run(elevated_level="full"), command="touch canary", elevated=True)
    assert result.details["status"] == "refused"
    assert not (room.workspace / "canary").exists()
    await room.close()


# Overrides of the session, effects


async def test_session_values_stand_above_the_config_and_below_the_file(room: Room) -> None:
    run = room.run(exec_overrides={"security": "full", "ask": "off"})
    assert (await room.call("exec", run, command="echo $((3))")).plain == "3\n"
    room.allow(security="allowlist")
    assert (await room.call("exec", run, command="echo $((3))")).plain == "exec denied: allowlist miss"


@pytest.mark.parametrize(
    ("command", "effects"),
    [
        ("ls", {Effect.EXEC_HOST}),
        ("curl https://x", {Effect.EXEC_HOST, Effect.EGRESS}),
        ("rm -rf x", {Effect.EXEC_HOST, Effect.DESTROY}),
    ],
)
async def test_what_a_line_is_known_for_is_stated(room: Room, command: str, effects: set[Effect]) -> None:
    await room.call("exec", command=command)
    assert room.ledger.of("tool.call")[-1].what["effects"] == sorted(effects)


async def test_a_finished_plan_is_the_agents_to_poll(room: Room) -> None:
    room.allow("/usr/bin/sleep")
    result = await room.call("exec", command="sleep 0.2", yieldMs=10)
    await until(lambda: bool(room.events.lines))
    assert room.events.texts == [f"Exec completed ({result.details['sessionId'][:8]}, code 0)"]
