"""A state directory that the original left behind is read, used and left valid."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from support.process import GatewayProcess, base_config, free_port
from support.telegram_server import TOKEN, TelegramServer, telegram_server

pytestmark = [pytest.mark.e2e, pytest.mark.sandbox]

ANN = 42
SESSION = "3f0c9a52-8d07-4be8-9a43-1f6f3c1d2e01"
KEY = "agent:main:main"


def put(path: Path, content: Any, mode: int = 0o600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = content if isinstance(content, str) else json.dumps(content, indent=2)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def transcript(now: int) -> str:
    stamp = "2026-02-10T08:00:00.000Z"
    rows = [
        {"type": "session", "version": 3, "id": SESSION, "timestamp": stamp, "cwd": "/home/ann/.openclaw/workspace"},
        {
            "type": "message", "id": "aaaaaaaa", "parentId": None, "timestamp": stamp,
            "message": {"role": "user", "content": [{"type": "text", "text": "my cat is Miro"}], "timestamp": now},
        },
        {
            "type": "message", "id": "bbbbbbbb", "parentId": "aaaaaaaa", "timestamp": stamp,
            "message": {
                "role": "assistant", "content": [{"type": "text", "text": "Noted: Miro."}], "provider": "anthropic",
                "model": "claude-opus-4-6", "api": "anthropic-messages", "stopReason": "stop", "timestamp": now,
                "usage": {"input": 1, "output": 1, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 2,
                          "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0}},
            },
        },
    ]  # fmt: skip
    return "".join(json.dumps(row) + "\n" for row in rows)


def left_behind(gateway: GatewayProcess, server: TelegramServer) -> None:
    """Write what a year with the original leaves, with fields that this build does not know."""
    state, now = gateway.state, time.time_ns() // 1_000_000
    channel = {"botToken": TOKEN, "apiRoot": server.root, "dmPolicy": "pairing"}
    put(
        state / "openclaw.json",
        "// written by hand\n" + json.dumps({**gateway.config, "channels": {"telegram": channel}}, indent=2),
    )
    sessions = state / "agents" / "main" / "sessions"
    entry = {
        "sessionId": SESSION, "updatedAt": now - 1000, "chatType": "direct", "lastChannel": "telegram",
        "lastTo": f"telegram:{ANN}", "futureField": {"kept": True}, "systemSent": True,
        "skillsSnapshot": {"prompt": "", "skills": []},
    }  # fmt: skip
    put(sessions / "sessions.json", {KEY: entry, "agent:main:cron:j1": {"sessionId": "x", "updatedAt": 1}})
    put(sessions / f"{SESSION}.jsonl", transcript(now))
    put(state / "credentials" / "telegram-allowFrom.json", {"version": 1, "allowFrom": [str(ANN)]})
    put(state / "credentials" / "telegram-pairing.json", {"version": 1, "requests": []})
    put(state / "credentials" / "oauth.json", {"anthropic": {"access": "a", "refresh": "r", "expires": now + 10**9}})
    put(
        state / "agents" / "main" / "agent" / "auth-profiles.json",
        {"version": 1, "profiles": {"openai:work": {"type": "token", "provider": "openai", "token": "t"}}, "later": 1},
    )
    put(state / "exec-approvals.json", {"version": 1, "socket": {"path": "/x", "token": "s"}, "agents": {}})
    put(state / "cron" / "jobs.json", {"version": 1, "jobs": [{"id": "j1", "enabled": True, "name": "n"}]}, 0o644)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.asyncio
async def test_a_directory_of_the_original_goes_on_where_it_was(tmp_path: Path) -> None:
    async with telegram_server() as server:
        gateway = GatewayProcess(tmp_path, base_config(free_port()))
        gateway.config["agents"]["defaults"]["model"] = {"primary": "offline/demo"}
        left_behind(gateway, server)
        jobs = (gateway.state / "cron" / "jobs.json").read_bytes()
        try:
            await gateway.start()
            server.text("run echo go-on-$((40+2))", user=ANN)
            await server.until(lambda: len(server.sent) == 1)
            assert "go-on-42" in server.texts(ANN)[0]
            code, out, _ = await gateway.run_cli("sessions", "--json")
            assert code == 0
            assert KEY in {row["key"] for row in json.loads(out)["sessions"]}
            code, out, _ = await gateway.run_cli("pairing", "list", "telegram", "--json")
            assert (code, json.loads(out)["requests"]) == (0, [])
            assert await gateway.stop() == 0
        finally:
            await gateway.kill()

        sessions = gateway.state / "agents" / "main" / "sessions"
        entries = json.loads((sessions / "sessions.json").read_text())
        assert entries[KEY]["sessionId"] == SESSION
        assert entries[KEY]["futureField"] == {"kept": True}
        assert "agent:main:cron:j1" in entries
        lines = rows(sessions / f"{SESSION}.jsonl")
        assert [line["id"] for line in lines[1:3]] == ["aaaaaaaa", "bbbbbbbb"]
        assert lines[3]["parentId"] is not None
        assert {line["type"] for line in lines[1:]} <= {"message", "custom", "model_change", "thinking_level_change"}
        profiles = json.loads((gateway.state / "agents/main/agent/auth-profiles.json").read_text())
        assert profiles["later"] == 1
        assert {"openai:work", "anthropic:default"} <= set(profiles["profiles"])
        assert (gateway.state / "credentials" / "oauth.json").is_file()
        assert (gateway.state / "cron" / "jobs.json").read_bytes() == jobs
        assert (gateway.state / "openclaw.json").read_text().startswith("// written by hand")
