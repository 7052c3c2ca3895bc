"""The stages after the schema, the file itself, and what is warned of."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.load import load_config
from openclaw.system.errors import ConfigInvalid
from openclaw.version import VERSION
from support.configs import ConfigFolder


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


def warnings(folder: ConfigFolder) -> dict[str, str]:
    loaded = folder.read()
    assert loaded.config is not None, loaded.issues
    return {warning.path: warning.message for warning in loaded.warnings}


def test_an_absent_file_is_an_empty_config(folder: ConfigFolder) -> None:
    config = load_config(folder.layout, folder.environment)
    assert (config.exists, config.hash, dict(config.document)) == (False, "", {})
    assert config.commands.native == "auto"
    assert not list(folder.root.iterdir())


def test_the_hash_is_that_of_the_bytes(folder: ConfigFolder) -> None:
    import hashlib

    path = folder.write("{ /* x */ }")
    assert folder.read().source.hash == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("make", ["folder", "fifo", "loop"])
def test_a_path_that_is_no_file_is_a_fault(folder: ConfigFolder, make: str) -> None:
    if make == "folder":
        folder.main.mkdir()
    elif make == "fifo":
        os.mkfifo(folder.main)
    else:
        folder.main.symlink_to(folder.main)
    assert folder.paths() == [""]


def test_a_broken_file_names_line_and_column_and_no_content(folder: ConfigFolder) -> None:
    folder.write("{\n  token: 'hunter2' oops\n}")
    (issue,) = folder.read().issues
    assert (issue.path, issue.line) == ("", 2)
    with pytest.raises(ConfigInvalid) as caught:
        load_config(folder.layout, folder.environment)
    assert "hunter2" not in json.dumps(caught.value.details) + str(caught.value)


def test_faults_name_their_line_in_the_main_file(folder: ConfigFolder) -> None:
    folder.write(
        "{\n  gateway: {\n    port: 'x',\n  },\n  agents: { list: [\n    { id: 'a', nonsense: 1 } ] },\n"
        "  cron: { $include: 'c.json' },\n  web: { reconnect: { jitter: 5 } },\n}"
    )
    folder.write({"enabled": 5}, "c.json")
    places = {issue.path: (issue.line, issue.column) for issue in folder.read().issues}
    assert places == {
        "gateway.port": (3, 11),
        "agents.list.0": (6, 5),
        "cron.enabled": (None, None),
        "web.reconnect.jitter": (8, 31),
    }


def test_later_stages_are_hidden_by_earlier_ones(folder: ConfigFolder) -> None:
    folder.write({"telegram": {}, "gateway": {"port": 0}, "ui": {"assistant": {"name": "${UNSET_NAME}"}}})
    assert folder.paths() == [""]
    folder.write({"telegram": {}, "gateway": {"port": 0}})
    loaded = folder.read()
    assert ([issue.path for issue in loaded.issues], loaded.legacy_only) == (["telegram"], True)
    folder.write({"gateway": {"port": 0}, "channels": {"foochat": {}}})
    assert folder.paths() == ["gateway.port"]


@pytest.mark.parametrize(
    ("agents", "bindings", "shared"),
    [
        ([{"id": "a", "agentDir": "~/x"}, {"id": "b", "agentDir": "~/x/"}], [], True),
        ([{"id": "a", "agentDir": "~/x"}, {"id": "b", "agentDir": "~/y/../x"}], [], True),
        ([{"id": "a", "agentDir": "~/x"}, {"id": "b"}], [], False),
        ([{"id": "a", "agentDir": "{state}/agents/c/agent"}], [{"agentId": "C", "match": {"channel": "x"}}], True),
        ([{"id": "a"}], [{"agentId": "A", "match": {"channel": "x"}}], False),
    ],
)
def test_no_two_agents_share_a_folder(folder: ConfigFolder, agents: Any, bindings: Any, shared: bool) -> None:
    text = json.dumps({"agents": {"list": agents}, "bindings": bindings}).replace("{state}", str(folder.root))
    folder.write(text)
    assert folder.paths() == (["agents.list"] if shared else [])


@pytest.mark.parametrize(
    ("avatar", "good"),
    [
        ("avatars/me.png", True),
        ("./a/../me.png", True),
        ("https://example.org/me.png", True),
        ("DATA:image/png;base64,AAAA", True),
        ("", True),
        ("../me.png", False),
        ("a/../../me.png", False),
        ("/etc/passwd", False),
        ("~/me.png", False),
        ("file:///etc/passwd", False),
        ("javascript:alert(1)", False),
    ],
)
def test_an_avatar_stays_in_the_workspace(folder: ConfigFolder, avatar: str, good: bool) -> None:
    folder.write({"agents": {"list": [{"id": "a"}, {"id": "b", "identity": {"avatar": avatar}}]}})
    assert folder.paths() == ([] if good else ["agents.list.1.identity.avatar"])


@pytest.mark.parametrize(
    ("target", "good"),
    [("last", True), ("none", True), ("Telegram", True), ("msteams", True), ("", False), ("x", False)],
)
def test_a_heartbeat_target_is_a_channel(folder: ConfigFolder, target: str, good: bool) -> None:
    folder.write({"agents": {"defaults": {"heartbeat": {"target": target}}}})
    assert folder.paths() == ([] if good else ["agents.defaults.heartbeat.target"])


def plugin(folder: ConfigFolder, where: str, manifest: Any) -> Path:
    return folder.write(manifest, f"{where}/openclaw.plugin.json").parent


def test_plugins_are_known_by_their_manifests(folder: ConfigFolder) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    plugin(folder, "extensions/chat", {"id": "chat", "configSchema": {}, "channels": ["foochat"]})
    place = plugin(folder, "own/tool", {"id": "tool", "configSchema": schema})
    good = {
        "channels": {"foochat": {"x": 1}},
        "plugins": {"load": {"paths": [str(place)]}, "entries": {"tool": {"config": {"n": 1}}, "chat": {}}},
        "agents": {"defaults": {"heartbeat": {"target": "foochat"}}},
    }
    folder.write(good)
    assert folder.paths() == []
    bad = {"plugins": {"load": {"paths": [str(place.parent)]}, "entries": {"tool": {"config": {"n": "x"}}}}}
    folder.write(bad)
    assert folder.paths() == ["plugins.entries.tool.config"]
    folder.write({"plugins": {"load": {"paths": [str(place)]}, "entries": {"tool": {"enabled": True}}}})
    assert folder.paths() == []


@pytest.mark.parametrize(
    "manifest",
    ["{", "[]", {"id": "x"}, {"configSchema": {}}, {"id": "../x", "configSchema": {}}, {"id": 5, "configSchema": {}}],
)
def test_a_bad_manifest_is_a_fault(folder: ConfigFolder, manifest: Any) -> None:
    plugin(folder, "extensions/bad", manifest)
    folder.write({})
    assert folder.paths() == ["plugins"]


def test_a_plugin_folder_without_a_manifest_is_a_warning_that_names_it(folder: ConfigFolder) -> None:
    plugin(folder, "extensions/chat", {"id": "chat", "configSchema": {}})
    for name in ("extensions/lost/index.js", "extensions/.cache/x", "own/lost/readme", "own/empty/x", "single/code.py"):
        (folder.root / name).parent.mkdir(parents=True)
        (folder.root / name).touch()
    (folder.root / "extensions/note.txt").touch()
    plugin(folder, "own/tool", {"id": "tool", "configSchema": {}})
    folder.write({"plugins": {"load": {"paths": [str(folder.root / "own"), str(folder.root / "single")]}}})
    config = load_config(folder.layout, folder.environment)
    expected = [folder.root / name for name in ("own/empty", "own/lost", "single", "extensions/lost")]
    assert [(warning.path, warning.message) for warning in config.warnings] == [
        ("plugins", f"{path} has no openclaw.plugin.json and is not loaded; add one or remove the folder")
        for path in expected
    ]


@pytest.mark.parametrize(
    ("plugins", "paths"),
    [
        ({"allow": ["nope"], "deny": ["nope"]}, ["plugins.allow", "plugins.deny"]),
        ({"slots": {"memory": "nope"}}, ["plugins.slots.memory"]),
        ({"slots": {"memory": "none"}}, []),
        ({"slots": {"memory": "memory-core"}, "entries": {"telegram": {"enabled": True}}}, []),
        ({"load": {"paths": ["/nonexistent/x"]}}, ["plugins.load.paths"]),
    ],
)
def test_unknown_plugins_are_faults(folder: ConfigFolder, plugins: Any, paths: list[str]) -> None:
    folder.write({"plugins": plugins})
    assert folder.paths() == paths


def test_adv_I5_the_workspace_is_not_searched_for_plugins(
    folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(folder, "ws/.openclaw/extensions/evil", {"id": "evil", "configSchema": {}})
    monkeypatch.chdir(folder.root / "ws")
    folder.write({"agents": {"defaults": {"workspace": str(folder.root / "ws")}}, "plugins": {"allow": ["evil"]}})
    assert folder.paths() == ["plugins.allow"]


def test_home_is_expanded_where_a_key_names_a_path(folder: ConfigFolder) -> None:
    folder.write(
        {
            "agents": {"defaults": {"workspace": "~/w"}},
            "logging": {"file": "~"},
            "tools": {"exec": {"pathPrepend": ["~/bin"], "safeBins": ["~/x"]}},
            "messages": {"responsePrefix": "~/not"},
            "channels": {"telegram": {"tokenFile": "~/t"}},
        }
    )
    config = load_config(folder.layout, folder.environment)
    home = str(folder.environment.home)
    assert config.agents.defaults.workspace == f"{home}/w"
    assert config.logging.file == home
    assert config.tools.exec.path_prepend == (f"{home}/bin",)
    assert config.tools.exec.safe_bins == ("~/x",)
    assert config.messages.response_prefix == "~/not"
    telegram = config.channels.get("telegram")
    assert telegram is not None
    assert telegram.token_file == f"{home}/t"


def test_what_is_odd_is_warned_of_and_accepted(folder: ConfigFolder) -> None:
    folder.write(
        {
            "meta": {"lastTouchedVersion": "2999.1.1"},
            "tools": {"deny": ["exec", "no_such_tool", "group:fs", "web_*"]},
            "agents": {
                "list": [{"id": "a", "default": True, "tools": {"allow": ["raed"]}}, {"id": "b", "default": True}]
            },
            "bindings": [{"agentId": "ghost", "match": {"channel": "telegram"}}],
            "logging": {"redactPatterns": ["good", "/also good/i", "bad("]},
            "session": {"mainKey": "other"},
            "diagnostics": {"otel": {"protocol": "grpc"}},
            "plugins": {"entries": {"memory-core": {"enabled": False, "config": {"x": 1}}}},
        }
    )
    found = warnings(folder)
    assert set(found) == {
        "meta.lastTouchedVersion",
        "tools.deny.1",
        "agents.list.0.tools.allow.0",
        "agents.list.1.default",
        "bindings.0.agentId",
        "logging.redactPatterns.2",
        "session.mainKey",
        "diagnostics.otel.protocol",
        "plugins.entries.memory-core",
    }
    assert 'did you mean "read"' in found["agents.list.0.tools.allow.0"]


def test_the_running_version_is_not_newer_than_itself(folder: ConfigFolder) -> None:
    folder.write({"meta": {"lastTouchedVersion": VERSION}})
    assert warnings(folder) == {}
