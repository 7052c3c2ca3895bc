from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openclaw.state.ledger import Ledger, ledger_files
from openclaw.state.ledger_verify import verify_ledger
from support.cli import Cli
from support.time import FakeClock


def ago(minutes: float) -> str:
    moment = datetime.now(UTC) - timedelta(minutes=minutes)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def waiting(cli: Cli, requests: Iterable[dict[str, Any]], channel: str = "telegram") -> None:
    folder = cli.home.state / "credentials"
    folder.mkdir(mode=0o700, parents=True)
    cli.home.state.chmod(0o700)
    (folder / f"{channel}-pairing.json").write_text(json.dumps({"version": 1, "requests": list(requests)}))


def request(sender: str, code: str, minutes: float = 5, **meta: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"id": sender, "code": code, "createdAt": ago(minutes), "lastSeenAt": ago(1)}
    return found | ({"meta": meta} if meta else {})


def approved(cli: Cli, name: str = "telegram-allowFrom.json") -> Any:
    return json.loads((cli.home.state / "credentials" / name).read_text())["allowFrom"]


def test_who_waits_is_listed_oldest_first(cli: Cli) -> None:
    waiting(cli, [request("8", "BBBB2222", 5, username="bob"), request("7", "AAAA2222", 9)])
    answer = cli("pairing", "list", "telegram", "--json")
    assert answer.code == 0
    assert set(answer.json) == {"channel", "requests"}
    assert answer.json["channel"] == "telegram"
    assert [(row["id"], row["code"]) for row in answer.json["requests"]] == [("7", "AAAA2222"), ("8", "BBBB2222")]
    assert answer.json["requests"][1]["meta"] == {"username": "bob"}
    assert cli("pairing", "list", "--channel", "telegram", "--json") == answer


def test_the_table_has_the_channels_name_for_an_id(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222", username="ann")])
    head, row = cli("pairing", "list", "telegram").out.splitlines()
    assert head.split() == ["Code", "telegramUserId", "Meta", "Requested"]
    assert row.split()[:2] == ["AAAA2222", "7"]
    assert '{"username": "ann"}' in row


def test_nobody_waiting_is_said(cli: Cli) -> None:
    assert cli("pairing", "list", "telegram").out == "No pending telegram pairing requests.\n"
    assert cli("pairing", "list", "signal", "--json").json == {"channel": "signal", "requests": []}
    assert not cli.home.state.exists()


def test_expired_requests_are_neither_listed_nor_approved(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222", 61)])
    assert cli("pairing", "list", "telegram", "--json").json["requests"] == []
    assert cli("pairing", "approve", "telegram", "AAAA2222").code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("telegram", "AAAA2222"),
        ("telegram", "aaaa2222"),
        ("AAAA2222", "--channel", "telegram"),
        ("--channel", "Telegram", " AAAA2222 "),
    ],
)
def test_a_code_lets_its_sender_in_whatever_its_capitals(cli: Cli, arguments: tuple[str, ...]) -> None:
    waiting(cli, [request("7", "AAAA2222"), request("8", "BBBB2222")])
    answer = cli("pairing", "approve", *arguments)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Approved telegram sender 7.\n")
    assert approved(cli) == ["7"]
    assert [row["id"] for row in cli("pairing", "list", "telegram", "--json").json["requests"]] == ["8"]


def test_a_code_counts_once_and_every_wrong_one_is_answered_alike(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222"), request("9", "CCCC2222", 70)])
    cli("pairing", "approve", "telegram", "AAAA2222")
    for code in ("AAAA2222", "CCCC2222", "ZZZZ9999", "x"):
        answer = cli("pairing", "approve", "telegram", code)
        assert (answer.code, answer.out) == (1, "")
        assert f"No pending pairing request found for code: {code}" in answer.err
    assert approved(cli) == ["7"]


def test_approve_answers_json(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222")])
    assert cli("pairing", "approve", "telegram", "AAAA2222", "--json").json == {
        "ok": True,
        "channel": "telegram",
        "id": "7",
        "account": "default",
    }


def test_an_account_filters_and_is_admitted_alone(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222"), request("8", "BBBB2222", accountId="work")])
    listed = cli("pairing", "list", "telegram", "--account", "work", "--json").json["requests"]
    assert [row["id"] for row in listed] == ["8"]
    assert cli("pairing", "approve", "telegram", "AAAA2222", "--account", "work").code == 1
    assert cli("pairing", "approve", "telegram", "BBBB2222", "--account", "work").code == 0
    assert approved(cli, "telegram-work-allowFrom.json") == ["8"]


def test_while_nobody_is_the_owner_the_command_that_makes_one_is_shown(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222"), request("8", "BBBB2222")])
    out = cli("pairing", "approve", "telegram", "AAAA2222").out
    command = out.splitlines()[-1].strip()
    assert command == """openclaw config set commands.ownerAllowFrom '["telegram:7"]'"""
    assert cli("config", "set", "commands.ownerAllowFrom", '["telegram:7"]', "--yes").code == 0
    assert cli("pairing", "approve", "telegram", "BBBB2222").out == "Approved telegram sender 8.\n"


@pytest.mark.parametrize("arguments", [("list",), ("approve", "AAAA2222"), ("list", "no/such"), ("list", "Ünicode")])
def test_without_a_usable_channel_it_fails_and_names_them(cli: Cli, arguments: tuple[str, ...]) -> None:
    answer = cli("pairing", *arguments)
    assert answer.code == 1
    assert "telegram" in answer.err


def test_the_channel_of_a_plugin_can_be_named(cli: Cli) -> None:
    waiting(cli, [request("@a:b", "AAAA2222")], "matrix")
    assert cli("pairing", "list", "matrix").out.splitlines()[0].split()[1] == "senderId"
    assert cli("pairing", "approve", "matrix", "AAAA2222").code == 0


def test_names_that_a_stranger_chose_cannot_steer_the_terminal(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222", name="\x1b[2Jevil\x07")])
    out = cli("pairing", "list", "telegram").out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_a_failed_notice_is_a_warning(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222")])
    answer = cli("pairing", "approve", "telegram", "AAAA2222", "--notify", "--json")
    assert answer.code == 0
    assert answer.json["notified"] is False
    assert "warning" in answer.err
    assert approved(cli) == ["7"]


def test_a_store_that_cannot_be_written_is_one_clear_line(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222")])
    (cli.home.state / "credentials" / "telegram-pairing.json.flock").mkdir()
    answer = cli("pairing", "approve", "telegram", "AAAA2222")
    assert answer.code == 1
    assert "Traceback" not in answer.err


def test_without_a_gateway_an_approval_is_recorded_by_the_command(cli: Cli) -> None:
    waiting(cli, [request("7", "AAAA2222")])
    assert cli("pairing", "approve", "telegram", "ZZZZ2222").code == 1
    assert cli("pairing", "approve", "telegram", "aaaa2222").code == 0
    folder = cli.home.state / "ledger"
    records = [json.loads(line) for path in ledger_files(folder) for line in path.read_text().splitlines()]
    (found,) = [record for record in records if record["kind"] == "pairing"]
    assert found["actor"] == {"client": "cli", "uid": os.getuid()}
    assert (found["what"]["file"], found["what"]["added"]) == ("telegram-allowFrom.json", ["7"])
    assert "AAAA2222" not in json.dumps(records)
    assert verify_ledger(folder).ok


def test_while_another_process_writes_the_ledger_nobody_is_let_in(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting(cli, [request("7", "AAAA2222")])
    monkeypatch.setattr("openclaw.cli.ledgered.LEDGER_SECONDS", 0.05)
    ledger = Ledger.open(cli.home.state / "ledger", FakeClock())
    answer = cli("pairing", "approve", "telegram", "AAAA2222")
    ledger.close()
    assert answer.code == 1
    assert "ledger is held by another process" in answer.err
    assert cli("pairing", "approve", "telegram", "AAAA2222").code == 0
