"""Modes are set on the name that was meant, through no link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from openclaw.security.audit.modes import Target, set_mode


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir(mode=0o755)
    return made


def target(root: Path, name: str, *, folder: bool = False) -> Target:
    return Target(root / name if name else root, root, 0o700 if folder else 0o600, folder=folder)


@pytest.mark.parametrize("before", [0o644, 0o666, 0o400, 0o601])
def test_a_file_gets_its_mode_and_keeps_it(root: Path, before: int) -> None:
    path = root / "a"
    path.touch()
    path.chmod(before)
    assert set_mode(target(root, "a")).as_dict() == {"kind": "chmod", "path": str(path), "mode": 0o600, "ok": True}
    assert mode_of(path) == 0o600
    assert set_mode(target(root, "a")).skipped == "already"


def test_the_root_itself_gets_its_mode(root: Path) -> None:
    assert set_mode(target(root, "", folder=True)).ok
    assert mode_of(root) == 0o700


def test_a_plan_changes_nothing(root: Path) -> None:
    path = root / "a"
    path.touch(mode=0o644)
    action = set_mode(target(root, "a"), dry_run=True)
    assert (action.ok, action.planned) == (False, True)
    assert action.as_dict()["planned"] is True
    assert mode_of(path) == 0o644


@pytest.mark.parametrize("folder", [False, True])
def test_a_link_is_left_alone_and_so_is_what_it_leads_to(root: Path, folder: bool) -> None:
    outside = root.parent / "outside"
    outside.mkdir(mode=0o755) if folder else outside.touch(mode=0o644)
    (root / "a").symlink_to(outside)
    assert set_mode(target(root, "a", folder=folder)).skipped == "symlink"
    assert mode_of(outside) == (0o755 if folder else 0o644)


def test_a_linked_folder_on_the_way_is_not_followed(root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "b").touch()
    (outside / "b").chmod(0o644)
    (root / "a").symlink_to(outside)
    assert set_mode(target(root, "a/b")).skipped == "symlink"
    assert mode_of(outside / "b") == 0o644


def test_a_linked_root_is_the_users_own_business_below_it(root: Path) -> None:
    (root / "a").touch()
    (root / "a").chmod(0o644)
    linked = root.parent / "linked"
    linked.symlink_to(root)
    assert set_mode(Target(linked, linked, 0o700, folder=True)).skipped == "symlink"
    assert mode_of(root) == 0o755
    assert set_mode(target(linked, "a")).ok
    assert mode_of(root / "a") == 0o600


@pytest.mark.parametrize(
    ("kind", "folder", "expected"),
    [
        ("file", True, "not-a-directory"),
        ("folder", False, "not-a-file"),
        ("pipe", False, "not-a-file"),
        ("absent", False, "missing"),
        ("absent", True, "missing"),
    ],
)
def test_a_name_of_the_wrong_kind_is_left_alone(root: Path, kind: str, folder: bool, expected: str) -> None:
    path = root / "a"
    if kind == "file":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    assert set_mode(target(root, "a", folder=folder)).skipped == expected


def test_a_file_where_a_folder_should_be_on_the_way_is_no_crash(root: Path) -> None:
    (root / "a").touch()
    action = set_mode(target(root, "a/b"))
    assert not action.ok
    assert action.error or action.skipped


def test_a_hard_link_to_somewhere_else_gets_no_looser_mode(root: Path) -> None:
    outside = root.parent / "outside"
    outside.touch()
    outside.chmod(0o640)
    os.link(outside, root / "a")
    assert set_mode(target(root, "a")).ok
    assert mode_of(outside) == 0o600
