"""Whether a message in a group speaks to the bot (channels.md 2.3, the mention rows of 2.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from openclaw.policy.patterns import PatternSet, compile_patterns
from openclaw.policy.where.key_ids import trimmed
from openclaw.policy.who.facts import MessageFacts, SelfIdentity
from openclaw.policy.who.rule_columns import ChannelRules, Detect, PatternUse

MAX_TEXT: Final = 100_000
"""Characters of a message that are searched for mentions."""
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_NOT_DIGITS: Final = re.compile(r"[^0-9]+")
_WORD_START: Final = re.compile(r"[A-Za-z0-9_]")
_NAME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class MentionKind(StrEnum):
    """By what a message speaks to the bot."""

    NONE = ""
    NATIVE = "group.mentioned"
    REPLY = "mention.reply"
    PATTERN = "mention.pattern"
    NUMBER = "mention.number"


@dataclass(frozen=True, slots=True)
class Mention:
    """What was found.

    Attributes:
        kind: the first kind that applies; NONE = not spoken to.
        anybody: somebody is mentioned natively, the bot or another.
        detectable: on this channel and account a mention can be noticed at all.
    """

    kind: MentionKind
    anybody: bool
    detectable: bool


def mention_patterns(
    agent: Sequence[str] | None, common: Sequence[str] | None, name: str | None, emoji: str | None
) -> PatternSet:
    """Return the patterns of one agent.

    The agent's own list counts when it exists, even empty; else the common one; else name and emoji of the identity.
    """
    chosen = agent if agent is not None else common
    if chosen is not None:
        return compile_patterns(pattern.replace("\x08", r"\b") for pattern in chosen)
    derived = [pattern for pattern in (_name_pattern(name or ""), re.escape(trimmed(emoji))) if pattern]
    return compile_patterns(derived)


def _name_pattern(name: str) -> str:
    """Return a pattern for a name as a word; a word boundary only where the name's edge is a letter it knows."""
    words = name.split()
    if not words:
        return ""
    before = r"\b@?" if _WORD_START.match(words[0][0]) else "@?"
    after = r"\b" if _WORD_START.match(words[-1][-1]) else ""
    return before + r"\s+".join(re.escape(word) for word in words) + after


def clean(text: str) -> str:
    """Return a text as patterns see it: lower-case, without invisible characters, bounded."""
    bounded = text[:MAX_TEXT]
    return bounded.lower() if bounded.isascii() else _INVISIBLE.sub("", bounded).lower()


def names_bot(text: str, username: str) -> bool:
    """Return whether `@username` stands in a text, with no further character of a name after it."""
    if "@" not in text:
        return False
    wanted = f"@{username.strip().removeprefix('@').lower()}"
    if len(wanted) == 1:
        return False
    lowered = text[:MAX_TEXT].lower()
    start = lowered.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        if lowered[end : end + 1] not in _NAME_CHARACTERS:
            return True
        start = lowered.find(wanted, end)
    return False


def detect(
    rules: ChannelRules,
    patterns: PatternSet,
    me: SelfIdentity,
    facts: MessageFacts,
    *,
    self_chat: bool = False,
    text_counts: bool = True,
) -> Mention:
    """Return whether a message speaks to the bot.

    Args:
        rules: the channel's row.
        patterns: of the routed agent.
        me: who the bot is.
        facts: the message.
        self_chat: the bot runs on its owner's own number: native mentions are of the owner, only text counts.
        text_counts: whether the text is the sender's words at all (a reaction has none).
    """
    native = rules.native_mention and facts.mentions.me
    others = rules.native_mention and facts.mentions.others
    if rules.username_in_text and text_counts and not native and me.username:
        native = names_bot(facts.text, me.username)
    kind = MentionKind.NONE
    if native and not self_chat:
        kind = MentionKind.NATIVE
    elif rules.reply_counts and facts.reply_to_self:
        kind = MentionKind.REPLY
    elif text_counts:
        kind = _in_text(rules, patterns, me, facts, natively=(native or others) and not self_chat)
    return Mention(kind, native or others, _detectable(rules, patterns, me))


def _in_text(
    rules: ChannelRules, patterns: PatternSet, me: SelfIdentity, facts: MessageFacts, *, natively: bool
) -> MentionKind:
    """Return what the text alone says; where native mentions speak, some channels do not ask it."""
    if rules.patterns is PatternUse.NEVER or (rules.patterns is PatternUse.UNLESS_OTHERS and natively):
        return MentionKind.NONE
    if patterns.patterns and patterns.first_in(clean(facts.text)) is not None:
        return MentionKind.PATTERN
    if rules.number_in_text and me.e164 and _names_number(facts.text, me.e164):
        return MentionKind.NUMBER
    return MentionKind.NONE


def _names_number(text: str, number: str) -> bool:
    """Return whether a text holds the digits of a number, whatever stands between them."""
    own = _NOT_DIGITS.sub("", number)
    return own != "" and own in _NOT_DIGITS.sub("", text[:MAX_TEXT])


def _detectable(rules: ChannelRules, patterns: PatternSet, me: SelfIdentity) -> bool:
    match rules.detect:
        case Detect.ALWAYS:
            return True
        case Detect.USERNAME:
            return bool(me.username) or bool(patterns.patterns)
        case Detect.ID:
            return bool(me.id) or bool(patterns.patterns)
        case Detect.PATTERNS:
            return bool(patterns.patterns)
