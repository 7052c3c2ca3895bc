"""The launchd agent of macOS."""

from __future__ import annotations

import json
import os
import plistlib
import re
from pathlib import Path
from typing import Any, Final

from openclaw.security.service.definition import LIMIT, is_there, remove_definition, write_definition
from openclaw.security.service.model import (
    MARK,
    Definition,
    ServiceKind,
    ServiceSpec,
    ServiceState,
    judge,
    marked,
    plain_text,
)
from openclaw.security.service.run import Answer, expect, find, run
from openclaw.state.files import private_dir, read_text
from openclaw.system.environment import Environment
from openclaw.system.errors import NotFound, OpenClawError

ADVICE: Final = "Run it in the foreground instead: openclaw gateway run"
_PID: Final = re.compile(r"^\s*pid = (\d+)", re.MULTILINE)


def label_of(profile: str | None) -> str:
    """Return the agent's label, as the original calls it."""
    return f"ai.openclaw.{profile}" if profile else "ai.openclaw.gateway"


def render(spec: ServiceSpec) -> str:
    """Return the property list."""
    for text in (*spec.argv, *spec.environment.values(), str(spec.folder), str(spec.logs)):
        plain_text(text, "a value of the launchd agent")
    body: dict[str, Any] = {
        "Label": label_of(spec.profile),
        "ProgramArguments": list(spec.argv),
        "EnvironmentVariables": dict(spec.environment),
        "WorkingDirectory": str(spec.folder),
        "RunAtLoad": True,
        "KeepAlive": True,
        "ThrottleInterval": 10,
        "ProcessType": "Interactive",
        "Umask": 0o077,
        "StandardOutPath": str(spec.logs / "gateway.log"),
        "StandardErrorPath": str(spec.logs / "gateway.err.log"),
    }
    return plistlib.dumps({"Comment": marked(_canonical(body)), **body}, sort_keys=False).decode("utf-8")


def _canonical(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, default=str)


def is_ours(text: str) -> bool:
    """Tell whether a property list is as we wrote it, in this or an earlier version."""
    try:
        found = plistlib.loads(text.encode("utf-8"))
    except Exception:  # noqa: BLE001 - plistlib raises whatever its parser does
        return False
    comment = found.pop("Comment", "") if isinstance(found, dict) else ""
    return str(comment).startswith(MARK) and comment == marked(_canonical(found))


class LaunchdService:
    """The gateway as an agent of the user's launchd.

    Args:
        spec: the service.
        environment: tells where the user's agents are.
        launchctl: the program; found in the system's directories when not given.
    """

    kind: Final[ServiceKind] = "launchd"

    def __init__(self, spec: ServiceSpec, environment: Environment, *, launchctl: Path | None = None) -> None:
        self.spec = spec
        self.label = label_of(spec.profile)
        self.folder = user_agents(environment)
        self.file = self.folder / f"{self.label}.plist"
        self._domain = f"gui/{os.geteuid()}"
        self._launchctl = launchctl or find("launchctl")
        self._variables = {"HOME": str(environment.home)}

    def render(self) -> str:
        """Return the property list that `install` would write."""
        return render(self.spec)

    def status(self) -> ServiceState:
        """Return what the property list is, and what launchd says of it."""
        try:
            found = read_text(self.file, limit=LIMIT)
        except OpenClawError as error:
            return ServiceState("launchd", self.label, self.file, Definition.EDITED, detail=error.message)
        definition = judge(found, self.render(), found is not None and is_ours(found))
        answer = self._call("print", f"{self._domain}/{self.label}")
        pid = _PID.search(answer.out) if answer.ok else None
        return ServiceState(
            "launchd",
            self.label,
            self.file,
            definition,
            running=pid is not None,
            enabled=answer.ok,
            pid=int(pid[1]) if pid else None,
            detail="running" if pid else "loaded, not running" if answer.ok else "not loaded",
        )

    def install(self, *, force: bool = False) -> ServiceState:
        """Write the property list and (re)load it."""
        private_dir(self.spec.logs)
        write_definition(self.status(), self.render(), force=force)
        self._call("bootout", f"{self._domain}/{self.label}")
        expect(self._call("bootstrap", self._domain, str(self.file)), "load the agent", ADVICE)
        return self.status()

    def uninstall(self) -> bool:
        """Unload the agent and remove its property list."""
        if not is_there(self.file):
            return False
        self._call("bootout", f"{self._domain}/{self.label}")
        remove_definition(self.file)
        return True

    def start(self) -> None:
        """Load the agent when it is not, and start it."""
        self._installed()
        self._call("bootstrap", self._domain, str(self.file))
        expect(self._call("kickstart", f"{self._domain}/{self.label}"), "start the agent", ADVICE)

    def stop(self) -> None:
        """Unload the agent, which would start again otherwise."""
        self._installed()
        expect(self._call("bootout", f"{self._domain}/{self.label}"), "stop the agent", ADVICE)

    def restart(self) -> None:
        """Kill and start the agent."""
        self._installed()
        self._call("bootstrap", self._domain, str(self.file))
        expect(self._call("kickstart", "-k", f"{self._domain}/{self.label}"), "restart the agent", ADVICE)

    def _installed(self) -> None:
        if not self.file.exists():
            raise NotFound("the service is not installed; install it with: openclaw service install")

    def _call(self, *arguments: str) -> Answer:
        return run(self._launchctl, arguments, self._variables)


def user_agents(environment: Environment) -> Path:
    """Return the folder of the user's own agents."""
    home = environment.values.get("HOME") or str(environment.home)
    return Path(home) / "Library" / "LaunchAgents"
