from __future__ import annotations

import json
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.edit import ConfigEditor, check_base_hash, patch_changes
from openclaw.config.json5 import loads
from openclaw.config.text_edit import Drop, Put
from openclaw.system.errors import ConfigInvalid, Conflict, InvalidInput, OpenClawError, Refused, Unavailable
from openclaw.version import VERSION
from support.configs import ConfigFolder
from support.time import FakeClock

AUTHORED = """{
  // who may come in
  gateway: { port: 18789, auth: { token: "${GW_TOKEN}" } },
  messages: { responsePrefix: "${GREETING} there" }, // said first
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    folder = ConfigFolder(tmp_path / "state", {"GW_TOKEN": "hunter2hunter2", "GREETING": "hello"})
    folder.write(AUTHORED)
    return folder


@pytest.fixture
def editor(folder: ConfigFolder) -> ConfigEditor:
    return ConfigEditor(folder.layout, folder.environment, clock=FakeClock(now_ms=1_700_000_000_000))


@contextmanager
def small_files(limit: int) -> Iterator[None]:
    """Make every write beyond `limit` bytes of a file fail, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_adv_O3_an_unrelated_edit_keeps_references_and_comments(folder: ConfigFolder, editor: ConfigEditor) -> None:
    written = editor.change([Put(("gateway", "port"), 19000)])
    text = folder.main.read_text()
    assert written.config.gateway.port == 19000
    assert written.rewritten == ()
    assert '"${GW_TOKEN}"' in text
    assert '"${GREETING} there"' in text
    assert "// who may come in" in text
    assert "// said first" in text
    assert "hunter2" not in text


def test_adv_O3_a_patch_that_repeats_effective_values_keeps_references(
    folder: ConfigFolder, editor: ConfigEditor
) -> None:
    current = folder.read().config
    assert current is not None
    patch = json.loads(json.dumps(dict(current.document)))
    patch["gateway"]["port"] = 19001
    written = editor.patch(patch, current)
    assert written.config.gateway.port == 19001
    assert "hunter2" not in folder.main.read_text()
    assert '"${GW_TOKEN}"' in folder.main.read_text()


def test_every_write_is_stamped(folder: ConfigFolder, editor: ConfigEditor) -> None:
    editor.change([Drop(("messages",))])
    assert loads(folder.main.read_text())["meta"] == {
        "lastTouchedVersion": VERSION,
        "lastTouchedAt": "2023-11-14T22:13:20.000Z",
    }


def test_an_invalid_result_is_refused_and_nothing_is_written(folder: ConfigFolder, editor: ConfigEditor) -> None:
    with pytest.raises(ConfigInvalid, match=r"Config validation failed: gateway.bind: .*nothing is written") as caught:
        editor.change([Put(("gateway", "bind"), "wan")])
    assert caught.value.details["issues"][0]["path"] == "gateway.bind"
    assert folder.main.read_text() == AUTHORED
    assert not list(folder.root.glob("*.bak*"))


def test_adv_K16_files_and_backups_are_private_under_any_umask_and_mode(
    folder: ConfigFolder, editor: ConfigEditor
) -> None:
    folder.main.chmod(0o644)
    old = os.umask(0)
    try:
        for port in range(1, 8):
            editor.change([Put(("gateway", "port"), port)])
    finally:
        os.umask(old)
    names = ["openclaw.json", *(f"openclaw.json.bak{end}" for end in ("", ".1", ".2", ".3", ".4"))]
    assert sorted(path.name for path in folder.root.glob("openclaw.json*") if path.suffix != ".flock") == sorted(names)
    assert [loads((folder.root / name).read_text())["gateway"]["port"] for name in names] == [7, 6, 5, 4, 3, 2]
    assert {stat.S_IMODE((folder.root / name).stat().st_mode) for name in names} == {0o600}


def test_a_missing_file_and_folder_are_made_private(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path / "new" / "state")
    ConfigEditor(folder.layout, folder.environment).change([Put(("gateway", "mode"), "local")])
    assert stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.main.stat().st_mode) == 0o600
    assert folder.read().config is not None


def test_a_full_disk_is_one_clear_error_and_leaves_the_file_whole(folder: ConfigFolder, editor: ConfigEditor) -> None:
    folder.write(AUTHORED + "// " + "x" * 4096 + "\n")
    before = folder.main.read_bytes()
    with small_files(1024), pytest.raises(Unavailable, match="cannot write"):
        editor.change([Put(("gateway", "port"), 1)])
    assert folder.main.read_bytes() == before
    assert not list(folder.root.glob("*.tmp"))


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path / "state", {})
    real = tmp_path / "dotfiles" / "openclaw.json"
    real.parent.mkdir()
    real.write_text("{}")
    folder.root.mkdir()
    folder.main.symlink_to(real)
    ConfigEditor(folder.layout, folder.environment).change([Put(("cron", "enabled"), False)])
    assert folder.main.is_symlink()
    assert loads(real.read_text())["cron"] == {"enabled": False}


def test_a_config_managed_elsewhere_is_not_written(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path, {"OPENCLAW_NIX_MODE": "1"})
    folder.write({})
    with pytest.raises(Refused, match="OPENCLAW_NIX_MODE"):
        ConfigEditor(folder.layout, folder.environment).change([Put(("cron", "enabled"), False)])


def test_adv_F4_reserved_names_never_reach_the_file(folder: ConfigFolder, editor: ConfigEditor) -> None:
    current = folder.read().config
    assert current is not None
    for name in ("__proto__", "constructor", "prototype", "__class__"):
        attempts: list[Any] = [
            lambda name=name: editor.change([Put((name, "x"), 1)]),
            lambda name=name: editor.change([Put(("env",), {name: "x"})]),
            lambda name=name: editor.patch({"env": {name: "x"}}, current),
            lambda name=name: editor.replace(json.dumps({"env": {name: "x"}})),
        ]
        for attempt in attempts:
            with pytest.raises(OpenClawError, match="reserved"):
                attempt()
    assert folder.main.read_text() == AUTHORED


def test_a_write_needs_the_hash_of_what_is_there(folder: ConfigFolder, editor: ConfigEditor) -> None:
    source = folder.read().source
    for good in (source.hash, source.revision_hash):
        check_base_hash(source, good)
    with pytest.raises(InvalidInput, match="config base hash required"):
        check_base_hash(source, None)
    written = editor.change([Put(("gateway", "port"), 2)], base_hash=source.hash)
    with pytest.raises(Conflict, match="config changed since last load"):
        editor.change([Put(("gateway", "port"), 3)], base_hash=source.hash)
    editor.change([Put(("gateway", "port"), 4)], base_hash=written.loaded.source.hash)
    absent = ConfigFolder(folder.root / "absent").read().source
    check_base_hash(absent, None)


def test_with_includes_only_the_revision_hash_counts(folder: ConfigFolder, editor: ConfigEditor) -> None:
    folder.write({"cron": {"$include": "cron.json"}})
    folder.write({"enabled": True}, "cron.json")
    source = folder.read().source
    with pytest.raises(Conflict):
        editor.change([Put(("web", "enabled"), False)], base_hash=source.hash)
    folder.write({"enabled": False}, "cron.json")
    with pytest.raises(Conflict):
        editor.change([Put(("web", "enabled"), False)], base_hash=source.revision_hash)
    editor.change([Put(("web", "enabled"), False)], base_hash=folder.read().source.revision_hash)


def test_a_path_in_a_single_include_is_changed_there(folder: ConfigFolder, editor: ConfigEditor) -> None:
    folder.write("{ cron: { $include: './parts/cron.json5' }, /* keep */ }")
    folder.write("{ enabled: true, /* too */ maxConcurrentRuns: 1 }", "parts/cron.json5")
    written = editor.change([Put(("cron", "enabled"), False)])
    assert written.config.cron.enabled is False
    assert [path.name for path in written.files] == ["openclaw.json", "cron.json5"]
    assert "/* too */" in (folder.root / "parts" / "cron.json5").read_text()
    assert "$include" in folder.main.read_text()
    assert (folder.root / "parts" / "cron.json5.bak").exists()


def test_a_root_include_takes_all_edits(folder: ConfigFolder, editor: ConfigEditor) -> None:
    folder.write({"$include": "base.json"})
    folder.write({"cron": {"enabled": True}}, "base.json")
    written = editor.change([Put(("cron", "enabled"), False)])
    assert written.config.cron.enabled is False
    assert loads(folder.main.read_text()) == {"$include": "base.json"}


@pytest.mark.parametrize(
    ("main", "change"),
    [
        ({"tools": {"$include": ["a.json", "b.json"]}}, Put(("tools", "profile"), "coding")),
        ({"tools": {"$include": "a.json", "profile": "full"}}, Put(("tools", "deny"), ["x"])),
        ({"tools": {"$include": "a.json", "profile": "full"}}, Drop(("tools", "deny"))),
        ({"tools": {"$include": "a.json"}}, Put(("tools",), {})),
    ],
)
def test_an_include_that_would_win_is_refused_by_name(
    folder: ConfigFolder, editor: ConfigEditor, main: Any, change: Any
) -> None:
    folder.write(main)
    folder.write({"deny": ["exec"]}, "a.json")
    folder.write({}, "b.json")
    before = folder.main.read_text()
    with pytest.raises(InvalidInput, match="edit that file"):
        editor.change([change])
    assert folder.main.read_text() == before


def test_a_key_beside_an_include_is_changed_where_it_stands(folder: ConfigFolder, editor: ConfigEditor) -> None:
    folder.write({"tools": {"$include": "a.json", "profile": "full"}})
    folder.write({"deny": ["exec"]}, "a.json")
    written = editor.change([Put(("tools", "profile"), "minimal")])
    assert (written.config.tools.profile, written.config.tools.deny) == ("minimal", ("exec",))


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": {"c": 2, "d": [1]}}),
        ({"a": None}, {"b": {"c": 2, "d": [1]}}),
        ({"b": {"c": None, "e": 5}}, {"a": 0, "b": {"d": [1], "e": 5}}),
        ({"b": {"d": [2, None]}}, {"a": 0, "b": {"c": 2, "d": [2, None]}}),
        ({"b": 5}, {"a": 0, "b": 5}),
        ({"n": {"x": None, "y": {"z": None}}}, {"a": 0, "b": {"c": 2, "d": [1]}, "n": {"y": {}}}),
        ({}, {"a": 0, "b": {"c": 2, "d": [1]}}),
    ],
)
def test_a_patch_merges_as_rfc_7396_says(patch: Any, expected: Any) -> None:
    from openclaw.config.text_edit import apply_changes, render

    current = {"a": 0, "b": {"c": 2, "d": [1]}}
    assert apply_changes(render(current), list(patch_changes(patch, current))).value == expected


@pytest.mark.parametrize("patch", [[], "x", None, 5])
def test_a_patch_is_an_object(folder: ConfigFolder, editor: ConfigEditor, patch: Any) -> None:
    current = folder.read().config
    assert current is not None
    with pytest.raises(InvalidInput, match="must be an object"):
        editor.patch(patch, current)


def test_a_replacement_is_the_authored_text_with_includes_and_references(
    folder: ConfigFolder, editor: ConfigEditor
) -> None:
    folder.write({"enabled": False}, "cron.json")
    text = "{\n  // new\n  cron: { $include: './cron.json' },\n  ui: { assistant: { name: '${GREETING}' } },\n}\n"
    written = editor.replace(text)
    assert written.config.cron.enabled is False
    assert written.config.ui.assistant.name == "hello"
    assert "// new" in folder.main.read_text()
    for bad in ("[]", "{", "{ gateway: { port: 0 } }"):
        with pytest.raises(InvalidInput):
            editor.replace(bad)


def test_a_broken_file_is_not_edited(folder: ConfigFolder, editor: ConfigEditor) -> None:
    folder.write("{ gateway: 'hunter2")
    with pytest.raises(InvalidInput, match="mend it first") as caught:
        editor.change([Put(("gateway", "port"), 1)])
    assert "hunter2" not in str(caught.value)


def test_older_keys_are_moved_in_the_text(folder: ConfigFolder, editor: ConfigEditor) -> None:
    folder.write("{\n  // mine\n  gateway: { token: '${GW_TOKEN}', port: 5 },\n  telegram: { botToken: 'x' },\n}")
    assert folder.read().legacy_only
    written, notes = editor.migrate()
    text = folder.main.read_text()
    assert notes == ("telegram -> channels.telegram", "gateway.token -> gateway.auth.token")
    assert "// mine" in text
    assert "${GW_TOKEN}" in text
    assert written.config.channels.configured == ("telegram",)
    assert written.config.gateway.auth.mode == "token"
