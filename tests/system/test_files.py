"""The guarded files on real directory trees: links, special files, races, protected state."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openclaw.policy.what.paths import FileRoots, Mount, StateParts
from openclaw.security.policy_cases.paths import run_case
from openclaw.system.errors import NotFound, OpenClawError, Refused
from openclaw.system.file_walk import Walker, still_named
from openclaw.system.files import GuardedFiles
from support.shared import shared_cases, shared_json

CANARY = "CANARY-7f3a"


@pytest.fixture(params=[True, False], ids=["openat2", "component-walk"])
def walker(request: pytest.FixtureRequest) -> Walker:
    return Walker(use_openat2=request.param)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("ws/dir", "out", "agent", "home"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "ws" / "a.txt").write_text("A", encoding="utf-8")
    (tmp_path / "ws" / "dir" / "b.txt").write_text("B", encoding="utf-8")
    (tmp_path / "out" / "secret.txt").write_text(CANARY, encoding="utf-8")
    return tmp_path


def bounded(tree: Path, walker: Walker | None = None, **changes: Any) -> GuardedFiles:
    workspace = str(tree / "ws")
    facts = {"mounts": (Mount("/workspace", workspace),), **changes}
    return GuardedFiles(FileRoots(cwd=workspace, home=str(tree / "home"), **facts), walker=walker)


def unbounded(tree: Path, state: StateParts | None = None) -> GuardedFiles:
    return GuardedFiles(FileRoots(cwd=str(tree / "ws"), home=str(tree / "home"), bounded=False, state=state))


def why(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        act()
    assert str(caught.value)
    return str(caught.value.details["why"])


def cases() -> list[dict[str, Any]]:
    return shared_cases("paths", "cases.json")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_the_shared_path_cases(case: dict[str, Any]) -> None:
    result = run_case(case, shared_json("paths", "cases.json"))
    assert result.ok, result
    assert result.trail[-1].rule == case["why"]


@pytest.mark.parametrize(("tool", "expect"), [("write", "allowed"), ("apply_patch:add", "refused")])
def test_a_patch_is_bounded_also_where_other_tools_are_not(tool: str, expect: str) -> None:
    case = {"id": "open", "tool": tool, "path": "../out/new.txt", "mode": "open", "expect": expect}
    assert run_case(case, shared_json("paths", "cases.json")).ok


def test_reading_writing_listing_and_deleting_inside(tree: Path, walker: Walker) -> None:
    files = bounded(tree, walker)
    files.write("new/deep/x.txt", b"X")
    assert files.read_bytes("/workspace/new/deep/x.txt") == b"X"
    assert [(entry.name, entry.kind) for entry in files.list()] == [
        ("a.txt", "file"),
        ("dir", "directory"),
        ("new", "directory"),
    ]
    assert [entry.name for entry in files.list("new/deep")] == ["x.txt"]
    assert files.stat("new").st_mode & 0o777 == 0o755
    assert files.stat("new/deep/x.txt").st_mode & 0o777 == 0o644
    assert files.stat(".").st_ino == (tree / "ws").stat().st_ino
    files.move("new/deep/x.txt", "dir/y.txt")
    files.delete("dir/y.txt")
    files.mkdir("one/two")
    assert files.list("one/two") == files.list("new/deep") == []
    with pytest.raises(NotFound):
        files.read_bytes("dir/y.txt")
    with pytest.raises(NotFound):
        files.delete("dir/y.txt")
    with pytest.raises(NotFound):
        files.stat("nowhere")


def test_a_write_keeps_the_mode_and_leaves_no_temporary_file(tree: Path) -> None:
    (tree / "ws" / "run.sh").write_text("old", encoding="utf-8")
    (tree / "ws" / "run.sh").chmod(0o6750)
    bounded(tree).write("run.sh", b"new")
    assert (tree / "ws" / "run.sh").stat().st_mode & 0o7777 == 0o750
    assert sorted(os.listdir(tree / "ws")) == ["a.txt", "dir", "run.sh"]  # noqa: PTH208 - names only


def test_a_write_replaces_the_file_and_never_truncates_it(tree: Path) -> None:
    with (tree / "ws" / "a.txt").open(encoding="utf-8") as held:
        bounded(tree).write("a.txt", b"NEW")
        assert held.read() == "A"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_root_gateway_leaves_new_files_to_the_owner_of_the_workspace(tree: Path) -> None:
    os.chown(tree / "ws", 10001, 10001)
    os.chown(tree / "ws" / "a.txt", 10002, 10002)
    files = bounded(tree)
    files.write("sub/new.txt", b"x")
    files.write("a.txt", b"x")
    owners = [(tree / "ws" / name).stat().st_uid for name in ("sub", "sub/new.txt", "a.txt")]
    assert owners == [10001, 10001, 10002]


@pytest.mark.parametrize("target", ["{out}/secret.txt", "a.txt", "nowhere", "{out}/new.txt", "..", "loop"])
def test_adv_K4_a_link_is_refused_wherever_it_leads(tree: Path, walker: Walker, target: str) -> None:
    (tree / "ws" / "loop").symlink_to(target.replace("{out}", str(tree / "out")))
    files = bounded(tree, walker)
    acts: list[Callable[[], object]] = [
        lambda: files.open_read("loop"),
        lambda: files.write("loop", b"x"),
        lambda: files.delete("loop"),
        lambda: files.move("a.txt", "loop"),
        lambda: files.move("loop", "b.txt"),
        lambda: files.check_write("loop"),
        lambda: files.stat("loop"),
        lambda: files.list("loop"),
        lambda: files.mkdir("loop/x"),
        lambda: files.write("loop/x/y", b"x"),
        lambda: files.open_read("loop/secret.txt"),
    ]
    assert {why(act) for act in acts} == {"symlink"}
    assert sorted(path.name for path in (tree / "out").iterdir()) == ["secret.txt"]
    assert [entry.kind for entry in files.list() if entry.name == "loop"] == ["link"]


def test_adv_K4_a_hard_link_is_refused_for_reads_and_writes(tree: Path, walker: Walker) -> None:
    (tree / "ws" / "hard.txt").hardlink_to(tree / "out" / "secret.txt")
    files = bounded(tree, walker)
    acts: list[Callable[[], object]] = [
        lambda: files.open_read("hard.txt"),
        lambda: files.write("hard.txt", b"x"),
        lambda: files.delete("hard.txt"),
    ]
    assert {why(act) for act in acts} == {"hardlink"}
    assert bounded(tree, allow_hardlinks=True).read_bytes("hard.txt") == CANARY.encode()


def test_special_files_and_slashes_are_not_files_and_never_block(tree: Path, walker: Walker) -> None:
    os.mkfifo(tree / "ws" / "fifo")
    files = bounded(tree, walker)
    for path in ("fifo", "dir", "a.txt/", "a.txt/.", ".", "/workspace"):
        assert why(partial(files.open_read, path)) == "not-a-file"
        assert why(partial(files.write, path, b"x")) == "not-a-file"
    assert why(lambda: files.open_read("a.txt/b")) == "not-a-directory"
    assert why(lambda: files.write("a.txt/b", b"x")) == "not-a-directory"
    assert why(lambda: files.list("a.txt")) == "not-a-directory"
    assert why(lambda: files.open_read("x" * 300)) == "malformed"


@pytest.mark.parametrize("path", ["../out/p.txt", "{out}/p.txt", "@../out/p.txt", "~/p.txt", "dir/../../out/p.txt"])
def test_adv_K1_every_operation_of_a_patch_is_bounded_and_none_is_half_done(tree: Path, path: str) -> None:
    path = path.replace("{out}", str(tree / "out"))
    files = bounded(tree)
    acts: list[Callable[[], object]] = [
        lambda: files.write(path, b"x"),
        lambda: files.delete(path),
        lambda: files.move("a.txt", path),
        lambda: files.move(path, "c.txt"),
        lambda: files.check_write(path),
    ]
    assert {why(act) for act in acts} == {"outside"}
    assert files.read_bytes("a.txt") == b"A"
    assert sorted(entry.name for entry in files.list()) == ["a.txt", "dir"]


def test_moving_a_file_onto_itself_keeps_it(tree: Path) -> None:
    bounded(tree).move("a.txt", "/workspace/dir/../a.txt")
    assert bounded(tree).read_bytes("a.txt") == b"A"


def test_a_file_larger_than_the_limit_is_refused(tree: Path) -> None:
    assert why(lambda: bounded(tree).read_bytes("a.txt", limit=0)) == "too-large"


def test_the_path_of_the_root_itself_may_hold_links(tree: Path) -> None:
    (tree / "link").symlink_to("ws")
    files = GuardedFiles(FileRoots(cwd=str(tree / "link"), home="/nowhere"))
    assert files.read_bytes("dir/b.txt") == b"B"
    with pytest.raises(OpenClawError, match="workspace cannot be opened"):
        GuardedFiles(FileRoots(cwd=str(tree / "gone"), home="/nowhere")).read_bytes("a")


def test_adv_J11_K8_roots_come_from_the_session_and_not_from_the_request(tree: Path) -> None:
    files = bounded(tree)
    outside = str(tree / "out" / "secret.txt")
    assert [why(lambda: files.open_read(outside)) for _ in range(2)] == ["outside", "outside"]


# -- without bounds ------------------------------------------------------------------------------------------------


def test_an_unbounded_session_follows_links_and_writes_through_them(tree: Path) -> None:
    (tree / "ws" / "l").symlink_to(tree / "out" / "secret.txt")
    files = unbounded(tree)
    assert files.read_bytes("l") == CANARY.encode()
    files.write("l", b"new")
    assert (tree / "ws" / "l").is_symlink()
    assert (tree / "out" / "secret.txt").read_bytes() == b"new"
    assert why(lambda: files.delete("l")) == "symlink"


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/proc/self/environ", "/sys/kernel/uevent_seqnum", "l"])
def test_an_unbounded_session_reads_no_devices_and_no_kernel_files(tree: Path, path: str) -> None:
    (tree / "ws" / "l").symlink_to("/proc/self/environ")
    assert why(lambda: unbounded(tree).open_read(path)) == "not-a-file"


# -- openclaw's own state --------------------------------------------------------------------------------------------


@pytest.fixture
def state(tree: Path) -> Iterator[StateParts]:
    root = tree / "home" / ".openclaw"
    for folder in ("credentials", "workspace", "skills/s", "agents/main/sessions"):
        (root / folder).mkdir(parents=True)
    for name in ("openclaw.json", "credentials/x.json", "skills/s/SKILL.md", "workspace/a.md"):
        (root / name).write_text(CANARY, encoding="utf-8")
    (tree / "etc").mkdir()
    (tree / "etc" / "include.json").write_text(CANARY, encoding="utf-8")
    files = [str(tree / "etc" / "include.json"), str(tree / "etc" / "later.json")]
    yield StateParts.at(str(root), workspaces=[str(root / "workspace")], files=files)
    assert (root / "openclaw.json").read_text(encoding="utf-8") == CANARY
    assert not (root / "credentials" / "new.json").exists()


def test_adv_P10_other_names_for_the_state_do_not_help(tree: Path, state: StateParts) -> None:
    (tree / "alias").symlink_to(tree / "home" / ".openclaw")
    (tree / "ws" / "hard.json").hardlink_to(Path(state.root) / "openclaw.json")
    files = unbounded(tree, state)
    for path in (
        f"{state.root}/openclaw.json",
        f"{tree}/alias/openclaw.json",
        f"{tree}/alias/workspace/../credentials/x.json",
        "hard.json",
        f"{tree}/etc/include.json",
        f"{state.root}/credentials/new.json",
        f"{state.root}/agents/main/agent/deep/new.json",
        f"{tree}/alias/exec-approvals.json",
        f"{tree}/etc/later.json",
    ):
        assert why(partial(files.write, path, b"x")) == "protected"
    for path in (f"{tree}/alias/openclaw.json", "hard.json", f"{tree}/etc/include.json"):
        assert why(partial(files.open_read, path)) == "protected"
    assert why(lambda: files.list(f"{tree}/alias/credentials")) == "protected"
    assert why(lambda: files.list(f"{tree}/alias")) == "protected"
    assert why(lambda: files.mkdir(f"{tree}/alias/credentials/x")) == "protected"
    assert why(lambda: files.stat(f"{tree}/alias/credentials")) == "protected"
    assert why(lambda: files.move("a.txt", f"{tree}/alias/extensions/evil.py")) == "protected"


def test_adv_P10_a_root_that_is_itself_a_part_of_the_state_stays_protected(tree: Path, state: StateParts) -> None:
    for part in ("credentials", "agents/main", ""):
        root = str(Path(state.root) / part)
        (tree / "into").unlink(missing_ok=True)
        (tree / "into").symlink_to(root)
        for cwd in (root, str(tree / "into")):
            files = GuardedFiles(FileRoots(cwd=cwd, home="/h", state=state))
            assert why(partial(files.write, "new.json", b"x")) == "protected"
            assert why(files.list) == "protected"


def test_the_workspace_and_the_skills_inside_the_state_can_be_used(tree: Path, state: StateParts) -> None:
    inside = GuardedFiles(FileRoots(cwd=f"{state.root}/workspace", home="/h", state=state))
    inside.write("notes/today.md", b"x")
    assert inside.read_bytes("a.md") == CANARY.encode()
    files = unbounded(tree, state)
    assert files.read_bytes(f"{state.root}/skills/s/SKILL.md") == CANARY.encode()
    assert why(lambda: files.write(f"{state.root}/skills/s/SKILL.md", b"x")) == "protected"
    files.write("ordinary.txt", b"x")


def test_a_linked_workspace_and_a_link_to_the_top_in_the_state_change_nothing(tree: Path, state: StateParts) -> None:
    (tree / "elsewhere").mkdir()
    (Path(state.root) / "workspace-two").symlink_to(tree / "elsewhere")
    (Path(state.root) / "top").symlink_to("/")
    files = GuardedFiles(FileRoots(cwd=f"{state.root}/workspace-two", home="/h", state=state))
    files.write("a.txt", b"x")
    assert (tree / "elsewhere" / "a.txt").read_bytes() == b"x"


# -- races -----------------------------------------------------------------------------------------------------------


def exchange(one: Path, other: Path) -> None:
    """Swap two names in one step, so that there is no moment without either."""
    ctypes.CDLL(None).renameat2(-100, os.fsencode(one), -100, os.fsencode(other), 2)


@pytest.mark.parametrize("swapped", ["dir", "dir/b.txt"])
def test_adv_J7_a_name_that_flips_to_a_link_never_leaks(tree: Path, walker: Walker, swapped: str) -> None:
    name, link = tree / "ws" / swapped, tree / "link"
    link.symlink_to(tree / "out" if swapped == "dir" else tree / "out" / "secret.txt")
    (tree / "out" / "b.txt").write_text(CANARY, encoding="utf-8")
    stop = threading.Event()

    def flip() -> None:
        while not stop.is_set():
            exchange(name, link)

    files = bounded(tree, walker)
    thread = threading.Thread(target=flip)
    thread.start()
    try:
        for _ in range(250):
            with contextlib.suppress(Refused, NotFound):
                assert files.read_bytes("dir/b.txt") != CANARY.encode()
            with contextlib.suppress(Refused, NotFound):
                files.write("dir/new.txt", b"x")
    finally:
        stop.set()
        thread.join()
    if link.is_symlink():
        assert files.read_bytes("dir/b.txt") == b"B"
    assert sorted(path.name for path in (tree / "out").iterdir()) == ["b.txt", "secret.txt"]
    assert (tree / "out" / "secret.txt").read_text(encoding="utf-8") == CANARY


@pytest.mark.parametrize(
    ("race", "ok"),
    [
        ({"steps": [["symlink", "{out}", "{ws}/dir"], ["mkdir", "{ws}/dir"]], "rounds": 200}, True),
        ([["hardlink", "{out}/secret.txt", "{ws}/dir/b.txt"], ["write", "{ws}/dir/b.txt", "B"]], True),
        (True, True),
        ([["write", "{ws}/dir/b.txt", "SECRET"]], False),
    ],
)
def test_the_runner_races_a_case_and_would_see_a_leak(race: Any, ok: bool) -> None:
    case = {
        "id": "race",
        "tool": "read",
        "path": "dir/b.txt",
        "expect": "never-leaks",
        "effect": ["never-returns:SECRET", "content:{out}/secret.txt=SECRET"],
        "race": race,
    }
    assert run_case(case, shared_json("paths", "cases.json")).ok is ok


def removed(name: Path, secret: Path) -> None:
    name.unlink()


def linked_anew(name: Path, secret: Path) -> None:
    name.unlink()
    name.hardlink_to(secret)


def covered(name: Path, secret: Path) -> None:
    name.with_name("new").write_text("B", encoding="utf-8")
    name.with_name("new").rename(name)


def called_otherwise(name: Path, secret: Path) -> None:
    name.rename(name.with_name("other"))


def moved_away(name: Path, secret: Path) -> None:
    name.rename(name.parent.parent / name.name)


def taken_for_a_removed_one(name: Path, secret: Path) -> None:
    name.unlink()
    name.with_name(f"{name.name} (deleted)").hardlink_to(secret)


@pytest.mark.parametrize(
    "change", [removed, linked_anew, covered, called_otherwise, moved_away, taken_for_a_removed_one]
)
def test_a_name_that_went_after_the_opening_stays_gone_for_that_descriptor(tree: Path, change: Any) -> None:
    name, secret = tree / "ws" / "dir" / "second", tree / "out" / "secret.txt"
    name.hardlink_to(secret)
    folder = os.open(name.parent, os.O_RDONLY | os.O_DIRECTORY)
    fd = os.open(name.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        assert still_named(fd, folder, name.name)
        assert not still_named(fd, folder, f"{name.name} (deleted)")
        change(name, secret)
        assert not still_named(fd, folder, name.name)
    finally:
        os.close(fd)
        os.close(folder)


# -- random trees ------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "d"])
INSIDE = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TARGETS = st.sampled_from(["{out}", "{out}/canary", "..", "../out", "../../", "/", "a", "b/c", ".", "{out}/x"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mkdir"), INSIDE, st.just("")),
        st.tuples(st.just("write"), INSIDE, st.just("")),
        st.tuples(st.just("symlink"), INSIDE, TARGETS),
        st.tuples(st.just("hardlink"), INSIDE, st.just("")),
    ),
    max_size=8,
)
PATHS = st.lists(st.sampled_from(["a", "b", "c", "..", ".", "d", "x", "out", ""]), min_size=1, max_size=5).map("/".join)


def is_in_workspace(path: Path, top: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(top / "ws")  # `resolve` raises on loops


def plant(top: Path, steps: list[tuple[str, str, str]]) -> None:
    for kind, name, target in steps:
        path = top / "ws" / name
        try:
            if kind == "mkdir":
                path.mkdir(parents=True)
            elif kind == "write" and not path.exists() and is_in_workspace(path.parent, top):
                path.write_text("inside", encoding="utf-8")
            elif kind == "symlink":
                path.symlink_to(target.replace("{out}", str(top / "out")))
            elif kind == "hardlink":
                path.hardlink_to(top / "out" / "canary")
        except OSError:
            continue


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, paths=st.lists(PATHS, min_size=1, max_size=4))
def test_no_tree_of_links_leads_outside(tmp_path_factory: pytest.TempPathFactory, steps: Any, paths: list[str]) -> None:
    top = tmp_path_factory.mktemp("tree")
    for folder in ("ws", "out"):
        (top / folder).mkdir()
    (top / "out" / "canary").write_text(CANARY, encoding="utf-8")
    plant(top, steps)
    before = sorted(str(path) for path in (top / "out").rglob("*"))
    links = (top / "out" / "canary").stat().st_nlink
    for use_openat2 in (True, False):
        files = GuardedFiles(FileRoots(cwd=str(top / "ws"), home=str(top)), walker=Walker(use_openat2=use_openat2))
        for path in paths:
            acts: tuple[Callable[[], object], ...] = (
                partial(files.read_bytes, path),
                partial(files.list, path),
                partial(files.write, path, b"w"),
                partial(files.mkdir, path),
                partial(files.move, path, "moved"),
                partial(files.delete, path),
            )
            for act in acts:
                try:
                    result = act()
                except OpenClawError:
                    continue
                assert result != CANARY.encode()
                assert not (isinstance(result, list) and any(entry.name == "canary" for entry in result))
    assert sorted(str(path) for path in (top / "out").rglob("*")) == before
    assert (top / "out" / "canary").read_text(encoding="utf-8") == CANARY
    assert (top / "out" / "canary").stat().st_nlink == links
