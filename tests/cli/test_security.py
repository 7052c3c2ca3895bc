"""`openclaw security audit`: what it prints, how it ends, and that it changes nothing without being asked."""

from __future__ import annotations

import gc
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from support.audit import BASE, merged
from support.cli import Cli, Home


@pytest.fixture(autouse=True)
def _config(home: Home) -> None:
    home.write_config(merged(BASE, {}))


OPEN = {"channels": {"telegram": {"botToken": "1:x", "groupPolicy": "open"}}, "logging": {"redactSensitive": "off"}}


def configure(home: Home, over: dict[str, Any]) -> None:
    home.write_config(merged(BASE, over))


def test_the_group_alone_shows_its_help_and_fails(cli: Cli) -> None:
    said = cli("security")
    assert said.code == 1
    assert "audit" in said.out
    assert said.err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--no-such-option",), "--no-such-option"),
        (("stray",), "stray"),
        (("--compat", "2025.1.1"), "2025.1.1"),
        (("--fail-on", "info"), "info"),
        (("--dry-run",), "--dry-run goes with --fix"),
        (("--json", "--sarif"), "choose one of --json and --sarif"),
        (("--baseline", "missing.json"), "missing.json"),
        (("--explain", "no.such.check"), "no check is called 'no.such.check'"),
    ],
)
def test_a_bad_argument_is_one_clear_error(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    said = cli("security", "audit", *arguments)
    assert said.code == 1
    assert message in said.err + said.out
    assert "Traceback" not in said.err
    assert "summary" not in said.out


def test_the_json_is_one_document_of_the_fixed_shape(cli: Cli) -> None:
    said = cli("security", "audit", "--json")
    assert (said.code, said.err) == (0, "")
    assert list(said.json) == ["ts", "summary", "findings"]
    assert list(said.json["summary"]) == ["critical", "warn", "info"]
    assert said.out == json.dumps(said.json, indent=2, ensure_ascii=False) + "\n"


def test_a_report_ends_with_success_whatever_it_says(cli: Cli, home: Home) -> None:
    configure(home, OPEN)
    said = cli("security", "audit")
    assert said.code == 0
    assert said.out.startswith("OpenClaw security audit\nSummary: ")
    assert "\nCRITICAL\n" in said.out


@pytest.mark.parametrize(
    ("over", "fail_on", "code"),
    [
        ({}, "warn", 0),
        ({}, "critical", 0),
        ({"logging": {"redactSensitive": "off"}}, "critical", 0),
        ({"logging": {"redactSensitive": "off"}}, "warn", 3),
        (OPEN, "critical", 3),
    ],
)
def test_a_monitor_asks_for_the_severity_that_fails(
    cli: Cli, home: Home, over: dict[str, Any], fail_on: str, code: int
) -> None:
    configure(home, over)
    for shape in ((), ("--json",), ("--sarif",)):
        said = cli("security", "audit", "--fail-on", fail_on, *shape)
        assert said.code == code
        assert said.out


def test_the_threshold_holds_for_the_compatible_report_too(cli: Cli, home: Home) -> None:
    configure(home, {"gateway": {"trustedProxies": None}})
    assert cli("security", "audit", "--compat", "2026.2.9").code == 0
    assert cli("security", "audit", "--compat", "2026.2.9", "--fail-on", "warn").code == 3
    assert cli("security", "audit", "--compat", "2026.2.9", "--fail-on", "critical").code == 0


def test_a_fix_counts_before_the_threshold(cli: Cli, home: Home) -> None:
    configure(home, {"logging": {"redactSensitive": "off"}})
    assert cli("security", "audit", "--fail-on", "warn").code == 3
    assert cli("security", "audit", "--fix", "--fail-on", "warn").code == 0


BASELINE = {"version": 1, "accepted": [{"checkId": "logging.redact_off", "reason": "a test", "expires": "2999-12-31"}]}


def test_a_baseline_fails_on_what_is_new_only(cli: Cli, home: Home) -> None:
    file = home.path / "baseline.json"
    file.write_text(json.dumps(BASELINE))
    configure(home, {"logging": {"redactSensitive": "off"}})
    said = cli("security", "audit", "--json", "--baseline", str(file))
    assert said.code == 0
    assert [item["checkId"] for item in said.json["acceptedFindings"]] == ["logging.redact_off"]
    configure(home, OPEN)
    assert cli("security", "audit", "--baseline", str(file)).code == 3
    assert cli("security", "audit", "--baseline", str(file), "--fail-on", "critical").code == 3


def test_an_expired_entry_no_longer_accepts(cli: Cli, home: Home) -> None:
    file = home.path / "baseline.json"
    file.write_text(json.dumps(BASELINE).replace("2999", "2020"))
    configure(home, {"logging": {"redactSensitive": "off"}})
    said = cli("security", "audit", "--baseline", str(file))
    assert said.code == 3
    assert "Expired in the baseline: logging.redact_off" in said.out


@pytest.mark.parametrize("text", ["{", '{"nope": 1}', '{"gateway": {"port": "x"}}', '{"$include": "./missing.json"}'])
@pytest.mark.parametrize("fix", [(), ("--fix",)])
def test_an_invalid_config_gives_no_report_and_no_repair(cli: Cli, home: Home, text: str, fix: tuple[str, ...]) -> None:
    home.write_config(text)
    home.config.chmod(0o644)
    said = cli("security", "audit", *fix)
    assert said.code == 1
    assert said.out == ""
    assert "Config invalid" in said.err
    assert "openclaw doctor --fix" in said.err
    told = cli("security", "audit", "--json", *fix)
    assert told.code == 1
    assert told.json["ok"] is False
    assert told.json["issues"]
    assert home.config.read_text() == text
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o644


def test_without_a_config_the_defaults_are_judged(cli: Cli, home: Home) -> None:
    home.config.unlink()
    said = cli("security", "audit", "--json")
    assert said.code == 0
    assert said.json["summary"]["warn"] > 0


def test_looking_leaves_nothing_behind(cli: Cli, home: Home) -> None:
    before = sorted(home.path.rglob("*"))
    cli("security", "audit", "--json")
    cli("security", "audit", "--deep", "--json")
    cli("security", "audit", "--fix", "--dry-run")
    assert sorted(home.path.rglob("*")) == before


def test_a_fix_is_wrapped_with_the_report_after_it(cli: Cli, home: Home) -> None:
    configure(home, OPEN)
    home.config.chmod(0o644)
    said = cli("security", "audit", "--fix", "--json")
    assert list(said.json) == ["fix", "report"]
    fix = said.json["fix"]
    assert (fix["ok"], fix["configWritten"], "dryRun" in fix) == (True, True, False)
    assert "channels.telegram.groupPolicy=open -> allowlist" in fix["changes"]
    assert any(one["path"] == str(home.config) for one in fix["actions"])
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    ids = {item["checkId"] for item in said.json["report"]["findings"]}
    assert not {"channels.telegram.groups.open", "logging.redact_off", "fs.config.perms_world_readable"} & ids


def test_a_plan_is_told_and_nothing_is_done(cli: Cli, home: Home) -> None:
    configure(home, OPEN)
    text = home.config.read_text()
    said = cli("security", "audit", "--fix", "--dry-run")
    assert 'FIX (planned, nothing is changed)\n  logging.redactSensitive=off -> "tools"\n' in said.out
    assert "~/.openclaw" in said.out
    assert str(home.path) not in said.out.partition("CRITICAL")[0]
    assert home.config.read_text() == text
    planned = cli("security", "audit", "--fix", "--dry-run", "--json").json["fix"]
    assert (planned["dryRun"], planned["configWritten"]) == (True, False)


def test_the_second_fix_has_nothing_to_do(cli: Cli, home: Home) -> None:
    configure(home, OPEN)
    cli("security", "audit", "--fix")
    said = cli("security", "audit", "--fix")
    assert "Fixes: no changes applied" in said.out


def test_a_broken_fixer_does_not_stop_the_report(
    cli: Cli, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("broken")

    configure(home, OPEN)
    monkeypatch.setattr("openclaw.security.audit.fix.make_plan", broken)
    said = cli("security", "audit", "--fix")
    assert said.code == 0
    assert "Fixes: failed to apply (unexpected error)" in said.out
    assert "summary" in cli("security", "audit", "--fix", "--json").json
    assert "the fixer failed" in caplog.text


def test_deep_adds_how_the_gateway_answered(cli: Cli) -> None:
    said = cli("security", "audit", "--deep", "--json")
    assert list(said.json) == ["ts", "summary", "findings", "deep"]
    assert said.json["deep"]["gateway"]["attempted"] is True
    assert said.json["deep"]["gateway"]["ok"] is False
    assert "gateway.probe_failed" in [item["checkId"] for item in said.json["findings"]]
    assert said.code == 0


def test_sarif_is_one_document(cli: Cli) -> None:
    assert cli("security", "audit", "--sarif").json["version"] == "2.1.0"


def test_a_check_explains_itself_without_a_valid_config(cli: Cli, home: Home) -> None:
    home.write_config("{")
    said = cli("security", "audit", "--explain", "channels.telegram.dm.open")
    assert said.code == 0
    assert said.out.startswith("channels.<id>.dm.open: Anybody may write to the bot\n")
    for heading in ("What it means", "How it is attacked", "How to mend it", "Can --fix do it"):
        assert f"\n{heading}\n  " in said.out
    facts = cli("security", "audit", "--explain", "gateway.bind_no_auth", "--json").json
    assert (facts["checkId"], facts["severities"], facts["fix"]) == ("gateway.bind_no_auth", ["critical"], None)


def test_the_compatible_report_is_the_smaller_one(cli: Cli, home: Home) -> None:
    configure(home, {"gateway": {"bind": "lan"}})
    compat = cli("security", "audit", "--compat", "2026.2.9", "--json").json
    assert len(compat["findings"]) < len(cli("security", "audit", "--json").json["findings"])


def test_on_a_terminal_the_fix_stands_beside_each_finding_within_the_width(
    cli: Cli, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, OPEN)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    said = cli("security", "audit")
    assert "\x1b[" in said.out
    import re

    plain = re.sub(r"\x1b\[[0-9;]*m", "", said.out)
    assert max(map(len, plain.splitlines())) <= 80
    assert "  Fix: Set groupPolicy" in plain
    assert "of these can be mended: openclaw security audit --fix --dry-run" in plain
    assert plain.index("CRITICAL (") < plain.index("WARN (") < plain.index("INFO (")


def test_names_from_outside_cannot_steer_the_terminal(cli: Cli, home: Home) -> None:
    folder = home.state / "extensions" / "a\x1b[2J"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    for shape in ((), ("--json",), ("--sarif",)):
        said = cli("security", "audit", *shape)
        assert "a\\x1b[2J" in said.out.replace("\\\\", "\\")
        assert "\x1b" not in said.out


def test_the_collection_of_garbage_is_on_again(cli: Cli) -> None:
    cli("security", "audit")
    cli("security", "audit", "--explain", "gateway.bind_no_auth")
    assert gc.isenabled()


def test_the_state_may_lie_elsewhere(cli: Cli, home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o755)
    other.chmod(0o755)
    cli.set_variable("OPENCLAW_STATE_DIR", str(other))
    found = cli("security", "audit", "--json").json["findings"]
    assert any(item["checkId"] == "fs.state_dir.perms_readable" and str(other) in item["detail"] for item in found)
    del home


def test_the_real_program_ends_as_the_test_says(home: Home) -> None:
    configure(home, OPEN)
    assert home.program("security", "audit", "--fail-on", "critical").code == 3
    said = home.program("security", "audit", "--json")
    assert (said.code, said.err) == (0, "")
    assert said.json["summary"]["critical"] > 0
