"""What older releases left: moved with consent, nothing overwritten, nothing lost."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from openclaw.security.doctor.model import Finding
from openclaw.security.doctor.repairs.moves import MoveStateDirectory
from openclaw.security.doctor.repairs.profiles import import_oauth, missing_logins
from openclaw.security.doctor.repairs.sessions import join_stores
from openclaw.security.doctor.run import examine
from openclaw.state.auth_profiles import read_profiles
from openclaw.state.gateway_lock import gateway_lock
from openclaw.state.layout import StateLayout
from openclaw.system.errors import InvalidInput, Refused
from support.state_dirs import NOW_MS, OTHER_UID, context_of, original_state, put, transcript


def of(home: Path, check: str, **more: str) -> list[Finding]:
    return [one for one in examine(context_of(home, None, **more)) if one.check == check]


def repair(home: Path, check: str) -> tuple[str, ...]:
    finding = of(home, check)[0]
    assert finding.repair is not None
    assert finding.repair.describe()
    return finding.repair.apply()


def test_an_older_state_directory_is_moved_and_a_link_is_left(tmp_path: Path) -> None:
    original_state(tmp_path / ".clawdbot")
    repair(tmp_path, "legacy.state_directory")
    assert (tmp_path / ".clawdbot").readlink() == tmp_path / ".openclaw"
    assert (tmp_path / ".openclaw/agents/main/agent/auth-profiles.json").is_file()
    assert of(tmp_path, "legacy.state_directory") == []


def test_beside_a_current_state_directory_an_older_one_is_only_told(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    original_state(tmp_path / ".moltbot")
    finding = of(tmp_path, "legacy.state_directory")[0]
    assert finding.repair is None
    assert "by hand" in (finding.hint or "")


def test_a_state_directory_that_was_chosen_is_not_moved(tmp_path: Path) -> None:
    original_state(tmp_path / ".clawdbot")
    assert of(tmp_path, "legacy.state_directory", OPENCLAW_STATE_DIR=str(tmp_path / ".clawdbot")) == []
    assert of(tmp_path, "legacy.state_directory", OPENCLAW_PROFILE="work") == []


@pytest.mark.parametrize("odd", ["link", "foreign", "taken", "running"])
def test_a_move_that_is_not_plain_is_refused(tmp_path: Path, odd: str) -> None:
    old, new = tmp_path / ".clawdbot", tmp_path / ".openclaw"
    layout = original_state(tmp_path / "real" if odd == "link" else old)
    move = MoveStateDirectory(old, new, ("old", "new"))
    if odd == "link":
        old.symlink_to(tmp_path / "real")
    elif odd == "taken":
        new.mkdir()
    elif odd == "foreign":
        if os.geteuid() != 0:
            return
        os.chown(old, OTHER_UID, OTHER_UID)
    if odd == "running":
        with gateway_lock(layout, port=1, now_ms=NOW_MS, temp_root=tmp_path), pytest.raises(Refused, match="stop it"):
            move.apply()
        return
    with pytest.raises(Refused):
        move.apply()
    assert odd == "taken" or not new.exists()


def test_an_older_config_name_is_changed(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw/clawdbot.json", {"gateway": {"mode": "local"}})
    (tmp_path / ".openclaw").chmod(0o700)
    repair(tmp_path, "legacy.config_file")
    assert json.loads((tmp_path / ".openclaw/openclaw.json").read_text()) == {"gateway": {"mode": "local"}}
    assert not (tmp_path / ".openclaw/clawdbot.json").exists()
    assert of(tmp_path, "legacy.config_file") == []


def test_sessions_of_the_single_agent_become_those_of_the_default_one(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    put(
        root,
        "sessions/sessions.json",
        {
            "main": {"sessionId": "s-old", "updatedAt": NOW_MS - 10_000},
            "group:-5": {"sessionId": "s-five", "updatedAt": NOW_MS, "label": "five"},
        },
    )
    put(root, "sessions/s-old.jsonl", transcript("s-old", "x"))
    put(root, "sessions/s-five.jsonl", transcript("s-five", "y"))
    repair(tmp_path, "legacy.sessions")
    store = json.loads((root / "agents/main/sessions/sessions.json").read_text())
    assert store["agent:main:main"]["sessionId"] == "s-main"  # the newer one
    assert store["agent:main:main"]["strange"] == {"kept": True}
    assert store["agent:main:group:-5"]["label"] == "five"
    assert (root / "agents/main/sessions/s-five.jsonl").is_file()
    assert not (root / "sessions").exists()
    assert of(tmp_path, "legacy.sessions") == []


def test_a_transcript_whose_name_is_taken_is_left_and_told(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    put(root, "sessions/s-main.jsonl", "other")
    told = repair(tmp_path, "legacy.sessions")
    assert "s-main.jsonl exists already" in told[0]
    assert (root / "sessions/s-main.jsonl").read_text() == "other"


def test_stores_are_joined_by_time_whatever_they_hold() -> None:
    joined = join_stores(
        {"agent:main:main": {"updatedAt": 5}}, {"main": {"updatedAt": 9}, "x": "odd"}, "main", global_scope=False
    )
    assert joined == {"agent:main:main": {"updatedAt": 9}, "agent:main:x": "odd"}


def test_the_agent_folder_of_the_single_agent_is_moved(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw/agent/auth-profiles.json", {"version": 1, "profiles": {}})
    put(tmp_path, ".openclaw/openclaw.json", {})
    (tmp_path / ".openclaw").chmod(0o700)
    repair(tmp_path, "legacy.agent")
    assert (tmp_path / ".openclaw/agents/main/agent/auth-profiles.json").is_file()


def test_loose_whatsapp_files_go_to_the_default_account_and_others_stay(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    (root / "credentials/whatsapp/default/creds.json").unlink()
    for name in ("creds.json", "pre-key-1.json", "session-7.json", "oauth.json"):
        put(root, f"credentials/{name}", {})
    repair(tmp_path, "legacy.whatsapp")
    moved = {path.name for path in (root / "credentials/whatsapp/default").iterdir()}
    assert moved == {"creds.json", "pre-key-1.json", "session-7.json"}
    assert (root / "credentials/oauth.json").is_file()
    assert (root / "credentials/telegram-allowFrom.json").is_file()


def test_nothing_is_moved_away_under_a_running_gateway(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    put(layout.root, "sessions/sessions.json", {})
    finding = of(tmp_path, "legacy.sessions")[0]
    assert finding.repair is not None
    with gateway_lock(layout, port=1, now_ms=NOW_MS, temp_root=tmp_path), pytest.raises(Refused, match="stop it"):
        finding.repair.apply()
    assert (layout.root / "sessions/sessions.json").is_file()


LOGIN = {"access": "canary-access-0123456789", "refresh": "canary-refresh-0123456789", "expires": NOW_MS, "extra": 1}


def test_old_logins_become_profiles_of_the_default_agent_and_the_old_file_stays(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    put(root, "credentials/oauth.json", {"google": LOGIN, "anthropic": LOGIN})
    finding = of(tmp_path, "legacy.oauth")[0]
    assert "google" in finding.message  # anthropic has a profile already
    assert "canary" not in str(finding)
    assert finding.repair is not None
    finding.repair.apply()
    store = read_profiles(root / "agents/main/agent/auth-profiles.json")
    assert store.raw["profiles"]["google:default"] == {**LOGIN, "type": "oauth", "provider": "google"}
    assert store.raw["profiles"]["anthropic:default"]["type"] == "api_key"
    assert store.raw["order"] == {"anthropic": ["anthropic:default"]}
    assert (root / "credentials/oauth.json").is_file()
    assert of(tmp_path, "legacy.oauth") == []
    assert import_oauth(root / "credentials/oauth.json", root / "agents/main/agent/auth-profiles.json") == ()


@pytest.mark.parametrize("content", ["[]", "{", '{"a": 1, "b": {"access": 5}}'])
def test_an_odd_login_file_is_told_or_ignored_without_its_content(tmp_path: Path, content: str) -> None:
    root = original_state(tmp_path / ".openclaw").root
    source = put(root, "credentials/oauth.json", content)
    if content.startswith('{"a"'):
        assert missing_logins(source, root / "none.json") == ()
        return
    with pytest.raises(InvalidInput):
        missing_logins(source, root / "none.json")
    assert of(tmp_path, "legacy.oauth")


def test_variables_of_older_releases_are_named(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    messages = [
        one.message
        for one in of(tmp_path, "environment.old_names", CLAWDBOT_GATEWAY_PORT="1", MOLTBOT_SOMETHING="canary-value")
    ]
    assert "still read" in messages[0]
    assert "is not read" in messages[1]
    assert "canary" not in " ".join(messages)


def test_the_layout_of_an_older_directory_is_used_until_it_is_moved(tmp_path: Path) -> None:
    original_state(tmp_path / ".clawdbot")
    assert context_of(tmp_path).layout == StateLayout.at(tmp_path / ".clawdbot")
