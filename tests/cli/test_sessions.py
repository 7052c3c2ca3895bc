from __future__ import annotations

import json
import time
from typing import Any

import pytest

from support.cli import Cli

NOW = time.time_ns() // 1_000_000


def stored(cli: Cli, entries: Any, *, agent: str = "main") -> None:
    folder = cli.home.state / "agents" / agent / "sessions"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    cli.home.state.chmod(0o700)
    (folder / "sessions.json").write_text(json.dumps(entries))


def entry(minutes: float, **fields: Any) -> dict[str, Any]:
    return {"sessionId": f"s{minutes}", "updatedAt": NOW - int(minutes * 60_000), **fields}


ENTRIES = {
    "agent:main:main": entry(1, model="demo", totalTokens=12_000, contextTokens=200_000, thinkingLevel="high"),
    "agent:main:telegram:group:-5": entry(90, systemSent=True, abortedLastRun=True),
    "global": entry(300),
}


def test_sessions_are_listed_newest_first(cli: Cli) -> None:
    stored(cli, ENTRIES)
    found = cli("sessions", "--json").json
    assert set(found) == {"path", "count", "activeMinutes", "sessions"}
    assert found["path"] == str(cli.home.state / "agents/main/sessions/sessions.json")
    assert (found["count"], found["activeMinutes"]) == (3, None)
    assert [(row["key"], row["kind"]) for row in found["sessions"]] == [
        ("agent:main:main", "direct"),
        ("agent:main:telegram:group:-5", "group"),
        ("global", "global"),
    ]
    assert found["sessions"][0]["thinkingLevel"] == "high"


def test_only_recent_ones_can_be_asked_for(cli: Cli) -> None:
    stored(cli, ENTRIES)
    found = cli("sessions", "--active", "100", "--json").json
    assert (found["count"], found["activeMinutes"]) == (2, 100)


def test_the_table_says_ages_tokens_and_flags(cli: Cli) -> None:
    stored(cli, ENTRIES)
    lines = cli("sessions").out.splitlines()
    assert lines[0] == "Session store: ~/.openclaw/agents/main/sessions/sessions.json"
    assert lines[1].split() == ["Kind", "Key", "Age", "Model", "Tokens", "Flags"]
    assert "12k/200k (6%)  thinking:high" in lines[2]
    assert "system aborted" in lines[3]


def test_another_store_and_the_configured_one_are_read(cli: Cli) -> None:
    stored(cli, ENTRIES, agent="work")
    assert cli("sessions", "--json").json["count"] == 0
    other = cli.home.state / "agents/work/sessions/sessions.json"
    assert cli("sessions", "--store", str(other), "--json").json["count"] == 3
    cli.home.write_config({"session": {"store": "~/.openclaw/agents/{agentId}/sessions/sessions.json"}})
    assert cli("sessions", "--json").json["path"].endswith("agents/main/sessions/sessions.json")
    cli.home.write_config({"agents": {"list": [{"id": "work"}]}})
    assert cli("sessions", "--json").json["count"] == 3


@pytest.mark.parametrize("text", ["[]", "{", "5"])
def test_a_broken_store_is_one_clear_line(cli: Cli, text: str) -> None:
    stored(cli, {})
    (cli.home.state / "agents/main/sessions/sessions.json").write_text(text)
    answer = cli("sessions")
    assert answer.code == 1
    assert "sessions.json" in answer.err


def test_no_sessions_is_said(cli: Cli) -> None:
    assert "No sessions yet." in cli("sessions").out
    assert not cli.home.state.exists()
