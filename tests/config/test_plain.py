from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.load import read_config
from openclaw.config.plain import read_plain
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment


def written(root: Path, text: str, **files: str) -> StateLayout:
    layout = StateLayout.at(root)
    layout.config.write_text(text)
    for name, content in files.items():
        path = root / name.replace("_", ".")
        path.write_text(content)
        path.chmod(0o600)
    return layout


def test_the_plain_document_is_that_of_the_whole_pipeline(tmp_path: Path) -> None:
    text = """{
      gateway: {auth: {token: "${A_TOKEN}"}},
      agents: {defaults: {workspace: "~/w"}},
      logging: {$include: "l.json"},
    }"""
    layout = written(tmp_path, text, l_json='{"level": "debug"}', _env="A_TOKEN=abc")
    environment = Environment({"HOME": "/home/me"})
    plain, loaded = read_plain(layout, environment), read_config(layout, environment)
    assert loaded.config is not None
    assert plain.document == dict(loaded.config.document)
    assert plain.source == loaded.source
    assert plain.environment.get("A_TOKEN") == loaded.config.environment.get("A_TOKEN") == "abc"
    assert plain.authored["gateway"]["auth"]["token"] == "${A_TOKEN}"
    assert plain.document == {
        "gateway": {"auth": {"token": "abc"}},
        "agents": {"defaults": {"workspace": "/home/me/w"}},
        "logging": {"level": "debug"},
    }


@pytest.mark.parametrize(
    ("text", "authored"),
    [
        ("{", None),
        ("[]", None),
        ('{$include: "absent.json"}', None),
        ('{a: "${NOT_SET}"}', {"a": "${NOT_SET}"}),
        ("{telegram: {}}", {"telegram": {}}),
    ],
)
def test_a_stage_that_fails_leaves_no_document(tmp_path: Path, text: str, authored: Any) -> None:
    layout = written(tmp_path, text)
    plain = read_plain(layout, Environment({}))
    assert plain.document is None
    assert plain.issues
    assert plain.authored == authored
    assert plain.legacy_only is ("telegram" in text)
    loaded = read_config(layout, Environment({}))
    assert [issue.message for issue in loaded.issues] == [issue.message for issue in plain.issues]


def test_what_the_schema_would_refuse_is_read_all_the_same(tmp_path: Path) -> None:
    plain = read_plain(written(tmp_path, json.dumps({"nothing": 1})), Environment({}))
    assert plain.document == {"nothing": 1}


def test_a_directory_in_the_place_of_the_file_is_a_fault(tmp_path: Path) -> None:
    layout = StateLayout.at(tmp_path)
    layout.config.mkdir()
    plain = read_plain(layout, Environment({}))
    assert plain.document is None
    assert "regular file" in plain.issues[0].message or "directory" in plain.issues[0].message
