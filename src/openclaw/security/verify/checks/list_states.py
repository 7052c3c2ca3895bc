"""Four states of a list: absent, null, empty and wildcard are four answers, and none is taken for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Any, Final

from openclaw.config.compile.access import compile_access
from openclaw.config.model import Config
from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.what.elevated import Admission as Heard
from openclaw.policy.what.elevated import ElevatedFacts, ElevatedPolicy, elevated_gates
from openclaw.policy.what.tool_chain import ToolRun, ToolsPolicy, tools_policy
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.what.tool_stages import ToolBlock
from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.facts import Mentions, StoreView
from openclaw.security.verify.checks.world import CHANNELS, ME, NO_SESSION, NOW_MS, PEOPLE, Decide, direct, room
from openclaw.security.verify.model import Finding, expect, hold
from openclaw.system.errors import ConfigInvalid


@dataclass(frozen=True, slots=True)
class ListRules:
    """The functions: what a config document means, who is admitted, who elevates, which tools there are."""

    compile: Callable[[Mapping[str, Any]], AccessPolicy]
    decide: Decide
    elevated_gates: Callable[[ElevatedPolicy, ElevatedFacts], Verdict[Outcome]]
    decider: Callable[[ToolsPolicy, Catalogue], ToolDecider]


def compiled(document: Mapping[str, Any]) -> AccessPolicy:
    """Return who may talk under a config document.

    Raises:
        ConfigInvalid: the document is no config.
    """
    return compile_access(Config.from_document(document))


SHIPPED: Final = ListRules(compiled, decide, elevated_gates, ToolDecider)

_CHANNELS: Final = tuple(name for name in CHANNELS if name != "unheard-of")
_NESTED: Final = ("discord", "slack", "googlechat")
_WITH_GROUP_LIST: Final = tuple(name for name in _CHANNELS if name not in ("discord", "slack"))
_ABSENT: Final = "absent"
_STATES: Final[Mapping[str, Any]] = {_ABSENT: _ABSENT, "null": None, "empty": [], "wildcard": ["*"], "named": ["ann"]}
_WHO: Final = ("ann", "bea", "nobody")


def check(subject: ListRules) -> Iterator[Finding]:
    """Give every list every state, and ask for somebody who is on it, somebody who is not, and nobody."""
    yield from _direct(subject)
    yield from _groups(subject)
    yield from _elevated(subject)
    yield from _tools(subject)


def _direct(subject: ListRules) -> Iterator[Finding]:
    stores: tuple[tuple[str, ...], ...] = ((), ("*",), ("bea",))
    for channel, policy, state in product(_CHANNELS, ("pairing", "allowlist", "open", "disabled"), _STATES):
        key = "policy" if channel in _NESTED else "dmPolicy"
        section = {key: policy} | _listed(channel, "allowFrom", state)
        document = {"channels": {channel: {"dm": section} if channel in _NESTED else section}}
        words = partial(_words, channel, f"direct messages under {policy}, list {state}")
        access = _compiled(subject, document)
        refused = state == "null" or (policy == "open" and state != "wildcard")
        yield expect(words, "refused" if refused else "a config", "refused" if access is None else "a config")
        for who, store in product(_WHO, stores):
            if access is None:
                continue
            sender = PEOPLE[channel].sender(channel, who)
            approved = StoreView(allow_from=tuple(_id(channel, one) for one in store))
            facts = direct(channel, sender)
            got = subject.decide(access, channel, None, ME, approved, NO_SESSION, facts, NOW_MS).decision
            wanted = _direct_answer(policy, state, who, named=who in store)
            words = partial(_words, channel, f"{who} writes under {policy}, list {state}, store {store}")
            yield expect(words, wanted, got)


def _direct_answer(policy: str, state: str, who: str, *, named: bool) -> Decision:
    """Return what channels.md 1.1 says."""
    if policy == "disabled" or who == "nobody":
        return Decision.DROP
    if state == "wildcard" or named or (state == "named" and who == "ann"):
        return Decision.DELIVER
    return Decision.PAIR if policy == "pairing" else Decision.DROP


def _groups(subject: ListRules) -> Iterator[Finding]:
    for channel, groups, people in product(_WITH_GROUP_LIST, _STATES, (_ABSENT, "empty", "wildcard", "named")):
        section = {"groupPolicy": "allowlist"} | _listed(channel, "groupAllowFrom", groups)
        own = _listed(channel, "allowFrom", people)
        section |= {"dm": own} if channel in _NESTED and own else own
        words = partial(_words, channel, f"groups list {groups}, list for direct messages {people}")
        access = _compiled(subject, {"channels": {channel: section}})
        yield expect(words, groups == "null", access is None)
        for who in _WHO:
            if access is None:
                continue
            facts = room(channel, PEOPLE[channel].sender(channel, who), "hello", mentions=Mentions(me=True))
            got = subject.decide(access, channel, None, ME, StoreView(), NO_SESSION, facts, NOW_MS).decision
            counts = people if groups == _ABSENT else groups
            right = who != "nobody" and (counts == "wildcard" or (counts == "named" and who == "ann"))
            words = partial(_words, channel, f"{who} writes in a room, list {groups}, direct messages {people}")
            yield expect(words, Decision.DELIVER if right else Decision.DROP, got)


def _compiled(subject: ListRules, document: Mapping[str, Any]) -> AccessPolicy | None:
    try:
        return subject.compile(document)
    except ConfigInvalid:
        return None


def _listed(channel: str, key: str, state: str) -> dict[str, Any]:
    value = _STATES[state]
    if state == _ABSENT:
        return {}
    return {key: None if value is None else [_id(channel, one) for one in value]}


def _id(channel: str, who: str) -> str:
    return who if who == "*" else str(getattr(PEOPLE[channel], who))


def _elevated(subject: ListRules) -> Iterator[Finding]:
    """An absent or empty list lets nobody elevate; a wildcard only people who were let in one by one."""
    lists: Mapping[str, Mapping[str, tuple[str, ...]]] = {
        _ABSENT: {},
        "of another channel": {"slack": ("42",)},
        "empty": {"telegram": ()},
        "wildcard": {"telegram": ("*",)},
        "named": {"telegram": ("42",)},
    }
    for (state, found), heard, one in product(lists.items(), Heard, ("42", "421", None, "*", "")):
        facts = ElevatedFacts("main", "telegram", sender_id=one, admission=heard)
        got = subject.elevated_gates(ElevatedPolicy(allow_from=MappingProxyType(dict(found))), facts)
        alone = heard in (Heard.OWNER, Heard.LISTED, Heard.PAIRED)
        right = (state == "named" and one == "42") or (state == "wildcard" and alone and one in ("42", "421"))
        words = partial(_words, "telegram", f"{one!r}, heard as {heard}, elevates; list {state}")
        yield expect(words, Outcome.ALLOW if right else Outcome.DENY, got.outcome)


def _tools(subject: ListRules) -> Iterator[Finding]:
    """Absent and empty allow lists filter nothing; a deny list that is empty denies nothing, a wildcard everything."""
    catalogue = Catalogue.of(CatalogueTool(name) for name in ("read", "exec"))
    values: Mapping[str, tuple[str, ...] | None] = {
        _ABSENT: None,
        "empty": (),
        "blank": (" ",),
        "wildcard": ("*",),
        "named": ("read",),
        "unknown": ("raed",),
    }
    allows: Mapping[str, Sequence[str]] = {"named": ("read",), "unknown": ()}
    denies: Mapping[str, Sequence[str]] = {"named": ("exec",), "wildcard": ()}
    for (allow, listed), (deny, denied) in product(values.items(), values.items()):
        policy = tools_policy(ToolBlock("tools", allow=listed, deny=denied))
        got = subject.decider(policy, catalogue).effective(ToolRun("main", "agent:main:main")).allowed
        every = ("read", "exec")
        wanted = set(allows.get(allow, every)) & set(denies.get(deny, every))
        words = partial(_words, "tools", f"allow list {allow}, deny list {deny}")
        yield hold(words, expected=str(sorted(wanted)), holds=wanted == set(got), got=sorted(got))


def _words(place: str, what: str) -> str:
    return f"{place}: {what}"
