"""Judges the extra mounts that the config gives to a sandbox (exec.md 4.4, advisories J1 and J3).

A source is judged under the name that was written and under the one that it resolves to. Sources that reach the system,
keys and credentials, an engine's socket or openclaw's own state are refused whatever else is set.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.policy.what.paths import parts_of
from openclaw.system.errors import ConfigInvalid
from openclaw.tools.sandbox.backend import Mount

KEY: Final = "agents.*.sandbox.docker.binds"
SYSTEM_PLACES: Final = ("/etc", "/proc", "/sys", "/dev", "/root", "/boot", "/run", "/var/run")
HOME_PLACES: Final = (".ssh", ".aws", ".gnupg", ".docker", ".config", ".cargo", ".npm", ".netrc")
RESERVED_TARGETS: Final = ("/workspace", "/agent")
_CLOSED_TARGETS: Final = ("/proc", "/sys", "/dev", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32")


@dataclass(frozen=True, slots=True)
class BindBounds:
    """What mounts are judged against.

    Attributes:
        home: the user's home directory.
        state: the state directory.
        roots: the folders that may be mounted without a dangerous key: agent and sandbox workspaces.
        workdir: where the workspace lies inside.
        allow_external: `dangerouslyAllowExternalBindSources`.
        allow_reserved: `dangerouslyAllowReservedContainerTargets`.
    """

    home: str
    state: str
    roots: tuple[str, ...]
    workdir: str = "/workspace"
    allow_external: bool = False
    allow_reserved: bool = False


def checked_binds(binds: Sequence[str], bounds: BindBounds) -> tuple[Mount, ...]:
    """Return the mounts with the identity that each source has now, or refuse them all.

    Raises:
        ConfigInvalid: one is malformed, missing or not allowed; the message names it and the key.
    """
    return tuple(_checked(text, bounds) for text in binds)


def _checked(text: str, bounds: BindBounds) -> Mount:
    source, target, writable = _split(text)
    resolved = os.path.realpath(source)
    for spelling in dict.fromkeys((source, resolved)):
        reason = _source_fault(spelling, bounds)
        if reason is not None:
            raise _refused(text, reason)
    if not bounds.allow_external and not any(_under(resolved, os.path.realpath(root)) for root in bounds.roots):
        raise _refused(
            text, "its source lies outside the workspaces (set dangerouslyAllowExternalBindSources to allow that)"
        )
    _check_target(text, target, bounds)
    try:
        found = Path(resolved).lstat()
    except OSError:
        raise _refused(text, "its source does not exist; create it first") from None
    if not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
        raise _refused(text, "its source is neither a directory nor a regular file")
    return Mount(Path(resolved), target, writable, (found.st_dev, found.st_ino))


def _split(text: str) -> tuple[str, str, bool]:
    pieces = text.split(":")
    if len(pieces) not in {2, 3} or "\0" in text:
        raise _refused(text, "it must read host:container or host:container:ro")
    source, target, mode = (*pieces, "rw")[:3]
    if mode not in {"ro", "rw"}:
        raise _refused(text, f"its mode is {mode!r}; ro and rw are known")
    if not source.startswith("/") or not target.startswith("/"):
        raise _refused(text, "both of its paths must be absolute")
    return "/" + "/".join(parts_of(source)), "/" + "/".join(parts_of(target)), mode == "rw"


def _source_fault(source: str, bounds: BindBounds) -> str | None:
    """Return why a source is refused under this spelling."""
    home, state = os.path.realpath(bounds.home), os.path.realpath(bounds.state)
    roots = [
        spelling for root in bounds.roots for spelling in (root, os.path.realpath(root)) if len(parts_of(root)) > 1
    ]
    own = any(_under(source, root) for root in roots)
    secrets = [f"{place}/{name}" for place in dict.fromkeys((bounds.home, home)) for name in HOME_PLACES]
    for place in secrets:
        if _touches(source, place):
            return f"its source reaches {place}"
    if source == "/" or "docker.sock" in source:
        return f"its source is {source}"
    for place in (*SYSTEM_PLACES, *("/private" + place for place in SYSTEM_PLACES)):
        if _under(place, source) or (_under(source, place) and not own):
            return f"its source reaches {place}"
    for place in dict.fromkeys((bounds.state, state)):
        if _under(place, source) or (_under(source, place) and not own):
            return "its source reaches openclaw's own state"
    return None


def _check_target(text: str, target: str, bounds: BindBounds) -> None:
    if target == "/" or target == "/etc" or any(_under(target, place) for place in _CLOSED_TARGETS):
        raise _refused(text, f"its target {target} belongs to the sandbox itself")
    reserved = (*RESERVED_TARGETS, bounds.workdir)
    if not bounds.allow_reserved and any(_touches(target, place) for place in reserved):
        raise _refused(
            text, f"its target {target} is reserved (set dangerouslyAllowReservedContainerTargets to allow that)"
        )


def _under(path: str, place: str) -> bool:
    below, above = parts_of(path), parts_of(place)
    return below[: len(above)] == above


def _touches(path: str, place: str) -> bool:
    return _under(path, place) or _under(place, path)


def _refused(text: str, reason: str) -> ConfigInvalid:
    return ConfigInvalid(f"{KEY}: the mount {text!r} is refused: {reason}", details={"bind": text})
