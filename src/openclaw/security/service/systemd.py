"""The systemd user unit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

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
from openclaw.state.files import read_text
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, NotFound, OpenClawError

ADVICE: Final = "Without systemd for your user, run it in the foreground: openclaw gateway run"
_FORCE: Final = "openclaw service install --force"


def unit_name(profile: str | None) -> str:
    """Return the unit's name without `.service`, as the original calls it."""
    return f"openclaw-gateway-{profile}" if profile else "openclaw-gateway"


def quote(text: str, *, command: bool = False) -> str:
    """Return a word as a unit file quotes it; in a command line a dollar sign is escaped as well."""
    plain_text(text, "a value of the unit")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if command else escaped}"'


def _path(path: Path) -> str:
    """Return a path for a setting that takes no quotes."""
    text = plain_text(str(path), "the working directory of the service")
    if text != text.strip() or text.endswith("\\") or not text.startswith("/"):
        raise InvalidInput(f"{text!r} cannot be the working directory of a service; choose another state directory")
    return text.replace("%", "%%")


def render(spec: ServiceSpec) -> str:
    """Return the unit file. A gateway that crashes is started again, each time a little later, and never given up."""
    title = "OpenClaw gateway" + (f" (profile {spec.profile})" if spec.profile else "")
    lines = [
        "[Unit]",
        f"Description={plain_text(title, 'the profile').replace('%', '%%')}",
        "After=network-online.target",
        "Wants=network-online.target",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        f"ExecStart={' '.join(quote(word, command=True) for word in spec.argv)}",
        f"WorkingDirectory={_path(spec.folder)}",
        *(f"Environment={quote(f'{name}={text}')}" for name, text in sorted(spec.environment.items())),
        "Restart=always",
        "RestartSec=5",
        "RestartSteps=8",
        "RestartMaxDelaySec=300",
        "KillMode=mixed",
        "TimeoutStopSec=20",
        "UMask=0077",
        "",
        "[Install]",
        "WantedBy=default.target",
        "",
    ]
    body = "\n".join(lines)
    return f"# {marked(body)}\n# Written by openclaw. A changed file is replaced by: {_FORCE}\n{body}"


def is_ours(text: str) -> bool:
    """Tell whether a unit file is as we wrote it, in this or an earlier version."""
    head, _, rest = text.partition("\n")
    while rest.startswith("#"):
        rest = rest.partition("\n")[2]
    return head.startswith(f"# {MARK}") and head == f"# {marked(rest)}"


class SystemdService:
    """The gateway as a unit of the user's own systemd.

    Args:
        spec: the service.
        environment: tells where units and the user's systemd are.
        systemctl: the program; found in the system's directories when not given.
        loginctl: likewise.
    """

    kind: Final[ServiceKind] = "systemd"

    def __init__(
        self,
        spec: ServiceSpec,
        environment: Environment,
        *,
        systemctl: Path | None = None,
        loginctl: Path | None = None,
    ) -> None:
        self.spec = spec
        self.unit = f"{unit_name(spec.profile)}.service"
        self.folder = user_units(environment)
        self.file = self.folder / self.unit
        self._systemctl = systemctl or find("systemctl")
        self._loginctl = loginctl or find("loginctl")
        runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
        self._variables = {
            "HOME": str(environment.home),
            "XDG_RUNTIME_DIR": runtime,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
        }

    def render(self) -> str:
        """Return the unit file that `install` would write."""
        return render(self.spec)

    def status(self) -> ServiceState:
        """Return what the unit file is, and what systemd says of it."""
        try:
            found = read_text(self.file, limit=LIMIT)
        except OpenClawError as error:
            return ServiceState("systemd", self.unit, self.file, Definition.EDITED, detail=error.message)
        definition = judge(found, self.render(), found is not None and is_ours(found))
        answer = self._call("show", self.unit, "--property=ActiveState,SubState,MainPID,UnitFileState")
        if not answer.ok:
            said = " ".join(answer.error.split()) or "systemd does not answer"
            return ServiceState("systemd", self.unit, self.file, definition, detail=said)
        facts = dict(line.split("=", 1) for line in answer.out.splitlines() if "=" in line)
        pid = int(facts["MainPID"]) if facts.get("MainPID", "").isdigit() else 0
        return ServiceState(
            "systemd",
            self.unit,
            self.file,
            definition,
            running=facts.get("ActiveState") == "active",
            enabled=facts.get("UnitFileState") == "enabled",
            pid=pid or None,
            detail=f"{facts.get('ActiveState', 'unknown')} ({facts.get('SubState', 'unknown')})",
        )

    def install(self, *, force: bool = False) -> ServiceState:
        """Write the unit, enable and (re)start it."""
        expect(self._call("show-environment"), "reach systemd for your user", ADVICE)
        write_definition(self.status(), self.render(), force=force)
        expect(self._call("daemon-reload"), "load the unit", ADVICE)
        expect(self._call("enable", self.unit), "enable the unit", ADVICE)
        expect(self._call("restart", self.unit), "start the unit", "See: journalctl --user -u " + self.unit)
        return self.status()

    def uninstall(self) -> bool:
        """Stop the unit and remove its file."""
        if not is_there(self.file):
            return False
        self._call("disable", "--now", self.unit)
        remove_definition(self.file)
        self._call("daemon-reload")
        return True

    def start(self) -> None:
        """Start the unit."""
        self._deed("start")

    def stop(self) -> None:
        """Stop the unit."""
        self._deed("stop")

    def restart(self) -> None:
        """Restart the unit."""
        self._deed("restart")

    def _deed(self, verb: str) -> None:
        if not self.file.exists():
            raise NotFound("the service is not installed; install it with: openclaw service install")
        expect(self._call(verb, self.unit), f"{verb} {self.unit}", f"See: journalctl --user -u {self.unit}")

    def lingers(self, user: str) -> bool | None:
        """Tell whether the user's services run without a login; None when that cannot be told."""
        answer = run(self._loginctl, ["show-user", "--property=Linger", "--", user], self._variables)
        return answer.out.strip().lower() == "linger=yes" if answer.ok else None

    def enable_linger(self, user: str) -> None:
        """Let the user's services run without a login.

        Raises:
            Unavailable: logind refuses.
        """
        answer = run(self._loginctl, ["enable-linger", "--", user], self._variables)
        expect(answer, "enable lingering", f"Ask an administrator to run: loginctl enable-linger {user}")

    def _call(self, *arguments: str) -> Answer:
        return run(self._systemctl, ["--user", "--no-pager", *arguments], self._variables)


def user_units(environment: Environment) -> Path:
    """Return the folder of the user's own units."""
    home = environment.values.get("HOME") or str(environment.home)
    return Path(environment.get("XDG_CONFIG_HOME") or f"{home}/.config") / "systemd" / "user"
