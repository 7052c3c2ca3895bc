"""The vocabulary of admission: each code, the setting that changes it, one sentence for people (channels.md 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Reason

CODES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "event.unsupported": ("", "There is no rule for this kind of event."),
        "event.edit": ("", "An edit counts only while its original still waits."),
        "chat.unknown-type": ("", "The kind of conversation is unknown or contradicts itself."),
        "chat.ignored": ("", "Status and broadcast chats are nobody's conversation."),
        "lookup.failed": ("", "A look-up that admission needs did not work."),
        "channel.unknown": ("section", "The config knows no such channel."),
        "account.unknown": ("accounts", "The config knows no such account of this channel."),
        "account.disabled": ("enabled", "The channel or this account of it is switched off."),
        "self.message": ("", "The bot's own account wrote it."),
        "dm.from-me": ("", "The bot's own account wrote it to somebody else."),
        "bot.sender": ("allow_bots", "Messages of bots are not read."),
        "dm.disabled": ("dm_policy", "Direct messages are switched off."),
        "dm.no-sender-id": ("", "The platform gave no id of the sender."),
        "dm.open": ("dm_policy", "Direct messages are open to everybody."),
        "dm.allowlisted": ("allow_from", "The sender is on the list for direct messages."),
        "dm.paired": ("store", "The owner approved the sender."),
        "dm.self": ("", "It is the chat of the linked number with itself."),
        "dm.operator": ("", "An authenticated client of the gateway wrote it."),
        "dm.not-allowlisted": ("allow_from", "The sender is not on the list for direct messages."),
        "dm.pairing.new": ("dm_policy", "The sender is unknown and gets a pairing code."),
        "dm.pairing.repeat": ("dm_policy", "The sender has a waiting request already."),
        "dm.pairing.full": ("dm_policy", "Three requests of this account wait already."),
        "dm.pairing.historical": ("dm_policy", "The message is older than the connection and asks for no pairing."),
        "groupdm.disabled": ("group_dm", "Group direct messages are not read."),
        "groupdm.not-listed": ("group_dm_list", "This group direct message is not listed."),
        "groupdm.allowed": ("group_dm", "Group direct messages are read."),
        "group.no-chat-id": ("", "The platform gave no id of the group."),
        "group.no-sender-id": (
            "group_policy",
            "Only listed senders are answered and the platform gave no id of this one.",
        ),
        "group.allowlist-empty": (
            "group_allow_from",
            "Only listed senders are answered in groups and nobody is listed.",
        ),
        "group.sender-not-allowed": ("group_allow_from", "The sender is not on the list for groups."),
        "group.sender-listed": ("group_allow_from", "The sender is on the list for groups."),
        "group.policy-open": ("group_policy", "Groups are open to every member."),
        "group.policy-disabled": ("group_policy", "Groups are switched off."),
        "group.place-admits": ("map", "The listed place admits every member."),
        "group.not-listed": ("map", "The map of groups does not list this one."),
        "guild.not-listed": ("map", "The map of guilds does not list this one."),
        "channel.not-allowed": ("map", "The map of channels does not admit this one."),
        "group.disabled": ("map", "The group is switched off."),
        "group.topic-disabled": ("map", "The topic is switched off."),
        "group.override-sender": ("map", "The place has a list of its own and the sender is not on it."),
        "channel.disabled": ("map", "The channel is switched off."),
        "user.not-allowed": ("map", "The sender is not among the users of this place."),
        "mention.required": ("map", "In this place the bot answers only when it is mentioned."),
        "mention.not-required": ("map", "In this place no mention is required."),
        "mention.undetectable": ("mention_patterns", "A mention cannot be noticed here, so none is required."),
        "mention.activation-always": ("", "The session was set to answer always with /activation."),
        "mention.command-bypass": ("", "A command of an authorised sender needs no mention."),
        "group.mentioned": ("map", "The bot was mentioned."),
        "mention.reply": ("map", "It answers a message of the bot."),
        "mention.pattern": ("mention_patterns", "The text matches a mention pattern."),
        "mention.number": ("", "The text names the bot's number."),
        "activation.owner-only": ("allow_from", "Only an owner may change the activation here."),
        "command.unauthorized": ("command_lists", "A command from a sender without command authority."),
        "command.authorized": ("command_lists", "The sender has command authority here."),
        "command.not-listed": ("command_lists", "No list gives this sender command authority here."),
        "command.owners-only": ("owner_allow_from", "Commands are for the listed owners."),
        "command.native": ("command_lists", "A slash command of an authorised sender."),
        "group.migrated": ("map", "The group has a new id."),
    }
)
"""Code → (setting, sentence). The setting becomes the config path of the account."""


def account_reasons(keys: Mapping[str, str]) -> Mapping[str, Reason]:
    """Return every reason with the config paths of one account; built once per policy."""
    return MappingProxyType(
        {code: Reason(code, keys.get(setting), detail) for code, (setting, detail) in CODES.items()}
    )
