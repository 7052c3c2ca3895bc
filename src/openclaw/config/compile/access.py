"""Compiles `channels`, `commands`, `messages` and the agents' names into the access part of the policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from openclaw.config.compile.access_settings import Settings, overlaid
from openclaw.config.compile.routing import default_agent, listed_agents
from openclaw.config.model import Config
from openclaw.policy.patterns import PatternSet
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT, normalise_account_id
from openclaw.policy.where.mention import mention_patterns
from openclaw.policy.who.access_policy import AccessPolicy, AccountAccess, ApprovalChat, ChannelAccess, OwnerRule
from openclaw.policy.who.commands_registry import CommandIndex, CommandSpec, Switch, index_commands, native_commands
from openclaw.policy.who.group_maps import compile_places
from openclaw.policy.who.groups import PlaceDefaults, PlaceEntry
from openclaw.policy.who.lists import AllowList, compile_list
from openclaw.policy.who.reasons import account_reasons
from openclaw.policy.who.rule_columns import ChannelRules, DmPolicy, GroupPolicy, ListRole
from openclaw.policy.who.rule_table import RULES, rules_for

_CHANNEL_ALIASES: Final = {
    "tg": "telegram",
    "imsg": "imessage",
    "gchat": "googlechat",
    "google-chat": "googlechat",
    "teams": "msteams",
}
"""Further names of channels that may stand before an owner's id."""
_INNER: Final = ("topics", "channels")
"""Keys of the map inside an entry of the map of places."""
_KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "enabled": ("enabled", "enabled"),
    "accounts": ("accounts", "accounts"),
    "allow_bots": ("allowBots", "allowBots"),
    "group_policy": ("groupPolicy", "groupPolicy"),
    "group_allow_from": ("groupAllowFrom", "groupAllowFrom"),
    "dm_policy": ("dmPolicy", "dm.policy"),
    "allow_from": ("allowFrom", "dm.allowFrom"),
    "group_dm": ("dm.groupEnabled", "dm.groupEnabled"),
    "group_dm_list": ("dm.groupChannels", "dm.groupChannels"),
}
"""Setting → its key, flat and where direct messages have a block of their own."""


def compile_access(config: Config, extra_commands: Iterable[CommandSpec] = ()) -> AccessPolicy:
    """Return the access policy of a config (channels.md 1-3).

    Channels without a section are compiled as well: they differ from those with an empty one (channels.md 2.1).

    Args:
        config: the config.
        extra_commands: commands of skills and plugins.
    """
    commands = config.commands
    switches = [switch for switch in Switch if getattr(commands, switch.value) is True]
    index = index_commands(switches, extra_commands)
    names = dict.fromkeys((*RULES, *(name.strip().lower() for name in config.channels.configured)))
    known = frozenset(names)
    return AccessPolicy(
        channels=MappingProxyType({name: _channel(config, rules_for(name), index, known) for name in names}),
        use_access_groups=commands.use_access_groups is not False,
        text_commands=commands.text is not False,
        commands=index,
        mention_patterns=MappingProxyType(dict(_patterns(config))),
        default_agent=default_agent(config),
    )


def _patterns(config: Config) -> Iterator[tuple[str, PatternSet]]:
    common = config.messages.group_chat.mention_patterns
    unnamed = mention_patterns(None, common, None, None)
    yield "", unnamed
    yield default_agent(config), unnamed
    for _, agent_id, entry in listed_agents(config):
        name, emoji = entry.identity.name, entry.identity.emoji
        yield agent_id, mention_patterns(entry.group_chat.mention_patterns, common, name, emoji)


def _channel(config: Config, rules: ChannelRules, index: CommandIndex, known: frozenset[str]) -> ChannelAccess:
    """Return a channel's accounts: those that are listed, and `default`, which has the section's own settings."""
    listed = config.channels.accounts(rules.channel)
    accounts: dict[str, AccountAccess] = {}
    for name in (*listed, DEFAULT_ACCOUNT):
        accounts.setdefault(normalise_account_id(name), _Account(config, rules, name, known).compiled(index))
    by_order = sorted(normalise_account_id(name) for name in listed)
    chosen = DEFAULT_ACCOUNT if not by_order or DEFAULT_ACCOUNT in by_order else by_order[0]
    return ChannelAccess(MappingProxyType(accounts), chosen)


class _Account:
    """The settings of one account while they are compiled."""

    def __init__(self, config: Config, rules: ChannelRules, name: str, known: frozenset[str]) -> None:
        self.config = config
        self.rules = rules
        self.name = name
        self.known = known
        self.section = config.channels.raw(rules.channel)
        accounts = (self.section or {}).get("accounts")
        listed: Mapping[str, Any] = accounts if isinstance(accounts, Mapping) else {}
        wanted = name.strip().lower()
        self.written = next((key for key in listed if key.lower() == wanted), "")
        own = listed.get(self.written)
        self.own: Mapping[str, Any] = own if isinstance(own, Mapping) else {}
        typed = config.channels.account(rules.channel, name)
        self.settings = Settings(typed if typed is not None else overlaid(self.section or {}, self.own))
        self.direct = self.settings.block("dm") if rules.nested_dm else self.settings

    def key(self, dotted: str) -> str:
        """Return the config path of a key: the account's where it states the key, else the section's."""
        base = f"channels.{self.rules.channel}"
        head, _, rest = dotted.partition(".")
        own: Any = self.own.get(head)
        stated = head in self.own and (not rest or (isinstance(own, Mapping) and rest in own))
        return f"{base}.accounts.{self.written}.{dotted}" if stated else f"{base}.{dotted}"

    def keys(self) -> dict[str, str]:
        """Return the config path of each setting that a reason may name."""
        nested = 1 if self.rules.nested_dm else 0
        found = {setting: self.key(paths[nested]) for setting, paths in _KEYS.items()}
        role = self.rules.authorisers[0]
        found["command_lists"] = found["group_allow_from" if role is ListRole.GROUP else "allow_from"]
        found["map"] = self.key(self.rules.map_key)
        found["section"] = f"channels.{self.rules.channel}"
        found["store"] = "pairing store"
        found["mention_patterns"] = "messages.groupChat.mentionPatterns"
        found["owner_allow_from"] = "commands.ownerAllowFrom"
        return found

    def people(self, block: Settings, name: str, key: str) -> AllowList:
        """Return a compiled list of people."""
        return compile_list(self.rules.identity, block.ids(name), key)

    def compiled(self, index: CommandIndex) -> AccountAccess:
        """Return the compiled account."""
        rules, keys = self.rules, self.keys()
        dm_list = self.people(self.direct, "allow_from", keys["allow_from"])
        group_list = self.people(self.settings, "group_allow_from", keys["group_allow_from"])
        own_groups = self.settings.ids("group_allow_from") is not None
        policy = self._group_policy()
        return AccountAccess(
            rules=rules,
            account=normalise_account_id(self.name),
            configured=self.section is not None,
            enabled=self._enabled(),
            dm_enabled=not rules.nested_dm or self.direct.flag("enabled") is not False,
            dm_policy=self._dm_policy(),
            dm_list=dm_list,
            group_policy=policy,
            group_list=group_list if own_groups or not dm_list.configured else dm_list,
            group_dm_enabled=self.settings.block("dm").flag("group_enabled") is True,
            group_dm_names=self._group_dm_names(),
            places=compile_places(rules.map_kind, self._places(keys["map"]), self._place_defaults(keys["map"], policy)),
            allow_bots=self.settings.flag("allow_bots") is True,
            proxied_members=self.settings.block("pluralkit").flag("enabled") is True,
            history_limit=self._history_limit(),
            history_by_thread=self.settings.block("thread").text("history_scope") != "channel",
            owner=self._owner(dm_list),
            approvers=self._approvers(),
            approval_chats=tuple(self._approval_chats()),
            native_commands=native_commands(index, rules.channel) if self._native() else MappingProxyType({}),
            keys=MappingProxyType(keys),
            reasons=account_reasons(keys),
        )

    def _enabled(self) -> bool:
        if self.section is None:
            return True
        return self.section.get("enabled") is not False and self.own.get("enabled") is not False

    def _dm_policy(self) -> DmPolicy:
        """Return the DM policy; a value that is none shuts everybody out."""
        found = self.direct.value("policy" if self.rules.nested_dm else "dm_policy")
        if found is None:
            return DmPolicy.PAIRING
        return DmPolicy(found) if found in list(DmPolicy) else DmPolicy.DISABLED

    def _group_policy(self) -> GroupPolicy:
        """Return the group policy: account, section, `allowlist`; only without a section the channel's default."""
        if self.section is None:
            common = self.config.channels.defaults.group_policy
            return GroupPolicy(common) if common else self.rules.sectionless_groups
        return _group_policy(self.settings) or GroupPolicy.ALLOWLIST

    def _group_dm_names(self) -> frozenset[str] | None:
        listed = self.settings.block("dm").ids("group_channels")
        return frozenset(name.strip().lower() for name in listed if name.strip()) if listed else None

    def _history_limit(self) -> int:
        own = self.settings.whole("history_limit")
        common = self.config.messages.group_chat.history_limit
        return own if own is not None else common if common is not None else self.rules.history_limit

    def _place_defaults(self, key: str, policy: GroupPolicy) -> PlaceDefaults:
        return PlaceDefaults(
            key=key,
            policy=policy,
            require_mention=self.settings.flag("require_mention"),
            allow_bots=self.settings.flag("allow_bots") is True,
        )

    def _places(self, key: str) -> dict[str, PlaceEntry] | None:
        blocks = self.settings.blocks(self.rules.map_key)
        return None if blocks is None else {name: self._place(f"{key}.{name}", entry) for name, entry in blocks.items()}

    def _place(self, key: str, entry: Settings) -> PlaceEntry:
        inner = next(((name, found) for name in _INNER if (found := entry.blocks(name))), None)
        children = {} if inner is None else {n: self._place(f"{key}.{inner[0]}.{n}", e) for n, e in inner[1].items()}
        own, users = entry.ids("allow_from"), entry.ids("users")
        return PlaceEntry(
            key=key,
            enabled=entry.flag("enabled"),
            allow=entry.flag("allow"),
            require_mention=entry.flag("require_mention"),
            group_policy=_group_policy(entry),
            allow_bots=entry.flag("allow_bots"),
            auto_thread=entry.flag("auto_thread"),
            allow_from=None if own is None else self.people(entry, "allow_from", f"{key}.allowFrom"),
            users=None if users is None else self.people(entry, "users", f"{key}.users"),
            children=MappingProxyType(children),
        )

    def _owner(self, dm_list: AllowList) -> OwnerRule:
        """Return who owns: listed owners of this channel, else the only person of the DM list (channels.md 3.1)."""
        if self.rules.operator:
            return OwnerRule()
        entries = [entry for entry in self.config.commands.owner_allow_from or () if entry.strip()]
        mine = [text for entry in entries if (text := self._for_channel(entry.strip())) and text != "*"]
        if mine:
            listed = compile_list(self.rules.identity, mine)
            return OwnerRule(ids=listed.ids, restricts=True)
        sole = dm_list.sole_id
        return OwnerRule(
            ids=frozenset({sole} if sole else ()),
            linked_number=self.rules.lone_list_is_self and not dm_list.configured,
            key=dm_list.key if sole else "commands.ownerAllowFrom",
        )

    def _for_channel(self, entry: str) -> str:
        """Return an owner entry without the channel before it; "" when it names another channel."""
        head, colon, rest = entry.partition(":")
        named = _CHANNEL_ALIASES.get(head.lower(), head.lower())
        if not colon or named not in self.known:
            return entry
        return rest.strip() if named == self.rules.channel else ""

    def _approvers(self) -> frozenset[str]:
        """Return the concrete ids that may resolve approvals (channels.md 3.4, `/approve`)."""
        elevated = (self.config.tools.elevated.allow_from or {}).get(self.rules.channel, ())
        buttons = self.settings.block("exec_approvals")
        listed = buttons.ids("approvers") if buttons.flag("enabled") is True else None
        return compile_list(self.rules.identity, (*elevated, *(listed or ()))).ids

    def _approval_chats(self) -> Iterator[ApprovalChat]:
        forwarding = self.config.approvals.exec
        if forwarding.enabled is not True:
            return
        for target in forwarding.targets or ():
            account = normalise_account_id(target.account_id)
            if target.channel.strip().lower() != self.rules.channel or account != normalise_account_id(self.name):
                continue
            yield ApprovalChat(account, _chat_of(target.to, self.rules.channel), target.thread_id or "")

    def _native(self) -> bool:
        own = self.settings.block("commands").value("native")
        wanted = own if own is not None else self.config.commands.native
        return self.rules.native_default if wanted == "auto" else wanted is True


def _group_policy(entry: Settings) -> GroupPolicy | None:
    """Return a block's group policy; a value that is none closes the place."""
    found = entry.value("group_policy")
    if found is None:
        return None
    return GroupPolicy(found) if found in list(GroupPolicy) else GroupPolicy.DISABLED


def _chat_of(address: str, channel: str) -> str:
    """Return the chat id of an outbound address, without the channel and the kind of conversation before it."""
    text = address.strip()
    for prefix in (f"{channel}:", "group:", "channel:", "conversation:", "chat_id:"):
        if text.lower().startswith(prefix):
            text = text[len(prefix) :].strip()
    return text
