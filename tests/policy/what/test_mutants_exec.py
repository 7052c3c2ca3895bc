"""What exec decisions say, word for word: words of a line, verdicts per segment, plans, what may be stored."""

from __future__ import annotations

from itertools import product
from typing import Any

from openclaw.policy.what import exec_programs as programs
from openclaw.policy.what.exec_decide import decide
from openclaw.policy.what.exec_interpreters import interpreter_of, script_of
from openclaw.policy.what.exec_lexer import MAX_BYTES, lex
from openclaw.policy.what.exec_model import (
    AllowEntry,
    Ask,
    Decision,
    ExecRequest,
    ExecRules,
    SafeBinProfile,
    Security,
    Word,
)
from openclaw.policy.what.exec_patterns import find_entry
from openclaw.policy.what.exec_plan import quote, render_word
from openclaw.policy.what.exec_segments import Surroundings, resolve
from openclaw.policy.what.safe_bins import PROFILES, fits_profile, is_pathlike, is_safe_bin
from openclaw.security.policy_cases.exec import DescribedWorld
from support.answers import asked, check_answers
from support.exec_lines import LINES
from support.exec_world import EVERYTHING, WORLD, ask

SETTINGS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "nothing": ([], {}),
    "everything": (EVERYTHING, {}),
    "everything, code too": (EVERYTHING, {"strictInlineEval": False}),
    "some": (
        ["/usr/bin/rg", "~/work/*", {"pattern": "/usr/bin/git", "args": ["status"]}, "/usr/bin/env", "/usr/bin/bash"],
        {},
    ),
    "with arguments": ([{"pattern": "/usr/bin/env", "args": ["rg", "a"]}, "/usr/bin/rg"], {}),
    "dispatcher of a skill": (
        ["/usr/bin/rg"],
        {"autoAllowSkills": True, "skillBins": {"env": "/usr/bin/env", "/usr/bin/git": "/usr/bin/git"}},
    ),
    "skills": (
        [],
        {"autoAllowSkills": True, "skillBins": {"himalaya": "/usr/local/bin/himalaya", "rg": "/usr/bin/ls"}},
    ),
    "profiles": (
        [],
        {
            "safeBins": ["sort", "grep", "jq", "git", "wc", "head"],
            "safeBinProfiles": {
                "git": {"maxPositional": 2, "allowedValueFlags": ["-c"], "deniedFlags": ["-x", "--exec"]},
                "jq": {},
            },
        },
    ),
}


def _brief(found: Decision) -> object:
    """Return a decision without the words of its segments, which `exec-lines` shows."""
    parts = [
        (
            part.why,
            part.satisfied,
            part.path,
            part.realpath,
            part.script,
            part.commands,
            [entry.pattern for entry in part.entries],
        )
        for part in found.segments
    ]
    return found.decision, found.why, parts, found.persistable, [entry.pattern for entry in found.matches], found.plan


def test_lines_as_they_are_read() -> None:
    check_answers("exec-lines", [(line, lex(line, "/home/u")) for line in LINES])


def test_lines_that_are_long() -> None:
    for size, fault in ((MAX_BYTES, False), (MAX_BYTES + 1, True)):
        line = "rg " + "a" * (size - 3)
        assert isinstance(lex(line, "/"), str) is fault
    assert isinstance(lex("rg " + "\u00e4" * (MAX_BYTES // 2), "/"), str)


def test_decisions_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    for (name, (allowlist, facts)), line in product(SETTINGS.items(), LINES):
        answers.append(((name, line), _brief(ask(line, allowlist, **facts))))
    check_answers("exec-decisions", answers)


def test_decisions_by_how_strict_they_are() -> None:
    lines = ("rg a", "rg a | head", "head -n1", "nothere", "rg $X", "bash -c x", "", "rg \0", "rg a > b")
    answers: list[tuple[object, object]] = []
    for security, often, line in product(Security, Ask, lines):
        facts = {"security": security.value, "ask": often.value}
        answers.append(((security, often, line), ask(line, ["/usr/bin/rg"], **facts)))
    answers += [((one, other), one.tighter(other)) for one, other in product(Security, repeat=2)]
    answers += [((one, other), one.tighter(other)) for one, other in product(Ask, repeat=2)]
    check_answers("exec-strictness", answers)


def test_argument_lists_word_for_word() -> None:
    calls = (
        (),
        ("rg", "a"),
        ("rg", "$X", "*"),
        ("if", "x"),
        ("X=1", "rg"),
        ("",),
        (" ",),
        ("rg", "\0"),
        ("bash", "-c", "x"),
        ("head", "-n1"),
        ("nothere",),
    )
    answers: list[tuple[object, object]] = []
    for argv, allowlist in product(calls, ([], EVERYTHING)):
        rules = ExecRules(
            Security.ALLOWLIST,
            allowlist=tuple(AllowEntry(pattern) for pattern in allowlist),
            safe_bins=frozenset({"head"}),
        )
        request = ExecRequest("ignored", argv=argv, cwd="/home/u/work", path=("/usr/bin", "relative", "/usr/local/bin"))
        answers.append(((argv, len(allowlist)), decide(request, rules, DescribedWorld(WORLD))))
    check_answers("exec-argv", answers)


def test_a_name_that_is_no_name_is_not_looked_for() -> None:
    around = Surroundings(ExecRules(), DescribedWorld(WORLD), "/", ("/usr/bin/rg", "/usr/bin/rg/x"))
    assert [resolve(name, around) for name in ("", ".", "..")] == [None] * 3


def test_an_applet_is_never_stored() -> None:
    world = {"home": "/", "executables": ["/bin/busybox"], "symlinks": {"/bin/cat": "busybox"}}
    request = ExecRequest("cat a", cwd="/home/u", path=("/bin",))
    found = decide(request, ExecRules(Security.ALLOWLIST, Ask.ON_MISS), DescribedWorld(world))
    assert found.segments[0].path == "/bin/cat"
    assert found.segments[0].persistable is None


def test_the_only_trusted_directory_suffices() -> None:
    rules = ExecRules(safe_bins=frozenset({"head"}), trusted_dirs=frozenset({"/usr/bin"}))
    assert is_safe_bin((Word("head", "head"),), "/usr/bin/head", "/usr/bin/head", rules)


def test_windows_word_for_word() -> None:
    world = {
        "home": "C:/u",
        "executables": ["/c/rg", "/c/rg.exe", "/c/cmd.exe", "/c/CMD", "/w/a\\b"],
        "symlinks": {"/c/shell.exe": "/c/cmd.exe"},
    }
    lines = (
        "rg a b",
        'rg "a"',
        "rg a|b",
        "rg a&b",
        "rg %X%",
        "rg ^a",
        "rg (a)",
        "rg a\tb",
        "rg a\x01",
        "rg a\u00e4",
        "cmd.exe /c x",
        "CMD x",
        "shell.exe x",
        "rg.exe",
        "a\\b x",
        "/c/rg a",
        "",
        "rg  a",
        "rg !x",
        "rg a\nb",
        "rg <a",
    )
    answers: list[tuple[object, object]] = []
    for platform, line in product(("windows", "linux"), lines):
        rules = ExecRules(Security.ALLOWLIST, allowlist=(AllowEntry("/**"),))
        request = ExecRequest(line, cwd="/w", path=("/c",))
        answers.append(((platform, line), decide(request, rules, DescribedWorld(world, platform))))
        argv = ExecRequest(line, argv=tuple(line.split()) or ("",), cwd="/w", path=("/c",))
        answers.append(((platform, line, "argv"), decide(argv, rules, DescribedWorld(world, platform))))
    check_answers("exec-windows", answers)


def test_entries_word_for_word() -> None:
    patterns = (
        "/usr/bin/rg",
        "/USR/bin/RG",
        "/usr/bin/*",
        "/usr/**",
        "/**",
        "**",
        "~/bin/x",
        "~",
        "/usr/bin/r?",
        "rg",
        "",
        "/usr/*/rg",
        "/usr/bin/rg/",
        "~root/x",
        "/u**/rg",
        "/usr/bin/[r]g",
    )
    words = (Word("a", "a"), Word("b", "b", dynamic=True))
    argument_lists: tuple[tuple[Word, ...], ...] = ((), words[:1], words)
    answers: list[tuple[object, object]] = []
    for pattern, path, arguments, args, void in product(
        patterns,
        ("/usr/bin/rg", "/home/u/bin/x", "/usr/bin/x/rg"),
        argument_lists,
        (None, (), ("a",), ("a", "b")),
        (False, True),
    ):
        found = find_entry((AllowEntry(pattern, args, void=void),), path, arguments, "/home/u")
        answers.append(((pattern, path, len(arguments), args, void), found is not None))
    both = (AllowEntry("/none", id="1"), AllowEntry("/usr/bin/*", id="2"), AllowEntry("/**", id="3"))
    answers.append(("the first that covers", find_entry(both, "/usr/bin/rg", (), "/home/u")))
    check_answers("exec-entries", answers)


def test_programs_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    answers += asked(programs.basename, "/usr/bin/rg", "/", "", "rg", "/a/b/", "/a/../b", "/a/b/.", "/a/b/..", "/..")
    answers += asked(programs.names_of, ("/usr/bin/rg", "/usr/bin/rg"), ("/home/u/bin/shx", "/usr/bin/bash"), ("/", ""))
    names = (
        "env",
        "nice",
        "nohup",
        "timeout",
        "stdbuf",
        "setsid",
        "time",
        "xargs",
        "sudo",
        "find",
        "rg",
        "ssh",
        "script",
        "flock",
        "busybox",
        "watch",
        "parallel",
        "ENV",
        "env.exe",
    )
    for name in names:
        answers.append((("dispatcher", name), programs.is_dispatcher(frozenset({name}))))
        answers.append(
            (
                ("unjudged", name),
                programs.starts_unjudged(frozenset({name}), (Word(name, name), Word("-exec", "-exec"))),
            )
        )
        answers.append(
            (("inner", name), programs.inner_command(frozenset({name}), (Word(name, name), Word("rg", "rg"))))
        )
    dynamic = (Word("time", "time"), Word("-p", "-p", dynamic=True), Word("rg", "rg"))
    answers.append(("dynamic option", programs.inner_command(frozenset({"time"}), dynamic)))
    answers += asked(quote, "", "a", "a b", "it's", "a/b.c-d_e", "$x", "\u00e4", "~", "a\nb")
    answers += asked(
        render_word,
        Word("a b", "'a b'"),
        Word("x", "$X", dynamic=True),
        Word("/home/u/x", "~/x", tilde=True),
        Word("", "''"),
    )
    check_answers("exec-programs", answers)


def test_interpreters_word_for_word() -> None:
    names = (
        "bash",
        "Bash.EXE",
        "python3.11",
        "python",
        "pypy3",
        "pythonw",
        "awk",
        "mawk",
        "gawk-5",
        "node20",
        "lua5.4",
        "tclsh8.6",
        "ruby2.7",
        "R",
        "Rscript",
        "pwsh",
        "powershell",
        "rg",
        "php8",
        "sh",
        "osascript",
        "jshell",
        "perl5.36",
        "wish",
    )
    answers: list[tuple[object, object]] = []
    answers += [(("family", name), interpreter_of(frozenset({name}))) for name in names]
    answers.append((("family", "two names"), interpreter_of(frozenset({"rg", "bash", "awk"}))))
    calls = (
        "{0} x",
        "{0} -x",
        "{0} -f x",
        "{0} -fx y",
        "{0} -l AppleScript x",
        "{0} -l X x",
        "{0} --vanilla x",
        "{0} -",
        "{0} --",
        "{0} -- x",
        "{0} --file=x",
        "{0} --file x",
        "{0} x.ps1",
        "{0} -ib x -f y",
        "{0} +x y",
        "{0} -nologo x.ps1",
        "{0} -file -x.ps1",
        "{0} run x",
        "{0} a/b",
        "{0} -W ignore x",
        "{0} --posix",
    )
    for name, call in product(names, calls):
        family = interpreter_of(frozenset({name}))
        if family is not None:
            words = tuple(Word(text, text) for text in call.format(name).split())
            answers.append(((family, call), script_of(family, words)))
    check_answers("exec-interpreters", answers)


def test_safe_bins_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    answers += asked(
        is_pathlike, "a", "/", "/a", "./a", "../a", ".", "..", "~", "~a", "C:\\x", "a/b", "", "...", "..a", "-"
    )
    arguments = (
        "",
        "-l",
        "-lw",
        "-n 5",
        "-n5",
        "-5",
        "-",
        "--",
        "-- -",
        "-- a",
        "-- /a",
        "a",
        "a b",
        "a b c",
        "/a",
        "--lines",
        "--lines 5",
        "--lines=5",
        "--lines=/x",
        "--group",
        "--group=x",
        "--group=./x",
        "--nothing",
        "-x",
        "-n /x",
        "-n",
        "-dx -f1",
        "-f",
        "-e a b",
        "--count=1",
        "-cn 5",
        "-nc",
        "-d / -f 1",
        "- - a",
        "-qc5 -",
        "--complement",
        "-5x",
        "a -l",
    )
    for name, line in product(PROFILES, arguments):
        answers.append(((name, line), fits_profile(PROFILES[name], line.split())))
    own = SafeBinProfile.custom(operands=(1, 2), value_flags=("-c", "--config"), denied_flags=("-x", "--exec"))
    answers += [
        (("own", line), fits_profile(own, line.split()))
        for line in (
            *arguments,
            "-ax a",
            "-a a",
            "--config x a",
            "--config=/x a",
            "--exec a",
            "-c /x a",
            "-c x a",
            "--other a",
        )
    ]
    answers.append(("custom", own))
    places = (
        ("/usr/bin/head", "/usr/bin/head"),
        ("/bin/head", "/usr/bin/head"),
        ("/home/u/head", "/usr/bin/head"),
        ("/usr/bin/head", "/opt/head"),
        ("/usr/bin/head", "/usr/bin/busybox"),
        ("head", "head"),
        ("/head", "/head"),
    )
    for (path, real), listed in product(places, (frozenset({"head"}), frozenset[str]())):
        rules = ExecRules(safe_bins=listed, trusted_dirs=frozenset({"/usr/bin", "/bin", "/"}))
        for word in (Word("-n1", "-n1"), Word("x", "$X", dynamic=True), Word("x", "~", tilde=True)):
            answers.append(
                ((path, real, sorted(listed), word), is_safe_bin((Word("head", "head"), word), path, real, rules))
            )
    never = ExecRules(
        safe_bins=frozenset({"curl", "bash", "env", "sort"}), safe_bin_profiles={"curl": own, "bash": own, "env": own}
    )
    answers += [
        (
            ("never", name),
            is_safe_bin((Word(name, name), Word("a", "a")), f"/usr/bin/{name}", f"/usr/bin/{name}", never),
        )
        for name in ("curl", "bash", "env", "sort")
    ]
    check_answers("safe-bins", answers)
