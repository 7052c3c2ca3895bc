"""Redaction, elevated lists, secrets in the config (audit.md 4.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, items, some, trim

_MANY: Final = 25
_NOT_A_SENDER: Final[Mapping[str, re.Pattern[str]]] = {
    "telegram": re.compile(r"(telegram:|tg:)?-\d+", re.IGNORECASE),
    "whatsapp": re.compile(r".*@(g\.us|broadcast|newsletter)", re.IGNORECASE),
    "slack": re.compile(r"(channel:|slack:channel:|#).+|[CG][A-Z0-9]{7,}"),
    "discord": re.compile(r"(channel|guild|role):.+|#.+", re.IGNORECASE),
    "signal": re.compile(r"group[:.].+", re.IGNORECASE),
    "imessage": re.compile(r"chat_(id|guid|identifier):.+", re.IGNORECASE),
    "bluebubbles": re.compile(r"chat_(id|guid|identifier):.+", re.IGNORECASE),
    "msteams": re.compile(r"19:.+@thread\..+|conversation:.+", re.IGNORECASE),
    "googlechat": re.compile(r"spaces/.+", re.IGNORECASE),
}
"""Entries that name a room instead of a person."""
_ANY_ROOM: Final = re.compile(r"(group|room|channel):.+", re.IGNORECASE)


@check(
    "logging.redact_off",
    Severity.WARN,
    topic=Topic.DISK,
    title="Secrets are shown in logs and status output",
    when="logging.redactSensitive is off.",
    attack="Tokens that pass through a tool call stay readable in the log for whoever may open it or gets a copy.",
    remedy='Set logging.redactSensitive to "tools".',
    fix='Sets logging.redactSensitive back to "tools".',
)
def redact_off(ctx: AuditContext) -> Hits:
    """Masking is switched off."""
    if at(ctx.document, "logging", "redactSensitive") == "off":
        yield Hit('logging.redactSensitive is "off".', place="logging.redactSensitive")


def _elevated_lists(ctx: AuditContext) -> Iterator[tuple[str, list[str]]]:
    if ctx.elevated:
        for provider, senders in items(at(ctx.document, "tools", "elevated", "allowFrom")):
            yield provider, entries(senders)


@check(
    "tools.elevated.allowFrom.<provider>.wildcard",
    Severity.CRITICAL,
    topic=Topic.ACCESS,
    title="Everybody on a channel may run commands on the host",
    when="tools.elevated.enabled is not false and the channel's list in tools.elevated.allowFrom holds *.",
    attack="One admitted person, or one injected message in that person's chat, leaves the sandbox.",
    remedy="Name the few senders that may, by id.",
)
@check(
    "tools.elevated.allowFrom.<provider>.large",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Many people may run commands on the host",
    when="tools.elevated.enabled is not false, and the channel's list in tools.elevated.allowFrom has no * and more "
    f"than {_MANY} entries; repeated ones count.",
    attack="Each account on the list is one more that can be taken over.",
    remedy="Shorten the list to those who need it.",
)
def elevated_lists(ctx: AuditContext) -> Hits:
    """Look at each channel's list, in the order of the file."""
    for provider, senders in _elevated_lists(ctx):
        key = f"tools.elevated.allowFrom.{provider}"
        if "*" in senders:
            yield Hit(f"{key} holds *.", id=f"{key}.wildcard", place=key)
        elif len(senders) > _MANY:
            yield Hit(f"{key} has {len(senders)} entries.", id=f"{key}.large", place=key)


@check(
    "tools.elevated.allowFrom.<provider>.not_a_sender",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="An elevated list names rooms instead of people",
    when="An entry of tools.elevated.allowFrom is the id of a group, channel or room.",
    attack="The original compares entries with the room as well, so there everybody in it may leave the sandbox. Here "
    "such an entry matches nobody.",
    remedy="Name senders by id.",
    since=Since.OURS,
)
def elevated_rooms(ctx: AuditContext) -> Hits:
    """A room is nobody."""
    for provider, senders in _elevated_lists(ctx):
        pattern = _NOT_A_SENDER.get(provider.strip().lower(), _ANY_ROOM)
        rooms = [text for text in senders if pattern.fullmatch(text) or _ANY_ROOM.fullmatch(text)]
        if rooms:
            key = f"tools.elevated.allowFrom.{provider}"
            yield Hit(f"{key} names: {some(rooms)}.", id=f"{key}.not_a_sender", place=key)


def _stored(ctx: AuditContext, *path: str) -> bool | None:
    """Return whether a secret lies in the config as text; None when it is only referred to."""
    text = trim(at(ctx.document, *path))
    if not text or (text.startswith("${") and text.endswith("}")):
        return False
    from openclaw.config.substitute import has_reference

    authored = at(ctx.reading.authored, *path)
    return None if isinstance(authored, str) and has_reference(authored) else True


@check(
    "config.secrets.gateway_password_in_config",
    Severity.WARN,
    topic=Topic.DISK,
    title="The gateway password lies in the config file",
    when="gateway.auth.password holds a text. A reference such as ${OPENCLAW_GATEWAY_PASSWORD} is silent; only the "
    "compatible report, like the original, reports it too.",
    attack="Backups and copies of the config carry the password along.",
    remedy="Set OPENCLAW_GATEWAY_PASSWORD in <state>/.env and remove the key, or write a reference.",
)
def password_in_config(ctx: AuditContext) -> Hits:
    """A password that is written out."""
    stored = _stored(ctx, "gateway", "auth", "password")
    if stored is not False:
        yield Hit("gateway.auth.password holds a text.", retired=stored is None, place="gateway.auth.password")


@check(
    "config.secrets.hooks_token_in_config",
    Severity.INFO,
    topic=Topic.DISK,
    title="The webhook token lies in the config file",
    when="hooks.enabled is true and hooks.token holds a text. A reference to a variable is silent; only the compatible "
    "report, like the original, reports it too.",
    attack="Backups and copies of the config carry the token along.",
    remedy="Keep the config at mode 600, or write hooks.token as a reference to a variable.",
)
def hooks_token_in_config(ctx: AuditContext) -> Hits:
    """A webhook token that is written out."""
    stored = _stored(ctx, "hooks", "token") if ctx.hooks_on else False
    if stored is not False:
        yield Hit("hooks.token holds a text.", retired=stored is None, place="hooks.token")


LOGGING: Final[tuple[Check, ...]] = (redact_off,)
ELEVATED: Final[tuple[Check, ...]] = (elevated_lists,)
SECRETS: Final[tuple[Check, ...]] = (password_in_config, hooks_token_in_config)
OURS: Final[tuple[Check, ...]] = (elevated_rooms,)
