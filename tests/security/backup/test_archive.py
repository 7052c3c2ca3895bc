"""Hostile archives: nothing is written outside, nothing is unpacked before everything was judged."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.security.backup.archive import open_archive, verify_backup
from openclaw.security.backup.manifest import read_manifest
from openclaw.security.backup.names import fault_of
from openclaw.security.backup.restore import Restore
from openclaw.state.layout import StateLayout
from openclaw.system.errors import InvalidInput, NotFound, OpenClawError, Unavailable
from support.state_dirs import NOW_MS, environment_of, snapshot
from support.time import FakeClock

FILES = {"state/openclaw.json": b"{}", "state/credentials/a.json": b"[]"}


def manifest_of(files: dict[str, bytes], **more: Any) -> bytes:
    document = {
        "kind": "openclaw-backup",
        "version": 1,
        "createdAt": "2026-11-24T00:00:00.000Z",
        "openclawVersion": "x",
        "config": "state/openclaw.json",
        "workspaces": {},
        "files": [
            {"path": path, "size": len(data), "mode": "600", "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in files.items()
        ],
        "folders": [{"path": "state", "mode": "700"}],
        "skipped": [],
        **more,
    }
    return json.dumps(document).encode()


def archive(
    path: Path,
    files: dict[str, bytes],
    manifest: bytes | None = None,
    *,
    change: Callable[[zipfile.ZipInfo], None] | None = None,
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFREG | 0o600) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            if change is not None:
                change(info)
            zipped.writestr(info, data)
        zipped.writestr("manifest.json", manifest if manifest is not None else manifest_of(files))
    return path


def refused(path: Path, home: Path) -> OpenClawError:
    """Verify and restore refuse, and nothing but the archive is on the disk."""
    with pytest.raises(OpenClawError):
        verify_backup(path)
    environment = environment_of(home)
    before = snapshot(home)
    work = Restore(path, StateLayout.resolve(environment), environment, FakeClock(NOW_MS))
    with pytest.raises(OpenClawError) as caught, work:
        work.apply(work.prepare())
    assert {name: value for name, value in snapshot(home).items() if name != ".openclaw"} == before
    return caught.value


def test_a_plain_archive_is_accepted(tmp_path: Path) -> None:
    manifest, _ = verify_backup(archive(tmp_path / "a.zip", FILES))
    assert len(manifest.files) == 2


HOSTILE = (
    "../evil",
    "state/../../evil",
    "/etc/evil",
    "state//evil",
    "state/./evil",
    "state/a\\..\\evil",
    "state/a\nb",
    "state/a\x1b[2Jb",
    "elsewhere/x",
    "C:/evil",
    "state/" + "d/" * 90 + "x",
    "state/" + "n" * 300,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_adv_K12_a_name_that_leaves_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    error = refused(archive(tmp_path / "a.zip", {**FILES, name: b"x"}), tmp_path)
    assert isinstance(error, InvalidInput)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK, stat.S_IFDIR])
def test_adv_K12_links_devices_and_the_like_are_refused(tmp_path: Path, kind: int) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        if info.filename.startswith("state/credentials"):
            info.external_attr = (kind | 0o777) << 16

    refused(archive(tmp_path / "a.zip", FILES, change=change), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["state/openclaw.json", "state/OPENCLAW.JSON", "state/openclaw.json/x"])
def test_adv_K12_names_that_meet_on_the_disk_are_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.zip", FILES)
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr(name, b"other")
    refused(path, tmp_path)
    both = {**FILES, "state/a": b"x", "state/a/b": b"y"}
    refused(archive(tmp_path / "b.zip", both), tmp_path)


@pytest.mark.parametrize("kind", ["extra", "missing", "size", "digest", "none", "twice"])
def test_an_archive_that_is_not_what_its_manifest_says_is_refused(tmp_path: Path, kind: str) -> None:
    listed = json.loads(manifest_of(FILES))
    files = dict(FILES)
    if kind == "extra":
        files["state/extra"] = b"x"
    elif kind == "missing":
        del files["state/credentials/a.json"]
    elif kind == "size":
        listed["files"][0]["size"] += 1
    elif kind == "digest":
        listed["files"][0]["sha256"] = "0" * 64
    elif kind == "twice":
        listed["files"].append(listed["files"][0])
    manifest = json.dumps(listed).encode()
    path = archive(tmp_path / "a.zip", files, manifest)
    if kind == "none":
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr("state/openclaw.json", b"{}")
    refused(path, tmp_path)


def test_a_folder_of_the_manifest_that_leaves_the_archive_is_refused(tmp_path: Path) -> None:
    manifest = manifest_of(FILES, folders=[{"path": "state/../../evil", "mode": "777"}])
    refused(archive(tmp_path / "a.zip", FILES, manifest), tmp_path)
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize(
    "place", ["/etc", "~", "~/../elsewhere", "relative", "~/.openclaw", "~/.openclaw/inner", "/", "~/a/../../b"]
)
def test_a_workspace_is_never_put_outside_the_home_or_over_the_state(tmp_path: Path, place: str) -> None:
    files = {**FILES, "workspaces/main/AGENTS.md": b"evil"}
    manifest = manifest_of(files, workspaces={"main": place}, folders=[{"path": "workspaces/main", "mode": "755"}])
    path = archive(tmp_path / "a.zip", files, manifest)
    environment = environment_of(tmp_path / "home")
    (tmp_path / "home").mkdir()
    with Restore(path, StateLayout.resolve(environment), environment, FakeClock(NOW_MS)) as work:
        plan = work.prepare()
        assert [one.refused is not None for one in plan.workspaces] == [True]
        work.apply(plan)
    assert not list(tmp_path.rglob("AGENTS.md"))


def test_a_workspace_without_a_place_is_refused(tmp_path: Path) -> None:
    manifest = manifest_of(FILES, folders=[{"path": "workspaces/other", "mode": "755"}])
    refused(archive(tmp_path / "a.zip", FILES, manifest), tmp_path)


def test_files_that_a_backup_never_holds_are_not_put_back(tmp_path: Path) -> None:
    files = {**FILES, "state/journal/journal.sqlite": b"old", "state/gateway.lock": b"x", "state/logs/x": b"x"}
    path = archive(tmp_path / "a.zip", files)
    environment = environment_of(tmp_path)
    with Restore(path, StateLayout.resolve(environment), environment, FakeClock(NOW_MS)) as work:
        work.apply(work.prepare())
    assert (tmp_path / ".openclaw/openclaw.json").is_file()
    assert not (tmp_path / ".openclaw/journal").exists()
    assert not (tmp_path / ".openclaw/logs").exists()


@pytest.mark.parametrize("included", ["", '{"$include": ".bashrc"}', '{"$include": "../.bashrc"}'])
def test_beside_a_config_elsewhere_only_what_it_includes_is_written(tmp_path: Path, included: str) -> None:
    config = b'{"gateway": ' + (included.encode() or b"{}") + b"}"
    files = {"config/claw.json": config, "config/.bashrc": b"{}", "config/other.json": b"{}"}
    path = archive(tmp_path / "a.zip", files, manifest_of(files, config="config/claw.json"))
    home = tmp_path / "home"
    home.mkdir()
    (home / ".bashrc").write_text("mine")
    environment = environment_of(home, OPENCLAW_CONFIG_PATH=str(home / "claw.json"))
    with Restore(path, StateLayout.resolve(environment), environment, FakeClock(NOW_MS)) as work:
        work.apply(work.prepare())
    assert (home / "claw.json").read_bytes() == config
    assert (home / ".bashrc").read_text() == "mine"
    assert not (home / "other.json").exists()


def test_modes_of_the_archive_never_open_the_state(tmp_path: Path) -> None:
    listed = json.loads(manifest_of(FILES))
    for row in listed["files"]:
        row["mode"] = "6777"
    listed["folders"] = [{"path": "state", "mode": "777"}, {"path": "state/credentials", "mode": "2777"}]
    path = archive(tmp_path / "a.zip", FILES, json.dumps(listed).encode())
    environment = environment_of(tmp_path)
    with Restore(path, StateLayout.resolve(environment), environment, FakeClock(NOW_MS)) as work:
        work.apply(work.prepare())
    found = {name: mode for name, (mode, _) in snapshot(tmp_path / ".openclaw").items()}
    assert not any(mode & 0o7077 for mode in found.values())


def test_adv_K13_a_bomb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    chunk = b"\0" * (1 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        with zipped.open("state/zeros", "w", force_zip64=True) as target:
            for _ in range(400):
                target.write(chunk)
        zipped.writestr("manifest.json", b"{}")
    started = time.process_time()
    error = refused(path, tmp_path)
    assert time.process_time() - started < 1
    assert "far more" in error.message


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 100, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    refused(path, tmp_path)


def test_a_missing_file_a_folder_and_a_pipe_are_refused_without_waiting(tmp_path: Path) -> None:
    with pytest.raises(NotFound), open_archive(tmp_path / "none"):
        pass
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path):
        with pytest.raises((InvalidInput, Unavailable)), open_archive(place):
            pass


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_archive_is_refused_or_whole(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = archive(tmp_path_factory.mktemp("a") / "a.zip", FILES)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        manifest, _ = verify_backup(path)
    except OpenClawError:
        return
    assert {entry.path: entry.sha256 for entry in manifest.files} == {
        name: hashlib.sha256(value).hexdigest() for name, value in FILES.items()
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100)
@given(
    st.sampled_from(["kind", "version", "config", "workspaces", "files", "folders", "skipped", "createdAt"]),
    json_values,
)
def test_whatever_a_manifest_holds_it_is_read_or_refused(key: str, value: Any) -> None:
    document = json.loads(manifest_of(FILES)) | {key: value}
    try:
        found = read_manifest(json.dumps(document).encode())
    except InvalidInput:
        return
    assert all(fault_of(entry.path) is None for entry in found.files)
