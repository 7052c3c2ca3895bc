"""What is odd but valid: the warnings of a config (config.md 1.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.config.catalog import MANIFEST, Catalog
from openclaw.config.issues import Issue, Parts, closest, fault
from openclaw.config.places import listed_agents
from openclaw.policy.where.key_ids import normalise_agent_id

_NUMBERS: Final = re.compile(r"\d+")
_MAX_PATTERN: Final = 1000


def find_odd(document: Mapping[str, Any], catalog: Catalog, version: str) -> list[Issue]:
    """Return the warnings for a valid document.

    Args:
        document: the effective document.
        catalog: the plugins that are known.
        version: version of this build.
    """
    return [
        *_newer(document, version),
        *_disabled_plugins(document, catalog),
        *_unnamed_plugins(catalog),
        *_tool_names(document, catalog),
        *_patterns(document),
        *_bindings(document),
        *_agents(document),
        *_ignored(document),
    ]


def _newer(document: Mapping[str, Any], version: str) -> Iterator[Issue]:
    written = (document.get("meta") or {}).get("lastTouchedVersion")
    if isinstance(written, str) and _numbers(written) > _numbers(version):
        yield fault(("meta", "lastTouchedVersion"), f"this config was last written by a newer version than {version}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(found) for found in _NUMBERS.findall(version)[:3])


def _unnamed_plugins(catalog: Catalog) -> Iterator[Issue]:
    """The audit refuses such a folder when code lies in it; nothing else loads it either."""
    for folder in catalog.unnamed:
        yield fault(("plugins",), f"{folder} has no {MANIFEST} and is not loaded; add one or remove the folder")


def _disabled_plugins(document: Mapping[str, Any], catalog: Catalog) -> Iterator[Issue]:
    plugins = document.get("plugins") or {}
    denied = plugins.get("deny") or ()
    for name, entry in (plugins.get("entries") or {}).items():
        off = entry.get("enabled") is False or name in denied or plugins.get("enabled") is False
        if off and entry.get("config") and name in catalog.plugins:
            yield fault(("plugins", "entries", name), "has settings, but the plugin is switched off")


def _tool_names(document: Mapping[str, Any], catalog: Catalog) -> Iterator[Issue]:
    """Warn of names in tool lists that no tool, group or plugin has."""
    from openclaw.policy.what.tool_names import ALIASES, CORE_TOOLS, GROUP_PLUGINS, GROUPS

    known = {*CORE_TOOLS, *GROUPS, *ALIASES, GROUP_PLUGINS, *catalog.plugins}
    foreign = any(manifest.root is not None for manifest in catalog.plugins.values())
    for at, name in _listed_tools(document):
        plain = name.strip().lower()
        if plain and "*" not in plain and plain not in known and not foreign:
            near = closest(plain, known)
            hint = f'; did you mean "{near}"?' if near else ""
            yield fault(at, f'no tool is called "{name}"{hint}', nearest=near)


def _listed_tools(document: Mapping[str, Any]) -> Iterator[tuple[Parts, str]]:
    tools = document.get("tools")
    blocks: list[tuple[Parts, Any]] = [(("tools",), tools)]
    for index, entry in enumerate(listed_agents(document)):
        blocks.append((("agents", "list", index, "tools"), entry.get("tools")))
    for at, block in blocks:
        yield from _lists(block, at)
        for below in ("subagents", "sandbox"):
            inner = (block or {}).get(below)
            yield from _lists((inner or {}).get("tools"), (*at, below, "tools"))
        for name, provider in ((block or {}).get("byProvider") or {}).items():
            yield from _lists(provider, (*at, "byProvider", name))


def _lists(block: Any, at: Parts) -> Iterator[tuple[Parts, str]]:
    for key in ("allow", "alsoAllow", "deny"):
        for index, name in enumerate((block or {}).get(key) or ()):
            yield (*at, key, index), name


def _patterns(document: Mapping[str, Any]) -> Iterator[Issue]:
    listed = (document.get("logging") or {}).get("redactPatterns") or ()
    if not listed:
        return
    import re2

    options = re2.Options()
    options.log_errors = False
    for index, written in enumerate(listed):
        closing = written.rfind("/")
        body = written[1:closing] if written.startswith("/") and closing > 0 else written
        try:
            re2.compile(body[:_MAX_PATTERN], options)
        except re2.error:
            yield fault(("logging", "redactPatterns", index), "is no pattern of the linear-time engine; it is skipped")


def _bindings(document: Mapping[str, Any]) -> Iterator[Issue]:
    known = {normalise_agent_id(entry.get("id")) for entry in listed_agents(document)}
    for index, binding in enumerate(document.get("bindings") or ()):
        if known and normalise_agent_id(binding.get("agentId")) not in known:
            at = ("bindings", index, "agentId")
            yield fault(at, "names an agent that agents.list does not have; its messages are refused")


def _agents(document: Mapping[str, Any]) -> Iterator[Issue]:
    chosen = [index for index, entry in enumerate(listed_agents(document)) if entry.get("default") is True]
    for index in chosen[1:]:
        yield fault(("agents", "list", index, "default"), f"is ignored: agents.list.{chosen[0]} is the default already")


def _ignored(document: Mapping[str, Any]) -> Iterator[Issue]:
    main_key = (document.get("session") or {}).get("mainKey")
    if isinstance(main_key, str) and main_key.strip().lower() not in {"", "main"}:
        yield fault(("session", "mainKey"), "is ignored: the main session is always main")
    if ((document.get("diagnostics") or {}).get("otel") or {}).get("protocol") == "grpc":
        yield fault(("diagnostics", "otel", "protocol"), "is ignored: only http/protobuf is spoken")
