"""What this build knows of providers and models by itself, and how references are written (agent.md 4.1, 4.3). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from openclaw.state.auth_profiles import provider_id

DEFAULT_PROVIDER: Final = "anthropic"
DEFAULT_MODEL: Final = "anthropic/claude-opus-4-6"
DEFAULT_MODELS: Final = (DEFAULT_MODEL, "openai/gpt-5.2", "google/gemini-3-pro-preview")
"""What answers when the config names no model: the first whose provider has a key."""
OFFLINE_MODEL: Final = "offline/demo"
RESERVED: Final = frozenset({"offline", "scripted"})
"""Providers of this build that need no credential."""

THINKING_LEVELS: Final = ("off", "minimal", "low", "medium", "high", "xhigh")
_THINKING_ALIASES: Final[Mapping[str, str]] = {
    "none": "off",
    "min": "minimal",
    "mid": "medium",
    "med": "medium",
    "max": "high",
    "highest": "high",
    "on": "low",
}


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that needs no entry in the config.

    Attributes:
        base_url: its endpoint.
        api: its wire.
        variables: environment variables of its key, in order.
        any_key: whatever the variable holds will do.
    """

    base_url: str
    api: str
    variables: tuple[str, ...]
    any_key: bool = False


PROVIDERS: Final[Mapping[str, Provider]] = {
    "anthropic": Provider(
        "https://api.anthropic.com", "anthropic-messages", ("ANTHROPIC_OAUTH_TOKEN", "ANTHROPIC_API_KEY")
    ),
    "openai": Provider("https://api.openai.com/v1", "openai-completions", ("OPENAI_API_KEY",)),
    "google": Provider(
        "https://generativelanguage.googleapis.com/v1beta/openai", "openai-completions", ("GEMINI_API_KEY",)
    ),
    "openrouter": Provider("https://openrouter.ai/api/v1", "openai-completions", ("OPENROUTER_API_KEY",)),
    "vercel-ai-gateway": Provider("https://ai-gateway.vercel.sh/v1", "openai-completions", ("AI_GATEWAY_API_KEY",)),
    "zai": Provider("https://api.z.ai/api/paas/v4", "openai-completions", ("ZAI_API_KEY",)),
    "minimax": Provider("https://api.minimax.io/anthropic", "anthropic-messages", ("MINIMAX_API_KEY",)),
    "synthetic": Provider("https://api.synthetic.new/anthropic", "anthropic-messages", ("SYNTHETIC_API_KEY",)),
    "ollama": Provider("http://127.0.0.1:11434/v1", "openai-completions", ("OLLAMA_API_KEY",), any_key=True),
}

BUILT_IN_ALIASES: Final[Mapping[str, str]] = {
    "opus": "anthropic/claude-opus-4-6",
    "sonnet": "anthropic/claude-sonnet-4-5",
    "gpt": "openai/gpt-5.2",
    "gpt-mini": "openai/gpt-5-mini",
    "gemini": "google/gemini-3-pro-preview",
    "gemini-flash": "google/gemini-3-flash-preview",
}
"""Short names that count where their model is an entry of `agents.defaults.models`."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model can do, as far as its name tells."""

    context_window: int = 200_000
    reasoning: bool = False
    images: bool = False


_TRAITS: Final = (
    (re.compile(r"anthropic/claude-(?:[a-z]+-[4-9]|3-7)"), Traits(200_000, reasoning=True, images=True)),
    (re.compile(r"anthropic/claude-"), Traits(200_000, images=True)),
    (re.compile(r"openai/(?:gpt-[5-9]|o[1-9])"), Traits(400_000, reasoning=True, images=True)),
    (re.compile(r"openai/gpt-4"), Traits(128_000, images=True)),
    (re.compile(r"google/gemini-"), Traits(1_000_000, reasoning=True, images=True)),
    (re.compile(r"ollama/"), Traits(32_000)),
)


def traits(provider: str, model: str) -> Traits:
    """Return what is known of a model that the config says nothing about."""
    ref = f"{provider}/{model}"
    return next((found for pattern, found in _TRAITS if pattern.match(ref)), Traits())


@dataclass(frozen=True, slots=True)
class ParsedRef:
    """A written reference: provider and model, and the profile that a user pins with `@`."""

    provider: str
    model: str
    profile: str | None = None

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


def parse_ref(text: str, aliases: Mapping[str, str]) -> ParsedRef | None:
    """Return what a reference means: `provider/model`, an alias, or a model of the default provider; `@profile` pins.

    Args:
        text: as written; None is returned when nothing is left of it.
        aliases: lower-case alias to reference.
    """
    said, profile = _split_profile(text.strip())
    said = aliases.get(said.lower(), said)
    if not said:
        return None
    provider, slash, model = said.partition("/")
    if not slash:
        return ParsedRef(DEFAULT_PROVIDER, said, profile)
    if not provider.strip() or not model.strip():
        return None
    return ParsedRef(provider_id(provider), model.strip(), profile)


def _split_profile(text: str) -> tuple[str, str | None]:
    """Split off `@profile`; an `@` before the last slash belongs to the model's name."""
    head, at, tail = text.rpartition("@")
    if not at or not head or "/" in tail:
        return text, None
    return head, tail or None


def thinking_level(text: str) -> str | None:
    """Return the thinking level that a word means, or None."""
    word = text.strip().lower()
    word = _THINKING_ALIASES.get(word, word)
    return word if word in THINKING_LEVELS else None


def supported_thinking(level: str, provider: str, model: str, *, reasoning: bool) -> str:
    """Return the level that a model takes: none without reasoning, `xhigh` for the models that have it, else `high`."""
    if not reasoning:
        return "off"
    if level == "xhigh" and not (provider == "openai" and re.match(r"gpt-5\.[2-9]|gpt-[6-9]|.*codex", model)):
        return "high"
    if provider == "zai" and level != "off":
        return "low"
    return level
