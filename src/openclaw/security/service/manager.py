"""The service manager of this machine, and other gateways that it may start."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from openclaw.security.service.definition import LIMIT
from openclaw.security.service.launchd import LaunchdService, user_agents
from openclaw.security.service.model import OtherService, ServiceManager, ServiceSpec
from openclaw.security.service.spec import service_spec
from openclaw.security.service.systemd import SystemdService, user_units
from openclaw.state.files import read_text
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError, Unavailable

SYSTEM_UNITS: Final = ("/etc/systemd/user", "/etc/systemd/system", "/usr/lib/systemd/user", "/usr/lib/systemd/system")
_GATEWAY: Final = re.compile(r"(openclaw|clawdbot|moltbot|moldbot)", re.IGNORECASE)


def gateway_service(layout: StateLayout, environment: Environment, *, port: int | None = None) -> ServiceManager:
    """Return the gateway's service on this machine.

    Args:
        layout: the state directory.
        environment: the environment of the shell.
        port: port that the service is to use; None leaves that to the config.

    Raises:
        Unavailable: this build knows no service manager of this system.
        InvalidInput: a path cannot stand in a service definition.
    """
    spec = service_spec(layout, environment, port=port)
    found = service_for(sys.platform, spec, environment)
    if found is None:
        raise Unavailable(
            f"this build installs no service on {sys.platform}; run it in the foreground: openclaw gateway run",
            code="service-unsupported",
        )
    return found


def service_for(platform: str, spec: ServiceSpec, environment: Environment) -> ServiceManager | None:
    """Return the service manager of a platform, or None."""
    if platform.startswith("linux"):
        return SystemdService(spec, environment)
    return LaunchdService(spec, environment) if platform == "darwin" else None


def other_services(
    own: ServiceManager, environment: Environment, *, system: tuple[str, ...] = SYSTEM_UNITS
) -> tuple[OtherService, ...]:
    """Return further service definitions that start a gateway of this or an older name (`doctor --deep`)."""
    folders = (user_units(environment), user_agents(environment), *(Path(text) for text in system))
    mine = own.status().file
    return tuple(found for folder in folders for found in _gateways(folder) if found.file != mine)


def _gateways(folder: Path) -> Iterator[OtherService]:
    try:
        files = sorted(item for item in folder.iterdir() if item.suffix in {".service", ".plist"})
    except OSError:
        return
    for file in files:
        try:
            text = read_text(file, limit=LIMIT) or ""
        except OpenClawError:
            continue
        if "gateway" in (text + file.name).lower() and _GATEWAY.search(text + file.name):
            yield OtherService(file, file.stem)
