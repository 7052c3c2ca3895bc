"""The sandbox keys that say what a jail holds, read from the config of one agent (exec.md 4.1, 4.4).

Where a session runs is decided by `openclaw.policy.where.sandbox_mode`; this is what is inside.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from openclaw.config.sections.sandbox import SandboxDocker, Ulimit
from openclaw.system.errors import ConfigInvalid
from openclaw.system.secret import Secret
from openclaw.tools.sandbox.backend import GIB, MIB, TMPFS_BYTES, Limits, Tmpfs

T = TypeVar("T")

KEY: Final = "agents.*.sandbox.docker"
DEFAULT_WORKDIR: Final = "/workspace"
DEFAULT_TMPFS: Final = ("/tmp", "/var/tmp", "/run")  # noqa: S108 - inside the jail
ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 1024, "m": MIB, "g": GIB, "t": 1024 * GIB}
MAX_TMPFS_BYTES: Final = GIB


@dataclass(frozen=True, slots=True)
class JailSettings:
    """What a jail of one agent holds, defaults filled in.

    Attributes:
        workdir: path of the workspace inside.
        tmpfs: folders in memory, as configured (`/tmp` or `/tmp:size=64m`).
        network: `docker.network`.
        env: variables of every command; the values may be secret.
        setup_command: `docker.setupCommand`.
        limits: resource limits.
        binds: further mounts as host:container[:mode].
        allow_external_binds: `dangerouslyAllowExternalBindSources`.
        allow_reserved_targets: `dangerouslyAllowReservedContainerTargets`.
    """

    workdir: str = DEFAULT_WORKDIR
    tmpfs: tuple[str, ...] = DEFAULT_TMPFS
    network: str = "none"
    env: Mapping[str, str] = field(default_factory=lambda: {"LANG": "C.UTF-8"}, repr=False)
    setup_command: str | None = None
    limits: Limits = field(default_factory=Limits)
    binds: tuple[str, ...] = ()
    allow_external_binds: bool = False
    allow_reserved_targets: bool = False


def jail_settings(defaults: SandboxDocker, agent: SandboxDocker | None, *, shared: bool) -> JailSettings:
    """Return the settings of one agent from its `docker` block over that of `agents.defaults.sandbox`.

    `env` and `ulimits` merge, `binds` are joined, every other key is replaced. A shared sandbox ignores the agent's
    block.

    Raises:
        ConfigInvalid: a value has no meaning; the message names the key.
    """
    own = SandboxDocker() if agent is None or shared else agent
    wanted: float | str | None = defaults.memory if own.memory is None else own.memory
    memory = _bytes(wanted, "memory")
    ulimits = {**(defaults.ulimits or {}), **(own.ulimits or {})}
    return JailSettings(
        workdir=_workdir(_first(own.workdir, defaults.workdir)),
        tmpfs=_or(_first(own.tmpfs, defaults.tmpfs), DEFAULT_TMPFS),
        network=_or(_first(own.network, defaults.network), "none").strip() or "none",
        env=_env({**(defaults.env or {"LANG": Secret("C.UTF-8")}), **(own.env or {})}),
        setup_command=_first(own.setup_command, defaults.setup_command),
        limits=_limits(memory, _first(own.pids_limit, defaults.pids_limit), ulimits),
        binds=(*(defaults.binds or ()), *(own.binds or ())),
        allow_external_binds=bool(
            _first(own.dangerously_allow_external_bind_sources, defaults.dangerously_allow_external_bind_sources)
        ),
        allow_reserved_targets=bool(
            _first(
                own.dangerously_allow_reserved_container_targets,
                defaults.dangerously_allow_reserved_container_targets,
            )
        ),
    )


def tmpfs_folders(entries: tuple[str, ...]) -> tuple[Tmpfs, ...]:
    """Return the folders in memory that `docker.tmpfs` names: `path` or `path:size=64m,mode=1777`.

    Raises:
        ConfigInvalid: a path is not absolute, reserved, or an option has no meaning.
    """
    return tuple(_tmpfs(entry) for entry in entries)


def _tmpfs(entry: str) -> Tmpfs:
    path, _, options = entry.strip().partition(":")
    reserved = {"", "usr", "bin", "sbin", "lib", "lib64", "etc", "proc", "dev", "sys", "workspace", "agent"}
    if not path.startswith("/") or ".." in path.split("/") or path.split("/")[1] in reserved:
        raise ConfigInvalid(f"{KEY}.tmpfs: {path!r} cannot be a folder in memory")
    size, mode = TMPFS_BYTES, 0o1777
    for option in filter(None, options.split(",")):
        name, _, value = option.partition("=")
        if name == "size":
            size = min(_bytes(value, "tmpfs") or TMPFS_BYTES, MAX_TMPFS_BYTES)
        elif name == "mode" and re.fullmatch(r"[0-7]{3,4}", value):
            mode = int(value, 8)
        elif name not in {"nosuid", "nodev", "noexec", "rw"}:
            raise ConfigInvalid(f"{KEY}.tmpfs: the option {option!r} is not known")
    return Tmpfs(path, size, mode)


def _limits(memory: int | None, pids: int | None, ulimits: Mapping[str, float | str | Ulimit]) -> Limits:
    base = Limits()
    files = _ulimit(ulimits, "nofile") or base.open_files
    file_size = _ulimit(ulimits, "fsize") or base.file_size
    processes = min(filter(None, (pids or base.processes, _ulimit(ulimits, "nproc"))))
    return Limits(
        processes=processes,
        address_space=memory or base.address_space,
        open_files=files,
        file_size=file_size,
        memory=memory or base.memory,
    )


def _ulimit(ulimits: Mapping[str, float | str | Ulimit], name: str) -> int | None:
    value = ulimits.get(name)
    if isinstance(value, Ulimit):
        value = value.soft if value.hard is None else value.hard
    if value is None:
        return None
    try:
        number = int(float(value))
    except ValueError:
        raise ConfigInvalid(f"{KEY}.ulimits.{name}: {value!r} is not a number") from None
    return number if number > 0 else None


def _bytes(value: float | str | None, key: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, str):
        found = _SIZE.fullmatch(value.strip())
        if found is None:
            raise ConfigInvalid(f"{KEY}.{key}: {value!r} is not a size such as 512m or 2g")
        value = float(found[1]) * _UNITS[found[2].lower()]
    return int(value) or None


def _workdir(value: str | None) -> str:
    path = (value or DEFAULT_WORKDIR).rstrip("/")
    parts = path.split("/")[1:]
    if not path.startswith("/") or not parts or ".." in parts or parts[0] in {"usr", "proc", "dev", "sys", "etc"}:
        raise ConfigInvalid(f"{KEY}.workdir: {value!r} cannot hold the workspace")
    return path


def _env(values: Mapping[str, object]) -> dict[str, str]:
    plain = {}
    for name, value in values.items():
        if not ENV_NAME.fullmatch(name):
            raise ConfigInvalid(f"{KEY}.env: {name!r} is not a variable name")
        if isinstance(value, Secret):
            plain[name] = value.reveal()
        elif isinstance(value, str):
            plain[name] = value
        else:
            raise ConfigInvalid(f"{KEY}.env.{name}: the secret it refers to could not be read")
    return plain


def _first(own: T | None, general: T | None) -> T | None:
    return general if own is None else own


def _or(value: T | None, fallback: T) -> T:
    return fallback if value is None else value
