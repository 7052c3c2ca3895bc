"""Names of models say how old, weak and small they are (audit.md 4.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from openclaw.security.audit.models import legacy_reasons, size_of, weak_reasons
from support.audit import AuditHome


@pytest.mark.parametrize(
    ("model", "legacy", "weak"),
    [
        ("openai/gpt-3.5-turbo", True, True),
        ("openai/gpt-4o", False, True),
        ("gpt-4.1", False, True),
        ("gpt-oss-20b", False, True),
        ("openai/GPT-4-0613", True, True),
        ("gpt-4-0314", True, True),
        ("gpt-4-06130", False, True),
        ("openai/gpt-5-mini", False, False),
        ("gpt-5.2", False, False),
        ("gpt-50", False, True),
        ("anthropic/claude-2.1", True, True),
        ("claude-instant-1.2", True, True),
        ("anthropic/claude-3-opus-20240229", False, True),
        ("claude-sonnet-4-20250514", False, True),
        ("claude-opus-4-1", False, True),
        ("anthropic/claude-3-5-sonnet-20241022", False, False),
        ("claude-3-7-sonnet-latest", False, False),
        ("anthropic/claude-opus-4-5", False, False),
        ("claude-opus-4.6", False, False),
        ("claude-opus-4-10", False, False),
        ("claude-opus-45", False, False),
        ("claude-sonnet-5", False, False),
        ("anthropic/claude-haiku-4-5", False, True),
        ("openai/o3", False, False),
        ("google/gemini-2.5-pro", False, False),
        ("deepseek/deepseek-chat", False, False),
    ],
)
def test_old_and_weak_models_are_known_by_name(model: str, legacy: bool, weak: bool) -> None:
    assert (bool(legacy_reasons(model)), bool(weak_reasons(model))) == (legacy, weak)


@pytest.mark.parametrize(
    ("model", "billions"),
    [
        ("llama-3.1-8b", 8),
        ("gemma-3n-e4b", 4),
        ("qwen3-235b-a22b", 235),
        ("llama-3.1-405b", 405),
        ("mixtral-8x7b", 0),
        ("x/phi-3.8B", 3.8),
        ("7b-9b", 7),
        ("0b", 0),
        ("8bit", 0),
        ("", 0),
    ],
)
def test_the_size_is_the_largest_that_a_name_states(model: str, billions: float) -> None:
    assert size_of(model) == billions


def test_the_detail_names_twelve_models_and_counts_the_rest(tmp_path: Path) -> None:
    home = AuditHome(tmp_path)
    fallbacks = [f"openai/gpt-4-{number}" for number in range(20)]
    home.config({"agents": {"defaults": {"model": {"primary": "openai/gpt-5.2", "fallbacks": fallbacks}}}})
    (found,) = home.found("models.weak_tier")
    lines = found.detail.splitlines()
    assert len(lines) == 13
    assert lines[0] == "- openai/gpt-4-0 (below GPT-5) @ agents.defaults.model.fallbacks"
    assert lines[-1] == "…8 more"


def test_reasons_for_one_model_are_joined(tmp_path: Path) -> None:
    home = AuditHome(tmp_path)
    home.config({"agents": {"list": [{"id": "a", "model": " anthropic/claude-3-haiku "}]}})
    (found,) = home.found("models.weak_tier")
    assert found.detail == "- anthropic/claude-3-haiku (Haiku tier; below Claude 4.5) @ agents.list.a.model"


SMALL = {"primary": "ollama/llama-8b"}
BOXED = {"mode": "all"}


@pytest.mark.parametrize(
    ("config", "env", "severity"),
    [
        ({"agents": {"defaults": {"model": SMALL}}}, {}, "critical"),
        ({"agents": {"defaults": {"model": SMALL, "sandbox": BOXED}}}, {}, "info"),
        ({"agents": {"defaults": {"model": SMALL, "sandbox": {"mode": "non-main"}}}}, {}, "critical"),
        (
            {"agents": {"defaults": {"sandbox": BOXED}, "list": [{"id": "a", "model": "x-8b"}]}},
            {},
            "info",
        ),
        (
            {
                "agents": {
                    "defaults": {"sandbox": BOXED},
                    "list": [{"id": "a", "model": "x-8b", "sandbox": {"mode": "off"}}],
                }
            },
            {},
            "critical",
        ),
        (
            {
                "agents": {"defaults": {"model": SMALL, "sandbox": BOXED}},
                "tools": {"sandbox": {"tools": {"allow": ["web_search"], "deny": []}}},
            },
            {},
            "info",
        ),
        (
            {
                "agents": {"defaults": {"model": SMALL, "sandbox": BOXED}},
                "tools": {"sandbox": {"tools": {"allow": ["web_search"], "deny": []}}},
            },
            {"BRAVE_API_KEY": "x"},
            "critical",
        ),
        (
            {
                "agents": {"defaults": {"model": SMALL, "sandbox": BOXED}},
                "tools": {
                    "sandbox": {"tools": {"allow": ["web_fetch"], "deny": []}},
                    "web": {"fetch": {"enabled": False}},
                },
            },
            {},
            "info",
        ),
    ],
)
def test_a_small_model_is_safe_in_a_box_without_web_tools(
    config: dict[str, object], env: dict[str, str], severity: str, tmp_path: Path
) -> None:
    home = AuditHome(tmp_path, env)
    home.config(config)
    assert [found.severity for found in home.found("models.small_params")] == [severity]
