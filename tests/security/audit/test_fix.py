"""`--fix` does what the security page promises, tells each change and refusal, and twice is once (audit.md 6)."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from openclaw.security.audit.fix import FixResult
from support.audit import SECRET, AuditHome


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    return made


def snapshot(home: AuditHome) -> dict[str, tuple[int, bytes]]:
    found = {}
    for path in sorted(home.home.rglob("*")):
        info = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
        found[str(path.relative_to(home.home))] = (info.st_mode, content)
    return found


def document(home: AuditHome) -> Any:
    return home.reading().authored


OPEN = {
    "channels": {
        "telegram": {"groupPolicy": "open", "accounts": {"b": {"groupPolicy": "open"}, "a": {"groupPolicy": "open"}}},
        "discord": {"groupPolicy": "open"},
        "whatsapp": {"groupPolicy": "open"},
    },
    "logging": {"redactSensitive": "off"},
}


def test_open_groups_are_closed_and_secrets_redacted(home: AuditHome) -> None:
    home.config(OPEN)
    result = home.fix()
    assert result.written
    assert result.changes == (
        'logging.redactSensitive=off -> "tools"',
        "channels.telegram.groupPolicy=open -> allowlist",
        "channels.telegram.accounts.b.groupPolicy=open -> allowlist",
        "channels.telegram.accounts.a.groupPolicy=open -> allowlist",
        "channels.whatsapp.groupPolicy=open -> allowlist",
        "channels.discord.groupPolicy=open -> allowlist",
    )
    after = document(home)
    assert after["logging"]["redactSensitive"] == "tools"
    assert after["channels"]["telegram"]["accounts"]["b"]["groupPolicy"] == "allowlist"
    again = home.fix()
    assert again.did_nothing
    assert not again.written


def test_comments_includes_and_references_are_kept(home: AuditHome) -> None:
    home.env["MY_TOKEN"] = SECRET
    text = """{
  // who may talk
  gateway: { auth: { token: "${MY_TOKEN}" } },
  logging: { redactSensitive: "off" }, // for a test
  channels: { $include: "./channels.json5" },
}
"""
    home.config(text)
    home.file("channels.json5", '{\n  // the family\n  telegram: { groupPolicy: "open", },\n}\n')
    result = home.fix()
    assert result.errors == ()
    after = home.layout.config.read_text()
    kept = text.replace('"off"', '"tools"').removesuffix("}\n")
    assert after.startswith(kept)
    assert after.removeprefix(kept).lstrip().startswith("meta:")
    assert (home.state / "channels.json5").read_text() == (
        '{\n  // the family\n  telegram: { groupPolicy: "allowlist", },\n}\n'
    )


def test_a_backup_is_kept_privately_and_nothing_else_is_left(home: AuditHome) -> None:
    home.config(OPEN)
    before = home.layout.config.read_text()
    home.fix()
    assert sorted(path.name for path in home.state.iterdir()) == ["openclaw.json", "openclaw.json.bak"]
    backup = home.state / "openclaw.json.bak"
    assert backup.read_text() == before
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_dry_run_says_the_same_and_changes_nothing(home: AuditHome) -> None:
    home.config(OPEN)
    home.state.chmod(0o755)
    before = snapshot(home)
    planned = home.fix(dry_run=True)
    assert snapshot(home) == before
    assert not planned.written
    assert planned.as_dict()["dryRun"] is True
    done = home.fix()
    assert planned.changes == done.changes
    assert [one.target for one in planned.actions if one.planned] == [one.target for one in done.actions if one.ok]


def test_without_a_config_only_modes_are_set(home: AuditHome) -> None:
    home.state.chmod(0o755)
    result = home.fix()
    assert [(one.target.path, one.ok, one.skipped) for one in result.actions][:2] == [
        (home.state, True, None),
        (home.layout.config, False, "missing"),
    ]
    assert not result.written


def test_without_a_state_directory_none_is_made(home: AuditHome) -> None:
    home.state.rmdir()
    assert home.fix().did_nothing
    assert not home.state.exists()


@pytest.mark.parametrize(
    ("section", "store", "expected"),
    [
        ({"groupPolicy": "open"}, ["+1", "+2", "*"], ["+1", "+2"]),
        ({"groupPolicy": "open", "allowFrom": ["+9"]}, ["+1"], None),
        ({"groupPolicy": "open", "groupAllowFrom": ["+9"]}, ["+1"], ["+9"]),
        ({"groupPolicy": "open"}, [], None),
        ({"groupPolicy": "open"}, ["*"], None),
        ({"groupPolicy": "allowlist"}, ["+1"], None),
    ],
)
def test_whatsapp_groups_keep_the_people_who_were_approved(
    home: AuditHome, section: dict[str, Any], store: list[str], expected: list[str] | None
) -> None:
    home.config({"channels": {"whatsapp": section}})
    home.file("credentials/whatsapp-allowFrom.json", json.dumps({"version": 1, "allowFrom": store}))
    result = home.fix()
    assert document(home)["channels"]["whatsapp"].get("groupAllowFrom") == expected
    told = "channels.whatsapp.groupAllowFrom=pairing-store" in result.changes
    assert told is (expected not in (None, section.get("groupAllowFrom")))


def test_a_linked_config_is_told_and_its_mode_left_alone(home: AuditHome) -> None:
    home.config()
    real = home.home / "real.json"
    home.layout.config.rename(real)
    real.chmod(0o644)
    home.layout.config.symlink_to(real)
    result = home.fix()
    assert [one.skipped for one in result.actions if one.target.path == home.layout.config] == ["symlink"]
    assert stat.S_IMODE(real.stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["credentials", "agents", "agents/main", "agents/main/agent", "agents/main/sessions"])
def test_nothing_below_a_linked_folder_is_touched(home: AuditHome, name: str) -> None:
    home.config()
    for file in (
        "credentials/telegram-allowFrom.json",
        "agents/main/agent/auth-profiles.json",
        "agents/main/sessions/sessions.json",
    ):
        home.file(file, mode=0o644)
    outside = home.home / "outside"
    (home.state / name).rename(outside)
    (home.state / name).symlink_to(outside)
    before = {path: path.lstat().st_mode for path in (outside, *outside.rglob("*"))}
    home.fix()
    assert {path: path.lstat().st_mode for path in (outside, *outside.rglob("*"))} == before


def test_only_stores_among_the_credentials_get_a_mode(home: AuditHome) -> None:
    home.config()
    home.file("credentials/a.json", mode=0o644)
    home.file("credentials/b.txt", mode=0o644)
    home.file("credentials/whatsapp/default/creds.json", mode=0o644)
    touched = [str(one.target.path.relative_to(home.state)) for one in home.fix().actions if one.ok]
    assert touched == ["credentials/a.json"]


def test_one_refusal_is_told_and_does_not_stop_the_rest(home: AuditHome) -> None:
    home.config('{logging: {redactSensitive: "off"}, channels: {telegram: {$include: ["./a.json5", "./b.json5"]}}}')
    home.file("a.json5", '{groupPolicy: "open"}')
    home.file("b.json5")
    result = home.fix()
    assert result.changes == ('logging.redactSensitive=off -> "tools"',)
    (error,) = result.errors
    assert error.startswith("writeConfigFile failed: channels.telegram.groupPolicy=open -> allowlist: ")
    assert "a.json5" in error
    assert (result.written, result.as_dict()["ok"], result.did_nothing) == (True, False, False)
    assert document(home)["channels"]["telegram"]["groupPolicy"] == "open"


def test_a_single_change_that_is_refused_leaves_everything_as_it_was(home: AuditHome) -> None:
    home.config('{channels: {telegram: {$include: ["./a.json5", "./b.json5"]}}}')
    home.file("a.json5", '{groupPolicy: "open"}')
    home.file("b.json5")
    before = snapshot(home)
    result = home.fix()
    assert (result.changes, len(result.errors), result.written) == ((), 1, False)
    assert snapshot(home) == before


def lines(result: FixResult) -> list[str]:
    return list(result.lines(lambda path: str(path).replace(str(result.layout.root.parent), "~")))


def test_the_block_for_people_says_each_step(home: AuditHome) -> None:
    home.config({"logging": {"redactSensitive": "off"}})
    home.state.chmod(0o755)
    said = lines(home.fix())
    assert said[:3] == [
        'logging.redactSensitive=off -> "tools"',
        "chmod 700 ~/.openclaw",
        "skip chmod 600 ~/.openclaw/openclaw.json (already)",
    ]
    assert "skip chmod 700 ~/.openclaw/credentials (missing)" in said


def test_nothing_that_a_stranger_could_use_is_opened(home: AuditHome) -> None:
    """A fix only ever takes away: no finding appears that was not there before."""
    home.config(OPEN)
    home.file("credentials/whatsapp-allowFrom.json", json.dumps({"version": 1, "allowFrom": ["+1"]}), mode=0o666)
    before = {(item.check_id, item.place) for item in home.report().findings if item.severity == "critical"}
    home.fix()
    after = {(item.check_id, item.place) for item in home.report().findings if item.severity == "critical"}
    assert after < before
