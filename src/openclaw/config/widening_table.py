"""Which config keys let more in, and in which direction (config.md 1.8). Data for `openclaw.config.widening`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

Pattern: TypeAlias = tuple[str, ...]
ANY: Final = "*"
"""Stands for one key or index of a path."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """A key whose values let more in from left to right.

    Attributes:
        key: where it stands.
        steps: its values, the narrowest first.
        default: what counts while it is absent; None takes the value of the object above.
    """

    key: Pattern
    steps: tuple[object, ...]
    default: object


def _keys(text: str) -> tuple[Pattern, ...]:
    return tuple(tuple(key.split(".")) for key in text.split())


def _ladders(keys: str, steps: tuple[object, ...], default: object) -> list[Ladder]:
    return [Ladder(key, steps, default) for key in _keys(keys)]


_OFF_ON: Final = (False, True)
_ON_OFF: Final = (True, False)
_DM: Final = ("disabled", "allowlist", "pairing", "open")
_GROUPS: Final = ("disabled", "allowlist", "open")

LADDERS: Final[tuple[Ladder, ...]] = (
    *_ladders("gateway.bind", ("loopback", "auto", "tailnet", "custom", "lan"), "loopback"),
    *_ladders("gateway.tailscale.mode", ("off", "serve", "funnel"), "off"),
    *_ladders("gateway.auth.allowTailscale gateway.auth.trustedProxy.allowLoopback", _OFF_ON, False),
    *_ladders("gateway.auth.rateLimit.exemptLoopback gateway.nodes.pairing.autoApproveLocal", _OFF_ON, True),
    *_ladders("gateway.controlUi.allowInsecureAuth gateway.http.endpoints.*.enabled", _OFF_ON, False),
    *_ladders("hooks.enabled hooks.allowRequestSessionKey hooks.gmail.allowUnsafeExternalContent", _OFF_ON, False),
    *_ladders("channels.*.dmPolicy channels.*.dm.policy", _DM, "pairing"),
    *_ladders("channels.*.accounts.*.dmPolicy channels.*.accounts.*.dm.policy", _DM, None),
    *_ladders("channels.*.groupPolicy", _GROUPS, "allowlist"),
    *_ladders("channels.*.accounts.*.groupPolicy channels.*.groups.*.groupPolicy", _GROUPS, None),
    *_ladders("channels.*.requireMention channels.*.groups.*.requireMention", _ON_OFF, True),
    *_ladders(
        "channels.*.groups.*.topics.*.requireMention channels.*.accounts.*.groups.*.requireMention", _ON_OFF, True
    ),
    *_ladders("channels.*.guilds.*.requireMention channels.*.guilds.*.channels.*.requireMention", _ON_OFF, True),
    *_ladders("channels.*.channels.*.requireMention channels.*.teams.*.requireMention", _ON_OFF, True),
    *_ladders("channels.*.allowBots channels.*.dm.groupEnabled", _OFF_ON, False),
    *_ladders("commands.useAccessGroups", _ON_OFF, True),
    *_ladders("commands.bash commands.config commands.debug commands.restart", _OFF_ON, False),
    *_ladders("session.dmScope", ("per-account-channel-peer", "per-channel-peer", "per-peer", "main"), "main"),
    *_ladders("agents.defaults.sandbox.mode", ("all", "non-main", "off"), "off"),
    *_ladders("agents.list.*.sandbox.mode", ("all", "non-main", "off"), None),
    *_ladders("agents.defaults.sandbox.workspaceAccess", ("none", "ro", "rw"), "none"),
    *_ladders("agents.list.*.sandbox.workspaceAccess", ("none", "ro", "rw"), None),
    *_ladders("agents.defaults.sandbox.sessionToolsVisibility", ("spawned", "all"), "spawned"),
    *_ladders("agents.defaults.sandbox.browser.allowHostControl", _OFF_ON, False),
    *_ladders("agents.defaults.elevatedDefault", ("off", "ask", "on", "full"), "off"),
    *_ladders("tools.profile agents.list.*.tools.profile", ("minimal", "messaging", "coding", "full"), "full"),
    *_ladders("tools.exec.host", ("sandbox", "node", "gateway"), "sandbox"),
    *_ladders("agents.list.*.tools.exec.host", ("sandbox", "node", "gateway"), None),
    *_ladders("tools.exec.security", ("deny", "allowlist", "full"), "allowlist"),
    *_ladders("agents.list.*.tools.exec.security", ("deny", "allowlist", "full"), None),
    *_ladders("tools.exec.ask", ("always", "on-miss", "off"), "on-miss"),
    *_ladders("agents.list.*.tools.exec.ask", ("always", "on-miss", "off"), None),
    *_ladders("tools.exec.strictInlineEval tools.exec.applyPatch.workspaceOnly", _ON_OFF, True),
    *_ladders("tools.fs.workspaceOnly agents.list.*.tools.fs.workspaceOnly", _ON_OFF, False),
    *_ladders("tools.elevated.enabled agents.list.*.tools.elevated.enabled", _OFF_ON, True),
    *_ladders("tools.sessions.visibility", ("self", "tree", "agent", "all"), "tree"),
    *_ladders("tools.agentToAgent.enabled tools.message.allowCrossContextSend", _OFF_ON, False),
    *_ladders("tools.message.crossContext.allowAcrossProviders plugins.entries.*.enabled", _OFF_ON, False),
)

GROWING: Final = _keys(
    """
    channels.*.allowFrom channels.*.groupAllowFrom channels.*.dm.allowFrom channels.*.dm.groupChannels
    channels.*.accounts.*.allowFrom channels.*.accounts.*.groupAllowFrom channels.*.accounts.*.dm.allowFrom
    channels.*.groups.*.allowFrom channels.*.groups.*.topics.*.allowFrom channels.*.guilds.*.users
    channels.*.guilds.*.channels.*.users channels.*.execApprovals.approvers commands.ownerAllowFrom
    tools.elevated.allowFrom.* agents.list.*.tools.elevated.allowFrom.* tools.alsoAllow
    agents.list.*.tools.alsoAllow tools.sandbox.tools.allow tools.sandbox.tools.alsoAllow
    tools.subagents.tools.allow tools.subagents.tools.alsoAllow tools.exec.safeBins tools.exec.safeBinTrustedDirs
    tools.exec.envAllow tools.exec.envInherit tools.agentToAgent.allow gateway.trustedProxies gateway.tools.allow
    gateway.controlUi.allowedOrigins gateway.nodes.allowCommands agents.defaults.sandbox.docker.binds
    agents.list.*.sandbox.docker.binds plugins.load.paths tools.web.fetch.ssrfPolicy.allowedHostnames
    browser.ssrfPolicy.allowedHostnames
    """
)
"""Lists of which each new entry lets more in; absent is empty."""

LIMITING: Final = _keys(
    """
    tools.allow agents.list.*.tools.allow tools.byProvider.*.allow plugins.allow hooks.allowedAgentIds
    gateway.auth.trustedProxy.allowUsers hooks.allowedSessionKeyPrefixes
    """
)
"""Allow lists that limit once they are there: a new entry widens, and so does taking the list away."""

SHRINKING: Final = _keys(
    """
    tools.deny agents.list.*.tools.deny tools.byProvider.*.deny tools.sandbox.tools.deny tools.subagents.tools.deny
    gateway.nodes.denyCommands gateway.tools.deny plugins.deny gateway.auth.trustedProxy.requiredHeaders
    agents.defaults.sandbox.docker.capDrop
    """
)
"""Deny lists: each entry that goes lets more in."""

PLACES: Final = _keys(
    """
    channels.*.groups channels.*.accounts.*.groups channels.*.guilds channels.*.guilds.*.channels channels.*.teams
    channels.*.teams.*.channels channels.*.channels
    """
)
"""Maps whose keys are rooms that may be heard."""
