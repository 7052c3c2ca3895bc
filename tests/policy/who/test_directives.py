"""Directives beside text (channels.md 3.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Reason
from openclaw.policy.who.admission_result import Admission, Decision, Effects
from openclaw.policy.who.commands_registry import CommandSpec, index_commands
from openclaw.policy.who.directives import Directive, obeyed, scan_directives

INDEX = index_commands()


def admitted(*, authorised: bool = True, mention: bool = True) -> Admission:
    return Admission(Decision.DELIVER, (Reason("x"),), command_authorized=authorised, effects=Effects(mention=mention))


@pytest.mark.parametrize(
    ("text", "directives", "shortcuts", "rest"),
    [
        ("hello", [], [], "hello"),
        ("/think high what is up", [("think", ("high",))], [], "what is up"),
        ("/t:low hi", [("think", ("low",))], [], "hi"),
        ("hi /model openai/gpt-5 there", [("model", ("openai/gpt-5",))], [], "hi there"),
        ("/think banana", [("think", ())], [], "banana"),
        ("/exec host=gateway security=full run", [("exec", ("host=gateway", "security=full"))], [], "run"),
        ("/queue collect cap:5 drop:old go", [("queue", ("collect", "cap:5", "drop:old"))], [], "go"),
        ("tell me /status please", [], ["status"], "tell me please"),
        ("see /exec/bin and http://x/think", [], [], "see /exec/bin and http://x/think"),
        ("/new opus", [], [], "/new opus"),
        ("line one\n/verbose on\nline two", [("verbose", ("on",))], [], "line one\n\nline two"),
    ],
)
def test_directives_are_taken_out_of_the_text(
    text: str, directives: list[tuple[str, tuple[str, ...]]], shortcuts: list[str], rest: str
) -> None:
    found = scan_directives(INDEX, text)
    assert found.directives == tuple(Directive(name, values) for name, values in directives)
    assert list(found.shortcuts) == shortcuts
    assert found.rest == rest


@pytest.mark.parametrize(
    ("text", "values", "rest"),
    [("/tone:warm hi", ("warm",), "hi"), ("/tone: hi", (), "hi"), ("/tone warm", (), "warm"), ("/tone", (), "")],
)
def test_a_directive_of_a_plugin_takes_what_stands_behind_its_colon_only(
    text: str, values: tuple[str, ...], rest: str
) -> None:
    found = scan_directives(index_commands(extra=[CommandSpec("tone", directive=True)]), text)
    assert found.directives == (Directive("tone", values),)
    assert found.rest == rest


def test_a_message_of_directives_alone_is_recognised() -> None:
    assert scan_directives(INDEX, "/think high /verbose on").only
    assert not scan_directives(INDEX, "/think high x").only
    assert not scan_directives(INDEX, "/status").only


def test_without_authority_no_directive_counts() -> None:
    scan = scan_directives(INDEX, "/think high /elevated full")
    counted, reasons = obeyed(scan, admitted(authorised=False), direct=True)
    assert counted == ()
    assert reasons[0].rule == "command.unauthorized"
    assert obeyed(scan, Admission(Decision.BUFFER, command_authorized=True), direct=True)[0] == ()


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("/elevated full", False),
        ("/elevated off", True),
        ("/elevated", False),
        ("/exec security=deny", True),
        ("/exec security=deny host=gateway", False),
        ("/exec host=node", False),
        ("/think high", True),
    ],
)
def test_in_a_group_without_a_mention_nothing_is_loosened(text: str, counts: bool) -> None:
    scan = scan_directives(INDEX, text)
    counted, reasons = obeyed(scan, admitted(mention=False), direct=False)
    assert bool(counted) is counts
    assert bool(reasons) is not counts
    assert obeyed(scan, admitted(mention=True), direct=False)[0] == scan.directives
    assert obeyed(scan, admitted(mention=False), direct=True)[0] == scan.directives


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from(["/think", "high", "/exec", "host=x", "/", ":", "/:", "a", "\n", "/status"]), max_size=60)
)
def test_no_text_raises(words: list[str]) -> None:
    found = scan_directives(INDEX, " ".join(words))
    assert len(found.directives) <= 20
