"""Chooses the sandbox back end: the configured one, or the first that works. Never the host (exec.md 4.10)."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass

from openclaw.policy.where.sandbox_mode import SandboxBackend
from openclaw.system.errors import Unavailable
from openclaw.tools.sandbox.backend import Backend, BackendName, Probe
from openclaw.tools.sandbox.bwrap import BwrapBackend
from openclaw.tools.sandbox.settings import KEY, JailSettings

_BACKEND_KEY = "agents.*.sandbox.backend"


@dataclass(frozen=True, slots=True)
class BackendReport:
    """What one back end answered, for explain, doctor and audit."""

    name: BackendName
    probe: Probe


class Sandboxes:
    """The back ends of this machine, in order of preference.

    Args:
        backends: Docker, where it is built, stands before bubblewrap and that before seatbelt.
    """

    def __init__(self, backends: Iterable[Backend]) -> None:
        self._backends = tuple(backends)

    @classmethod
    def of_machine(cls, *, uid: int, runtime_dir: str | None = None) -> Sandboxes:
        """Return the back ends that this build has for this machine."""
        if platform.system() != "Linux":
            return cls(())
        return cls((BwrapBackend(machine=platform.machine(), uid=uid, runtime_dir=runtime_dir),))

    async def choose(self, wanted: SandboxBackend, settings: JailSettings) -> Backend:
        """Return the back end for a jail.

        Args:
            wanted: `sandbox.backend`.
            settings: what the jail is to hold.

        Raises:
            Unavailable: none works, or the one that does cannot give what is configured; the message says what mends
                it. The call must then fail: nothing runs on the host instead.
        """
        found = None
        reasons = []
        for backend in self._backends:
            if wanted not in {SandboxBackend.AUTO, backend.name}:
                continue
            probe = await backend.probe()
            if probe.usable:
                found = backend
                break
            reasons.append(f"{backend.name}: {probe.detail}")
        if found is None:
            why = "; ".join(reasons) or f"this build has no back end {wanted} for this machine"
            raise Unavailable(
                f"The sandbox is not available ({why}). Nothing was run. See {_BACKEND_KEY} and openclaw doctor.",
                code="sandbox-unavailable",
            )
        if found.name != "docker":
            _check_plain(settings)
        return found

    async def report(self) -> tuple[BackendReport, ...]:
        """Return what every back end answers."""
        return tuple([BackendReport(backend.name, await backend.probe()) for backend in self._backends])


def _check_plain(settings: JailSettings) -> None:
    """Refuse what only a container can give: there is no filter for a network and no image to set up."""
    if settings.network != "none":
        raise Unavailable(
            f'{KEY}.network is "{settings.network}", but without Docker a sandbox has no network; set it to "none" or '
            f"set {_BACKEND_KEY} to docker.",
            code="sandbox-unavailable",
        )
    if settings.setup_command:
        raise Unavailable(
            f"{KEY}.setupCommand needs a container that is set up once; remove it or set {_BACKEND_KEY} to docker.",
            code="sandbox-unavailable",
        )
