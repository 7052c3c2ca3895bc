"""The small world in which admission is checked: every channel with a listed person, another one and nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from openclaw.policy.patterns import PatternSet, compile_patterns
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT
from openclaw.policy.who.access_policy import AccessPolicy, AccountAccess, ChannelAccess, OwnerRule
from openclaw.policy.who.admission_result import Admission
from openclaw.policy.who.facts import (
    ChatType,
    MessageFacts,
    Named,
    SelfIdentity,
    Sender,
    SessionView,
    StoreView,
)
from openclaw.policy.who.group_maps import compile_places
from openclaw.policy.who.groups import PlaceDefaults, PlaceEntry
from openclaw.policy.who.lists import AllowList, compile_list
from openclaw.policy.who.rule_columns import ChannelRules, GroupPolicy, MapKind
from openclaw.policy.who.rule_table import rules_for

Decide: TypeAlias = Callable[
    [AccessPolicy, str, str | None, SelfIdentity, StoreView, SessionView, MessageFacts, int], Admission
]
"""The form of `openclaw.policy.who.admission.decide`."""

CHANNELS: Final = (
    "discord",
    "telegram",
    "whatsapp",
    "slack",
    "signal",
    "imessage",
    "msteams",
    "googlechat",
    "unheard-of",
)
"""Every row of the rule table that people write through, and a channel that has no row."""
NOW_MS: Final = 1_700_000_000_000
ME: Final = SelfIdentity(id="900", username="mybot", e164="+15550000001")
PATTERN: Final = "hey claw"


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of one channel: their ids in lists, and they as senders. The first id begins like the second."""

    ann: str
    bea: str
    cyd: str

    def sender(self, channel: str, who: str) -> Sender:
        """Return one of them as a sender; any other word is nobody in particular."""
        one = {"ann": self.ann, "bea": self.bea, "cyd": self.cyd}.get(who)
        if one is None:
            return Sender()
        if channel in ("whatsapp", "signal"):
            return Sender(e164=one, name=who)
        return Sender(id=one, username=who, name=who, tag=who)


_PHONES: Final = Cast("+1555123000", "+15551230001", "+15559990009")
_NUMBERS: Final = Cast("42", "421", "77")
PEOPLE: Final[Mapping[str, Cast]] = MappingProxyType(
    {
        "whatsapp": _PHONES,
        "telegram": _NUMBERS,
        "discord": Cast("111", "1112", "222"),
        "slack": Cast("U11", "U112", "U222"),
        "signal": _PHONES,
        "imessage": _PHONES,
        "msteams": Cast("0a1b2c3d-1", "0a1b2c3d-12", "ffff-9"),
        "googlechat": Cast("users/1", "users/12", "users/7"),
        "unheard-of": _NUMBERS,
    }
)
_ROOMS: Final[Mapping[str, tuple[ChatType, str]]] = MappingProxyType(
    {
        "whatsapp": (ChatType.GROUP, "1203@g.us"),
        "telegram": (ChatType.GROUP, "-100"),
        "discord": (ChatType.CHANNEL, "7001"),
        "slack": (ChatType.CHANNEL, "C1"),
        "signal": (ChatType.GROUP, "grpA=="),
        "imessage": (ChatType.GROUP, "7"),
        "msteams": (ChatType.GROUP, "19:g@thread.v2"),
        "googlechat": (ChatType.GROUP, "spaces/1"),
        "unheard-of": (ChatType.GROUP, "room1"),
    }
)
GUILD: Final = Named("5001", "Friends")
TEAM: Final = Named("19:team@thread", "Team")


def room_id(channel: str) -> str:
    """Return the id of the channel's room."""
    return _ROOMS[channel][1]


def room(channel: str, sender: Sender, text: str, **more: Any) -> MessageFacts:
    """Return a message in the channel's room."""
    kind, chat = _ROOMS[channel]
    guild = GUILD if channel == "discord" else None
    team = TEAM if channel == "msteams" else None
    return MessageFacts(kind, chat, sender, text, guild=guild, team=team, **more)


def direct(channel: str, sender: Sender, text: str = "hello", **more: Any) -> MessageFacts:
    """Return a direct message."""
    chat = {"slack": "D1", "telegram": sender.id or "42"}.get(channel, sender.id or sender.e164 or "x")
    return MessageFacts(ChatType.DIRECT, chat, sender, text, **more)


def listed(rules: ChannelRules, people: Sequence[str] | None, key: str = "list") -> AllowList:
    """Return a compiled list of ids; None is a list that the config does not have."""
    return compile_list(rules.identity, people, key)


def places_of(
    rules: ChannelRules, policy: GroupPolicy, entry: PlaceEntry | None = None, *, elsewhere: bool = False
) -> Any:
    """Return a compiled map: empty without an entry, else with the entry at the room of `room`.

    Args:
        rules: the channel's row.
        policy: the account's group policy.
        entry: what the config says of that room.
        elsewhere: the entry stands at another room.
    """
    defaults = PlaceDefaults("map", policy)
    if entry is None or rules.map_kind is MapKind.NONE:
        return compile_places(rules.map_kind, None, defaults)
    chat = _ROOMS[rules.channel if rules.channel in _ROOMS else "unheard-of"][1]
    where = "other-room" if elsewhere else chat
    if rules.map_kind is MapKind.GUILDS:
        return compile_places(rules.map_kind, {GUILD.id or "": PlaceEntry("guild", children={where: entry})}, defaults)
    if rules.map_kind is MapKind.TEAMS:
        return compile_places(rules.map_kind, {TEAM.id or "": PlaceEntry("team", children={where: entry})}, defaults)
    return compile_places(rules.map_kind, {where: entry}, defaults)


def account(channel: str, **settings: Any) -> AccountAccess:
    """Return an account of a channel; `AccountAccess` names the settings."""
    rules = rules_for(channel)
    given: dict[str, Any] = {"rules": rules, **settings}
    return AccountAccess(**given)


def policy_of(one: AccountAccess, *, patterns: Sequence[str] = (), use_access_groups: bool = True) -> AccessPolicy:
    """Return a policy with one account on one channel."""
    found: PatternSet = compile_patterns(patterns)
    return AccessPolicy(
        channels=MappingProxyType({one.rules.channel: ChannelAccess(MappingProxyType({DEFAULT_ACCOUNT: one}))}),
        use_access_groups=use_access_groups,
        mention_patterns=MappingProxyType({"": found}),
    )


def with_account(policy: AccessPolicy, change: Callable[[AccountAccess], AccountAccess]) -> AccessPolicy:
    """Return a policy with every account changed: how a twin of `decide` sees a fault in a rule."""
    channels = {
        name: replace(
            found, accounts=MappingProxyType({one: change(account) for one, account in found.accounts.items()})
        )
        for name, found in policy.channels.items()
    }
    return replace(policy, channels=MappingProxyType(channels))


def sole_owner(one: str) -> OwnerRule:
    """Return the ownership of one person."""
    return OwnerRule(ids=frozenset({one}), restricts=False)


NO_SESSION: Final = SessionView()
NO_STORE: Final = StoreView()
