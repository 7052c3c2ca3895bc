"""The classes of people that the lists of one or several policies can tell apart on a channel account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from openclaw.policy.domain.sources import Listed
from openclaw.policy.who.facts import SelfIdentity, Sender
from openclaw.policy.who.identity import IdentityStyle, IdKind
from openclaw.policy.who.rule_columns import ChannelRules

ME: Final = SelfIdentity(id="openclaw-bot", username="openclaw_bot", e164="+19999999990")
"""Who the bot is while a policy is asked about people who were made up."""
STRANGERS: Final = "strangers"
ANONYMOUS: Final = "senders without an id"
ONCE_PAIRED: Final = ", once paired"
"""Ends the label of people on some list who are paired as well; pairing counts in direct messages only."""
_SHOWN: Final = 3


class Standing(StrEnum):
    """What somebody is to the config."""

    OWNER = "owner"
    LISTED = "listed"
    NAMED = "named"
    LINKED = "linked"
    PAIRED = "paired"
    STRANGER = "stranger"
    BOT = "bot"
    OPERATOR = "operator"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Person:
    """A class of people whom every list treats alike, and one of them.

    Attributes:
        standing: what they are to the config.
        sender: one of them.
        label: who they are, in the plural where that is open.
        members: their ids, where a list names them.
        approved: what the pairing store holds of this one.
    """

    standing: Standing
    sender: Sender
    label: str
    members: tuple[str, ...] = field(default=())
    approved: tuple[str, ...] = field(default=())


_STRANGERS: Final[Mapping[IdKind, str]] = {
    IdKind.PHONE: "+1999999{:04}",
    IdKind.NUMBER: "999999{:04}",
    IdKind.SNOWFLAKE: "99999999999999{:04}",
    IdKind.SLACK: "UZZZZZ{:04}",
    IdKind.SIGNAL: "+1999999{:04}",
    IdKind.HANDLE: "stranger-{:04}@example.invalid",
    IdKind.AAD: "ffffffff-ffff-ffff-ffff-ffffffff{:04}",
    IdKind.EXACT: "stranger-{:04}",
}
"""Ids that nobody has, by form; the number makes another one where a list happens to hold the first."""


def people(rules: ChannelRules, listed: Listed, *, bots: bool, proxied: bool) -> tuple[Person, ...]:
    """Return the classes of people of a channel account.

    Args:
        rules: the channel's row.
        listed: whom the policies name.
        bots: messages of bots may be read under one of the policies.
        proxied: likewise messages of proxied members (PluralKit).
    """
    style = rules.identity
    fresh = _unlisted(style, listed)
    by_id = [*_by_id(style, listed)]
    found = [*by_id, *_by_name(style, listed, next(fresh))]
    if rules.self_chat and ME.e164:
        found.append(Person(Standing.LINKED, Sender(e164=ME.e164), "the linked number"))
    approved = next(fresh)
    paired = Person(Standing.PAIRED, sender_with(style, approved), "paired senders", approved=(approved,))
    twins = [
        replace(one, label=f"{one.label}{ONCE_PAIRED}", approved=one.members[:1])
        for one in by_id
        if one.members[0] not in listed.writers
    ]
    found += [
        paired,
        Person(Standing.STRANGER, sender_with(style, next(fresh)), STRANGERS),
        Person(Standing.STRANGER, Sender(), ANONYMOUS),
        *twins,
        *_under_rule_names((*by_id, paired, *twins), listed.rule_names),
    ]
    if bots:
        found.append(Person(Standing.BOT, replace(sender_with(style, next(fresh)), is_bot=True), "bots"))
        trusted = next(fresh)
        sender = replace(sender_with(style, trusted), is_bot=True)
        found.append(Person(Standing.BOT, sender, "paired bots", approved=(trusted,)))
        found += [
            replace(one, standing=Standing.BOT, sender=replace(one.sender, is_bot=True), label=f"{one.label} as a bot")
            for one in by_id
        ]
    if proxied:
        member = Sender(id=next(fresh), is_bot=True, member_id="unlisted")
        found.append(Person(Standing.BOT, member, "proxied members"))
    return tuple(found)


def sender_with(style: IdentityStyle, one: str) -> Sender:
    """Return a sender who has an id, in the field where the channel's platform states it."""
    if style.member_prefix and one.startswith(style.member_prefix):
        return Sender(is_bot=True, member_id=one.removeprefix(style.member_prefix))
    if style.kind is IdKind.SLACK:
        return Sender(id=one.upper() if one.isascii() else one)
    if "id" in style.fields:
        return Sender(id=one)
    if one.startswith("uuid:"):
        return Sender(uuid=one.removeprefix("uuid:"))
    return Sender(e164=one)


def _unlisted(style: IdentityStyle, listed: Listed) -> Iterator[str]:
    form = _STRANGERS[style.kind]
    number = 0
    while True:
        one = form.format(number)
        if one not in listed.ids and one.lower() not in listed.ids:
            yield one
        number += 1


def _by_id(style: IdentityStyle, listed: Listed) -> Iterator[Person]:
    classes: dict[frozenset[str], list[str]] = {}
    for one, marks in sorted(listed.ids.items(), key=lambda item: (len(item[0]), item[0])):
        classes.setdefault(frozenset(marks), []).append(one)
    for members in classes.values():
        owns = members[0] in listed.owners
        first = listed.spelled.get(members[0], members[0])
        sender = Sender(id=first) if members[0] in listed.spelled else sender_with(style, first)
        yield Person(
            Standing.OWNER if owns else Standing.LISTED,
            sender if "id" in style.fields else sender_with(style, members[0]),
            _label("owner" if owns else "listed sender", members),
            tuple(members),
        )


def _by_name(style: IdentityStyle, listed: Listed, fresh: str) -> Iterator[Person]:
    if not style.name_fields:
        return
    classes: dict[frozenset[str], list[str]] = {}
    for name, marks in sorted(listed.names.items()):
        classes.setdefault(frozenset(marks), []).append(name)
    for members in classes.values():
        called = {style.name_fields[0]: members[0]}
        sender = replace(sender_with(style, fresh), username=called.get("username"), name=called.get("name"))
        names = [f"@{name}" for name in members]
        yield Person(Standing.NAMED, sender, f"whoever is called {shown(names)}", tuple(names))


def _under_rule_names(by_id: Sequence[Person], names: Iterable[str]) -> list[Person]:
    """Return people once more under each name that a tool rule or an elevated list treats by itself."""
    return [
        replace(one, sender=replace(one.sender, username=name, name=name), label=_named(one.label, name))
        for name in sorted(names)
        for one in by_id
    ]


def _named(label: str, name: str) -> str:
    base = label.removesuffix(ONCE_PAIRED)
    return f"{base} under the name {name}{label.removeprefix(base)}"


def _label(word: str, members: Sequence[str]) -> str:
    return f"{word} {members[0]}" if len(members) == 1 else f"{len(members)} {word}s ({shown(members)})"


def shown(texts: Sequence[str]) -> str:
    """Return the first few texts, and how many more there are."""
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
