from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from openclaw.agent.contract import ReplyTarget
from openclaw.agent.settings import Settings
from openclaw.channels.answers import AnswerStyle
from openclaw.channels.approval_prompts import ForwardSettings
from openclaw.channels.delivery import RetryPolicy
from openclaw.config.compile import compile_policy
from openclaw.config.live import LiveConfig
from openclaw.config.load import load_config
from openclaw.gateway.live_settings import LiveSettings
from openclaw.policy.snapshot import Policy
from support.configs import ConfigFolder

MEGABYTE = 1024 * 1024


def telegram(**keys: Any) -> dict[str, Any]:
    return {"channels": {"telegram": {"botToken": "1:x", **keys}}}


class World:
    """Settings over a live config in a folder of its own."""

    def __init__(self, root: Path, document: Mapping[str, Any]) -> None:
        self.folder = ConfigFolder(root)
        self.folder.write(dict(document))
        config = load_config(self.folder.layout, self.folder.environment)
        self.live: LiveConfig[Policy] = LiveConfig(
            config, self.folder.layout, self.folder.environment, compile=compile_policy
        )
        agents = Settings(lambda: self.live.config, self.folder.layout)
        self.settings = LiveSettings(self.live, self.folder.layout, agents)


@pytest.mark.parametrize(
    ("document", "style"),
    [
        ({}, AnswerStyle()),
        (telegram(), AnswerStyle(reply_to="first")),
        (
            telegram(replyToMode="off", textChunkLimit=900, chunkMode="newline"),
            AnswerStyle(900, "newline", "code", "off"),
        ),
        (telegram(markdown={"tables": "bullets"}), AnswerStyle(tables="bullets", reply_to="first")),
        ({**telegram(), "messages": {"responsePrefix": "bot:"}}, AnswerStyle(prefix="bot:")),
        ({**telegram(responsePrefix=""), "messages": {"responsePrefix": "bot:"}}, AnswerStyle(prefix="")),
    ],
)
def test_answers_look_as_the_account_wants(tmp_path: Path, document: dict[str, Any], style: AnswerStyle) -> None:
    assert World(tmp_path, document).settings.answer_style("telegram", "default") == style


def test_the_prefix_can_be_the_name_of_the_agent(tmp_path: Path) -> None:
    agents = {"list": [{"id": "main", "default": True, "identity": {"name": "Clawd"}}]}
    document = {**telegram(responsePrefix="auto"), "agents": agents}
    assert World(tmp_path, document).settings.answer_style("telegram", "default").prefix == "[Clawd]"


def test_answers_to_the_web_chat_travel_as_events(tmp_path: Path) -> None:
    assert World(tmp_path, {}).settings.answer_style("webchat", "default").outbox is False


@pytest.mark.parametrize(
    ("keys", "policy"),
    [
        ({}, RetryPolicy()),
        ({"retry": {"attempts": 5}}, RetryPolicy(attempts=5)),
        (
            {"retry": {"minDelayMs": 0, "maxDelayMs": 9, "jitter": 0}},
            RetryPolicy(min_delay_ms=0, max_delay_ms=9, jitter=0),
        ),
    ],
)
def test_retries_are_those_of_the_account(tmp_path: Path, keys: dict[str, Any], policy: RetryPolicy) -> None:
    assert World(tmp_path, telegram(**keys)).settings.retry("telegram", "default") == policy


def test_files_have_a_limit_even_where_nothing_is_set(tmp_path: Path) -> None:
    assert World(tmp_path, telegram()).settings.media_limit("telegram", "default") == 5 * MEGABYTE
    own = World(tmp_path / "own", telegram(mediaMaxMb=2)).settings
    assert own.media_limit("telegram", "default") == 2 * MEGABYTE
    assert own.media_limit("nowhere", "default") == 5 * MEGABYTE


@pytest.mark.parametrize(
    ("defaults", "zone"),
    [
        ({}, None),
        ({"envelopeTimezone": "utc"}, ZoneInfo("UTC")),
        ({"envelopeTimezone": "local"}, None),
        ({"envelopeTimezone": "user", "userTimezone": "Europe/Vienna"}, ZoneInfo("Europe/Vienna")),
        ({"envelopeTimezone": "Asia/Tokyo"}, ZoneInfo("Asia/Tokyo")),
        ({"envelopeTimezone": "Nowhere/Land"}, None),
        ({"envelopeTimezone": "../../etc/passwd"}, None),
    ],
)
def test_envelopes_are_written_in_the_wanted_zone(
    tmp_path: Path, defaults: dict[str, Any], zone: ZoneInfo | None
) -> None:
    assert World(tmp_path, {"agents": {"defaults": defaults}}).settings.envelope().zone == zone


def test_approvals_are_forwarded_only_when_switched_on(tmp_path: Path) -> None:
    assert World(tmp_path, {}).settings.forwarding() == ForwardSettings()
    block = {
        "enabled": True,
        "mode": "both",
        "agentFilter": ["Main"],
        "sessionFilter": ["telegram"],
        "targets": [{"channel": "telegram", "to": "7"}],
    }
    found = World(tmp_path / "on", {"approvals": {"exec": block}}).settings.forwarding()
    assert (found.enabled, found.mode, found.agents) == (True, "both", frozenset({"main"}))
    assert found.targets == (ReplyTarget(channel="telegram", account="default", to="7"),)
    assert found.sessions is not None
    assert found.sessions.first_in("agent:main:telegram:direct:7") is not None


def test_file_tools_are_bounded_by_the_agents_own_setting_before_the_general_one(tmp_path: Path) -> None:
    document = {
        "tools": {"fs": {"workspaceOnly": True}},
        "agents": {
            "list": [{"id": "main", "default": True}, {"id": "free", "tools": {"fs": {"workspaceOnly": False}}}]
        },
    }
    settings = World(tmp_path, document).settings
    assert (settings.bounds("main").workspace_only, settings.bounds("free").workspace_only) == (True, False)
    assert len(settings.bounds("main").workspaces) == 2


@pytest.mark.asyncio
async def test_a_reload_changes_the_answers(tmp_path: Path) -> None:
    world = World(tmp_path, telegram())
    assert world.settings.answer_style("telegram", "default").chunk_limit == 4000
    world.folder.write(telegram(textChunkLimit=500))
    await world.live.reload()
    assert world.settings.answer_style("telegram", "default").chunk_limit == 500
    assert world.settings.envelope().zone in {None, UTC}
