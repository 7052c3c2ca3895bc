"""Open doors with tools behind them (audit.md 4.6, 9.1): the compiled policy says what a stranger reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, items, listed, mapping, some

if TYPE_CHECKING:
    from openclaw.security.audit.reach import Reach


def _open_group_keys(ctx: AuditContext) -> Iterator[str]:
    """Yield the config paths of open group policies as the seed looks for them: of sections and their accounts."""
    for channel, section in items(at(ctx.seed, "channels")):
        if at(section, "groupPolicy") == "open":
            yield f"channels.{channel}.groupPolicy"
        for account, own in items(at(section, "accounts")):
            if at(own, "groupPolicy") == "open":
                yield f"channels.{channel}.accounts.{account}.groupPolicy"


def open_keys(ctx: AuditContext) -> list[str]:
    """Return the config paths of everything that is written as open."""
    return list(_open_below(at(ctx.document, "channels"), "channels"))


def _open_below(value: Any, path: str) -> Iterator[str]:
    for key, item in mapping(value).items():
        place = f"{path}.{key}"
        if item == "open" and (key in ("dmPolicy", "groupPolicy") or place.endswith(".dm.policy")):
            yield place
        yield from _open_below(item, place)


@check(
    "security.exposure.open_groups_with_elevated",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Open groups while elevated exec is on",
    when="tools.elevated.enabled is not false, and a section of channels (also defaults) or one of its accounts has "
    "groupPolicy open; whether the channel runs does not matter.",
    attack="Anybody in such a group speaks to an agent that may leave the sandbox for those on the elevated list; one "
    "injected text away from the host.",
    remedy='Set groupPolicy to "allowlist" and name the groups, or set tools.elevated.enabled to false.',
    fix="Sets groupPolicy to allowlist for telegram, whatsapp, discord, signal, imessage, slack and msteams, accounts "
    "included.",
)
def open_groups_with_elevated(ctx: AuditContext) -> Hits:
    """An open room next to the way out of the sandbox."""
    keys = list(_open_group_keys(ctx)) if ctx.elevated else []
    if not keys:
        return
    from openclaw.security.audit.reach import doors

    opened = {door.key for door in doors(ctx.policy) if door.group}
    closed = [key for key in keys if key not in opened]
    lines = [f"open: {some(keys)}", _who_elevates(ctx)]
    if closed:
        lines.append(f"the policy in force lets nobody in through {some(closed)}")
    yield Hit(tuple(lines), place=keys[0])


def _who_elevates(ctx: AuditContext) -> str:
    senders = [
        f"{provider} ({len(entries(listed_))})"
        for provider, listed_ in items(at(ctx.document, "tools", "elevated", "allowFrom"))
        if entries(listed_)
    ]
    return (
        f"elevated exec is offered to: {', '.join(senders)}" if senders else "tools.elevated.allowFrom names nobody yet"
    )


def _strangers(ctx: AuditContext) -> tuple[Reach, ...]:
    """Return what strangers reach. The policy is only compiled when something is written as open."""
    if not open_keys(ctx):
        return ()
    from openclaw.security.audit.reach import strangers_reach

    return strangers_reach(ctx.policy)


def _rows(found: Iterable[tuple[Reach, tuple[str, ...]]]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(f"- {reach.door.key} → agent {reach.agent}: {', '.join(tools)}" for reach, tools in found)
    )


@check(
    "security.exposure.open_groups_with_runtime_or_fs",
    Severity.CRITICAL,
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Strangers reach tools that run programs or touch files",
    when="A message of somebody whom no list names is let in by an open policy, and the agent behind that door may run "
    "exec or process outside a sandbox (critical), or file tools that neither a sandbox nor tools.fs.workspaceOnly "
    "bounds (warn when it is only these).",
    attack="The stranger asks for it, or hides the request in a link: the agent runs it with your rights.",
    remedy="Close the door (pairing or allowlist). Else sandbox that agent (sandbox.mode all) and give it "
    'tools.profile "messaging".',
    since=Since.LATER,
)
def open_with_runtime_or_files(ctx: AuditContext) -> Hits:
    """The worst pairing: open, with hands."""
    found = [(reach, (*reach.runtime, *reach.files)) for reach in _strangers(ctx) if reach.runtime or reach.files]
    if found:
        severity = Severity.CRITICAL if any(reach.runtime for reach, _ in found) else Severity.WARN
        yield Hit(_rows(found), severity=severity, place=found[0][0].door.key)


@check(
    "security.exposure.open_groups_with_control_plane_tools",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Strangers reach tools that control the gateway",
    when="A message of somebody whom no list names is let in by an open policy, and the agent behind that door may "
    "call cron, gateway or nodes.",
    attack="A stranger schedules work, changes settings or uses paired devices, and stays after the chat has ended.",
    remedy="Deny cron, gateway and nodes for the agents that strangers reach (tools.deny).",
    since=Since.LATER,
)
def open_with_control_tools(ctx: AuditContext) -> Hits:
    """Open, with the keys to the house."""
    found = [(reach, reach.control) for reach in _strangers(ctx) if reach.control]
    if found:
        yield Hit(_rows(found), place=found[0][0].door.key)


def exec_scopes(ctx: AuditContext) -> list[tuple[str, str]]:
    """Return (config path, value) of every `exec.security` that is written as something else than deny."""
    found = [("tools.exec.security", at(ctx.document, "tools", "exec", "security"))]
    for index, entry in enumerate(ctx.reading.agents):
        found.append((f"agents.list.{index}.tools.exec.security", at(entry, "tools", "exec", "security")))
    return [(path, value) for path, value in found if value in ("allowlist", "full")]


@check(
    "security.exposure.open_channels_with_exec",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Something is open while commands on a host are allowed",
    when="An open dmPolicy or groupPolicy stands anywhere below channels, and tools.exec.security of the defaults or "
    "of an agent is allowlist (warn) or full (critical).",
    attack="A message from anybody may end as a command on the host.",
    remedy="Close the policy, or set tools.exec.security to deny.",
    since=Since.LATER,
)
def open_with_exec(ctx: AuditContext) -> Hits:
    """Open, and a command line behind it."""
    keys, scopes = open_keys(ctx), exec_scopes(ctx)
    if keys and scopes:
        full = any(value == "full" for _, value in scopes)
        detail = (f"open: {some(keys)}", f"exec: {some([f'{path}={value}' for path, value in scopes])}")
        yield Hit(detail, severity=Severity.CRITICAL if full else Severity.WARN, place=keys[0])


@check(
    "security.trust_model.multi_user_heuristic",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Several people share this assistant",
    when="A channel or account has an open policy, a group policy allowlist with groups named, or * in a list of "
    "senders.",
    attack="This assistant is built for people who trust each other: each of them can steer its tools and, in a shared "
    "session, read what others wrote.",
    remedy="Run a gateway of its own (user, machine) for each circle of trust; at least session.dmScope "
    "per-channel-peer, sandbox.mode all and few tools.",
    since=Since.LATER,
)
def multi_user(ctx: AuditContext) -> Hits:
    """Signs of more than one user."""
    signs = list(_signs(ctx))
    if signs:
        yield Hit(tuple(f"- {sign}" for sign in dict.fromkeys(signs)), place="channels")


def _signs(ctx: AuditContext) -> Iterator[str]:
    for channel, section in items(at(ctx.document, "channels")):
        if channel == "defaults":
            continue
        path = f"channels.{channel}"
        yield from _signs_of(mapping(section), path)
        for account, own in items(at(section, "accounts")):
            yield from _signs_of({**mapping(section), **mapping(own)}, f"{path}.accounts.{account}")


def _signs_of(section: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, value in (
        ("groupPolicy", section.get("groupPolicy")),
        ("dmPolicy", section.get("dmPolicy")),
        ("dm.policy", at(section, "dm", "policy")),
    ):
        if value == "open":
            yield f"{path}.{key} is open"
    if section.get("groupPolicy") == "allowlist":
        named = [key for key in ("groups", "guilds", "channels", "rooms", "teams") if mapping(section.get(key))]
        yield from (f"{path}.{key} admits groups" for key in named)
    for key, senders in (
        ("allowFrom", section.get("allowFrom")),
        ("groupAllowFrom", section.get("groupAllowFrom")),
        ("dm.allowFrom", at(section, "dm", "allowFrom")),
    ):
        if "*" in entries(senders):
            yield f"{path}.{key} holds *"


@check(
    "security.trust_model.group_scope_main",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="All rooms and people share one session",
    when="session.scope is global and a channel admits groups or several people.",
    attack="What one room says is context in every other; a secret told in private can be asked for in a group.",
    remedy='Set session.scope to "per-sender".',
    since=Since.LATER,
)
def one_session_for_all(ctx: AuditContext) -> Hits:
    """Global scope with more than one conversation."""
    if at(ctx.document, "session", "scope") == "global" and (any(_signs(ctx)) or any(_groups(ctx))):
        yield Hit("session.scope is global.", place="session.scope")


def _groups(ctx: AuditContext) -> Iterator[bool]:
    for channel, section in items(at(ctx.document, "channels")):
        yield channel != "defaults" and any(mapping(at(section, key)) for key in ("groups", "guilds", "teams"))


@check(
    "security.trust_model.cross_agent_session_access_default",
    Severity.INFO,
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Agents read each other's sessions",
    when="Two or more agents are listed, tools.sessions.visibility is all, and tools.agentToAgent is enabled without a "
    "list. Warn when several people use the assistant.",
    attack="Whoever steers one agent reads and writes the conversations of the others.",
    remedy="Name the agents in tools.agentToAgent.allow, or set tools.sessions.visibility to tree.",
    since=Since.LATER,
)
def cross_agent_sessions(ctx: AuditContext) -> Hits:
    """One agent's session tools see every other agent's sessions."""
    tools = at(ctx.document, "tools")
    enabled = at(tools, "agentToAgent", "enabled") is True and not listed(at(tools, "agentToAgent", "allow"))
    if len(ctx.reading.agents) > 1 and enabled and at(tools, "sessions", "visibility") == "all":
        severity = Severity.WARN if any(_signs(ctx)) else Severity.INFO
        detail = "tools.sessions.visibility is all and tools.agentToAgent.enabled is true without a list."
        yield Hit(detail, severity=severity, place="tools.sessions.visibility")


SEED: Final[tuple[Check, ...]] = (open_groups_with_elevated,)
LATER: Final[tuple[Check, ...]] = (
    open_with_exec,
    open_with_runtime_or_files,
    open_with_control_tools,
    multi_user,
    one_session_for_all,
    cross_agent_sessions,
)
