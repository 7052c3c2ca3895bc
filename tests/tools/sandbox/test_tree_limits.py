"""What bounds a whole command tree: only what was seen to bound one counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from openclaw.system.processes import Launch, run_process
from openclaw.tools.sandbox.backend import MIB, Limits
from openclaw.tools.sandbox.tree_limits import NO_TREE_LIMITS, TreeLimits, find_tree_limits

pytestmark = pytest.mark.asyncio


def machine(root: Path, own: str, controllers: str) -> Path:
    """Lay out /proc and /sys as a service manager with a delegated group does; return the delegated group."""
    group = root / "sys/fs/cgroup/service"
    (group / "gateway").mkdir(parents=True)
    (group / "cgroup.subtree_control").write_text(controllers)
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(f"0::{own}\n")
    return group


async def test_a_machine_without_groups_has_limits_per_process_only(tmp_path: Path) -> None:
    assert await find_tree_limits(uid=1000, runtime_dir=None, root=tmp_path) is NO_TREE_LIMITS
    assert NO_TREE_LIMITS.prefix(Limits()) == []


@pytest.mark.parametrize(
    ("own", "controllers"), [("/service/gateway", "cpu"), ("/service/gateway", ""), ("/", "memory pids")]
)
async def test_a_group_without_both_controllers_does_not_count(tmp_path: Path, own: str, controllers: str) -> None:
    machine(tmp_path, own, controllers)
    assert (await find_tree_limits(uid=1000, runtime_dir=None, root=tmp_path)).kind == "rlimit"


async def test_a_group_that_does_not_bind_its_children_does_not_count(tmp_path: Path) -> None:
    """The files are there, but no kernel is behind them: the trial sees it."""
    machine(tmp_path, "/service/gateway", "memory pids")
    assert (await find_tree_limits(uid=1000, runtime_dir=None, root=tmp_path)).kind == "rlimit"


async def test_a_group_is_made_filled_and_swept(tmp_path: Path) -> None:
    group = machine(tmp_path, "/service/gateway", "memory pids")
    limits = TreeLimits("cgroup", group=group)
    argv = [*limits.prefix(Limits(memory=64 * MIB, processes=9)), "/bin/echo", "ran"]
    assert (await run_process(Launch.of(argv, env={}, cwd="/"))).stdout == "ran\n"
    (child,) = group.glob("openclaw-*")
    assert (child / "memory.max").read_text() == f"{64 * MIB}\n"
    assert (child / "pids.max").read_text() == "9\n"
    assert int((child / "cgroup.procs").read_text()) > 1
    for file in child.iterdir():
        file.unlink()
    limits.sweep()
    assert not list(group.glob("openclaw-*"))


async def test_a_group_that_cannot_be_made_runs_nothing(tmp_path: Path) -> None:
    limits = TreeLimits("cgroup", group=tmp_path / "missing")
    argv = [*limits.prefix(Limits()), "/bin/echo", "ran"]
    done = await run_process(Launch.of(argv, env={}, cwd="/"))
    assert (done.exit.code, done.stdout) == (125, "")


@pytest.mark.parametrize("user", [True, False])
async def test_a_service_manager_bounds_memory_and_processes(user: bool) -> None:
    argv = TreeLimits("systemd", user_manager=user).prefix(Limits(memory=MIB, processes=5))
    assert argv[0] == "/usr/bin/systemd-run"
    assert ("--user" in argv) == user
    assert {"--scope", f"--property=MemoryMax={MIB}", "--property=TasksMax=5"} <= set(argv)
    assert argv[-3:] == ["/usr/bin/env", "-i", "--"]
