from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.settings import SEED_RULES
from support.agents import World

AGENTS: dict[str, Any] = {
    "defaults": {"model": {"primary": "openai/a", "fallbacks": ["openai/b"]}, "timeoutSeconds": 60, "maxConcurrent": 7},
    "list": [
        {"id": "Home", "identity": {"name": "Molty", "emoji": "x"}},
        {"id": "work", "default": True, "model": {"fallbacks": []}, "name": "Worker"},
        {"id": "lab", "model": "anthropic/c"},
    ],
}


def world(tmp_path: Path, **document: Any) -> World:
    return World(tmp_path, {"agents": AGENTS, **document})


def test_an_agent_takes_its_own_over_the_defaults(tmp_path: Path) -> None:
    settings = world(tmp_path).settings
    home, work, lab = (settings.agent(name) for name in ("HOME", "work", "lab"))
    assert (home.name, home.primary, home.fallbacks) == ("Molty", "openai/a", ("openai/b",))
    assert (work.name, work.primary, work.fallbacks) == ("Worker", "openai/a", ())
    assert (lab.primary, lab.fallbacks) == ("anthropic/c", ("openai/b",))
    assert lab.primary_key == "agents.list (lab) model.primary"
    assert (settings.default_agent, settings.agent_ids) == ("work", ("home", "work", "lab"))
    assert lab.store == tmp_path / "agents/lab/sessions/sessions.json"
    assert home.timeout_seconds == 60


def test_a_changed_config_counts_at_once(tmp_path: Path) -> None:
    found = world(tmp_path)
    assert found.settings.agent("home").verbose == "off"
    found.document["agents"] = {"defaults": {"verboseDefault": "full"}}
    found.reload()
    assert found.settings.agent("home").verbose == "full"
    assert found.settings.agent_ids == ("main",)


@pytest.mark.parametrize(
    ("configured", "expected"),
    [(None, SEED_RULES), ("default", SEED_RULES), ("off", ()), (["One.", "Two."], ("One.", "Two."))],
)
def test_the_security_rules_can_be_chosen(tmp_path: Path, configured: Any, expected: tuple[str, ...]) -> None:
    defaults = {} if configured is None else {"securityRules": configured}
    assert World(tmp_path, {"agents": {"defaults": defaults}}).settings.agent("main").rules == expected


def test_lanes_have_their_configured_caps(tmp_path: Path) -> None:
    settings = world(tmp_path, cron={"maxConcurrentRuns": 3}).settings
    assert [settings.lane_cap(name) for name in ("main", "subagent", "cron", "nested", "other")] == [7, 8, 3, 1, 1]


@pytest.mark.parametrize(
    ("queue", "channel", "expected"),
    [
        ({}, "telegram", ("collect", 1.0, 20, "summarize")),
        ({"mode": "followup", "debounceMs": 0, "cap": 3, "drop": "new"}, "telegram", ("followup", 0.0, 3, "new")),
        ({"mode": "followup", "byChannel": {"telegram": "interrupt"}}, "telegram", ("interrupt", 1.0, 20, "summarize")),
        ({"debounceMsByChannel": {"telegram": 250}}, "telegram", ("collect", 0.25, 20, "summarize")),
        ({"mode": "steer"}, "telegram", ("collect", 1.0, 20, "summarize")),
        ({"mode": "queue"}, "somewhere", ("collect", 1.0, 20, "summarize")),
    ],
)
def test_the_queue_is_set_per_channel(
    tmp_path: Path, queue: dict[str, Any], channel: str, expected: tuple[Any, ...]
) -> None:
    found = World(tmp_path, {"messages": {"queue": queue}}).settings.queue(channel)
    assert (found.mode, found.debounce_seconds, found.cap, found.drop) == expected
