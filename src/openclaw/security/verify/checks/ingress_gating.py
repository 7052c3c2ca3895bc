"""Ingress gating: in a room, what speaks to nobody is not answered, and a command needs the right to give it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Final

from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.facts import EventKind, GroupActivation, Mentions, MessageFacts, SessionView
from openclaw.policy.who.groups import PlaceEntry
from openclaw.policy.who.rule_columns import GroupPolicy
from openclaw.policy.who.rule_table import rules_for
from openclaw.security.verify.checks.world import (
    CHANNELS,
    ME,
    NO_STORE,
    NOW_MS,
    PATTERN,
    PEOPLE,
    Decide,
    account,
    listed,
    places_of,
    policy_of,
    room,
)
from openclaw.security.verify.model import Finding, hold

SHIPPED: Final[Decide] = decide

_TEXTS: Final = ("hello", "/status", PATTERN, "@mybot hi", "call 15550000001")
_KINDS: Final = (EventKind.MESSAGE, EventKind.CALLBACK, EventKind.NATIVE, EventKind.REACTION)
_SPOKEN: Final[tuple[dict[str, Any], ...]] = (
    {},
    {"mentions": Mentions(me=True)},
    {"mentions": Mentions(others=True)},
    {"reply_to_self": True},
)
_MUTE: Final = ("signal", "imessage")
"""Channels without native mentions and replies."""
_STRICT: Final = ("googlechat", "unheard-of")
_AUTHORISERS: Final = {
    "whatsapp": ("group",),
    "telegram": ("group",),
    "discord": ("direct",),
    "slack": ("direct",),
}
"""Whose lists give command authority in rooms (channels.md 2.4); elsewhere both lists do."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The config of one room: whether a mention is required, patterns exist, access groups count, and who may write."""

    channel: str
    required: bool
    patterns: bool
    access_groups: bool
    group_policy: GroupPolicy
    activation: GroupActivation | None


def check(subject: Decide) -> Iterator[Finding]:
    """Say everything that can be said, by everybody, in a room of every channel under every setting."""
    switches = product((True, False), (True, False), (True, False), (GroupPolicy.OPEN, GroupPolicy.ALLOWLIST))
    for channel, settings, activation in product(CHANNELS, tuple(switches), (None, GroupActivation.ALWAYS)):
        setting = Setting(channel, *settings, activation)
        rules, cast = rules_for(channel), PEOPLE[channel]
        one = account(
            channel,
            group_policy=setting.group_policy,
            dm_list=listed(rules, [cast.ann], "direct"),
            group_list=listed(rules, [cast.ann, cast.bea], "groups"),
            places=places_of(rules, setting.group_policy, PlaceEntry("room", require_mention=setting.required)),
        )
        policy = policy_of(
            one, patterns=(PATTERN,) if setting.patterns else (), use_access_groups=setting.access_groups
        )
        session = SessionView(group_activation=activation)
        for who, text, kind, said in product(("ann", "bea", "cyd", "nobody"), _TEXTS, _KINDS, _SPOKEN):
            facts = room(channel, cast.sender(channel, who), text, kind=kind, **said)
            answer = subject(policy, channel, None, ME, NO_STORE, session, facts, NOW_MS)
            yield _judge(setting, who, facts, answer)


def _judge(setting: Setting, who: str, facts: MessageFacts, answer: Admission) -> Finding:
    words = partial(_words, setting, who, facts)
    right = _authorised(setting, who, facts)
    delivered = answer.decision is Decision.DELIVER
    command = _is_command(facts)
    if answer.command_authorized and not (delivered and right and _stage_b(setting, who)):
        return hold(words, expected="no command authority", holds=False, got="command authority")
    if command and not right and setting.channel != "whatsapp" and answer.decision is not Decision.DROP:
        return hold(words, expected="the command is dropped", holds=False, got=answer.decision)
    if setting.group_policy is GroupPolicy.ALLOWLIST and who in ("cyd", "nobody") and _asks_senders(setting.channel):
        return hold(
            words, expected="the sender is refused", holds=answer.decision is Decision.DROP, got=answer.decision
        )
    spoken = not setting.required or _speaks(setting, who, facts)
    return hold(words, expected="no answer without a mention", holds=spoken or not delivered, got=answer.decision)


def _asks_senders(channel: str) -> bool:
    return channel not in ("discord", "slack")


def _is_command(facts: MessageFacts) -> bool:
    reads = facts.kind is not EventKind.REACTION and facts.text.startswith("/")
    return facts.kind is EventKind.NATIVE or reads


def _authorised(setting: Setting, who: str, facts: MessageFacts) -> bool:
    """Return whether the lists of channels.md 2.4 give this sender command authority in a room."""
    channel = setting.channel
    if who == "nobody":
        return False
    native = channel == "telegram" and facts.kind is EventKind.NATIVE
    if not setting.access_groups and channel != "discord" and channel not in _STRICT and not native:
        return True
    lists = ("direct",) if native else _AUTHORISERS.get(channel, ("direct", "group"))
    return who == "ann" or (who == "bea" and "group" in lists)


def _stage_b(setting: Setting, who: str) -> bool:
    return setting.channel != "whatsapp" or who == "ann"


def _speaks(setting: Setting, who: str, facts: MessageFacts) -> bool:
    """Return whether channels.md 2.3 and 2.4 let this event pass a gate that requires a mention."""
    channel, text, spoken = setting.channel, facts.text, facts.mentions
    if facts.kind in (EventKind.CALLBACK, EventKind.NATIVE) or channel == "signal":
        return True
    if setting.activation is GroupActivation.ALWAYS and channel in ("whatsapp", "telegram"):
        return True
    if channel == "imessage" and not setting.patterns:
        return True
    natively = channel not in _MUTE
    if natively and (spoken.me or facts.reply_to_self):
        return True
    if facts.kind is EventKind.REACTION:
        return False
    others = natively and spoken.others
    if setting.patterns and text == PATTERN and channel != "msteams" and not (channel == "whatsapp" and others):
        return True
    if (channel == "telegram" and "@mybot" in text) or (channel == "whatsapp" and "15550000001" in text and not others):
        return True
    return _bypasses(setting, who, facts) and not others


def _bypasses(setting: Setting, who: str, facts: MessageFacts) -> bool:
    if not _is_command(facts) or setting.channel in ("msteams", *_STRICT):
        return False
    return who == "ann" if setting.channel == "whatsapp" else _authorised(setting, who, facts)


def _words(setting: Setting, who: str, facts: MessageFacts) -> str:
    said = "mentioning the bot" if facts.mentions.me else "mentioning somebody else" if facts.mentions.others else ""
    replies = "in reply to the bot" if facts.reply_to_self else ""
    return (
        f"{setting.channel}, {who} sends a {facts.kind} {facts.text!r} {said}{replies}; mention required "
        f"{setting.required}, patterns {setting.patterns}, access groups {setting.access_groups}, groups "
        f"{setting.group_policy}, activation {setting.activation}"
    )
