"""Taking an installation away: what goes is worked out and checked as a whole before anything is touched.

What is not known to be ours stays, and is named: a state directory that somebody put among other files loses only what
openclaw wrote. No link is followed.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.agent.workspace import ALWAYS, FIRST_RUN
from openclaw.config.places import agent_workspace, default_agent, listed_agents
from openclaw.config.plain import read_plain
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.onboarding.reset import credential_files
from openclaw.state.files import why
from openclaw.state.layout import CONFIG_NAME, LEGACY_CONFIG_NAMES, StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import Refused, Unavailable

PARTS: Final = ("service", "state", "workspace", "app")
CODE: Final = "uninstall-refused"
SIGNS: Final = ("agents", "credentials", "identity", "ledger", "journal", "gateway.lock", "devices")
"""Any of these, or a config, shows that a directory is a state directory."""
CONFIG_NAMES: Final = (CONFIG_NAME, *LEGACY_CONFIG_NAMES)
KNOWN: Final = frozenset(
    {
        *SIGNS,
        *(".env", "nodes", "node.json", "exec-approvals.json", "exec-approvals.sock", "memory", "sandboxes", "sandbox"),
        *("subagents", "cron", "extensions", "skills", "hooks", "media", "browser", "canvas", "gateway", "telegram"),
        *("settings", "logs", "dns", "completions", "tools", "update-check.json", "restart-sentinel.json", "cache"),
        *("msteams-conversations.json", "msteams-polls.json", "contain.json", "provenance.sqlite", "sessions", "agent"),
    }
)
"""What lies in a state directory (config.md 2.2), its workspaces aside."""
BESIDE: Final = (".lock", ".flock", ".tmp", "-wal", "-shm")
SHORTEST: Final = len(("/", "home", "person"))


@dataclass(frozen=True, slots=True)
class Plan:
    """What an uninstall would remove.

    Attributes:
        paths: files and folders that go, in that order.
        kept: what lies among them and stays, because openclaw did not write it.
        folders: the folders that go when nothing is left in them.
    """

    paths: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()


def uninstall_plan(parts: frozenset[str], layout: StateLayout, environment: Environment) -> Plan:
    """Work out what goes.

    Args:
        parts: of `PARTS`; `service` and `app` have no files here.
        layout: the state directory.
        environment: tells where workspaces lie.

    Raises:
        Refused: a directory is a link, holds more than openclaw, or is not one that openclaw made.
    """
    document = read_plain(layout, environment).document or {}
    names = (default_agent(document), *(normalise_agent_id(entry.get("id")) for entry in listed_agents(document)))
    places = dict.fromkeys(agent_workspace(document, name, layout, environment) for name in names)
    workspaces = [place for place in places if place.is_symlink() or place.exists()]
    paths, kept, folders = list[Path](), list[Path](), list[Path]()
    if "workspace" in parts:
        for place in workspaces:
            _check(place, environment, "workspace")
            if not any((place / name).is_file() for name in (*ALWAYS, FIRST_RUN)):
                raise Refused(f"{place} holds none of a workspace's files; remove it by hand", code=CODE)
        paths += workspaces
    if "state" in parts:
        if layout.root.is_symlink() or layout.root.exists():
            _check(layout.root, environment, "state directory")
            _check_state(layout.root)
            mine, foreign = _sorted_out(layout.root, set(workspaces))
            paths += mine
            kept += foreign
            if all(path in paths for path in foreign):
                folders.append(layout.root)
        paths += [path for path in _config_files(layout) if path not in paths]
        if layout.config.is_symlink():
            kept.append(Path(os.path.realpath(layout.config)))
        if not layout.credentials.is_relative_to(layout.root):
            paths += credential_files(layout)
    return Plan(tuple(dict.fromkeys(paths)), tuple(path for path in kept if path not in paths), tuple(folders))


def _check(path: Path, environment: Environment, what: str) -> None:
    """Refuse a directory that is a link, foreign, or too high up."""
    if path.is_symlink():
        raise Refused(f"the {what} {path} is a link to {path.readlink()}; no link is followed here", code=CODE)
    real, home = Path(os.path.realpath(path)), Path(os.path.realpath(environment.home))
    if home.is_relative_to(real) or len(real.parts) < SHORTEST or os.path.ismount(real):
        raise Refused(f"the {what} {path} holds more than openclaw; remove it by hand if you mean it", code=CODE)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Refused(f"the {what} {path} is no directory of yours; remove it by hand if you mean it", code=CODE)


def _check_state(root: Path) -> None:
    there = {path.name for path in root.iterdir()}
    if there and not any(name in there for name in (*SIGNS, *CONFIG_NAMES)):
        raise Refused(f"{root} is no state directory of openclaw; nothing was removed", code=CODE)


def _sorted_out(root: Path, workspaces: set[Path]) -> tuple[list[Path], list[Path]]:
    """Return what lies right below a state directory: what is ours, and what stays."""
    mine, foreign = list[Path](), list[Path]()
    for path in sorted(root.iterdir()):
        holds_workspace = any(place.is_relative_to(path) for place in workspaces)
        (mine if _is_known(path.name) and not holds_workspace else foreign).append(path)
    return mine, foreign


def _is_known(name: str) -> bool:
    """Tell whether openclaw writes a file or folder of this name into its state directory."""
    if name.startswith(tuple(f"{config}." for config in CONFIG_NAMES)) or name in CONFIG_NAMES:
        return True
    for end in BESIDE:
        name = name.removesuffix(end)
    return name in KNOWN


def _config_files(layout: StateLayout) -> Iterator[Path]:
    """Yield the config and its backups, which may lie outside the state directory."""
    if layout.config.is_relative_to(layout.root):
        return
    ends = ("", ".bak", *(f".bak.{number}" for number in range(1, 5)))
    for path in (layout.config.with_name(layout.config.name + end) for end in ends):
        if path.is_symlink() or path.is_file():
            yield path


def remove(plan: Plan) -> tuple[Path, ...]:
    """Remove what a plan names, and return it.

    Raises:
        Unavailable: the disk refuses; the message says what is gone already.
    """
    gone: list[Path] = []
    for path in plan.paths:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
        except OSError as error:
            done = f"; removed before that: {', '.join(map(str, gone))}" if gone else "; nothing else was removed"
            raise Unavailable(f"cannot remove {path}: {why(error)}{done}", code="state-unwritable") from error
        gone.append(path)
    for folder in plan.folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            gone.append(folder)
    return tuple(gone)
