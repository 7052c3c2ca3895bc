from __future__ import annotations

import json
from pathlib import Path

import pytest

from openclaw.state.ledger import Ledger
from openclaw.state.ledger_port import LedgerEntry
from support.cli import Cli
from support.time import FakeClock


@pytest.fixture
def folder(cli: Cli) -> Path:
    cli.home.state.mkdir(mode=0o700)
    ledger = Ledger.open(cli.home.state / "ledger", FakeClock())
    for number in range(5):
        ledger.record(LedgerEntry(kind="admission", what={"number": number}))
    ledger.close()
    return cli.home.state / "ledger"


def log(folder: Path) -> Path:
    (found,) = folder.glob("*.jsonl")
    return found


def test_a_sound_ledger_holds(cli: Cli, folder: Path) -> None:
    assert log(folder).exists()
    assert cli("ledger", "verify").out == "The ledger holds: 5 records, none edited, dropped or moved.\n"
    assert cli("ledger", "verify", "--json").json == {"ok": True, "records": 5, "fault": None, "where": None}


def test_no_ledger_at_all_holds(cli: Cli) -> None:
    assert cli("ledger", "verify", "--json").json["records"] == 0


def test_an_edited_record_is_named(cli: Cli, folder: Path) -> None:
    text = log(folder).read_text()
    log(folder).write_text(text.replace('"number":2', '"number":9'))
    answer = cli("ledger", "verify", "--json")
    assert answer.code == 1
    assert answer.json == {"ok": False, "records": 2, "fault": "edited", "where": f"{log(folder).name}:3"}
    people = cli("ledger", "verify")
    assert people.code == 1
    assert f"edited at {log(folder).name}:3" in people.err


def test_a_cut_tail_is_named(cli: Cli, folder: Path) -> None:
    lines = log(folder).read_text().splitlines(keepends=True)
    log(folder).write_text("".join(lines[:-1]))
    assert cli("ledger", "verify", "--json").json["fault"] == "truncated"


def test_a_roll_back_of_ledger_and_head_shows_against_an_anchor(cli: Cli, folder: Path) -> None:
    anchor = cli.home.path / "anchor.json"
    anchor.write_text((folder / "HEAD").read_text())
    assert cli("ledger", "verify", "--anchor", str(anchor)).code == 0
    lines = log(folder).read_text().splitlines(keepends=True)
    log(folder).write_text("".join(lines[:-2]))
    (folder / "HEAD").unlink()
    assert cli("ledger", "verify").code == 0
    assert cli("ledger", "verify", "--anchor", str(anchor), "--json").json["fault"] == "rolled-back"


@pytest.mark.parametrize("text", ["[]", "{}", json.dumps({"seq": "x", "line": "y"}), "{"])
def test_what_is_no_anchor_is_refused(cli: Cli, folder: Path, text: str) -> None:
    assert folder.exists()
    anchor = cli.home.path / "anchor.json"
    anchor.write_text(text)
    answer = cli("ledger", "verify", "--anchor", str(anchor))
    assert answer.code == 1
    assert "anchor" in answer.err


def test_the_anchor_file_of_the_config_is_compared_by_itself(cli: Cli, folder: Path) -> None:
    place = cli.home.path / "heads.jsonl"
    cli.home.write_config({"logging": {"ledger": {"anchor": {"file": "~/heads.jsonl"}}}})
    assert cli("ledger", "verify").code == 0  # nothing was noted yet
    place.write_text((folder / "HEAD").read_text() * 2)
    assert cli("ledger", "verify", "--json").json["anchors"] == 2
    assert "fits 2 noted heads" in cli("ledger", "verify").out
    for path in (log(folder), folder / "HEAD"):
        path.unlink()
    assert cli("ledger", "verify", "--json").json["fault"] == "rolled-back"


@pytest.mark.parametrize("text", ["", "[]", "nothing", '{"seq": 1}', '{"seq": "1", "line": "x"}\n{}'])
def test_what_is_no_anchor_is_refused_without_its_content(cli: Cli, folder: Path, text: str) -> None:
    place = cli.home.path / "heads.jsonl"
    place.write_text(text)
    answer = cli("ledger", "verify", "--anchor", str(place))
    assert answer.code == 1
    assert "is no anchor" in answer.err


def test_a_line_that_was_cut_while_it_was_written_does_not_count(cli: Cli, folder: Path) -> None:
    place = cli.home.path / "heads.jsonl"
    place.write_text((folder / "HEAD").read_text() + '{"seq": 6, "li')
    assert cli("ledger", "verify", "--anchor", str(place), "--json").json["anchors"] == 1
