"""exec in the sandbox: real jails from a real config, and nothing when they cannot be made."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from openclaw.policy.where.sandbox_mode import SandboxBackend
from openclaw.system.child_output import BoundedText
from openclaw.system.errors import Unavailable
from openclaw.system.processes import OutputSink, Process
from openclaw.tools.sandbox.backend import BackendName, Jail, Probe
from openclaw.tools.sandbox.select import Sandboxes
from openclaw.tools.sandbox.settings import JailSettings
from support.tools_room import MAIN, Room
from support.waiting import until

pytestmark = [pytest.mark.asyncio, pytest.mark.sandbox]


def boxed(
    docker: Mapping[str, Any] | None = None, tools: Mapping[str, Any] | None = None, **sandbox: Any
) -> dict[str, Any]:
    block = {"mode": "all", **sandbox}
    if docker:
        block["docker"] = dict(docker)
    return {"agents": {"defaults": {"sandbox": block}}, **({"tools": dict(tools)} if tools else {})}


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    found = Room(tmp_path, boxed())
    yield found
    await found.close()


class Broken:
    """A back end that never works."""

    @property
    def name(self) -> BackendName:
        return "bwrap"

    async def probe(self) -> Probe:
        return Probe(usable=False, detail="out of order")

    async def start(
        self,
        jail: Jail,
        script: str,
        *,
        cwd: str,
        env: Mapping[str, str],
        output: BoundedText,
        sink: OutputSink | None = None,
    ) -> Process:
        raise AssertionError("nothing may be started")


async def test_commands_and_file_tools_share_the_workspace(room: Room) -> None:
    await room.call("write", path="in.txt", content="from the tool\n")
    result = await room.call("exec", command="cat in.txt; echo from the jail > out.txt; pwd")
    assert result.plain == "from the tool\n/workspace\n"
    assert (await room.call("read", path="/workspace/out.txt")).plain == "from the jail\n"
    assert not (await room.call("edit", path="out.txt", oldText="jail", newText="tool")).is_error
    assert (await room.call("exec", command="echo more >> out.txt; cat out.txt")).plain == "from the tool\nmore\n"


async def test_neither_the_host_nor_the_state_is_visible(room: Room) -> None:
    canary = room.layout.root / "credentials"
    canary.mkdir()
    (canary / "token").write_text("secret")
    script = f"cat {canary}/token {room.layout.config} /etc/passwd; ls {room.home} {room.layout.root} /root /home"
    result = await room.call("exec", command=script)
    assert "secret" not in result.plain
    assert result.plain.count("No such file or directory") == 7


async def test_adv_P13_a_sandboxed_session_runs_nothing_on_the_host(room: Room) -> None:
    result = await room.call("exec", command=f"touch {room.home}/canary; touch /tmp/canary; ls /tmp; hostname")
    assert result.plain.endswith("canary\nopenclaw-sbx\n")
    assert not (room.home / "canary").exists()
    assert "canary" not in (await room.call("exec", command="ls /tmp")).plain


async def test_security_and_ask_are_not_consulted_inside(tmp_path: Path) -> None:
    room = Room(tmp_path, boxed(tools={"exec": {"security": "deny", "ask": "always"}}))
    room.allow(security="deny")
    assert (await room.call("exec", command="echo $((1+1))", ask="always")).plain == "2\n"
    await room.close()


async def test_the_environment_inside_is_exactly_the_stated_one(tmp_path: Path) -> None:
    config = boxed({"env": {"FROM_CONFIG": "a"}}, tools={"exec": {"envInherit": ["PASSED"]}})
    env = {"PATH": "/home/me/bin:/usr/bin:relative:/bin", "OPENCLAW_GATEWAY_TOKEN": "canary", "PASSED": "no"}
    room = Room(tmp_path, config, env=env)
    result = await room.call("exec", command="env", env={"LD_X": "inside is free", "FROM_CALL": "$(id)"})
    values = dict(line.split("=", 1) for line in result.plain.splitlines())
    assert values == {
        "PATH": "/usr/bin:/bin",
        "HOME": "/workspace",
        "FROM_CONFIG": "a",
        "FROM_CALL": "$(id)",
        "LD_X": "inside is free",
        "OPENCLAW_SHELL": "exec",
        "PWD": "/workspace",
    }
    bad = await room.call("exec", command="env", env={"A B": "x"})
    assert "not a usable name" in bad.plain
    await room.close()


async def test_adv_I1_a_prepended_path_is_never_read_as_shell_text(tmp_path: Path) -> None:
    folders = ["/workspace/bin", "/x$(touch /workspace/canary)", '/y";touch /workspace/canary;"']
    room = Room(tmp_path, boxed(tools={"exec": {"pathPrepend": folders}}))
    result = await room.call("exec", command="echo $PATH; env | grep -c OPENCLAW_PREPEND_PATH; ls")
    assert result.plain.splitlines()[0] == ":".join([*folders, "/usr/bin", "/bin"])
    assert result.plain.splitlines()[1:] == ["0"]
    await room.close()


@pytest.mark.parametrize(
    ("workdir", "shown"),
    [
        ("sub", "/workspace/sub"),
        ("/workspace/sub", "/workspace/sub"),
        ("./sub/.", "/workspace/sub"),
        (None, "/workspace"),
    ],
)
async def test_a_workdir_is_mapped_into_the_jail(room: Room, workdir: str | None, shown: str) -> None:
    await room.call("exec", command="mkdir -p sub")
    more: dict[str, Any] = {"workdir": workdir} if workdir else {}
    result = await room.call("exec", command="pwd", **more)
    assert (result.plain, result.details["cwd"]) == (f"{shown}\n", shown)


@pytest.mark.parametrize("workdir", ["/etc", "..", "/workspace/../..", "link", "~"])
async def test_a_workdir_outside_is_refused(room: Room, workdir: str) -> None:
    await room.call("exec", command="ln -s / link")
    result = await room.call("exec", command="touch canary", workdir=workdir)
    assert result.is_error
    assert result.details["why"] in {"outside", "symlink"}
    assert "canary" not in (await room.call("exec", command="ls")).plain


async def test_a_missing_workdir_falls_back_with_a_warning(room: Room) -> None:
    result = await room.call("exec", command="pwd", workdir="nope")
    assert result.plain == 'Warning: workdir "nope" is unavailable; using "/workspace".\n\n/workspace\n'


async def test_the_agents_workspace_appears_as_configured(tmp_path: Path) -> None:
    for access, inside, writable in (("ro", "/agent", False), ("rw", "/workspace", True)):
        room = Room(tmp_path, boxed(workspaceAccess=access))
        (room.workspace / "note").write_text("hello\n")
        result = await room.call("exec", command=f"cat {inside}/note; echo x > {inside}/made")
        assert result.plain.startswith("hello\n")
        assert (room.workspace / "made").exists() == writable
        await room.close()


async def test_under_ro_the_jails_own_folder_stays_writable(tmp_path: Path) -> None:
    room = Room(tmp_path, boxed(workspaceAccess="ro"))
    assert (await room.call("exec", command="echo x > mine; cat mine; ls /agent")).plain == "x\n"
    assert (await room.call("exec", command="pwd", workdir="/agent")).plain == "/agent\n"
    await room.close()


async def test_sessions_of_other_scopes_do_not_meet(tmp_path: Path) -> None:
    room = Room(tmp_path, boxed(scope="session"))
    await room.call("exec", command="echo mine > note")
    other = room.run("agent:main:telegram:group:-1")
    assert "No such file" in (await room.call("exec", other, command="cat note")).plain
    assert (await room.call("exec", command="cat note")).plain == "mine\n"
    await room.close()


async def test_the_child_of_a_sandboxed_session_is_sandboxed(tmp_path: Path) -> None:
    room = Room(tmp_path)
    child = room.run("agent:main:subagent:1", parent_sandboxed=True)
    assert (await room.call("exec", child, command="hostname")).plain == "openclaw-sbx\n"
    await room.close()


# Fail closed


async def test_without_a_back_end_nothing_runs(tmp_path: Path) -> None:
    for backends in ((), (Broken(),)):
        room = Room(tmp_path, boxed(), backends=backends)
        result = await room.call("exec", command=f"touch {tmp_path}/canary")
        assert result.is_error
        assert "The sandbox is not available" in result.plain
        assert "Nothing was run" in result.plain
        assert not (tmp_path / "canary").exists()
        await room.close()


@pytest.mark.parametrize(
    ("docker", "part"),
    [
        ({"network": "host"}, "network"),
        ({"network": "bridge"}, "network"),
        ({"network": "container:x"}, "network"),
        ({"setupCommand": "apt-get update"}, "setupCommand"),
        ({"binds": ["/etc:/x"]}, "binds"),
        ({"binds": ["/var/run/docker.sock:/x"]}, "binds"),
        ({"binds": ["/opt:/x"]}, "dangerouslyAllowExternalBindSources"),
        ({"tmpfs": ["/usr"]}, "tmpfs"),
    ],
)
async def test_adv_J1_J2_what_a_jail_may_not_hold_stops_the_command(
    tmp_path: Path, docker: dict[str, Any], part: str
) -> None:
    room = Room(tmp_path, boxed(docker))
    result = await room.call("exec", command="echo ran")
    assert result.is_error
    assert part in result.plain
    assert "ran" not in result.plain.split()
    await room.close()


async def test_a_configured_mount_is_inside(tmp_path: Path) -> None:
    shared = tmp_path / ".openclaw/workspace/shared"
    shared.mkdir(parents=True)
    (shared / "note").write_text("hi\n")
    room = Room(tmp_path, boxed({"binds": [f"{shared}:/data:ro"]}))
    result = await room.call("exec", command="cat /data/note; ( : > /data/x ) 2>&1 | grep -c only")
    assert result.plain == "hi\n1\n"
    await room.close()


@pytest.mark.parametrize("wanted", [SandboxBackend.DOCKER, SandboxBackend.SEATBELT])
async def test_a_back_end_that_is_not_there_is_never_replaced(wanted: SandboxBackend) -> None:
    with pytest.raises(Unavailable, match=str(wanted)):
        await Sandboxes.of_machine(uid=os.geteuid()).choose(wanted, JailSettings())


async def test_auto_finds_bubblewrap_and_reports_it() -> None:
    machine = Sandboxes.of_machine(uid=os.geteuid())
    assert (await machine.choose(SandboxBackend.AUTO, JailSettings())).name == "bwrap"
    (report,) = await machine.report()
    assert report.probe.usable


# Background, end


async def test_a_background_command_in_the_jail(room: Room) -> None:
    result = await room.call("exec", command="read x; echo got $x", background=True, pty=True)
    session = result.details["sessionId"]
    await room.call("process", action="write", sessionId=session, data="it\n")
    await until(lambda: bool(room.events.lines))
    assert room.events.lines[0][:2] == (MAIN, f"Exec completed ({session[:8]}, code 0) :: got it")


async def test_a_shell_in_the_jail_may_be_fed(room: Room) -> None:
    result = await room.call("exec", command="sh", background=True)
    session = result.details["sessionId"]
    await room.call("process", action="write", sessionId=session, data="hostname\n", eof=True)
    await until(lambda: bool(room.events.lines))
    assert "openclaw-sbx" in (await room.call("process", action="log", sessionId=session)).plain


async def test_a_time_limit_ends_the_jail(room: Room) -> None:
    beat = room.places.workspace(room.run()).active / "beat"
    script = "(setsid sh -c 'while :; do date +%N > beat; sleep 0.02; done' &) ; sleep 60"
    result = await room.call("exec", command=script, timeout=0.5)
    assert "timed out after 0.5 seconds" in result.plain
    before = beat.read_text()
    await asyncio.sleep(0.15)
    assert beat.read_text() == before


async def test_what_ran_is_in_the_ledger(room: Room) -> None:
    await room.call("exec", command="true")
    call, result = room.ledger.entries
    assert call.what["effects"] == ["exec-sandbox"]
    assert result.ran is not None
    assert (result.ran["backend"], result.ran["network"]) == ("bwrap", "none")


async def test_media_of_a_message_come_in(room: Room) -> None:
    room.layout.media.mkdir()
    source = room.layout.media / "cat.jpg"
    source.write_bytes(b"meow")
    staged = await room.places.stage_media(room.run(), (str(source), "/etc/hostname"))
    assert staged == {str(source): "media/inbound/cat.jpg"}
    assert (
        await room.call("exec", command="cat media/inbound/cat.jpg; echo x >> media/inbound/cat.jpg")
    ).plain == "meow"
