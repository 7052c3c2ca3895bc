"""What counts as a control command (channels.md 3.2)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.who.command_text import control_command, is_abort_word
from openclaw.policy.who.commands_registry import CommandSpec, Switch, index_commands

INDEX = index_commands()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/status", ("status", "")),
        ("  /STATUS \n", ("status", "")),
        ("/status\nand more", ("status", "")),
        ("/status now", None),
        ("/statusx", None),
        ("//status", None),
        ("please /status", None),
        ("/", None),
        ("", None),
        ("/think high", ("think", "high")),
        ("/think:high", ("think", "high")),
        ("/think : high", ("think", "high")),
        ("/t", ("think", "")),
        ("/id", ("whoami", "")),
        ("/new opus please", ("new", "opus please")),
        ("/dock_slack", ("dock-slack", "")),
        ("/think@mybot high", ("think", "high")),
        ("/think@MyBot: high", ("think", "high")),
        ("/think@otherbot high", None),
        ("/status@", None),
        ("/config show", None),
        ("! ls", None),
        ("/nonsense", None),
    ],
)
def test_a_control_command_is_the_whole_message(text: str, expected: tuple[str, str] | None) -> None:
    found = control_command(INDEX, text, "mybot")
    assert (None if found is None else (found.spec.name, found.arguments)) == expected


def test_a_suffix_counts_only_when_the_bot_has_that_name() -> None:
    assert control_command(INDEX, "/status@mybot", None) is None
    assert control_command(INDEX, "/status@mybot", "@MYBOT") is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("! ls -l", "ls -l"), ("!poll", "poll"), ("!stop 3", "stop 3"), ("!", None), ("!important", None), ("!!", None)],
)
def test_shell_commands_count_while_they_are_switched_on(text: str, expected: str | None) -> None:
    found = control_command(index_commands([Switch.BASH]), text)
    assert (None if found is None else found.arguments) == expected
    assert found is None or found.spec.name == "bash"


def test_commands_of_skills_are_found() -> None:
    index = index_commands(extra=[CommandSpec("weather", takes_arguments=True)])
    found = control_command(index, "/weather Berlin")
    assert found is not None
    assert found.arguments == "Berlin"


@pytest.mark.parametrize(
    ("text", "expected"), [("stop", True), (" Stop ", True), ("esc", True), ("stop!", False), ("/stop", False)]
)
def test_abort_words_are_whole_messages(text: str, expected: bool) -> None:
    assert is_abort_word(text) is expected
    assert control_command(INDEX, text) is None or text == "/stop"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.none() | st.text(max_size=10))
def test_no_text_raises(text: str, username: str | None) -> None:
    for prefix in ("", "/", "!", "/think "):
        control_command(INDEX, prefix + text, username)
