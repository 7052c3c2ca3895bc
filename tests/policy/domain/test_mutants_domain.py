"""Whom and what a policy tells apart, and what it says of each, word for word over configs of every channel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, product

import pytest

from openclaw.policy.domain.lens import NOTHING, Lens, Outlook, elevated_facts, tool_run
from openclaw.policy.domain.people import Person, Standing, people, sender_with, shown
from openclaw.policy.domain.powers import CORE_CATALOGUE, Grant, Power, PowerDesk, Powers, commands_of
from openclaw.policy.domain.sources import Listed, collect, places_of, room_entries
from openclaw.policy.domain.subjects import (
    Subject,
    account_pairs,
    agents_of,
    chat_subjects,
    inner_subjects,
    open_account,
)
from openclaw.policy.domain.venues import DIRECT, Venue, venues
from openclaw.policy.snapshot import Policy
from openclaw.policy.what.elevated import Admission as ElevatedAdmission
from openclaw.policy.what.elevated import ElevatedFacts
from openclaw.policy.what.exec_model import Ask, Security
from openclaw.policy.what.group_rooms import ToolSender
from openclaw.policy.what.labels import Source
from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_names import CORE_TOOLS
from openclaw.policy.where.exec_host import ExecDefaults, ExecHost, exec_route
from openclaw.policy.who.admission_result import Admission, Decision, Effects
from openclaw.policy.who.facts import ChatType, MessageFacts, Named, Sender
from openclaw.policy.who.rule_table import RULES
from support.answers import check_answers
from support.domains import CHANGED, DOCUMENTS, compiled

NAMES = (*DOCUMENTS, *CHANGED)
POLICIES = {name: compiled(name) for name in NAMES}
"""Compiled when the tests are collected: mutation testing forks after that, and need not do it for each mutant."""
MODELS = ("openai", "openai/gpt-5", "openai/o3")


def where(subject: Subject) -> str:
    return f"{subject.channel} {subject.account}: {subject.person.label} in {subject.venue.label} {subject.agent}"


def told(found: Outlook) -> Iterator[tuple[str, str]]:
    """Yield what an outlook says: the decisions with what they grant, and the run that would follow."""
    decisions = [one.decision.value if one is not None else "nothing" for one in (found.admission, found.unspoken)]
    agents = {one.agent for one in found.grants}
    yield "may", f"{'/'.join(decisions)}: {plain_grants(found.grants)}"
    yield "session", f"{found.agent} {found.session_key} {' '.join(sorted(agents))}"
    powers = found.powers
    if powers is not None:
        assert (powers.agent, powers.session_key) == (found.agent, found.session_key)
        yield "tools", f"{len(powers.tools)}: {' '.join(sorted(one.name for one in found.grants if is_tool(one)))}"
        yield "place", place_of(powers)


def place_of(powers: Powers) -> str:
    """Return where a run is, where its commands go, whether it may leave, and how many tools each model has."""
    counts = [f"{key} {len(names)}" for key, names in powers.by_model]
    said = [powers.placement.outcome, *(f"{one.rule} ({one.key})" for one in powers.placement.reasons), *counts]
    if powers.exec is not None:
        said += [powers.exec.verdict.outcome, powers.exec.security, powers.exec.ask, powers.exec.node or "no node"]
    said += [powers.elevated.outcome, *(one.rule for one in powers.elevated.reasons)]
    said += [one.detail for one in powers.elevated.reasons if one.rule == "elevated.origin"]
    return ", ".join(said)


def plain_grants(found: Iterable[Grant]) -> str:
    """Return what is granted besides tools."""
    return " ".join(sorted(f"{one.power}:{one.name}" if one.name else one.power for one in found if not is_tool(one)))


def is_tool(grant: Grant) -> bool:
    return grant.power is Power.TOOL


def pairs_of(policies: tuple[Policy, ...]) -> tuple[tuple[str, str], ...]:
    return (*account_pairs(policies), ("telegram", "nobody"))


def test_whom_lists_name() -> None:
    answers: list[tuple[object, object]] = []
    for name in NAMES:
        for channel, account in pairs_of(POLICIES[name]):
            found = collect(POLICIES[name], channel, account)
            answers += [((name, account, "id", one), marks) for one, marks in sorted(found.ids.items())]
            answers += [((name, account, "name", one), marks) for one, marks in sorted(found.names.items())]
            others = (found.rule_names, found.chats, found.spelled, found.owners, found.writers)
            answers.append(((name, channel, account), others))
    check_answers("domain-lists", answers)


def test_places_and_entries_with_the_keys_that_lead_to_them() -> None:
    answers: list[tuple[object, object]] = []
    for name in NAMES:
        for policy in POLICIES[name]:
            for channel, access in policy.access.channels.items():
                for account, scope in access.accounts.items():
                    found = [(keys, place.key) for keys, place in places_of(scope.places)]
                    answers.append(((name, channel, account, "places"), found))
                    entries = [keys for keys, _ in room_entries(policy.tools.rooms.get(channel))]
                    answers.append(((name, channel, account, "rooms"), entries))
    check_answers("domain-places", answers)


def test_classes_of_people() -> None:
    answers: list[tuple[object, object]] = []
    for name in NAMES:
        for channel, account in account_pairs(POLICIES[name]):
            listed = collect(POLICIES[name], channel, account)
            for bots, proxied in ((False, False), (True, False), (False, True), (True, True)):
                found = people(RULES[channel], listed, bots=bots, proxied=proxied)
                answers += [((name, account, bots, proxied, one.label), one) for one in found]
    for rules, bots in product(RULES.values(), (False, True)):
        kept = Listed(ids={f"stranger-{number:04}": {"x"} for number in range(3)} | {"uzzzzz0000": {"y"}})
        for one in people(rules, kept, bots=bots, proxied=bots):
            answers.append(((rules.channel, bots, one.label), one))
    check_answers("domain-people", answers)


def test_ids_stand_in_the_field_where_the_platform_states_them() -> None:
    ids = ("1", "U1a", "u1ä", "pk:m1", "uuid:0a", "+1555", "ann@example.com", "")
    answers = [((rules.channel, one), sender_with(rules.identity, one)) for rules, one in product(RULES.values(), ids)]
    check_answers("domain-senders", answers)


def test_a_few_texts_are_shown_and_the_rest_is_counted() -> None:
    letters = "abcdef"
    assert [shown(letters[:count]) for count in range(6)] == [
        "",
        "a",
        "a, b",
        "a, b, c",
        "a, b, c and 1 more",
        "a, b, c and 2 more",
    ]


def test_conversations() -> None:
    answers: list[tuple[object, object]] = []
    for name in NAMES:
        for channel, account in pairs_of(POLICIES[name]):
            chats = collect(POLICIES[name], channel, account).chats
            found = venues(POLICIES[name], channel, account, sorted(chats))
            answers += [((name, channel, account, one.label), one) for one in found]
    webchat = venues(POLICIES["empty"], "webchat", "default", ())
    answers.append(("webchat", webchat))
    check_answers("domain-venues", answers)


def test_everybody_everywhere_and_nobody_twice() -> None:
    answers: list[tuple[object, object]] = []
    for name in NAMES:
        policies = POLICIES[name]
        found = list(chat_subjects(policies))
        assert len({where(one) for one in found}) == len(found)
        for (channel, account, venue), there in groupby(found, lambda one: (one.channel, one.account, one.venue.label)):
            labels = [one.person.label for one in there]
            answers.append(((name, channel, account, venue), (len(labels), labels)))
        answers += [((name, "inner", number), one) for number, one in enumerate(inner_subjects(policies))]
        tokens = frozenset({"telegram", "discord"})
        answers.append(((name, "pairs"), (account_pairs(policies), account_pairs(policies, tokens))))
        answers.append(((name, "with a token"), sum(1 for _ in chat_subjects(policies, tokens))))
        answers.append(((name, "agents"), [agents_of(policy) for policy in policies]))
    check_answers("domain-subjects", answers)


def test_accounts_through_which_messages_come_in() -> None:
    answers: list[tuple[object, object]] = []
    for name in NAMES:
        for policy in POLICIES[name]:
            for channel in (*policy.access.channels, "nowhere"):
                for account, tokens in product(
                    ("default", "main", "off", "x"), (frozenset[str](), frozenset({channel}))
                ):
                    found = open_account(policy, channel, account, tokens)
                    told_of = None if found is None else (found.rules.channel, found.account, found.configured)
                    answers.append(((name, channel, account, tokens), told_of))
    check_answers("domain-accounts", answers)


CROWDED = ("telegram", "discord", "slack")


@pytest.mark.parametrize("kind", ["small", *CROWDED])
def test_what_a_policy_says_of_everybody(kind: str) -> None:
    answers: list[tuple[object, object]] = []
    for name in NAMES:
        if kind != next((crowd for crowd in CROWDED if name.split(",")[0] == crowd), "small"):
            continue
        for number, policy in enumerate(POLICIES[name]):
            lens = Lens(policy, CORE_CATALOGUE, models=MODELS, agents=("main", "ops", "box", "a", "b", "c", "d"))
            for one in (*chat_subjects(POLICIES[name]), *inner_subjects(POLICIES[name])):
                answers += [((name, number, where(one), part), said) for part, said in told(lens.look(one))]
    check_answers(f"domain-looks-{kind}", answers)


def test_a_channel_that_a_token_starts_is_looked_at_only_where_it_is_named() -> None:
    (policy,) = POLICIES["empty"]
    tokens = frozenset({"telegram"})
    subjects = list(chat_subjects([policy], tokens))
    answers: list[tuple[object, object]] = []
    for lens in (Lens(policy, CORE_CATALOGUE), Lens(policy, CORE_CATALOGUE, sectionless=tokens)):
        answers += [(where(one), list(told(lens.look(one)))) for one in subjects]
    check_answers("domain-tokens", answers)


SENDERS = (
    Sender(),
    Sender(id="1", e164="+1", uuid="u", username="ann", name="Ann", tag="t"),
    Sender(e164="+2", uuid="v", name="Bea"),
    Sender(uuid="w", username="cid"),
)


def test_the_run_of_an_admitted_message_and_who_asks_for_elevation_in_it() -> None:
    admissions = (
        Admission(Decision.DELIVER, ()),
        Admission(Decision.DELIVER, (), sender_is_owner=True, effects=Effects(mention=True)),
    )
    answers: list[tuple[object, object]] = []
    for kind, sender, admission in product(ChatType, SENDERS, admissions):
        for place in (Named("5", "five"), None):
            facts = MessageFacts(kind, "c1", sender, chat_name="general", guild=place)
            question = (kind, sender.id or sender.e164 or sender.uuid, admission.sender_is_owner, place)
            answers.append(((*question, "run"), tool_run("discord", "work", facts, admission, "ops", "key")))
            for source in (Source.OWNER, Source.STRANGER, Source.HOOK):
                for key in ("agent:ops:main", "agent:ops:cron:job"):
                    who = elevated_facts("discord", facts, admission, source, "ops", key)
                    answers.append(((*question, source, key), who))
    check_answers("domain-runs", answers)


def test_whoever_writes_in_private_needs_no_mention() -> None:
    for name in NAMES:
        lens = Lens(POLICIES[name][0], CORE_CATALOGUE)
        for one in chat_subjects(POLICIES[name]):
            if one.venue.label == DIRECT:
                found = lens.look(one)
                assert found.unspoken is found.admission


def test_an_operator_without_the_scope_to_write_is_not_heard() -> None:
    (policy,) = POLICIES["telegram"]
    direct = Venue(DIRECT, MessageFacts(ChatType.DIRECT, operator_scopes=("operator.read",)))
    reader = Person(Standing.OPERATOR, Sender(id="reader"), "readers")
    found = Lens(policy, CORE_CATALOGUE).look(Subject("webchat", "default", reader, direct, "ops"))
    assert found.admission is not None
    assert found.admission.decision is not Decision.DELIVER
    assert found == Outlook(found.admission, found.admission, "ops", "agent:ops:main")


@pytest.mark.parametrize("source", [None, *Source])
def test_an_agent_that_a_policy_does_not_have_does_nothing(source: Source | None) -> None:
    (policy,) = POLICIES["telegram"]
    direct = Venue(DIRECT, MessageFacts(ChatType.DIRECT, operator_scopes=("operator.admin",)))
    someone = Person(Standing.OPERATOR, Sender(id="operator"), "operators")
    subject = Subject("webchat" if source is None else "", "", someone, direct, "gone", source)
    assert Lens(policy, CORE_CATALOGUE).look(subject) == NOTHING


def test_commands_that_a_place_lets_run() -> None:
    answers: list[tuple[object, object]] = []
    for host, security, ask, boxed in product(ExecHost, (None, *Security), (None, *Ask), (False, True)):
        route = exec_route(configured=ExecDefaults(host, security, ask), sandboxed=boxed)
        answers.append(((host, security, ask, boxed), commands_of(route)))
    other_host = ExecDefaults(ExecHost.NODE)
    refused = exec_route(configured=ExecDefaults(ExecHost.GATEWAY), requested=other_host, sandboxed=False)
    answers.append(("refused", commands_of(refused)))
    check_answers("domain-commands", answers)


def test_what_runs_of_every_agent_may_do() -> None:
    answers: list[tuple[object, object]] = []
    for name in ("sandboxes", "telegram", "empty"):
        (policy,) = POLICIES[name]
        desk = PowerDesk(policy, CORE_CATALOGUE, MODELS, ("a", "b", "c", "d", "main", "ops"))
        bare = PowerDesk(policy, CORE_CATALOGUE, (), ())
        for agent, rest in product(("A", "b", "c", "d", "e", "f", "other"), ("main", "subagent:1", "x:group:1")):
            run = ToolRun(agent, f"agent:{agent.lower()}:{rest}", sender=ToolSender(id="1", is_owner=True))
            who = ElevatedFacts(agent, "telegram", "2", admission=ElevatedAdmission.LISTED)
            found = desk.powers(run, who)
            answers.append(((name, agent, rest, "grants"), plain_grants(found.grants)))
            answers.append(((name, agent, rest, "agent"), {found.agent, *(one.agent for one in found.grants)}))
            answers.append(((name, agent, rest, "place"), place_of(found)))
            answers.append(((name, agent, rest, "tools"), (len(found.tools), found.sandboxed)))
            alone = bare.powers(run, who)
            answers.append(((name, agent, rest, "alone"), (alone.by_model, len(alone.grants))))
    check_answers("domain-powers", answers)


def test_only_tools_that_need_an_owner_are_marked_as_such() -> None:
    owned = {tool.name for tool in CORE_CATALOGUE.tools.values() if tool.owner_only}
    assert owned == {"whatsapp_login"}
    assert set(CORE_CATALOGUE.tools) == set(CORE_TOOLS)
