from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.models.catalog import parse_ref, supported_thinking, thinking_level
from openclaw.agent.models.registry import Candidate, Wish
from openclaw.system.errors import InvalidInput
from support.agents import World
from support.time import FakeClock

KEY = {"type": "api_key", "provider": "anthropic", "key": "sk-ant-secret-1"}
LOCAL = {"baseUrl": "http://127.0.0.1:9/v1", "api": "openai-completions", "models": [{"id": "m", "name": "M"}]}


def defaults(**fields: Any) -> dict[str, Any]:
    return {"agents": {"defaults": fields}}


async def plan(world: World, wish: Wish | None = None, agent: str = "main") -> tuple[Candidate, ...]:
    async with world.registry() as registry:
        return registry.plan(world.settings.agent(agent), wish or Wish())


def refs(candidates: tuple[Candidate, ...]) -> list[str]:
    return [str(candidate.ref) for candidate in candidates]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("openai/gpt-5.2", "openai/gpt-5.2"),
        ("OpenRouter/anthropic/claude-x", "openrouter/anthropic/claude-x"),
        ("claude-opus-4-6", "anthropic/claude-opus-4-6"),
        ("z.ai/glm-5", "zai/glm-5"),
        ("fast", "openai/gpt-5-mini"),
        ("FAST", "openai/gpt-5-mini"),
        ("/x", None),
        ("x/", None),
        ("  ", None),
    ],
)
def test_references_are_read_in_one_way(text: str, expected: str | None) -> None:
    parsed = parse_ref(text, {"fast": "openai/gpt-5-mini"})
    assert (str(parsed) if parsed else None) == expected


def test_a_profile_is_pinned_with_an_at() -> None:
    parsed = parse_ref("openai/gpt-5.2@openai:work", {})
    assert parsed is not None
    assert (parsed.model, parsed.profile) == ("gpt-5.2", "openai:work")
    other = parse_ref("vertex/model@2024/x", {})
    assert other is not None
    assert other.profile is None


@pytest.mark.parametrize(
    ("word", "level"), [("Max", "high"), ("highest", "high"), ("off", "off"), ("xhigh", "xhigh"), ("?", None)]
)
def test_thinking_levels_have_other_names(word: str, level: str | None) -> None:
    assert thinking_level(word) == level


def test_a_model_gets_the_level_that_it_takes() -> None:
    assert supported_thinking("xhigh", "openai", "gpt-5.2", reasoning=True) == "xhigh"
    assert supported_thinking("xhigh", "anthropic", "claude-opus-4-6", reasoning=True) == "high"
    assert supported_thinking("high", "local", "m", reasoning=False) == "off"


@pytest.mark.asyncio
async def test_without_model_and_key_the_offline_model_answers(tmp_path: Path) -> None:
    assert refs(await plan(World(tmp_path))) == ["offline/demo"]


@pytest.mark.asyncio
async def test_with_a_key_the_built_in_default_answers(tmp_path: Path) -> None:
    (candidate,) = await plan(World(tmp_path, env={"ANTHROPIC_API_KEY": "sk-ant-x-123456"}))
    assert str(candidate.ref) == "anthropic/claude-opus-4-6"
    assert candidate.keys[0].origin == "environment variable ANTHROPIC_API_KEY"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"OPENAI_API_KEY": "k-0"}, "openai/gpt-5.2"),
        ({"GEMINI_API_KEY": "k-1"}, "google/gemini-3-pro-preview"),
        ({"OPENAI_API_KEY": "k-0", "ANTHROPIC_API_KEY": "k-2"}, "anthropic/claude-opus-4-6"),
    ],
)
async def test_without_a_model_the_first_provider_with_a_key_answers(
    tmp_path: Path, env: dict[str, str], expected: str
) -> None:
    assert refs(await plan(World(tmp_path, env=env))) == [expected]


@pytest.mark.asyncio
async def test_without_a_model_and_a_key_a_provider_of_the_config_answers(tmp_path: Path) -> None:
    assert refs(await plan(World(tmp_path, {"models": {"providers": {"local": LOCAL}}}))) == ["local/m"]


@pytest.mark.asyncio
@pytest.mark.parametrize("model", ["anthropic/claude-opus-4-6", "openai/gpt-5.2"])
async def test_a_configured_model_without_a_key_is_never_silently_offline(tmp_path: Path, model: str) -> None:
    with pytest.raises(InvalidInput, match=rf"{model}: no credential.*apiKey"):
        await plan(World(tmp_path, defaults(model={"primary": model})))


@pytest.mark.asyncio
async def test_an_unknown_provider_names_the_keys_to_set(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"models\.providers\.nowhere\.baseUrl"):
        await plan(World(tmp_path, defaults(model={"primary": "nowhere/m"})))


@pytest.mark.asyncio
async def test_a_provider_of_the_config_needs_no_key(tmp_path: Path) -> None:
    document = {**defaults(model={"primary": "local/m"}), "models": {"providers": {"local": LOCAL}}}
    (candidate,) = await plan(World(tmp_path, document))
    assert candidate.ref.base_url == "http://127.0.0.1:9/v1"
    assert [key.secret for key in candidate.keys] == [None]


@pytest.mark.asyncio
async def test_what_the_config_says_about_a_model_counts(tmp_path: Path) -> None:
    model = {
        "id": "m", "name": "M", "reasoning": True, "input": ["text", "image"], "contextWindow": 1000, "maxTokens": 77,
        "headers": {"X-B": "b"},
    }  # fmt: skip
    provider = {**LOCAL, "models": [model], "apiKey": "sk-config-123", "headers": {"X-A": "a"}, "authHeader": True}
    document = {
        **defaults(
            model={"primary": "local/m"}, models={"local/m": {"params": {"temperature": 0.1}, "streaming": False}}
        ),
        "models": {"providers": {"local": provider}},
    }
    (candidate,) = await plan(World(tmp_path, document))
    ref = candidate.ref
    assert (ref.context_window, ref.max_tokens, ref.reasoning, ref.images) == (1000, 77, True, True)
    assert ref.headers == {"X-A": "a", "X-B": "b"}
    assert (ref.params, ref.streaming, ref.auth_header) == ({"temperature": 0.1}, False, True)
    assert candidate.keys[0].secret is not None
    assert candidate.keys[0].secret.reveal() == "sk-config-123"


@pytest.mark.asyncio
async def test_profiles_come_before_the_environment_and_the_config(tmp_path: Path) -> None:
    world = World(
        tmp_path, defaults(model={"primary": "anthropic/claude-x"}), env={"ANTHROPIC_API_KEY": "sk-ant-env-12"}
    )
    world.write_profiles({"anthropic:default": KEY})
    (candidate,) = await plan(world)
    assert [key.origin for key in candidate.keys] == [
        "auth profile anthropic:default",
        "environment variable ANTHROPIC_API_KEY",
    ]


@pytest.mark.asyncio
async def test_an_agent_inherits_the_main_agents_profiles_unless_told_not_to(tmp_path: Path) -> None:
    document = {
        **defaults(model={"primary": "anthropic/claude-x"}),
        "agents": {"list": [{"id": "main"}, {"id": "work", "model": "anthropic/claude-x"}]},
    }
    world = World(tmp_path, document)
    world.write_profiles({"anthropic:default": KEY})
    assert refs(await plan(world, agent="work")) == ["anthropic/claude-x"]
    world.document["auth"] = {"inheritMain": False}
    world.reload()
    with pytest.raises(InvalidInput, match="no credential"):
        await plan(world, agent="work")


@pytest.mark.asyncio
async def test_fallbacks_follow_and_the_configured_primary_comes_last(tmp_path: Path) -> None:
    document = defaults(model={"primary": "openai/a", "fallbacks": ["openai/b", "anthropic/no-key"]})
    world = World(tmp_path, document, env={"OPENAI_API_KEY": "sk-openai-12345"})
    assert refs(await plan(world)) == ["openai/a", "openai/b"]
    assert refs(await plan(world, Wish(model="openai/c"))) == ["openai/c", "openai/b", "openai/a"]


@pytest.mark.asyncio
async def test_the_catalogue_is_the_allow_list(tmp_path: Path) -> None:
    document = defaults(
        model={"primary": "openai/a", "fallbacks": ["openai/b", "openai/c"]},
        models={"openai/b": {"alias": "Bee"}, "anthropic/claude-opus-4-6": {}},
    )
    world = World(tmp_path, document, env={"OPENAI_API_KEY": "sk-openai-12345"})
    assert refs(await plan(world)) == ["openai/a", "openai/b"]
    assert refs(await plan(world, Wish(session_model="openai/not-listed"))) == ["openai/a", "openai/b"]
    async with world.registry() as registry:
        assert str(registry.choose("bee")) == "openai/b"
        assert str(registry.choose("opus")) == "anthropic/claude-opus-4-6"
        assert str(registry.choose("openai/a")) == "openai/a"
        for refused in ("openai/c", "gpt"):
            with pytest.raises(InvalidInput, match="not allowed"):
                registry.choose(refused)


@pytest.mark.asyncio
async def test_a_pinned_profile_is_the_only_key(tmp_path: Path) -> None:
    world = World(
        tmp_path, defaults(model={"primary": "anthropic/claude-x"}), env={"ANTHROPIC_API_KEY": "sk-ant-env-12"}
    )
    world.write_profiles({"anthropic:a": KEY, "anthropic:b": KEY})
    (candidate,) = await plan(world, Wish(profile="anthropic:b", profile_by_user=True))
    assert [key.profile_id for key in candidate.keys] == ["anthropic:b"]
    (candidate,) = await plan(world, Wish(profile="anthropic:b"))
    assert [key.profile_id for key in candidate.keys] == ["anthropic:b", "anthropic:a", None]


@pytest.mark.asyncio
async def test_a_model_whose_profiles_all_rest_is_skipped(tmp_path: Path) -> None:
    clock = FakeClock()
    document = defaults(model={"primary": "anthropic/claude-x", "fallbacks": ["openai/b"]})
    world = World(tmp_path, document, env={"OPENAI_API_KEY": "sk-openai-12345"}, clock=clock)
    world.write_profiles({"anthropic:a": KEY}, usageStats={"anthropic:a": {"cooldownUntil": clock.now_ms() + 90_000}})
    assert refs(await plan(world)) == ["openai/b"]
    world.document["agents"]["defaults"]["model"]["fallbacks"] = []
    world.reload()
    with pytest.raises(InvalidInput, match="resting for 2 min"):
        await plan(world)


@pytest.mark.asyncio
async def test_a_failure_rests_the_profile_at_once_and_on_the_disk(tmp_path: Path) -> None:
    world = World(tmp_path, defaults(model={"primary": "anthropic/claude-x"}))
    path = world.write_profiles({"anthropic:a": KEY, "anthropic:b": KEY})
    agent = world.settings.agent("main")
    async with world.registry() as registry:
        (candidate,) = registry.plan(agent, Wish())
        first = candidate.keys[0]
        registry.keyring.failed(agent, "anthropic", first, "rate_limit")
        (after,) = registry.plan(agent, Wish())
        assert [key.profile_id for key in after.keys] == ["anthropic:b", "anthropic:a"]
        await world.tasks.join()
        stats = json.loads(path.read_text())["usageStats"]["anthropic:a"]
        assert stats["errorCount"] == 1
        registry.keyring.succeeded(agent, "anthropic", first)
        await world.tasks.join()
    assert json.loads(path.read_text())["lastGood"] == {"anthropic": "anthropic:a"}


@pytest.mark.asyncio
async def test_the_list_of_models_names_what_the_config_names(tmp_path: Path) -> None:
    document = {
        **defaults(model={"primary": "local/m"}, models={"openai/gpt-5.2": {}}),
        "models": {"providers": {"local": LOCAL}},
    }
    world = World(tmp_path, document)
    async with world.registry() as registry:
        rows = registry.listed()
    assert [f"{row['provider']}/{row['id']}" for row in rows] == ["openai/gpt-5.2", "local/m", "offline/demo"]
    assert set(rows[0]) == {"id", "name", "provider", "contextWindow", "reasoning", "input"}


def login(world: World, *, ends_in: int) -> dict[str, Any]:
    secrets = {"access": "canary-access", "refresh": "canary-refresh"}
    return {"type": "oauth", "provider": "anthropic", **secrets, "expires": world.clock.now_ms() + ends_in}


@pytest.mark.asyncio
async def test_an_expired_login_is_named_with_the_way_to_log_in_again(tmp_path: Path) -> None:
    world = World(tmp_path, defaults(model={"primary": "anthropic/claude-opus-4-6"}))
    world.write_profiles({"anthropic:old": login(world, ends_in=-90_000_000), "anthropic:me": login(world, ends_in=-1)})
    with pytest.raises(InvalidInput, match=r'the login "anthropic:me" expired on .* log in again with') as caught:
        await plan(world)
    assert "openclaw configure --section model" in caught.value.message
    assert "canary" not in str(caught.value)
    with pytest.raises(InvalidInput, match='"anthropic:old" expired'):
        await plan(world, Wish(model="anthropic/claude-opus-4-6@anthropic:old"))


@pytest.mark.asyncio
async def test_a_login_serves_until_it_expires_and_another_key_takes_over(tmp_path: Path) -> None:
    world = World(tmp_path, defaults(model={"primary": "anthropic/claude-opus-4-6"}))
    world.write_profiles({"anthropic:me": login(world, ends_in=60_000)})
    (candidate,) = await plan(world)
    assert [key.profile_id for key in candidate.keys] == ["anthropic:me"]
    world.write_profiles({"anthropic:me": login(world, ends_in=0), "anthropic:default": KEY})
    (candidate,) = await plan(world)
    assert [key.profile_id for key in candidate.keys] == ["anthropic:default"]


@pytest.mark.asyncio
async def test_a_login_that_another_program_renewed_counts_again(tmp_path: Path) -> None:
    world = World(tmp_path, defaults(model={"primary": "anthropic/claude-opus-4-6"}))
    async with world.registry() as registry:
        world.write_profiles({"anthropic:me": login(world, ends_in=-1)})
        with pytest.raises(InvalidInput, match="expired"):
            registry.plan(world.settings.agent("main"), Wish())
        world.write_profiles({"anthropic:me": login(world, ends_in=3_600_000)})
        (candidate,) = registry.plan(world.settings.agent("main"), Wish())
        assert candidate.keys[0].profile_id == "anthropic:me"
