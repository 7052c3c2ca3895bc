"""What older releases left behind."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from openclaw.config.places import agent_dir, default_agent
from openclaw.security.doctor.context import LegacyFacts
from openclaw.security.doctor.repairs.profiles import missing_logins
from openclaw.security.state_tree import Tree
from openclaw.state.layout import CONFIG_NAME, LEGACY_CONFIG_NAMES, LEGACY_STATE_NAMES, StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError

WHATSAPP_PREFIXES: Final = ("app-state-sync-", "pre-key-", "sender-key-", "session-", "device-list-", "lid-mapping-")
WHATSAPP_FILES: Final = frozenset({"creds.json", "creds.json.bak"})
OAUTH: Final = "oauth.json"


def legacy_facts(
    document: Mapping[str, Any], layout: StateLayout, environment: Environment, state: Tree
) -> LegacyFacts:
    """Return what lies under older names and at older places."""
    providers, fault = _oauth(document, layout, environment)
    return LegacyFacts(
        state_dirs=_state_dirs(environment),
        config_file=_config_file(layout, environment),
        other_homes=_other_homes(environment),
        oauth=providers,
        oauth_fault=fault,
        whatsapp=tuple(node.path for node in state.children("credentials") if is_whatsapp(node.name)),
    )


def is_whatsapp(name: str) -> bool:
    """Tell whether a file in `credentials` is a loose one of WhatsApp Web."""
    return name in WHATSAPP_FILES or (name.endswith(".json") and name.startswith(WHATSAPP_PREFIXES))


def _state_dirs(environment: Environment) -> tuple[Path, ...]:
    """Return directories under older names; a link there is what a move leaves behind."""
    if environment.get("OPENCLAW_STATE_DIR") or environment.get("OPENCLAW_PROFILE") not in (None, "default"):
        return ()
    places = (environment.home / name for name in LEGACY_STATE_NAMES)
    return tuple(place for place in places if place.is_dir() and not place.is_symlink())


def _config_file(layout: StateLayout, environment: Environment) -> Path | None:
    if environment.get("OPENCLAW_CONFIG_PATH") or (layout.root / CONFIG_NAME).exists():
        return None
    places = (layout.root / name for name in LEGACY_CONFIG_NAMES)
    return next((place for place in places if place.is_file()), None)


def _other_homes(environment: Environment) -> tuple[Path, ...]:
    """Return state directories of other users, as far as they can be seen."""
    own = os.path.realpath(environment.home)
    others = (row for row in pwd.getpwall() if row.pw_uid != os.geteuid())
    homes = {Path(row.pw_dir) for row in others if row.pw_dir.startswith(("/home/", "/Users/", "/root"))}
    return tuple(sorted(home / ".openclaw" for home in homes if os.path.realpath(home) != own and _has_state(home)))


def _has_state(home: Path) -> bool:
    try:
        return (home / ".openclaw").is_dir()
    except OSError:
        return False


def _oauth(
    document: Mapping[str, Any], layout: StateLayout, environment: Environment
) -> tuple[tuple[str, ...], str | None]:
    try:
        return missing_logins(oauth_file(layout), default_profiles(document, layout, environment)), None
    except OpenClawError as error:
        return (), error.message


def oauth_file(layout: StateLayout) -> Path:
    """Return where older releases kept their logins."""
    return layout.credentials / OAUTH


def default_profiles(document: Mapping[str, Any], layout: StateLayout, environment: Environment) -> Path:
    """Return the profiles of the default agent."""
    return agent_dir(document, default_agent(document), layout, environment) / "auth-profiles.json"
