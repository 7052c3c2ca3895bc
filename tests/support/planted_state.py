"""A state directory with a canary in every place where a secret may lie: config, environment, and all stores."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from support.every_secret import canary, every_secret
from support.state_dirs import NOW_MS, put, transcript

VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "TELEGRAM_BOT_TOKEN", "DISCORD_BOT_TOKEN", "MY_SERVICE_PASSWORD")
DAY_MS = 86_400_000


class Planted:
    """Canaries by the place they were planted at."""

    def __init__(self) -> None:
        self.by_place: dict[str, str] = {}

    def new(self, place: str) -> str:
        """Return a fresh canary for a place."""
        self.by_place[place] = canary(place)
        return self.by_place[place]

    def found_in(self, text: str, *, but: Iterable[str] = ()) -> list[str]:
        """Return the places whose canaries stand in a text, also when it was encoded or cut in half."""
        left_out = set(but)
        return [
            place
            for place, secret in self.by_place.items()
            if place not in left_out and (secret in text or secret[:20] in text or secret[-20:] in text)
        ]


def plant_config(planted: Planted) -> dict[str, Any]:
    """Return a config with a canary in every secret field."""
    document, canaries = every_secret()
    planted.by_place.update(canaries)
    document["plugins"] = {"entries": {"diagnostics-otel": {"config": {"apiKey": planted.new("plugin config")}}}}
    return document


def plant_environment(planted: Planted) -> dict[str, str]:
    """Return variables that hold canaries."""
    return {name: planted.new(f"${name}") for name in VARIABLES}


def plant_stores(planted: Planted, state: Path) -> None:
    """Write every store that may hold a secret."""
    new = planted.new
    put(state, ".env", f"GROQ_API_KEY={new('.env')}\nOPENCLAW_SECRET_X='{new('.env quoted')}'\n")
    put(state, "agents/main/agent/auth-profiles.json", {"version": 1, "profiles": profiles(planted), "order": {}})
    put(state, "agents/work/agent/auth.json", {"openai": {"type": "api_key", "key": new("auth.json")}})
    oauth = {"access": new("oauth.json access"), "refresh": new("oauth.json refresh"), "expires": NOW_MS}
    put(state, "credentials/oauth.json", {"anthropic": oauth})
    put(state, "credentials/github-copilot.token.json", {"token": new("copilot"), "expiresAt": NOW_MS})
    put(state, "credentials/whatsapp/default/creds.json", {"noiseKey": new("whatsapp")})
    put(state, "node.json", {"nodeId": "n1", "token": new("node.json")})
    token = {"role": "operator", "scopes": ["operator.read"], "createdAtMs": NOW_MS}
    own = {"token": new("device-auth"), "role": "operator", "scopes": ["operator.read"], "updatedAtMs": NOW_MS}
    put(state, "identity/device-auth.json", {"version": 1, "deviceId": "d", "tokens": {"operator": own}})
    device = {"deviceId": "d1", "publicKey": "pk", "role": "operator", "roles": ["operator"], "scopes": []}
    tokens = {"operator": {**token, "token": new("paired device")}}
    put(state, "devices/paired.json", {"d1": {**device, "createdAtMs": 1, "approvedAtMs": 1, "tokens": tokens}})
    put(state, "nodes/paired.json", {"n1": {"nodeId": "n1", "token": new("paired node"), "createdAtMs": 1}})
    approvals = {"version": 1, "socket": {"path": "~/.openclaw/s.sock", "token": new("approvals socket")}}
    put(state, "exec-approvals.json", {**approvals, "defaults": {}, "agents": {}})
    put(state, "agents/main/sessions/sessions.json", {"agent:main:main": {"sessionId": "s-1", "updatedAt": NOW_MS}})
    put(state, "agents/main/sessions/s-1.jsonl", transcript("s-1", "hello", f"my password is {new('transcript')}"))
    put(state, "openclaw.json.bak", {"gateway": {"auth": {"token": new("config backup")}}})


def profiles(planted: Planted) -> dict[str, Any]:
    """Return an auth profile of each kind."""
    new = planted.new
    oauth = {"access": new("oauth access"), "refresh": new("oauth refresh"), "expires": NOW_MS + DAY_MS}
    return {
        "openai:default": {"type": "api_key", "provider": "openai", "key": new("profile key")},
        "anthropic:default": {"type": "token", "provider": "anthropic", "token": new("profile token")},
        "openai-codex:default": {"type": "oauth", "provider": "openai-codex", **oauth, "email": "a@b.example"},
    }


def paths_in(document: Mapping[str, Any]) -> list[str]:
    """Return every path of a document, parents included, as `config get` takes them."""
    found: list[str] = []

    def walk(value: Any, at: str) -> None:
        if at:
            found.append(at)
        if isinstance(value, Mapping):
            for key, item in value.items():
                plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", key)
                walk(item, f"{at}.{key}".lstrip(".") if plain else f"{at}[{json.dumps(key)}]")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                walk(item, f"{at}[{index}]")

    walk(document, "")
    return found
