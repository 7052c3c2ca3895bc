"""`openclaw explain`, its matrix, and `openclaw sandbox explain`: what people and scripts see."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from openclaw.cli.explain_matrix import LEGEND
from support.cli import Cli

CONFIG: dict[str, Any] = {
    "gateway": {"mode": "local", "auth": {"token": "0123456789abcdef0123456789abcdef"}},
    "agents": {"defaults": {"sandbox": {"mode": "non-main"}}},
    "channels": {"telegram": {"botToken": "1:x", "allowFrom": ["7"], "groups": {"-100": {}}}},
    "tools": {"exec": {"host": "gateway"}},
}


@pytest.fixture
def configured(cli: Cli) -> Cli:
    cli.home.write_config(CONFIG)
    (cli.home.state / "workspace").mkdir()
    return cli


def answers(cli: Cli, *arguments: str) -> list[dict[str, Any]]:
    found = cli("explain", *arguments, "--json")
    assert found.code == 0, found.err
    listed: list[dict[str, Any]] = found.json["answers"]
    return listed


# One question


def test_a_stranger_is_explained_with_rule_key_and_change(configured: Cli) -> None:
    answer = configured("explain", "--channel", "telegram", "--sender", "9")
    assert answer.code == 0
    lines = answer.out.splitlines()
    assert lines[:5] == [
        "Does a message from 9 on telegram in a direct chat reach an agent?",
        "  answered with a pairing code",
        "  1. dm.pairing.new  [channels.telegram.dmPolicy]: The sender is unknown and gets a pairing code.",
        '  change: channels.telegram.allowFrom: add "9"; then: delivered',
        '          openclaw config set channels.telegram.allowFrom \'["7", "9"]\'',
    ]
    assert lines[5].startswith("          admits: telegram listed sender 9 in direct messages can now reach agent main")
    assert "Which session is a message from 9" in answer.out
    assert "Which tools would it have?" not in answer.out


def test_an_admitted_message_is_explained_as_far_as_its_tools(configured: Cli) -> None:
    found = answers(configured, "--channel", "telegram", "--sender", "7", "--chat", "-100", "--group", "--mention")
    assert [answer["kind"] for answer in found] == [
        *("admission", "session", "commands", "sandbox", "tools", "exec", "elevated"),
    ]
    admission, session, commands, sandbox, tools, execution, elevated = found
    assert set(admission) == {"kind", "question", "outcome", "allowed", "trail", "details", "flip"}
    assert admission["trail"][-1] == {
        "rule": "group.mentioned",
        "key": "channels.telegram.groups",
        "detail": "The bot was mentioned.",
    }
    assert set(admission["flip"]) == {"key", "change", "command", "outcome", "widens"}
    assert session["outcome"] == "agent:main:telegram:group:-100"
    assert "flip" not in session
    assert commands["allowed"] is True
    assert sandbox["outcome"] == "in a sandbox"
    assert "exec" in tools["details"]["offered"]
    assert execution["details"]["security"] == "allowlist"
    assert elevated["trail"][0]["key"] == "tools.elevated.allowFrom.telegram"


def test_single_questions_are_answered_alone(configured: Cli) -> None:
    assert [answer["kind"] for answer in answers(configured, "--command", "ls")] == ["command"]
    assert [answer["kind"] for answer in answers(configured, "--url", "http://127.0.0.1/")] == ["url"]
    assert [answer["kind"] for answer in answers(configured, "--path", "/etc/hostname", "--write")] == ["path"]
    assert [answer["kind"] for answer in answers(configured, "--tool", "exec")] == ["tool"]
    (scope,) = answers(configured, "--scope", "config.set", "--scopes", "operator.read, operator.write")
    assert (scope["outcome"], scope["flip"], scope["note"]) == (
        "missing scope: operator.admin",
        None,
        "nothing in the config changes this",
    )
    kinds = [answer["kind"] for answer in answers(configured, "--session", "agent:main:main", "--command", "ls")]
    assert kinds == ["sandbox", "tools", "exec", "elevated", "command"]


def test_a_command_is_asked_in_the_session_of_the_message(configured: Cli) -> None:
    line = ("--command", "ls", "--elevated")
    (*_, refused) = answers(configured, "--channel", "telegram", "--sender", "7", *line)
    assert refused["outcome"] == "refused"
    assert refused["flip"]["change"] == 'add "7"'
    (*_, nobody) = answers(configured, "--channel", "telegram", "--sender", "9", "--command", "ls")
    assert nobody["trail"][0]["rule"] == "not-admitted"


def test_the_change_of_the_answer_is_a_command_that_works(configured: Cli) -> None:
    (found, *_) = answers(configured, "--channel", "telegram", "--sender", "7", "--chat", "-100")
    assert found["allowed"] is False
    words = shlex.split(found["flip"]["command"])
    assert words[0] == "openclaw"
    assert configured(*words[1:]).code == 1  # it widens access, so it asks
    assert configured(*words[1:], "--yes").code == 0
    (again, *_) = answers(configured, "--channel", "telegram", "--sender", "7", "--chat", "-100")
    assert again["allowed"] is True


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "ask something"),
        (("--sender", "7"), "--sender needs --channel"),
        (("--chat", "-1"), "--chat needs --channel"),
        (("--role", "king", "--scope", "x"), "king"),
    ],
)
def test_a_question_that_is_none_is_answered_with_what_is_missing(
    configured: Cli, arguments: tuple[str, ...], told: str
) -> None:
    answer = configured("explain", *arguments)
    assert (answer.code, answer.out) == (1, "")
    assert told in answer.err


def test_an_invalid_config_is_not_explained(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"prot": 1}})
    answer = cli("explain", "--matrix")
    assert answer.code == 1
    assert 'unknown key "prot"' in answer.err


def test_nothing_is_written_by_asking(configured: Cli) -> None:
    before = sorted(str(path) for path in configured.home.path.rglob("*"))
    configured("explain", "--channel", "telegram", "--sender", "7", "--command", "ls", "--path", "x")
    configured("explain", "--matrix")
    configured("sandbox", "explain", "--session", "agent:main:telegram:group:-100")
    assert sorted(str(path) for path in configured.home.path.rglob("*")) == before


def test_texts_from_outside_cannot_steer_the_terminal(configured: Cli) -> None:
    answer = configured("explain", "--channel", "telegram", "--sender", "7\x1b[2J", "--command", "ls \x1b]0;x\x07")
    assert "\x1b" not in answer.out
    assert "\x07" not in answer.out


# The matrix

MATRIX = """\
telegram
#  Who                 Where                     Reaches            Session     Box  Host exec    Elev  Cmds
1  owner 7, paired     direct                    main               main        no   listed+asks  no    yes
2  strangers           direct                    may ask (pairing)  -           -    -            -     -
3  owner 7             group -100                main (mention)     group:-100  yes  listed+asks  no    yes
4  paired, strangers   group -100, other groups  no                 -           -    -            -     -
5  owner 7             other groups              no                 -           -    -            -     -
"""


def test_the_matrix_has_a_row_for_strangers_and_every_room(configured: Cli) -> None:
    answer = configured("explain", "--matrix")
    assert answer.code == 0
    shown = [line.split() for line in answer.out.splitlines()]
    for line in MATRIX.splitlines():
        assert line.split() in shown
    for text in LEGEND:
        assert text in answer.out
    assert any(line.startswith("tools of telegram #  fs") for line in answer.out.splitlines())
    assert "operators (admin), clients (write)" in answer.out


def test_the_matrix_fits_a_terminal_of_100_columns(configured: Cli) -> None:
    configured.set_variable("FORCE_COLOR", "1")
    configured.set_variable("COLUMNS", "100")
    answer = configured("explain", "--matrix")
    drawn = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in answer.out.splitlines()]
    assert answer.out.startswith("\x1b[")
    assert max(map(len, drawn)) <= 100
    assert any(line.split()[:4] == ["3", "owner", "7", "group"] for line in drawn)


def test_the_matrix_as_json_holds_every_class_by_itself(configured: Cli) -> None:
    rows = configured("explain", "--matrix", "--json").json["rows"]
    telegram = {(row["who"], row["where"]): row for row in rows if row["channel"] == "telegram"}
    assert len(telegram) == 9
    assert telegram["strangers", "direct messages"]["reaches"] == "may ask (pairing)"
    assert telegram["owner 7", "group -100"]["tools"]["runtime"] == {"word": "all", "have": ["exec", "process"]}


# Sandbox


def test_sandbox_explain_says_where_and_why(configured: Cli) -> None:
    answer = configured("sandbox", "explain", "--session", "agent:main:telegram:group:-100")
    assert answer.code == 0
    assert "Tools run:  in a sandbox" in answer.out
    assert "because sandbox.non-main [agents.defaults.sandbox.mode]" in answer.out
    assert "Allow:      exec, process, read" in answer.out
    main = configured("sandbox", "explain")
    assert "Tools run:  on this machine, without a sandbox" in main.out
    assert "change  agents.defaults.sandbox.mode: set it to all" in main.out


def test_sandbox_explain_as_json_is_one_document(configured: Cli) -> None:
    found = json.loads(configured("sandbox", "explain", "--agent", "main", "--json").out)
    assert found["sessionKey"] == "agent:main:main"
    assert found["sandbox"]["sessionIsSandboxed"] is False
    assert found["execHost"] == "gateway"
