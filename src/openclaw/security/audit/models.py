"""Which models answer: old ones, weak tiers, small ones with web tools (audit.md 4.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Topic, check
from openclaw.security.audit.values import at, listed, trim

_SHOWN: Final = 12
_FLAGS: Final = re.IGNORECASE | re.ASCII
_LEGACY: Final = (
    (re.compile(r"\bgpt-3\.5\b", _FLAGS), "GPT-3.5 family"),
    (re.compile(r"\bclaude-(?:instant|2)\b", _FLAGS), "Claude 2 or Instant family"),
    (re.compile(r"\bgpt-4-(?:0314|0613)\b", _FLAGS), "early GPT-4 snapshot"),
)
_HAIKU: Final = re.compile(r"\bhaiku\b", _FLAGS)
_GPT: Final = re.compile(r"\bgpt-", _FLAGS)
_GPT_5: Final = re.compile(r"\bgpt-5(?:\b|[.-])", _FLAGS)
_CLAUDE: Final = re.compile(r"\bclaude-", _FLAGS)
_CLAUDE_NEW: Final = re.compile(
    r"\bclaude-[^\s/]*?(?:-4-?(?:[5-9]|[1-9]\d)\b|4\.(?:[5-9]|[1-9]\d)\b|-[5-9](?:\b|[.-]))", _FLAGS
)
_CLAUDE_3: Final = re.compile(r"\bclaude-3-[57]\b", _FLAGS)
_SIZE: Final = re.compile(r"(?:^|[^a-z0-9])[a-z]?(\d+(?:\.\d+)?)b(?:[^a-z0-9]|$)", re.ASCII)
_SMALL: Final = 300


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that the config names.

    Attributes:
        id: as written, trimmed.
        place: config path.
        entry: the entry of `agents.list` that it stands in; None in the defaults, and where the id holds a dot, which
            the seed cuts off.
        image: it only reads images.
    """

    id: str
    place: str
    entry: Mapping[str, Any] | None = None
    image: bool = False


def models_in_use(ctx: AuditContext) -> Iterator[ModelUse]:
    """Yield every model that the config names, in the seed's order."""
    defaults = at(ctx.document, "agents", "defaults")
    for key in ("model", "imageModel"):
        place = f"agents.defaults.{key}"
        yield from _choice(at(defaults, key), place, None, image=key == "imageModel")
    for entry in ctx.reading.agents:
        name = str(entry.get("id", ""))
        yield from _choice(entry.get("model"), f"agents.list.{name}.model", None if "." in name else entry)


def _choice(value: Any, place: str, entry: Mapping[str, Any] | None, *, image: bool = False) -> Iterator[ModelUse]:
    named = [(value, place)] if isinstance(value, str) else [(at(value, "primary"), f"{place}.primary")]
    named += [(item, f"{place}.fallbacks") for item in listed(at(value, "fallbacks"))]
    for text, at_place in named:
        if model := trim(text):
            yield ModelUse(model, at_place, entry, image)


def legacy_reasons(model: str) -> list[str]:
    """Return why a model counts as old."""
    return [reason for pattern, reason in _LEGACY if pattern.search(model)]


def weak_reasons(model: str) -> list[str]:
    """Return why a model counts as weak for an agent with tools."""
    found = []
    if _HAIKU.search(model):
        found.append("Haiku tier")
    if _GPT.search(model) and not _GPT_5.search(model):
        found.append("below GPT-5")
    if _CLAUDE.search(model) and not _CLAUDE_NEW.search(model):
        found.append("below Claude 4.5")
    return found


def size_of(model: str) -> float:
    """Return the largest number of parameters, in billions, that a name states; 0 when it states none."""
    return max((float(found.group(1)) for found in _SIZE.finditer(model.lower())), default=0.0)


def _lines(found: list[tuple[ModelUse, list[str]]]) -> tuple[str, ...]:
    shown: dict[tuple[str, str], list[str]] = {}
    for use, reasons in found:
        shown.setdefault((use.id, use.place), []).extend(reasons)
    rows = [f"- {model} ({'; '.join(reasons)}) @ {place}" for (model, place), reasons in shown.items()]
    more = [f"…{len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    return (*rows[:_SHOWN], *more)


@check(
    "models.legacy",
    Severity.WARN,
    topic=Topic.MODELS,
    title="Old models are configured",
    when="A configured model is GPT-3.5, Claude 2 or Instant, or an early GPT-4 snapshot. The whole id counts, letter "
    "case does not.",
    attack="Old models follow hostile instructions in pages and mails more readily.",
    remedy="Use a current top-tier model for every agent that has tools.",
)
def legacy(ctx: AuditContext) -> Hits:
    """Models that their makers have left behind."""
    found = [(use, reasons) for use in models_in_use(ctx) if (reasons := legacy_reasons(use.id))]
    if found:
        yield Hit(_lines(found), place=found[0][0].place)


@check(
    "models.weak_tier",
    Severity.WARN,
    topic=Topic.MODELS,
    title="Weak model tiers are configured",
    when="A configured model is of the Haiku tier, below GPT-5, or below Claude 4.5. The default report also counts "
    "Claude 3.5 and 3.7, whose names the original misreads.",
    attack="Small and older tiers are talked into misusing their tools more easily.",
    remedy="Use a current top-tier model for agents with tools, or take the tools away.",
)
def weak_tier(ctx: AuditContext) -> Hits:
    """Models that are easily talked into things."""
    uses = list(models_in_use(ctx))
    found = [(use, reasons) for use in uses if (reasons := weak_reasons(use.id))]
    misread = [(use, ["below Claude 4.5"]) for use in uses if _CLAUDE_3.search(use.id) and not weak_reasons(use.id)]
    if found or misread:
        yield Hit(_lines([*found, *misread]), seed=bool(found), place=(found or misread)[0][0].place)


@check(
    "models.small_params",
    Severity.CRITICAL,
    Severity.INFO,
    topic=Topic.MODELS,
    title="Small models are configured",
    when=f"A configured model that is not for images states at most {_SMALL}B parameters. Info when each such model "
    "runs in sandbox mode all and reaches none of web_search, web_fetch and browser; else critical.",
    attack="A small model that reads pages does what they say.",
    remedy='Sandbox every session (agents.defaults.sandbox.mode "all") and deny web_search, web_fetch and browser.',
)
def small_params(ctx: AuditContext) -> Hits:
    """Small models and what they can reach."""
    small = [use for use in models_in_use(ctx) if not use.image and 0 < size_of(use.id) <= _SMALL]
    if not small:
        return
    from openclaw.security.audit.small_models import exposure_of

    rows, safe = [], True
    for use in small:
        mode, tools = exposure_of(ctx, use)
        safe = safe and mode == "all" and not tools
        reach = ", ".join(tools) or "off"
        rows.append(f"- {use.id} ({size_of(use.id):g}B) @ {use.place} sandbox={mode} web=[{reach}]")
    severity = Severity.INFO if safe else Severity.CRITICAL
    yield Hit(tuple(rows[:_SHOWN]), severity=severity, place=small[0].place)


SEED: Final[tuple[Check, ...]] = (legacy, weak_tier, small_params)
