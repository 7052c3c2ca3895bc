"""Who may talk on each channel: policies, lists, native commands (audit.md 4.9, 9.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from openclaw.security.audit.channel_cases import ORDER, own_cases, seed_case
from openclaw.security.audit.channel_hits import TEXT, case_hits
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check

_CLOSE_GROUPS: Final = 'Set groupPolicy to "allowlist" and name the rooms and senders.'
_CLOSE_DMS: Final = 'Set the policy to "pairing", or to "allowlist" with the people named.'
_ANYBODY: Final = "Anybody who finds the bot drives the agent, or tries prompt injection until it works."
_FIXED: Final = (
    "Sets groupPolicy to allowlist for telegram, whatsapp, discord, signal, imessage, slack and msteams, accounts "
    "included."
)


@check(
    "channels.<id>.dm.open",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Anybody may write to the bot",
    when="The policy for direct messages is open.",
    attack=_ANYBODY,
    remedy=_CLOSE_DMS,
)
@check(
    "channels.<id>.dm.open_invalid",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="An open policy without the wildcard that it needs",
    when="The policy for direct messages is open and the list of senders has no *.",
    attack="None: nobody is let in by it. But the config does not say what it does.",
    remedy="Add * to the list, or close the policy.",
)
@check(
    "channels.<id>.dm.disabled",
    Severity.INFO,
    topic=Topic.ACCESS,
    title="Direct messages are off",
    when="The policy for direct messages is disabled.",
    attack="None.",
    remedy="",
)
@check(
    "channels.<id>.dm.scope_main_multiuser",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Several people share one private session",
    when="session.dmScope is main, and the list of senders holds *, or list and pairing store name more than one "
    "person.",
    attack="One person asks the agent what another one told it.",
    remedy='Set session.dmScope to "per-channel-peer" (or "per-account-channel-peer" with several accounts).',
)
@check(
    "channels.<id>.warning.<n>",
    Severity.CRITICAL,
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Anybody in a room may use the assistant",
    when="The channel's plugin is enabled and set up, and the group policy of its default account is open. The number "
    "counts the findings of all channels so far. Google Chat adds a warning for open direct messages.",
    attack=_ANYBODY,
    remedy=_CLOSE_GROUPS,
    fix=_FIXED,
)
@check(
    "channels.<id>.groups.open",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Anybody in a room may use the assistant",
    when="The group policy of an account is open, and the original would not look at it: its plugin entry is not "
    "enabled, or it is not the default account.",
    attack=_ANYBODY,
    remedy=_CLOSE_GROUPS,
    since=Since.LATER,
    fix=_FIXED,
)
@check(
    "channels.discord.commands.native.unrestricted",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Everybody on the server may give Discord commands",
    when="Native commands are on, commands.useAccessGroups is false, the group policy is not disabled, a guild is "
    "configured, and no guild or channel of one names users.",
    attack="Any member of the server runs commands of the assistant.",
    remedy="Set commands.useAccessGroups to true, or name users in the guilds.",
)
@check(
    "channels.discord.commands.native.no_allowlists",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Nobody is named who may give Discord commands",
    when="Native commands and access groups are on, the group policy is not disabled, a guild is configured, no guild "
    "or channel of one names users, and neither dm.allowFrom nor the pairing store names anybody.",
    attack="None: commands are refused. But it is likely not what was meant.",
    remedy="Pair your own account, or name users in the guilds.",
)
@check(
    "channels.slack.commands.slash.useAccessGroups_off",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Everybody in the workspace may give Slack commands",
    when="Native commands or slashCommand are on and commands.useAccessGroups is false.",
    attack="Any member of the workspace runs commands of the assistant.",
    remedy="Set commands.useAccessGroups to true.",
)
@check(
    "channels.slack.commands.slash.no_allowlists",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Nobody is named who may give Slack commands",
    when="Native commands or slashCommand and access groups are on, and neither dm.allowFrom, the pairing store nor "
    "the users of a room name anybody.",
    attack="None: commands are refused. But it is likely not what was meant.",
    remedy="Pair your own account, or name users in channels.slack.channels.",
)
@check(
    "channels.telegram.groups.allowFrom.wildcard",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Everybody in a Telegram group may use the assistant",
    when="Telegram groups are answered (policy open, or allowlist with groups), text commands are on, and "
    "groupAllowFrom or the pairing store holds *.",
    attack=_ANYBODY,
    remedy="Name the senders in channels.telegram.groupAllowFrom.",
)
@check(
    "channels.telegram.groups.allowFrom.missing",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="No senders are named for Telegram groups",
    when="Telegram groups are answered (policy open, or allowlist with groups), text commands are on, and neither "
    "groupAllowFrom, the pairing store nor an allowFrom of a group or topic has an entry.",
    attack="In the original every member of the group gives commands. Here nobody does until somebody is named.",
    remedy="Name the senders in channels.telegram.groupAllowFrom.",
)
def channel_accounts(ctx: AuditContext) -> Hits:
    """Look at each channel: what the seed says of its default account, then what it does not see."""
    told: set[tuple[str, str, str]] = set()
    count = 0
    for channel in ORDER:
        case = seed_case(ctx, channel)
        if case is None:
            continue
        for hit in case_hits(ctx, case):
            count += 1
            told.add((channel, case.account, _kind(hit)))
            yield replace(hit, id=f"channels.{channel}.warning.{count}") if _is_text(hit) else hit
    for case in own_cases(ctx):
        for hit in case_hits(ctx, case):
            if (case.channel, case.account, _kind(hit)) not in told:
                named = replace(hit, id=f"channels.{case.channel}.groups.open") if _is_text(hit) else hit
                yield replace(named, seed=False)


def _is_text(hit: Hit) -> bool:
    return (hit.id or "").endswith(TEXT)


def _kind(hit: Hit) -> str:
    """Return the check id without `channels.<id>.`."""
    return (hit.id or "").split(".", 2)[-1]


SEED: Final[tuple[Check, ...]] = (channel_accounts,)
