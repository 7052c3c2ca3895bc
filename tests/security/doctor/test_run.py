"""The run: every repair is shown before it is made, nothing is made without consent, a crash is a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.model import WARN, Check, Finding, Found
from openclaw.security.doctor.run import Doctor, Outcome, Status, Treated, examine
from support.state_dirs import canaries, context_of, gatherer, modes, original_state, put, read_only, snapshot


def treat(home: Path, *, accept: bool) -> tuple[Outcome, list[Finding | Treated]]:
    shown: list[Finding | Treated] = []
    outcome = Doctor(gatherer(home).gather, show=shown.append, accept=lambda _: accept).run()
    return outcome, shown


def messy(home: Path) -> Path:
    root = original_state(home / ".clawdbot").root
    (root / "openclaw.json").rename(root / "clawdbot.json")
    put(
        root,
        "clawdbot.json",
        '{ telegram: { botToken: "1:x", colour: 1 }, gateway: { mode: "local" }, bridge: {} }',
        0o644,
    )
    put(root, "sessions/sessions.json", {"main": {"sessionId": "s-old", "updatedAt": 1}}, 0o644)
    (root / "credentials/whatsapp/default/creds.json").unlink()
    put(root, "credentials/creds.json", {})
    root.chmod(0o755)
    return home / ".openclaw"


def test_without_consent_nothing_changes(tmp_path: Path) -> None:
    messy(tmp_path)
    before = snapshot(tmp_path)
    outcome, _ = treat(tmp_path, accept=False)
    assert snapshot(tmp_path) == before
    assert {one.status for one in outcome.treated} == {Status.DECLINED}
    assert not outcome.failed


def test_with_consent_everything_is_mended_in_one_run_and_a_second_finds_nothing(tmp_path: Path) -> None:
    root = messy(tmp_path)
    outcome, _ = treat(tmp_path, accept=True)
    assert not outcome.failed, outcome.as_json()
    after = context_of(tmp_path)
    assert after.layout.root == root
    assert after.loaded.config is not None
    assert after.document["channels"]["telegram"] == {"botToken": "1:x"}
    assert after.policy is not None
    assert after.policy.gateway.has_shared_secret
    assert (root / "credentials/whatsapp/default/creds.json").is_file()
    private = {path: mode for path, mode in modes(root).items() if mode & 0o077}
    assert private == {}
    again, _ = treat(tmp_path, accept=True)
    assert again.treated == []


def test_every_repair_is_shown_before_it_is_made(tmp_path: Path) -> None:
    messy(tmp_path)
    _, shown = treat(tmp_path, accept=True)
    for number, one in enumerate(shown):
        if isinstance(one, Treated):
            assert one.finding in shown[:number]


def test_a_state_of_the_original_is_left_byte_for_byte_by_a_full_repair(tmp_path: Path) -> None:
    """Sessions, transcripts, pairing, profiles, approvals and jobs stay what they are."""
    root = original_state(tmp_path / ".openclaw").root
    before = snapshot(root)
    outcome, _ = treat(tmp_path, accept=True)
    assert not outcome.failed
    after = snapshot(root)
    assert {path: after[path] for path in before} == before


@dataclass
class Noted:
    """A repair that notes that it was made."""

    name: str
    made: list[str] = field(default_factory=list)
    safe: bool = True
    moves: bool = False

    @property
    def key(self) -> str:
        return self.name

    def describe(self) -> tuple[str, ...]:
        return (f"do {self.name}",)

    def apply(self) -> tuple[str, ...]:
        self.made.append(self.name)
        raise OSError(28, "No space left on device")


def test_a_repair_that_fails_is_told_in_words_and_offered_once(tmp_path: Path) -> None:
    repair = Noted("x")

    def body(_: DoctorContext) -> Iterator[Found]:
        yield WARN, "it is so", None, repair

    shown: list[Finding | Treated] = []
    checks = (Check("x", "X", body),)
    outcome = Doctor(gatherer(tmp_path).gather, show=shown.append, accept=lambda _: True, checks=checks).run()
    assert outcome.failed
    assert repair.made == ["x"]
    treated = next(one for one in shown if isinstance(one, Treated))
    assert treated.told == ("no space left on device; free some disk space",)
    assert outcome.as_json()["findings"][0] | {"told": []} == {
        "check": "x",
        "title": "X",
        "level": "warn",
        "message": "it is so",
        "repair": ["do x"],
        "status": "failed",
        "told": [],
    }


def test_a_check_that_crashes_is_a_finding_and_the_others_go_on(tmp_path: Path) -> None:
    def broken(_: DoctorContext) -> Iterator[Found]:
        yield WARN, "before"
        raise ValueError("canary-in-the-trace")

    def fine(_: DoctorContext) -> Iterator[Found]:
        yield WARN, "fine"

    found = examine(context_of(tmp_path), (Check("a", "A", broken), Check("b", "B", fine)))
    assert [one.message.partition(" (")[0] for one in found] == ["before", "The check a crashed", "fine"]
    assert "canary" not in found[1].message


def test_a_read_only_disk_fails_in_words_and_changes_nothing(tmp_path: Path) -> None:
    root = original_state(tmp_path / ".openclaw").root
    put(root, "credentials/loose.json", {}, 0o644)
    put(root, "openclaw.json", {"gateway": {"mode": "local"}, "bridge": {}})
    before = snapshot(root)
    with read_only(root):
        outcome, _ = treat(tmp_path, accept=True)
    assert outcome.failed
    assert snapshot(root) == before
    told = " ".join(" ".join(one.told) for one in outcome.treated)
    assert "read-only" in told or "permission" in told


def test_no_report_holds_a_secret(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    outcome, shown = treat(tmp_path, accept=True)
    text = str(outcome.as_json()) + repr(shown)
    for secret in canaries():
        assert secret not in text
