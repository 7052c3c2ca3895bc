from __future__ import annotations

import json
import sys

import pytest

from openclaw.cli import output, sessions
from openclaw.cli.context import CliContext
from openclaw.system.environment import Environment
from support.cli import Cli


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "-"),
        (-5, "just now"),
        (9_999, "just now"),
        (10_000, "10s ago"),
        (60_000, "1m ago"),
        (3_600_000, "1h ago"),
        (90_000_000, "1d ago"),
    ],
)
def test_ages_are_said_as_people_say_them(ms: int | None, text: str) -> None:
    assert output.age(ms) == text


@pytest.mark.parametrize(
    ("used", "context", "text"),
    [(12_000, 200_000, "12k/200k (6%)"), (None, 1000, "0/1k (0%)"), (5, None, "5"), (None, None, "-")],
)
def test_tokens_are_said_with_their_share(used: int | None, context: int | None, text: str) -> None:
    assert output.tokens(used, context) == text


def test_elsewhere_than_on_a_terminal_a_table_is_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table("Title", ("A", "Long"), [("x" * 200, "y"), ("z", "")], color=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["Title", f"A{' ' * 199}  Long", f"{'x' * 200}  y", "z"]


def test_colour_can_be_forced_and_forbidden(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table("Title", ("A",), [("x",)], color=True)
    assert "\x1b[" in capsys.readouterr().out


def test_an_empty_table_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(None, ("A",), [], color=False, empty="Nothing here.")
    output.print_table("Channels", ("A",), [], color=False)
    assert capsys.readouterr().out == "Nothing here.\nChannels: none.\n"


def test_control_characters_are_made_visible(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(None, ("A",), [("a\x1b]0;x\x07\u202eb\nc",)], color=False)
    assert "\x1b" not in capsys.readouterr().out
    assert output.visible("a\nb\u202e") == "a\\nb\\u202e"


@pytest.mark.parametrize(
    ("variables", "option", "color"),
    [
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, False),
        ({}, False, False),
    ],
)
def test_no_color_wins_over_everything(variables: dict[str, str], option: bool, color: bool) -> None:
    context = CliContext.build(no_color=option, environment=Environment({"HOME": "/h", **variables}))
    assert context.color is color


def test_the_home_is_shown_short() -> None:
    plain = CliContext.build(environment=Environment({"HOME": "/people/me"}))
    assert plain.shown("/people/me/.openclaw/x") == "~/.openclaw/x"
    assert plain.shown("/people/meow/x") == "/people/meow/x"
    moved = CliContext.build(environment=Environment({"HOME": "/people/me", "OPENCLAW_HOME": "/data"}))
    assert moved.shown("/data/.openclaw") == "$OPENCLAW_HOME/.openclaw"


def test_an_error_that_nobody_foresaw_is_one_line_without_its_text(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("sk-a-secret-value")

    monkeypatch.setattr(sessions, "print_json", broken)
    answer = cli("sessions", "--json")
    assert answer.code == 1
    assert answer.json["error"]["message"].startswith("this is a defect, please report it: KeyError at ")
    assert "sk-a-secret-value" not in answer.out + answer.err
    monkeypatch.setattr(sessions, "print_line", broken)
    assert cli("sessions").err.count("\n") == 1


def test_the_operating_system_refusing_is_one_line_with_the_file(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/some/file")

    monkeypatch.setattr(sessions, "print_line", full)
    assert cli("sessions").err == "openclaw: /some/file: no space left on device; free some disk space\n"


def test_every_error_prints_one_document_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    from openclaw.system.errors import ConfigInvalid, Refused

    assert output.show_error(Refused("no"), ["--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"ok": False, "error": {"type": "cli_error", "message": "no"}}
    issues = [{"path": "a", "message": "b", "line": 1, "column": 2}]
    output.show_error(ConfigInvalid("bad", details={"issues": issues, "file": "f"}), ["x", "--json"])
    assert json.loads(capsys.readouterr().out)["issues"] == [{"path": "a", "message": "b"}]
    output.show_error(ConfigInvalid("bad", details={"issues": issues, "file": "f"}), [])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[:4] == ["Config invalid", "File: f", "Problem:", "  - a (line 1, column 2): b"]
    assert not sys.flags.dev_mode
