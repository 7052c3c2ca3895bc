from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.view import SENTINEL
from support.cli import TOKEN, Cli, Home


def test_set_makes_a_private_file_in_a_private_directory(cli: Cli) -> None:
    answer = cli("config", "set", "gateway.port", "19001")
    assert answer.code == 0
    assert answer.out.startswith("Updated gateway.port.")
    assert cli.home.read_config()["gateway"] == {"port": 19001}
    assert (cli.home.config.stat().st_mode & 0o777, cli.home.state.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("gateway.port", "5", 5),
        ("gateway.mode", "local", "local"),
        ("gateway.mode", '"local"', "local"),
        ("logging.level", "debug", "debug"),
        ("channels.telegram.enabled", "true", True),
        ("gateway.auth.token", "12345678901234567890", "12345678901234567890"),
        ("agents.list", "[{id: 'a',}]", [{"id": "a"}]),
        ("messages.responsePrefix", "", ""),
        ("messages.responsePrefix", "[a", "[a"),
    ],
)
def test_a_value_is_json5_or_else_text(cli: Cli, path: str, text: str, value: Any) -> None:
    assert cli("config", "set", path, text, "--yes").code == 0
    found = cli.home.read_config()
    for step in path.split("."):
        found = found[step]
    assert found == value


def test_a_value_can_come_from_stdin_so_that_no_history_holds_it(cli: Cli) -> None:
    assert cli("config", "set", "gateway.auth.token", stdin=f"{TOKEN}\n").code == 0
    assert cli.home.read_config()["gateway"]["auth"]["token"] == TOKEN


def test_a_value_is_asked_for_unseen_on_a_terminal(home: Home) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "openclaw", "config", "set", "gateway.auth.token"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=home.environment(),
        start_new_session=True,
    )
    os.close(slave)
    seen = os.read(master, 1024)
    os.write(master, TOKEN.encode() + b"\n")
    assert process.wait(30) == 0
    while select.select([master], [], [], 0.2)[0]:
        try:
            piece = os.read(master, 4096)
        except OSError:  # the other side is closed
            break
        seen += piece
    os.close(master)
    assert TOKEN.encode() not in seen
    assert home.read_config()["gateway"]["auth"]["token"] == TOKEN


def test_with_json_the_value_must_be_json5_and_the_answer_is_one_document(cli: Cli) -> None:
    bad = cli("config", "set", "gateway.mode", "local", "--json")
    assert (bad.code, bad.json["ok"]) == (1, False)
    assert not cli.home.config.exists()
    good = cli("config", "set", "gateway.port", "7", "--json")
    assert good.json == {
        "ok": True,
        "path": str(cli.home.config),
        "changed": ["gateway.port"],
        "widens": [],
        "restart": True,
    }


def test_an_invalid_result_is_refused_and_nothing_is_written(cli: Cli) -> None:
    cli.home.write_config("{gateway: {port: 5}} // mine")
    before = cli.home.config.read_bytes()
    for path, value in (("gateway.port", "x"), ("gateway.prot", "1"), ("nothing", "1"), ("gateway", "5")):
        answer = cli("config", "set", path, value)
        assert answer.code == 1
        assert "nothing is written" in answer.err
    assert cli.home.config.read_bytes() == before
    assert not list(cli.home.state.glob("*.bak*"))


@pytest.mark.parametrize("path", ["__proto__.x", "a.constructor.b", "a.prototype"])
def test_adv_F4_reserved_names_are_refused_in_paths_and_values(cli: Cli, path: str) -> None:
    assert cli("config", "set", path, "1").code == 1
    assert cli("config", "set", "env.vars", '{"__proto__": "x"}').code == 1
    assert not cli.home.config.exists()


def test_comments_references_and_includes_stay(cli: Cli) -> None:
    cli.set_variable("MY_TOKEN", TOKEN)
    (cli.home.path / ".openclaw").mkdir(mode=0o700)
    (cli.home.state / "more.json").write_text('{"level": "debug"}')
    cli.home.write_config(
        '{\n  // who may come in\n  gateway: { auth: { token: "${MY_TOKEN}" } },\n'
        '  logging: { $include: "more.json" },\n}'
    )
    assert cli("config", "set", "gateway.port", "5").code == 0
    assert cli("config", "set", "logging.level", "info").code == 0
    text = cli.home.config.read_text()
    assert "// who may come in" in text
    assert "${MY_TOKEN}" in text
    assert TOKEN not in text
    assert json.loads((cli.home.state / "more.json").read_text()) == {"level": "info"}


def test_five_private_backups_are_kept(cli: Cli) -> None:
    for port in range(1, 9):
        cli("config", "set", "gateway.port", str(port))
    kept = sorted(path.name for path in cli.home.state.glob("openclaw.json.bak*"))
    assert kept == ["openclaw.json.bak", *(f"openclaw.json.bak.{number}" for number in range(1, 5))]
    assert {path.stat().st_mode & 0o777 for path in cli.home.state.glob("openclaw.json.bak*")} == {0o600}


def test_whether_a_restart_is_needed_is_told(cli: Cli) -> None:
    assert "Restart the gateway to apply." in cli("config", "set", "gateway.port", "5").out
    assert "A running gateway applies it by itself." in cli("config", "set", "messages.responsePrefix", "x").out
    assert "It was so already." in cli("config", "set", "messages.responsePrefix", "x").out


def test_a_config_that_is_managed_elsewhere_is_not_written(cli: Cli) -> None:
    cli.set_variable("OPENCLAW_NIX_MODE", "1")
    answer = cli("config", "set", "gateway.port", "5")
    assert answer.code == 1
    assert "OPENCLAW_NIX_MODE" in answer.err


# widening

OPEN = '{"dmPolicy": "open", "allowFrom": ["*"]}'


def test_a_change_that_widens_access_needs_yes_without_a_terminal(cli: Cli) -> None:
    answer = cli("config", "set", "channels.telegram", OPEN)
    assert answer.code == 1
    assert "strangers in direct messages can now reach agent main" in answer.err
    assert "--yes" in answer.err
    assert not cli.home.config.exists()


def test_yes_writes_it_and_the_answer_names_what_it_widens(cli: Cli) -> None:
    answer = cli("config", "set", "channels.telegram", OPEN, "--yes", "--json")
    assert answer.code == 0
    assert any("strangers in direct messages can now reach agent main" in text for text in answer.json["widens"])
    assert cli("config", "set", "channels.telegram", OPEN, "--json").json["widens"] == []


def test_without_yes_the_json_answer_is_an_error(cli: Cli) -> None:
    answer = cli("config", "set", "channels.telegram", OPEN, "--json")
    assert (answer.code, answer.json["ok"]) == (1, False)


@pytest.mark.parametrize(("said", "code"), [(b"y\n", 0), (b"n\n", 1), (b"\n", 1)])
def test_on_a_terminal_it_asks(home: Home, said: bytes, code: int) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "openclaw", "config", "set", "channels.telegram", OPEN],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=home.environment(),
        start_new_session=True,
    )
    os.close(slave)
    seen = b""
    while b"Write it?" not in seen:
        seen += os.read(master, 4096)
    os.write(master, said)
    assert process.wait(30) == code
    os.close(master)
    assert home.config.exists() is (code == 0)


def test_unset_and_patch_ask_as_well(cli: Cli) -> None:
    cli.home.write_config({"tools": {"deny": ["exec"]}})
    assert cli("config", "unset", "tools.deny").code == 1
    assert cli("config", "patch", stdin='{"tools": {"deny": null}}').code == 1
    assert cli.home.read_config() == {"tools": {"deny": ["exec"]}}
    assert cli("config", "patch", "--yes", stdin='{"tools": {"deny": null}}').code == 0


# unset


def test_unset_removes_keys_and_list_entries(cli: Cli) -> None:
    cli.home.write_config({"agents": {"list": [{"id": "a"}, {"id": "b"}]}, "gateway": {"port": 5}})
    assert cli("config", "unset", "agents.list[0]").code == 0
    assert cli("config", "unset", "gateway.port").code == 0
    assert cli.home.read_config()["agents"] == {"list": [{"id": "b"}]}
    assert cli.home.read_config()["gateway"] == {}


@pytest.mark.parametrize("path", ["gateway.port", "agents.list[3]", "nothing"])
def test_unset_of_what_is_not_there_fails(cli: Cli, path: str) -> None:
    cli.home.write_config({"agents": {"list": [{"id": "a"}]}})
    answer = cli("config", "unset", path)
    assert answer.code == 1
    assert f"Config path not found: {path}" in answer.err


# patch


def test_patch_merges_deletes_and_replaces(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"port": 5, "bind": "loopback"}, "messages": {"responsePrefix": "x"}})
    patch = cli.home.path / "patch.json5"
    patch.write_text("{gateway: {port: 6, bind: null}}")
    answer = cli("config", "patch", "--file", str(patch), "--json")
    assert answer.json == {
        "ok": True,
        "path": str(cli.home.config),
        "changed": ["gateway.bind", "gateway.port"],
        "widens": [],
        "restart": True,
    }
    found = cli.home.read_config()
    assert (found["gateway"], found["messages"]) == ({"port": 6}, {"responsePrefix": "x"})


def test_patch_refuses_when_the_file_changed_since(cli: Cli) -> None:
    import hashlib

    cli.home.write_config({"gateway": {"port": 5}})
    known = hashlib.sha256(cli.home.config.read_bytes()).hexdigest()
    assert cli("config", "patch", "--base-hash", known, stdin="{gateway: {port: 6}}").code == 0
    answer = cli("config", "patch", "--base-hash", known, stdin="{gateway: {port: 7}}")
    assert answer.code == 1
    assert "changed" in answer.err


@pytest.mark.parametrize("text", ["", "[1]", "{", "5"])
def test_patch_refuses_what_is_no_object(cli: Cli, text: str) -> None:
    cli.home.write_config({"gateway": {"port": 5}})
    assert cli("config", "patch", stdin=text).code == 1
    assert cli.home.read_config() == {"gateway": {"port": 5}}


def test_patch_names_a_file_that_cannot_be_read(cli: Cli) -> None:
    assert "no such file" in cli("config", "patch", "--file", "absent.json").err


# edit


def editor(cli: Cli, script: str) -> None:
    program = cli.home.path / "editor"
    program.write_text(f"#!{sys.executable}\nimport pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n{script}\n")
    program.chmod(0o700)
    cli.set_variable("EDITOR", str(program))


def test_edit_replaces_the_file_by_what_was_edited(cli: Cli) -> None:
    cli.home.write_config("{gateway: {port: 5}} // mine")
    editor(cli, "path.write_text(path.read_text().replace('5', '6'))")
    answer = cli("config", "edit")
    assert answer.code == 0
    assert '+    "port": 6' in answer.out
    assert "// mine" in cli.home.config.read_text()


def test_the_copy_is_private_and_goes_away(cli: Cli) -> None:
    cli.home.write_config("{gateway: {port: 5}}")
    editor(
        cli, "print(path, oct(path.stat().st_mode & 0o777), oct(path.parent.stat().st_mode & 0o777), file=sys.stderr)"
    )
    cli.home.extra = {"EDITOR": str(cli.home.path / "editor")}
    answer = cli.home.program("config", "edit")
    place, mode, folder = answer.err.split()
    assert (mode, folder) == ("0o600", "0o700")
    assert not Path(place).exists()
    assert answer.out == "Nothing was changed.\n"


def test_the_shown_difference_masks_secrets(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"auth": {"token": TOKEN}}})
    editor(cli, "path.write_text(path.read_text().replace('{', '{\"meta\": {}, ', 1))")
    answer = cli("config", "edit")
    assert answer.code == 0
    assert TOKEN not in answer.out
    assert cli.home.read_config()["gateway"]["auth"]["token"] == TOKEN


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("path.write_text('{gateway: {prot: 1}}')", "nothing is written"),
        ("path.write_text('{')", "not closed"),
        ("path.write_bytes(b'\\xff')", "not UTF-8"),
        ("sys.exit(3)", "ended with status 3"),
    ],
)
def test_what_does_not_hold_is_not_written(cli: Cli, script: str, said: str) -> None:
    cli.home.write_config({"gateway": {"port": 5}})
    editor(cli, script)
    answer = cli("config", "edit")
    assert answer.code == 1
    assert said in answer.err
    assert cli.home.read_config() == {"gateway": {"port": 5}}


def test_edit_mends_an_invalid_config_and_starts_an_absent_one(cli: Cli) -> None:
    cli.home.write_config("{gateway: {prot: 1}}")
    editor(cli, "path.write_text('{gateway: {port: 1}}')")
    assert cli("config", "edit").code == 0
    cli.home.config.unlink()
    assert cli("config", "edit").code == 0
    assert cli("config", "get", "gateway.port").out == "1\n"


def test_an_editor_that_does_not_exist_is_named_with_the_variables(cli: Cli) -> None:
    cli.set_variable("VISUAL", "/no/such/editor")
    answer = cli("config", "edit")
    assert answer.code == 1
    assert "VISUAL or EDITOR" in answer.err


def test_a_masked_value_cannot_be_written_by_accident(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"auth": {"token": TOKEN}}})
    assert cli("config", "set", "gateway.auth.password", SENTINEL).code == 1
    assert "It was so already." in cli("config", "set", "gateway.auth.token", SENTINEL).out
    assert cli("config", "patch", stdin=json.dumps({"gateway": {"auth": {"token": SENTINEL}}})).code == 0
    assert cli.home.read_config()["gateway"]["auth"]["token"] == TOKEN
