"""What is said of one channel account: commands, direct messages, groups, in the seed's order (audit.md 4.9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from openclaw.security.audit.channel_cases import Case, distinct, has_users
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Hit, Severity
from openclaw.security.audit.values import at, entries, listed, mapping

TEXT: Final = ".warning.<n>"
"""The end of the id of a warning that has no number yet."""
_AUTOMATIC: Final = frozenset({"discord", "telegram"})
"""Channels whose native commands are on by default."""


def case_hits(ctx: AuditContext, case: Case) -> Iterator[Hit]:
    """Yield the findings of one account in the seed's order: commands, direct messages, warnings, Telegram groups."""
    for part in (_discord_commands, _slack_commands, _direct, _open_groups, _telegram_groups):
        for hit in part(ctx, case):
            yield replace(hit, note=case.note, place=hit.place or case.path)


def native_on(ctx: AuditContext, case: Case, key: str) -> bool:
    """Tell whether native commands (or skill commands) are registered with the chat app."""
    own = at(case.settings, "commands", key)
    setting = at(ctx.document, "commands", key) if own is None else own
    return setting if isinstance(setting, bool) else case.channel in _AUTOMATIC


def _common_policy(ctx: AuditContext) -> Any:
    return at(ctx.document, "channels", "defaults", "groupPolicy")


def _access_groups(ctx: AuditContext) -> bool:
    return at(ctx.document, "commands", "useAccessGroups") is not False


def _discord_commands(ctx: AuditContext, case: Case) -> Iterator[Hit]:
    if case.channel != "discord" or not (native_on(ctx, case, "native") or native_on(ctx, case, "nativeSkills")):
        return
    guilds = mapping(case.settings.get("guilds"))
    named = any(has_users(mapping(guild), "channels") for guild in guilds.values())
    if case.group_policy(_common_policy(ctx)) == "disabled" or not guilds or named:
        return
    base = "channels.discord.commands.native"
    if not _access_groups(ctx):
        yield Hit("commands.useAccessGroups is false and no guild names users.", id=f"{base}.unrestricted")
    elif not case.allow_from and not case.store:
        yield Hit(
            "no guild names users, and neither dm.allowFrom nor the store names anybody.", id=f"{base}.no_allowlists"
        )


def _slack_commands(ctx: AuditContext, case: Case) -> Iterator[Hit]:
    slash = at(case.settings, "slashCommand", "enabled") is True
    if case.channel != "slack" or not (slash or native_on(ctx, case, "native") or native_on(ctx, case, "nativeSkills")):
        return
    base = "channels.slack.commands.slash"
    rooms = mapping(case.settings.get("channels")).values()
    if not _access_groups(ctx):
        yield Hit("commands.useAccessGroups is false.", id=f"{base}.useAccessGroups_off")
    elif not case.allow_from and not case.store and not any(has_users(mapping(room)) for room in rooms):
        yield Hit(
            "no room names users, and neither dm.allowFrom nor the store names anybody.", id=f"{base}.no_allowlists"
        )


def _direct(ctx: AuditContext, case: Case) -> Iterator[Hit]:
    off = at(case.settings, "dm", "enabled") is False and not case.seed
    if not case.has_dm or off:
        return
    base, key = f"channels.{case.channel}.dm", f"{case.path}.{case.dm_key}"
    policy_key = f"{key}policy" if case.dm_key else f"{key}dmPolicy"
    wildcard = "*" in case.allow_from
    if case.dm_policy == "open":
        yield Hit(f"{policy_key} is open.", id=f"{base}.open", place=policy_key)
        if not wildcard:
            yield Hit(
                f"{policy_key} is open, but {key}allowFrom has no *.", id=f"{base}.open_invalid", place=policy_key
            )
    if case.dm_policy == "disabled":
        yield Hit(f"{policy_key} is disabled.", id=f"{base}.disabled", place=policy_key)
        return
    if (at(ctx.document, "session", "dmScope") or "main") == "main" and (wildcard or distinct(case) > 1):
        people = "everybody" if wildcard else f"{distinct(case)} people"
        detail = f"session.dmScope is main and {people} may write on {case.channel}: they share one session."
        yield Hit(detail, id=f"{base}.scope_main_multiuser", place="session.dmScope")


def _open_groups(ctx: AuditContext, case: Case) -> Iterator[Hit]:
    text = f"channels.{case.channel}{TEXT}"
    if case.group_policy(_common_policy(ctx)) == "open":
        key = f"{case.path}.groupPolicy"
        detail = f'groupPolicy="open" ({key}): anybody in a room may use the assistant.'
        yield Hit(detail, id=text, place=key)
    if case.channel == "googlechat" and case.dm_policy == "open" and case.seed:
        detail = f"{case.path}.dm.policy: direct messages are open to anyone."
        yield Hit(detail, id=text, severity=Severity.WARN, title="Direct messages are open to anyone")


def _telegram_groups(ctx: AuditContext, case: Case) -> Iterator[Hit]:
    if case.channel != "telegram" or at(ctx.document, "commands", "text") is False:
        return
    groups = mapping(case.settings.get("groups"))
    policy = case.group_policy(_common_policy(ctx))
    if policy != "open" and not (policy == "allowlist" and groups):
        return
    senders = entries(case.settings.get("groupAllowFrom"))
    base = "channels.telegram.groups.allowFrom"
    if "*" in senders or "*" in case.store:
        yield Hit(f"{case.path}.groupAllowFrom or the pairing store holds *.", id=f"{base}.wildcard")
    elif not senders and not case.store and not any(_names_senders(mapping(group)) for group in groups.values()):
        yield Hit(f"groups are answered and {case.path}.groupAllowFrom names nobody.", id=f"{base}.missing")


def _names_senders(group: Any) -> bool:
    topics = mapping(group.get("topics")).values()
    return bool(listed(group.get("allowFrom"))) or any(listed(at(topic, "allowFrom")) for topic in topics)
