"""Modes, owners, links: what doctor finds in the state directory and what its repairs leave alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from openclaw.security.doctor.model import Finding, Level
from openclaw.security.doctor.repairs.files import Loose, MakeDirectories, Tighten
from openclaw.security.doctor.run import examine
from openclaw.security.state_tree import scan
from openclaw.system.errors import Unavailable
from support.state_dirs import OTHER_UID, context_of, modes, original_state, put, read_only


def found(home: Path, check: str) -> list[Finding]:
    return [one for one in examine(context_of(home)) if one.check == check]


def state(home: Path) -> Path:
    return home / ".openclaw"


def tighten(root: Path, *paths: str) -> Tighten:
    tree = scan(root)
    loose = (Loose(p, tree.nodes[p].mode, tree.nodes[p].kind == "directory") for p in paths)
    return Tighten(root, tuple(loose), "~")


def test_a_state_of_the_original_that_is_private_has_nothing_to_repair(tmp_path: Path) -> None:
    original_state(state(tmp_path))
    listed = [one for one in examine(context_of(tmp_path)) if one.check.startswith("state.")]
    assert listed == []


def test_a_missing_state_directory_is_offered(tmp_path: Path) -> None:
    finding = found(tmp_path, "state.directory")[0]
    assert finding.repair is not None
    finding.repair.apply()
    assert stat.S_IMODE(state(tmp_path).stat().st_mode) == 0o700
    assert found(tmp_path, "state.directory") == []


@pytest.mark.parametrize(("mode", "level"), [(0o755, Level.WARN), (0o750, Level.WARN), (0o777, Level.ERROR)])
def test_a_directory_that_others_can_enter_is_found_and_shut(tmp_path: Path, mode: int, level: Level) -> None:
    original_state(state(tmp_path))
    state(tmp_path).chmod(mode)
    finding = found(tmp_path, "state.directory")[0]
    assert finding.level is level
    assert finding.repair is not None
    assert f"(now {mode:o})" in finding.repair.describe()[0]
    finding.repair.apply()
    finding.repair.apply()
    assert found(tmp_path, "state.directory") == []


def test_adv_K16_every_loose_file_is_found_and_made_private_and_programs_stay_programs(tmp_path: Path) -> None:
    original_state(state(tmp_path))
    for path in (*state(tmp_path).rglob("*"),):
        path.chmod(0o777 if path.is_dir() else 0o666)
    put(state(tmp_path), "settings/run.sh", "#!/bin/sh", mode=0o755)
    finding = found(tmp_path, "state.modes")[0]
    assert finding.level is Level.ERROR
    assert finding.repair is not None
    finding.repair.apply()
    after = modes(state(tmp_path))
    assert not any(mode & 0o077 for mode in after.values())
    assert after["settings/run.sh"] == 0o700
    assert found(tmp_path, "state.modes") == []


def test_skills_and_pages_may_be_readable(tmp_path: Path) -> None:
    original_state(state(tmp_path))
    put(state(tmp_path), "skills/one/SKILL.md", "x", mode=0o644)
    put(state(tmp_path), "canvas/index.html", "x", mode=0o644)
    assert found(tmp_path, "state.modes") == []


def test_a_link_is_never_followed_to_what_it_points_at(tmp_path: Path) -> None:
    root = original_state(state(tmp_path)).root
    target = put(tmp_path, "elsewhere/precious", "x", mode=0o644)
    (root / "credentials" / "link").symlink_to(target)
    put(root, "credentials/real.json", "{}", mode=0o644)
    finding = found(tmp_path, "state.modes")[0]
    assert finding.repair is not None
    finding.repair.apply()
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert "credentials/link" in found(tmp_path, "state.odd_files")[0].message


def test_a_name_that_became_a_link_after_the_look_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "root/one", "x", mode=0o644)
    target = put(tmp_path, "precious", "x", mode=0o644)
    repair = tighten(tmp_path / "root", "one")
    (tmp_path / "root/one").unlink()
    (tmp_path / "root/one").symlink_to(target)
    with pytest.raises(Unavailable):
        repair.apply()
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_a_folder_that_became_a_link_after_the_look_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "root/in/one", "x", mode=0o644)
    target = put(tmp_path, "other/one", "x", mode=0o644)
    repair = tighten(tmp_path / "root", "in/one")
    (tmp_path / "root/in").rename(tmp_path / "moved")
    (tmp_path / "root/in").symlink_to(tmp_path / "other")
    with pytest.raises(Unavailable):
        repair.apply()
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_a_file_with_a_second_name_is_told_and_left(tmp_path: Path) -> None:
    root = original_state(state(tmp_path)).root
    outside = put(tmp_path, "outside", "x", mode=0o644)
    os.link(outside, root / "credentials" / "hard")
    assert "credentials/hard" in found(tmp_path, "state.odd_files")[0].message
    assert found(tmp_path, "state.modes") == []
    with pytest.raises(Unavailable, match="hard links"):
        tighten(root, "credentials/hard").apply()
    assert stat.S_IMODE(outside.stat().st_mode) == 0o644


def test_pipes_and_sockets_are_told_and_nothing_hangs(tmp_path: Path) -> None:
    root = original_state(state(tmp_path)).root
    os.mkfifo(root / "credentials" / "telegram-allowFrom-x.json")
    os.mkfifo(root / "agents" / "main" / "agent" / "pipe")
    assert found(tmp_path, "state.odd_files")[0].level is Level.WARN


@pytest.mark.parametrize(
    "path", ["openclaw.json", ".env", "agents/main/agent/auth-profiles.json", "exec-approvals.json"]
)
def test_a_pipe_in_place_of_a_store_does_not_hang_doctor(tmp_path: Path, path: str) -> None:
    root = original_state(state(tmp_path)).root
    (root / path).unlink()
    os.mkfifo(root / path)
    assert examine(context_of(tmp_path))


def test_a_state_of_somebody_else_is_told_and_not_touched(tmp_path: Path) -> None:
    root = original_state(state(tmp_path)).root
    root.chmod(0o755)
    if os.geteuid() != 0:  # only root can give a directory away
        return
    os.chown(root, OTHER_UID, OTHER_UID)
    listed = examine(context_of(tmp_path))
    assert any(one.level is Level.ERROR and str(OTHER_UID) in one.message for one in listed)
    repairs = [one.repair.key for one in listed if one.repair is not None]
    assert not any(str(root) in key for key in repairs)


def test_a_file_of_somebody_else_is_told_and_not_touched(tmp_path: Path) -> None:
    root = original_state(state(tmp_path)).root
    if os.geteuid() != 0:
        return
    place = put(root, "credentials/telegram-allowFrom.json", '{"version":1,"allowFrom":["666"]}', mode=0o644)
    os.chown(place, OTHER_UID, OTHER_UID)
    assert "credentials/telegram-allowFrom.json" in found(tmp_path, "state.owners")[0].message
    assert found(tmp_path, "state.modes") == []
    with pytest.raises(Unavailable, match="somebody else"):
        tighten(root, "credentials/telegram-allowFrom.json").apply()


def test_a_read_only_disk_is_told_and_repairs_fail_in_words(tmp_path: Path) -> None:
    root = original_state(state(tmp_path)).root
    root.chmod(0o755)
    put(root, "credentials/one.json", "{}", mode=0o644)
    with read_only(root):
        listed = examine(context_of(tmp_path))
        if os.geteuid() == 0:
            assert any("read-only" in one.message for one in listed)
            repair = next(one.repair for one in listed if one.check == "state.modes")
            assert repair is not None
            with pytest.raises(Unavailable, match="read-only"):
                repair.apply()
        assert stat.S_IMODE((root / "credentials/one.json").stat().st_mode) == 0o644


def test_a_state_path_that_is_a_file_is_told(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw", "x")
    finding = found(tmp_path, "state.directory")[0]
    assert finding.level is Level.ERROR
    assert finding.repair is None


def test_a_config_elsewhere_is_made_private_too(tmp_path: Path) -> None:
    original_state(state(tmp_path))
    place = put(tmp_path, "etc/claw.json", "{}", mode=0o644)
    listed = examine(context_of(tmp_path, OPENCLAW_CONFIG_PATH=str(place)))
    finding = next(one for one in listed if one.check == "state.config_mode")
    assert finding.repair is not None
    finding.repair.apply()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_missing_folders_are_made(tmp_path: Path) -> None:
    state(tmp_path).mkdir(mode=0o700)
    finding = found(tmp_path, "state.folders")[0]
    assert finding.repair is not None
    finding.repair.apply()
    assert (state(tmp_path) / "credentials").is_dir()
    assert (state(tmp_path) / "agents/main/sessions").is_dir()
    assert found(tmp_path, "state.folders") == []


def test_a_folder_is_not_made_through_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Unavailable):
        MakeDirectories((tmp_path / "link",), ("link",)).apply()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("path", ["credentials/telegram-allowFrom.json", "devices/paired.json", "cron/jobs.json"])
def test_a_store_that_is_no_json_is_told_without_its_content(tmp_path: Path, path: str) -> None:
    root = original_state(state(tmp_path)).root
    put(root, path, '{"secret": "canary-in-broken-store')
    finding = found(tmp_path, "state.stores")[0]
    assert path in finding.message
    assert "canary" not in finding.message


def test_sessions_without_a_transcript_are_told(tmp_path: Path) -> None:
    root = original_state(state(tmp_path)).root
    (root / "agents/main/sessions/s-group.jsonl").unlink()
    put(root, "agents/main/sessions/s-main.jsonl", "{}\n")
    messages = [one.message for one in found(tmp_path, "state.transcripts")]
    assert "agent:main:telegram:group:-100" in messages[0]
    assert "holds nothing" in messages[1]


def test_a_store_that_holds_something_else_is_told(tmp_path: Path) -> None:
    root = original_state(state(tmp_path)).root
    put(root, "agents/main/sessions/sessions.json", "[]")
    assert "must hold a JSON object" in found(tmp_path, "state.stores")[0].message
