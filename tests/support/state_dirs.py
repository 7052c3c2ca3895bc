"""State directories: one in the shapes that the original writes, with canaries for secrets; odd disks; other owners."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openclaw.config.load import read_config
from openclaw.config.plain import read_plain
from openclaw.security.doctor.context import DoctorContext, DoctorOptions
from openclaw.security.doctor.gather import Gatherer
from openclaw.state.files import private_dir
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from support.time import FakeClock

OTHER_UID = 54321
NOW_MS = 1_790_000_000_000
TELEGRAM_TOKEN = "123456789:CANARYtelegramAAAAAAAAAAAAAAAAAAAA"


def canary(name: str) -> str:
    """Return a secret that no other place has."""
    return f"canary-{name}-0123456789abcdef"


CONFIG: dict[str, Any] = {
    "meta": {"lastTouchedVersion": "2026.2.9", "lastTouchedAt": "2026-02-09T10:00:00.000Z"},
    "env": {"vars": {"EXTRA_API_KEY": canary("env-var")}},
    "gateway": {"mode": "local", "port": 18999, "auth": {"mode": "token", "token": canary("gateway")}},
    "hooks": {"enabled": True, "token": canary("hooks")},
    "channels": {
        "telegram": {"botToken": TELEGRAM_TOKEN, "dmPolicy": "pairing", "allowFrom": ["7"]},
        "whatsapp": {"dmPolicy": "pairing"},
    },
    "agents": {"list": [{"id": "main", "default": True}, {"id": "work"}]},
    "models": {
        "providers": {
            "local": {
                "baseUrl": "https://user:" + canary("url") + "@models.example/v1",
                "apiKey": canary("provider"),
                "headers": {"x-auth": canary("header")},
                "models": [],
            }
        }
    },
    "tools": {"web": {"search": {"apiKey": canary("search")}}},
    "skills": {"entries": {"weather": {"apiKey": canary("skill"), "env": {"WEATHER": canary("skill-env")}}}},
    "plugins": {"entries": {"diagnostics-otel": {"config": {"apiKey": canary("plugin")}}}},
}

PROFILES = {
    "version": 1,
    "profiles": {
        "anthropic:default": {"type": "api_key", "provider": "anthropic", "key": canary("profile-key")},
        "openai:work": {
            "type": "oauth",
            "provider": "openai",
            "access": canary("profile-access"),
            "refresh": canary("profile-refresh"),
            "expires": NOW_MS + 90 * 86_400_000,
            "accountId": "acc-1",
        },
    },
    "order": {"anthropic": ["anthropic:default"]},
    "lastGood": {"anthropic": "anthropic:default"},
    "usageStats": {"anthropic:default": {"lastUsed": NOW_MS - 1000, "errorCount": 0}},
}


def put(root: Path, path: str, value: Any, mode: int = 0o600) -> Path:
    """Write a file below a root, as text or as JSON; folders are private."""
    place = root / path
    private_dir(place.parent)
    text = value if isinstance(value, str) else json.dumps(value, indent=2) + "\n"
    place.write_text(text, encoding="utf-8")
    place.chmod(mode)
    return place


def transcript(session_id: str, *texts: str) -> str:
    """Return a transcript as the original writes it: a header and a tree of lines."""
    lines: list[Mapping[str, Any]] = [
        {"type": "session", "version": 3, "id": session_id, "timestamp": "2026-02-09T10:00:00.000Z", "cwd": "/w"}
    ]
    parent: str | None = None
    for number, text in enumerate(texts):
        identity = f"{number:08x}"
        lines.append(
            {
                "type": "message",
                "id": identity,
                "parentId": parent,
                "timestamp": "2026-02-09T10:00:01.000Z",
                "message": {"role": "user", "content": [{"type": "text", "text": text}], "timestamp": NOW_MS},
            }
        )
        parent = identity
    return "".join(json.dumps(line) + "\n" for line in lines)


def original_state(root: Path, config: Mapping[str, Any] = CONFIG) -> StateLayout:
    """Make a state directory in the shapes of the original."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    put(root, "openclaw.json", dict(config))
    put(root, ".env", f"OPENAI_API_KEY={canary('dotenv')}\n")
    put(root, "agents/main/agent/auth-profiles.json", PROFILES)
    put(root, "agents/main/agent/models.json", {"providers": {}})
    put(
        root,
        "agents/main/sessions/sessions.json",
        {
            "agent:main:main": {"sessionId": "s-main", "updatedAt": NOW_MS, "strange": {"kept": True}},
            "agent:main:telegram:group:-100": {"sessionId": "s-group", "updatedAt": NOW_MS - 5000},
        },
    )
    put(root, "agents/main/sessions/s-main.jsonl", transcript("s-main", "hello", f"my key: {canary('pasted')}"))
    put(root, "agents/main/sessions/s-group.jsonl", transcript("s-group", "hi all"))
    put(
        root,
        "credentials/telegram-pairing.json",
        {
            "version": 1,
            "requests": [
                {
                    "id": "42",
                    "code": "ABCD2345",
                    "createdAt": "2026-09-21T14:13:20.000Z",
                    "lastSeenAt": "2026-09-21T14:13:20.000Z",
                    "meta": {"username": "bob"},
                }
            ],
        },
    )
    put(root, "credentials/telegram-allowFrom.json", {"version": 1, "allowFrom": ["7", "8"]})
    put(root, "credentials/whatsapp/default/creds.json", {"noiseKey": canary("whatsapp")})
    put(root, "identity/device-auth.json", {"version": 1, "deviceId": "d", "tokens": {}})
    put(root, "devices/paired.json", {})
    put(
        root,
        "exec-approvals.json",
        {
            "version": 1,
            "socket": {"path": "~/.openclaw/exec-approvals.sock", "token": canary("socket")},
            "defaults": {"security": "allowlist", "ask": "on-miss"},
            "agents": {"main": {"allowlist": [{"id": "a1", "pattern": "/usr/bin/rg", "lastUsedAt": NOW_MS}]}},
        },
    )
    put(root, "cron/jobs.json", {"version": 1, "jobs": [{"id": "j1", "name": "daily", "enabled": True}]})
    put(root, "cron/runs/j1.jsonl", '{"jobId":"j1","status":"ok"}\n')
    put(root, "telegram/update-offset-default.json", {"version": 1, "lastUpdateId": 7})
    put(root, "settings/voicewake.json", {"triggers": []})
    return StateLayout.at(root)


def canaries(value: Any = None) -> list[str]:
    """Return every canary in a value; by default all that `original_state` plants."""
    if value is None:
        found = [*canaries(CONFIG), *canaries(PROFILES)]
        return [*found, canary("dotenv"), canary("pasted"), canary("whatsapp"), canary("socket"), canary("url")]
    if isinstance(value, dict):
        return [text for item in value.values() for text in canaries(item)]
    if isinstance(value, list):
        return [text for item in value for text in canaries(item)]
    return [value] if isinstance(value, str) and "anary" in value.lower() and "://" not in value else []


def environment_of(home: Path, **more: str) -> Environment:
    """Return the environment of a person with this home."""
    return Environment({"HOME": str(home), "PATH": "/usr/bin:/bin", **more})


def gatherer(home: Path, options: DoctorOptions | None = None, **more: str) -> Gatherer:
    """Return what gathers the facts of the state directory of a home."""
    environment = environment_of(home, **more)
    clock = FakeClock(NOW_MS)
    return Gatherer(lambda: StateLayout.resolve(environment), environment, clock, options or DoctorOptions(quick=True))


def context_of(home: Path, options: DoctorOptions | None = None, **more: str) -> DoctorContext:
    """Return the facts of the state directory of a home."""
    return gatherer(home, options, **more).gather()


def facts_of(layout: StateLayout, environment: Environment) -> tuple[Any, Any]:
    """Return the config of a state directory, loaded and plain."""
    return read_config(layout, environment), read_plain(layout, environment)


def modes(root: Path) -> dict[str, int]:
    """Return the permission bits of everything below a root."""
    return {str(path.relative_to(root)): path.lstat().st_mode & 0o777 for path in sorted(root.rglob("*"))}


def snapshot(root: Path) -> dict[str, tuple[int, bytes | str]]:
    """Return mode and content of everything below a root, links by their target."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(root.rglob("*")):
        content: bytes | str = (
            str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        )
        found[str(path.relative_to(root))] = (path.lstat().st_mode & 0o777, content)
    return found


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder one that nothing can be written to: a read-only mount for root, a mode for others."""
    if os.geteuid() != 0:
        before = folder.stat().st_mode
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(before)
        return
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def program(path: Path, script: str) -> Path:
    """Write a shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path
