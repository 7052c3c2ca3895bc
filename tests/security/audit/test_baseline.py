"""The baseline: findings that somebody accepts, with a reason, until a day."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openclaw.security.audit.baseline import read_baseline
from openclaw.security.audit.report import Accepting, Report
from openclaw.security.audit.run import audit
from openclaw.system.errors import InvalidInput
from support.audit import AuditHome

ENTRY = '{checkId: "fs.state_dir.perms_readable", reason: "shared host", expires: "2027-01-31"}'


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    return path


def test_an_entry_names_check_reason_and_day(tmp_path: Path) -> None:
    path = file(tmp_path, f"{{version: 1, accepted: [{ENTRY}]}} // JSON5")
    assert read_baseline(path) == (Accepting("fs.state_dir.perms_readable", "", "", "shared host", "2027-01-31"),)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "baseline.json: "),
        ("[]", '"version": 1'),
        ("{accepted: []}", '"version": 1'),
        ("{version: 2}", '"version": 1'),
        ('{version: 1, accepted: ["x"]}', "accepted[0]: an entry has the keys"),
        ('{version: 1, accepted: [{checkId: "a", reason: "b", expires: "2027-01-01", x: 1}]}', "and no others"),
        ('{version: 1, accepted: [{reason: "b", expires: "2027-01-01"}]}', '"checkId" is missing'),
        ('{version: 1, accepted: [{checkId: "a", reason: " ", expires: "2027-01-01"}]}', '"reason" is missing'),
        ('{version: 1, accepted: [{checkId: "a", reason: "b"}]}', '"expires" is missing'),
        ('{version: 1, accepted: [{checkId: "a", reason: "b", expires: "soon"}]}', "must be a day"),
        ('{version: 1, accepted: [{checkId: "a", reason: "b", expires: "2027-02-30"}]}', "must be a day"),
    ],
)
def test_a_bad_baseline_is_one_clear_refusal(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_baseline(file(tmp_path, text))
    assert fault in caught.value.message
    assert "--baseline" in caught.value.message


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "huge"])
def test_a_baseline_that_is_no_file_is_one_clear_refusal(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "b"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "huge":
        path.write_bytes(b" " * (1024 * 1024 + 1))
    with pytest.raises(InvalidInput):
        read_baseline(path)


def report(tmp_path: Path, *entries: Accepting, day: str = "2026-12-01", compat: bool = False) -> Report:
    home = AuditHome(tmp_path)
    home.state.mkdir(mode=0o755)
    home.config({"gateway": {"bind": "lan"}})
    now = round(datetime.fromisoformat(f"{day}T23:59:59+00:00").astimezone(UTC).timestamp() * 1000)
    return audit(home.context(), now_ms=now, baseline=entries, compat=compat)


ACCEPTED = Accepting("fs.state_dir.perms_readable", reason="shared host", expires="2026-12-01")


def test_what_is_accepted_is_shown_apart(tmp_path: Path) -> None:
    found = report(tmp_path, ACCEPTED)
    assert [item.finding.check_id for item in found.accepted] == ["fs.state_dir.perms_readable"]
    assert "fs.state_dir.perms_readable" not in [item.check_id for item in found.findings]
    (shown,) = found.as_dict()["acceptedFindings"]
    assert shown["acceptance"] == {"reason": "shared host", "expires": "2026-12-01"}


def test_the_day_after_it_no_longer_counts(tmp_path: Path) -> None:
    found = report(tmp_path, ACCEPTED, day="2026-12-02")
    assert found.accepted == ()
    assert found.expired == ("fs.state_dir.perms_readable",)
    assert "fs.state_dir.perms_readable" in [item.check_id for item in found.findings]


@pytest.mark.parametrize(
    ("detail", "accepted"), [("MODE=755", 1), ("mode=777", 0), ("", 1)], ids=["case is ignored", "other", "any"]
)
def test_texts_narrow_what_is_accepted(tmp_path: Path, detail: str, accepted: int) -> None:
    entry = Accepting("fs.state_dir.perms_readable", detail_includes=detail, reason="x", expires="2027-01-01")
    assert len(report(tmp_path, entry).accepted) == accepted


def test_an_id_is_never_a_pattern(tmp_path: Path) -> None:
    entries = [Accepting(text, reason="x", expires="2027-01-01") for text in ("fs.*", "fs", "", "FS.STATE_DIR")]
    assert report(tmp_path, *entries).accepted == ()


def test_a_baseline_holds_for_the_compatible_report_too(tmp_path: Path) -> None:
    assert len(report(tmp_path, ACCEPTED, compat=True).accepted) == 1
