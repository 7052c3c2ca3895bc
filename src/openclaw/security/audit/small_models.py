"""What an agent that runs on a small model can reach, by the seed's reading of the tool lists (audit.md 4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.http_url import HttpUrl, read_http_url
from openclaw.security.audit.models import ModelUse
from openclaw.security.audit.tool_lists import left_over, stages_of
from openclaw.security.audit.values import at, trim

_SEARCH_KEYS: Final = ("BRAVE_API_KEY", "PERPLEXITY_API_KEY", "OPENROUTER_API_KEY")


def exposure_of(ctx: AuditContext, use: ModelUse) -> tuple[str, list[str]]:
    """Return the sandbox mode of the model's agent, and which of the web tools it reaches."""
    entry = use.entry or {}
    mode = at(entry, "sandbox", "mode") or at(ctx.document, "agents", "defaults", "sandbox", "mode") or "off"
    stages = stages_of(ctx.document, entry, sandboxed=mode == "all", seed=True)
    return mode, list(left_over(stages, [name for name, on in _offered(ctx).items() if on]))


def _offered(ctx: AuditContext) -> dict[str, bool]:
    """Return which of the tools exist at all; a browser whose config is invalid counts as on."""
    search = at(ctx.document, "tools", "web", "search")
    has_key = any(_is_set(key) for key in (at(search, "apiKey"), at(search, "perplexity", "apiKey"))) or any(
        trim(ctx.reading.seed_environment.values.get(name)) for name in _SEARCH_KEYS
    )
    enabled = at(search, "enabled")
    browser = at(ctx.document, "browser")
    url = trim(at(browser, "cdpUrl"))
    invalid = bool(url) and not isinstance(read_http_url(url), HttpUrl)
    return {
        "web_search": enabled is True or (enabled is not False and has_key),
        "web_fetch": at(ctx.document, "tools", "web", "fetch", "enabled") is not False,
        "browser": invalid or at(browser, "enabled") is not False,
    }


def _is_set(value: Any) -> bool:
    return isinstance(value, Mapping) or bool(trim(value))
