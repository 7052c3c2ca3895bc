"""How each channel names people: ids that cannot be chosen, and names that can (channels.md 1.4; advisories C1-C5).

An id has one canonical text per channel; two texts are equal exactly when the platform means the same account. Names
are folded for comparison only where a config entry is a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from openclaw.policy.who.facts import MessageFacts, Sender

_DIGITS: Final = re.compile(r"[0-9]+")
_CHAT_NUMBER: Final = re.compile(r"-?[0-9]+")
_UUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_SLACK_ID: Final = re.compile(r"[UW][A-Z0-9]+")
_SLACK_ID_ANY_CASE: Final = re.compile(r"[uw][a-z0-9]*[0-9][a-z0-9]*", re.IGNORECASE)
_TOKEN_WITH_DIGIT: Final = re.compile(r"\S*[0-9]\S*")
_E164: Final = re.compile(r"\+[0-9]+")
_NO_DIGITS: Final = re.compile(r"[^0-9]+")
_ONE_PLUS: Final = re.compile(r"\s*[\u202a\u202b\u2066\u2067\u2068 (]*[+]?[^+]*")
_DASH_WORDS: Final = re.compile(r"[a-z0-9]+")
_SLACK_RUN: Final = re.compile(r"[^a-z0-9#@._+]+")
_SLACK_EDGE: Final = re.compile(r"\A[-.]+|[-.]+\Z")
_DISCORD_MARKUP: Final = re.compile(r"<@!?([0-9]+)>")
_MAX_ENTRY: Final = 512


class IdKind(StrEnum):
    """Forms of an immutable id."""

    PHONE = "phone"
    NUMBER = "number"
    SNOWFLAKE = "snowflake"
    SLACK = "slack"
    SIGNAL = "signal"
    HANDLE = "handle"
    AAD = "aad"
    EXACT = "exact"


class NameFold(StrEnum):
    """How names are folded before they are compared."""

    PLAIN = "plain"
    DASHES = "dashes"
    SLACK = "slack"


@dataclass(frozen=True, slots=True)
class IdentityStyle:
    """The columns of 1.4 for one channel.

    Attributes:
        kind: form of its ids.
        fields: where a sender's id stands, in order of precedence.
        prefixes: may stand before any entry.
        id_prefixes: may stand before an entry that then is an id.
        member_prefix: marks ids of proxied members (PluralKit).
        chat_prefixes: entries that name the chat instead of the sender.
        name_fields: names that name-form entries are compared with; none means that names never match.
        name_fold: how those are folded.
        names_in_direct: whether name-form entries count in direct chats.
        suffixes: dropped from the end of an id (a wire form).
    """

    kind: IdKind
    fields: tuple[str, ...] = ("id",)
    prefixes: tuple[str, ...] = ()
    id_prefixes: tuple[str, ...] = ()
    member_prefix: str = ""
    chat_prefixes: tuple[str, ...] = ()
    name_fields: tuple[str, ...] = ()
    name_fold: NameFold = NameFold.PLAIN
    names_in_direct: bool = True
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryReading:
    """What one entry of a list means.

    Attributes:
        id: canonical id that it admits, or "".
        name: folded name that it admits, or "".
        chat: canonical chat that it admits, or "".
    """

    id: str = ""
    name: str = ""
    chat: str = ""


NOTHING: Final = EntryReading()


def fold(text: str) -> str:
    """Return a text for comparison without case. Only plain Latin letters are folded: no look-alike becomes equal."""
    stripped = text.strip()
    return stripped.lower() if stripped.isascii() else stripped


def phone(text: str) -> str:
    """Return a phone number as `+digits`, whatever its punctuation; "" when letters or no digits are in it."""
    if _E164.fullmatch(text):
        return text
    digits = _NO_DIGITS.sub("", text)
    others = (char for char in _DIGITS.sub("", text) if char.isalnum())
    return f"+{digits}" if digits and _ONE_PLUS.fullmatch(text) and not any(others) else ""


def dash_slug(text: str) -> str:
    """Return the slug of Discord and Teams: lower-case, without a leading `#`, other runs as one dash."""
    return "-".join(_DASH_WORDS.findall(text.lower()))


def slack_slug(text: str) -> str:
    """Return Slack's slug."""
    return _SLACK_EDGE.sub("", _SLACK_RUN.sub("-", text.lower()))


def name_keys(fold_by: NameFold, name: str) -> tuple[str, ...]:
    """Return the texts under which a sender's name may be listed.

    A slug drops what it does not know, so it is only taken of plain names: two different names outside it stay two.
    """
    plain = fold(name)
    if not plain.isascii() or fold_by is NameFold.PLAIN:
        return (plain,) if plain else ()
    slug = dash_slug(plain) if fold_by is NameFold.DASHES else slack_slug(plain)
    return tuple(key for key in (plain, slug) if key)


def sender_id(style: IdentityStyle, sender: Sender) -> str:
    """Return the canonical id of a sender; "" when the platform gave none that counts."""
    if style.member_prefix and sender.member_id and sender.member_id.strip():
        return f"{style.member_prefix}{sender.member_id.strip()}"
    for field in style.fields:
        given: str | None = getattr(sender, field)
        if given:
            found = account_id(style, f"uuid:{given}" if field == "uuid" else given)
            if found and found != "*":
                return found
    return ""


def pairing_id(style: IdentityStyle, sender: Sender) -> str:
    """Return the id that a pairing request stores: the account's own id as the platform spells it (channels.md 1.2)."""
    if style.kind in (IdKind.SLACK, IdKind.AAD, IdKind.SNOWFLAKE, IdKind.EXACT):
        return (sender.id or "").strip()
    return sender_id(style, sender)


def sender_names(style: IdentityStyle, sender: Sender) -> tuple[str, ...]:
    """Return the folded names of a sender that name-form entries may match."""
    found: list[str] = []
    for field in style.name_fields:
        given: str | None = getattr(sender, field)
        if given:
            found.extend(name_keys(style.name_fold, given.strip().removeprefix("@")))
    return tuple(found)


def sender_chats(style: IdentityStyle, facts: MessageFacts) -> tuple[str, ...]:
    """Return the chat entries that would name the conversation a message is in."""
    entries = map(_chat_entry, style.chat_prefixes, (facts.chat_id, facts.chat_guid, facts.chat_identifier))
    return tuple(entry for entry in entries if entry)


def _chat_entry(prefix: str, value: str | None) -> str:
    bare = (value or "").strip()
    return f"{prefix}{bare}" if bare else ""


def canonical_id(style: IdentityStyle, text: str) -> str:
    """Return the canonical id that a text from a store or list names; "" when it is no id of this channel."""
    return read_entry(style, text).id


def read_entry(style: IdentityStyle, text: str) -> EntryReading:
    """Return what an entry of a list means (channels.md 1.4).

    An entry that reads as an id admits that id only; a name only where the channel compares names.
    """
    if len(text) > _MAX_ENTRY:
        return NOTHING
    rest, id_only = _strip_prefixes(style, text.strip())
    if not rest or rest == "*":
        return NOTHING
    for prefix in style.chat_prefixes:
        if rest.lower().startswith(prefix):
            value = rest[len(prefix) :].strip()
            return EntryReading(chat=f"{prefix}{value}") if value else NOTHING
    if style.member_prefix and rest.lower().startswith(style.member_prefix):
        member = rest[len(style.member_prefix) :].strip()
        return EntryReading(id=f"{style.member_prefix}{member}") if member else NOTHING
    if style.kind is IdKind.SNOWFLAKE and (markup := _DISCORD_MARKUP.fullmatch(rest)):
        rest = markup.group(1)
    if id_only or reads_as_id(style.kind, rest) or not style.name_fields:
        return EntryReading(id=account_id(style, rest))
    return _read_name(style, rest)


def _read_name(style: IdentityStyle, text: str) -> EntryReading:
    """Return the meaning of an entry that does not read as an id; a mail address is neither name nor id."""
    bare = text.removeprefix("@").strip()
    if not bare or "@" in bare:
        return EntryReading(id=account_id(style, text) if style.kind is IdKind.AAD else "")
    keys = name_keys(style.name_fold, bare)
    name = keys[-1] if keys and style.name_fold is NameFold.DASHES else fold(bare)
    also_id = style.kind in (IdKind.SLACK, IdKind.AAD) and not text.startswith("@")
    return EntryReading(id=account_id(style, text) if also_id else "", name=name)


def reads_as_id(kind: IdKind, text: str) -> bool:
    """Return whether a text has the form of the channel's ids, so that it is never compared with names."""
    match kind:
        case IdKind.NUMBER:
            return _CHAT_NUMBER.fullmatch(text) is not None
        case IdKind.SNOWFLAKE:
            return _DIGITS.fullmatch(text) is not None
        case IdKind.SLACK:
            return bool(_SLACK_ID.fullmatch(text) or _SLACK_ID_ANY_CASE.fullmatch(text))
        case IdKind.AAD:
            return bool(_UUID.fullmatch(text) or _TOKEN_WITH_DIGIT.fullmatch(text))
        case _:
            return True


def _strip_prefixes(style: IdentityStyle, text: str) -> tuple[str, bool]:
    """Return an entry without its prefixes, and whether one of them says that an id follows."""
    found: list[str] = []
    for _ in range(4):
        lowered = text.lower()
        prefix = next((p for p in (*style.prefixes, *style.id_prefixes) if lowered.startswith(p)), None)
        if prefix is None:
            break
        found.append(prefix)
        text = text[len(prefix) :].strip()
    return text, not set(style.id_prefixes).isdisjoint(found)


def account_id(style: IdentityStyle, text: str) -> str:
    """Return the canonical form of an id as the platform gives it; "" when it is none."""
    bare = text.strip()
    for suffix in style.suffixes:
        bare = bare.removesuffix(suffix)
    return _CANONICAL[style.kind](bare)


def _uuid(text: str) -> str:
    """Return a UUID in lower case with its dashes; "" when the text is none."""
    bare = text.strip().lower().replace("-", "")
    if not _UUID.fullmatch(text.strip()):
        return ""
    return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))


def _signal(text: str) -> str:
    if _E164.fullmatch(text):
        return text
    if text[:5].lower() == "uuid:":
        typed = text[5:].strip()
        key = _uuid(typed) or fold(typed)
    else:
        key = _uuid(text)
    return f"uuid:{key}" if key else phone(text)


def _handle(text: str) -> str:
    if "@" in text:
        return fold(text)
    return phone(text) or fold("".join(text.split()))


def _number(text: str) -> str:
    """Return a user's number; chats have negative ones, which no sender has."""
    return text if _DIGITS.fullmatch(text) else ""


def _snowflake(text: str) -> str:
    return text if _DIGITS.fullmatch(text) else ""


def _exact(text: str) -> str:
    return text


_CANONICAL: Final[Mapping[IdKind, Callable[[str], str]]] = {
    IdKind.PHONE: phone,
    IdKind.NUMBER: _number,
    IdKind.SNOWFLAKE: _snowflake,
    IdKind.SLACK: fold,
    IdKind.SIGNAL: _signal,
    IdKind.HANDLE: _handle,
    IdKind.AAD: fold,
    IdKind.EXACT: _exact,
}
