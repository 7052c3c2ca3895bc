"""Which plugins are trusted, pinned and reachable (audit.md 4.8, 9.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.config.catalog import BUILT_IN
from openclaw.security.audit.agent_settings import (
    contexts,
    has_tool_lists,
)
from openclaw.security.audit.channel_cases import is_loaded
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, mapping, some, trim

_TOKENS: Final = {
    "discord": (("token",), ("DISCORD_BOT_TOKEN",)),
    "telegram": (("botToken", "tokenFile"), ("TELEGRAM_BOT_TOKEN",)),
    "slack": (("botToken", "appToken"), ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")),
}
_AUTOMATIC: Final = frozenset({"discord", "telegram"})
_EXACT: Final = re.compile(r"(?:@[^/@]+/)?[^/@]+(?:@|==)v?\d+\.\d+\.\d+[0-9A-Za-z.+-]*")
_RESTRICTIVE: Final = frozenset({"minimal", "coding", "messaging"})


def _skill_commands(ctx: AuditContext) -> list[str]:
    """Return the channels that are set up and offer skill commands natively."""
    return [channel for channel, (keys, names) in _TOKENS.items() if _offers_skills(ctx, channel, keys, names)]


def _offers_skills(ctx: AuditContext, channel: str, keys: tuple[str, ...], names: tuple[str, ...]) -> bool:
    section = mapping(at(ctx.document, "channels", channel))
    blocks = [section, *map(mapping, mapping(section.get("accounts")).values())]
    values = ctx.reading.seed_environment.values
    written = any(isinstance(block.get(key), Mapping) or trim(block.get(key)) for block in blocks for key in keys)
    if not written and not any(trim(values.get(name)) for name in names):
        return False
    own = at(section, "commands", "nativeSkills")
    setting = at(ctx.document, "commands", "nativeSkills") if own is None else own
    if isinstance(setting, bool):
        return setting
    return channel in _AUTOMATIC and is_loaded(ctx, channel)


@check(
    "plugins.extensions_no_allowlist",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.PLUGINS,
    title="Plugins are installed and none is named as trusted",
    when="<state>/extensions is a directory with at least one directory in it, and plugins.allow is absent or empty. "
    "Critical when Discord, Telegram or Slack is set up and offers skill commands natively.",
    attack="Whatever lands in the folder is loaded into the gateway's own process at the next start.",
    remedy="Name the plugins that you trust in plugins.allow, and remove the others.",
)
def no_allowlist(ctx: AuditContext) -> Hits:
    """Code without a list."""
    if not ctx.disk.plugins or entries(at(ctx.document, "plugins", "allow")):
        return
    names = [seen.path.name for seen in ctx.disk.plugins]
    channels = _skill_commands(ctx)
    exposed = (f"native skill commands: {', '.join(channels)}",) if channels else ()
    severity = Severity.CRITICAL if channels else Severity.WARN
    yield Hit((f"plugins: {some(names)}", *exposed), severity=severity, place="plugins.allow")


@check(
    "plugins.allow_phantom_entries",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="plugins.allow names a plugin that is not there",
    when="Plugins are installed, and plugins.allow names an id that no installed or built-in plugin has "
    "(group:plugins excepted).",
    attack="Whoever can write into the folder takes the name, and is trusted.",
    remedy="Remove the entry.",
    since=Since.LATER,
)
def phantom_entries(ctx: AuditContext) -> Hits:
    """Trust for a name that is free."""
    if not ctx.disk.plugins:
        return
    known = {*BUILT_IN.plugins, *ctx.stores.plugin_ids, "group:plugins"}
    free = [name for name in entries(at(ctx.document, "plugins", "allow")) if name not in known]
    if free:
        yield Hit(f"plugins.allow: {some(free)}.", place="plugins.allow")


@check(
    "plugins.tools_reachable_permissive_policy",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="Every tool that a plugin brings is offered",
    when="Plugins are installed, at least one may load, and for the defaults or an agent no tool profile or list "
    "keeps an unknown plugin tool out, or a list names plugin tools without a restrictive profile.",
    attack="An update of a plugin hands agents new tools without anybody deciding it.",
    remedy='Set tools.profile ("coding" or "messaging") and add the few plugin tools in tools.alsoAllow.',
    since=Since.LATER,
)
def reachable_tools(ctx: AuditContext) -> Hits:
    """Tools that nobody listed."""
    if not ctx.disk.plugins or at(ctx.document, "plugins", "enabled") is False or not any(_may_load(ctx)):
        return
    found = [agent for _, agent, entry in contexts(ctx) if _permissive(ctx, entry)]
    if found:
        yield Hit(f"agents: {some(found)}.", place="tools.profile")


def _may_load(ctx: AuditContext) -> Iterator[bool]:
    plugins = mapping(at(ctx.document, "plugins"))
    allow, deny = entries(plugins.get("allow")), entries(plugins.get("deny"))
    for name in ctx.stores.plugin_ids:
        off = at(plugins, "entries", name, "enabled") is False or name in deny or (bool(allow) and name not in allow)
        yield not off


def _permissive(ctx: AuditContext, entry: Mapping[str, Any] | None) -> bool:
    profile = at(entry, "tools", "profile") or at(ctx.document, "tools", "profile")
    if profile in _RESTRICTIVE:
        return False
    named = {*entries(at(ctx.document, "tools", "allow")), *entries(at(entry, "tools", "allow"))}
    if named & {*ctx.stores.plugin_ids, "group:plugins"}:
        return True
    if not has_tool_lists(ctx):
        return True
    from openclaw.security.audit.tool_lists import left_over, stages_of

    stages = stages_of(ctx.document, entry)
    return any(True for _ in left_over(stages, ["some_plugin_tool"], plugin="some-plugin"))


def _installs(ctx: AuditContext) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield (kind, id, record) of everything that the command line installed."""
    for kind, place in (("plugins", ("plugins",)), ("hooks", ("hooks", "internal"))):
        for name, record in mapping(at(ctx.document, *place, "installs")).items():
            if at(record, "source") in ("npm", "pypi"):
                yield kind, name, mapping(record)


@check(
    "plugins.installs_unpinned_npm_specs",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A plugin was installed without an exact version",
    when="The record of an installed plugin holds a package name without an exact version.",
    attack="The next update takes whatever the registry then has under that name.",
    remedy="Install it again with an exact version (name@1.2.3).",
    since=Since.LATER,
)
@check(
    "plugins.installs_missing_integrity",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A plugin was installed without a record of its files",
    when="The record of an installed plugin has no integrity.",
    attack="A change of its files goes unnoticed.",
    remedy="Install it again: openclaw plugins install records a digest of every file.",
    since=Since.LATER,
)
@check(
    "plugins.installs_version_drift",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A plugin is not the version that was installed",
    when="The version in the folder's package.json differs from the record.",
    attack="Somebody or something replaced the files.",
    remedy="Look at the folder and install the plugin again.",
    since=Since.LATER,
)
@check(
    "hooks.installs_unpinned_npm_specs",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A hook pack was installed without an exact version",
    when="The record of an installed hook pack holds a package name without an exact version.",
    attack="The next update takes whatever the registry then has under that name.",
    remedy="Install it again with an exact version (name@1.2.3).",
    since=Since.LATER,
)
@check(
    "hooks.installs_missing_integrity",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A hook pack was installed without a record of its files",
    when="The record of an installed hook pack has no integrity.",
    attack="A change of its files goes unnoticed.",
    remedy="Look at the folder <state>/hooks and install the pack again.",
    since=Since.LATER,
)
def installs(ctx: AuditContext) -> Hits:
    """What the command line wrote down."""
    loose: dict[str, list[str]] = {}
    for kind, name, record in _installs(ctx):
        if not _EXACT.fullmatch(trim(record.get("spec"))):
            loose.setdefault(f"{kind}.installs_unpinned_npm_specs", []).append(name)
        if not record.get("integrity"):
            loose.setdefault(f"{kind}.installs_missing_integrity", []).append(name)
        there = trim(at(ctx.stores.packages.get(name), "version")) if kind == "plugins" else ""
        if there and trim(record.get("version")) not in ("", there):
            loose.setdefault("plugins.installs_version_drift", []).append(f"{name} ({record['version']} → {there})")
    for check_id, names in loose.items():
        yield Hit(f"{some(names)}.", id=check_id, place=check_id.rpartition(".")[0])


SEED: Final[tuple[Check, ...]] = (no_allowlist,)
LATER: Final[tuple[Check, ...]] = (installs, phantom_entries, reachable_tools)
