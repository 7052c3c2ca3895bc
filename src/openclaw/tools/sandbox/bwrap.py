"""The bubblewrap back end: one fresh jail per command, no daemon, nothing to prune (exec.md 4.10).

As root it first gives up root for an own uid, because a limit on processes does not bind root and files would be
written as root. Anything that is missing makes the back end unusable; it never runs a command outside a jail.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from openclaw.system.child_output import BoundedText
from openclaw.system.errors import InvalidInput, Unavailable
from openclaw.system.processes import Launch, OutputSink, Process, start_process
from openclaw.tools.sandbox import bwrap_args
from openclaw.tools.sandbox.backend import BackendName, Jail, Limits, Mount, Probe
from openclaw.tools.sandbox.bwrap_args import Programs, SystemRoot
from openclaw.tools.sandbox.seccomp import ARCHITECTURES, memfd, program
from openclaw.tools.sandbox.tree_limits import NO_TREE_LIMITS, TreeLimits, find_tree_limits

SANDBOX_UID: Final = 10001
SANDBOX_GID: Final = 10001
PROGRAM_DIRS: Final = ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin")
PROBE_SECONDS: Final = 20.0

_PROBE_SCRIPT: Final = (
    ": > probe && rm probe && [ ! -e /etc/passwd ] && [ ! -w /usr ] && "
    'while read -r key value; do [ "$key" = Seccomp: ] && [ "$value" = 2 ] && exit 0; done < /proc/self/status; exit 3'
)


class BwrapBackend:
    """Makes a jail with bubblewrap for every command.

    Args:
        machine: `platform.machine()` of this host.
        uid: effective user id of the gateway.
        runtime_dir: `XDG_RUNTIME_DIR`, where a user's systemd is reached.
        programs: helper programs; found in fixed directories when not given.
    """

    def __init__(
        self, *, machine: str, uid: int, runtime_dir: str | None = None, programs: Programs | None = None
    ) -> None:
        self._machine = machine
        self._uid = uid
        self._runtime_dir = runtime_dir
        self._programs = programs
        self._probe: Probe | None = None
        self._tree: TreeLimits = NO_TREE_LIMITS

    @property
    def name(self) -> BackendName:
        """Return `bwrap`."""
        return "bwrap"

    async def probe(self) -> Probe:
        """Run a command in a real jail once; later calls return the same answer."""
        if self._probe is None:
            self._probe = await self._try()
        return self._probe

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
        """Start `sh -lc script` in a jail of its own; see `Backend.start`."""
        found = await self.probe()
        if not found.usable:
            raise Unavailable(f"The sandbox is not available: {found.detail}", code="sandbox-unavailable")
        return await self._start(jail, script, cwd=cwd, env=env, output=output, sink=sink)

    async def _start(
        self,
        jail: Jail,
        script: str,
        *,
        cwd: str,
        env: Mapping[str, str],
        output: BoundedText,
        sink: OutputSink | None = None,
    ) -> Process:
        if "\0" in script or "\0" in cwd or any("\0" in name + value for name, value in env.items()):
            raise InvalidInput("a command, directory or environment value holds a NUL character")
        programs = self._programs or find_programs(root=self._uid == 0)
        with contextlib.ExitStack() as stack:
            try:
                argv, descriptors = self._argv(programs, jail, script, cwd, env, stack)
            except UnicodeEncodeError:
                raise InvalidInput("a command, directory or environment value is no valid text") from None
            launch = Launch(
                steps=Launch.of(argv, env={}, cwd="/").steps,
                env=self._tree.env,
                cwd="/",
                pass_fds=tuple(descriptors),
            )
            return await start_process(launch, sink=sink, output=output)

    def _argv(
        self,
        programs: Programs,
        jail: Jail,
        script: str,
        cwd: str,
        env: Mapping[str, str],
        stack: contextlib.ExitStack,
    ) -> tuple[list[str], list[int]]:
        """Return the whole command line and the descriptors that go with it, which `stack` closes."""
        descriptors: list[int] = []

        def held(content: bytes, name: str) -> int:
            descriptor = memfd(content, name)
            stack.callback(os.close, descriptor)
            descriptors.append(descriptor)
            return descriptor

        seccomp = held(program(self._machine), "seccomp")
        prefix: list[str] = []
        visible = jail
        if self._uid == 0:
            place = bwrap_args.stage_place(jail.mounts)
            prefix = bwrap_args.stage_argv(programs, jail.mounts, place, uid=SANDBOX_UID, gid=SANDBOX_GID)
            visible = _staged(jail, place)
        options = bwrap_args.jail_args(visible, roots=system_roots(), cwd=cwd, env=env, seccomp_fd=seccomp)
        inner = held(bwrap_args.packed(options), "jail")
        argv = [*self._tree.prefix(jail.limits), *prefix, programs.bwrap, "--args", str(inner), "--"]
        return [*argv, *bwrap_args.inner_argv(programs, jail, script)], descriptors

    async def _try(self) -> Probe:
        if self._machine not in ARCHITECTURES:
            return Probe(usable=False, detail=f"there is no system-call filter for {self._machine}")
        try:
            self._programs = self._programs or find_programs(root=self._uid == 0)
            self._tree = await find_tree_limits(uid=self._uid, runtime_dir=self._runtime_dir)
            await self._try_jail()
        except Unavailable as error:
            return Probe(usable=False, detail=error.message)
        bound = {
            "systemd": "systemd bounds memory and processes of a whole command",
            "cgroup": "a control group bounds memory and processes of a whole command",
            "rlimit": "memory is bounded per process only: no control group is delegated to the gateway",
        }[self._tree.kind]
        return Probe(usable=True, detail=f"bubblewrap works; {bound}", tree_limits=self._tree.kind)

    async def _try_jail(self) -> None:
        import asyncio

        with tempfile.TemporaryDirectory(prefix="openclaw-probe-") as folder:
            give_to_sandbox(Path(folder), uid=self._uid)
            jail = Jail("probe", "/workspace", (Mount(Path(folder), "/workspace", writable=True),), limits=Limits())
            process = await self._start(jail, _PROBE_SCRIPT, cwd="/workspace", env={}, output=BoundedText(2000))
            try:
                async with asyncio.timeout(PROBE_SECONDS):
                    status = await process.wait()
            except TimeoutError:
                raise Unavailable("a trial run of bubblewrap did not end") from None
            finally:
                process.kill()
            if not status.ok:
                said = process.output.text().strip().splitlines()
                reason = said[-1] if said else f"it ended with {status.code}"
                raise Unavailable(
                    f"a trial run of bubblewrap failed ({reason}); unprivileged user namespaces must be allowed"
                )


def _staged(jail: Jail, place: str) -> Jail:
    mounts = tuple(
        Mount(Path(place, str(index)), mount.target, mount.writable, mount.identity)
        for index, mount in enumerate(jail.mounts)
    )
    return Jail(jail.scope_key, jail.workdir, mounts, jail.tmpfs, jail.env, jail.limits)


def give_to_sandbox(path: Path, *, uid: int) -> None:
    """Hand a directory to the sandbox's own user when the gateway is root; else it has the right owner already."""
    if uid == 0:
        os.chown(path, SANDBOX_UID, SANDBOX_GID, follow_symlinks=False)


def find_programs(*, root: bool) -> Programs:
    """Return the helper programs from directories that only the administrator can change.

    Raises:
        Unavailable: one is missing; the message names the package.
    """
    wanted = {"bwrap": "bubblewrap", "prlimit": "util-linux"}
    if root:
        wanted |= {"setpriv": "util-linux", "unshare": "util-linux", "mount": "mount", "mkdir": "coreutils"}
    found = {}
    for name, package in wanted.items():
        path = find_program(name)
        if path is None:
            raise Unavailable(f"{name} is not installed; install the package {package}")
        found[name] = path
    return Programs(**found)


def find_program(name: str) -> str | None:
    """Return the absolute path of a program in a root-owned directory, never from PATH."""
    for folder in PROGRAM_DIRS:
        path = Path(folder) / name
        try:
            found, parent = path.stat(), path.parent.stat()
        except OSError:
            continue
        trusted = all(row.st_uid == 0 and not row.st_mode & 0o022 for row in (found, parent))
        if trusted and stat.S_ISREG(found.st_mode) and found.st_mode & 0o111:
            return str(path)
    return None


def system_roots() -> tuple[SystemRoot, ...]:
    """Return the program directories beside /usr as this machine has them."""
    roots = []
    for path in bwrap_args.SYSTEM_ROOTS:
        place = Path(path)
        if place.is_symlink():
            roots.append(SystemRoot(path, str(place.readlink())))
        elif place.is_dir():
            roots.append(SystemRoot(path, None))
    return tuple(roots)
