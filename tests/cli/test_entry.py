from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from openclaw.cli.commands import ALIASES, COMMANDS, root_help
from openclaw.cli.root import root
from openclaw.version import VERSION
from support.cli import Cli, Home


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_printed_bare(home: Home, flag: str) -> None:
    answer = home.program(flag)
    assert (answer.code, answer.out, answer.err) == (0, f"{VERSION}\n", "")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",), ("help",), ("--no-color", "--help")])
def test_the_root_help_is_the_same_by_every_way(home: Home, arguments: tuple[str, ...]) -> None:
    answer = home.program(*arguments)
    assert (answer.code, answer.out, answer.err) == (0, root_help(), "")


def test_the_root_help_names_every_command_option_and_examples() -> None:
    text = root_help()
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\S", text, re.MULTILINE)
    for parameter in root.params:
        for option in parameter.opts:
            assert option in text
    assert "Examples:" in text


def test_nothing_is_created_by_asking_for_help(home: Home) -> None:
    home.program("--help")
    home.program("config", "--help")
    home.program("--version")
    assert not home.state.exists()


def test_every_command_of_the_table_is_there_and_bears_its_name() -> None:
    import click

    context = click.Context(root)
    for name in COMMANDS:
        command = root.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_a_wrong_command_is_answered_with_the_nearest_name(cli: Cli) -> None:
    answer = cli("pairng")
    assert answer.code == 1
    assert "Did you mean 'pairing'?" in answer.err
    assert answer.out == ""


def test_a_wrong_sub_command_and_option_are_answered_with_the_nearest_name(cli: Cli) -> None:
    assert "Did you mean 'get'?" in cli("config", "gte").err
    assert "--active" in cli("sessions", "--activ", "3").err


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_the_command(cli: Cli, alias: str) -> None:
    assert cli(alias, "--help").out.splitlines()[0].endswith(f"{ALIASES[alias]} [OPTIONS] COMMAND [ARGS]...")


def test_help_of_a_nested_command(cli: Cli) -> None:
    assert cli("help", "approvals", "allowlist", "add").out.startswith(
        "Usage: openclaw approvals allowlist add [OPTIONS] PATTERN"
    )
    assert cli("help", "nothing").code == 1


def test_a_group_without_a_command_shows_its_help_and_succeeds(cli: Cli) -> None:
    answer = cli("pairing")
    assert answer.code == 0
    assert "approve" in answer.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--profile", "a/b", "config", "get"),
        ("--profile", "", "config", "get"),
        ("--profile", "-x", "config", "get"),
        ("--dev", "--profile", "work", "config", "get"),
        ("--profile",),
    ],
)
def test_bad_profile_arguments_exit_2_with_one_line(home: Home, arguments: tuple[str, ...]) -> None:
    answer = home.program(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert "profile" in answer.err
    assert "Traceback" not in answer.err


def test_a_profile_has_a_state_directory_of_its_own(cli: Cli) -> None:
    assert cli("--profile", "work", "config", "set", "gateway.port", "19000").code == 0
    assert (cli.home.path / ".openclaw-work" / "openclaw.json").exists()
    assert not cli.home.state.exists()
    assert cli("--profile", "default", "config", "get", "gateway.port").code == 1


def test_dev_uses_its_own_port(cli: Cli) -> None:
    found = cli("--dev", "gateway", "status", "--no-probe", "--json").json
    assert (found["gateway"]["port"], found["gateway"]["portSource"]) == (19001, "env")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nothing", "--json"),
        ("config", "get", "--nothing", "--json"),
        ("sessions", "--active", "x", "--json"),
        ("pairing", "list", "--json"),
    ],
)
def test_a_wrong_command_line_is_one_json_document_with_json(cli: Cli, arguments: tuple[str, ...]) -> None:
    answer = cli(*arguments)
    assert answer.code == 1
    assert answer.err == ""
    assert answer.json["ok"] is False
    assert answer.json["error"]["type"] == "cli_error"
    assert set(answer.json["error"]) == {"type", "message"}


def test_a_closed_pipe_is_no_error(home: Home) -> None:
    import subprocess
    import sys

    home.write_config({"gateway": {"port": 1}})
    done = subprocess.run(
        f"{sys.executable} -m openclaw config schema | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
        env=home.environment(),
        check=False,
    )
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(cli: Cli, shell: str) -> None:
    answer = cli("completion", shell)
    assert answer.code == 0
    assert "_OPENCLAW_COMPLETE" in answer.out


def test_completion_knows_commands(home: Home) -> None:
    home.extra = {"_OPENCLAW_COMPLETE": "bash_complete", "COMP_WORDS": "openclaw conf", "COMP_CWORD": "1"}
    assert "plain,config" in home.program().out.splitlines()


def test_a_package_that_hooks_into_validation_does_not_run_in_our_process(home: Home, tmp_path: Path) -> None:
    home.write_config({"gateway": {"port": 18789}})
    folder = tmp_path / "packages"
    (folder / "spy-1.0.dist-info").mkdir(parents=True)
    (folder / "spy-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: spy\nVersion: 1.0\n")
    (folder / "spy-1.0.dist-info" / "entry_points.txt").write_text("[pydantic]\nspy = spy:plugin\n")
    (folder / "spy.py").write_text("raise SystemExit('the spy runs')\n")
    done = subprocess.run(
        [sys.executable, "-m", "openclaw", "config", "validate"],
        env={**home.environment(), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "the spy" not in done.stdout + done.stderr
    model = "import pydantic\nclass Model(pydantic.BaseModel):\n    field: int\n"
    assert (
        "the spy runs"
        in subprocess.run(
            [sys.executable, "-c", model],
            env={**home.environment(), "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        ).stderr
    )
