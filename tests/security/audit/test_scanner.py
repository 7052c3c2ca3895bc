"""A folder's code is read within limits, through no linked folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from openclaw.security.audit.scanner import MAX_BYTES, MAX_FILES, scan_folder
from support.audit import AuditHome, open_folder, plugin, powerless, skill

EVAL = "eval(x)\n"


def test_folders_are_read_in_order_and_hidden_ones_left_out(tmp_path: Path) -> None:
    for name in ("b.js", "a.js", "sub/c.ts", ".hidden/d.js", "node_modules/e.js", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(EVAL)
    found = scan_folder(tmp_path)
    assert [hit.file for hit in found.hits] == ["a.js", "b.js", "sub/c.ts"]
    assert (found.files, found.others, found.failed, found.cut) == (3, 0, "", "")


def test_linked_folders_are_not_followed_but_linked_files_are_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.js").write_text(EVAL)
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(outside)
    (root / "y.js").symlink_to(outside / "x.js")
    (root / "loop").symlink_to(".")
    (root / "gone.js").symlink_to("nowhere")
    found = scan_folder(root)
    assert [hit.file for hit in found.hits] == ["y.js"]
    assert found.failed == ""


def test_forced_files_come_first_and_once(tmp_path: Path) -> None:
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/z.js").write_text(EVAL)
    (tmp_path / "a.js").write_text(EVAL)
    forced = [tmp_path / "node_modules/z.js", tmp_path / "a.js", tmp_path / "gone.js", tmp_path / "../x.js"]
    assert [hit.file for hit in scan_folder(tmp_path, forced).hits] == ["node_modules/z.js", "a.js"]


def test_a_file_of_a_megabyte_is_read_and_a_larger_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b" " * (MAX_BYTES - 8) + b"\neval(x)")
    (tmp_path / "b.js").write_bytes(b" " * (MAX_BYTES + 1))
    found = scan_folder(tmp_path)
    assert [hit.file for hit in found.hits] == ["a.js"]
    assert found.cut.startswith("b.js ")


def test_the_five_hundred_and_first_file_is_not_read(tmp_path: Path) -> None:
    for number in range(MAX_FILES):
        (tmp_path / f"{number:03}.js").touch()
    (tmp_path / "x.py").write_text(EVAL)
    (tmp_path / "zzz.js").write_text(EVAL)
    found = scan_folder(tmp_path)
    assert [hit.file for hit in found.hits] == ["x.py"], "further kinds have a limit of their own"
    assert (found.files, found.cut) == (MAX_FILES, f"more than {MAX_FILES} files")


def test_pipes_and_sockets_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.js")
    (tmp_path / "b.js").write_text(EVAL)
    found = scan_folder(tmp_path)
    assert [hit.file for hit in found.hits] == ["b.js"]
    assert "a.js" in found.cut


def test_a_missing_folder_is_a_failed_scan(tmp_path: Path) -> None:
    assert str(tmp_path / "gone") in scan_folder(tmp_path / "gone").failed


def test_names_from_outside_cannot_steer_the_terminal(tmp_path: Path) -> None:
    home = AuditHome(tmp_path)
    home.state.mkdir(mode=0o700)
    home.config()
    plugin(home)
    raw = Path(os.fsdecode(os.fsencode(home.state / "extensions/demo") + b"/\x1b[2J\xff.js"))
    raw.write_text(EVAL)
    (found,) = home.found("plugins.code_safety", deep=True)
    assert all(line.isprintable() for line in found.detail.splitlines())
    found.detail.encode()


def test_what_cannot_be_read_is_a_failed_scan() -> None:
    with open_folder() as root:
        for name in ("a.js", "b.js"):
            (root / name).write_text(EVAL)
        (root / "a.js").chmod(0)

        def scan() -> list[object]:
            found = scan_folder(root)
            return [[hit.file for hit in found.hits], found.failed]

        files, failed = powerless(scan, root)
    assert files == ["b.js"]
    assert "a.js" in failed


@pytest.mark.parametrize(("kind", "base"), [("plugin", "extensions/demo"), ("skill", "skills/demo")])
def test_a_failed_scan_is_a_finding_of_the_seed(kind: str, base: str) -> None:
    with open_folder() as folder:
        home = AuditHome(folder)
        home.state.mkdir(mode=0o700)
        home.config()
        plugin(home) if kind == "plugin" else skill(home)
        home.file(f"{base}/a.js", EVAL, mode=0)
        check_id = f"{kind}s.code_safety.scan_failed"

        def found() -> list[object]:
            return [[item.severity, item.title] for item in home.found(check_id, deep=True, compat=True)]

        ((severity, _),) = powerless(found, folder)
    assert severity == "warn"
