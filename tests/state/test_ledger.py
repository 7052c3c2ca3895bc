from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from openclaw.policy.what.labels import Label
from openclaw.state.files import write_private
from openclaw.state.ledger import GENESIS, Ledger, digest, ledger_files
from openclaw.state.ledger_port import LedgerEntry
from openclaw.state.ledger_verify import verify_ledger
from openclaw.system.errors import Conflict
from support.time import FakeClock

OCTOBER = 1_791_000_000_000


def filled(folder: Path, count: int, clock: FakeClock | None = None) -> Ledger:
    ledger = Ledger.open(folder, clock or FakeClock(OCTOBER), policy=lambda: "p")
    for number in range(count):
        ledger.record(LedgerEntry(kind="tool.call", what={"tool": "exec", "summary": f"call {number}"}, label=Label()))
    ledger.flush()
    return ledger


def health(ledger: Ledger) -> bool:
    ledger.flush()
    return ledger.healthy


def lines(folder: Path) -> list[str]:
    return [line for path in ledger_files(folder) for line in path.read_text().splitlines()]


def rewrite(folder: Path, changed: list[str]) -> None:
    (path,) = ledger_files(folder)
    path.write_text("".join(f"{line}\n" for line in changed))


def test_records_are_chained_numbered_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    filled(folder, 3).close()
    records = [json.loads(line) for line in lines(folder)]
    assert [record["seq"] for record in records] == [1, 2, 3]
    assert records[0]["prev"] == GENESIS
    assert records[2]["prev"] == digest(lines(folder)[1])
    assert records[0]["label"] == {"integrity": "owner", "confidentiality": "public"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert verify_ledger(folder).ok


def test_the_chain_goes_on_over_restarts_and_months(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    filled(folder, 2).close()
    filled(folder, 2, FakeClock(OCTOBER + 40 * 86_400_000)).close()
    assert len(ledger_files(folder)) == 2
    assert verify_ledger(folder) == verify_ledger(folder)
    assert verify_ledger(folder).records == 4


@pytest.mark.parametrize(
    ("harm", "fault", "where"),
    [
        (lambda all_: [all_[0], all_[1].replace("call 1", "call 9"), *all_[2:]], "edited", ":2"),
        (lambda all_: [all_[0], *all_[2:]], "out-of-order", ":2"),
        (lambda all_: [all_[1], all_[0], *all_[2:]], "out-of-order", ":1"),
        (lambda all_: [all_[0], all_[0], *all_[1:]], "out-of-order", ":2"),
        (lambda all_: [*all_[:2], "{", *all_[2:]], "unreadable", ":3"),
        (lambda all_: all_[:-1], "truncated", "HEAD"),
    ],
)
def test_the_first_record_that_was_tampered_with_is_named(
    tmp_path: Path, harm: Callable[[list[str]], list[str]], fault: str, where: str
) -> None:
    folder = tmp_path / "ledger"
    filled(folder, 4).close()
    rewrite(folder, harm(lines(folder)))
    found = verify_ledger(folder)
    assert (found.ok, found.fault) == (False, fault)
    assert (found.where or "").endswith(where)


def test_a_rolled_back_ledger_is_found_by_an_anchor(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    filled(folder, 2).close()
    old = {path.name: path.read_text() for path in folder.iterdir()}
    later = filled(folder, 2)
    later.close()
    anchor = {"seq": later.head[0], "line": later.head[1]}
    assert verify_ledger(folder, anchors=[anchor]).ok
    for name, text in old.items():
        (folder / name).write_text(text)
    assert verify_ledger(folder).ok
    assert verify_ledger(folder, anchors=[anchor]).fault == "rolled-back"


def test_one_process_at_a_time_writes_it(tmp_path: Path) -> None:
    first = filled(tmp_path, 1)
    with pytest.raises(Conflict, match="held by another process"):
        Ledger.open(tmp_path, FakeClock(), wait=0.05)
    first.close()
    filled(tmp_path, 1).close()
    assert verify_ledger(tmp_path).records == 2


def test_writers_that_take_turns_break_no_chain(tmp_path: Path) -> None:
    """Several processes record at the same time; each waits for its turn."""
    code = (
        "import sys; from pathlib import Path; from openclaw.state.ledger import Ledger;"
        "from openclaw.state.ledger_port import LedgerEntry; from openclaw.system.clock import SystemClock\n"
        "for _ in range(5):\n"
        " ledger = Ledger.open(Path(sys.argv[1]), SystemClock(), wait=60)\n"
        " ledger.record(LedgerEntry(kind='approval')); ledger.close()"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert verify_ledger(tmp_path).ok
    assert verify_ledger(tmp_path).records == 15


def test_a_torn_last_line_is_closed_by_a_recovered_record(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    filled(folder, 2).close()
    (path,) = ledger_files(folder)
    with path.open("a") as file:
        file.write('{"v":1,"seq":3,"ki')
    filled(folder, 1).close()
    records = [json.loads(line) for line in lines(folder)]
    assert [record["kind"] for record in records] == ["tool.call", "tool.call", "recovered", "tool.call"]
    assert records[2]["what"]["torn_sha256"] == digest('{"v":1,"seq":3,"ki')
    assert verify_ledger(folder).ok


def test_a_refusing_disk_marks_it_unhealthy_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    ledger = filled(folder, 1)
    (path,) = ledger_files(folder)
    kept = path.read_text()
    path.unlink()
    path.mkdir()
    ledger.record(LedgerEntry(kind="tool.call"))
    assert health(ledger) is False
    path.rmdir()
    write_private(path, kept)
    ledger.record(LedgerEntry(kind="tool.result"))
    assert health(ledger) is True
    ledger.close()
    assert [json.loads(line)["kind"] for line in lines(folder)] == ["tool.call", "tool.call", "tool.result"]
    assert verify_ledger(folder).ok


def test_summaries_are_redacted_and_cut(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, FakeClock(), redact=lambda text: text.replace("hunter2", "***"))
    ledger.record(LedgerEntry(kind="tool.call", what={"summary": "hunter2" + "x" * 500}))
    ledger.flush()
    ledger.close()
    summary = json.loads(lines(tmp_path)[0])["what"]["summary"]
    assert summary.startswith("***x")
    assert len(summary) == 200
