"""What runs is what was judged: plans are run by real processes and compared with what the original line would do."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from openclaw.policy.what.exec_decide import decide
from openclaw.policy.what.exec_model import AllowEntry, Ask, Decision, ExecRequest, ExecRules, Plan, Security
from openclaw.policy.what.exec_plan import SHELL, quote
from openclaw.system.executables import HostWorld, bind, trusted_directories, user_shell
from openclaw.system.processes import Launch, Step, run_process
from support.exec_world import EVERYTHING, ask

DUMP = "#!/bin/sh\nprintf '[%s]' \"$@\"; echo\n"
OPEN_RULES = ExecRules(Security.ALLOWLIST, Ask.OFF, (AllowEntry("/**"),), strict_inline_eval=False)


def judged(line: str, cwd: Path, path: tuple[str, ...]) -> Decision:
    return decide(ExecRequest(line, cwd=str(cwd), path=path), OPEN_RULES, HostWorld("/home/u"))


def run_plan(plan: Plan, cwd: Path) -> str:
    """Run a plan as the exec tool does."""
    env = {"PATH": ":".join(plan.path), "HOME": "/home/u", "X": "x y", "LC_ALL": "C.UTF-8"}
    steps = tuple(Step(step.op, step.commands) for step in plan.steps)
    if plan.script is not None:
        steps = (Step("", ((SHELL, "-c", plan.script),)),)
    return asyncio.run(run_process(Launch(steps, env, str(cwd)))).stdout


def run_line(line: str, cwd: Path, path: tuple[str, ...]) -> str:
    env = {"PATH": ":".join(path), "HOME": "/home/u", "X": "x y", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([SHELL, "-c", line], capture_output=True, cwd=cwd, env=env, check=False, text=True)
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("plan")
    (top / "d").write_text(DUMP, encoding="utf-8")
    (top / "d").chmod(0o755)
    for name in ("a.txt", "b.txt", "b c.txt"):
        (top / name).touch()
    return top


def test_a_literal_line_needs_no_shell_and_runs_absolute_paths() -> None:
    plan = ask("rg '$(id)' ~/x | head -n1 && ./rg a || \\ls; env -i nice -n 5 rg b", EVERYTHING).plan
    assert plan is not None
    assert plan.script is None
    assert [(step.op, step.commands) for step in plan.steps] == [
        ("", (("/usr/bin/rg", "$(id)", "/home/u/x"), ("/usr/bin/head", "-n1"))),
        ("&&", (("/home/u/work/rg", "a"),)),
        ("||", (("/usr/bin/ls",),)),
        (";", (("/usr/bin/env", "-i", "/usr/bin/nice", "-n", "5", "/usr/bin/rg", "b"),)),
    ]
    assert plan.pins == ("/usr/bin/rg", "/usr/bin/head", "/home/u/work/rg", "/usr/bin/ls", "/usr/bin/env")


def test_a_dynamic_argument_is_expanded_by_a_script_rendered_anew() -> None:
    plan = ask("rg   \"a$X\" *.txt 'it'\\''s' | head -n1 && env rg ~root", EVERYTHING).plan
    assert plan is not None
    assert plan.steps == ()
    assert plan.script == (
        "'/usr/bin/rg' \"a$X\" *.txt 'it'\\''s' | '/usr/bin/head' '-n1' && '/usr/bin/env' '/usr/bin/rg' ~root"
    )
    assert plan.path == ("/usr/bin", "/usr/local/bin")


@pytest.mark.parametrize(
    ("line", "script"),
    [
        ("ls; rg $X | head -n1", "'/usr/bin/ls' ; '/usr/bin/rg' $X | '/usr/bin/head' '-n1'"),
        ("rg $X\\ ", "'/usr/bin/rg' $X\\ "),
        ("ls; rg $X\\ ", "'/usr/bin/ls' ; '/usr/bin/rg' $X\\ "),
        ("rg $X\\  && ls", "'/usr/bin/rg' $X\\  && '/usr/bin/ls'"),
    ],
)
def test_operators_and_escaped_blanks_stay_in_the_script(line: str, script: str) -> None:
    plan = ask(line, EVERYTHING).plan
    assert plan is not None
    assert plan.script == script


@pytest.mark.parametrize(
    "line",
    [
        "d a 'b c' \"d\\e\" \\$X",
        "d $X \"$X\" '$X' ~/x '~'",
        "d *.txt [ab].txt '*.txt'",
        "d a | wc -c; d b && d c || d d",
        "d a=~ {a,b} x{}y",
        "d '' \"\" 'it'\\''s' | cat",
        "env d $X; nohup d a",
        "d a; d $X\\ ",
    ],
)
def test_the_plan_does_what_the_line_would_do(place: Path, line: str) -> None:
    path = (str(place), "/usr/bin")
    plan = judged(line, place, path).plan
    assert plan is not None
    assert run_plan(plan, place) == run_line(line, place, path)


WORDS = st.sampled_from(
    [
        "a",
        "'b c'",
        '"d$X"',
        "$X",
        "*.txt",
        "\\*",
        "~",
        "~/q",
        "''",
        "a=b",
        "{a,b}",
        "\\'",
        '"it\'s"',
        "$",
        "b?c.txt",
        "-n",
        "$X\\ ",
    ]
)
LINES = st.lists(st.lists(WORDS, max_size=3).map(lambda words: " ".join(["d", *words])), min_size=1, max_size=3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.sampled_from([" && ", " || ", "; ", " | "]))
def test_any_accepted_line_and_its_plan_agree(place: Path, commands: list[str], op: str) -> None:
    line, path = op.join(commands), (str(place), "/usr/bin")
    plan = judged(line, place, path).plan
    assume(plan is not None)
    assert plan is not None
    assert run_plan(plan, place) == run_line(line, place, path)


@given(st.lists(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"])), min_size=1, max_size=4))
def test_adv_H2_quoting_gives_back_exactly_the_words_that_were_judged(words: list[str]) -> None:
    assert shlex.split(" ".join(map(quote, words))) == words


def test_adv_H5_a_shadowing_file_that_appears_later_does_not_run(tmp_path: Path, place: Path) -> None:
    early = tmp_path / "early"
    early.mkdir()
    path = (str(early), str(place))
    decision = judged("d a", tmp_path, path)
    assert decision.plan is not None
    (early / "d").write_text("#!/bin/sh\necho evil\n", encoding="utf-8")
    (early / "d").chmod(0o755)
    assert run_plan(decision.plan, tmp_path) == "[a]\n"


def test_a_builtin_of_the_same_name_does_not_run_instead_of_the_file(tmp_path: Path) -> None:
    own = tmp_path / "printf"
    own.write_text("#!/bin/sh\necho file\n", encoding="utf-8")
    own.chmod(0o755)
    plan = judged("printf $X", tmp_path, (str(tmp_path),)).plan
    assert plan is not None
    assert run_plan(plan, tmp_path) == "file\n"


# -- binding an approval to files ----------------------------------------------------------------


@pytest.fixture
def bound(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    for name in ("tool", "work/x.sh"):
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "link").symlink_to("tool")
    return tmp_path


def replace_link(top: Path) -> None:
    (top / "other").write_text("#!/bin/sh\n", encoding="utf-8")
    (top / "other").chmod(0o755)
    (top / "link").unlink()
    (top / "link").symlink_to("other")


def same_size_and_time(top: Path) -> None:
    before = (top / "tool").stat()
    (top / "tool").write_text("#!/bin/ss\n", encoding="utf-8")
    os.utime(top / "tool", ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda top: (top / "tool").write_text("#!/bin/sh\nevil\n", encoding="utf-8"),
        lambda top: (top / "tool").unlink(),
        lambda top: (top / "tool").rename(top / "gone") and (top / "tool").write_text("#!/bin/sh\n", encoding="utf-8"),
        same_size_and_time,
        replace_link,
        lambda top: (top / "work" / "x.sh").write_text("evil\n", encoding="utf-8"),
        lambda top: (top / "work").rename(top / "old") and (top / "work").mkdir(),
        lambda top: (top / "work").rename(top / "old") and (top / "work").symlink_to("old"),
    ],
)  # fmt: skip
def test_adv_H5_H6_a_program_script_or_directory_that_changed_breaks_the_binding(bound: Path, change: object) -> None:
    cwd, path = bound / "work", (str(bound), "/usr/bin")
    decision = decide(
        ExecRequest("link a && tool b; env sh x.sh", cwd=str(cwd), path=path),
        ExecRules(Security.ALLOWLIST, Ask.ON_MISS),
        HostWorld("/home/u"),
    )
    assert not decision.segments[0].satisfied
    before = bind(decision, str(cwd))
    assert bind(decision, str(cwd)) == before
    assert len(before.scripts) == 1
    assert callable(change)
    change(bound)
    assert bind(decision, str(cwd)) != before


def test_adv_H13_only_directories_of_root_that_nobody_else_writes_are_trusted(tmp_path: Path) -> None:
    open_dir, mine = tmp_path / "open", tmp_path / "mine"
    for folder in (open_dir, mine):
        folder.mkdir()
    open_dir.chmod(0o777)
    os.chown(mine, 12345, 12345) if os.geteuid() == 0 else None
    trusted, refused = trusted_directories(
        ["/usr/local/bin", str(open_dir), str(mine), "relative", "/nowhere", "/etc/passwd"]
    )
    assert trusted == {"/bin", "/usr/bin", "/usr/local/bin"}
    assert len(refused) == 5
    assert {reason.key for reason in refused} == {"tools.exec.safeBinTrustedDirs"}


def test_the_machine_is_seen_without_raising(tmp_path: Path) -> None:
    world = HostWorld("/home/u", platform="win32")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dir").mkdir()
    (tmp_path / "plain").touch(mode=0o644)
    assert world.platform == "windows"
    assert world.is_executable_file("/bin/sh")
    for path in ("\0", "/nowhere", str(tmp_path), str(tmp_path / "loop"), "/" + "x" * 5000, "/\ud800"):
        assert not world.is_executable_file(path)
        assert world.realpath(path)


def test_adv_I6_the_shell_comes_from_the_user_database_and_not_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = user_shell()
    monkeypatch.setenv("SHELL", "/opt/evil")
    assert user_shell() == before
    assert Path(before).name in {"sh", "bash", "dash", "zsh", "ksh"}
