"""Which sessions run in a sandbox, and under which name (exec.md 4.1, 4.2; agent.md 5.6)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Reason, Verdict
from openclaw.policy.where.key_builders import main_session_key
from openclaw.policy.where.key_ids import DEFAULT_MAIN_KEY, GLOBAL_KEY, normalise_agent_id
from openclaw.policy.where.session_keys import canonical_key

_OUTSIDE_SLUG: Final = re.compile(r"[^a-z0-9._-]+")
_SLUG_LENGTH: Final = 32
_NAME_LENGTH: Final = 63
_HASH_LENGTH: Final = 8
SHARED_KEY: Final = "shared"


class SandboxMode(StrEnum):
    """Which sessions are sandboxed."""

    OFF = "off"
    NON_MAIN = "non-main"
    ALL = "all"


class SandboxScope(StrEnum):
    """What one sandbox serves."""

    SESSION = "session"
    AGENT = "agent"
    SHARED = "shared"


class WorkspaceAccess(StrEnum):
    """How the agent's workspace appears inside."""

    NONE = "none"
    RO = "ro"
    RW = "rw"


class SessionToolsVisibility(StrEnum):
    """What session tools inside a sandbox see."""

    SPAWNED = "spawned"
    ALL = "all"


class SandboxBackend(StrEnum):
    """What builds the sandbox."""

    AUTO = "auto"
    DOCKER = "docker"
    BWRAP = "bwrap"
    SEATBELT = "seatbelt"


class Placement(StrEnum):
    """Where a session's tools run."""

    SANDBOX = "sandbox"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """The sandbox block of one agent, defaults filled in.

    Attributes:
        mode: which sessions are sandboxed.
        scope: what one sandbox serves.
        workspace_access: how the workspace appears inside.
        workspace_root: folder of sandbox workspaces; None means `<state>/sandboxes`.
        tools_visibility: what session tools inside see.
        backend: what builds the sandbox.
        container_prefix: beginning of container names.
        mode_key: config path that gives the mode.
    """

    mode: SandboxMode = SandboxMode.OFF
    scope: SandboxScope = SandboxScope.AGENT
    workspace_access: WorkspaceAccess = WorkspaceAccess.NONE
    workspace_root: str | None = None
    tools_visibility: SessionToolsVisibility = SessionToolsVisibility.SPAWNED
    backend: SandboxBackend = SandboxBackend.AUTO
    container_prefix: str = "openclaw-sbx-"
    mode_key: str = "agents.defaults.sandbox.mode"


@dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """The sandbox settings of all agents.

    Attributes:
        defaults: for agents that are not listed.
        agents: by normalised agent id.
        main_key: rest of the main session's key.
        global_scope: `session.scope` is `global`.
    """

    defaults: SandboxSettings = field(default_factory=SandboxSettings)
    agents: Mapping[str, SandboxSettings] = field(default_factory=lambda: MappingProxyType({}))
    main_key: str = DEFAULT_MAIN_KEY
    global_scope: bool = False

    def settings(self, agent_id: str | None) -> SandboxSettings:
        """Return the settings of an agent."""
        return self.agents.get(normalise_agent_id(agent_id), self.defaults)


def sandbox_status(
    policy: SandboxPolicy, agent_id: str | None, session_key: str | None, *, parent_sandboxed: bool = False
) -> Verdict[Placement]:
    """Return whether a session's tools run in a sandbox.

    Mode `all` covers every session, also a call without a key. `non-main` covers each key other than the agent's main
    session (`global` under a global scope). The child of a sandboxed session is sandboxed whatever its own agent says
    (agent.md 5.9, advisories G3).
    """
    settings = policy.settings(agent_id)
    own = _own_placement(policy, settings, agent_id, session_key)
    if own.outcome is Placement.HOST and parent_sandboxed:
        detail = "The session that started this one is sandboxed."
        return Verdict(Placement.SANDBOX, (*own.reasons, Reason("sandbox.parent", settings.mode_key, detail)))
    return own


def _own_placement(
    policy: SandboxPolicy, settings: SandboxSettings, agent_id: str | None, session_key: str | None
) -> Verdict[Placement]:
    key = settings.mode_key
    if settings.mode is SandboxMode.OFF:
        return Verdict(Placement.HOST, (Reason("sandbox.off", key, "Sandboxing is off for this agent."),))
    if settings.mode is SandboxMode.ALL:
        return Verdict(Placement.SANDBOX, (Reason("sandbox.all", key, "Every session of this agent is sandboxed."),))
    agent = normalise_agent_id(agent_id)
    asked = canonical_key(session_key, agent_id=agent, main_key=policy.main_key, global_scope=policy.global_scope)
    main = GLOBAL_KEY if policy.global_scope else main_session_key(agent, policy.main_key)
    if asked == main:
        return Verdict(Placement.HOST, (Reason("sandbox.main", key, "The agent's main session is not sandboxed."),))
    return Verdict(Placement.SANDBOX, (Reason("sandbox.non-main", key, "This is not the agent's main session."),))


def scope_key(scope: SandboxScope, agent_id: str | None, session_key: str) -> str:
    """Return what one sandbox is made for: a session key, `agent:<id>` or `shared`."""
    if scope is SandboxScope.SHARED:
        return SHARED_KEY
    if scope is SandboxScope.SESSION:
        return session_key.strip() or main_session_key(agent_id)
    return f"agent:{normalise_agent_id(agent_id)}"


def slug(key: str) -> str:
    """Return the folder name of a scope key: 32 readable characters and 8 hex digits of its SHA-1."""
    if key == SHARED_KEY:
        return SHARED_KEY
    raw = key.strip() or "session"
    readable = _OUTSIDE_SLUG.sub("-", raw.lower()).strip("-")[:_SLUG_LENGTH] or "session"
    digest = hashlib.sha1(raw.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
    return f"{readable}-{digest[:_HASH_LENGTH]}"


def container_name(prefix: str, key: str) -> str:
    """Return the container's name, at most 63 characters; a long prefix is cut, never the hash that tells two apart."""
    tail = slug(key)
    whole = f"{prefix}{tail}"
    if len(whole) <= _NAME_LENGTH:
        return whole
    distinct = tail[-(_HASH_LENGTH + 1) :]
    return f"{whole[: _NAME_LENGTH - len(distinct)]}{distinct}"
