from __future__ import annotations

from pathlib import Path

import pytest

from openclaw.system.environment import (
    BY_NAME,
    SHELL_IMPORT,
    VARIABLES,
    Environment,
    controls_runtime,
    is_secret_name,
)


@pytest.mark.parametrize(
    ("values", "home"),
    [
        ({"HOME": "/h"}, "/h"),
        ({"USERPROFILE": "/u"}, "/u"),
        ({"HOME": "/h", "USERPROFILE": "/u"}, "/h"),
        ({"HOME": "/h", "OPENCLAW_HOME": "/o"}, "/o"),
        ({"HOME": "/h", "OPENCLAW_HOME": "~/o"}, "/h/o"),
        ({"HOME": "/h", "OPENCLAW_HOME": "~"}, "/h"),
        ({"HOME": "/h", "OPENCLAW_HOME": "  "}, "/h"),
        ({"HOME": " ", "USERPROFILE": "/u"}, "/u"),
    ],
)
def test_home_is_the_first_that_is_set(values: dict[str, str], home: str) -> None:
    assert Environment(values).home == Path(home)


def test_without_any_variable_home_is_that_of_the_user_database() -> None:
    assert Environment({}).home.is_absolute()


def test_unset_and_blank_are_the_same() -> None:
    environment = Environment({"A": "", "B": "  ", "C": " x "})
    assert [environment.get(name) for name in "ABCD"] == [None, None, " x ", None]


def test_an_older_name_is_read_last() -> None:
    assert Environment({"CLAWDBOT_GATEWAY_TOKEN": "old"}).get("OPENCLAW_GATEWAY_TOKEN") == "old"
    both = {"CLAWDBOT_GATEWAY_TOKEN": "old", "OPENCLAW_GATEWAY_TOKEN": "new"}
    assert Environment(both).get("OPENCLAW_GATEWAY_TOKEN") == "new"
    assert Environment({**both, "OPENCLAW_GATEWAY_TOKEN": ""}).get("OPENCLAW_GATEWAY_TOKEN") == "old"


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("1", True),
        ("TRUE", True),
        ("Yes", True),
        (" on ", True),
        ("0", False),
        ("off", False),
        ("x", False),
        ("", False),
    ],
)
def test_a_flag_is_on_for_four_words(text: str, on: bool) -> None:
    assert Environment({"OPENCLAW_NIX_MODE": text}).truthy("OPENCLAW_NIX_MODE") is on


@pytest.mark.parametrize(
    ("text", "number"), [("7", 7), (" 7 ", 7), ("-1", None), ("1.5", None), ("٣", None), ("", None)]
)
def test_a_number_is_digits(text: str, number: int | None) -> None:
    assert Environment({"OPENCLAW_GATEWAY_PORT": text}).integer("OPENCLAW_GATEWAY_PORT") == number


def test_a_list_of_folders_holds_absolute_ones_only() -> None:
    environment = Environment({"HOME": "/h", "OPENCLAW_INCLUDE_ROOTS": "/a:~/b:relative: :~"})
    assert environment.paths("OPENCLAW_INCLUDE_ROOTS") == (Path("/a"), Path("/h/b"), Path("/h"))


def test_lower_values_fill_only_what_is_missing_or_blank() -> None:
    process = Environment({"A": "1", "B": " "})
    layered = process.below({"A": "2", "B": "2", "C": "2", "D": " "}, ".env")
    assert dict(layered.values) == {"A": "1", "B": "2", "C": "2"}
    assert dict(layered.origins) == {"B": ".env", "C": ".env"}
    assert process.get("C") is None


def test_what_was_read_cannot_be_changed() -> None:
    source = {"A": "1"}
    environment = Environment(source)
    source["A"] = "2"
    assert environment.get("A") == "1"
    with pytest.raises(TypeError):
        environment.values["A"] = "3"  # type: ignore[index]  # the point of the test


def test_printing_an_environment_shows_no_value() -> None:
    assert "hunter2" not in repr(Environment({"TELEGRAM_BOT_TOKEN": "hunter2"}))


def test_every_variable_is_named_once_and_explained() -> None:
    names = [row.name for row in VARIABLES]
    assert sorted(names) == sorted(set(names))
    assert all(row.meaning.endswith(".") for row in VARIABLES)
    assert set(SHELL_IMPORT) <= set(BY_NAME)
    assert not {alias for row in VARIABLES for alias in row.aliases} & set(names)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("OPENCLAW_GATEWAY_TOKEN", True),
        ("MSTEAMS_APP_ID", False),
        ("GITHUB_TOKEN", True),
        ("MY_API_KEY", True),
        ("LANG", False),
    ],
)
def test_names_of_secrets_are_known(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    "name",
    [
        *("LD_PRELOAD", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "NODE_OPTIONS", "BASH_ENV", "ENV", "PS4", "SHELLOPTS"),
        *("CC", "GIT_SSH_COMMAND", "CARGO_HOME", "MAKEFLAGS", "HGRCPATH", "RUSTUP_HOME", "CLOUDSDK_PYTHON"),
        "PIP_INDEX_URL",
    ],
)
def test_adv_I2_names_that_steer_loaders_are_recognised(name: str) -> None:
    assert controls_runtime(name)
    assert controls_runtime(name.lower())
    assert not controls_runtime("OPENAI_API_KEY")
