"""Moving secrets out of the config: the config means the same afterwards, and no copy stays behind."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.config import dotenv
from openclaw.config.edit import ConfigEditor, Put
from openclaw.config.load import read_config
from openclaw.config.plain import read_plain
from openclaw.config.secrets import SecretResolver
from openclaw.security.secret_scan.env_file import add_variables, with_variables
from openclaw.security.secret_scan.model import Kind
from openclaw.security.secret_scan.moves import Move, Mover, Target, plan_moves, snake
from openclaw.security.secret_scan.scan import find_secrets
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import ConfigInvalid, InvalidInput, MissingExtra, OpenClawError, Refused, Unavailable
from support.state_dirs import CONFIG, canary, environment_of, original_state, put, read_only, snapshot


def planned(layout: StateLayout, environment: Environment, target: Target = "env") -> list[Move]:
    return plan_moves(find_secrets(layout, environment), read_plain(layout, environment), target)


def effective(layout: StateLayout, environment: Environment) -> dict[str, Any]:
    loaded = read_config(layout, environment)
    assert loaded.config is not None, loaded.issues
    document = dict(loaded.config.document)
    document.pop("meta", None)
    return document


def without_env_block(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "env"}


def test_everything_moves_to_variables_and_the_config_means_the_same(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    before = effective(layout, environment)
    loaded = read_config(layout, environment)
    assert loaded.config is not None
    variable = loaded.config.environment.get("EXTRA_API_KEY")
    moved = Mover(layout, environment).apply(planned(layout, environment))
    assert len(moved) == 11
    assert without_env_block(effective(layout, environment)) == without_env_block(before)
    after = read_config(layout, environment)
    assert after.config is not None
    assert after.config.environment.get("EXTRA_API_KEY") == variable
    text = layout.config.read_text()
    assert "canary" not in text
    assert "${OPENCLAW_SECRET_GATEWAY_AUTH_TOKEN}" in text
    assert stat.S_IMODE((layout.root / ".env").stat().st_mode) == 0o600
    assert [one for one in find_secrets(layout, environment) if one.kind in (Kind.CONFIG, Kind.CONFIG_URL)] == []


def test_what_stood_in_env_stays_as_it_was(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    text = f"# mine\nOPENAI_API_KEY={canary('dotenv')}"  # no final newline
    put(layout.root, ".env", text)
    Mover(layout, environment).apply(planned(layout, environment))
    assert (layout.root / ".env").read_text().startswith(text + "\n")


def test_backups_lose_the_secret_too(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    for port in range(18990, 18996):
        ConfigEditor(layout, environment).change([Put(("gateway", "port"), port)])
    Mover(layout, environment).apply(planned(layout, environment))
    for place in layout.root.glob("openclaw.json*"):
        assert "canary" not in place.read_text(), place
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    backup = json.loads((layout.root / "openclaw.json.bak").read_text())
    assert backup["gateway"]["auth"]["token"] == "${OPENCLAW_SECRET_GATEWAY_AUTH_TOKEN}"


def test_marked_secrets_move_to_a_private_file_and_resolve_from_there(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    Mover(layout, environment).apply(planned(layout, environment, "file"))
    place = layout.root / "secrets.json"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    loaded = read_config(layout, environment)
    assert loaded.config is not None
    resolver = SecretResolver(loaded.config.environment)
    resolved = resolver.resolve(loaded.config.gateway.auth.token, "gateway.auth.token")
    assert resolved is not None
    assert resolved.reveal() == canary("gateway")
    assert "canary" not in layout.config.read_text()
    again = json.loads(layout.config.read_text())
    assert again["plugins"]["entries"]["diagnostics-otel"]["config"]["apiKey"].startswith("${OPENCLAW_SECRET_")


def test_marked_secrets_move_to_the_keyring(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    kept: dict[tuple[str, str], str] = {}
    mover = Mover(layout, environment, keyring=lambda s, i, v: kept.update({(s, i): v}))
    mover.apply(planned(layout, environment, "keyring"))
    assert kept["openclaw", "gateway.auth.token"] == canary("gateway")
    reference = json.loads(layout.config.read_text())["gateway"]["auth"]["token"]
    assert reference == {"source": "keyring", "service": "openclaw", "id": "gateway.auth.token"}
    loaded = read_config(layout, environment)
    assert loaded.config is not None
    resolver = SecretResolver(loaded.config.environment, keyring=lambda s, i: kept.get((s, i)))
    found = resolver.resolve(loaded.config.gateway.auth.token, "x")
    assert found is not None
    assert found.reveal() == canary("gateway")


def test_without_a_keyring_nothing_changes(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    before = snapshot(layout.root)
    with pytest.raises((MissingExtra, Unavailable)):
        Mover(layout, environment).apply(planned(layout, environment, "keyring"))
    assert {path: value for path, value in snapshot(layout.root).items() if not path.endswith(".flock")} == before


def test_a_name_that_the_process_has_is_not_taken(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    environment = environment_of(tmp_path, OPENCLAW_SECRET_GATEWAY_AUTH_TOKEN="something else")
    Mover(layout, environment).apply(planned(layout, environment))
    assert "${OPENCLAW_SECRET_GATEWAY_AUTH_TOKEN_2}" in layout.config.read_text()
    assert effective(layout, environment)["gateway"]["auth"]["token"] == canary("gateway")


def test_a_variable_that_appears_meanwhile_stops_the_move_and_nothing_is_left(tmp_path: Path) -> None:
    layout, calm = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    moves = planned(layout, calm)
    before = (layout.root / ".env").read_bytes(), layout.config.read_bytes()
    racing = environment_of(tmp_path, OPENCLAW_SECRET_GATEWAY_AUTH_TOKEN="something else")
    with pytest.raises(Refused, match="has another value"):
        Mover(layout, racing).apply(moves)
    assert ((layout.root / ".env").read_bytes(), layout.config.read_bytes()) == before


def test_a_secret_that_is_gone_meanwhile_stops_the_move(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    moves = planned(layout, environment)
    put(layout.root, "openclaw.json", {})
    with pytest.raises(Refused, match="scan again"):
        Mover(layout, environment).apply(moves)


@pytest.mark.parametrize("odd", ["open", "link"])
def test_adv_I4_a_dotenv_that_does_not_count_is_not_made_to_count(tmp_path: Path, odd: str) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    moves = planned(layout, environment)
    place = layout.root / ".env"
    if odd == "open":
        put(layout.root, ".env", "OPENCLAW_SKIP_CRON=1\n", mode=0o644)
    else:
        place.unlink()
        place.symlink_to(put(tmp_path, "theirs", "X=1\n"))
    before = layout.config.read_bytes()
    with pytest.raises(Refused):
        Mover(layout, environment).apply(moves)
    assert layout.config.read_bytes() == before
    assert place.is_symlink() is (odd == "link")


def test_a_read_only_disk_stops_the_move_in_words(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    moves = planned(layout, environment)
    before = snapshot(layout.root)
    with read_only(layout.root), pytest.raises((OpenClawError, OSError)):
        Mover(layout, environment).apply(moves)
    assert snapshot(layout.root) == before


def test_a_managed_config_is_left_alone(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    environment = environment_of(tmp_path, OPENCLAW_NIX_MODE="1")
    before = (layout.root / ".env").read_bytes()
    with pytest.raises(Refused, match="managed"):
        Mover(layout, environment).apply(planned(layout, environment))
    assert (layout.root / ".env").read_bytes() == before


def test_an_invalid_config_is_not_edited(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw", {**CONFIG, "bogus": 1}), environment_of(tmp_path)
    with pytest.raises(ConfigInvalid):
        Mover(layout, environment).apply(planned(layout, environment))


def test_a_second_move_finds_nothing_to_do(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    mover = Mover(layout, environment)
    mover.apply(planned(layout, environment))
    assert planned(layout, environment) == []
    assert mover.apply([]) == ()


def test_a_secret_in_an_included_file_moves_from_there(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw", {"channels": {"telegram": {"$include": "tg.json"}}})
    put(layout.root, "tg.json", {"botToken": canary("included"), "dmPolicy": "pairing"})
    environment = environment_of(tmp_path)
    Mover(layout, environment).apply(planned(layout, environment))
    assert "canary" not in (layout.root / "tg.json").read_text()
    assert effective(layout, environment)["channels"]["telegram"]["botToken"] == canary("included")


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("channels", "telegram", "botToken"), "CHANNELS_TELEGRAM_BOT_TOKEN"),
        (("models", "providers", "open-ai.v2", "apiKey"), "MODELS_PROVIDERS_OPEN_AI_V2_API_KEY"),
        (("agents", "list", 0, "x"), "AGENTS_LIST_0_X"),
        (("é",), "VALUE"),
    ],
)
def test_variables_are_named_after_the_path(parts: tuple[str | int, ...], name: str) -> None:
    assert snake(parts) == name


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: text.strip() == text
)


@settings(max_examples=150)
@given(VALUES)
def test_whatever_is_written_to_env_reads_back_as_it_was_or_is_refused(value: str) -> None:
    before = "A=1\nB='two words'\n"
    try:
        text = with_variables(before, {"NEW": value})
    except InvalidInput:
        return
    assert dotenv.parse(text) == {"A": "1", "B": "two words", "NEW": value}


@pytest.mark.parametrize(
    "value", ["plain-1", "two words", "it's", 'say "x"', "a#b", "$HOME ${X} `id`", '{"a": "b\\n"}']
)
def test_common_values_can_be_written(value: str) -> None:
    assert dotenv.parse(with_variables("", {"NEW": value})) == {"NEW": value}


@pytest.mark.parametrize("name", ["PATH", "OPENCLAW_STATE_DIR", "LD_PRELOAD", "A"])
def test_names_that_no_file_may_set_and_names_that_are_taken_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        with_variables("A=1\n", {name: "x"})


def test_the_file_is_private_from_birth(tmp_path: Path) -> None:
    place = tmp_path / ".env"
    assert add_variables(place, {"NEW": "1"}) == ""
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
