"""The access part of the Policy: per channel and account what admission asks, compiled once (channels.md 1-3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from openclaw.policy.patterns import NO_PATTERNS, PatternSet
from openclaw.policy.verdict import Reason
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT, DEFAULT_AGENT, normalise_account_id, normalise_agent_id
from openclaw.policy.where.session_keys import parse
from openclaw.policy.who.commands_registry import CommandIndex, CommandSpec, index_commands
from openclaw.policy.who.groups import Place, PlaceMap
from openclaw.policy.who.lists import ABSENT, AllowList
from openclaw.policy.who.reasons import account_reasons
from openclaw.policy.who.rule_columns import ChannelRules, DmPolicy, GroupPolicy


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """Who owns this assistant as seen from one channel account, and whom stage B admits (channels.md 3.1).

    Attributes:
        ids: canonical ids of the owners.
        restricts: `commands.ownerAllowFrom` has an entry for this channel: only owners give commands.
        linked_number: no list exists, the linked number is the owner (WhatsApp).
        key: config path that names the owners, or would.
    """

    ids: frozenset[str] = frozenset()
    restricts: bool = False
    linked_number: bool = False
    key: str = "commands.ownerAllowFrom"


@dataclass(frozen=True, slots=True)
class ApprovalChat:
    """A chat of `approvals.exec.targets`: an authorised sender writing there may approve.

    Attributes:
        account: account id.
        chat: chat id, without channel and kind.
        thread: topic or thread, when the target names one.
    """

    account: str
    chat: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class AccountAccess:
    """One account of one channel, after inheritance.

    Attributes:
        rules: the channel's row.
        account: account id.
        configured: the config has a section for the channel.
        enabled: section and account are on.
        dm_enabled, dm_policy, dm_list: direct messages.
        group_policy: effective policy where no place says otherwise.
        group_list: effective list of group senders, after its fall-back to the DM list.
        group_dm_enabled, group_dm_names: group direct messages; names None = all.
        places: where the bot acts.
        allow_bots, proxied_members: bots and PluralKit members may write.
        history_limit: entries of the pending history; 0 = none is kept.
        history_by_thread: threads have a history of their own.
        owner: owners and stage B.
        approvers: ids that may resolve approvals.
        approval_chats: chats in which authorised senders may.
        native_commands: commands registered with the chat app, by native name.
        keys: config path by setting.
        reasons: every reason with this account's config paths.
    """

    rules: ChannelRules
    account: str = DEFAULT_ACCOUNT
    configured: bool = True
    enabled: bool = True
    dm_enabled: bool = True
    dm_policy: DmPolicy = DmPolicy.PAIRING
    dm_list: AllowList = ABSENT
    group_policy: GroupPolicy = GroupPolicy.ALLOWLIST
    group_list: AllowList = ABSENT
    group_dm_enabled: bool = False
    group_dm_names: frozenset[str] | None = None
    places: PlaceMap = field(default_factory=lambda: PlaceMap(Place("", GroupPolicy.ALLOWLIST)))
    allow_bots: bool = False
    proxied_members: bool = False
    history_limit: int = 50
    history_by_thread: bool = True
    owner: OwnerRule = field(default_factory=OwnerRule)
    approvers: frozenset[str] = frozenset()
    approval_chats: tuple[ApprovalChat, ...] = ()
    native_commands: Mapping[str, CommandSpec] = field(default_factory=lambda: MappingProxyType({}))
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    reasons: Mapping[str, Reason] = field(default_factory=lambda: account_reasons({}))


@dataclass(frozen=True, slots=True)
class ChannelAccess:
    """One channel: its accounts by normalised id, and the one that is meant when none is named."""

    accounts: Mapping[str, AccountAccess]
    default_account: str = DEFAULT_ACCOUNT


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who may talk, and where: the input of `decide`.

    Attributes:
        channels: by channel id; one that is not here admits nobody.
        use_access_groups: `commands.useAccessGroups`.
        text_commands: `commands.text`.
        commands: the commands that text can name.
        mention_patterns: by agent id; "" serves agents that are not listed.
        default_agent: whose patterns count when routing named no agent.
    """

    channels: Mapping[str, ChannelAccess] = field(default_factory=lambda: MappingProxyType({}))
    use_access_groups: bool = True
    text_commands: bool = True
    commands: CommandIndex = field(default_factory=index_commands)
    mention_patterns: Mapping[str, PatternSet] = field(default_factory=lambda: MappingProxyType({}))
    default_agent: str = DEFAULT_AGENT

    def account(self, channel: str, account: str | None) -> AccountAccess | None:
        """Return an account, its id compared without case; None or blank is the default one."""
        found = self.channels.get(channel.strip().lower())
        if found is None:
            return None
        return found.accounts.get(normalise_account_id((account or "").strip() or found.default_account))

    def patterns_for(self, agent: str, session_key: str = "") -> PatternSet:
        """Return the mention patterns of an agent; without one, of the agent that the session key names."""
        if not agent:
            parsed = parse(session_key)
            agent = parsed.agent_id if parsed else self.default_agent
        found = self.mention_patterns.get(normalise_agent_id(agent))
        return found if found is not None else self.mention_patterns.get("", NO_PATTERNS)
