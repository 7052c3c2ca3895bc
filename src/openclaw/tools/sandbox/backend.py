"""What a sandbox back end is: it answers whether it works here, and starts one command in a jail (exec.md 4.10).

A jail is a description; nothing outlives a command but the workspace. There is no way back to the host in here: a back
end that cannot make the jail raises, and its caller refuses the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol

from openclaw.system.child_output import BoundedText
from openclaw.system.processes import OutputSink, Process

BackendName = Literal["docker", "bwrap", "seatbelt"]

MIB: Final = 1024 * 1024
GIB: Final = 1024 * MIB
TMPFS_BYTES: Final = 64 * MIB


@dataclass(frozen=True, slots=True)
class Mount:
    """A host directory or file inside the jail.

    Attributes:
        source: absolute host path.
        target: absolute path inside.
        writable: whether commands may change it.
        identity: device and inode that the source had when it was judged; checked again inside before the command
            starts. None for sources whose parents no command can change.
    """

    source: Path
    target: str
    writable: bool = False
    identity: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Tmpfs:
    """A folder in memory; `size` in bytes."""

    target: str
    size: int = TMPFS_BYTES
    mode: int = 0o1777


@dataclass(frozen=True, slots=True)
class Limits:
    """What the processes of one command may use together or each.

    Attributes:
        processes: processes and threads of the jail.
        address_space: virtual memory of each process in bytes.
        open_files: descriptors of each process.
        file_size: bytes of one written file.
        memory: memory of the whole tree in bytes, where the machine can bound it.
    """

    processes: int = 256
    address_space: int = 4 * GIB
    open_files: int = 1024
    file_size: int = 2 * GIB
    memory: int = 2 * GIB


@dataclass(frozen=True, slots=True)
class Jail:
    """The place in which the commands of one scope run.

    Attributes:
        scope_key: whose it is.
        workdir: path of the active workspace inside.
        mounts: everything of the host that is visible beside the system's own programs, workspace first.
        tmpfs: folders in memory.
        env: variables of every command, without PATH and HOME.
        limits: resource limits.
    """

    scope_key: str
    workdir: str
    mounts: tuple[Mount, ...]
    tmpfs: tuple[Tmpfs, ...] = (Tmpfs("/tmp"), Tmpfs("/var/tmp"), Tmpfs("/run"))  # noqa: S108 - inside the jail
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a back end works here.

    Attributes:
        usable: a real command ran in a real jail.
        detail: one sentence for people: what is wrong and how to mend it, or what bounds the jail.
        tree_limits: what bounds memory and processes of a whole tree: `systemd`, `cgroup` or `rlimit`.
    """

    usable: bool
    detail: str
    tree_limits: Literal["systemd", "cgroup", "rlimit"] = "rlimit"


class Backend(Protocol):
    """One way to make a jail."""

    @property
    def name(self) -> BackendName:
        """Return the name that config and explain use."""
        ...

    async def probe(self) -> Probe:
        """Run a trivial command in a jail; the answer is kept for the life of the process."""
        ...

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
        """Start `sh -lc script` in the jail.

        Args:
            jail: the place.
            script: shell text.
            cwd: absolute directory inside.
            env: the whole environment of the command, names already checked.
            output: where the merged text is kept.
            sink: called with each piece of text.

        Raises:
            Unavailable: the jail cannot be made; nothing ran.
        """
        ...
