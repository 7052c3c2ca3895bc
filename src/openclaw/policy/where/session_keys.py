"""Session keys: the text that names a conversation's bucket (agent.md 1.2).

A key is plain text. Everything here reads or respells keys and is total: any text is taken, nothing raises. Keys are
built in `key_builders` and nowhere else, so that two conversations never share one by accident.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from openclaw.policy.where.key_builders import main_session_key
from openclaw.policy.where.key_ids import (
    DEFAULT_MAIN_KEY,
    GLOBAL_KEY,
    MARKERS,
    UNKNOWN,
    PeerKind,
    folded,
    normalise_agent_id,
    normalise_main_key,
    trimmed,
)

RESERVED_KEYS: Final = frozenset({GLOBAL_KEY, UNKNOWN})
"""Keys that are never shown to tools."""
_INNER_HEADS: Final = frozenset({"direct", "dm", "subagent", "acp", "cron", "hook", "main", "global"})
"""First parts of a key that are not a channel."""
_KIND_WORDS: Final = frozenset({"direct", "dm", "group", "channel", "slash"})


class KeyShape(StrEnum):
    """What kind of text a key is."""

    MISSING = "missing"
    AGENT = "agent"
    MALFORMED_AGENT = "malformed_agent"
    LEGACY_OR_ALIAS = "legacy_or_alias"


class SessionKind(StrEnum):
    """The kind that listings show."""

    MAIN = "main"
    GROUP = "group"
    CRON = "cron"
    HOOK = "hook"
    NODE = "node"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """The two parts of an agent key."""

    agent_id: str
    rest: str


@dataclass(frozen=True, slots=True)
class GroupRef:
    """A group or room that a key or an address names.

    Attributes:
        channel: channel id, lower-case.
        id: the room's id, in the letter case it was found in.
        kind: group or channel.
    """

    channel: str
    id: str
    kind: PeerKind

    @property
    def key(self) -> str:
        """Return the key part without its agent."""
        return f"{self.channel}:{self.kind}:{self.id}"


def parse(key: str | None) -> ParsedKey | None:
    """Return agent and rest of an agent key, or None. Empty parts are dropped; the first must be exactly `agent`."""
    parts = [part for part in trimmed(key).split(":") if part]
    if len(parts) < 3 or parts[0] != "agent":
        return None
    agent_id = parts[1].strip()
    return ParsedKey(agent_id, ":".join(parts[2:])) if agent_id else None


def classify(key: str | None) -> KeyShape:
    """Return what kind of text a key is."""
    raw = trimmed(key)
    if not raw:
        return KeyShape.MISSING
    if parse(raw):
        return KeyShape.AGENT
    return KeyShape.MALFORMED_AGENT if raw.lower().startswith("agent:") else KeyShape.LEGACY_OR_ALIAS


def agent_of(key: str | None) -> str:
    """Return the agent that a key belongs to; `main` for keys that name none."""
    parsed = parse(key)
    return normalise_agent_id(parsed.agent_id if parsed else None)


def rest_of(key: str | None) -> str:
    """Return a key without `agent:<id>:`, exactly as written; of other keys all of it.

    Unlike `parse` it keeps empty parts, so that `group::5` and `group:5` stay two rooms.
    """
    raw = trimmed(key)
    parts = raw.split(":", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "agent" and parts[1].strip() else raw


def _begins(key: str | None, prefix: str) -> bool:
    raw = trimmed(key)
    parsed = parse(raw)
    return raw.lower().startswith(prefix) or (parsed is not None and parsed.rest.lower().startswith(prefix))


def is_subagent(key: str | None) -> bool:
    """Return whether a key is that of a sub-agent."""
    return _begins(key, "subagent:")


def is_acp(key: str | None) -> bool:
    """Return whether a key is that of an ACP bridge."""
    return _begins(key, "acp:")


def thread_parent(key: str | None) -> str | None:
    """Return the key before its last thread or topic marker, or None."""
    raw = trimmed(key)
    lowered = _ascii_lower(raw)
    at = max(0, *(lowered.rfind(marker) for marker in MARKERS))
    return raw[:at].strip() or None


def _ascii_lower(text: str) -> str:
    """Return the text with A-Z lowered: `str.lower` may change the length, and offsets are used."""
    return text.translate(_ASCII_LOWER)


_ASCII_LOWER: Final = {ord(upper): ord(upper) + 32 for upper in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def group_of(key: str | None) -> GroupRef | None:
    """Return the room that a key names (agent.md 5.5): after its thread suffix and an inner `subagent:` are cut."""
    rest = rest_of(thread_parent(key) or key)
    if rest.lower().startswith("subagent:"):
        rest = rest[len("subagent:") :]
    channel, _, tail = rest.partition(":")
    kind, _, room = tail.partition(":")
    found = PeerKind.read(kind)
    place = channel.strip().lower()
    if found is None or found is PeerKind.DIRECT or not place or _is_inner(place) or not room.strip():
        return None
    return GroupRef(place, room.strip(), found)


def _is_inner(head: str) -> bool:
    lowered = head.strip().lower()
    return lowered in _INNER_HEADS or lowered.startswith("node-")


def kind_of(key: str | None, *, main_key: str = DEFAULT_MAIN_KEY) -> SessionKind:
    """Return the kind that listings show."""
    raw = folded(key)
    rest = rest_of(raw)
    if raw == GLOBAL_KEY or rest == normalise_main_key(main_key):
        return SessionKind.MAIN
    if group_of(raw):
        return SessionKind.GROUP
    for prefix, kind in (("cron:", SessionKind.CRON), ("hook:", SessionKind.HOOK), ("node-", SessionKind.NODE)):
        if rest.startswith(prefix):
            return kind
    return SessionKind.OTHER


def channel_of(key: str | None) -> str | None:
    """Return the channel that a key names, or None."""
    parts = rest_of(folded(key)).split(":")
    if len(parts) < 3 or not parts[0] or _is_inner(parts[0]):
        return None
    return parts[0] if parts[1] in _KIND_WORDS or parts[2] in {"direct", "dm"} else None


def chat_kind_of(key: str | None) -> PeerKind | None:
    """Return the kind of conversation that a key names, or None."""
    group = group_of(key)
    if group:
        return group.kind
    parts = rest_of(folded(key)).split(":")
    named = parts[0] in {"direct", "dm"} if _is_inner(parts[0]) else bool({"direct", "dm"} & set(parts[1:3]))
    return PeerKind.DIRECT if named and len(parts) > 1 else None


def store_key(agent_id: str | None, request_key: str | None, main_key: str = DEFAULT_MAIN_KEY) -> str:
    """Return the stored key that a client's key means for an agent.

    Blank and `main` are the agent's main session, a full key stays (lower-cased), anything else belongs to the agent.
    """
    raw = trimmed(request_key)
    if raw in {"", DEFAULT_MAIN_KEY}:
        return main_session_key(agent_id, main_key)
    lowered = raw.lower()
    return lowered if lowered.startswith("agent:") else f"agent:{normalise_agent_id(agent_id)}:{lowered}"


def canonical_alias(
    key: str | None, *, agent_id: str | None, main_key: str = DEFAULT_MAIN_KEY, global_scope: bool = False
) -> str:
    """Return a key with the aliases of the main session replaced; any other key stays as it is.

    Args:
        key: the key, as stored or asked for.
        agent_id: the agent that aliases without one belong to.
        main_key: rest of the main session's key.
        global_scope: `session.scope` is `global`: the main session of every agent is `global`.
    """
    raw = trimmed(key)
    if not raw:
        return raw
    own = main_session_key(agent_id, main_key)
    aliases = {DEFAULT_MAIN_KEY, normalise_main_key(main_key), own, main_session_key(agent_id)}
    if raw not in aliases:
        return raw
    return GLOBAL_KEY if global_scope else own


def canonical_key(
    key: str | None, *, agent_id: str | None, main_key: str = DEFAULT_MAIN_KEY, global_scope: bool = False
) -> str:
    """Return the one spelling of a key that inner functions may see: an agent key or `global` (agent.md 1.2).

    An agent's prefix is given to relative keys, older `dm` becomes `direct`, aliases of the main session are replaced.
    """
    lowered = folded(key)
    if lowered == GLOBAL_KEY and global_scope:
        return GLOBAL_KEY
    stored = direct_spelling(store_key(agent_id, lowered))
    parsed = parse(stored)
    owner = parsed.agent_id if parsed else agent_id
    return canonical_alias(stored, agent_id=owner, main_key=main_key, global_scope=global_scope)


def direct_spelling(key: str) -> str:
    """Return a stored key with the `dm` of older releases written `direct`; other keys stay.

    Only the place where a key builder writes the kind is looked at, so that an id or account called `dm` is kept.
    """
    parts = key.split(":")
    if len(parts) < 4 or parts[0].lower() != "agent" or (_is_inner(parts[2]) and parts[2].lower() != "dm"):
        return key
    for at in range(2, min(5, len(parts) - 1)):
        word = parts[at].lower()
        if word in _KIND_WORDS - {"dm"}:
            return key
        if word == "dm" and parts[at + 1].lower() != PeerKind.DIRECT:
            return ":".join((*parts[:at], PeerKind.DIRECT, *parts[at + 1 :]))
    return key


def same_audience(one: str | None, other: str | None) -> bool:
    """Return whether two keys belong to one agent and one chat, threads apart (agent.md 1.4)."""
    left, right = (folded(thread_parent(key) or key) for key in (one, other))
    return bool(left) and left == right


_SURFACES: Final = frozenset(
    {
        "telegram",
        "whatsapp",
        "discord",
        "googlechat",
        "slack",
        "signal",
        "imessage",
        "msteams",
        "bluebubbles",
        "webchat",
    }
)


def group_of_address(address: str | None, chat_type: str | None = None, provider: str | None = None) -> GroupRef | None:
    """Return the room that an inbound `From` names, or None for a direct chat (agent.md 1.2).

    Args:
        address: `From` of the message, such as `telegram:group:-100` or a WhatsApp group jid.
        chat_type: the channel's word for the conversation; `group` and `channel` count.
        provider: the channel, used when the address does not begin with one.
    """
    sender = trimmed(address)
    said = folded(chat_type)
    whatsapp = sender.lower().endswith("@g.us")
    if said not in {"group", "channel"} and not whatsapp and ":group:" not in sender and ":channel:" not in sender:
        return None
    parts = [part for part in sender.split(":") if part]
    words = [part.strip().lower() for part in parts]
    on_surface = bool(words) and words[0] in _SURFACES
    channel = words[0] if on_surface else folded(provider) or ("whatsapp" if whatsapp else "")
    named = words[1] if len(words) > 1 and words[1] in {"group", "channel"} else None
    room = sender
    if on_surface:
        room = ":".join(parts[2:] if named else parts[1:])
    room = room.strip().lower()
    if not channel or not room:
        return None
    is_channel = named == "channel" or (named is None and (":channel:" in sender or said == "channel"))
    return GroupRef(channel, room, PeerKind.CHANNEL if is_channel else PeerKind.GROUP)
