"""What an agent that runs on a small model can reach, by the seed's reading of the tool lists (audit.md 4.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.policy.what.tool_chain import sandbox_stage
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from openclaw.policy.what.tool_stages import StageId, ToolBlock, ToolStage, pick, profile_stage, stage_table
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.http_url import HttpUrl, read_http_url
from openclaw.security.audit.models import ModelUse
from openclaw.security.audit.values import at, trim

_WEB_TOOLS: Final = ("web_search", "web_fetch", "browser")
_SEARCH_KEYS: Final = ("BRAVE_API_KEY", "PERPLEXITY_API_KEY", "OPENROUTER_API_KEY")


def exposure_of(ctx: AuditContext, use: ModelUse) -> tuple[str, list[str]]:
    """Return the sandbox mode of the model's agent, and which of the web tools it reaches."""
    entry = use.entry or {}
    mode = at(entry, "sandbox", "mode") or at(ctx.document, "agents", "defaults", "sandbox", "mode") or "off"
    stages = list(_stages(ctx, entry, sandboxed=mode == "all"))
    catalogue = Catalogue.of(CatalogueTool(name) for name in _WEB_TOOLS)
    tables = [stage_table(stage, catalogue) for stage in stages]
    offered = [name for name, on in _offered(ctx).items() if on]
    return mode, [name for name in offered if all(table[name].passes for table in tables)]


def _stages(ctx: AuditContext, entry: Mapping[str, Any], *, sandboxed: bool) -> Iterator[ToolStage]:
    overall, own = at(ctx.document, "tools"), entry.get("tools")
    profile = ToolBlock("tools", profile=at(own, "profile") or at(overall, "profile"))
    stage = profile_stage(StageId.PROFILE, profile, None)
    if stage is not None:
        yield stage
    for key, block in (("tools", overall), ("agents.list.tools", own)):
        yield pick(StageId.GLOBAL, _block(key, block))
    if sandboxed:
        shared, mine = at(overall, "sandbox", "tools"), at(own, "sandbox", "tools")
        yield sandbox_stage(_block("tools.sandbox.tools", shared), _block("agents.list.tools.sandbox.tools", mine))


def _block(key: str, value: Any) -> ToolBlock:
    return ToolBlock(key, allow=_texts(at(value, "allow")), deny=_texts(at(value, "deny")))


def _texts(value: Any) -> tuple[str, ...] | None:
    return tuple(str(item) for item in value) if isinstance(value, list) else None


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
