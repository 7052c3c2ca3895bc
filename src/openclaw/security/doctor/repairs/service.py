"""The service: rewritten, started, kept running without a login. None of it happens without a yes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from openclaw.security.service.model import ServiceManager
from openclaw.security.service.systemd import SystemdService


@dataclass(frozen=True, slots=True)
class RewriteService:
    """Writes the service definition anew and restarts it.

    Attributes:
        manager: the service manager.
        file: its definition.
        force: also when it was edited by hand.
    """

    manager: ServiceManager
    file: Path
    force: bool = False
    safe: bool = False
    moves: bool = False

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"rewrite service {self.file}"

    def describe(self) -> tuple[str, ...]:
        """Return the file and what follows."""
        return (f"write {self.file} anew (the old one is kept as .bak) and restart the service",)

    def apply(self) -> tuple[str, ...]:
        """Install it over the old one."""
        self.manager.install(force=self.force)
        return ()


@dataclass(frozen=True, slots=True)
class StartService:
    """Starts the installed service."""

    manager: ServiceManager
    label: str
    safe: bool = False
    moves: bool = False

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"start {self.label}"

    def describe(self) -> tuple[str, ...]:
        """Return the deed."""
        return (f"start the service {self.label}",)

    def apply(self) -> tuple[str, ...]:
        """Start it."""
        self.manager.start()
        return ()


@dataclass(frozen=True, slots=True)
class EnableLinger:
    """Lets the user's services run without a login."""

    manager: SystemdService
    user: str
    safe: bool = False
    moves: bool = False

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"linger {self.user}"

    def describe(self) -> tuple[str, ...]:
        """Return the command."""
        return (f"loginctl enable-linger {self.user}",)

    def apply(self) -> tuple[str, ...]:
        """Enable it."""
        self.manager.enable_linger(self.user)
        return ()
