"""Starting over: what is removed per scope (config.md 5.3)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final, Literal

from openclaw.config.places import agent_workspace, default_agent, listed_agents
from openclaw.config.plain import read_plain
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.running import refuse_running
from openclaw.state.files import check_owned, why
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import Refused, Unavailable

CREDENTIALS: Final = ("*-pairing.json", "*-allowFrom.json", "oauth.json", "github-copilot.token.json", "whatsapp")
"""What lies in the credentials folder (config.md 2.2)."""
Scope = Literal["config", "config+creds+sessions", "full"]
SCOPES: Final[tuple[Scope, ...]] = ("config", "config+creds+sessions", "full")


def reset_targets(scope: Scope, layout: StateLayout, environment: Environment) -> tuple[Path, ...]:
    """Return what a reset would remove, as far as it is there.

    Raises:
        Refused: a directory that would be removed holds more than this installation, such as the home directory.
    """
    found = [layout.config]
    if scope == "config+creds+sessions":
        agents = layout.root / "agents"
        sessions = sorted(agents.glob("*/sessions")) if agents.is_dir() else []
        found += [*credential_files(layout), *sessions]
    elif scope == "full":
        found += [layout.root, *credential_files(layout), *_workspaces(layout, environment)]
    there = [path for path in dict.fromkeys(found) if path.is_symlink() or path.exists()]
    kept = [path for path in there if not any(path != other and path.is_relative_to(other) for other in there)]
    for path in kept:
        _check(path, environment)
    return tuple(kept)


def credential_files(layout: StateLayout) -> tuple[Path, ...]:
    """Return what holds credentials: the folder, or, where it lies elsewhere, only what openclaw keeps in it."""
    folder = layout.credentials
    if folder.is_relative_to(layout.root):
        return (folder,)
    return tuple(sorted(path for pattern in CREDENTIALS for path in folder.glob(pattern)))


def _workspaces(layout: StateLayout, environment: Environment) -> list[Path]:
    document = read_plain(layout, environment).document or {}
    names = (default_agent(document), *(normalise_agent_id(entry.get("id")) for entry in listed_agents(document)))
    return [agent_workspace(document, name, layout, environment) for name in dict.fromkeys(names)]


def _check(path: Path, environment: Environment) -> None:
    real, home = Path(os.path.realpath(path)), Path(os.path.realpath(environment.home))
    if home == real or home.is_relative_to(real) or len(real.parts) < len(("/", "home")):
        raise Refused(f"{path} holds more than openclaw; remove it by hand if you mean it", code="reset-refused")


def reset(scope: Scope, layout: StateLayout, environment: Environment) -> tuple[Path, ...]:
    """Remove what `reset_targets` names, and return it. Links are removed, never followed.

    Raises:
        Refused: the gateway runs, or a directory holds more than openclaw.
        Unavailable: the disk refuses.
    """
    check_owned(layout.root)
    refuse_running(layout)
    targets = reset_targets(scope, layout, environment)
    for path in targets:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Unavailable(f"cannot remove {path}: {why(error)}") from error
    return targets
