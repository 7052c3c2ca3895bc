"""The exec decision: shared cases and the published ways around allowlists."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.exec_decide import decide
from openclaw.policy.what.exec_model import AllowEntry, Ask, ExecRequest, ExecRules, Persistable, Security
from openclaw.security.policy_cases.exec import DescribedWorld, run_case
from support.exec_world import EVERYTHING, WORLD, ask, why
from support.shared import shared_cases, shared_json


def cases() -> list[dict[str, Any]]:
    return shared_cases("exec", "cases.json")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_the_shared_exec_cases(case: dict[str, Any]) -> None:
    result = run_case(case, shared_json("exec", "cases.json"))
    assert result.ok, result
    assert result.trail[-1].rule == case["why"]


# -- knobs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("security", "knob", "command", "expected"),
    [
        ("deny", "always", "rg x", ("deny", "security-deny")),
        ("deny", "off", " ", ("deny", "invalid-command")),
        ("full", "always", "rg x", ("ask", "ask-always")),
        ("full", "off", "rg $(id)", ("allow", "security-full")),
        ("allowlist", "always", "rg x", ("ask", "ask-always")),
        ("allowlist", "on-miss", "rm x", ("ask", "allowlist-miss")),
        ("allowlist", "off", "rm x", ("deny", "allowlist-miss")),
        ("allowlist", "off", "rg x", ("allow", "allowlist-match")),
        ("allowlist", "off", "rg >x", ("deny", "parse:redirection")),
        ("allowlist", "off", "rg \0", ("deny", "invalid-command")),
    ],
)
def test_the_knobs_decide_in_order(security: str, knob: str, command: str, expected: tuple[str, str]) -> None:
    decision = ask(command, ["/usr/bin/rg"], security=security, ask=knob)
    assert (decision.decision, decision.why) == expected
    assert decision.reason.rule == decision.why
    assert decision.reason.key
    assert decision.reason.detail


def test_the_stricter_of_two_knobs_is_taken() -> None:
    assert Security.FULL.tighter(Security.DENY) is Security.DENY
    assert Security.ALLOWLIST.tighter(Security.FULL) is Security.ALLOWLIST
    assert Ask.OFF.tighter(Ask.ALWAYS) is Ask.ALWAYS
    assert Ask.ON_MISS.tighter(Ask.OFF) is Ask.ON_MISS


def test_a_plan_exists_only_where_rules_and_not_people_allowed() -> None:
    assert ask("rg x", ["/usr/bin/rg"]).plan is not None
    for facts in ({"security": "full"}, {"ask": "always"}, {"security": "deny"}):
        assert ask("rg x", ["/usr/bin/rg"], **facts).plan is None
    assert ask("rm x", ["/usr/bin/rg"]).plan is None


# -- H7: syntax ------------------------------------------------------------------------------------

HIDDEN = [
    "rg x # '\nrm -rf ~ #'", "rg $'\\'';rm -rf ~;#'", "X=/bin/rg rm -rf ~", "rg $(touch c)", 'rg "$(touch c)"',
    "rg `touch c`", 'rg "`touch c`"', "rg ${x:-$(touch c)}", "rg $((a[$(touch c)]))", "rg <(touch c)",
    "rg >(touch c)", "rg > c", "rg >> c", "rg >| c", "rg 2> c", "rg &> c", "rg < /etc/passwd", "rg << x",
    "rg <<< $(touch c)", "rg & touch c", "rg x &", "rg |& tee c", "(touch c)", "{ touch c; }",
    "if true; then touch c; fi", "! touch c", "while touch c; do :; done", "for i in a; do touch c; done",
    "case x in *) touch c;; esac", "until touch c; do :; done", "rg() { touch c; }; rg", "function rg { touch c; }",
    "[[ -n $(touch c) ]]", "time touch c", "coproc touch c", "select x in a; do touch c; done", "rg\\\ntouch c",
    "rg\ntouch c", "rg\rtouch c", "rg x;\ntouch c", "A+=1 touch c", "A[0]=1 touch c", "A=1", "rg x ;", "rg x &&",
    "|| rg", "rg x | ", "rg 'x", 'rg "x', "rg x\\", "$X x", "/usr/bin/r?", "/usr/bin/{rg,rm} x", "~root/rg x",
    "$(rg) x", "rg x\u2028touch c", "rg\u00a0x", "rg \u202ex", "eval rg", "exec rg x", ". rg", "source rg",
    "command rg x", "builtin rg", "cd /; rg x", "export A=1; rg", "alias rg=rm; rg x", "trap x EXIT", "rg x; rm c",
    "rg x && rm c", "rg x || rm c", "rg x | rm c", "'if' rg", "\\cd /", "set -- x", "printf -v 'a[$(touch c)]' x",
    "test -v 'a[$(touch c)]'", "[ -v 'a[$(touch c)]' ]", "rg x;(touch c)", "rg x &;", "&rg", "rg x ||| rm c",
]  # fmt: skip


@pytest.mark.parametrize("line", HIDDEN)
def test_adv_H7_no_syntax_hides_a_second_command(line: str) -> None:
    decision = ask(line, ["/usr/bin/rg"], ask="off")
    assert decision.decision is Outcome.DENY
    assert decision.plan is None
    assert ask(line, ["/usr/bin/rg"]).decision is Outcome.ASK


def test_adv_H7_a_covered_line_is_allowed_only_as_a_whole() -> None:
    assert why("rg a | head -n1 && rg b || rg c; ls", ["/usr/bin/rg", "/usr/bin/ls"]) == "allowlist-match"
    assert why("rg a | head -n1 && rg b || rm c; ls", ["/usr/bin/rg", "/usr/bin/ls"]) == "allowlist-miss"


def test_adv_R1_a_permitted_prefix_does_not_carry_the_rest() -> None:
    assert why("git status && touch x", ["/usr/bin/git"]) == "unresolved"
    assert why("git status && rm x", ["/usr/bin/git"]) == "allowlist-miss"


# -- H8: dispatchers -------------------------------------------------------------------------------

WRAPPERS = [
    "env", "env -i", "env --", "env -i --", "nice", "nice -n 5", "nice -n -5", "nohup", "timeout 5", "timeout 1.5m",
    "timeout -k 5 -s KILL 10", "stdbuf -oL", "stdbuf -i0 -eL", "setsid", "/usr/bin/time", "/usr/bin/time -p",
    "\\time", "/home/u/bin/wrap",
]  # fmt: skip


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("depth", range(1, 7))
def test_adv_H8_a_wrapper_answers_like_what_it_starts_up_to_three_deep(wrapper: str, depth: int) -> None:
    prefix = " ".join([wrapper] * depth)
    allowlist = [f"/usr/bin/{name}" for name in ("env", "nice", "nohup", "timeout", "stdbuf", "setsid", "time", "rg")]
    allowlist.append("/home/u/bin/wrap")
    assert why(f"{prefix} rg x", allowlist) == ("allowlist-match" if depth <= 3 else "dispatcher")
    assert why(f"{prefix} rm x", allowlist) == ("allowlist-miss" if depth <= 3 else "dispatcher")
    assert why(f"{prefix} rg x", [entry for entry in allowlist if not entry.endswith("rg")]) != "allowlist-match"
    assert why(f"{prefix} rg x", ["/usr/bin/rg"]) == "allowlist-miss"


@pytest.mark.parametrize(
    "line",
    [
        "env", "env -i", "env A=1 rg x", "env -S 'rg x'", "env -u A rg x", "env -", "env --split-string=rg",
        "env -C / rg", "env 'A=1' rg", "nice", "nice -5 rg", "nice -n", "nice -n x rg", "nice --adjustment=5 rg",
        "nohup", "nohup -- rg", "timeout rg x", "timeout 5", "timeout --foreground 5 rg", "timeout -k rg 5",
        "stdbuf rg", "stdbuf -oX rg", "stdbuf --output=L rg", "setsid", "setsid -f rg", "setsid --wait rg",
        "/usr/bin/time -o c rg", "/usr/bin/time -f x rg", "timeout $X rg", "nice -n $X rg",
        "env -i -- A=1 rg", "xargs rg", "sudo rg", "script -c rg", "flock c rg", "ssh host rg", "busybox rg",
        "bbsh -c rg", "/lib64/ld-linux-x86-64.so.2 /usr/bin/rg",
    ],
)  # fmt: skip
def test_adv_H8_any_other_form_of_a_wrapper_is_not_judged(line: str) -> None:
    assert why(line, EVERYTHING) == "dispatcher"
    assert ask(line, EVERYTHING).decision is Outcome.ASK


@pytest.mark.parametrize(
    "action", ["-exec rm {} +", "-delete", "-ok rm {} +", "-fprint c", "-fls c", "-execdir rm {} +"]
)
def test_adv_H8_find_with_an_action_is_not_judged(action: str) -> None:
    assert why(f"find . {action}", ["/usr/bin/find"]) == "dispatcher"
    assert why("find . -name x", ["/usr/bin/find"]) == "allowlist-match"


@pytest.mark.parametrize(
    ("word", "allowed"),
    [
        ("*.py", True),
        ("src/*", True),
        ("*", False),
        ("-ex*", False),
        ("$X", False),
        ("$HOME", True),
        ("$PWD/*.py", True),
        ("$HOME$X", False),
        ("$LANG", False),
    ],
)
def test_adv_H8_a_word_that_may_expand_to_an_action_counts_as_one(word: str, allowed: bool) -> None:
    assert (why(f"find . {word}", ["/usr/bin/find"]) == "allowlist-match") is allowed


@pytest.mark.parametrize("inner", ["sh -c id", "python3 -c x", "head -n5", "$X x", "nowhere", "if"])
def test_adv_H8_what_a_wrapper_starts_is_judged_by_every_rule(inner: str) -> None:
    expected = {"sh -c id": "strict-inline-eval", "python3 -c x": "strict-inline-eval", "head -n5": "allowlist-match"}
    default = "parse:dynamic-executable" if inner.startswith("$") else "unresolved"
    found = ask(f"env {inner}", ["/usr/bin/env", "/usr/bin/sh", "/usr/bin/python3"], path=["/usr/bin"])
    assert found.why == expected.get(inner, default)


# -- H9: what may be stored ------------------------------------------------------------------------


def test_allow_always_stores_program_and_words_of_what_is_not_covered() -> None:
    decision = ask("rg x | ls -l && git status", ["/usr/bin/rg"])
    assert decision.persistable == (Persistable("/usr/bin/ls", ("-l",)), Persistable("/usr/bin/git", ("status",)))


@pytest.mark.parametrize(
    "line",
    [
        "busybox sh -c id", "bbsh -c id", "env rm x", "xargs rm", "sh build.sh", "bash -c id", "python3 x.py",
        "rm *", "rm $X", "rm build.sh", "rm x.py", "rm --file=x.js", "nowhere x", "rm x > y", "rm x # y",
        "rm x; sh y", "find . -delete", "./build.sh", "/home/u/work/rg x", "sudo rm", "awk 1", "sed p", "$X",
        "A=1 rm",
    ],
)  # fmt: skip
def test_adv_H9_what_could_run_anything_later_is_never_stored(line: str) -> None:
    assert ask(line).persistable == ()
    assert ask(line, ask="always").persistable == ()


def test_adv_H6_an_unknown_runner_with_a_script_is_never_stored() -> None:
    assert ask("ls x.sh").persistable == ()
    assert ask("ls x.txt").persistable != ()


def test_nothing_is_stored_where_the_allowlist_does_not_decide() -> None:
    assert ask("ls x", security="full", ask="always").persistable == ()
    assert ask("ls x", security="allowlist", ask="always").persistable == (Persistable("/usr/bin/ls", ("x",)),)


# -- H11: patterns ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "line", "matches"),
    [
        ("/usr/bin/ls", "ls", True),
        ("/usr/bin/ls", "/opt/x/ls", False),
        ("ls", "ls", False),
        ("  /usr/bin/ls ", "ls", True),
        ("/usr/bin/*", "ls", True),
        ("/usr/*", "ls", False),
        ("/usr/**", "ls", True),
        ("/**", "/opt/x/ls", True),
        ("/usr/bin/l?", "ls", True),
        ("/usr/bin?ls", "ls", False),
        ("/usr/bin/g++", "g++ x", True),
        ("/usr/bin/.s", "ls", False),
        ("/usr/bin/l", "ls", False),
        ("/usr/bin/ls/", "ls", False),
        ("/USR/BIN/L*", "ls", True),
        ("~/work/*", "./rg x", True),
        ("~", "./rg x", False),
        ("~other/*", "./rg x", False),
        ("/usr/bin/**", "/usr/bin/../../opt/x/ls", False),
        ("/opt/**", "/usr/bin/../../opt/x/ls", True),
        ("/usr/bin/env", "~/bin/wrap rg", False),
        ("/opt/my tools/*", "'/opt/my tools/run it'", True),
        ("*" * 200 + "/", "ls", False),
        ("", "ls", False),
    ],
)
def test_adv_H11_a_pattern_matches_the_normalised_path_as_a_whole(pattern: str, line: str, matches: bool) -> None:
    assert (why(line, [pattern]) == "allowlist-match") is matches


@pytest.mark.parametrize(
    ("args", "line", "matches"),
    [
        (["status"], "git status", True),
        (["status"], "git 'status'", True),
        (["status"], "git status -s", False),
        (["status"], "git", False),
        ([], "git", True),
        ([], "git status", False),
        (["$X"], "git $X", False),
        (["$X"], "git '$X'", True),
        (["*"], "git *", False),
        ("status", "git status", False),
        ([1], "git 1", False),
        (None, "git anything", True),
    ],
)
def test_adv_H11_stored_words_match_exactly_and_unusable_ones_never(args: Any, line: str, matches: bool) -> None:
    entry = {"pattern": "/usr/bin/git"} if args is None else {"pattern": "/usr/bin/git", "args": args}
    assert (why(line, [entry]) == "allowlist-match") is matches


@pytest.mark.parametrize("line", ["A=1 sh -c id", "A=1 rg x", "'A=1' rg x", "A=$X rg"])
def test_adv_H11_a_leading_assignment_is_a_miss(line: str) -> None:
    assert why(line, EVERYTHING) == "parse:assignment"


def test_the_first_entry_that_matches_is_marked_and_each_only_once() -> None:
    entries = (AllowEntry("/usr/bin/*", id="1"), AllowEntry("/usr/bin/rg", id="2"), AllowEntry("/**", id="3"))
    rules = ExecRules(security=Security.ALLOWLIST, allowlist=entries)
    request = ExecRequest("rg a && rg b | env rg c && /opt/x/ls", cwd="/", path=("/usr/bin",))
    assert [entry.id for entry in decide(request, rules, DescribedWorld(WORLD)).matches] == ["1", "3"]


# -- H13, H15: who is behind a name ----------------------------------------------------------------


def test_adv_H13_a_safe_bin_shadowed_in_path_is_not_trusted() -> None:
    assert why("head -n1", path=["/usr/bin", "/usr/local/bin"]) == "safe-bin"
    assert why("head -n1", path=["/usr/local/bin", "/usr/bin"]) == "allowlist-miss"
    assert why("head -n1", path=["/usr/local/bin"], safeBinTrustedDirs=["/usr/local/bin"]) == "safe-bin"
    assert why("~/bin/wc -l") == "allowlist-miss"
    assert why("head -n1", path=["bin", "", "."]) == "unresolved"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"autoAllowSkills": True, "skillBins": {"himalaya": "/usr/local/bin/himalaya"}}, "allowlist-match"),
        ({"autoAllowSkills": False, "skillBins": {"himalaya": "/usr/local/bin/himalaya"}}, "allowlist-miss"),
        ({"autoAllowSkills": True, "skillBins": {"himalaya": "/opt/x"}}, "allowlist-miss"),
        ({"autoAllowSkills": True, "skillBins": {}}, "allowlist-miss"),
        (
            {"autoAllowSkills": True, "skillBins": {"/usr/local/bin/himalaya": "/usr/local/bin/himalaya"}},
            "allowlist-miss",
        ),
    ],
)
def test_adv_H15_a_skill_program_counts_only_at_its_registered_path(facts: dict[str, Any], expected: str) -> None:
    assert why("himalaya list", **facts) == expected
    assert why("/usr/local/bin/himalaya list", **facts) == "allowlist-miss"


class Watched(DescribedWorld):
    """Remembers every path that it was asked about."""

    def __init__(self) -> None:
        super().__init__(WORLD)
        self.asked: set[str] = set()

    def is_executable_file(self, path: str) -> bool:
        self.asked.add(path)
        return super().is_executable_file(path)

    def realpath(self, path: str) -> str:
        self.asked.add(path)
        return super().realpath(path)


def test_adv_H14_the_decision_looks_at_no_operand() -> None:
    world, allowlist = Watched(), (AllowEntry("/usr/bin/*"),)
    rules = ExecRules(security=Security.ALLOWLIST, allowlist=allowlist, safe_bins=frozenset({"head", "tr"}))
    decide(
        ExecRequest("rg secret.txt ~/x | head -c9 && sh s.sh; tr a b", cwd="/home/u/work", path=("/usr/bin",)),
        rules,
        world,
    )
    assert {path for path in world.asked if not path.startswith("/usr/bin/")} == set()


# -- argv, Windows, totality -----------------------------------------------------------------------


def test_an_argv_is_one_program_with_literal_words() -> None:
    rules = ExecRules(security=Security.ALLOWLIST, allowlist=(AllowEntry("/usr/bin/rg"),))
    world = DescribedWorld(WORLD)
    decision = decide(ExecRequest(argv=("rg", "$(id)", "*", "a\nb"), path=("/usr/bin",)), rules, world)
    assert decision.plan is not None
    assert decision.plan.steps[0].commands == (("/usr/bin/rg", "$(id)", "*", "a\nb"),)
    for argv in ((), ("",), ("  ",), ("rg", "a\0")):
        assert decide(ExecRequest(argv=argv), rules, world).why == "invalid-command"


@pytest.mark.parametrize(
    "line", ["rg & whoami", "rg | x", "rg > x", "rg ^x", "rg (x)", "rg %PATH%", "rg !x!", 'rg "x"']
)
def test_on_windows_no_sign_of_its_shell_is_read(line: str) -> None:
    assert why(line, EVERYTHING, platform="windows").startswith("parse:")


def test_adv_P11_programs_that_talk_to_the_network_have_no_way_in_by_default() -> None:
    assert {why(f"{name} x") for name in ("ping", "nslookup", "dig", "host", "curl", "ssh h")} <= {
        "unresolved",
        "allowlist-miss",
    }


@given(
    st.one_of(st.text(), st.sampled_from(HIDDEN + WRAPPERS)),
    st.lists(st.text(), max_size=2),
    st.sampled_from(Security),
    st.sampled_from(Ask),
    st.booleans(),
)
def test_deciding_never_raises_and_an_allow_always_has_a_ground(
    line: str, patterns: list[str], security: Security, knob: Ask, as_argv: bool
) -> None:
    rules = ExecRules(security=security, ask=knob, allowlist=tuple(map(AllowEntry, patterns)))
    argv = tuple(line.split(" ")) if as_argv else None
    decision = decide(ExecRequest(line, argv=argv, cwd="/home/u", path=("/usr/bin",)), rules, DescribedWorld(WORLD))
    if decision.decision is Outcome.ALLOW:
        assert decision.why == "security-full" or (decision.plan is not None and decision.matches)
    assert decision.reason.detail


@given(st.text(alphabet="rg mls/|&;$'\"\\*~ab.-\n"))
def test_a_tighter_rule_never_allows_more(line: str) -> None:
    world = DescribedWorld(WORLD)
    wide = ExecRules(Security.ALLOWLIST, Ask.OFF, (AllowEntry("/usr/bin/rg"), AllowEntry("/usr/bin/ls")))
    narrow = ExecRules(Security.ALLOWLIST, Ask.OFF, (AllowEntry("/usr/bin/rg"),))
    request = ExecRequest(line, cwd="/", path=("/usr/bin",))
    if decide(request, narrow, world).decision is Outcome.ALLOW:
        assert decide(request, wide, world).decision is Outcome.ALLOW
