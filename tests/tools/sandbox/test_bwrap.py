"""Real jails: what is inside, what is not, and what happens when they cannot be made."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw.system.child_output import BoundedText
from openclaw.system.errors import InvalidInput, Unavailable
from openclaw.tools.sandbox import bwrap as bwrap_module
from openclaw.tools.sandbox.backend import MIB, Limits, Mount
from openclaw.tools.sandbox.bwrap import SANDBOX_UID, BwrapBackend, find_program, find_programs
from support.jails import ENV, backend, jail_at, run_in
from support.waiting import until

pytestmark = [pytest.mark.sandbox, pytest.mark.asyncio]

PYTHON = "/usr/bin/python3"
OWN_PID_NAMESPACE = str(Path("/proc/self/ns/pid").readlink())


@pytest.fixture
def work(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "ws"


async def test_the_probe_runs_a_command_and_says_what_bounds_it() -> None:
    found = await backend().probe()
    assert found.usable
    assert found.tree_limits in {"systemd", "cgroup", "rlimit"}
    assert "bubblewrap works" in found.detail


async def test_a_command_works_in_the_workspace(work: Path) -> None:
    status, text = await run_in(jail_at(work), "pwd; echo hello > made; cat made")
    assert (status.code, text) == (0, "/workspace\nhello\n")
    assert (work / "made").read_text() == "hello\n"


async def test_files_of_a_root_gateway_are_not_made_as_root(work: Path) -> None:
    await run_in(jail_at(work), ": > made")
    expected = SANDBOX_UID if os.geteuid() == 0 else os.geteuid()
    assert (work / "made").stat().st_uid == expected


async def test_no_host_files_are_visible(work: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("secret")
    script = (
        f"ls -A / | sort | tr '\\n' ' '; echo; cat {canary} /etc/passwd /etc/shadow /root/.bashrc /etc/hosts; ls /home"
    )
    _, text = await run_in(jail_at(work), script)
    listed = set(text.splitlines()[0].split())
    assert listed <= {
        "bin",
        "dev",
        "etc",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "proc",
        "run",
        "sbin",
        "tmp",
        "usr",
        "var",
        "workspace",
    }
    assert "secret" not in text
    assert text.count("No such file") == 6


async def test_adv_J5_no_root_no_capability_no_new_privileges(work: Path) -> None:
    _, text = await run_in(jail_at(work), "cat /proc/self/status; id -u")
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert text.splitlines()[-1] == str(SANDBOX_UID if os.geteuid() == 0 else os.geteuid())


async def test_the_root_and_the_system_are_read_only(work: Path) -> None:
    script = (
        "for f in /x /usr/x /dev/x /etc/x /bin/x; do ( : > $f ) 2>/dev/null && echo wrote $f; done; "
        ": > /tmp/y && echo tmp"
    )
    _, text = await run_in(jail_at(work), script)
    assert text == "tmp\n"


async def test_adv_J2_there_is_no_network_and_no_route(work: Path) -> None:
    script = (
        f"{PYTHON} - <<'E'\n"
        "import socket\n"
        "for family, address in ((socket.AF_INET, ('127.0.0.1', 9)), (socket.AF_INET, ('192.0.2.1', 80)), "
        "(socket.AF_INET6, ('::1', 9))):\n"
        "    try:\n"
        "        socket.socket(family).connect(address)\n"
        "        print('connected', address)\n"
        "    except OSError as error:\n"
        "        print('no')\n"
        "E\n"
        "sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' '; sed 1d /proc/net/route"
    )
    _, text = await run_in(jail_at(work), script)
    assert text == "no\nno\nno\nlo\n"


async def test_a_listener_of_the_host_is_out_of_reach(work: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        script = f"{PYTHON} -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}), 2)' 2>&1 | tail -n 1"
        _, text = await run_in(jail_at(work), script)
    assert "Error" in text


async def test_abstract_sockets_of_the_host_are_out_of_reach(work: Path) -> None:
    import socket

    name = "\0openclaw-test-" + work.parent.name
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        source = f'import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + "{name[1:]}")'
        _, text = await run_in(jail_at(work), f"{PYTHON} -c '{source}' 2>&1 | tail -n 1")
    assert "refused" in text.lower() or "error" in text.lower()


async def test_it_has_its_own_processes_host_name_and_users(work: Path) -> None:
    _, text = await run_in(jail_at(work), "hostname; ls /proc | grep -c '^[0-9]'; echo $$; readlink /proc/self/ns/pid")
    host, count, pid, namespace = text.splitlines()
    assert host == "openclaw-sbx"
    assert int(count) < 10
    assert int(pid) < 10
    assert namespace != OWN_PID_NAMESPACE


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",
        "unshare(0x00020000)",
        "mount(b'x', b'/tmp', b'tmpfs', 0, None)",
        "umount2(b'/workspace', 2)",
        "ptrace(16, 1, 0, 0)",
        "setns(0, 0)",
        "syscall(321, 0, 0, 0)",
        "syscall(425, 1, 0)",
        "syscall(323, 0)",
        "syscall(250, 0, 0, 0, 0, 0)",
        "syscall(56, 0x10000011, 0, 0, 0, 0)",
    ],
)
async def test_seccomp_refuses(work: Path, call: str) -> None:
    if "syscall" in call and os.uname().machine != "x86_64":
        call = "unshare(0)"
    script = f'{PYTHON} -c "import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.{call}, ctypes.get_errno())"'
    _, text = await run_in(jail_at(work), script)
    assert text == "-1 1\n"


async def test_nothing_is_typed_into_a_terminal(work: Path) -> None:
    script = (
        f"{PYTHON} - <<'E'\n"
        "import fcntl, os\n"
        "master, slave = os.openpty()\n"
        "for request in (0x5412, 0x541C):\n"
        "    try:\n"
        "        fcntl.ioctl(slave, request, b'x')\n"
        "        print('typed')\n"
        "    except OSError as error:\n"
        "        print(error.errno)\n"
        "E\n"
    )
    _, text = await run_in(jail_at(work), script)
    assert text == "1\n1\n"


async def test_threads_and_processes_still_work(work: Path) -> None:
    source = (
        "import threading, subprocess; t = threading.Thread(target=print, args=('thread',), kwargs=dict(flush=True)); "
        "t.start(); t.join(); subprocess.run(['/bin/echo', 'child'])"
    )
    script = f'{PYTHON} -c "{source}"'
    _, text = await run_in(jail_at(work), script)
    assert text == "thread\nchild\n"


async def test_adv_I10_the_environment_is_exactly_what_was_given(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCLAW_GATEWAY_TOKEN", "canary-token")
    given = {**ENV, "LANG": "C.UTF-8", "ODD": "a b'\"$(id)\n=x"}
    script = "tr '\\0' '\\n' < /proc/self/environ; echo ---; cat /proc/1/environ /proc/1/cmdline | tr '\\0' '\\n'"
    _, text = await run_in(jail_at(work), script, env=given)
    inside, _, first = text.partition("---\n")
    names = {line.split("=")[0] for line in inside.splitlines() if "=" in line} - {""}
    assert names == {*given, "PWD"}
    assert "ODD=a b'\"$(id)\n=x" in inside
    assert "canary-token" not in text
    assert "ODD" not in first
    assert str(work) not in first


async def test_adv_I1_a_value_is_never_read_as_shell_text(work: Path) -> None:
    _, text = await run_in(jail_at(work), "ls -A", env={**ENV, "PATH": "/usr/bin:/bin:$(touch /workspace/canary);id"})
    assert text == ""


async def test_no_descriptor_of_the_gateway_comes_along(work: Path, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        _, text = await run_in(jail_at(work), "ls /proc/self/fd | tr '\\n' ' '; ls /proc/1/fd | tr '\\n' ' '")
    assert {int(number) for number in text.split()} <= set(range(8))


async def test_limits_bind_inside(work: Path) -> None:
    limits = Limits(processes=20, address_space=512 * MIB, open_files=64, file_size=MIB)
    script = (
        f"ulimit -n; {PYTHON} -c 'x = bytearray(800 * 1024 * 1024)' 2>&1 | tail -n 1; "
        "head -c 3000000 /dev/zero > big; wc -c < big; "
        "for i in $(seq 40); do sleep 1 & done 2>&1 | grep -ci fork"
    )
    _, text = await run_in(jail_at(work, limits=limits), script)
    lines = text.splitlines()
    assert lines[0] == "64"
    assert lines[1] == "MemoryError"
    assert "1048576" in lines
    assert any("fork" in line.lower() or (line.strip().isdigit() and int(line) > 0) for line in lines[2:])


async def test_memory_folders_have_a_size(work: Path) -> None:
    script = (
        "for f in /tmp /dev/shm /var/tmp /run; do "
        "head -c 80000000 /dev/zero > $f/x 2>/dev/null; wc -c < $f/x; rm $f/x; done"
    )
    _, text = await run_in(jail_at(work), script)
    assert [int(line) <= 64 * MIB for line in text.split()] == [True] * 4


async def test_adv_Q7_a_kill_ends_the_whole_tree_and_nothing_else(work: Path) -> None:
    jail = jail_at(work)
    bystander, victim = BoundedText(), BoundedText()
    other = await backend().start(jail, "echo up; exec sleep 60", cwd="/workspace", env=ENV, output=bystander)
    script = "(setsid sh -c 'while :; do date +%N > beat; sleep 0.02; done' &) ; echo up; sleep 60"
    process = await backend().start(jail, script, cwd="/workspace", env=ENV, output=victim)
    await until(lambda: (work / "beat").exists() and "up" in victim.text() and "up" in bystander.text())
    process.kill()
    await process.wait()
    before = (work / "beat").read_text()
    await asyncio.sleep(0.2)
    assert (work / "beat").read_text() == before
    assert other.running
    other.kill()
    await other.wait()


async def test_a_killed_gateway_leaves_no_jail(work: Path) -> None:
    jail_at(work)
    source = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from support.jails import ENV, backend, jail_at\n"
        "from openclaw.system.child_output import BoundedText\n"
        "async def main():\n"
        "    jail = jail_at(Path(sys.argv[1]))\n"
        "    script = 'while :; do date +%N > beat; sleep 0.02; done'\n"
        "    await backend().start(jail, script, cwd='/workspace', env=ENV, output=BoundedText())\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", source, str(work), env={**os.environ, "PYTHONPATH": "tests"}
    )
    await until((work / "beat").exists)
    child.kill()
    await child.wait()
    await asyncio.sleep(0.3)
    before = (work / "beat").read_text()
    await asyncio.sleep(0.2)
    assert (work / "beat").read_text() == before


async def test_adv_J3_a_mount_that_moved_after_its_check_stops_the_command(work: Path, tmp_path: Path) -> None:
    judged, other = tmp_path / "judged", tmp_path / "other"
    judged.mkdir()
    other.mkdir()
    (other / "canary").write_text("secret")
    found = judged.stat()
    mount = Mount(judged, "/data", writable=False, identity=(found.st_dev, found.st_ino))
    assert (await run_in(jail_at(work, mount), "echo ran"))[1] == "ran\n"
    judged.rename(tmp_path / "gone")
    judged.symlink_to(other)
    status, text = await run_in(jail_at(work, mount), "echo ran; cat /data/canary")
    assert status.code == 126
    assert text.startswith("sandbox: the mount /data has changed")
    assert "secret" not in text


async def test_mounts_are_read_only_unless_said_otherwise(work: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "note").write_text("hi\n")
    _, text = await run_in(jail_at(work, Mount(shared, "/agent")), "cat /agent/note; ( : > /agent/x ) 2>&1 | tail -n 1")
    assert text.startswith("hi\n")
    assert "ead-only" in text
    assert not (shared / "x").exists()


async def test_a_flood_of_output_stays_bounded(work: Path) -> None:
    status, text = await run_in(jail_at(work), "head -c 30000000 /dev/zero | tr '\\0' x; echo END", seconds=60)
    assert status.ok
    assert len(text) == 200_000
    assert text.endswith("END\n")


@pytest.mark.parametrize("bad", [("x\0y", {}), ("x", {"A": "b\0c"}), ("x", {"A": "\ud800"})])
async def test_text_that_no_program_can_be_given_starts_nothing(work: Path, bad: tuple[str, dict[str, str]]) -> None:
    with pytest.raises(InvalidInput):
        await run_in(jail_at(work), bad[0], env=bad[1])


async def test_without_a_filter_for_this_machine_nothing_runs(work: Path) -> None:
    other = BwrapBackend(machine="riscv64", uid=os.geteuid())
    assert not (await other.probe()).usable
    with pytest.raises(Unavailable, match="riscv64"):
        await other.start(jail_at(work), "echo ran", cwd="/workspace", env=ENV, output=BoundedText())


async def test_a_bubblewrap_that_cannot_make_the_jail_runs_nothing(work: Path) -> None:
    real = find_programs(root=os.geteuid() == 0)
    broken = replace(real, bwrap="/bin/false")
    other = BwrapBackend(machine=os.uname().machine, uid=os.geteuid(), programs=broken)
    found = await other.probe()
    assert not found.usable
    with pytest.raises(Unavailable, match="not available"):
        await other.start(jail_at(work), "echo ran", cwd="/workspace", env=ENV, output=BoundedText())


async def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bwrap_module, "PROGRAM_DIRS", ("/nowhere",))
    found = await BwrapBackend(machine=os.uname().machine, uid=os.geteuid()).probe()
    assert not found.usable
    assert "install the package bubblewrap" in found.detail


async def test_adv_H13_helpers_come_from_directories_of_the_administrator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o777)
    monkeypatch.setattr(bwrap_module, "PROGRAM_DIRS", (str(tmp_path), "/usr/bin"))
    assert find_program("bwrap") == "/usr/bin/bwrap"
