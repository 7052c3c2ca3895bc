from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest

from openclaw.config.view import SENTINEL
from support.cli import TOKEN, Cli, Home

CONFIG = """{
  // a comment
  gateway: { mode: "local", port: 19001, auth: { mode: "token", token: "TOKEN" } },
  channels: {
    telegram: { botToken: "${TELEGRAM_TOKEN}", allowFrom: [7], groups: { "-100": { requireMention: true } } },
  },
  agents: { list: [{ id: "main", workspace: "~/ws" }] },
}
""".replace('TOKEN"', f'{TOKEN}"')


@pytest.fixture
def configured(cli: Cli) -> Cli:
    cli.set_variable("TELEGRAM_TOKEN", "12345:secret-of-the-bot-000000000000")
    cli.home.write_config(CONFIG)
    return cli


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("gateway.port", "19001"),
        ("gateway.mode", "local"),
        ('channels.telegram.groups["-100"].requireMention', "true"),
        ("channels.telegram.groups.-100.requireMention", "true"),
        ("channels.telegram.allowFrom[0]", "7"),
        ("agents.list.0.id", "main"),
    ],
)
def test_a_scalar_is_printed_plainly(configured: Cli, path: str, shown: str) -> None:
    for _ in range(2):  # from the whole pipeline, then from what it kept
        answer = configured("config", "get", path)
        assert (answer.code, answer.out, answer.err) == (0, f"{shown}\n", "")


def test_paths_are_shown_expanded(configured: Cli) -> None:
    assert configured("config", "get", "agents.list[0].workspace").out.strip() == str(configured.home.path / "ws")


def test_an_object_is_json_with_its_secrets_masked(configured: Cli) -> None:
    for _ in range(2):
        answer = configured("config", "get", "gateway.auth")
        assert answer.json == {"mode": "token", "token": SENTINEL}
        assert answer == configured("config", "get", "gateway.auth", "--json")


def test_no_command_prints_a_secret(configured: Cli) -> None:
    for arguments in (("get",), ("get", "channels"), ("get", "gateway.auth.token"), ("validate",), ("schema",)):
        answer = configured("config", *arguments)
        assert answer.code == 0
        assert TOKEN not in answer.out + answer.err
        assert "secret-of-the-bot" not in answer.out + answer.err
    kept = (configured.home.state / "cache" / "config-view.json").exists()
    assert not kept  # a digest of the variable's secret would be new on the disk


def test_the_kept_view_holds_no_secret_and_is_private(configured: Cli) -> None:
    configured.home.write_config(CONFIG.replace("${TELEGRAM_TOKEN}", "12345:secret-of-the-bot-000000000000"))
    configured("config", "get", "gateway.port")
    view = configured.home.state / "cache" / "config-view.json"
    assert TOKEN not in view.read_text()
    assert "secret-of-the-bot" not in view.read_text()
    assert (view.stat().st_mode & 0o777, view.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_reference_is_shown_instead_of_the_secret(configured: Cli) -> None:
    assert configured("config", "get", "channels.telegram.botToken").out == "${TELEGRAM_TOKEN}\n"


def test_a_reference_object_is_shown(cli: Cli) -> None:
    reference = {"source": "exec", "command": ["/bin/echo", "x"]}
    cli.home.write_config({"gateway": {"auth": {"token": reference}}})
    assert cli("config", "get", "gateway.auth.token").json == reference


def test_the_view_follows_the_file(configured: Cli) -> None:
    plain = CONFIG.replace("${TELEGRAM_TOKEN}", "12345:secret-of-the-bot-000000000000")
    configured.home.write_config(plain)
    assert configured("config", "get", "gateway.port").out == "19001\n"
    configured.home.write_config(plain.replace("19001", "19002"))
    assert configured("config", "get", "gateway.port").out == "19002\n"
    configured.home.write_config(plain.replace("19001", '"x"'))
    assert configured("config", "get", "gateway.port").code == 1


def test_a_view_that_was_tampered_with_is_made_anew(configured: Cli) -> None:
    configured.home.write_config({"gateway": {"port": 5}})
    configured("config", "get", "gateway.port")
    view = configured.home.state / "cache" / "config-view.json"
    for text in ("", "[]", "{", json.dumps({"version": 1, "digest": "x", "config": {"gateway": {"port": 6}}})):
        view.write_text(text)
        assert configured("config", "get", "gateway.port").out == "5\n"


def test_a_view_that_cannot_be_kept_costs_time_only(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"port": 5}})
    (cli.home.state / "cache").write_text("a file is in the way")
    assert cli("config", "get", "gateway.port").out == "5\n"


def test_an_absent_file_is_an_empty_config_and_stays_absent(cli: Cli) -> None:
    assert cli("config", "get").json == {}
    assert cli("config", "get", "gateway.port").code == 1
    assert not cli.home.state.exists()


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("gateway.prot", "Did you mean gateway.port?"),
        ("gatway.port", "Did you mean gateway.port?"),
        ("gateway.bind", "The key is known but not set; its default applies."),
        ("nothing.at.all", ""),
    ],
)
def test_a_missing_path_is_named_with_what_may_be_meant(configured: Cli, path: str, hint: str) -> None:
    answer = configured("config", "get", path)
    assert answer.code == 1
    assert answer.out == ""
    assert f"Config path not found: {path}\n" in answer.err
    assert hint in answer.err


@pytest.mark.parametrize("path", ["", "a..b", "[", "__proto__.x", "a.constructor"])
def test_a_malformed_path_is_refused(configured: Cli, path: str) -> None:
    answer = configured("config", "get", path)
    assert answer.code == 1
    assert "Traceback" not in answer.err


def test_revealing_needs_a_terminal(configured: Cli) -> None:
    answer = configured("config", "get", "gateway.auth.token", "--reveal")
    assert answer.code == 1
    assert TOKEN not in answer.out + answer.err
    assert "terminal" in answer.err


def test_revealing_shows_one_leaf_on_a_terminal(home: Home) -> None:
    home.write_config({"gateway": {"auth": {"token": TOKEN}}})

    def on_terminal(path: str) -> str:
        master, slave = pty.openpty()
        command = [sys.executable, "-m", "openclaw", "config", "get", path, "--reveal"]
        subprocess.run(command, stdout=slave, stderr=slave, env=home.environment(), check=False)
        os.close(slave)
        text = os.read(master, 4096).decode()
        os.close(master)
        return text

    assert on_terminal("gateway.auth.token").strip() == TOKEN
    assert TOKEN not in on_terminal("gateway.auth")


# validate


def issues(cli: Cli, value: Any) -> list[dict[str, Any]]:
    cli.home.write_config(value)
    answer = cli("config", "validate", "--json")
    assert answer.code == (1 if answer.json["issues"] else 0)
    assert answer.err == ""
    assert set(answer.json) == {"valid", "issues", "warnings"}
    assert answer.json["valid"] is (not answer.json["issues"])
    found: list[dict[str, Any]] = answer.json["issues"]
    return found


def test_a_missing_file_is_valid(cli: Cli) -> None:
    assert cli("config", "validate", "--json").json == {"valid": True, "issues": [], "warnings": []}
    assert "no file" in cli("config", "validate").out


def test_faults_name_path_line_column_and_the_nearest_key(cli: Cli) -> None:
    (fault,) = issues(cli, "{\n  gateway: {\n    prot: 1 }\n}")
    assert (fault["path"], fault["line"], fault["column"], fault["nearest"]) == ("gateway", 2, 12, "port")
    (fault,) = issues(cli, '{gateway: {bind: "lann"}}')
    assert fault["path"] == "gateway.bind"
    assert "lan" in fault["allowed"]


def test_broken_json5_names_its_place(cli: Cli) -> None:
    (fault,) = issues(cli, "{\n  gateway: {")
    assert (fault["path"], fault["line"]) == ("", 2)


def test_all_faults_of_a_stage_are_told(cli: Cli) -> None:
    assert {one["path"] for one in issues(cli, {"gateway": {"port": "x"}, "logging": {"level": 3}, "nothing": 1})} == {
        "gateway.port",
        "logging.level",
        "",
    }


def test_references_to_variables_and_files_are_followed_and_programs_not_run(cli: Cli) -> None:
    marker = cli.home.path / "ran"
    document = {
        "gateway": {"auth": {"token": {"source": "env", "id": "NO_SUCH_VARIABLE"}}},
        "channels": {
            "telegram": {
                "botToken": {"source": "file", "path": str(cli.home.path / "absent")},
                "webhookSecret": {"source": "exec", "command": ["/usr/bin/touch", str(marker)]},
            }
        },
    }
    assert [one["path"] for one in issues(cli, document)] == ["gateway.auth.token", "channels.telegram.botToken"]
    assert not marker.exists()


def test_another_file_can_be_checked(cli: Cli) -> None:
    other = cli.home.path / "other.json"
    other.write_text('{"gateway": {"port": 0}}')
    assert cli("config", "validate", "--file", str(other)).code == 1
    assert cli("config", "validate").code == 0


def test_older_keys_are_named_with_their_new_place(cli: Cli) -> None:
    (fault,) = issues(cli, {"telegram": {"botToken": "x"}})
    assert fault["path"] == "telegram"
    assert "channels.telegram" in fault["message"]


def test_warnings_do_not_fail(cli: Cli) -> None:
    cli.home.write_config({"tools": {"allow": ["no-such-tool"]}})
    answer = cli("config", "validate", "--json")
    assert answer.code == 0
    assert answer.json["warnings"][0]["path"]


def test_the_schema_is_draft_07_and_one_document(cli: Cli) -> None:
    answer = cli("config", "schema")
    assert answer.json["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert answer.json["properties"]["gateway"]
    assert cli("config", "schema", "--json").out == answer.out


# what refuses to run


@pytest.mark.parametrize(
    "arguments",
    [
        ("config", "get", "gateway.port"),
        ("config", "set", "gateway.port", "1"),
        ("sessions",),
        ("pairing", "list", "telegram"),
        ("approvals", "get"),
        ("gateway", "run"),
        ("up",),
    ],
)
def test_an_invalid_config_stops_the_command_with_its_faults(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli.home.write_config({"gateway": {"port": 19003, "nothing": 1}})
    before = cli.home.config.read_bytes()
    answer = cli(*arguments)
    assert answer.code == 1
    assert answer.out == ""
    assert "nothing" in answer.err
    assert "gateway" in answer.err
    if arguments[:2] != ("config", "set"):
        assert answer.err.startswith("Config invalid\nFile: ")
        assert "\nProblem:\n  - gateway" in answer.err
    assert cli.home.config.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [("config", "get", "gateway.port"), ("sessions",), ("pairing", "list", "telegram"), ("approvals", "get")],
)
def test_an_invalid_config_is_one_json_document_with_json(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli.home.write_config({"gateway": {"nothing": 1}})
    answer = cli(*arguments, "--json")
    assert answer.code == 1
    assert answer.err == ""
    assert answer.json["ok"] is False
    assert answer.json["issues"][0]["path"] == "gateway"
    assert set(answer.json["issues"][0]) == {"path", "message"}


@pytest.mark.parametrize(
    "arguments", [("status",), ("gateway", "status"), ("config", "schema"), ("health",), ("logs",)]
)
def test_commands_that_only_look_go_on_with_an_invalid_config(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli.home.write_config({"gateway": {"nothing": 1, "port": 1}})
    assert "Config invalid" not in cli(*arguments).err


# state directories that others can write


@pytest.mark.parametrize("arguments", [("config", "get"), ("pairing", "list", "telegram"), ("sessions",), ("up",)])
def test_a_state_directory_that_others_may_write_is_refused_with_the_fix(cli: Cli, arguments: tuple[str, ...]) -> None:
    cli.home.write_config({})
    cli.home.state.chmod(0o777)
    answer = cli(*arguments)
    assert answer.code == 1
    assert f"chmod 700 {cli.home.state}" in answer.err


def test_a_state_directory_of_somebody_else_is_refused_with_the_fix(cli: Cli) -> None:
    if os.geteuid() == 0:
        cli.home.write_config({})
        os.chown(cli.home.state, 12345, 12345)
    else:
        cli.set_variable("OPENCLAW_STATE_DIR", "/usr")
    answer = cli("config", "get")
    assert answer.code == 1
    assert "OPENCLAW_STATE_DIR" in answer.err


def test_a_missing_variable_is_named_with_its_place(cli: Cli) -> None:
    cli.home.write_config('{gateway: {auth: {token: "${MY_TOKEN}"}}}')
    answer = cli("config", "get")
    assert answer.code == 1
    assert "gateway.auth.token refers to MY_TOKEN" in answer.err
