"""One event while it is judged: its inputs, and what several steps need, worked out at most once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from openclaw.policy.verdict import Reason
from openclaw.policy.where.mention import Mention, detect
from openclaw.policy.who.access_policy import AccessPolicy, AccountAccess
from openclaw.policy.who.command_text import ControlCommand, control_command
from openclaw.policy.who.facts import ChatType, EventKind, MessageFacts, SelfIdentity, SessionView, StoreView
from openclaw.policy.who.groups import Place, locate
from openclaw.policy.who.identity import canonical_id, phone
from openclaw.policy.who.lists import SenderKeys, approved
from openclaw.policy.who.rule_columns import ChannelRules


@dataclass(frozen=True, slots=True)
class KindSteps:
    """Which steps a kind of event goes through (the table of channels.md 0).

    Attributes:
        pairs: an unknown sender may ask for pairing.
        buffers: it may wait in the pending history.
        text: its text is the sender's words: it can mention, and be a command.
        mentions: it speaks to the bot by its nature.
        command: it is a command by its nature.
        authority: it can carry command authority and ownership.
    """

    pairs: bool = False
    buffers: bool = False
    text: bool = False
    mentions: bool = False
    command: bool = False
    authority: bool = False


KINDS: Final[Mapping[EventKind, KindSteps]] = {
    EventKind.MESSAGE: KindSteps(pairs=True, buffers=True, text=True, authority=True),
    EventKind.EDIT: KindSteps(buffers=True, text=True, authority=True),
    EventKind.CALLBACK: KindSteps(text=True, mentions=True, authority=True),
    EventKind.NATIVE: KindSteps(text=True, mentions=True, command=True, authority=True),
    EventKind.REACTION: KindSteps(),
    EventKind.PIN: KindSteps(),
    EventKind.MEMBER: KindSteps(),
    EventKind.MIGRATE: KindSteps(),
}
"""A kind that is not here is dropped."""

_NO_STEPS: Final = KindSteps()
_UNRESOLVED: Final = object()


def kind_of(facts: MessageFacts) -> EventKind:
    """Return the kind of an event; a message that the platform itself calls a command is a native command."""
    plain = facts.kind is EventKind.MESSAGE and facts.native
    return EventKind.NATIVE if plain else facts.kind


def reads_commands(policy: AccessPolicy, rules: ChannelRules, facts: MessageFacts) -> bool:
    """Return whether a command in this event's text is one.

    Never in forwarded text. `commands.text: false` leaves only native commands on surfaces that have them
    (channels.md 3).
    """
    if facts.forwarded:
        return False
    return policy.text_commands or not rules.native_surface or KINDS.get(kind_of(facts), _NO_STEPS).command


class Case:
    """The event and everything that is known of it.

    Attributes:
        kind: what happened; a message invoked as a slash command counts as native.
        steps: what such an event goes through.
        promoted: the config lists this direct chat as a group.
        is_room: the map of places applies.
        place: what the map says of the place.
        trail: rules that were passed so far.
        mentioned: the mention gate was satisfied.
        authority: stage A in a group, once it was asked.
    """

    __slots__ = (
        "_approved",
        "_command",
        "_own_number",
        "authority",
        "facts",
        "is_room",
        "kind",
        "me",
        "mentioned",
        "now_ms",
        "place",
        "policy",
        "promoted",
        "rules",
        "scope",
        "sender",
        "session",
        "steps",
        "store",
        "trail",
    )

    def __init__(
        self,
        policy: AccessPolicy,
        scope: AccountAccess,
        me: SelfIdentity,
        store: StoreView,
        session: SessionView,
        facts: MessageFacts,
        now_ms: int,
    ) -> None:
        self.policy = policy
        self.scope = scope
        self.rules = scope.rules
        self.me = me
        self.store = store
        self.session = session
        self.facts = facts
        self.now_ms = now_ms
        self.kind = kind_of(facts)
        self.steps = KINDS.get(self.kind, _NO_STEPS)
        self.sender = SenderKeys(scope.rules.identity, facts)
        chat = facts.chat_type
        direct = chat is ChatType.DIRECT
        self.promoted = direct and scope.rules.promotes_listed and scope.places.has(facts.chat_id)
        self.is_room = self.promoted or not (direct or chat is ChatType.GROUP_DM)
        self.place: Place = locate(scope.rules.map_kind, scope.places, facts) if self.is_room else scope.places.missing
        self.trail: list[Reason] = []
        self.mentioned = False
        self.authority: bool | None = None
        self._command: object = _UNRESOLVED
        self._approved: bool | None = None
        self._own_number: str | None = None

    @property
    def command(self) -> ControlCommand | None:
        """Return the control command that the text is, where text commands exist."""
        if self._command is _UNRESOLVED:
            self._command = self._read_command()
        found = self._command
        return found if isinstance(found, ControlCommand) else None

    def _read_command(self) -> ControlCommand | None:
        if not self.steps.text or not reads_commands(self.policy, self.rules, self.facts):
            return None
        return control_command(self.policy.commands, self.facts.text, self.me.username)

    @property
    def is_command(self) -> bool:
        """Return whether the event is a command, natively or as text."""
        return self.steps.command or self.command is not None

    @property
    def approved(self) -> bool:
        """Return whether the pairing store holds the sender."""
        if self._approved is None:
            self._approved = approved(self.rules.channel, self.rules.identity, self.store, self.sender)
        return self._approved

    @property
    def own_number(self) -> str:
        """Return the bot's phone number, or ""."""
        if self._own_number is None:
            self._own_number = phone(self.me.e164) if self.me.e164 else ""
        return self._own_number

    @property
    def self_chat(self) -> bool:
        """Return whether the bot runs on its owner's own number, as the list shows."""
        return self.rules.self_chat and self.own_number != "" and self.own_number in self.scope.dm_list.ids

    @property
    def same_number(self) -> bool:
        """Return whether this is the chat of the linked number with itself."""
        if not self.rules.self_chat or not self.own_number or self.sender.id != self.own_number:
            return False
        other = canonical_id(self.rules.identity, self.facts.chat_id)
        return other == self.own_number or (not other and not self.facts.from_me)

    def mention(self) -> Mention:
        """Return whether the event speaks to the bot."""
        patterns = self.policy.patterns_for(self.session.agent_id, self.session.key)
        return detect(self.rules, patterns, self.me, self.facts, self_chat=self.self_chat, text_counts=self.steps.text)

    def reason(self, code: str) -> Reason:
        """Return the reason of a code, with this account's config path."""
        return self.scope.reasons.get(code) or Reason(code)

    def reason_here(self, code: str, setting: str) -> Reason:
        """Return the reason of a code, with the config path of the place where it has an entry."""
        general = self.reason(code)
        if not self.place.admitted:
            return general
        return Reason(code, f"{self.place.key}.{setting}", general.detail)

    def passed(self, code: str) -> None:
        """Add a rule that the event passed to the trail."""
        self.trail.append(self.reason(code))
