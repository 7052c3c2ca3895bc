"""`${VAR}`, the env block, `<state>/.env` and the login shell as sources of variables."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from openclaw.config.dotenv import parse
from openclaw.config.model import Config
from openclaw.config.shell_env import import_shell_env, login_shell
from openclaw.config.substitute import all_references, has_reference, substitute
from openclaw.system.environment import Environment
from support.configs import ConfigFolder


def loaded(folder: ConfigFolder) -> Config:
    result = folder.read()
    assert result.config is not None, result.issues
    return result.config


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "1"),
        ("x${A}y${B}z", "x1y2z"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$", "$"),
        ("${lower}", "${lower}"),
        ("${1A}", "${1A}"),
        ("${A", "${A"),
        ("${ A }", "${ A }"),
        ("${NESTED}", "${A}"),
        ("${A}${A}", "11"),
    ],
)
def test_only_upper_case_names_in_braces_are_replaced_and_results_are_not_read_again(text: str, value: str) -> None:
    environment = Environment({"A": "1", "B": "2", "NESTED": "${A}"})
    assert substitute({"k": [text]}, environment) == ({"k": [value]}, [])


def test_keys_are_left_alone() -> None:
    assert substitute({"${A}": 1}, Environment({"A": "x"})) == ({"${A}": 1}, [])


def test_every_unset_or_empty_variable_is_told_with_its_place() -> None:
    _, issues = substitute({"a": {"b": [{}, "${UNSET_ONE} ${EMPTY}"]}}, Environment({"EMPTY": ""}))
    assert [issue.path for issue in issues] == ["", ""]
    assert "a.b[1] refers to UNSET_ONE" in issues[0].message
    assert "EMPTY" in issues[1].message


def test_references_are_found() -> None:
    assert has_reference("x${A}")
    assert not has_reference("$${A} ${b}")
    assert set(all_references({"a": ["${A}", {"b": "${B}$${C}"}], "c": 1})) == {"A", "B"}


def test_dotenv_forms() -> None:
    text = 'A=1\nexport B="x y" # c\nC=\'it#s\'\nD=two words # c\n# E=1\nF=\nG="l1\nl2"\nH=a=b\nbad line\nI="a\\nb"\n'
    assert parse(text) == {
        "A": "1",
        "B": "x y",
        "C": "it#s",
        "D": "two words",
        "F": "",
        "G": "l1\nl2",
        "H": "a=b",
        "I": "a\nb",
    }


def test_precedence_is_process_then_dotenv_then_vars_then_plain_keys(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path, {"V_ONE": "process"})
    folder.write("V_ONE=dotenv\nV_TWO=dotenv\n", ".env")
    folder.write(
        {
            "env": {
                "V_ONE": "plain",
                "V_TWO": "plain",
                "V_THREE": "plain",
                "V_FOUR": "plain",
                "V_BLANK": " ",
                "vars": {"V_ONE": "vars", "V_TWO": "vars", "V_THREE": "vars"},
            },
            "ui": {"assistant": {"name": "${V_ONE} ${V_TWO} ${V_THREE} ${V_FOUR}"}},
        }
    )
    config = loaded(folder)
    assert config.ui.assistant.name == "process dotenv vars plain"
    assert config.environment.get("V_BLANK") is None
    assert config.environment.origins["V_TWO"] == ".env"


def test_a_variable_may_be_made_from_another(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path, {"V_HOST": "h"})
    folder.write({"env": {"V_URL": "https://${V_HOST}/"}})
    assert loaded(folder).environment.get("V_URL") == "https://h/"


def test_adv_I3_config_variables_never_enter_the_process_and_loader_names_are_refused(tmp_path: Path) -> None:
    before = dict(os.environ)
    folder = ConfigFolder(tmp_path, {})
    bad = ("NODE_OPTIONS", "PYTHONPATH", "LD_PRELOAD", "OPENCLAW_STATE_DIR", "PATH", "OPENCLAW_INCLUDE_ROOTS")
    folder.write({"env": {"GOOD_ONE": "x", **dict.fromkeys(bad[:3], "/evil"), "vars": dict.fromkeys(bad[3:], "/evil")}})
    folder.write("BASH_ENV=/evil\nHOME=/evil\nFINE=1\n", ".env")
    config = loaded(folder)
    assert dict(os.environ) == before
    assert config.environment.get("GOOD_ONE") == "x"
    assert config.environment.get("FINE") == "1"
    assert not [name for name in (*bad, "BASH_ENV") if config.environment.get(name)]
    assert config.environment.home == folder.environment.home
    warned = " ".join(f"{warning.path} {warning.message}" for warning in config.warnings)
    assert all(name in warned for name in (*bad, "BASH_ENV", "HOME"))
    assert "/evil" not in warned


def test_adv_I4_only_the_private_dotenv_of_the_state_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "project"
    elsewhere.mkdir()
    (elsewhere / ".env").write_text("OPENCLAW_GATEWAY_TOKEN=evil\nANTHROPIC_API_KEY=evil\n")
    monkeypatch.chdir(elsewhere)
    folder = ConfigFolder(tmp_path / "state", {})
    folder.write({"agents": {"defaults": {"workspace": str(elsewhere)}}})
    config = loaded(folder)
    assert dict(config.environment.values) == dict(folder.environment.values)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_adv_I4_a_dotenv_that_others_may_open_is_not_read(tmp_path: Path, mode: int) -> None:
    folder = ConfigFolder(tmp_path, {})
    folder.write({})
    folder.write("A_NAME=hunter2\n", ".env").chmod(mode)
    config = loaded(folder)
    assert config.environment.get("A_NAME") is None
    assert "chmod 600" in config.warnings[0].message
    assert "hunter2" not in config.warnings[0].message


def test_adv_I4_a_dotenv_is_not_followed_through_a_link(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path / "state", {})
    folder.write({})
    target = tmp_path / "elsewhere"
    target.write_text("A_NAME=1\n")
    target.chmod(0o600)
    (folder.root / ".env").symlink_to(target)
    assert loaded(folder).environment.get("A_NAME") is None


def _shell(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_login_shell_gives_expected_names_only(tmp_path: Path) -> None:
    shell = _shell(tmp_path / "sh", "printf 'OPENAI_API_KEY=k\\0EVIL=1\\0GEMINI_API_KEY= \\0'")
    found, warnings = import_shell_env(shell, Environment({"HOME": str(tmp_path)}), 5000)
    assert found == {"OPENAI_API_KEY": "k"}
    assert warnings == []


def test_a_slow_login_shell_is_ended(tmp_path: Path) -> None:
    shell = _shell(tmp_path / "sh", "sleep 60")
    found, warnings = import_shell_env(shell, Environment({"HOME": str(tmp_path)}), 200)
    assert found == {}
    assert "200 ms" in warnings[0].message


def test_adv_I6_the_shell_of_the_environment_is_never_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = _shell(tmp_path / "evil", f"touch {canary}")
    folder = ConfigFolder(tmp_path / "state", {"SHELL": evil})
    folder.write({"env": {"shellEnv": {"enabled": True, "timeoutMs": 5000}}})
    loaded(folder)
    assert not canary.exists()
    listed = tmp_path / "shells"
    listed.write_text("# none\n")
    assert login_shell(listed) is None


def test_the_shell_import_is_off_and_is_skipped_when_a_name_is_known(tmp_path: Path) -> None:
    from openclaw.config.env_block import wants_shell

    asked = {"env": {"shellEnv": {"enabled": True}}}
    assert not wants_shell({}, Environment({}))
    assert wants_shell(asked, Environment({}))
    assert wants_shell({}, Environment({"OPENCLAW_LOAD_SHELL_ENV": "yes"}))
    assert not wants_shell(asked, Environment({"OPENAI_API_KEY": "k"}))
