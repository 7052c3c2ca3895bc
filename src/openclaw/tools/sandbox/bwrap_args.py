"""The argument list of a bubblewrap jail: pure text from facts (exec.md 4.10).

Nothing of the host is inside but what is listed here: the system's programs read-only, five entries of /etc, the mounts
of the jail. No /etc/passwd, no home directory, no state directory, no network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from openclaw.tools.sandbox.backend import Jail, Limits, Mount, Tmpfs

HOSTNAME: Final = "openclaw-sbx"
ETC_ENTRIES: Final = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
    "/etc/localtime",
)
DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SYSTEM_ROOTS: Final = ("/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32")
SHM_BYTES: Final = 64 * 1024 * 1024

STAGES: Final = ("/mnt", "/media", "/srv", "/opt", "/run", "/tmp")  # noqa: S108 - covered in an own mount namespace
"""Where the first stage may put the mounts, so that another uid can reach them; the first one that hides no source."""

_NAMESPACES: Final = (
    "--unshare-user",
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-net",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
)

_CHECK: Final = (
    'while [ "$1" != -- ]; do [ "$(/usr/bin/stat -Lc %d:%i -- "$1")" = "$2" ] || '
    '{ echo "sandbox: the mount $1 has changed since it was checked" >&2; exit 126; }; shift 2; done; shift; exec "$@"'
)
"""Runs inside before the command: each pair of path and device:inode must still be what was judged (advisory J3)."""


_STAGE: Final = (
    "mount=$1 mkdir=$2 place=$3; shift 3; "
    '"$mount" -t tmpfs -o mode=0755,nosuid,nodev,size=1m tmpfs "$place" || exit 125; n=0; '
    'while [ "$1" != -- ]; do if [ -d "$1" ]; then "$mkdir" "$place/$n"; else : > "$place/$n"; fi && '
    '"$mount" --bind -- "$1" "$place/$n" || exit 125; n=$((n + 1)); shift; done; shift; exec "$@"'
)
"""Runs as root in a mount namespace of its own and only brings the mounts within another uid's reach. It is not done by
an outer bubblewrap, whose monitor could not pass the gateway's death on to a process of another uid."""


@dataclass(frozen=True, slots=True)
class SystemRoot:
    """One of the top-level program directories of this machine: a link on merged systems, else a directory."""

    path: str
    link_to: str | None


@dataclass(frozen=True, slots=True)
class Programs:
    """Absolute paths of the helper programs."""

    bwrap: str
    prlimit: str
    setpriv: str = ""
    unshare: str = ""
    mount: str = ""
    mkdir: str = ""


def jail_args(
    jail: Jail, *, roots: Iterable[SystemRoot], cwd: str, env: Mapping[str, str], seccomp_fd: int
) -> list[str]:
    """Return the options of bubblewrap for a jail, in the order in which it carries them out."""
    args = [*_NAMESPACES, "--hostname", HOSTNAME, "--ro-bind", "/usr", "/usr"]
    for root in roots:
        args += ["--symlink", root.link_to, root.path] if root.link_to else ["--ro-bind", root.path, root.path]
    for entry in ETC_ENTRIES:
        args += ["--ro-bind-try", entry, entry]
    args += ["--proc", "/proc", "--dev", "/dev"]
    args += _tmpfs_args(Tmpfs("/dev/shm", SHM_BYTES))  # noqa: S108 - inside the jail
    for folder in jail.tmpfs:
        args += _tmpfs_args(folder)
    for mount in jail.mounts:
        args += ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target]
    args += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", cwd, "--clearenv"]
    for name, value in env.items():
        args += ["--setenv", name, value]
    return [*args, "--cap-drop", "ALL", "--seccomp", str(seccomp_fd)]


def _tmpfs_args(folder: Tmpfs) -> list[str]:
    return ["--perms", f"{folder.mode:04o}", "--size", str(folder.size), "--tmpfs", folder.target]


def stage_place(mounts: Iterable[Mount]) -> str:
    """Return the directory in which the first stage puts the mounts: one that holds none of their sources."""
    sources = [str(mount.source) for mount in mounts]
    free = (place for place in STAGES if not any(f"{source}/".startswith(f"{place}/") for source in sources))
    return next(free, STAGES[0])


def stage_argv(programs: Programs, mounts: Iterable[Mount], place: str, *, uid: int, gid: int) -> list[str]:
    """Return the first stage of a gateway that is root: lay out the mounts, then give up root for good."""
    return [
        programs.unshare,
        "--mount",
        "--propagation=private",
        "--",
        "/bin/sh",
        "-c",
        _STAGE,
        "sh",
        programs.mount,
        programs.mkdir,
        place,
        *(str(mount.source) for mount in mounts),
        "--",
        programs.setpriv,
        f"--reuid={uid}",
        f"--regid={gid}",
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
        "--no-new-privs",
        "--pdeathsig=SIGKILL",
        "--",
    ]


def inner_argv(programs: Programs, jail: Jail, script: str) -> list[str]:
    """Return what runs inside: the check of mounts that could have moved, the limits, the shell."""
    checks = [(mount.target, mount.identity) for mount in jail.mounts if mount.identity is not None]
    argv: list[str] = []
    if checks:
        argv += ["/bin/sh", "-c", _CHECK, "sh"]
        for target, (device, inode) in checks:
            argv += [target, f"{device}:{inode}"]
        argv.append("--")
    return [*argv, *limit_argv(programs, jail.limits), "/bin/sh", "-lc", script]


def limit_argv(programs: Programs, limits: Limits) -> list[str]:
    """Return the command that sets the limits; run inside the new user namespace, where only the jail counts."""
    return [
        programs.prlimit,
        f"--as={limits.address_space}",
        f"--nproc={limits.processes}",
        f"--nofile={limits.open_files}",
        f"--fsize={limits.file_size}",
        "--core=0",
        "--",
    ]


def packed(args: Iterable[str]) -> bytes:
    """Return options in the form that `--args` reads, so that values and host paths stay out of process lists."""
    return b"".join(arg.encode("utf-8", "surrogateescape") + b"\0" for arg in args)
