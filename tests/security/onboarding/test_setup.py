"""Doing what was decided: private files, valid config, nothing of a person's own overwritten."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from openclaw.config.load import load_config
from openclaw.security.onboarding.answers import Answers, GatewayAnswer, ModelAnswer, RemoteAnswer
from openclaw.security.onboarding.reset import SCOPES, reset, reset_targets
from openclaw.security.onboarding.setup import Setup, store_credential
from openclaw.state.auth_profiles import read_profiles
from openclaw.state.gateway_lock import gateway_lock
from openclaw.state.layout import StateLayout
from openclaw.system.errors import ConfigInvalid, InvalidInput, OpenClawError, Refused
from openclaw.system.secret import Secret
from support.state_dirs import NOW_MS, PROFILES, environment_of, modes, original_state, put, read_only, snapshot


def setup_of(home: Path, *, sandboxed: bool = True, **more: str) -> Setup:
    environment = environment_of(home, **more)
    return Setup(StateLayout.resolve(environment), environment, sandboxed=sandboxed)


def test_a_new_home_is_set_up_and_everything_is_private(tmp_path: Path) -> None:
    done = setup_of(tmp_path).apply(Answers(workspace=tmp_path / "claw"))
    assert done.config.gateway.mode == "local"
    assert done.workspace == tmp_path / "claw"
    assert "BOOTSTRAP.md" in done.created
    assert (tmp_path / "claw/.git").is_dir()
    assert (tmp_path / ".openclaw/agents/main/sessions").is_dir()
    assert (tmp_path / ".openclaw/credentials").is_dir()
    loose = {path: mode for path, mode in modes(tmp_path / ".openclaw").items() if mode & 0o077}
    assert loose == {}
    config = load_config(StateLayout.at(tmp_path / ".openclaw"), environment_of(tmp_path))
    assert config.wizard.last_run_command == "onboard"
    assert config.agents.defaults.workspace == str(tmp_path / "claw")


def test_two_runs_make_two_tokens_and_a_run_over_a_config_keeps_its_own(tmp_path: Path) -> None:
    first = setup_of(tmp_path / "a").apply(Answers()).config.document["gateway"]["auth"]["token"]
    second = setup_of(tmp_path / "b").apply(Answers()).config.document["gateway"]["auth"]["token"]
    assert first != second
    assert len(first) == 48
    again = setup_of(tmp_path / "a").apply(Answers(gateway=GatewayAnswer(port=4000)))
    assert again.config.document["gateway"]["auth"]["token"] == first
    assert again.config.gateway.port == 4000


def test_workspace_files_of_a_person_are_never_overwritten(tmp_path: Path) -> None:
    put(tmp_path, "claw/SOUL.md", "mine")
    done = setup_of(tmp_path).apply(Answers(workspace=tmp_path / "claw"))
    assert (tmp_path / "claw/SOUL.md").read_text() == "mine"
    assert "BOOTSTRAP.md" not in done.created
    assert not (tmp_path / "claw/.git").exists()


def test_a_key_goes_to_the_profiles_and_others_stay(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    setup_of(tmp_path).apply(Answers(model=ModelAnswer("google", "gemini-3-pro-preview", Secret("canary-new-key"))))
    path = layout.root / "agents/main/agent/auth-profiles.json"
    store = json.loads(path.read_text())
    assert store["profiles"]["google:default"] == {"type": "api_key", "provider": "google", "key": "canary-new-key"}
    del store["profiles"]["google:default"]
    assert store == PROFILES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "canary-new-key" not in layout.config.read_text()


def test_a_token_keeps_its_kind_profile_and_end(tmp_path: Path) -> None:
    path = tmp_path / "auth-profiles.json"
    model = ModelAnswer("anthropic", "x", Secret("tok"), kind="token", profile="anthropic:work", expires_ms=5)
    store_credential(path, model)
    store_credential(path, model)
    assert read_profiles(path).raw["profiles"] == {
        "anthropic:work": {"type": "token", "provider": "anthropic", "token": "tok", "expires": 5}
    }


def test_a_remote_setup_makes_no_workspace(tmp_path: Path) -> None:
    setup_of(tmp_path).apply(Answers(mode="remote", remote=RemoteAnswer("wss://host:1")))
    assert not (tmp_path / ".openclaw/workspace").exists()


def test_comments_of_an_existing_config_stay(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw/openclaw.json", '{ // mine\n  gateway: { mode: "local", auth: { token: "${T}" } } }')
    (tmp_path / ".openclaw").chmod(0o700)
    setup_of(tmp_path, T="secret-0123456789").apply(Answers(gateway=GatewayAnswer(port=4000)))
    text = (tmp_path / ".openclaw/openclaw.json").read_text()
    assert "// mine" in text
    assert '"${T}"' in text


def test_an_invalid_config_stops_before_anything(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw/openclaw.json", "{ bogus: 1 }")
    (tmp_path / ".openclaw").chmod(0o700)
    with pytest.raises(ConfigInvalid):
        setup_of(tmp_path)


def test_contradicting_answers_write_nothing(tmp_path: Path) -> None:
    setup = setup_of(tmp_path)
    with pytest.raises(InvalidInput):
        setup.apply(Answers(gateway=GatewayAnswer(tailscale="funnel")))
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_disk_fails_in_words(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    setup = setup_of(tmp_path)
    before = snapshot(layout.root)
    with read_only(layout.root), pytest.raises((OpenClawError, OSError)):
        setup.apply(Answers(gateway=GatewayAnswer(port=4000)))
    assert snapshot(layout.root) == before


# Starting over


def targets(home: Path, scope: str) -> list[str]:
    environment = environment_of(home)
    found = reset_targets(scope, StateLayout.resolve(environment), environment)  # type: ignore[arg-type]  # a test table
    return [str(path.relative_to(home)) for path in found]


def test_each_scope_removes_what_it_says(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw", {"agents": {"defaults": {"workspace": "~/claw"}}})
    put(tmp_path, "claw/AGENTS.md", "x")
    assert targets(tmp_path, "config") == [".openclaw/openclaw.json"]
    assert targets(tmp_path, "config+creds+sessions") == [
        ".openclaw/openclaw.json",
        ".openclaw/credentials",
        ".openclaw/agents/main/sessions",
    ]
    assert targets(tmp_path, "full") == [".openclaw", "claw"]


def test_a_reset_removes_and_a_second_finds_nothing(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    environment = environment_of(tmp_path)
    layout = StateLayout.resolve(environment)
    reset("config+creds+sessions", layout, environment)
    assert not layout.config.exists()
    assert (layout.root / "agents/main/agent/auth-profiles.json").exists()
    reset("full", layout, environment)
    assert not layout.root.exists()
    assert reset("full", layout, environment) == ()


@pytest.mark.parametrize("workspace", ["~", "/", "~/.."])
def test_a_reset_never_takes_the_home_or_what_holds_it(tmp_path: Path, workspace: str) -> None:
    home = tmp_path / "home"
    original_state(home / ".openclaw", {"agents": {"defaults": {"workspace": workspace}}})
    with pytest.raises(Refused, match="more than openclaw"):
        targets(home, "full")


def test_a_reset_removes_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    target = put(tmp_path, "dotfiles/claw.json", layout.config.read_text())
    layout.config.unlink()
    layout.config.symlink_to(target)
    reset("config", layout, environment_of(tmp_path))
    assert target.exists()
    assert not layout.config.is_symlink()


def test_nothing_is_removed_under_a_running_gateway(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    for scope in SCOPES:
        with gateway_lock(layout, port=1, now_ms=NOW_MS, temp_root=tmp_path), pytest.raises(Refused, match="stop it"):
            reset(scope, layout, environment)
    assert layout.config.exists()
