from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.legacy import find_legacy
from openclaw.config.migrate import difference, migrate
from openclaw.config.model import Config
from openclaw.config.text_edit import apply_changes, render

LEGACY: list[tuple[dict[str, Any], list[str], dict[str, Any]]] = [
    ({"telegram": {"botToken": "x"}}, ["telegram"], {"channels": {"telegram": {"botToken": "x"}}}),
    (
        {"signal": {"account": "old", "httpPort": 1}, "channels": {"signal": {"account": "new"}}},
        ["signal"],
        {"channels": {"signal": {"account": "new", "httpPort": 1}}},
    ),
    (
        {"telegram": {"requireMention": False}},
        ["telegram", "telegram.requireMention"],
        {"channels": {"telegram": {"groups": {"*": {"requireMention": False}}}}},
    ),
    ({"gateway": {"token": "t"}}, ["gateway.token"], {"gateway": {"auth": {"token": "t", "mode": "token"}}}),
    (
        {"gateway": {"token": "t", "auth": {"token": "new", "mode": "password"}}},
        ["gateway.token"],
        {"gateway": {"auth": {"token": "new", "mode": "password"}}},
    ),
    ({"tools": {"bash": {"timeoutSec": 5}}}, ["tools.bash"], {"tools": {"exec": {"timeoutSec": 5}}}),
    ({"messages": {"tts": {"enabled": True}}}, ["messages.tts.enabled"], {"messages": {"tts": {"auto": "always"}}}),
    (
        {"messages": {"tts": {"enabled": True, "auto": "tagged"}}},
        ["messages.tts.enabled"],
        {"messages": {"tts": {"auto": "tagged"}}},
    ),
    ({"routing": {"allowFrom": ["+1"]}}, ["routing.allowFrom"], {}),
    (
        {"routing": {"allowFrom": ["+1"]}, "channels": {"whatsapp": {}}},
        ["routing.allowFrom"],
        {"channels": {"whatsapp": {"allowFrom": ["+1"]}}},
    ),
    (
        {"routing": {"groupChat": {"mentionPatterns": ["x"], "historyLimit": 5}}},
        ["routing.groupChat.mentionPatterns", "routing.groupChat.historyLimit"],
        {"messages": {"groupChat": {"mentionPatterns": ["x"], "historyLimit": 5}}},
    ),
    (
        {"routing": {"groupChat": {"requireMention": True}}, "channels": {"whatsapp": {}, "signal": {}}},
        ["routing.groupChat.requireMention"],
        {"channels": {"whatsapp": {"groups": {"*": {"requireMention": True}}}, "signal": {}}},
    ),
    (
        {"routing": {"agents": {"a": {"name": "A"}}, "defaultAgentId": "a"}},
        ["routing.agents", "routing.defaultAgentId"],
        {"agents": {"list": [{"id": "a", "name": "A", "default": True}]}},
    ),
    (
        {"routing": {"bindings": [{"agentId": "a", "match": {"provider": "slack", "accountID": "w"}}]}},
        ["routing.bindings"],
        {"bindings": [{"agentId": "a", "match": {"channel": "slack", "accountId": "w"}}]},
    ),
    (
        {"routing": {"queue": {"mode": "steer", "byProvider": {"slack": "collect"}}}},
        ["routing.queue"],
        {"messages": {"queue": {"mode": "steer", "byChannel": {"slack": "collect"}}}},
    ),
    (
        {"routing": {"transcribeAudio": {"command": ["whisper", "-f"], "timeoutSeconds": 9}}},
        ["routing.transcribeAudio"],
        {
            "tools": {
                "media": {
                    "audio": {"models": [{"type": "cli", "command": "whisper", "args": ["-f"], "timeoutSeconds": 9}]}
                }
            }
        },
    ),
    ({"identity": {"name": "N"}}, ["identity"], {"agents": {"list": [{"id": "main", "identity": {"name": "N"}}]}}),
    (
        {"agent": {"model": "m", "imageModel": "i", "modelFallbacks": ["f"], "workspace": "/w"}},
        ["agent", "agent.model", "agent.imageModel", "agent.modelFallbacks"],
        {
            "agents": {
                "defaults": {
                    "model": {"primary": "m", "fallbacks": ["f"]},
                    "imageModel": {"primary": "i"},
                    "workspace": "/w",
                }
            }
        },
    ),
    (
        {"agent": {"allowedModels": ["a/b"], "modelAliases": {"x": "a/c"}, "elevated": {"enabled": False}}},
        ["agent", "agent.allowedModels", "agent.modelAliases"],
        {
            "agents": {"defaults": {"models": {"a/b": {}, "a/c": {"alias": "x"}}}},
            "tools": {"elevated": {"enabled": False}},
        },
    ),
]


@pytest.mark.parametrize(("document", "paths", "moved"), LEGACY)
def test_older_keys_are_found_and_moved(document: dict[str, Any], paths: list[str], moved: dict[str, Any]) -> None:
    assert sorted(issue.path for issue in find_legacy(document)) == sorted(paths)
    assert all("doctor --fix" in issue.message for issue in find_legacy(document))
    result, notes = migrate(document)
    assert result == moved
    assert notes
    assert find_legacy(result) == []
    Config.from_document(result)


@pytest.mark.parametrize(("document", "_", "moved"), LEGACY)
def test_a_migration_is_a_set_of_changes_to_the_text(document: Any, _: Any, moved: Any) -> None:
    assert apply_changes(render(document), list(difference(document, migrate(document)[0]))).value == moved


def test_a_document_without_older_keys_is_left_alone() -> None:
    document = {"gateway": {"port": 1}, "agents": {"list": [{"id": "a"}]}}
    assert migrate(document) == (document, ())


def test_the_audio_block_moves_silently() -> None:
    document = {"audio": {"transcription": {"command": ["w"]}}}
    assert find_legacy(document) == []
    assert migrate(document)[0] == {
        "tools": {"media": {"audio": {"models": [{"type": "cli", "command": "w", "args": []}]}}}
    }


def test_values_of_strange_types_do_not_break_a_migration() -> None:
    values: tuple[Any, ...] = (None, 5, "x", [], {})
    for strange in values:
        for key in ("routing", "agent", "identity", "telegram", "gateway", "messages", "tools", "channels"):
            migrate({key: strange})
            find_legacy({key: strange})
