"""The ways to log in to a model that onboarding offers, as data (config.md 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ChoiceId = str


@dataclass(frozen=True, slots=True)
class AuthChoice:
    """One way to log in.

    Attributes:
        id: value of `--auth-choice`, as the original calls it.
        provider: provider id.
        label: for people.
        flag: option that gives the key; empty where there is none.
        model: model that is proposed.
        kind: what the secret is.
        needs: what else must be told.
    """

    id: str
    provider: str
    label: str
    flag: str
    model: str
    kind: Literal["api_key", "token", "none"] = "api_key"
    needs: Literal["", "model", "address"] = ""


CHOICES: Final = (
    AuthChoice("apiKey", "anthropic", "Anthropic, API key", "anthropic-api-key", "claude-opus-4-6"),
    AuthChoice("token", "anthropic", "Anthropic, setup token", "token", "claude-opus-4-6", kind="token"),
    AuthChoice("openai-api-key", "openai", "OpenAI, API key", "openai-api-key", "gpt-5.2"),
    AuthChoice("gemini-api-key", "google", "Google Gemini, API key", "gemini-api-key", "gemini-3-pro-preview"),
    AuthChoice("openrouter-api-key", "openrouter", "OpenRouter, API key", "openrouter-api-key", "auto"),
    AuthChoice(
        "ai-gateway-api-key",
        "vercel-ai-gateway",
        "Vercel AI Gateway",
        "ai-gateway-api-key",
        "anthropic/claude-opus-4.6",
    ),
    AuthChoice("zai-api-key", "zai", "Z.AI, API key", "zai-api-key", "glm-4.7"),
    AuthChoice("minimax-api", "minimax", "MiniMax, API key", "minimax-api-key", "MiniMax-M2.1"),
    AuthChoice(
        "synthetic-api-key", "synthetic", "Synthetic, API key", "synthetic-api-key", "hf:MiniMaxAI/MiniMax-M2.1"
    ),
    AuthChoice("ollama", "ollama", "Ollama on this machine, no key", "", "", kind="none", needs="model"),
    AuthChoice(
        "custom-api-key",
        "custom",
        "Another server that speaks the OpenAI or Anthropic wire",
        "custom-api-key",
        "",
        needs="address",
    ),
)
SKIP: Final = "skip"
"""`--auth-choice` that adds no model."""
WIRES: Final = {"openai": "openai-completions", "anthropic": "anthropic-messages"}
"""`--custom-compatibility` to the wire of `models.providers.<id>.api`."""


def choice_of(text: str) -> AuthChoice | None:
    """Return a choice by its id."""
    return next((choice for choice in CHOICES if choice.id == text), None)
