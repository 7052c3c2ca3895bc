"""Compiling the config into the access policy (channels.md 1.6, 2.1, 3.1; config.md 3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.compile.access import compile_access
from openclaw.config.compile.access_settings import Settings, overlaid
from openclaw.config.model import Config
from openclaw.config.validate import check_schema
from openclaw.policy.who.access_policy import AccessPolicy, AccountAccess
from openclaw.policy.who.commands_registry import Authority, CommandSpec
from openclaw.policy.who.facts import ChatType, MessageFacts, Sender
from openclaw.policy.who.lists import ListState
from openclaw.policy.who.rule_columns import DmPolicy, GroupPolicy
from openclaw.policy.who.rule_table import RULES
from support.access import account_of, answer, ask, channel_policy, policy_of


def account(channel: str, settings: dict[str, Any] | None, name: str = "", **more: Any) -> AccountAccess:
    return account_of(channel_policy(channel, settings, **more), channel, name)


class TestAccounts:
    """Inheritance: account, section, default."""

    @pytest.mark.parametrize(
        ("section", "own", "dm", "group"),
        [
            ({}, {}, DmPolicy.PAIRING, GroupPolicy.ALLOWLIST),
            ({"dmPolicy": "disabled", "groupPolicy": "disabled"}, {}, DmPolicy.DISABLED, GroupPolicy.DISABLED),
            ({"groupPolicy": "open"}, {"groupPolicy": "allowlist"}, DmPolicy.PAIRING, GroupPolicy.ALLOWLIST),
            ({"dmPolicy": "disabled"}, {"dmPolicy": "allowlist"}, DmPolicy.ALLOWLIST, GroupPolicy.ALLOWLIST),
        ],
    )
    def test_a_policy_that_an_account_does_not_state_is_the_sections(
        self, section: dict[str, Any], own: dict[str, Any], dm: DmPolicy, group: GroupPolicy
    ) -> None:
        found = account("telegram", {**section, "accounts": {"work": own}}, "work")
        assert (found.dm_policy, found.group_policy) == (dm, group)

    @pytest.mark.parametrize(
        ("section", "own", "state", "ids"),
        [
            ({}, {}, ListState.ABSENT, set()),
            ({"allowFrom": ["1"]}, {}, ListState.NAMED, {"1"}),
            ({"allowFrom": ["1"]}, {"allowFrom": ["2"]}, ListState.NAMED, {"2"}),
            ({"allowFrom": ["1"]}, {"allowFrom": []}, ListState.EMPTY, set()),
            ({"allowFrom": []}, {}, ListState.EMPTY, set()),
        ],
    )
    def test_adv_C7_lists_replace_each_other_and_an_empty_one_stays_empty(
        self, section: dict[str, Any], own: dict[str, Any], state: ListState, ids: set[str]
    ) -> None:
        found = account("telegram", {**section, "accounts": {"work": own}}, "work").dm_list
        assert (found.state, set(found.ids)) == (state, ids)

    def test_the_block_of_direct_messages_is_inherited_key_by_key(self) -> None:
        section = {"dm": {"policy": "disabled", "allowFrom": ["1"]}, "accounts": {"work": {"dm": {"allowFrom": ["2"]}}}}
        found = account("discord", section, "work")
        assert found.dm_policy is DmPolicy.DISABLED
        assert found.dm_list.ids == {"2"}
        assert found.keys["dm_policy"] == "channels.discord.dm.policy"
        assert found.keys["allow_from"] == "channels.discord.accounts.work.dm.allowFrom"

    def test_a_map_of_an_account_replaces_the_sections(self) -> None:
        section = {"groups": {"-1": {}}, "accounts": {"work": {"groups": {"-2": {}}}, "home": {"groups": {}}}}
        policy = channel_policy("telegram", section)
        assert set(account_of(policy, "telegram", "work").places.nodes) == {"-2"}
        assert set(account_of(policy, "telegram", "home").places.nodes) == set()
        assert set(account_of(policy, "telegram", "default").places.nodes) == {"-1"}

    @pytest.mark.parametrize(
        ("accounts", "named", "expected"),
        [
            ({}, "", "default"),
            ({"work": {}}, "", "work"),
            ({"work": {}, "default": {}}, "", "default"),
            ({"zoo": {}, "Alpha": {}}, "", "alpha"),
            ({"Work": {}}, "WORK", "work"),
            ({"work": {}}, "default", "default"),
        ],
    )
    def test_which_account_is_meant(self, accounts: dict[str, Any], named: str, expected: str) -> None:
        assert account("telegram", {"accounts": accounts}, named).account == expected

    def test_an_account_that_is_not_listed_does_not_exist(self) -> None:
        assert channel_policy("telegram", {"accounts": {"work": {}}}).account("telegram", "spare") is None

    def test_a_key_is_named_where_it_is_written(self) -> None:
        section = {"groupAllowFrom": ["1"], "accounts": {"Work": {"dmPolicy": "allowlist", "groups": {"-1": {}}}}}
        found = account("telegram", section, "work")
        assert found.keys["dm_policy"] == "channels.telegram.accounts.Work.dmPolicy"
        assert found.keys["group_allow_from"] == "channels.telegram.groupAllowFrom"
        assert found.places.nodes["-1"].place.key == "channels.telegram.accounts.Work.groups.-1"

    def test_a_list_of_numbers_is_a_list_of_texts(self) -> None:
        assert account("telegram", {"allowFrom": [42, "43"]}).dm_list.ids == {"42", "43"}


class TestSections:
    """A section that is missing differs from one that is empty."""

    @pytest.mark.parametrize("channel", [name for name in RULES if name != "webchat"])
    def test_a_present_section_means_an_allowlist_of_groups(self, channel: str) -> None:
        present, missing = account(channel, {}), account(channel, None)
        assert (present.configured, missing.configured) == (True, False)
        assert present.group_policy is GroupPolicy.ALLOWLIST
        assert missing.group_policy is RULES[channel].sectionless_groups
        assert missing.dm_policy is DmPolicy.PAIRING

    @pytest.mark.parametrize("policy", list(GroupPolicy))
    def test_the_common_policy_is_for_missing_sections(self, policy: GroupPolicy) -> None:
        access = policy_of({"channels": {"defaults": {"groupPolicy": policy.value}, "slack": {}}})
        assert account_of(access, "telegram").group_policy is policy
        assert account_of(access, "slack").group_policy is GroupPolicy.ALLOWLIST


class TestGroups:
    """Lists and limits of groups."""

    @pytest.mark.parametrize(
        ("settings", "ids", "configured"),
        [
            ({}, set(), False),
            ({"allowFrom": ["1"]}, {"1"}, True),
            ({"allowFrom": []}, set(), False),
            ({"allowFrom": ["1"], "groupAllowFrom": []}, set(), False),
            ({"allowFrom": ["1"], "groupAllowFrom": ["2"]}, {"2"}, True),
            ({"allowFrom": ["*"]}, set(), True),
        ],
    )
    def test_the_group_list_falls_back_to_a_non_empty_list(
        self, settings: dict[str, Any], ids: set[str], configured: bool
    ) -> None:
        found = account("telegram", settings).group_list
        assert (set(found.ids), found.configured) == (ids, configured)

    @pytest.mark.parametrize(
        ("channel", "settings", "common", "limit"),
        [
            ("telegram", {}, None, 50),
            ("discord", {}, None, 20),
            ("telegram", {}, 7, 7),
            ("telegram", {"historyLimit": 0}, 7, 0),
            ("telegram", {"historyLimit": 9, "accounts": {"work": {}}}, 7, 9),
        ],
    )
    def test_the_limit_of_the_pending_history(
        self, channel: str, settings: dict[str, Any], common: int | None, limit: int
    ) -> None:
        messages = {} if common is None else {"groupChat": {"historyLimit": common}}
        assert account(channel, settings, messages=messages).history_limit == limit

    def test_the_history_of_slack_threads(self) -> None:
        assert account("slack", {}).history_by_thread
        assert not account("slack", {"thread": {"historyScope": "channel"}}).history_by_thread


class TestOwners:
    """Who owns, as compiled."""

    @pytest.mark.parametrize(
        ("channel", "settings", "owners", "ids", "restricts", "linked"),
        [
            ("telegram", {}, [], set(), False, False),
            ("telegram", {"allowFrom": ["42"]}, [], {"42"}, False, False),
            ("telegram", {"allowFrom": ["42"]}, ["77"], {"77"}, True, False),
            ("telegram", {"allowFrom": ["42"]}, ["slack:U1"], {"42"}, False, False),
            ("telegram", {"allowFrom": ["42"]}, ["tg:77", "imsg:x"], {"77"}, True, False),
            ("telegram", {"allowFrom": ["42"]}, ["+15551230001"], set(), True, False),
            ("telegram", {"allowFrom": ["42", "77"]}, [], set(), False, False),
            ("whatsapp", {}, [], set(), False, True),
            ("whatsapp", {"allowFrom": []}, [], set(), False, True),
            ("whatsapp", {"allowFrom": ["*"], "dmPolicy": "open"}, [], set(), False, False),
            ("whatsapp", {"allowFrom": ["+1555"]}, [], {"+1555"}, False, False),
            ("signal", {}, ["uuid:0a1b2c3d111122223333444455556666"],
             {"uuid:0a1b2c3d-1111-2222-3333-444455556666"}, True, False),
        ],
    )  # fmt: skip
    def test_the_owner_rule(
        self, channel: str, settings: dict[str, Any], owners: list[str], ids: set[str], restricts: bool, linked: bool
    ) -> None:
        found = account(channel, settings, commands={"ownerAllowFrom": owners}).owner
        assert (set(found.ids), found.restricts, found.linked_number) == (ids, restricts, linked)


class TestCommands:
    """Switches, native registration and further commands."""

    def test_switches_and_further_commands(self) -> None:
        config = Config.from_document({"commands": {"config": True, "text": False, "useAccessGroups": False}})
        weather = CommandSpec("weather", authority=Authority.AUTHORISED)
        policy = compile_access(config, [weather])
        assert policy.commands.find("config") is not None
        assert policy.commands.find("debug") is None
        assert policy.commands.find("weather") is weather
        assert not policy.text_commands
        assert not policy.use_access_groups

    @pytest.mark.parametrize(
        ("channel", "own", "common", "expected"),
        [
            ("telegram", None, None, True),
            ("discord", None, None, True),
            ("slack", None, None, False),
            ("telegram", None, False, False),
            ("slack", None, True, True),
            ("slack", True, False, True),
            ("telegram", False, True, False),
            ("telegram", "auto", False, True),
        ],
    )
    def test_where_commands_are_registered(
        self, channel: str, own: bool | str | None, common: bool | None, expected: bool
    ) -> None:
        settings = {} if own is None else {"commands": {"native": own}}
        commands = {} if common is None else {"native": common}
        assert bool(account(channel, settings, commands=commands).native_commands) is expected

    def test_mention_patterns_by_agent(self) -> None:
        policy = policy_of(
            {
                "agents": {
                    "list": [
                        {"id": "Main", "identity": {"name": "Claw"}},
                        {"id": "quiet", "groupChat": {"mentionPatterns": []}},
                        {"id": "loud", "groupChat": {"mentionPatterns": ["hey"]}},
                    ]
                }
            }
        )
        assert policy.default_agent == "main"
        assert policy.patterns_for("").first_in("hi claw") is not None
        assert policy.patterns_for("", "agent:loud:main").first_in("hey") is not None
        assert policy.patterns_for("LOUD").first_in("hey") is not None
        assert policy.patterns_for("quiet").patterns == ()
        assert policy.patterns_for("unlisted").patterns == ()

    def test_common_patterns_serve_everybody_else(self) -> None:
        policy = policy_of({"messages": {"groupChat": {"mentionPatterns": ["claw"]}}})
        assert policy.patterns_for("anybody").first_in("claw") is not None


class TestPluginChannels:
    """A channel whose keys are a plugin's is read with care."""

    def compiled(self, section: dict[str, Any]) -> AccessPolicy:
        return compile_access(Config({"channels": {"pigeon": section}}, check_schema({})))

    def test_it_has_the_strictest_row(self) -> None:
        policy = self.compiled({"allowFrom": ["nest-1"], "accounts": {"work": {"dmPolicy": "allowlist"}}})
        facts = MessageFacts(ChatType.DIRECT, "c", Sender(id="nest-1"))
        found = ask(policy, "pigeon", facts, account="work")
        assert answer(found) == ("deliver", "dm.allowlisted")
        stranger = MessageFacts(ChatType.DIRECT, "c", Sender(id="NEST-1"))
        assert answer(ask(policy, "pigeon", stranger, account="work")) == ("drop", "dm.not-allowlisted")
        assert answer(ask(policy, "pigeon", stranger, account="default")) == ("pair", "dm.pairing.new")

    @pytest.mark.parametrize("value", ["sometimes", 5, True, ["open"], {}, ""])
    def test_a_policy_that_is_none_shuts_everybody_out(self, value: Any) -> None:
        policy = self.compiled({"dmPolicy": value, "groupPolicy": value, "allowFrom": ["nest-1"]})
        found = account_of(policy, "pigeon")
        assert (found.dm_policy, found.group_policy) == (DmPolicy.DISABLED, GroupPolicy.DISABLED)

    @pytest.mark.parametrize("value", [None, "nest-1", 5, {"nest-1": True}])
    def test_adv_C7_a_list_that_is_none_is_an_empty_one(self, value: Any) -> None:
        policy = self.compiled({"dmPolicy": "allowlist", "allowFrom": value, "groupAllowFrom": value})
        found = account_of(policy, "pigeon")
        assert (found.dm_list.state, found.group_list.state) == (ListState.EMPTY, ListState.EMPTY)


def test_reading_a_block_never_trusts_a_type() -> None:
    block = Settings({"flag": "yes", "whole": -1, "text": 5, "block": 5, "maps": {"a": 5, "b": {"flag": True}}})
    assert (block.flag("flag"), block.whole("whole"), block.text("text")) == (None, None, None)
    assert block.block("block").flag("x") is None
    maps = block.blocks("maps")
    assert maps is not None
    assert (maps["a"].flag("flag"), maps["b"].flag("flag")) == (None, True)
    assert Settings(None).ids("allow_from") is None


def test_an_account_lies_over_the_section_of_a_plugins_channel() -> None:
    section = {"accounts": {"a": {}}, "dm": {"policy": "open", "enabled": True}, "groups": {"1": {}}}
    merged = overlaid(section, {"dm": {"policy": "disabled"}, "groups": {}})
    assert merged == {"dm": {"policy": "disabled", "enabled": True}, "groups": {}}
