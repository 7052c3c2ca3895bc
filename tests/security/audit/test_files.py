"""Modes of files: each way of being open has one finding, and `--fix` closes it (audit.md 4.7, 6)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openclaw.system.errors import OpenClawError
from support.audit import AuditHome, open_folder, powerless

PROFILES = "agents/main/agent/auth-profiles.json"
SESSIONS = "agents/main/sessions/sessions.json"


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    made.config('{gateway: {auth: {token: "k7Qm2vX9bT4nR8wL5cZ1hJ6dF3sA0pGy"}}, messages: {$include: "./extra.json5"}}')
    made.file("extra.json5")
    made.folder("credentials")
    made.file(PROFILES)
    made.file(SESSIONS)
    return made


def of_files(home: AuditHome) -> list[str]:
    return [check_id for check_id in home.ids() if check_id.startswith("fs.")]


FOLDER_MODES = {
    0o700: "",
    0o711: "",
    0o710: "",
    0o740: "readable",
    0o704: "readable",
    0o755: "readable",
    0o750: "readable",
    0o720: "group",
    0o770: "group",
    0o702: "world",
    0o777: "world",
}


@pytest.mark.parametrize(("mode", "kind"), FOLDER_MODES.items())
def test_the_state_directory_has_one_finding_for_each_way_of_being_open(home: AuditHome, mode: int, kind: str) -> None:
    home.state.chmod(mode)
    names = {
        "": [],
        "readable": ["fs.state_dir.perms_readable"],
        "group": ["fs.state_dir.perms_group_writable"],
        "world": ["fs.state_dir.perms_world_writable"],
    }
    assert of_files(home) == names[kind]


@pytest.mark.parametrize(("mode", "kind"), FOLDER_MODES.items())
def test_the_credentials_folder_too(home: AuditHome, mode: int, kind: str) -> None:
    home.folder("credentials", mode)
    writable = "writable" if kind in ("group", "world") else kind
    assert of_files(home) == ([f"fs.credentials_dir.perms_{writable}"] if kind else [])


@pytest.mark.parametrize("base", ["config", "config_include"])
@pytest.mark.parametrize(
    ("mode", "kind"),
    {
        0o600: "",
        0o400: "",
        0o611: "",
        0o640: "group_readable",
        0o604: "world_readable",
        0o644: "world_readable",
        0o620: "writable",
        0o602: "writable",
        0o666: "writable",
    }.items(),
)
def test_config_files_have_one_finding_each(home: AuditHome, base: str, mode: int, kind: str) -> None:
    path = home.layout.config if base == "config" else home.state / "extra.json5"
    path.chmod(mode)
    assert of_files(home) == ([f"fs.{base}.perms_{kind}"] if kind else [])


@pytest.mark.parametrize(
    ("mode", "profiles", "sessions"),
    [
        (0o600, [], []),
        (0o640, ["readable"], ["readable"]),
        (0o604, ["readable"], ["readable"]),
        (0o620, ["writable"], ["writable"]),
        (0o646, ["writable"], ["readable", "writable"]),
    ],
)
def test_the_files_of_an_agent(home: AuditHome, mode: int, profiles: list[str], sessions: list[str]) -> None:
    home.file(PROFILES, mode=mode)
    home.file(SESSIONS, mode=mode)
    assert sorted(of_files(home)) == [
        *(f"fs.auth_profiles.perms_{kind}" for kind in profiles),
        *(f"fs.sessions_store.perms_{kind}" for kind in sessions),
    ]


def test_missing_files_are_nothing_to_report(tmp_path: Path) -> None:
    home = AuditHome(tmp_path)
    assert of_files(home) == []
    home.state.mkdir(mode=0o700)
    assert of_files(home) == []


def test_the_fix_closes_every_file_and_the_second_run_has_nothing_to_do(home: AuditHome) -> None:
    places = ["", "openclaw.json", "extra.json5", "credentials", PROFILES, SESSIONS]
    for name in places:
        path = home.state / name
        path.chmod(0o777 if path.is_dir() else 0o666)
    assert len(of_files(home)) == 7
    first = home.fix()
    assert [action.ok for action in first.actions].count(True) == len(places)
    assert of_files(home) == []
    second = home.fix()
    assert second.did_nothing
    assert not any(action.ok for action in second.actions)


def test_unlisted_agents_are_not_looked_at_but_main_is(home: AuditHome) -> None:
    home.config({"agents": {"list": [{"id": "work"}]}})
    home.file(PROFILES, mode=0o644)
    home.file("agents/stray/agent/auth-profiles.json", mode=0o644)
    (found,) = home.found("fs.auth_profiles.perms_readable")
    assert "agents/main/" in found.detail
    assert home.found("fs.auth_profiles.perms_readable", compat=True) == []


def test_an_agent_dir_elsewhere_is_looked_at(home: AuditHome) -> None:
    home.config({"agents": {"list": [{"id": "work", "agentDir": "~/.openclaw/own"}]}})
    home.file("own/auth-profiles.json", mode=0o640)
    assert [item.title for item in home.found("fs.auth_profiles.perms_readable")] == [
        "Others may read an agent's model keys (work)"
    ]


def test_the_log_may_be_named_from_home(home: AuditHome) -> None:
    home.config({"logging": {"file": "~/logs/x.log"}})
    log = home.home / "logs" / "x.log"
    log.parent.mkdir(mode=0o700)
    assert home.found("fs.log_file.perms_readable") == []
    log.touch()
    log.chmod(0o644)
    assert [item.place for item in home.found("fs.log_file.perms_readable", compat=True)] == [str(log)]


@given(mode=st.integers(0, 0o777))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_that_only_its_owner_may_open_is_never_reported(home: AuditHome, mode: int) -> None:
    (home.state / PROFILES).chmod(mode)
    try:
        reported = bool(home.found("fs.auth_profiles.perms_readable") + home.found("fs.auth_profiles.perms_writable"))
        assert reported is bool(mode & 0o066)
    finally:
        (home.state / PROFILES).chmod(0o600)


def test_what_cannot_be_read_is_named_and_nothing_crashes() -> None:
    with open_folder() as folder:
        home = AuditHome(folder)
        home.state.mkdir(mode=0o700)
        home.config()
        home.file("exec-approvals.json", mode=0o000)
        home.file("credentials/telegram-allowFrom.json", mode=0o000)
        shut = [home.folder("extensions", 0o000), home.folder("agents/main/sessions", 0o000)]
        details = powerless(lambda: [item.detail for item in home.found("fs.not_examined")], folder)
        for path in shut:
            path.chmod(0o700)
    (detail,) = details
    for name in ("exec-approvals.json", "telegram-allowFrom.json", "extensions", "sessions"):
        assert name in detail


def test_a_config_that_cannot_be_read_is_one_clear_refusal() -> None:
    def refusal(home: AuditHome) -> str:
        try:
            home.report()
        except OpenClawError as error:
            return error.message
        return ""

    with open_folder() as folder:
        home = AuditHome(folder)
        home.state.mkdir(mode=0o700)
        home.config().chmod(0)
        assert "openclaw.json" in powerless(lambda: refusal(home), folder)


def test_the_fixer_tells_what_it_may_not_change() -> None:
    with open_folder() as folder:
        home = AuditHome(folder)
        home.state.mkdir(mode=0o700)
        home.config()
        home.file("agents/main/agent/auth-profiles.json", mode=0o644)
        shut = home.folder("agents/main", 0o000)
        actions = powerless(lambda: [one.as_dict() for one in home.fix().actions], folder)
        shut.chmod(0o700)
    blocked = [one for one in actions if one.get("error")]
    assert any(one["path"].endswith("auth-profiles.json") for one in blocked) or all(
        one["ok"] or one.get("skipped") for one in actions
    )
