"""Where the bot acts: maps of groups, guilds, rooms and teams (channels.md 2.2; advisory C2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from openclaw.policy.what.labels import Source
from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.facts import ChatType, Mentions, MessageFacts, Named, Sender
from support.access import (
    PLACES,
    SENDERS,
    STRANGERS,
    TEAM,
    answer,
    ask,
    channel_policy,
    direct,
    id_of,
    judged,
    said,
)

ANN, MAL = "+15551230001", "+15559990009"


class TestGroupMaps:
    """`groups` of WhatsApp, Telegram and iMessage."""

    @pytest.mark.parametrize("channel", ["whatsapp", "telegram", "imessage"])
    @pytest.mark.parametrize("policy", ["open", "allowlist"])
    @pytest.mark.parametrize(
        ("groups", "expected"),
        [
            ({}, None),
            ({"here": {"requireMention": False}}, "mention.not-required"),
            ({"*": {"requireMention": False}}, "mention.not-required"),
            ({"elsewhere": {}}, "group.not-listed"),
            ({"here": {}, "*": {"requireMention": False}}, "mention.not-required"),
            ({"here": {"requireMention": True}, "*": {"requireMention": False}}, None),
        ],
    )
    def test_a_map_is_an_allowlist_of_groups(
        self, channel: str, policy: str, groups: dict[str, Any], expected: str | None
    ) -> None:
        here = PLACES[channel]["chat_id"]
        settings = {
            "groupPolicy": policy,
            "groupAllowFrom": [id_of(channel, SENDERS[channel])],
            "groups": {here if key == "here" else key: entry for key, entry in groups.items()},
        }
        facts = said(channel, mentions=Mentions())
        more = {"messages": {"groupChat": {"mentionPatterns": ["@?claw"]}}}
        found = ask(channel_policy(channel, settings, **more), channel, facts)
        assert found.decided_by.rule == (expected or "mention.required")

    def test_the_sender_gate_comes_before_the_map(self) -> None:
        settings = {"groupAllowFrom": [MAL], "groups": {"other@g.us": {}}}
        assert judged("whatsapp", settings, said("whatsapp"))[1] == "group.sender-not-allowed"

    def test_a_listed_direct_chat_of_imessage_is_a_group(self) -> None:
        facts = direct("imessage", SENDERS["imessage"])
        found = ask(channel_policy("imessage", {"groups": {"7": {}}}), "imessage", facts)
        assert answer(found) == ("drop", "group.allowlist-empty")
        settings = {"groups": {"7": {}}, "groupAllowFrom": [ANN]}
        found = ask(channel_policy("imessage", settings), "imessage", facts)
        assert found.decision is Decision.DELIVER
        assert found.effects.config_admits_as_group
        star = ask(channel_policy("imessage", {"groups": {"*": {}}}), "imessage", facts)
        assert answer(star) == ("pair", "dm.pairing.new")
        assert not star.effects.config_admits_as_group


class TestTelegramEntries:
    """`groups.<id>` and its topics override the account (channels.md 2.2)."""

    @pytest.mark.parametrize(
        ("settings", "sender", "topic", "expected"),
        [
            ({"groups": {"-100": {"enabled": False}}}, "42", None, "group.disabled"),
            ({"groups": {"*": {"enabled": False}}}, "42", None, "group.disabled"),
            ({"groups": {"-100": {"topics": {"9": {"enabled": False}}}}}, "42", "9", "group.topic-disabled"),
            ({"groups": {"-100": {"allowFrom": ["42"]}}}, "77", None, "group.override-sender"),
            ({"groupPolicy": "open", "groups": {"-100": {"allowFrom": []}}}, "42", None, "group.override-sender"),
            ({"groupAllowFrom": ["77"], "groups": {"-100": {"allowFrom": ["42"]}}}, "42", None, "group.mentioned"),
            ({"groups": {"-100": {"allowFrom": ["42"], "topics": {"9": {"allowFrom": ["77"]}}}}}, "42", "9",
             "group.override-sender"),
            ({"groups": {"-100": {"allowFrom": ["42"], "topics": {"9": {}}}}}, "42", "9", "group.mentioned"),
            ({"groups": {"-100": {"groupPolicy": "open"}}}, "77", None, "group.mentioned"),
            ({"groupPolicy": "open", "groups": {"-100": {"groupPolicy": "disabled"}}}, "42", None,
             "group.policy-disabled"),
            ({"groups": {"-100": {"topics": {"9": {"groupPolicy": "open"}}}}}, "77", "9", "group.mentioned"),
            ({"groups": {"-100": {}, "*": {"groupPolicy": "open"}}}, "77", None, "group.allowlist-empty"),
        ],
    )  # fmt: skip
    def test_an_entry_overrides(self, settings: dict[str, Any], sender: str, topic: str | None, expected: str) -> None:
        facts = said("telegram", Sender(id=sender), topic_id=topic)
        assert judged("telegram", settings, facts)[1] == expected

    def test_the_list_of_a_place_decides_command_authority_there(self) -> None:
        settings = {"groupAllowFrom": ["77"], "groups": {"-100": {"groupPolicy": "open", "allowFrom": ["42"]}}}
        policy = channel_policy("telegram", settings)
        assert ask(policy, "telegram", said("telegram", text="/status")).command_authorized

    def test_a_topic_may_require_no_mention(self) -> None:
        settings = {"groupPolicy": "open", "groups": {"-100": {"topics": {"9": {"requireMention": False}}}}}
        quiet = said("telegram", mentions=Mentions(), topic_id="9")
        assert judged("telegram", settings, quiet) == ("deliver", "mention.not-required")
        assert judged("telegram", settings, replace(quiet, topic_id="8")) == ("buffer", "mention.required")


class TestDiscord:
    """Guilds and their channels."""

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({}, "guild.not-listed"),
            ({"guilds": {}}, "guild.not-listed"),
            ({"groupPolicy": "open"}, "group.mentioned"),
            ({"groupPolicy": "open", "guilds": {"6": {}}}, "guild.not-listed"),
            ({"groupPolicy": "disabled", "guilds": {"6": {}}}, "guild.not-listed"),
            ({"guilds": {"friends-of-claw": {}}}, "group.mentioned"),
            ({"guilds": {"*": {}}}, "group.mentioned"),
            ({"guilds": {"5001": {"channels": {}}}}, "group.mentioned"),
            ({"guilds": {"5001": {"channels": {"7001": {}}}}}, "group.mentioned"),
            ({"guilds": {"5001": {"channels": {"general": {}}}}}, "group.mentioned"),
            ({"guilds": {"5001": {"channels": {"*": {}}}}}, "group.mentioned"),
            ({"guilds": {"5001": {"channels": {"random": {}}}}}, "channel.not-allowed"),
            ({"groupPolicy": "open", "guilds": {"5001": {"channels": {"random": {}}}}}, "channel.not-allowed"),
            ({"groupPolicy": "open", "guilds": {"5001": {"channels": {"7001": {"allow": False}}}}},
             "channel.not-allowed"),
            ({"guilds": {"5001": {"channels": {"7001": {"enabled": False}}}}}, "channel.disabled"),
            ({"guilds": {"5001": {"channels": {"7001": {"allow": True}, "*": {"allow": False}}}}}, "group.mentioned"),
            ({"guilds": {"5001": {"users": ["222"]}}}, "user.not-allowed"),
            ({"guilds": {"5001": {"users": []}}}, "user.not-allowed"),
            ({"guilds": {"5001": {"users": ["222"], "channels": {"7001": {"users": ["111"]}}}}}, "group.mentioned"),
        ],
    )  # fmt: skip
    def test_guild_and_channel_decide(self, settings: dict[str, Any], expected: str) -> None:
        assert judged("discord", settings, said("discord"))[1] == expected

    def test_adv_C2_a_name_that_reads_as_an_id_is_no_key(self) -> None:
        settings: dict[str, Any] = {"guilds": {"5001": {"channels": {"7001": {}}}}}
        assert judged("discord", settings, said("discord", chat_id="666", chat_name="7001"))[1] == "channel.not-allowed"
        other = said("discord", guild=Named("666", "5001"))
        assert judged("discord", {"guilds": {"5001": {}}}, other)[1] == "guild.not-listed"

    @pytest.mark.parametrize(
        ("channels", "expected"),
        [
            ({"8001": {}}, "group.mentioned"),
            ({"7001": {}}, "group.mentioned"),
            ({"general": {}}, "group.mentioned"),
            ({"own-name": {}}, "channel.not-allowed"),
            ({"8001": {"enabled": False}, "7001": {}}, "channel.disabled"),
        ],
    )
    def test_a_thread_goes_by_its_id_then_its_parent(self, channels: dict[str, Any], expected: str) -> None:
        facts = said(
            "discord",
            chat_type=ChatType.THREAD,
            chat_id="8001",
            chat_name="own-name",
            parent_id="7001",
            parent_name="general",
        )
        assert judged("discord", {"guilds": {"5001": {"channels": channels}}}, facts)[1] == expected

    @pytest.mark.parametrize(("owner", "expected"), [("900", "mention.not-required"), ("111", "mention.required")])
    def test_a_thread_that_the_bot_made_needs_no_mention(self, owner: str, expected: str) -> None:
        facts = said(
            "discord",
            chat_type=ChatType.THREAD,
            chat_id="8001",
            parent_id="7001",
            thread_owner_id=owner,
            mentions=Mentions(),
        )
        settings = {"guilds": {"5001": {"channels": {"7001": {"autoThread": True}}}}}
        assert judged("discord", settings, facts)[1] == expected

    def test_words_of_others_than_the_users_are_kept_as_untrusted_context(self) -> None:
        policy = channel_policy("discord", {"guilds": {"5001": {"users": ["111"]}}})
        quiet = Mentions()
        mine = ask(policy, "discord", said("discord", mentions=quiet))
        assert (mine.decision, mine.effects.author_admitted, mine.admitted_by) == (
            Decision.BUFFER,
            True,
            Source.ALLOWED,
        )
        theirs = ask(policy, "discord", said("discord", STRANGERS["discord"], mentions=quiet))
        assert (theirs.decision, theirs.effects.author_admitted, theirs.admitted_by) == (
            Decision.BUFFER,
            False,
            Source.STRANGER,
        )

    @pytest.mark.parametrize(
        ("settings", "sender", "expected"),
        [
            ({}, Sender(id="222", is_bot=True), "bot.sender"),
            ({"allowBots": True}, Sender(id="222", is_bot=True), "group.mentioned"),
            ({"pluralkit": {"enabled": True}}, Sender(id="222", is_bot=True, member_id="abcde"), "group.mentioned"),
            ({}, Sender(id="222", is_bot=True, member_id="abcde"), "bot.sender"),
        ],
    )
    def test_bots_are_read_only_when_allowed(self, settings: dict[str, Any], sender: Sender, expected: str) -> None:
        assert judged("discord", {"guilds": {"5001": {}}, **settings}, said("discord", sender))[1] == expected

    def test_a_room_without_a_guild_contradicts_itself(self) -> None:
        for guild in (None, Named(), Named("")):
            found = judged("discord", {"groupPolicy": "open"}, said("discord", guild=guild))
            assert found == ("drop", "chat.unknown-type")


class TestSlack:
    """`channels` of Slack."""

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({}, "channel.not-allowed"),
            ({"groupPolicy": "open"}, "group.mentioned"),
            ({"channels": {"C9": {}}}, "channel.not-allowed"),
            ({"groupPolicy": "open", "channels": {"C9": {}}}, "group.mentioned"),
            ({"channels": {"#general": {}}}, "group.mentioned"),
            ({"channels": {"general": {}}}, "group.mentioned"),
            ({"channels": {"*": {}}}, "group.mentioned"),
            ({"channels": {"C1": {"enabled": False}}}, "channel.not-allowed"),
            ({"channels": {"C1": {"allow": False}}}, "channel.not-allowed"),
            ({"channels": {"C1": {"enabled": True, "allow": False}}}, "group.mentioned"),
            ({"groupPolicy": "open", "channels": {"*": {"allow": False}}}, "channel.not-allowed"),
            ({"channels": {"C1": {}, "*": {"enabled": False}}}, "channel.not-allowed"),
            ({"channels": {"C1": {"users": ["U222"]}}}, "user.not-allowed"),
            ({"channels": {"C1": {"users": ["@ann"]}}}, "group.mentioned"),
            ({"channels": {"C1": {}, "*": {"users": ["U222"]}}}, "user.not-allowed"),
            ({"channels": {"C1": {"users": []}}}, "user.not-allowed"),
        ],
    )
    def test_the_map_decides(self, settings: dict[str, Any], expected: str) -> None:
        assert judged("slack", settings, said("slack"))[1] == expected

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"channels": {"C1": {}}}, "mention.required"),
            ({"requireMention": False, "channels": {"C1": {}}}, "mention.not-required"),
            ({"channels": {"C1": {}, "*": {"requireMention": False}}}, "mention.not-required"),
            ({"channels": {"C1": {"requireMention": True}, "*": {"requireMention": False}}}, "mention.required"),
        ],
    )
    def test_fields_fall_back_to_the_star(self, settings: dict[str, Any], expected: str) -> None:
        assert judged("slack", settings, said("slack", mentions=Mentions()))[1] == expected

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"channels": {"C1": {}}}, "bot.sender"),
            ({"allowBots": True, "channels": {"C1": {}}}, "group.mentioned"),
            ({"channels": {"C1": {"allowBots": True}}}, "group.mentioned"),
            ({"channels": {"C1": {}, "*": {"allowBots": True}}}, "group.mentioned"),
            ({"allowBots": True, "channels": {"C1": {"allowBots": False}}}, "bot.sender"),
        ],
    )
    def test_bots_by_channel(self, settings: dict[str, Any], expected: str) -> None:
        assert judged("slack", settings, said("slack", Sender(id="B9", is_bot=True)))[1] == expected


class TestTeams:
    """`teams` of Microsoft Teams."""

    room: ClassVar[dict[str, Any]] = {
        "chat_type": ChatType.CHANNEL,
        "chat_id": "19:gen@thread.tacv2",
        "chat_name": "General",
        "team": TEAM,
    }
    listed = SENDERS["msteams"].id

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({}, "group.allowlist-empty"),
            ({"teams": {"Team A": {}}}, "group.mentioned"),
            ({"teams": {"team-a": {}}}, "group.mentioned"),
            ({"teams": {"19:teamA@thread.tacv2": {}}}, "group.mentioned"),
            ({"teams": {"*": {}}}, "group.mentioned"),
            ({"teams": {"Team B": {}}}, "channel.not-allowed"),
            ({"groupPolicy": "open", "teams": {"Team B": {}}}, "group.mentioned"),
            ({"teams": {"Team A": {"channels": {"General": {}}}}}, "group.mentioned"),
            ({"teams": {"Team A": {"channels": {"19:gen@thread.tacv2": {}}}}}, "group.mentioned"),
            ({"teams": {"Team A": {"channels": {"Random": {}}}}}, "channel.not-allowed"),
            ({"teams": {"Team A": {}}, "groupAllowFrom": ["other-1"]}, "group.sender-not-allowed"),
            ({"teams": {"Team B": {}}, "groupAllowFrom": [listed]}, "channel.not-allowed"),
        ],
    )
    def test_the_map_then_the_senders(self, settings: dict[str, Any], expected: str) -> None:
        assert judged("msteams", settings, said("msteams", **self.room))[1] == expected

    def test_the_conversation_id_ends_at_the_semicolon(self) -> None:
        room = {**self.room, "chat_id": "19:gen@thread.tacv2;messageid=1", "chat_name": None}
        settings = {"teams": {"Team A": {"channels": {"19:gen@thread.tacv2": {"requireMention": False}}}}}
        found = ask(channel_policy("msteams", settings), "msteams", said("msteams", mentions=Mentions(), **room))
        assert answer(found) == ("deliver", "mention.not-required")
        assert found.effects.history_key == "19:gen@thread.tacv2"


class TestGroupDms:
    """Group direct messages of Discord and Slack."""

    @pytest.mark.parametrize(("channel", "chat"), [("discord", "9001"), ("slack", "G1")])
    @pytest.mark.parametrize(
        ("dm", "expected"),
        [
            ({}, "groupdm.disabled"),
            ({"groupEnabled": True}, "groupdm.allowed"),
            ({"groupEnabled": True, "enabled": False}, "groupdm.disabled"),
            ({"groupEnabled": True, "groupChannels": ["other"]}, "groupdm.not-listed"),
            ({"groupEnabled": True, "groupChannels": ["the-team"]}, "groupdm.allowed"),
            ({"groupEnabled": True, "groupChannels": ["*"]}, "groupdm.allowed"),
        ],
    )
    def test_a_switch_and_a_list(self, channel: str, chat: str, dm: dict[str, Any], expected: str) -> None:
        facts = MessageFacts(ChatType.GROUP_DM, chat, STRANGERS[channel], "hello", chat_name="The Team")
        found = ask(channel_policy(channel, {"dm": dm}), channel, facts)
        assert found.decided_by.rule == expected
        assert not found.command_authorized
        if found.decision is Decision.DELIVER:
            assert found.admitted_by is Source.STRANGER

    @pytest.mark.parametrize(("channel", "chat"), [("discord", "9001"), ("slack", "G1")])
    def test_commands_need_a_list(self, channel: str, chat: str) -> None:
        me = id_of(channel, SENDERS[channel])
        policy = channel_policy(channel, {"dm": {"groupEnabled": True, "allowFrom": [me]}})
        mine = MessageFacts(ChatType.GROUP_DM, chat, SENDERS[channel], "/status")
        assert ask(policy, channel, mine).command_authorized
        theirs = MessageFacts(ChatType.GROUP_DM, chat, STRANGERS[channel], "/status")
        assert answer(ask(policy, channel, theirs)) == ("drop", "command.unauthorized")
