from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from support.cli import Cli, Home, started
from support.state_dirs import original_state, program, put, snapshot
from support.terminal import DOWN, ENTER, SPACE, Terminal

WITHOUT_QUESTIONS = ("--yes", "--non-interactive")


@pytest.fixture
def installed(home: Home) -> Home:
    """An installation with a workspace inside and one outside of the state directory."""
    original_state(home.state)
    put(home.path, ".openclaw/workspace/AGENTS.md", "rules")
    put(home.path, ".openclaw/workspace/notes.md", "mine")
    return home


def test_it_must_be_said_what_is_to_go(installed: Home, cli: Cli) -> None:
    before = snapshot(installed.path)
    answer = cli("uninstall", *WITHOUT_QUESTIONS)
    assert answer.code == 1
    assert "--state" in answer.err
    refused = cli("uninstall", "--state")
    assert refused.code == 1
    assert "--yes" in refused.err
    assert "remove  ~/.openclaw/openclaw.json" in refused.out
    assert snapshot(installed.path) == before


def test_a_dry_run_shows_exactly_what_goes_and_touches_nothing(installed: Home, cli: Cli) -> None:
    before = snapshot(installed.path)
    shown = cli("uninstall", "--all", "--dry-run", "--json").json
    assert snapshot(installed.path) == before
    text = cli("uninstall", "--all", "--dry-run").out
    assert "would remove  ~/.openclaw/workspace (2 files)" in text
    assert "no desktop app" in text
    done = cli("uninstall", "--all", *WITHOUT_QUESTIONS, "--json").json
    assert done["removed"] == shown["removed"]
    assert not installed.state.exists()


def test_state_goes_and_a_workspace_inside_it_stays_with_all_that_is_not_ours(installed: Home, cli: Cli) -> None:
    put(installed.path, ".openclaw/thesis.md", "mine")
    answer = cli("uninstall", "--state", *WITHOUT_QUESTIONS, "--json")
    assert answer.code == 0, answer.err
    assert sorted(path.name for path in installed.state.iterdir()) == ["thesis.md", "workspace"]
    assert {Path(text).name for text in answer.json["kept"]} == {"thesis.md", "workspace"}
    assert (installed.state / "workspace/notes.md").read_text() == "mine"


def test_a_workspace_alone_goes(installed: Home, cli: Cli) -> None:
    assert cli("uninstall", "--workspace", *WITHOUT_QUESTIONS).code == 0
    assert not (installed.state / "workspace").exists()
    assert installed.config.exists()


def test_a_config_elsewhere_goes_with_its_backups(installed: Home, cli: Cli) -> None:
    place = put(installed.path, "elsewhere/claw.json", {})
    put(installed.path, "elsewhere/claw.json.bak", {})
    other = put(installed.path, "elsewhere/other.json", {})
    cli.set_variable("OPENCLAW_CONFIG_PATH", str(place))
    assert cli("uninstall", "--state", *WITHOUT_QUESTIONS).code == 0
    assert list(place.parent.iterdir()) == [other]


def test_a_second_time_there_is_nothing_to_remove(installed: Home, cli: Cli) -> None:
    assert cli("uninstall", "--all", *WITHOUT_QUESTIONS).code == 0
    again = cli("uninstall", "--all", *WITHOUT_QUESTIONS)
    assert (again.code, "nothing to remove" in again.out) == (0, True)


# What is refused


def test_a_home_or_root_named_as_state_is_refused(installed: Home, cli: Cli) -> None:
    original_state(installed.path)
    before = snapshot(installed.path)
    for place in (str(installed.path), "/", "/etc", str(installed.path.parent)):
        cli.set_variable("OPENCLAW_STATE_DIR", place)
        answer = cli("uninstall", "--state", *WITHOUT_QUESTIONS)
        assert answer.code == 1, place
        assert answer.err
    assert snapshot(installed.path) == before


def test_a_directory_that_is_no_state_directory_is_refused(cli: Cli) -> None:
    put(cli.home.path, "photos/2026/one.jpg", "picture")
    (cli.home.path / "photos").chmod(0o700)
    cli.set_variable("OPENCLAW_STATE_DIR", str(cli.home.path / "photos"))
    answer = cli("uninstall", "--state", *WITHOUT_QUESTIONS)
    assert answer.code == 1
    assert "no state directory" in answer.err
    assert (cli.home.path / "photos/2026/one.jpg").exists()


@pytest.mark.parametrize("workspace", ["~", "~/..", "~/photos"])
def test_a_workspace_that_holds_more_is_refused_and_nothing_goes(cli: Cli, workspace: str) -> None:
    put(cli.home.path, "photos/one.jpg", "picture")
    cli.home.write_config({"agents": {"defaults": {"workspace": workspace}}})
    before = snapshot(cli.home.path)
    answer = cli("uninstall", "--state", "--workspace", *WITHOUT_QUESTIONS)
    assert answer.code == 1
    assert "by hand" in answer.err
    assert snapshot(cli.home.path) == before


def test_no_link_is_followed(installed: Home, cli: Cli) -> None:
    outside = put(installed.path, "outside/AGENTS.md", "mine").parent
    (installed.state / "media").symlink_to(outside)
    (installed.state / "agents/main/link").symlink_to(outside)
    assert cli("uninstall", "--state", *WITHOUT_QUESTIONS).code == 0
    assert (outside / "AGENTS.md").read_text() == "mine"
    (installed.path / "link").symlink_to(outside)
    installed.write_config({"agents": {"defaults": {"workspace": "~/link"}}})
    refused = cli("uninstall", "--workspace", *WITHOUT_QUESTIONS)
    assert refused.code == 1
    assert "is a link" in refused.err
    assert (outside / "AGENTS.md").exists()


def test_a_linked_state_directory_is_refused(installed: Home, cli: Cli) -> None:
    installed.state.rename(installed.path / "real")
    installed.state.symlink_to(installed.path / "real")
    answer = cli("uninstall", "--state", *WITHOUT_QUESTIONS)
    assert answer.code == 1
    assert "is a link" in answer.err
    assert (installed.path / "real/openclaw.json").exists()


def test_a_running_gateway_is_a_reason_to_refuse(home: Home) -> None:
    with started(home) as running:
        for more in ((), ("--service",)):
            answer = home.program("uninstall", "--state", *more, *WITHOUT_QUESTIONS)
            assert answer.code == 1
            assert "gateway stop" in answer.err
        assert home.program("health", "--json").json["ok"] is True
        assert running.stop() == 0
    assert home.program("uninstall", "--all", *WITHOUT_QUESTIONS).code == 0
    assert not home.state.exists()


# Service, backup, questions


def test_the_service_is_stopped_and_removed_first(
    installed: Home, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tmp_path / "said"
    systemctl = program(tmp_path / "systemctl", f'echo "$*" >> {said}; exit 0')
    monkeypatch.setattr("openclaw.security.service.systemd.find", lambda _: systemctl)
    unit = Path(cli("service", "install", "--json").json["file"])
    assert f"would remove  {cli.home.path}" not in cli("uninstall", "--service", "--dry-run").out
    assert unit.exists()
    answer = cli("uninstall", "--service", *WITHOUT_QUESTIONS, "--json")
    assert answer.json["service"] == str(unit)
    assert not unit.exists()
    assert installed.config.exists()
    assert "disable --now openclaw-gateway.service" in said.read_text()


def test_a_backup_is_made_before_anything_goes(installed: Home, cli: Cli) -> None:
    answer = cli("uninstall", "--all", "--backup", *WITHOUT_QUESTIONS, "--json")
    assert answer.code == 0, answer.err
    place = Path(answer.json["backup"])
    assert place.stat().st_mode & 0o777 == 0o600
    assert cli("backup", "verify", str(place)).code == 0


def test_when_the_backup_fails_nothing_goes(installed: Home, cli: Cli) -> None:
    put(installed.path, "openclaw-backups", "in the way")
    before = snapshot(installed.path)
    answer = cli("uninstall", "--all", "--backup", *WITHOUT_QUESTIONS)
    assert answer.code == 1
    assert snapshot(installed.path) == before


def test_on_a_terminal_it_is_asked_what_goes_and_a_backup_is_offered(installed: Home) -> None:
    terminal = Terminal(installed, "uninstall")
    terminal.press("What is to go?", DOWN, SPACE, ENTER)
    terminal.press("Make a backup first?", ENTER)
    terminal.answer("Remove all that is listed?", "y")
    assert terminal.finish() == 0, terminal.text
    assert len(list((installed.path / "openclaw-backups").iterdir())) == 1
    assert [path.name for path in installed.state.iterdir()] == ["workspace"]


def test_enter_alone_removes_nothing(installed: Home) -> None:
    before = snapshot(installed.path)
    terminal = Terminal(installed, "uninstall", "--all")
    terminal.answer("Make a backup first?", "n")
    terminal.press("Remove all that is listed?", ENTER)
    assert terminal.finish() == 1
    assert snapshot(installed.path) == before


def test_of_a_credentials_folder_elsewhere_only_our_files_go(installed: Home, cli: Cli) -> None:
    cli.set_variable("OPENCLAW_OAUTH_DIR", str(installed.path / "keys"))
    for name in ("telegram-pairing.json", "telegram-allowFrom.json", "oauth.json", "whatsapp/default/creds.json"):
        put(installed.path, f"keys/{name}", {})
    mine = put(installed.path, "keys/vault.kdbx", "mine")
    shown = cli("reset", "--scope", "config+creds+sessions", "--dry-run", "--json").json["removed"]
    assert {Path(text).name for text in shown if "/keys/" in text} == {
        *("telegram-pairing.json", "telegram-allowFrom.json", "oauth.json", "whatsapp")
    }
    (installed.state / "credentials").rename(installed.path / "old")
    done = cli("uninstall", "--state", "--backup", *WITHOUT_QUESTIONS, "--json")
    assert done.code == 0, done.err
    assert list((installed.path / "keys").iterdir()) == [mine]
    with zipfile.ZipFile(done.json["backup"]) as archive:
        names = [name for name in archive.namelist() if name.startswith("state/credentials/")]
    assert len(names) == 4
    assert "state/credentials/whatsapp/default/creds.json" in names
    assert cli("backup", "verify", done.json["backup"]).code == 0
    assert cli("backup", "restore", done.json["backup"], "--yes").code == 0
    assert (installed.state / "credentials/oauth.json").exists()
