from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.includes import merge
from support.configs import ConfigFolder


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    state = tmp_path / "state"
    state.mkdir()
    return ConfigFolder(state)


def document(folder: ConfigFolder) -> dict[str, Any]:
    config = folder.read().config
    assert config is not None, folder.read().issues
    return dict(config.document)


@pytest.mark.parametrize(
    ("base", "over", "joined"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ([1], [2], [1, 2]),
        ({"a": [1]}, {"a": [2]}, {"a": [1, 2]}),
        ({"a": [1]}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, [1], [1]),
        ({"a": 1}, {"a": None}, {"a": None}),
    ],
)
def test_objects_join_lists_concatenate_the_later_wins(base: Any, over: Any, joined: Any) -> None:
    assert merge(base, over) == joined


def test_an_include_may_be_any_value_and_stand_anywhere(folder: ConfigFolder) -> None:
    folder.write("{ agents: { list: [{ $include: './one.json' }, { id: { $include: 'id.json5' } }] } }")
    folder.write({"id": "one"}, "one.json")
    folder.write("'two' // an id", "id.json5")
    assert document(folder) == {"agents": {"list": [{"id": "one"}, {"id": "two"}]}}


def test_siblings_win_over_the_include(folder: ConfigFolder) -> None:
    folder.write({"gateway": {"$include": "g.json", "port": 2, "auth": {"token": "own"}}})
    folder.write({"port": 1, "bind": "lan", "auth": {"mode": "token"}}, "g.json")
    assert document(folder)["gateway"] == {"port": 2, "bind": "lan", "auth": {"mode": "token", "token": "own"}}


def test_the_same_file_may_be_read_in_two_branches(folder: ConfigFolder) -> None:
    folder.write({"web": {"reconnect": {"$include": "r.json"}}, "cron": {"$include": "c.json"}})
    folder.write({"maxMs": 5}, "r.json")
    folder.write({"enabled": False}, "c.json")
    folder.write({"cron": {"$include": "c.json"}, "update": {"$include": "u.json"}})
    folder.write({"channel": "beta"}, "u.json")
    assert document(folder)["cron"] == {"enabled": False}


def test_ten_levels_are_read_and_the_eleventh_is_not(folder: ConfigFolder) -> None:
    def chain(levels: int) -> None:
        folder.write({"cron": {"$include": "1.json"}})
        for level in range(1, levels):
            folder.write({"$include": f"{level + 1}.json"}, f"{level}.json")
        folder.write({"enabled": True}, f"{levels}.json")

    chain(10)
    assert document(folder) == {"cron": {"enabled": True}}
    chain(11)
    assert folder.paths() == [""]
    assert "deeper than 10" in folder.read().issues[0].message


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("5", "must be a text or a list of texts"),
        ("['a.json', 5]", "must be a text or a list of texts"),
        ("'missing.json'", "no such file"),
        ("'broken.json'", "line 1"),
        ("'openclaw.json'", "in a circle"),
        ("'/etc/hostname'", "outside the folder of the config"),
        ("'../outside.json'", "outside the folder of the config"),
        ("'link.json'", "outside the folder of the config"),
        ("'linked/x.json'", "outside the folder of the config"),
        ("'a\\0b'", "no usable path"),
        ("''", "no usable path"),
        ("'folder'", "not a regular file"),
        ("'fifo'", "regular file"),
        ("'big.json'", "larger than 2 MB"),
    ],
)
def test_adv_K2_an_include_stays_in_the_folder_and_each_fault_names_it(
    folder: ConfigFolder, directive: str, message: str
) -> None:
    outside = folder.root.parent / "outside.json"
    outside.write_text("{ enabled: true }")
    (folder.root / "link.json").symlink_to(outside)
    (folder.root / "linked").symlink_to(folder.root.parent, target_is_directory=True)
    (folder.root / "folder").mkdir()
    os.mkfifo(folder.root / "fifo")
    folder.write("{ a: ", "broken.json")
    folder.write("'" + "x" * (2 * 1024 * 1024) + "'", "big.json")
    folder.write(f"{{ cron: {{ $include: {directive} }} }}")
    loaded = folder.read()
    assert loaded.config is None
    assert [issue.path for issue in loaded.issues] == [""]
    assert message in loaded.issues[0].message


def test_a_link_that_stays_inside_is_followed(folder: ConfigFolder) -> None:
    folder.write({"enabled": False}, "parts/cron.json")
    (folder.root / "cron.json").symlink_to("parts/cron.json")
    folder.write({"cron": {"$include": "cron.json"}})
    assert document(folder) == {"cron": {"enabled": False}}


def test_named_roots_widen_the_confinement(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "cron.json").write_text("{ enabled: false }")
    folder = ConfigFolder(tmp_path / "state", {"OPENCLAW_INCLUDE_ROOTS": str(tmp_path / "shared")})
    folder.write({"cron": {"$include": str(tmp_path / "shared" / "cron.json")}})
    assert document(folder) == {"cron": {"enabled": False}}


def test_siblings_of_a_list_are_a_fault(folder: ConfigFolder) -> None:
    folder.write({"agents": {"list": {"$include": "l.json", "x": 1}}})
    folder.write([], "l.json")
    assert folder.paths() == [""]


def test_all_include_faults_are_told_together(folder: ConfigFolder) -> None:
    folder.write({"cron": {"$include": "a.json"}, "web": {"$include": "b.json"}, "nonsense": 1})
    assert folder.paths() == ["", ""]


def test_include_paths_are_not_substituted(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path, {"NAME": "cron.json"})
    folder.write({"cron": {"$include": "${NAME}"}})
    folder.write({}, "cron.json")
    assert "no such file" in folder.read().issues[0].message


def test_an_endless_fan_of_includes_is_cut(folder: ConfigFolder) -> None:
    folder.write({"cron": {"$include": ["0.json"] * 60}})
    for level in range(3):
        folder.write({"$include": [f"{level + 1}.json"] * 60}, f"{level}.json")
    folder.write({}, "3.json")
    assert "more than 1000 files" in folder.read().issues[0].message


def test_the_revision_hash_covers_includes(folder: ConfigFolder) -> None:
    folder.write({"cron": {"$include": "c.json"}})
    folder.write({"enabled": True}, "c.json")
    before = folder.read().source
    folder.write({"enabled": False}, "c.json")
    after = folder.read().source
    assert before.hash == after.hash
    assert before.revision_hash != after.revision_hash
    assert [path.name for path in after.files] == ["openclaw.json", "c.json", ".env"]
