"""Which channel accounts there are, and how the seed and this system read their settings (audit.md 4.9, 9.5). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.values import at, entries, items, listed, mapping, trim

ORDER: Final = (
    "telegram",
    "whatsapp",
    "discord",
    "googlechat",
    "slack",
    "signal",
    "imessage",
    "msteams",
    "bluebubbles",
)
"""The built-in channels in the order of the report; others follow by id."""
NESTED_DM: Final = frozenset({"discord", "slack", "googlechat", "matrix"})
_WITHOUT_DM: Final = frozenset({"msteams", "feishu"})
_OPEN_WITHOUT_SECTION: Final = frozenset({"discord", "slack"})
_IMESSAGE_KEYS: Final = (
    *("cliPath", "dbPath", "service", "region", "allowFrom", "groupAllowFrom", "dmPolicy", "groupPolicy"),
    *("includeAttachments", "mediaMaxMb", "textChunkLimit", "groups"),
)
_SIGNAL_TEXTS: Final = ("account", "httpUrl", "httpHost", "cliPath")


@dataclass(frozen=True, slots=True)
class Case:
    """One account of one channel as somebody reads it.

    Attributes:
        channel, account: which.
        settings: the section's keys under the account's.
        store: approved entries.
        seed: it is the seed's reading; else this system's.
        has_section: the channel has a section in the config.
    """

    channel: str
    account: str
    settings: Mapping[str, Any]
    store: tuple[str, ...]
    seed: bool
    has_section: bool = True

    @property
    def note(self) -> str:
        """Return what tells this account apart in a title; the seed's account needs nothing."""
        return "" if self.seed or self.account == DEFAULT_ACCOUNT else f" (account {self.account})"

    @property
    def path(self) -> str:
        """Return the config path of the account's section."""
        base = f"channels.{self.channel}"
        return base if self.account == DEFAULT_ACCOUNT else f"{base}.accounts.{self.account}"

    @property
    def dm_key(self) -> str:
        """Return the key before `policy` and `allowFrom` of direct messages."""
        return "dm." if self.channel in NESTED_DM else ""

    @property
    def has_dm(self) -> bool:
        """Return whether direct messages of this channel are looked at."""
        return self.channel not in _WITHOUT_DM

    @property
    def dm_policy(self) -> str:
        """Return the policy for direct messages."""
        written = at(self.settings, "dm", "policy") if self.dm_key else self.settings.get("dmPolicy")
        return str(written or "pairing")

    @property
    def allow_from(self) -> list[str]:
        """Return the listed senders of direct messages."""
        return entries(at(self.settings, "dm", "allowFrom") if self.dm_key else self.settings.get("allowFrom"))

    def group_policy(self, common: Any) -> str:
        """Return the policy for groups; `common` is `channels.defaults.groupPolicy`."""
        fallback = "open" if self.seed and self.channel in _OPEN_WITHOUT_SECTION else "allowlist"
        return str(self.settings.get("groupPolicy") or (common if not self.has_section else None) or fallback)


def seed_case(ctx: AuditContext, channel: str) -> Case | None:
    """Return what the seed examines of a channel: its default account, when its plugin is loaded and it is set up."""
    if not is_loaded(ctx, channel):
        return None
    section = mapping(at(ctx.seed, "channels", channel))
    accounts = mapping(section.get("accounts"))
    account = default_account(accounts)
    base = {key: value for key, value in section.items() if key != "accounts"}
    settings = {**base, **_account(accounts, account)}
    case = Case(channel, account, settings, ctx.stores.approved(channel), seed=True, has_section=bool(section))
    return case if _is_configured(ctx, case, base) else None


def own_cases(ctx: AuditContext) -> Iterator[Case]:
    """Yield every account of every configured channel that is not switched off, as this system reads it."""
    for channel, section in _in_order(mapping(at(ctx.document, "channels"))):
        accounts = {name: mapping(own) for name, own in items(at(section, "accounts"))}
        base = {key: value for key, value in mapping(section).items() if key != "accounts"}
        if base.get("enabled") is False or is_denied(ctx, channel):
            continue
        for name in accounts or (DEFAULT_ACCOUNT,):
            own = accounts.get(name, {})
            settings = _overlaid(base, own)
            if settings.get("enabled") is not False:
                yield Case(channel, name, settings, ctx.stores.approved(channel, name), seed=False)


def _in_order(channels: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    rest = sorted(name for name in channels if name not in ORDER and name != "defaults")
    yield from ((name, channels[name]) for name in (*ORDER, *rest) if name in channels)


def _account(accounts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = next((key for key in accounts if key.lower() == name.lower()), None)
    return mapping(accounts.get(found)) if found is not None else {}


def _overlaid(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return an account's keys over the section's; the block `dm` key by key, lists and maps as a whole."""
    dm = {**mapping(base.get("dm")), **mapping(own.get("dm"))}
    return {**base, **own, **({"dm": dm} if dm else {})}


def default_account(accounts: Mapping[str, Any]) -> str:
    """Return the account that the seed looks at: `default`, else the first by name, else the implicit one."""
    names = sorted(accounts)
    return DEFAULT_ACCOUNT if not names or DEFAULT_ACCOUNT in names else names[0]


def is_denied(ctx: AuditContext, channel: str) -> bool:
    """Tell whether the plugins section keeps a channel from starting."""
    plugins = mapping(at(ctx.document, "plugins"))
    entry = at(plugins, "entries", channel, "enabled")
    return plugins.get("enabled") is False or channel in entries(plugins.get("deny")) or entry is False


def is_loaded(ctx: AuditContext, channel: str) -> bool:
    """Tell whether the seed loads a channel's plugin: its entry is enabled and no list keeps it out."""
    plugins = mapping(at(ctx.document, "plugins"))
    allow = entries(plugins.get("allow"))
    listed_there = not allow or channel in allow
    enabled = at(plugins, "entries", channel, "enabled") is True
    return enabled and listed_there and not is_denied(ctx, channel)


# When the seed counts a channel as set up


def _is_configured(ctx: AuditContext, case: Case, base: Mapping[str, Any]) -> bool:
    rule = _CONFIGURED.get(case.channel)
    return rule is not None and rule(ctx, case, base)


def _variable(ctx: AuditContext, *names: str) -> bool:
    values = ctx.reading.seed_environment.values
    return any(trim(values.get(name)) for name in names)


def _set(value: Any) -> bool:
    return isinstance(value, Mapping) or bool(trim(value))


def _bot(*keys: str, variable: str) -> Callable[[AuditContext, Case, Mapping[str, Any]], bool]:
    """Return the rule of a bot token: the account's own; for the default account also the section's and a variable."""

    def rule(ctx: AuditContext, case: Case, base: Mapping[str, Any]) -> bool:
        accounts = mapping(at(ctx.seed, "channels", case.channel, "accounts"))
        own = _account(accounts, case.account)
        if any(_set(own.get(key)) for key in keys):
            return True
        is_default = case.account == DEFAULT_ACCOUNT
        return is_default and (any(_set(base.get(key)) for key in keys) or _variable(ctx, variable))

    return rule


def _slack(ctx: AuditContext, case: Case, _base: Mapping[str, Any]) -> bool:
    is_default = case.account == DEFAULT_ACCOUNT
    pairs = (("botToken", "SLACK_BOT_TOKEN"), ("appToken", "SLACK_APP_TOKEN"))
    return all(_set(case.settings.get(key)) or (is_default and _variable(ctx, name)) for key, name in pairs)


def _whatsapp(ctx: AuditContext, case: Case, _base: Mapping[str, Any]) -> bool:
    running = case.settings.get("enabled") is not False and at(ctx.document, "web", "enabled") is not False
    return running and case.account in ctx.stores.linked


def _signal(_ctx: AuditContext, case: Case, _base: Mapping[str, Any]) -> bool:
    texts = any(_set(case.settings.get(key)) for key in _SIGNAL_TEXTS)
    return texts or any(case.settings.get(key) is not None for key in ("httpPort", "autoStart"))


def _imessage(_ctx: AuditContext, case: Case, _base: Mapping[str, Any]) -> bool:
    return any(case.settings.get(key) is not None for key in _IMESSAGE_KEYS)


def _msteams(ctx: AuditContext, case: Case, _base: Mapping[str, Any]) -> bool:
    pairs = (("appId", "MSTEAMS_APP_ID"), ("appPassword", "MSTEAMS_APP_PASSWORD"), ("tenantId", "MSTEAMS_TENANT_ID"))
    return all(_set(case.settings.get(key)) or _variable(ctx, name) for key, name in pairs)


def _googlechat(ctx: AuditContext, case: Case, _base: Mapping[str, Any]) -> bool:
    if _set(case.settings.get("serviceAccount")) or _set(case.settings.get("serviceAccountFile")):
        return True
    names = ("GOOGLE_CHAT_SERVICE_ACCOUNT", "GOOGLE_CHAT_SERVICE_ACCOUNT_FILE")
    return case.account == DEFAULT_ACCOUNT and _variable(ctx, *names)


def _bluebubbles(_ctx: AuditContext, case: Case, _base: Mapping[str, Any]) -> bool:
    return _set(case.settings.get("serverUrl")) and _set(case.settings.get("password"))


_CONFIGURED: Final[Mapping[str, Callable[[AuditContext, Case, Mapping[str, Any]], bool]]] = {
    "telegram": _bot("botToken", "tokenFile", variable="TELEGRAM_BOT_TOKEN"),
    "discord": _bot("token", variable="DISCORD_BOT_TOKEN"),
    "slack": _slack,
    "whatsapp": _whatsapp,
    "signal": _signal,
    "imessage": _imessage,
    "msteams": _msteams,
    "googlechat": _googlechat,
    "bluebubbles": _bluebubbles,
}


# How the seed compares people

_DISCORD_MARKUP: Final = re.compile(r"<@!?(\d+)>")


def distinct(case: Case) -> int:
    """Return how many different people a case names, `*` left out."""
    names = [text for text in case.allow_from if text != "*"]
    return len({text for entry in (*names, *case.store) if (text := _person(case.channel, entry).strip())})


def _person(channel: str, entry: str) -> str:
    match channel:
        case "telegram":
            return re.sub(r"^(telegram|tg):", "", entry, flags=re.IGNORECASE)
        case "discord":
            return _DISCORD_MARKUP.sub(r"\1", re.sub(r"^(discord|user):", "", entry, flags=re.IGNORECASE))
        case "slack":
            return re.sub(r"^(slack|user):", "", entry, flags=re.IGNORECASE)
        case "whatsapp" | "signal":
            bare = re.sub(rf"^{channel}:", "", entry, flags=re.IGNORECASE)
            digits = re.sub(r"[^\d+]", "", bare)
            return digits if digits.startswith("+") else f"+{digits}"
        case _:
            return entry


def has_users(block: Mapping[str, Any], inner: str | None = None) -> bool:
    """Tell whether an entry of a map, or one of the entries inside it, names users."""
    if listed(block.get("users")):
        return True
    return inner is not None and any(listed(at(item, "users")) for item in mapping(block.get(inner)).values())
