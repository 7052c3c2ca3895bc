"""What bounds the memory and the processes of a whole command tree on this machine (exec.md 4.10).

Limits of the kernel's rlimit kind count per process. Where a service manager or a delegated control group (version 2)
is there, one of them bounds the whole tree; which one is tried out once, by putting a command into it and reading the
bound.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from openclaw.system.errors import Unavailable
from openclaw.system.processes import Launch, run_process
from openclaw.tools.sandbox.backend import MIB, Limits

TRIAL_SECONDS: Final = 10.0
_TRIAL: Final = Limits(memory=64 * MIB, processes=64)
_SYSTEMD_RUN: Final = "/usr/bin/systemd-run"
_READ_BOUND: Final = (
    'while IFS=: read -r id controllers path; do [ "$id" = 0 ] && cat "/sys/fs/cgroup$path/memory.max"; done '
    "< /proc/self/cgroup"
)
_ENTER: Final = (
    'mkdir -- "$1" && echo "$2" > "$1/memory.max" && echo "$3" > "$1/pids.max" && echo $$ > "$1/cgroup.procs" '
    '|| exit 125; shift 3; exec "$@"'
)


@dataclass(frozen=True, slots=True)
class TreeLimits:
    """How a command is put under a bound of its own.

    Attributes:
        kind: what bounds; `rlimit` means that nothing bounds the tree as a whole.
        user_manager: whether systemd is the user's own one, not the machine's.
        group: delegated control group that takes children, for kind `cgroup`.
        env: what the starting program needs; the command never sees it.
    """

    kind: Literal["systemd", "cgroup", "rlimit"]
    user_manager: bool = False
    group: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)

    def prefix(self, limits: Limits) -> list[str]:
        """Return what is put before a command line."""
        if self.kind == "systemd":
            return [
                _SYSTEMD_RUN,
                *(["--user"] if self.user_manager else []),
                "--scope",
                "--quiet",
                "--collect",
                f"--property=MemoryMax={limits.memory}",
                "--property=MemorySwapMax=0",
                f"--property=TasksMax={limits.processes}",
                "--",
                "/usr/bin/env",
                "-i",
                "--",
            ]
        if self.kind == "cgroup" and self.group is not None:
            child = self.group / f"openclaw-{uuid.uuid4().hex}"
            return ["/bin/sh", "-c", _ENTER, "sh", str(child), str(limits.memory), str(limits.processes)]
        return []

    def sweep(self) -> None:
        """Remove the control groups of ended commands."""
        if self.group is None:
            return
        for child in self.group.glob("openclaw-*"):
            try:
                child.rmdir()
            except OSError:
                continue


NO_TREE_LIMITS: Final = TreeLimits("rlimit")


async def find_tree_limits(*, uid: int, runtime_dir: str | None, root: Path = Path("/")) -> TreeLimits:
    """Return the best bound that really works here.

    Args:
        uid: effective user id of the gateway.
        runtime_dir: `XDG_RUNTIME_DIR`; a user's systemd is reached through it.
        root: where /sys, /run and /proc lie; another directory in tests.
    """
    for candidate in (_systemd(uid, runtime_dir, root), _delegated(root)):
        if candidate is not None and await _bounds(candidate):
            return candidate
    return NO_TREE_LIMITS


def _systemd(uid: int, runtime_dir: str | None, root: Path) -> TreeLimits | None:
    if not Path(_SYSTEMD_RUN).is_file():
        return None
    if uid == 0:
        return TreeLimits("systemd") if (root / "run/systemd/private").exists() else None
    if runtime_dir is None or not (Path(runtime_dir) / "systemd/private").exists():
        return None
    return TreeLimits("systemd", user_manager=True, env={"XDG_RUNTIME_DIR": runtime_dir})


def _delegated(root: Path) -> TreeLimits | None:
    """Return the parent of the gateway's own control group, when both controllers were delegated to it."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        own = next((line[3:] for line in lines if line.startswith("0::")), "/")
        parent = (root / "sys/fs/cgroup" / own.lstrip("/")).parent
        enabled = (parent / "cgroup.subtree_control").read_text(encoding="utf-8").split()
    except OSError:
        return None
    usable = own not in {"", "/"} and {"memory", "pids"} <= set(enabled) and os.access(parent, os.W_OK)
    return TreeLimits("cgroup", group=parent) if usable else None


async def _bounds(candidate: TreeLimits) -> bool:
    argv = [*candidate.prefix(_TRIAL), "/bin/sh", "-c", _READ_BOUND]
    launch = Launch.of(argv, env=candidate.env, cwd="/")
    try:
        done = await run_process(launch, timeout_seconds=TRIAL_SECONDS, limit=2000)
    except Unavailable:
        return False
    candidate.sweep()
    return done.exit.ok and done.stdout.strip() == str(_TRIAL.memory)
