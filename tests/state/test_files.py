"""Whose files are trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from openclaw.state.files import check_config_owned
from openclaw.system.errors import Unavailable


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444, 0o640])
def test_a_config_that_only_its_owner_writes_is_sound(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "openclaw.json"
    path.touch()
    path.chmod(mode)
    check_config_owned(path)


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602, 0o777])
def test_a_config_that_others_write_is_not_and_a_link_to_it_neither(tmp_path: Path, mode: int) -> None:
    path, link = tmp_path / "open claw.json", tmp_path / "a link.json"
    path.touch()
    path.chmod(mode)
    link.symlink_to(path)
    for name in (path, link):
        with pytest.raises(Unavailable, match=f"mode {mode:o}.*run: chmod 600 '{name}'"):
            check_config_owned(name)


def test_no_file_is_sound(tmp_path: Path) -> None:
    check_config_owned(tmp_path / "absent.json")


def test_a_config_of_root_is_sound_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("/etc/passwd")
    assert path.stat().st_uid == 0
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    check_config_owned(path)
