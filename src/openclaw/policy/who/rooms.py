"""Groups, rooms and topics: the gates of a channel's row in its order, then the mention (channels.md 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from openclaw.policy.verdict import Reason
from openclaw.policy.what.labels import Source
from openclaw.policy.where.activation import activation_override, requires_mention
from openclaw.policy.where.history_key import history_key
from openclaw.policy.where.mention import Mention, MentionKind
from openclaw.policy.who.admission_result import Admission, Decision, Effects
from openclaw.policy.who.answers import deliver, drop, refuse
from openclaw.policy.who.case import Case
from openclaw.policy.who.command_authority import command_owner, group_authority, is_owner, list_of
from openclaw.policy.who.facts import ChatType, GroupActivation
from openclaw.policy.who.identity import dash_slug, slack_slug
from openclaw.policy.who.lists import Match, match
from openclaw.policy.who.rule_columns import Bypass, Gate, GroupPolicy, ListRole

_WAITING: Final = (Gate.MENTION, Gate.ACTIVATION)
"""Gates whose refusal keeps the message for the pending history."""
_PERSONAL: Final = (Match.ID, Match.NAME)
"""Ways of being listed that mean one person."""
_PLACE_GATES: Final = (Gate.OUTER, Gate.ENABLED, Gate.POLICY, Gate.PLACE)


def admit_room(case: Case) -> Admission:
    """Decide an event of a group, room or topic."""
    if not case.facts.chat_id.strip():
        return drop(case, "group.no-chat-id")
    answer = case.reason("mention.undetectable")
    for gate in case.rules.gates:
        if gate is Gate.MENTION:
            answer, passes = _mention_gate(case)
            refused = None if passes else answer
        else:
            refused = _GATES[gate](case)
        if refused is not None:
            return _wait(case, refused) if gate in _WAITING else refuse(case, refused)
    source, matched = _source(case)
    return deliver(case, answer, group_authority(case), source, matched, _effects(case))


def admit_group_dm(case: Case) -> Admission:
    """Decide an event of a group direct message: a switch and a list, no senders, no mention."""
    scope, facts = case.scope, case.facts
    if not scope.group_dm_enabled or not scope.dm_enabled:
        return drop(case, "groupdm.disabled")
    if not facts.chat_id.strip():
        return drop(case, "group.no-chat-id")
    if scope.group_dm_names is not None and scope.group_dm_names.isdisjoint(_group_dm_keys(case)):
        return drop(case, "groupdm.not-listed")
    refused = _command_gate(case)
    if refused is not None:
        return refuse(case, refused)
    case.mentioned = case.steps.mentions or case.mention().kind is not MentionKind.NONE
    answer = case.reason("command.native" if case.steps.command else "groupdm.allowed")
    source, matched = _source(case)
    return deliver(case, answer, group_authority(case), source, matched, _effects(case))


def admit_migration(case: Case) -> Admission:
    """Decide whether a group's change of id concerns a place where the bot acts; no sender is asked."""
    if not case.facts.chat_id.strip() or case.facts.chat_type not in (ChatType.GROUP, ChatType.CHANNEL):
        return drop(case, "event.unsupported")
    for gate in case.rules.gates:
        refused = _GATES[gate](case) if gate in _PLACE_GATES else None
        if refused is not None:
            return refuse(case, refused)
    return Admission(Decision.DELIVER, (*case.trail, case.reason("group.migrated")), admitted_by=Source.SYSTEM)


def _group_dm_keys(case: Case) -> tuple[str, ...]:
    """Return the texts under which a group direct message may be listed."""
    found = ("*", case.facts.chat_id.lower())
    if not case.facts.chat_name:
        return found
    name = case.facts.chat_name.strip().lower()
    return (*found, f"#{name}", name, dash_slug(name), slack_slug(name))


# The gates. Each returns the reason to refuse, or None.


def _outer_gate(case: Case) -> Reason | None:
    return case.reason(case.place.outer) if case.place.outer else None


def _enabled_gate(case: Case) -> Reason | None:
    return case.reason_here(case.place.disabled, "enabled") if case.place.disabled else None


def _override_gate(case: Case) -> Reason | None:
    allow = case.place.override
    if allow is None or match(allow, case.sender) is not Match.NONE:
        return None
    return case.reason_here("group.override-sender", "allowFrom")


def _policy_gate(case: Case) -> Reason | None:
    return case.reason("group.policy-disabled") if case.place.policy is GroupPolicy.DISABLED else None


def _sender_gate(case: Case) -> Reason | None:
    """Under `allowlist` only listed senders pass; the pairing store is no list of senders (advisory D1)."""
    place = case.place
    if place.policy is GroupPolicy.OPEN:
        case.passed("group.policy-open")
        return None
    if not case.sender.id:
        return case.reason("group.no-sender-id")
    allow = place.override if place.override is not None else case.scope.group_list
    if match(allow, case.sender) is not Match.NONE or (case.rules.store_in_group_senders and case.approved):
        case.passed("group.sender-listed")
        return None
    if allow.configured:
        return case.reason("group.sender-not-allowed")
    if case.rules.place_alone_admits and place.admitted:
        case.passed("group.place-admits")
        return None
    return case.reason("group.allowlist-empty")


def _place_gate(case: Case) -> Reason | None:
    """Refuse a place that its entry does not allow, or that the map does not have: then the map is what to change."""
    place = case.place
    if not place.refused:
        return None
    return (
        case.reason_here(place.refused, "allow")
        if place.admitted
        else replace(case.reason(place.refused), key=place.key)
    )


def _users_gate(case: Case) -> Reason | None:
    users = case.place.users
    if users is None or match(users, case.sender) is not Match.NONE:
        return None
    return case.reason_here("user.not-allowed", "users")


def _command_gate(case: Case) -> Reason | None:
    """Drop a control command of a sender without stage A, mentioned or not."""
    if not case.is_command:
        return None
    if not group_authority(case):
        return case.reason("command.unauthorized")
    case.passed("command.authorized")
    return None


def _activation_gate(case: Case) -> Reason | None:
    if not case.rules.activation_needs_owner or case.command is None or case.command.spec.name != "activation":
        return None
    return None if command_owner(case) else case.reason("activation.owner-only")


_GATES: Final[Mapping[Gate, Callable[[Case], Reason | None]]] = {
    Gate.OUTER: _outer_gate,
    Gate.ENABLED: _enabled_gate,
    Gate.OVERRIDE: _override_gate,
    Gate.POLICY: _policy_gate,
    Gate.SENDER: _sender_gate,
    Gate.PLACE: _place_gate,
    Gate.USERS: _users_gate,
    Gate.COMMAND: _command_gate,
    Gate.ACTIVATION: _activation_gate,
}


# The mention gate


def _mention_gate(case: Case) -> tuple[Reason, bool]:
    """Return the reason that decides, and whether the event passes (channels.md 2.3)."""
    if case.steps.mentions:
        case.mentioned = True
        return case.reason("command.native" if case.steps.command else MentionKind.NATIVE), True
    mention = case.mention()
    case.mentioned = mention.kind is not MentionKind.NONE
    if not case.rules.mention_gate:
        return case.reason("mention.undetectable"), True
    override = activation_override(case.rules, case.session)
    if not requires_mention(case.place.require_mention and not _own_thread(case), override):
        code = "mention.activation-always" if override is GroupActivation.ALWAYS else "mention.not-required"
        return case.reason(code), True
    if case.mentioned:
        return case.reason(mention.kind), True
    if not mention.detectable:
        return case.reason("mention.undetectable"), True
    if _bypasses(case, mention):
        case.mentioned = True
        return case.reason("mention.command-bypass"), True
    return case.reason_here("mention.required", "requireMention"), False


def _own_thread(case: Case) -> bool:
    """Return whether the bot made the thread by itself to answer in it."""
    facts = case.facts
    if facts.chat_type is not ChatType.THREAD or not case.place.auto_thread or not case.me.id:
        return False
    return facts.thread_owner_id == case.me.id


def _bypasses(case: Case, mention: Mention) -> bool:
    """Return whether a standalone command passes without a mention; a mention of anybody forbids it."""
    if mention.anybody or case.command is None:
        return False
    if case.rules.bypass is Bypass.OWNER:
        return command_owner(case)
    return case.rules.bypass is Bypass.AUTHORISED and group_authority(case)


# What goes with the answer


def _wait(case: Case, reason: Reason) -> Admission:
    """Keep a message for the pending history, where there is one."""
    if not case.steps.buffers or case.scope.history_limit <= 0:
        return refuse(case, reason)
    admitted = case.place.users is None or _users_gate(case) is None
    source, matched = _source(case) if admitted else (Source.STRANGER, Match.NONE)
    return Admission(
        Decision.BUFFER,
        (*case.trail, reason),
        admitted_by=Source.OWNER if admitted and is_owner(case) else source,
        matched=matched,
        effects=_effects(case, admitted=admitted),
    )


def _source(case: Case) -> tuple[Source, Match]:
    """Return how the sender's words are classed in a room: listed by the config, or a stranger."""
    found = [_by_list(case, role) for role in (ListRole.GROUP, *case.rules.authorisers)]
    personal = [one for one in found if one in _PERSONAL]
    if personal:
        return Source.ALLOWED, personal[0]
    return Source.STRANGER, next((one for one in found if one is not Match.NONE), Match.NONE)


def _by_list(case: Case, role: ListRole) -> Match:
    allow = list_of(case, role)
    return Match.NONE if allow is None else match(allow, case.sender)


def _effects(case: Case, *, admitted: bool = False) -> Effects:
    facts = case.facts
    return Effects(
        history_key=history_key(
            case.rules, case.scope.account, facts, case.session, by_thread=case.scope.history_by_thread
        ),
        mention=case.mentioned,
        config_admits_as_group=case.promoted,
        author_admitted=admitted,
    )
