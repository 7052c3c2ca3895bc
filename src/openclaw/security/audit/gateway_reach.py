"""What the gateway tells the network and asks of nodes, and how this machine reaches others (audit.md 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.gateway_doors import worse_when
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, listed, mapping, some, trim

_PATTERN: Final = re.compile(r"[?*\[\]{}(),|^$\s]|^/|/$|^group:")
_DANGEROUS_COMMANDS: Final = frozenset(
    {
        *("camera.snap", "camera.clip", "screen.record", "contacts.add", "calendar.add", "reminders.add"),
        *("sms.send", "sms.search", "health.read", "system.run"),
    }
)
_SWITCH: Final = "OPENCLAW_ALLOW_INSECURE_PRIVATE_WS"
_TRUE_FLAGS: Final = (
    ("gateway", "controlUi", "dangerouslyAllowHostHeaderOriginFallback"),
    ("hooks", "gmail", "allowUnsafeExternalContent"),
    ("hooks", "allowRequestSessionKey"),
    ("browser", "ssrfPolicy", "dangerouslyAllowPrivateNetwork"),
    ("tools", "web", "fetch", "ssrfPolicy", "dangerouslyAllowPrivateNetwork"),
)
_FALSE_FLAGS: Final = (("tools", "exec", "applyPatch", "workspaceOnly"), ("tools", "fs", "workspaceOnly"))


@check(
    "config.agent_roster.invalid_default_count",
    Severity.WARN,
    topic=Topic.OTHER,
    title="It is not clear which agent is the default",
    when="Two or more agents are listed and not exactly one has default: true.",
    attack="Messages that no binding claims go to the first agent of the list, which may have more rights than meant.",
    remedy="Mark one agent with default: true.",
    since=Since.LATER,
)
def default_agents(ctx: AuditContext) -> Hits:
    """One default, stated."""
    marked = sum(entry.get("default") is True for entry in ctx.reading.agents)
    if len(ctx.reading.agents) > 1 and marked != 1:
        yield Hit(f"{len(ctx.reading.agents)} agents are listed, {marked} of them as default.", place="agents.list")


@check(
    "discovery.mdns_full_mode",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="The gateway tells the local network where it is installed",
    when="discovery.mdns.mode is full. Critical when gateway.bind is not loopback.",
    attack="Paths (with the user's name) and the SSH port save an attacker the search.",
    remedy='Set discovery.mdns.mode to "minimal", or "off".',
    since=Since.LATER,
)
def full_discovery(ctx: AuditContext) -> Hits:
    """Announcements with details."""
    if at(ctx.document, "discovery", "mdns", "mode") == "full":
        severity = worse_when(ctx.exposed)
        yield Hit("discovery.mdns.mode is full.", severity=severity, place="discovery.mdns.mode")


def _flags(ctx: AuditContext) -> Iterator[str]:
    """Yield the switches that are set the dangerous way (audit.md 9.3)."""
    document = ctx.document
    yield from (".".join(path) for path in _TRUE_FLAGS if at(document, *path) is True)
    yield from (f"{'.'.join(path)}=false" for path in _FALSE_FLAGS if at(document, *path) is False)
    for index, item in enumerate(listed(at(document, "hooks", "mappings"))):
        if at(item, "allowUnsafeExternalContent") is True:
            yield f"hooks.mappings.{index}.allowUnsafeExternalContent"
    blocks: list[tuple[str, Any]] = [("agents.defaults", at(document, "agents", "defaults"))]
    blocks += [(f"agents.list.{index}", entry) for index, entry in enumerate(ctx.reading.agents)]
    for path, block in blocks:
        for key, value in mapping(at(block, "sandbox", "docker")).items():
            if key.startswith("dangerously") and value is True:
                yield f"{path}.sandbox.docker.{key}"
        if path != "agents.defaults":
            own = (("exec", "applyPatch", "workspaceOnly"), ("fs", "workspaceOnly"))
            yield from (f"{path}.tools.{'.'.join(keys)}=false" for keys in own if at(block, "tools", *keys) is False)
    if listed(at(document, "security", "audit", "suppressions")):
        yield "security.audit.suppressions"


@check(
    "config.insecure_or_dangerous_flags",
    Severity.WARN,
    topic=Topic.OTHER,
    title="A dangerous switch is set",
    when="One of these, one finding each: dangerouslyAllowHostHeaderOriginFallback, allowUnsafeExternalContent of "
    "mail or of a webhook mapping, hooks.allowRequestSessionKey, dangerouslyAllowPrivateNetwork, the dangerously… "
    "keys of a sandbox (each true), workspaceOnly of fs or applyPatch (written as false), suppressions of the audit.",
    attack="Each takes away one guard that other settings count on.",
    remedy="Remove the key unless you know what needs it.",
    since=Since.LATER,
)
def dangerous_flags(ctx: AuditContext) -> Hits:
    """Switches with a warning in their name or meaning."""
    for flag in _flags(ctx):
        yield Hit(flag, place=flag.removesuffix("=false"))


@check(
    "gateway.nodes.allow_commands_dangerous",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="Nodes may be asked for cameras, screens or messages",
    when="gateway.nodes.allowCommands names a command such as camera.snap, screen.record, contacts.add or sms.send "
    "that denyCommands does not take back. Critical when other machines reach the gateway.",
    attack="Whoever steers the agent, or has the token, photographs, records or writes as you.",
    remedy="Remove these commands from gateway.nodes.allowCommands.",
    since=Since.LATER,
)
@check(
    "gateway.nodes.deny_commands_ineffective",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="An entry of denyCommands denies nothing",
    when="An entry of gateway.nodes.denyCommands looks like a pattern or is no command of a node; only exact names "
    "count.",
    attack="What reads as forbidden is not.",
    remedy="Write the exact names of the commands.",
    since=Since.LATER,
)
def node_commands(ctx: AuditContext) -> Hits:
    """Commands of paired nodes."""
    nodes = mapping(at(ctx.document, "gateway", "nodes"))
    allowed, denied = entries(nodes.get("allowCommands")), entries(nodes.get("denyCommands"))
    dangerous = [name for name in allowed if name in _DANGEROUS_COMMANDS and name not in denied]
    if dangerous:
        yield Hit(
            f"gateway.nodes.allowCommands: {some(dangerous)}.",
            id="gateway.nodes.allow_commands_dangerous",
            severity=worse_when(ctx.remote),
            place="gateway.nodes.allowCommands",
        )
    if not denied:
        return
    from openclaw.policy.where.node_commands import DEFAULTS

    known = _DANGEROUS_COMMANDS.union(*DEFAULTS.values(), *(node.commands for node in ctx.stores.nodes))
    vain = [name for name in denied if name not in known or _PATTERN.search(name)]
    if vain:
        detail = f"gateway.nodes.denyCommands: {some(vain)}."
        yield Hit(detail, id="gateway.nodes.deny_commands_ineffective", place="gateway.nodes.denyCommands")


@check(
    "gateway.remote_plaintext_url",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="Secrets may travel to a gateway in clear text",
    when="gateway.remote.url is ws:// or http:// to a host that is neither loopback nor an address of this machine, "
    f"or {_SWITCH} is set.",
    attack="Anybody on the way reads the token and drives the remote gateway.",
    remedy=f"Use wss:// or an SSH tunnel, and unset {_SWITCH}.",
    since=Since.OURS,
)
def plaintext_remote(ctx: AuditContext) -> Hits:
    """A remote address without TLS."""
    text = trim(at(ctx.document, "gateway", "remote", "url"))
    host = _plain_host_of(text)
    if host and not _is_own(host, ctx.own_addresses):
        scheme = text.partition(":")[0].lower()
        yield Hit(f"gateway.remote.url leads to {host} by {scheme}.", place="gateway.remote.url")
    if ctx.reading.environment.truthy(_SWITCH):
        yield Hit(f"{_SWITCH} is set.", place=_SWITCH)


def _plain_host_of(text: str) -> str:
    try:
        parts = urlsplit(text)
        return (parts.hostname or "") if parts.scheme.lower() in ("ws", "http") else ""
    except ValueError:
        return ""


def _is_own(host: str, own: frozenset[str]) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.") or host in own


@check(
    "gateway.remote_token_without_local_secret",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="A remote token is set, but the local gateway has no secret",
    when="gateway.remote.token (or .password) is set, gateway.mode is not remote, and the auth mode has no secret.",
    attack="It reads as if the local gateway were protected. It is not: gateway.remote only serves commands that call "
    "another gateway.",
    remedy="Set gateway.auth.token: openclaw doctor --generate-gateway-token.",
    since=Since.OURS,
)
def remote_token_only(ctx: AuditContext) -> Hits:
    """A secret in the wrong place."""
    remote = mapping(at(ctx.document, "gateway", "remote"))
    written = [key for key in ("token", "password") if remote.get(key)]
    if written and not ctx.auth.has_secret and at(ctx.document, "gateway", "mode") != "remote":
        yield Hit(f"gateway.remote.{written[0]} is set, gateway.auth has no secret.", place="gateway.auth")


@check(
    "gateway.tailscale_with_trusted_proxies",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="Tailscale identities are accepted beside another proxy",
    when="Tailscale identity headers count (gateway.auth.allowTailscale, or Serve without a password) and "
    "gateway.trustedProxies is not empty.",
    attack="A proxy that passes the client's headers on lets anybody claim a Tailscale user.",
    remedy="Set gateway.auth.allowTailscale to false, or take the other proxy away.",
    since=Since.OURS,
)
def tailscale_beside_proxy(ctx: AuditContext) -> Hits:
    """Two sources of identity headers."""
    proxies = entries(at(ctx.document, "gateway", "trustedProxies"))
    if ctx.auth.allow_tailscale and proxies:
        yield Hit(f"gateway.trustedProxies: {some(proxies)}.", place="gateway.auth.allowTailscale")


LATER: Final[tuple[Check, ...]] = (default_agents, full_discovery, dangerous_flags, node_commands)
OURS: Final[tuple[Check, ...]] = (plaintext_remote, remote_token_only, tailscale_beside_proxy)
