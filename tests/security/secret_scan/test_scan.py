"""Where secrets stand in plain text: every planted one is found, none is ever in a finding."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.edit import ConfigEditor, Put
from openclaw.security.secret_scan.in_files import matches
from openclaw.security.secret_scan.model import Kind, PlainSecret
from openclaw.security.secret_scan.scan import find_secrets
from openclaw.state.layout import StateLayout
from support.state_dirs import CONFIG, canaries, canary, environment_of, original_state, put, snapshot, transcript


def scanned(home: Path, **more: str) -> list[PlainSecret]:
    return find_secrets(StateLayout.at(home / ".openclaw"), environment_of(home, **more))


def of(home: Path, kind: Kind, **more: str) -> list[str]:
    return [one.path for one in scanned(home, **more) if one.kind is kind]


def test_every_secret_that_the_schema_marks_is_found_at_its_place(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    assert of(tmp_path, Kind.CONFIG) == [
        "env.vars.EXTRA_API_KEY",
        "gateway.auth.token",
        "hooks.token",
        "channels.telegram.botToken",
        "models.providers.local.apiKey",
        "models.providers.local.headers.x-auth",
        "tools.web.search.apiKey",
        "skills.entries.weather.apiKey",
        "skills.entries.weather.env.WEATHER",
    ]


def test_texts_that_only_look_like_secrets_and_addresses_with_passwords_are_found(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    assert of(tmp_path, Kind.CONFIG_URL) == ["models.providers.local.baseUrl"]
    assert of(tmp_path, Kind.CONFIG_UNMARKED) == ["plugins.entries.diagnostics-otel.config.apiKey"]


def test_the_other_stores_of_secrets_are_named(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    assert of(tmp_path, Kind.ENV_FILE) == ["OPENAI_API_KEY"]
    assert of(tmp_path, Kind.AUTH_PROFILE) == [
        "profiles.anthropic:default.key",
        "profiles.openai:work.access",
        "profiles.openai:work.refresh",
    ]
    files = {str(one.file.relative_to(root)) for one in scanned(tmp_path) if one.kind is Kind.CREDENTIAL_FILE}
    assert files == {
        "credentials/whatsapp/default/creds.json",
        "identity/device-auth.json",
        "devices/paired.json",
        "exec-approvals.json",
    }


def test_what_people_pasted_is_found_by_form_and_by_value(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    put(root, "agents/work/sessions/s.jsonl", transcript("s", "nothing here", f"it is {canary('gateway')}"))
    put(root, "cron/runs/j2.jsonl", '{"text":"sk-abcdefghijklmnop"}\n' * 7)
    put(root, "logs/openclaw-2026-01-01.log", "Authorization: Bearer abcdefghijklmnopqrstuvwxyz\n")
    found = {
        str(one.file.relative_to(root)): one.path
        for one in scanned(tmp_path)
        if one.kind in (Kind.TRANSCRIPT, Kind.LOG)
    }
    assert found == {
        "agents/main/sessions/s-main.jsonl": "line 3",
        "agents/work/sessions/s.jsonl": "line 3",
        "cron/runs/j2.jsonl": "lines 1, 2, 3, 4, 5 and 2 more",
        "logs/openclaw-2026-01-01.log": "line 1",
    }


def test_patterns_of_the_config_count_too(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw", {**CONFIG, "logging": {"redactPatterns": ["ACME-[0-9]+"]}}).root
    put(root, "agents/main/sessions/s-group.jsonl", transcript("s-group", "badge ACME-77"))
    assert any(one.file.name == "s-group.jsonl" for one in scanned(tmp_path))


def test_backups_of_the_config_are_looked_at(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    ConfigEditor(layout, environment_of(tmp_path)).change(
        [Put(("gateway", "auth", "token"), "another-token-0123456789")]
    )
    assert "gateway.auth.token" in of(tmp_path, Kind.CONFIG_BACKUP)


def test_a_secret_of_an_included_file_is_found_in_that_file(tmp_path: Path) -> None:
    config = {"channels": {"telegram": {"$include": "tg.json"}}, "hooks": {"token": "hooks-token-0123456789"}}
    layout = original_state(tmp_path / ".openclaw", config)
    put(layout.root, "tg.json", {"botToken": canary("included")})
    found = [(one.file.name, one.path) for one in scanned(tmp_path) if one.kind is Kind.CONFIG]
    assert sorted(found) == [("openclaw.json", "hooks.token"), ("tg.json", "channels.telegram.botToken")]


@pytest.mark.parametrize(
    "token", ["${TOKEN}", {"source": "env", "id": "TOKEN"}, {"source": "exec", "command": ["/bin/sleep", "60"]}]
)
def test_references_are_no_plain_secrets_and_no_secret_command_is_run(tmp_path: Path, token: Any) -> None:
    original_state(tmp_path / ".openclaw", {"gateway": {"auth": {"token": token}}})
    assert of(tmp_path, Kind.CONFIG, TOKEN="x" * 20) == []


def test_no_finding_holds_a_secret(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    found = scanned(tmp_path)
    text = repr(found) + str([one.as_json() for one in found])
    for secret in canaries():
        assert secret not in text


def test_the_scan_writes_nothing_and_follows_no_link(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    outside = put(tmp_path, "outside.jsonl", '{"text":"sk-abcdefghijklmnop"}')
    (root / "agents/main/sessions/linked.jsonl").symlink_to(outside)
    os.mkfifo(root / "agents/main/sessions/pipe.jsonl")
    before = snapshot(root)
    assert not any("linked" in one.file.name for one in scanned(tmp_path))
    assert snapshot(root) == before


@pytest.mark.parametrize("config", ["", "{", "[]", '{"gateway": 5}'])
def test_an_invalid_config_does_not_hide_the_rest(tmp_path: Path, config: str) -> None:
    layout = original_state(tmp_path / ".openclaw")
    put(layout.root, "openclaw.json", config)
    assert of(tmp_path, Kind.AUTH_PROFILE)


def test_an_empty_home_holds_nothing(tmp_path: Path) -> None:
    assert scanned(tmp_path) == []


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("agents/a/agent/auth.json", "agents/*/agent/auth.json", True),
        ("agents/a/b/agent/auth.json", "agents/*/agent/auth.json", False),
        ("logs/x", "logs/*", True),
        ("logs/x/y", "logs/*", False),
    ],
)
def test_patterns_match_part_by_part(path: str, pattern: str, fits: bool) -> None:
    assert matches(path, pattern) is fits
