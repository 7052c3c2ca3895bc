"""What a service is made of, and what is known of an installed one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from openclaw.system.errors import InvalidInput

ServiceKind = Literal["systemd", "launchd"]
MARK: Final = "openclaw service sha256:"
"""Stands in a definition that we wrote, before the digest of the rest."""


class Definition(StrEnum):
    """What a service definition on the disk is, compared with the one we would write."""

    ABSENT = "absent"
    CURRENT = "current"
    OUTDATED = "outdated"
    EDITED = "edited"
    """Somebody changed it by hand, or another program wrote it."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """The service to install.

    Attributes:
        profile: the profile; None for the default one.
        argv: program and arguments; the program is an absolute path.
        environment: variables of the gateway. Never a secret: those lie in the state directory.
        folder: working directory.
        logs: folder of the service's own output, where the service manager keeps none.
    """

    profile: str | None
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    logs: Path


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What is known of the service.

    Attributes:
        kind: which service manager.
        label: its name there.
        file: its definition.
        definition: what the file is.
        running: a process of it runs.
        enabled: it starts with the session.
        pid: that process.
        detail: one line for people.
    """

    kind: ServiceKind
    label: str
    file: Path
    definition: Definition
    running: bool = False
    enabled: bool = False
    pid: int | None = None
    detail: str = ""

    @property
    def installed(self) -> bool:
        """Return whether there is a definition."""
        return self.definition is not Definition.ABSENT

    def as_json(self, spec: ServiceSpec) -> dict[str, Any]:
        """Return the wire form of `gateway status` (config.md 4.2)."""
        issues = []
        if self.definition in (Definition.OUTDATED, Definition.EDITED):
            text = "the service definition differs from the one this version writes"
            issues.append({"code": f"service-{self.definition.value}", "message": text, "level": "warn"})
        return {
            "label": self.label,
            "loaded": self.installed and self.enabled,
            "loadedText": "installed",
            "notLoadedText": "not installed",
            "command": list(spec.argv),
            "runtime": {"status": "running" if self.running else "stopped", "detail": self.detail, "pid": self.pid},
            "configAudit": {"ok": not issues, "issues": issues},
        }


class ServiceManager(Protocol):
    """The service manager of this machine. Every method blocks for as long as its program takes."""

    spec: ServiceSpec

    def status(self) -> ServiceState:
        """Return what is known; never raises for a manager that does not answer."""
        ...

    def install(self, *, force: bool = False) -> ServiceState:
        """Write the definition, enable and start it.

        Raises:
            Refused: the definition was edited by hand, and `force` is not given.
            Unavailable: the service manager does not answer, or refuses.
        """
        ...

    def uninstall(self) -> bool:
        """Stop it and remove its definition; False when there was none."""
        ...

    def start(self) -> None:
        """Start it."""
        ...

    def stop(self) -> None:
        """Stop it; it starts again with the session."""
        ...

    def restart(self) -> None:
        """Stop and start it."""
        ...

    def render(self) -> str:
        """Return the definition that `install` would write."""
        ...


@dataclass(frozen=True, slots=True)
class OtherService:
    """A further service definition that looks like a gateway."""

    file: Path
    label: str = field(default="")


def plain_text(text: str, what: str) -> str:
    """Return a text that may stand in a service definition (advisory I7).

    Raises:
        InvalidInput: it holds a control character or is no valid text.
    """
    if any(not char.isprintable() for char in text):
        raise InvalidInput(f"{what} holds a control character or no valid text; a service cannot be made with it")
    return text


def marked(body: str) -> str:
    """Return the digest line of a definition's body."""
    return MARK + hashlib.sha256(body.encode("utf-8")).hexdigest()


def judge(found: str | None, wanted: str, is_ours: bool) -> Definition:
    """Return what a definition is.

    Args:
        found: its text; None when there is none.
        wanted: the text that we would write.
        is_ours: its own digest fits, so that nobody has changed it since we wrote it.
    """
    if found is None:
        return Definition.ABSENT
    if found == wanted:
        return Definition.CURRENT
    return Definition.OUTDATED if is_ours else Definition.EDITED
