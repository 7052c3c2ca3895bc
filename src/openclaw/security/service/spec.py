"""Which program a service runs, with which variables. Secrets never enter a service definition."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from openclaw.security.service.model import ServiceSpec, plain_text
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment, is_secret_name

_CARRIED: Final = (
    "OPENCLAW_HOME",
    "OPENCLAW_PROFILE",
    "OPENCLAW_CONFIG_PATH",
    "OPENCLAW_INCLUDE_ROOTS",
    "OPENCLAW_OAUTH_DIR",
    "OPENCLAW_NIX_MODE",
    "OPENCLAW_BUNDLED_PLUGINS_DIR",
    "OPENCLAW_BUNDLED_SKILLS_DIR",
    "OPENCLAW_BUNDLED_HOOKS_DIR",
    "LANG",
    "TZ",
)
"""Variables of the shell that the service is to have too."""
_PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_MAC_PATH: Final = ("/opt/homebrew/bin", "/opt/homebrew/sbin")


def service_spec(layout: StateLayout, environment: Environment, *, port: int | None = None) -> ServiceSpec:
    """Return the service of a state directory.

    Args:
        layout: the state directory, which becomes the working directory too.
        environment: of the shell that installs it; only a few names are taken over.
        port: `--port`; else OPENCLAW_GATEWAY_PORT where it is set, else the config decides.

    Raises:
        InvalidInput: a value cannot stand in a service definition.
    """
    wanted = port or environment.integer("OPENCLAW_GATEWAY_PORT")
    argv = (*program(), "gateway", "run", *(("--port", str(wanted)) if wanted else ()))
    profile = environment.get("OPENCLAW_PROFILE")
    return ServiceSpec(
        profile=profile if profile and profile.lower() != "default" else None,
        argv=tuple(plain_text(word, "the command line of the service") for word in argv),
        environment={name: plain_text(text, name) for name, text in _variables(layout, environment).items()},
        folder=layout.root,
        logs=layout.logs,
    )


def program() -> tuple[str, ...]:
    """Return how this openclaw is started again, without a shell and without looking into the current directory."""
    interpreter = Path(sys.executable)
    script = interpreter.with_name("openclaw")
    if script.is_file() and os.access(script, os.X_OK):
        return (str(script),)
    return (str(interpreter), "-P", "-m", "openclaw")


def _variables(layout: StateLayout, environment: Environment) -> Mapping[str, str]:
    own = {name: value for name in _CARRIED if name not in environment.origins and (value := environment.get(name))}
    path = (*(_MAC_PATH if sys.platform == "darwin" else ()), *_PATH)
    found = {
        "HOME": environment.values.get("HOME") or str(environment.home),
        "PATH": os.pathsep.join(path),
        **own,
        "OPENCLAW_STATE_DIR": str(layout.root),
    }
    return {name: text for name, text in found.items() if not is_secret_name(name)}
