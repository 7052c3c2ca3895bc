"""Elevated exec: who may leave the sandbox, and how far (agent.md 5.8, exec.md 3).

Elevation never lifts the tool policy: without `exec` there is nothing to elevate. The gates look at the sender's own id
and number only; a room, the bot's own address or a chosen name never satisfies them by accident (advisories C15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.what.labels import Source
from openclaw.policy.where.exec_host import ElevatedLevel
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.policy.where.session_keys import SessionKind, is_subagent, kind_of

ANYONE: Final = "*"
OWNER: Final = "owner"
"""List entry for whoever was heard as an owner of this installation, on any channel; it is never read as an id."""
_NAME: Final = "name:"


class Origin(StrEnum):
    """What started the turn."""

    MESSAGE = "message"
    SUBAGENT = "subagent"
    CRON = "cron"
    HOOK = "hook"
    NODE = "node"
    SESSION = "session"
    HEARTBEAT = "heartbeat"


class Admission(StrEnum):
    """How the sender came to be heard."""

    OWNER = "owner"
    LISTED = "listed"
    """Named by id in a configured allow list."""
    PAIRED = "paired"
    OPEN = "open"
    """Admitted by an open policy or a wildcard only."""
    NONE = "none"


_INDIVIDUAL: Final = frozenset({Admission.OWNER, Admission.LISTED, Admission.PAIRED})


_ADMISSIONS: Final[Mapping[Source, Admission]] = MappingProxyType(
    {
        Source.OWNER: Admission.OWNER,
        Source.OPERATOR: Admission.PAIRED,
        Source.ALLOWED: Admission.LISTED,
        Source.PAIRED: Admission.PAIRED,
        Source.STRANGER: Admission.OPEN,
    }
)
_ORIGINS: Final[Mapping[Source, Origin]] = MappingProxyType(
    {Source.CRON: Origin.CRON, Source.HOOK: Origin.HOOK, Source.SESSION: Origin.SESSION}
)
_ORIGINS_BY_KEY: Final[Mapping[SessionKind, Origin]] = MappingProxyType(
    {SessionKind.CRON: Origin.CRON, SessionKind.HOOK: Origin.HOOK, SessionKind.NODE: Origin.NODE}
)


def admission_of(source: Source) -> Admission:
    """Return how a sender came to be heard, from the class of his words; an operator's device was paired."""
    return _ADMISSIONS.get(source, Admission.NONE)


def origin_of(source: Source, session_key: str) -> Origin:
    """Return what started a turn, from the class of its words and its session; only a person's message elevates."""
    if is_subagent(session_key):
        return Origin.SUBAGENT
    by_key = _ORIGINS_BY_KEY.get(kind_of(session_key))
    if by_key is not None:
        return by_key
    return Origin.MESSAGE if source in _ADMISSIONS else _ORIGINS.get(source, Origin.HEARTBEAT)


@dataclass(frozen=True, slots=True)
class AgentElevated:
    """`agents.list[].tools.elevated` of one agent.

    Attributes:
        enabled: None counts as true.
        allow_from: senders by channel id; None when the key is absent (then only the global list counts).
        key: config path of the block.
    """

    enabled: bool | None = None
    allow_from: Mapping[str, tuple[str, ...]] | None = None
    key: str = "agents.list.tools.elevated"


@dataclass(frozen=True, slots=True)
class ElevatedPolicy:
    """`tools.elevated`, the agents' own gates and the default level.

    Attributes:
        enabled: `tools.elevated.enabled`; None counts as true.
        allow_from: `tools.elevated.allowFrom`, by channel id. An absent or empty list means nobody.
        discord_dm: `channels.discord.dm.allowFrom`, which serves the global gate while `allow_from` has no `discord`.
        agents: by normalised agent id.
        default_level: `agents.defaults.elevatedDefault`; None means off.
    """

    enabled: bool | None = None
    allow_from: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    discord_dm: tuple[str, ...] = ()
    agents: Mapping[str, AgentElevated] = field(default_factory=lambda: MappingProxyType({}))
    default_level: ElevatedLevel | None = None


@dataclass(frozen=True, slots=True)
class ElevatedFacts:
    """Who asks for elevation, from the run's record.

    Attributes:
        agent_id: the routed agent.
        channel: channel id of the sender; None or blank is unknown.
        sender_id: immutable id on that channel.
        sender_e164: phone number.
        names: name, username and tag; they match entries written `name:<x>` only.
        chat_id: id of the conversation: an anonymous sender that carries it is nobody in particular.
        is_group: the conversation is a group or channel.
        mentioned: the bot was mentioned; counts in groups only.
        admission: how the sender came to be heard.
        origin: what started the turn.
    """

    agent_id: str
    channel: str | None
    sender_id: str | None = None
    sender_e164: str | None = None
    names: tuple[str, ...] = ()
    chat_id: str | None = None
    is_group: bool = False
    mentioned: bool = False
    admission: Admission = Admission.NONE
    origin: Origin = Origin.MESSAGE


@dataclass(frozen=True, slots=True)
class ElevatedCall:
    """The level that applies to one exec call, with the verdict of the gates.

    Attributes:
        level: what applies; OFF when nothing was asked for or the gates refuse.
        verdict: DENY with every failed gate where elevation was asked for in vain; the call must then fail.
    """

    level: ElevatedLevel
    verdict: Verdict[Outcome]


def elevated_gates(policy: ElevatedPolicy, facts: ElevatedFacts) -> Verdict[Outcome]:
    """Return whether a sender may elevate; a refusal names every gate that failed, not only the first."""
    own = policy.agents.get(normalise_agent_id(facts.agent_id), AgentElevated())
    channel = _fold(facts.channel)
    failed: list[Reason] = []
    if facts.origin is not Origin.MESSAGE:
        failed.append(Reason("elevated.origin", None, f"A turn started by {facts.origin} never elevates."))
    if policy.enabled is False:
        failed.append(Reason("elevated.enabled", "tools.elevated.enabled", "Elevated exec is switched off."))
    if own.enabled is False:
        failed.append(Reason("elevated.enabled", f"{own.key}.enabled", "It is switched off for this agent."))
    if not channel:
        failed.append(Reason("elevated.provider", "tools.elevated.allowFrom", "The channel of the sender is unknown."))
    else:
        failed.extend(_list_gates(policy, own, channel, facts))
    if facts.is_group and not facts.mentioned:
        failed.append(Reason("elevated.mention", None, "In groups the bot must be mentioned."))
    if failed:
        return Verdict(Outcome.DENY, tuple(failed))
    key = f"tools.elevated.allowFrom.{channel}"
    return Verdict(Outcome.ALLOW, (Reason("elevated.allowed", key, "The sender is on the list."),))


def _list_gates(policy: ElevatedPolicy, own: AgentElevated, channel: str, facts: ElevatedFacts) -> Iterable[Reason]:
    listed = _for_channel(policy.allow_from, channel)
    if listed is None and channel == "discord":
        listed = tuple(entry for entry in policy.discord_dm if entry.strip() != ANYONE)
    if not _matches(listed or (), channel, facts):
        key = f"tools.elevated.allowFrom.{channel}"
        yield Reason("elevated.allowFrom", key, "The sender's id is not on the list.")
    if own.allow_from is not None and not _matches(_for_channel(own.allow_from, channel) or (), channel, facts):
        key = f"{own.key}.allowFrom.{channel}"
        yield Reason("elevated.allowFrom", key, "The sender's id is not on this agent's list.")


def _for_channel(lists: Mapping[str, tuple[str, ...]], channel: str) -> tuple[str, ...] | None:
    return next((entries for name, entries in lists.items() if _fold(name) == channel), None)


def _matches(entries: Iterable[str], channel: str, facts: ElevatedFacts) -> bool:
    """Return whether a list holds the sender.

    `*` and `name:<x>` count only for a sender who was admitted by himself: paired, or listed by id. `owner` counts for
    owners and never as an id, which somebody could choose.
    """
    individual = facts.admission in _INDIVIDUAL
    known = _identities(channel, facts)
    names = {_fold(name).removeprefix("@") for name in facts.names} - {""}
    for entry in entries:
        text = _fold(entry)
        if text == ANYONE:
            if individual and known:
                return True
        elif text == OWNER:
            if facts.admission is Admission.OWNER and known:
                return True
        elif text.startswith(_NAME):
            if individual and known and text.removeprefix(_NAME).strip().removeprefix("@") in names:
                return True
        elif text and _bare(text, channel) in known:
            return True
    return False


def _identities(channel: str, facts: ElevatedFacts) -> frozenset[str]:
    """Return what identifies the sender. In a group an id that is the room's own identifies nobody."""
    sender = _bare(_fold(facts.sender_id), channel)
    if facts.is_group and sender and sender == _bare(_fold(facts.chat_id), channel):
        return frozenset()
    return frozenset({sender, _bare(_fold(facts.sender_e164), channel)} - {"", ANYONE, "anonymous"})


def _bare(text: str, channel: str) -> str:
    return text.removeprefix(f"{channel}:").removeprefix("user:").strip()


def _fold(text: str | None) -> str:
    return (text or "").strip().lower()


def effective_level(
    policy: ElevatedPolicy, *, inline: ElevatedLevel | None = None, session: ElevatedLevel | None = None
) -> ElevatedLevel:
    """Return the level in force: this message's directive, else the session's, else the default."""
    return next((level for level in (inline, session, policy.default_level) if level is not None), ElevatedLevel.OFF)


def elevated_call(
    policy: ElevatedPolicy, facts: ElevatedFacts, *, level: ElevatedLevel, asked: bool | None
) -> ElevatedCall:
    """Return what applies to one exec call (exec.md 3.2).

    Args:
        policy: the compiled gates.
        facts: who asks.
        level: the level in force (`effective_level`).
        asked: the call's `elevated` parameter: True is `full` where that is in force, else `ask`; False is off; None
            takes the level in force if the gates allow it, else off.
    """
    if asked is False or (asked is None and level is ElevatedLevel.OFF):
        return ElevatedCall(ElevatedLevel.OFF, Verdict(Outcome.ALLOW, (Reason("elevated.not-asked"),)))
    verdict = elevated_gates(policy, facts)
    if verdict.outcome is Outcome.ALLOW:
        wanted = level if level is not ElevatedLevel.OFF else ElevatedLevel.ASK
        return ElevatedCall(wanted, verdict)
    if asked is None:
        return ElevatedCall(ElevatedLevel.OFF, Verdict(Outcome.ALLOW, (*verdict.reasons, Reason("elevated.not-asked"))))
    return ElevatedCall(ElevatedLevel.OFF, verdict)
