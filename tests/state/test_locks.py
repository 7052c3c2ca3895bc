from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from openclaw.state.locks import flock, folder_flock
from openclaw.system.errors import Conflict, Unavailable


def hold(path: Path, held: Event, done: Event) -> None:
    with flock(path):
        held.set()
        done.wait(30)


def test_another_process_holds_it_until_it_is_killed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    child = context.Process(target=hold, args=(tmp_path / "a.lock", held, done))
    child.start()
    assert held.wait(30)
    with pytest.raises(Conflict), flock(tmp_path / "a.lock", wait=0.05):
        pass
    child.kill()
    child.join(30)
    with flock(tmp_path / "a.lock", wait=5):
        pass


def test_the_lock_file_is_private_from_birth(tmp_path: Path) -> None:
    with flock(tmp_path / "deep" / "a.lock"):
        assert (tmp_path / "deep" / "a.lock").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "deep").stat().st_mode & 0o777 == 0o700


def test_a_link_or_folder_in_its_place_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("link", "."):
        with pytest.raises(Unavailable, match="cannot lock"), flock(tmp_path / name):
            pass


def test_a_folder_is_locked_without_leaving_a_file(tmp_path: Path) -> None:
    with folder_flock(tmp_path / "folder"), pytest.raises(Conflict), folder_flock(tmp_path / "folder", wait=0.05):
        pass
    assert list((tmp_path / "folder").iterdir()) == []
