"""Backups: everything that matters goes in and comes back; links, pipes and what is in flight stay out."""

from __future__ import annotations

import json
import os
import stat
import time
import zipfile
from pathlib import Path

import pytest

from openclaw.config.load import read_config
from openclaw.security.backup.archive import verify_backup
from openclaw.security.backup.create import Made, create_backup
from openclaw.security.backup.manifest import Manifest
from openclaw.security.backup.restore import Plan, Restore, Restored
from openclaw.state.gateway_lock import gateway_lock
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, NotFound, Refused, Unavailable
from support.state_dirs import (
    CONFIG,
    NOW_MS,
    OTHER_UID,
    canaries,
    environment_of,
    modes,
    original_state,
    put,
    read_only,
    snapshot,
)
from support.time import FakeClock


def make(home: Path, *, workspaces: bool = True, **more: str) -> Made:
    environment = environment_of(home, **more)
    layout = StateLayout.resolve(environment)
    return create_backup(layout, environment, FakeClock(NOW_MS), home / "out" / "b.zip", workspaces=workspaces)


def bring(home: Path, archive: Path, *, workspaces: bool = True, **more: str) -> tuple[Plan, Restored]:
    environment = environment_of(home, **more)
    layout = StateLayout.resolve(environment)
    with Restore(archive, layout, environment, FakeClock(NOW_MS + 1000), workspaces=workspaces) as work:
        plan = work.prepare()
        return plan, work.apply(plan)


def names(manifest: Manifest) -> set[str]:
    return {entry.path for entry in manifest.files}


def content(root: Path) -> dict[str, bytes | str]:
    """What a state holds, without locks and what a restore keeps aside."""
    found = snapshot(root)
    return {
        path: value[1]
        for path, value in found.items()
        if not path.startswith(".before-restore") and not path.endswith((".flock", "gateway.lock"))
    }


def test_a_backup_is_private_and_holds_the_state(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    made = make(tmp_path)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert {
        "state/openclaw.json",
        "state/.env",
        "state/agents/main/agent/auth-profiles.json",
        "state/agents/main/sessions/s-main.jsonl",
        "state/credentials/telegram-allowFrom.json",
        "state/exec-approvals.json",
        "state/cron/jobs.json",
    } <= names(made.manifest)
    assert made.manifest.config == "state/openclaw.json"
    assert not list(made.path.parent.glob(".*"))


def test_the_manifest_holds_no_secret(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    made = make(tmp_path)
    with zipfile.ZipFile(made.path) as archive:
        text = archive.read("manifest.json").decode() + repr(archive.infolist())
    for secret in canaries():
        assert secret not in text


def test_what_is_in_flight_or_can_be_made_again_stays_out(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    for path in (
        "logs/openclaw.log",
        "journal/journal.sqlite",
        "cache/config-view.json",
        "sandboxes/a/x",
        "browser/p/user-data/Cookies",
        "memory/main.sqlite",
        "gateway.lock",
        "agents/main/sessions/sessions.json.lock",
        "agents/main/sessions/sessions.json.flock",
        "restart-sentinel.json",
        "openclaw.json.1.abc.tmp",
        ".before-restore-1/openclaw.json",
        ".restore-abc/x",
    ):
        put(root, path, "x")
    kept = names(make(tmp_path).manifest)
    assert not {
        name for name in kept if any(word in name for word in ("logs", "journal", "cache", "sandboxes", "lock", "tmp"))
    }
    assert not any(
        name.startswith(("state/.before", "state/.restore", "state/memory", "state/browser")) for name in kept
    )
    assert "state/restart-sentinel.json" not in kept


def test_links_pipes_and_sockets_are_told_and_not_followed(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    outside = put(tmp_path, "outside/secret", "canary-outside")
    (root / "credentials/link").symlink_to(outside)
    (root / "credentials/folder").symlink_to(outside.parent)
    os.mkfifo(root / "credentials/pipe")
    made = make(tmp_path)
    skipped = dict(made.manifest.skipped)
    assert skipped["state/credentials/link"] == "a link"
    assert skipped["state/credentials/folder"] == "a link"
    assert skipped["state/credentials/pipe"] == "no regular file"
    assert not any("outside" in name or "folder/" in name for name in names(made.manifest))


def test_a_backup_verifies_and_a_changed_one_does_not(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    made = make(tmp_path)
    manifest, warnings = verify_backup(made.path)
    assert (names(manifest), warnings) == (names(made.manifest), ())
    data = bytearray(made.path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    made.path.write_bytes(data)
    with pytest.raises(InvalidInput):
        verify_backup(made.path)


def test_an_open_backup_is_told(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    made = make(tmp_path)
    made.path.chmod(0o644)
    assert "chmod 600" in verify_backup(made.path)[1][0]


def test_a_state_comes_back_byte_for_byte_to_an_empty_home(tmp_path: Path) -> None:
    original_state(tmp_path / "one/.openclaw")
    made = make(tmp_path / "one")
    _, done = bring(tmp_path / "two", made.path)
    assert done.before is None
    assert content(tmp_path / "two/.openclaw") == content(tmp_path / "one/.openclaw")
    assert not any(mode & 0o077 for mode in modes(tmp_path / "two/.openclaw").values())
    loaded = read_config(StateLayout.at(tmp_path / "two/.openclaw"), environment_of(tmp_path / "two"))
    assert loaded.config is not None


def test_what_was_there_is_kept_aside_and_what_is_in_flight_stays(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    made = make(tmp_path)
    put(root, "openclaw.json", {"gateway": {"port": 1234}})
    put(root, "new.json", {})
    for kept in ("journal/journal.sqlite", "ledger/HEAD", "logs/x.log"):
        put(root, kept, f"now {kept}")
    _, done = bring(tmp_path, made.path)
    assert json.loads((root / "openclaw.json").read_text())["gateway"]["port"] == CONFIG["gateway"]["port"]
    assert not (root / "new.json").exists()
    assert (root / "journal/journal.sqlite").read_text() == "now journal/journal.sqlite"
    assert (root / "ledger/HEAD").read_text() == "now ledger/HEAD"
    assert (root / "logs/x.log").exists()
    assert done.before is not None
    assert json.loads((done.before / "openclaw.json").read_text()) == {"gateway": {"port": 1234}}
    assert (done.before / "new.json").exists()
    assert stat.S_IMODE(done.before.stat().st_mode) == 0o700
    assert not list(root.glob(".restore-*"))


def test_a_ledger_comes_back_only_where_there_is_none(tmp_path: Path) -> None:
    put(original_state(tmp_path / "one/.openclaw").root, "ledger/HEAD", "older")
    made = make(tmp_path / "one")
    bring(tmp_path / "two", made.path)
    assert (tmp_path / "two/.openclaw/ledger/HEAD").read_text() == "older"


def test_a_running_gateway_is_refused(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    made = make(tmp_path)
    before = snapshot(layout.root)
    with gateway_lock(layout, port=1, now_ms=NOW_MS, temp_root=tmp_path), pytest.raises(Refused, match="stop it"):
        bring(tmp_path, made.path)
    assert content(layout.root) == {path: value[1] for path, value in before.items()}


def test_a_gateway_that_starts_meanwhile_is_refused_and_nothing_is_exchanged(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    made = make(tmp_path)
    before = content(layout.root)
    with Restore(made.path, layout, environment, FakeClock(NOW_MS)) as work:
        plan = work.prepare()
        with gateway_lock(layout, port=1, now_ms=NOW_MS, temp_root=tmp_path), pytest.raises(Refused):
            work.apply(plan)
    assert content(layout.root) == before


def test_a_restore_that_is_not_applied_leaves_no_trace(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    made = make(tmp_path)
    before = content(layout.root)
    with Restore(made.path, layout, environment, FakeClock(NOW_MS)) as work:
        plan = work.prepare()
    assert plan.replaces
    assert content(layout.root) == before


def test_a_failure_in_the_exchange_takes_everything_back(tmp_path: Path) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    place = put(tmp_path, "claw/AGENTS.md", "x").parent
    config = {**CONFIG, "agents": {"defaults": {"workspace": "~/claw"}}}
    put(layout.root, "openclaw.json", config)
    made = make(tmp_path)
    put(layout.root, "openclaw.json", {})
    before = content(layout.root)
    blocked = place.with_name("claw.before-restore-" + time.strftime("%Y%m%d-%H%M%S", time.gmtime(NOW_MS / 1000)))
    put(tmp_path, f"{blocked.name}/full", "x")
    original = place.stat().st_ino
    with Restore(made.path, layout, environment, FakeClock(NOW_MS)) as work:
        plan = work.prepare()
        with pytest.raises((Unavailable, OSError)):
            work.apply(plan)
    assert content(layout.root) == before
    assert place.stat().st_ino == original
    assert sorted(path.name for path in blocked.iterdir()) == ["full"]


def test_a_read_only_disk_refuses_in_words(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    made = make(tmp_path)
    before = content(layout.root)
    with read_only(layout.root), pytest.raises((Unavailable, OSError)):
        bring(tmp_path, made.path)
    assert content(layout.root) == before
    with read_only(made.path.parent), pytest.raises(Unavailable, match="no backup is left"):
        create_backup(layout, environment_of(tmp_path), FakeClock(NOW_MS), made.path.with_name("c.zip"))


def test_a_state_of_somebody_else_is_refused(tmp_path: Path) -> None:
    layout = original_state(tmp_path / ".openclaw")
    made = make(tmp_path)
    if os.geteuid() != 0:
        return
    os.chown(layout.root, OTHER_UID, OTHER_UID)
    with pytest.raises(Unavailable, match=str(OTHER_UID)):
        bring(tmp_path, made.path)


def test_workspaces_elsewhere_go_in_and_come_back_beside_what_is_there(tmp_path: Path) -> None:
    config = {**CONFIG, "agents": {"list": [{"id": "main", "workspace": "~/claw"}, {"id": "b", "workspace": "~/claw"}]}}
    original_state(tmp_path / ".openclaw", config)
    put(tmp_path, "claw/AGENTS.md", "rules")
    put(tmp_path, "claw/run.sh", "#!/bin/sh", mode=0o755)
    (tmp_path / "claw/link").symlink_to("/etc/passwd")
    made = make(tmp_path)
    assert dict(made.manifest.workspaces) == {"main": "~/claw"}
    put(tmp_path, "claw/AGENTS.md", "changed")
    _, done = bring(tmp_path, made.path)
    assert [placed.refused for placed in done.workspaces] == [None]
    assert (tmp_path / "claw/AGENTS.md").read_text() == "rules"
    assert stat.S_IMODE((tmp_path / "claw/run.sh").stat().st_mode) == 0o755
    aside = next(path for path in tmp_path.iterdir() if path.name.startswith("claw.before-restore"))
    assert (aside / "AGENTS.md").read_text() == "changed"


def test_workspaces_can_be_left_out_on_both_sides(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw", {**CONFIG, "agents": {"defaults": {"workspace": "~/claw"}}})
    put(tmp_path, "claw/AGENTS.md", "rules")
    made = make(tmp_path)
    put(tmp_path, "claw/AGENTS.md", "changed")
    bring(tmp_path, made.path, workspaces=False)
    assert (tmp_path / "claw/AGENTS.md").read_text() == "changed"
    made.path.unlink()
    assert dict(make(tmp_path, workspaces=False).manifest.workspaces) == {}


def test_a_workspace_inside_the_state_is_part_of_it(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    put(root, "workspace/AGENTS.md", "rules")
    made = make(tmp_path)
    assert "state/workspace/AGENTS.md" in names(made.manifest)
    assert dict(made.manifest.workspaces) == {}


def test_a_config_elsewhere_and_its_includes_come_back_to_where_the_config_is_now(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    (tmp_path / ".openclaw/openclaw.json").unlink()
    main = put(tmp_path, "etc/claw.json", '{ /* mine */ gateway: { $include: "parts/gw.json" } }')
    put(tmp_path, "etc/parts/gw.json", {"port": 4444})
    put(tmp_path, "etc/other.txt", "not ours")
    made = make(tmp_path, OPENCLAW_CONFIG_PATH=str(main))
    assert {name for name in names(made.manifest) if name.startswith("config/")} == {
        "config/claw.json",
        "config/parts/gw.json",
    }
    main.write_text("{}")
    put(tmp_path, "etc/parts/gw.json", {"port": 1})
    plan, _ = bring(tmp_path, made.path, OPENCLAW_CONFIG_PATH=str(main))
    assert plan.config == main
    assert "/* mine */" in main.read_text()
    assert json.loads((tmp_path / "etc/parts/gw.json").read_text()) == {"port": 4444}
    assert main.with_name("claw.json.bak").read_text() == "{}"
    assert (tmp_path / "etc/other.txt").read_text() == "not ours"


def test_the_plan_says_what_the_restored_config_lets_in(tmp_path: Path) -> None:
    layout = original_state(
        tmp_path / ".openclaw", {**CONFIG, "channels": {"telegram": {"dmPolicy": "open", "allowFrom": ["*"]}}}
    )
    made = make(tmp_path)
    put(layout.root, "openclaw.json", {**CONFIG, "channels": {"telegram": {"dmPolicy": "pairing"}}})
    with Restore(made.path, layout, environment_of(tmp_path), FakeClock(NOW_MS)) as work:
        assert any("telegram" in text for text in work.prepare().widens)


def test_a_restored_config_with_faults_is_told_and_restored(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw", {"bogus": 1})
    made = make(tmp_path)
    plan, _ = bring(tmp_path / "two", made.path)
    assert plan.faults == 1


def test_a_state_behind_a_link_is_exchanged_where_it_lies(tmp_path: Path) -> None:
    real = original_state(tmp_path / "disk/state").root
    (tmp_path / ".openclaw").symlink_to(real)
    made = make(tmp_path)
    put(real, "openclaw.json", {})
    bring(tmp_path, made.path)
    assert (tmp_path / ".openclaw").is_symlink()
    assert json.loads((real / "openclaw.json").read_text())["gateway"]["port"] == CONFIG["gateway"]["port"]


@pytest.mark.parametrize("where", ["exists", "inside", "link"])
def test_a_bad_place_for_the_archive_is_refused(tmp_path: Path, where: str) -> None:
    layout, environment = original_state(tmp_path / ".openclaw"), environment_of(tmp_path)
    out = {"exists": tmp_path / "x.zip", "inside": layout.root / "b.zip", "link": tmp_path / "l.zip"}[where]
    put(tmp_path, "x.zip", "precious")
    if where == "link":
        out.symlink_to(tmp_path / "target")
    with pytest.raises(InvalidInput, match="--out"):
        create_backup(layout, environment, FakeClock(NOW_MS), out)
    assert (tmp_path / "x.zip").read_text() == "precious"
    assert not (tmp_path / "target").exists()


def test_without_a_state_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    environment = Environment({"HOME": str(tmp_path)})
    with pytest.raises(NotFound):
        create_backup(StateLayout.resolve(environment), environment, FakeClock(NOW_MS), tmp_path / "b.zip")
