"""Who may command, who owns, who approves (channels.md 3.1, 3.4; advisories A3, C1, C15, F1, F2)."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.policy.verdict import Outcome
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.command_authority import may_approve, may_run
from openclaw.policy.who.commands_registry import COMMANDS, Authority, CommandSpec, index_commands
from openclaw.policy.who.facts import ChatType, EventKind, MessageFacts, Sender
from support.access import (
    CHANNELS,
    SENDERS,
    STRANGERS,
    account_of,
    answer,
    ask,
    channel_policy,
    direct,
    id_of,
    policy_of,
    said,
)

ANN, MAL = "+15551230001", "+15559990009"
SPECS = {spec.name: spec for spec in COMMANDS}


def two(channel: str, **more: Any) -> dict[str, Any]:
    """Return a section whose DM list names both persons."""
    both = [id_of(channel, SENDERS[channel]), id_of(channel, STRANGERS[channel])]
    return {"dm": {"allowFrom": both}, **more} if channel in ("discord", "slack") else {"allowFrom": both, **more}


class TestOwner:
    """The owner rule."""

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_the_only_person_of_the_list_owns(self, channel: str) -> None:
        me = id_of(channel, SENDERS[channel])
        settings = {"dm": {"allowFrom": [me]}} if channel in ("discord", "slack") else {"allowFrom": [me]}
        assert ask(channel_policy(channel, settings), channel, direct(channel, SENDERS[channel])).sender_is_owner

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_of_several_nobody_owns_until_one_is_named(self, channel: str) -> None:
        me = id_of(channel, SENDERS[channel])
        facts, other = direct(channel, SENDERS[channel]), direct(channel, STRANGERS[channel])
        unnamed = channel_policy(channel, two(channel))
        assert not ask(unnamed, channel, facts).sender_is_owner
        for entry in (me, f"{channel}:{me}", f" {channel.upper()}:{me} "):
            named = channel_policy(channel, two(channel), commands={"ownerAllowFrom": [entry]})
            assert ask(named, channel, facts).sender_is_owner
            assert ask(named, channel, facts).command_authorized
            assert not ask(named, channel, other).sender_is_owner
            assert not ask(named, channel, other).command_authorized

    def test_an_entry_for_another_channel_does_not_count_here(self) -> None:
        policy = channel_policy("telegram", two("telegram"), commands={"ownerAllowFrom": [f"whatsapp:{ANN}", "tg:42"]})
        assert ask(policy, "telegram", direct("telegram", SENDERS["telegram"])).sender_is_owner
        elsewhere = channel_policy("telegram", two("telegram"), commands={"ownerAllowFrom": [f"whatsapp:{ANN}"]})
        other = ask(elsewhere, "telegram", direct("telegram", STRANGERS["telegram"]))
        assert other.command_authorized
        assert not other.sender_is_owner

    @pytest.mark.parametrize("entries", [["*"], ["telegram:*"], ["", "  "]])
    def test_adv_C15_a_wildcard_names_no_owner_and_restricts_nobody(self, entries: list[str]) -> None:
        policy = channel_policy("telegram", two("telegram"), commands={"ownerAllowFrom": entries})
        found = ask(policy, "telegram", direct("telegram", SENDERS["telegram"]))
        assert not found.sender_is_owner
        assert found.command_authorized

    @pytest.mark.parametrize(
        "settings",
        [
            {"allowFrom": ["*"]},
            {"allowFrom": ["*", "42"]},
            {"allowFrom": ["@ann"]},
            {"allowFrom": ["42", "@ann"]},
            {"groupAllowFrom": ["42"]},
            {},
        ],
    )
    def test_adv_C15_no_wildcard_name_group_list_or_store_makes_an_owner(self, settings: dict[str, Any]) -> None:
        policy = channel_policy("telegram", {"groupPolicy": "open", **settings})
        for facts in (direct("telegram", SENDERS["telegram"]), said("telegram")):
            assert not ask(policy, "telegram", facts, approved=["42"]).sender_is_owner

    @pytest.mark.parametrize("entry", ["-100", "telegram:-100", "ann", "@ann", "telegram:@ann"])
    def test_adv_C1_adv_C15_chats_and_names_own_nothing(self, entry: str) -> None:
        policy = channel_policy("telegram", two("telegram"), commands={"ownerAllowFrom": [entry]})
        for facts in (direct("telegram", SENDERS["telegram"]), said("telegram")):
            found = ask(policy, "telegram", facts)
            assert not found.sender_is_owner
            assert not found.command_authorized

    def test_an_imessage_chat_entry_owns_nothing(self) -> None:
        found = ask(
            channel_policy("imessage", {"allowFrom": ["chat_id:7"]}),
            "imessage",
            direct("imessage", SENDERS["imessage"]),
        )
        assert answer(found) == ("deliver", "dm.allowlisted")
        assert not found.sender_is_owner

    @pytest.mark.parametrize("kind", [EventKind.REACTION, EventKind.PIN, EventKind.MEMBER])
    def test_events_have_no_owner(self, kind: EventKind) -> None:
        facts = direct("telegram", SENDERS["telegram"], kind=kind)
        found = ask(channel_policy("telegram", {"allowFrom": ["42"]}), "telegram", facts)
        assert found.decision is Decision.DELIVER
        assert not found.sender_is_owner
        assert not found.command_authorized


class TestGroupAuthority:
    """Stage A in groups."""

    @pytest.mark.parametrize(
        ("channel", "settings", "expected"),
        [
            ("whatsapp", {"groupPolicy": "open"}, False),
            ("whatsapp", {"groupPolicy": "open", "groupAllowFrom": [ANN]}, True),
            ("whatsapp", {"groupPolicy": "open", "allowFrom": [ANN]}, True),
            ("whatsapp", {"groupAllowFrom": [ANN], "allowFrom": [MAL]}, False),
            ("whatsapp", {"groupAllowFrom": ["*"], "allowFrom": [MAL]}, False),
            ("whatsapp", {"groupAllowFrom": ["*"]}, True),
            ("telegram", {"groupPolicy": "open"}, False),
            ("telegram", {"groupPolicy": "open", "allowFrom": ["42"]}, True),
            ("telegram", {"groupPolicy": "open", "allowFrom": ["42"], "groupAllowFrom": []}, False),
            ("telegram", {"groupPolicy": "open", "allowFrom": ["42"], "groupAllowFrom": ["77"]}, False),
            ("discord", {"guilds": {"5001": {}}}, False),
            ("discord", {"guilds": {"5001": {}}, "dm": {"allowFrom": ["111"]}}, True),
            ("discord", {"guilds": {"5001": {"users": ["111"]}}}, True),
            ("slack", {"channels": {"C1": {}}}, False),
            ("slack", {"channels": {"C1": {}}, "dm": {"allowFrom": ["ann"]}}, True),
            ("slack", {"channels": {"C1": {"users": ["U111"]}}}, True),
            ("signal", {"groupPolicy": "open"}, False),
            ("signal", {"groupPolicy": "open", "allowFrom": [ANN], "groupAllowFrom": [MAL]}, True),
            ("imessage", {"groupPolicy": "open", "allowFrom": [MAL], "groupAllowFrom": [ANN]}, True),
            ("msteams", {"groupPolicy": "open"}, False),
            ("msteams", {"groupPolicy": "open", "allowFrom": ["Ann Lee"]}, True),
        ],
    )
    def test_a_configured_list_gives_it(self, channel: str, settings: dict[str, Any], expected: bool) -> None:
        found = ask(channel_policy(channel, settings), channel, said(channel))
        assert found.decision is Decision.DELIVER
        assert found.command_authorized is expected

    @pytest.mark.parametrize(
        ("channel", "settings", "expected"),
        [
            ("telegram", {"groupPolicy": "open", "groupAllowFrom": ["77"]}, True),
            ("slack", {"channels": {"C1": {}}, "dm": {"allowFrom": ["U222"]}}, True),
            ("discord", {"guilds": {"5001": {}}}, True),
            ("discord", {"guilds": {"5001": {}}, "dm": {"allowFrom": ["222"]}}, False),
        ],
    )
    def test_without_access_groups(self, channel: str, settings: dict[str, Any], expected: bool) -> None:
        policy = channel_policy(channel, settings, commands={"useAccessGroups": False})
        assert ask(policy, channel, said(channel)).command_authorized is expected

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"groupAllowFrom": ["42"]}, ("drop", "command.unauthorized")),
            ({"allowFrom": ["42"]}, ("deliver", "command.native")),
            ({"allowFrom": ["42"], "groupAllowFrom": ["77"]}, ("drop", "group.sender-not-allowed")),
            ({"groupPolicy": "open"}, ("drop", "command.unauthorized")),
        ],
    )
    def test_native_commands_of_telegram_ask_the_list_of_direct_messages(
        self, settings: dict[str, Any], expected: tuple[str, str]
    ) -> None:
        facts = said("telegram", text="/status", native=True)
        assert answer(ask(channel_policy("telegram", settings), "telegram", facts)) == expected

    @pytest.mark.parametrize(
        ("settings", "native", "text"),
        [
            ({"groupPolicy": "open", "allowFrom": ["77"]}, ("drop", "command.unauthorized"), True),
            ({"groupPolicy": "open", "allowFrom": ["42"]}, ("deliver", "command.native"), True),
            ({"groupPolicy": "open"}, ("deliver", "command.native"), True),
        ],
    )
    def test_without_access_groups_configured_lists_still_bind_native_commands_of_telegram(
        self, settings: dict[str, Any], native: tuple[str, str], text: bool
    ) -> None:
        policy = channel_policy("telegram", settings, commands={"useAccessGroups": False})
        assert answer(ask(policy, "telegram", said("telegram", text="/status", native=True))) == native
        assert ask(policy, "telegram", said("telegram", text="/status")).command_authorized is text

    def test_adv_A3_a_native_command_passes_the_same_gates_of_place(self) -> None:
        facts = said("telegram", text="/status", native=True)
        closed = {"allowFrom": ["42"], "groups": {"-200": {}}}
        assert answer(ask(channel_policy("telegram", closed), "telegram", facts)) == ("drop", "group.not-listed")
        discord = said("discord", text="/status", native=True)
        settings = {"dm": {"allowFrom": ["111"]}, "guilds": {"5001": {"channels": {"9": {}}}}}
        assert answer(ask(channel_policy("discord", settings), "discord", discord))[1] == "channel.not-allowed"


class TestMayRun:
    """The classes of the table, for every surface."""

    stranger = Admission(Decision.DELIVER)
    allowed = Admission(Decision.DELIVER, command_authorized=True)
    owner = Admission(Decision.DELIVER, command_authorized=True, sender_is_owner=True)
    lone_owner = Admission(Decision.DELIVER, sender_is_owner=True)

    @pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
    def test_adv_F1_each_command_by_stranger_allowed_and_owner(self, spec: CommandSpec) -> None:
        policy = policy_of({"commands": {"config": True, "debug": True, "bash": True, "restart": True}})
        owners_only = spec.authority is Authority.OWNER
        assert may_run(policy, spec, self.stranger).decided_by.rule == "command.unauthorized"
        assert may_run(policy, spec, self.lone_owner).outcome is Outcome.DENY
        assert may_run(policy, spec, self.allowed).outcome is (Outcome.DENY if owners_only else Outcome.ALLOW)
        assert may_run(policy, spec, self.owner).outcome is Outcome.ALLOW
        if owners_only:
            assert may_run(policy, spec, self.allowed).decided_by.key == "commands.ownerAllowFrom"

    @pytest.mark.parametrize("decision", [Decision.DROP, Decision.PAIR, Decision.BUFFER])
    def test_only_a_delivered_event_commands(self, decision: Decision) -> None:
        forged = Admission(decision, command_authorized=True, sender_is_owner=True)
        assert may_run(policy_of({}), SPECS["status"], forged).outcome is Outcome.DENY

    def test_a_command_that_is_switched_off_names_its_key(self) -> None:
        found = may_run(policy_of({}), SPECS["restart"], self.owner)
        assert found.decided_by.rule == "command.disabled"
        assert found.decided_by.key == "commands.restart"

    def test_wider_exec_values_are_for_owners(self) -> None:
        policy = policy_of({})
        assert may_run(policy, SPECS["exec"], self.allowed).outcome is Outcome.ALLOW
        assert may_run(policy, SPECS["exec"], self.allowed, widens=True).outcome is Outcome.DENY
        assert may_run(policy, SPECS["exec"], self.owner, widens=True).outcome is Outcome.ALLOW
        assert may_run(policy, SPECS["think"], self.allowed, widens=True).outcome is Outcome.ALLOW

    def test_access_groups_never_lift_the_owners_class(self) -> None:
        policy = channel_policy(
            "telegram", {"groupPolicy": "open"}, commands={"useAccessGroups": False, "restart": True}
        )
        found = ask(policy, "telegram", said("telegram", text="/restart"))
        assert found.command_authorized
        assert may_run(policy, SPECS["restart"], found).decided_by.rule == "command.owner-only"

    def test_a_plugins_undeclared_command_is_for_owners(self) -> None:
        index = index_commands(extra=[CommandSpec("deploy")])
        spec = index.find("deploy")
        assert spec is not None
        assert may_run(policy_of({}), spec, self.allowed).outcome is Outcome.DENY


class TestMayApprove:
    """Who resolves approvals (advisory F2)."""

    config: Any = {  # noqa: RUF012  # a document
        "channels": {"telegram": {"allowFrom": ["42", "77"], "groupAllowFrom": ["42", "77"]}},
        "tools": {"elevated": {"allowFrom": {"telegram": ["77", "*", "-100", "ann"]}}},
        "approvals": {"exec": {"enabled": True, "targets": [{"channel": "telegram", "to": "telegram:-100"}]}},
    }

    def resolve(self, config: Any, facts: MessageFacts, channel: str = "telegram") -> tuple[Outcome, str]:
        policy = policy_of(config)
        found = may_approve(account_of(policy, channel), facts, ask(policy, channel, facts))
        return found.outcome, found.decided_by.rule

    def test_adv_F2_the_requester_is_no_approver_by_that(self) -> None:
        assert self.resolve(self.config, direct("telegram", SENDERS["telegram"])) == (
            Outcome.DENY,
            "approval.not-an-approver",
        )

    def test_adv_F2_a_listed_id_is_but_no_wildcard_name_or_group(self) -> None:
        assert self.resolve(self.config, direct("telegram", STRANGERS["telegram"])) == (
            Outcome.ALLOW,
            "approval.listed",
        )

    def test_an_owner_is(self) -> None:
        config = {**self.config, "commands": {"ownerAllowFrom": ["telegram:42"]}}
        assert self.resolve(config, direct("telegram", SENDERS["telegram"])) == (Outcome.ALLOW, "approval.owner")

    def test_an_authorised_sender_in_an_approval_chat_is(self) -> None:
        assert self.resolve(self.config, said("telegram", chat_id="-100")) == (Outcome.ALLOW, "approval.chat")
        assert self.resolve(self.config, said("telegram", topic_id="7")) == (Outcome.ALLOW, "approval.chat")
        elsewhere = said("telegram", chat_id="-200")
        assert self.resolve(self.config, elsewhere)[0] is Outcome.DENY
        off = {**self.config, "approvals": {"exec": {"targets": [{"channel": "telegram", "to": "-100"}]}}}
        assert self.resolve(off, said("telegram", chat_id="-100"))[0] is Outcome.DENY

    def test_a_target_with_a_thread_means_that_thread(self) -> None:
        target = {"channel": "telegram", "to": "-100", "threadId": 9}
        config = {**self.config, "approvals": {"exec": {"enabled": True, "targets": [target]}}}
        assert self.resolve(config, said("telegram", topic_id="9"))[0] is Outcome.ALLOW
        assert self.resolve(config, said("telegram", topic_id="8"))[0] is Outcome.DENY

    def test_adv_F2_an_empty_list_is_nobody(self) -> None:
        config = {"channels": {"telegram": {"allowFrom": ["42", "77"]}}}
        assert self.resolve(config, direct("telegram", SENDERS["telegram"]))[0] is Outcome.DENY

    @pytest.mark.parametrize(
        ("scopes", "outcome"),
        [
            (("operator.write",), Outcome.DENY),
            (("operator.approvals",), Outcome.ALLOW),
            (("operator.admin",), Outcome.ALLOW),
        ],
    )
    def test_adv_F2_a_gateway_client_needs_the_scope(self, scopes: tuple[str, ...], outcome: Outcome) -> None:
        facts = MessageFacts(ChatType.DIRECT, "c", Sender(id="client-1"), operator_scopes=scopes)
        assert self.resolve({}, facts, "webchat")[0] is outcome

    def test_buttons_of_discord_name_approvers_while_they_are_on(self) -> None:
        for enabled, outcome in ((True, Outcome.ALLOW), (False, Outcome.DENY)):
            settings = two("discord", execApprovals={"enabled": enabled, "approvers": ["111"]})
            facts = direct("discord", SENDERS["discord"])
            assert self.resolve({"channels": {"discord": settings}}, facts, "discord")[0] is outcome

    def test_who_was_not_admitted_approves_nothing(self) -> None:
        scope = account_of(policy_of(self.config), "telegram")
        found = may_approve(scope, direct("telegram", STRANGERS["telegram"]), Admission(Decision.DROP))
        assert found.decided_by.rule == "approval.not-admitted"
