"""Names are looked at without following links, waiting or failing."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from openclaw.security.audit.look import Kind, Looker


def test_each_kind_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o640)
    (tmp_path / "folder").mkdir(mode=0o750)
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    server.close()
    found = {seen.path.name: seen for seen in Looker().folder(tmp_path)}
    assert {name: seen.kind for name, seen in found.items()} == {
        "file": Kind.FILE,
        "folder": Kind.FOLDER,
        "link": Kind.LINK,
        "pipe": Kind.OTHER,
        "socket": Kind.OTHER,
    }
    assert found["file"].mode == 0o640
    assert found["folder"].mode == 0o750


@pytest.mark.parametrize(
    ("mode", "flags"),
    [
        (0o600, (False, False, False, False)),
        (0o640, (False, False, False, True)),
        (0o604, (False, False, True, True)),
        (0o620, (True, False, False, False)),
        (0o602, (True, True, False, False)),
        (0o666, (True, True, True, True)),
    ],
)
def test_modes_say_who_may_do_what(mode: int, flags: tuple[bool, ...], tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    path.chmod(mode)
    seen = Looker().look(path)
    assert seen is not None
    assert (seen.writable, seen.world_writable, seen.world_readable, seen.readable) == flags


@pytest.mark.parametrize("name", ["absent", "file/below", "loop/x", "n" * 300, "a\0b"])
def test_a_name_that_cannot_be_looked_at_is_none(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    looker = Looker()
    assert looker.look(tmp_path / name) is None
    assert looker.read(tmp_path / name, 100) is None
    assert list(looker.folder(tmp_path / name)) == []
    assert looker.loose(tmp_path / name, ".x", 3) == (0, [])
    assert bool(looker.troubles) is (name not in ("absent", "file/below"))


def test_only_regular_files_of_some_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    looker = Looker()
    assert looker.read(tmp_path / "file", 3) == b"abc"
    assert looker.read(tmp_path / "file", 2) is None
    assert looker.read(tmp_path / "link", 3) is None
    assert looker.read(tmp_path / "link", 3, follow=True) == b"abc"
    assert looker.read(tmp_path / "pipe", 3, follow=True) is None
    assert looker.read(tmp_path, 3) is None
    assert looker.read(tmp_path / "file", 3) == b"abc"


def test_files_that_others_may_open_are_counted_and_a_few_named(tmp_path: Path) -> None:
    for number in range(10):
        (tmp_path / f"{number}.jsonl").touch(mode=0o644 if number % 2 else 0o600)
    (tmp_path / "x.json").touch(mode=0o644)
    (tmp_path / "y.jsonl").symlink_to("1.jsonl")
    (tmp_path / "z.jsonl").mkdir()
    count, examples = Looker().loose(tmp_path, ".jsonl", 2)
    assert (count, [path.name for path in examples]) == (5, ["1.jsonl", "3.jsonl"])


def test_names_that_are_no_text_are_sorted_all_the_same(tmp_path: Path) -> None:
    for raw in (b"\xff", b"a", b"\n"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)).touch()
    assert [os.fsencode(seen.path.name) for seen in Looker().folder(tmp_path)] == [b"\n", b"a", b"\xff"]
