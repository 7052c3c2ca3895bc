"""The pairing store on real files: channels.md 1.2, 1.3, advisories D2, D3, D5, D6."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from openclaw.policy.who.dm_pairing import CODE_ALPHABET, MAX_PENDING, TTL_MS, Upsert
from openclaw.state.layout import StateLayout
from openclaw.state.pairing import PairingStore, draw_code
from openclaw.system.clock import SystemClock, iso
from openclaw.system.errors import InvalidInput, Unavailable
from support.time import FakeClock

NOW = 1_790_000_000_000


class StepClock(FakeClock):
    """A clock that synchronous tests move."""

    def forward(self, ms: int) -> None:
        self._now_ms += ms


@pytest.fixture
def clock() -> StepClock:
    return StepClock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: StepClock) -> PairingStore:
    return PairingStore(StateLayout.at(tmp_path), clock)


def read(tmp_path: Path, name: str) -> Any:
    return json.loads((tmp_path / "credentials" / name).read_text())


def put(tmp_path: Path, name: str, content: object) -> Path:
    folder = tmp_path / "credentials"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def code_of(store: PairingStore, channel: str, sender: str, account: str | None = None) -> str:
    verdict = store.request(channel, account, sender)
    assert verdict.request is not None
    return verdict.request.code


def test_a_request_and_its_approval_leave_the_files_of_the_original(store: PairingStore, tmp_path: Path) -> None:
    verdict = store.request("telegram", None, "42", [("username", "ada"), ("lastName", "")])
    assert verdict.outcome is Upsert.CREATED
    assert verdict.request is not None
    stored = {
        "id": "42",
        "code": verdict.request.code,
        "createdAt": iso(NOW),
        "lastSeenAt": iso(NOW),
        "meta": {"username": "ada"},
    }
    assert read(tmp_path, "telegram-pairing.json") == {"version": 1, "requests": [stored]}
    approved = store.approve("telegram", f" {verdict.request.code.lower()} ")
    assert approved == verdict.request
    assert read(tmp_path, "telegram-pairing.json") == {"version": 1, "requests": []}
    assert read(tmp_path, "telegram-allowFrom.json") == {"version": 1, "allowFrom": ["42"]}
    assert (tmp_path / "credentials" / "telegram-allowFrom.json").read_text().endswith('"42"\n  ]\n}\n')


def test_files_and_folder_are_private(store: PairingStore, tmp_path: Path) -> None:
    store.approve("telegram", code_of(store, "telegram", "42"))
    folder = tmp_path / "credentials"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert not [path for path in folder.iterdir() if path.name.endswith((".tmp", ".lock"))]


def test_adv_D2_an_approval_is_of_one_account(store: PairingStore, tmp_path: Path) -> None:
    store.approve("telegram", code_of(store, "telegram", "42", "Work"))
    assert read(tmp_path, "telegram-work-allowFrom.json") == {"version": 1, "allowFrom": ["42"]}
    assert store.view("telegram", "work").allow_from == ("42",)
    assert store.view("telegram", None).allow_from == ()
    assert store.request("telegram", None, "42").outcome is Upsert.CREATED


def test_requests_of_other_accounts_say_so_in_meta(store: PairingStore, tmp_path: Path) -> None:
    store.request("telegram", "work", "42")
    (item,) = read(tmp_path, "telegram-pairing.json")["requests"]
    assert item["meta"] == {"accountId": "work"}
    assert [request.account for request in store.pending("telegram")] == ["work"]
    assert store.pending("telegram", "default") == ()
    assert store.view("telegram", "work").requests[0].id == "42"
    assert store.view("telegram", None).requests == ()


def test_a_repeated_request_keeps_code_and_age(store: PairingStore, clock: StepClock) -> None:
    first = store.request("telegram", None, "42").request
    clock.forward(1000)
    again = store.request("telegram", None, "tg:42")
    assert again.outcome is Upsert.REPEATED
    assert first is not None
    assert again.request is not None
    assert (again.request.code, again.request.created_ms) == (first.code, NOW)
    assert again.request.last_seen_ms == NOW + 1000


def test_adv_D3_a_full_account_blocks_no_other(store: PairingStore, clock: StepClock) -> None:
    for sender in range(MAX_PENDING):
        store.request("telegram", "a", str(sender))
    assert store.request("telegram", "a", "99").outcome is Upsert.FULL
    assert store.request("telegram", "b", "99").outcome is Upsert.CREATED
    clock.forward(TTL_MS + 1)
    assert store.request("telegram", "a", "99").outcome is Upsert.CREATED


def test_adv_D6_unknown_expired_and_used_codes_are_alike(store: PairingStore, clock: StepClock) -> None:
    code = code_of(store, "telegram", "42")
    assert store.approve("telegram", "ZZZZZZZZ") is None
    assert store.approve("discord", code) is None
    assert store.approve("telegram", code) is not None
    assert store.approve("telegram", code) is None
    late = code_of(store, "telegram", "7")
    clock.forward(TTL_MS + 1)
    assert store.approve("telegram", late) is None
    assert store.view("telegram", None).allow_from == ("42",)


def test_adv_D6_codes_are_random_and_unambiguous() -> None:
    drawn = [draw_code() for _ in range(10_000)]
    assert len(set(drawn)) == len(drawn)
    assert {char for code in drawn for char in code} == set(CODE_ALPHABET)
    assert all(len(code) == 8 for code in drawn)


def test_no_free_code_is_an_error_and_leaves_no_request(tmp_path: Path, clock: StepClock) -> None:
    store = PairingStore(StateLayout.at(tmp_path), clock, draw=lambda: "AAAAAAAA")
    store.request("telegram", None, "1")
    with pytest.raises(Unavailable, match="no unused pairing code"):
        store.request("telegram", None, "2")
    assert len(store.pending("telegram")) == 1


def test_files_of_the_original_are_read(store: PairingStore, tmp_path: Path) -> None:
    put(tmp_path, "telegram-allowFrom.json", {"version": 1, "allowFrom": ["tg:42", "*", " 7 ", "", 99, True, None]})
    put(
        tmp_path,
        "telegram-pairing.json",
        {
            "version": 1,
            "requests": [
                {"id": "1", "code": "AAAAAAA2", "createdAt": iso(NOW - 1000), "lastSeenAt": iso(NOW - 500)},
                {"id": "2", "code": "AAAAAAA3", "createdAt": iso(NOW - TTL_MS - 1), "lastSeenAt": iso(NOW)},
                {"id": "3", "code": "AAAAAAA4"},
                {"id": "4", "code": "AAAAAAA5", "createdAt": "yesterday"},
                {"id": "5", "code": "AAAAAAA6", "createdAt": "2026-01-01T00:00:00"},
                {"id": "*", "code": "AAAAAAA7", "createdAt": iso(NOW)},
                {"id": 6, "code": "AAAAAAA8", "createdAt": iso(NOW)},
                "junk",
            ],
        },
    )
    view = store.view("telegram", None)
    assert view.allow_from == ("42", "7", "99")
    assert [request.id for request in view.requests] == ["1"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"version":1}', '{"allowFrom":"42","requests":{}}', "\x00"]
)
def test_a_corrupt_file_reads_as_empty_and_is_put_aside(store: PairingStore, tmp_path: Path, content: str) -> None:
    for name in ("telegram-allowFrom.json", "telegram-pairing.json"):
        put(tmp_path, name, content)
    assert store.view("telegram", None).allow_from == ()
    assert store.approve("telegram", code_of(store, "telegram", "42")) is not None
    assert store.view("telegram", None).allow_from == ("42",)
    if content in ("", "{", "\x00"):
        assert (tmp_path / "credentials" / "telegram-allowFrom.json.corrupt").read_text() == content


def test_what_cannot_be_read_admits_nobody_and_is_not_overwritten(store: PairingStore, tmp_path: Path) -> None:
    path = tmp_path / "credentials" / "telegram-allowFrom.json"
    path.mkdir(parents=True)
    assert store.view("telegram", None).allow_from == ()
    with pytest.raises(Unavailable, match="not a regular file"):
        store.add("telegram", None, "7")
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(Unavailable, match="not a regular file"):
        store.add("telegram", None, "7")
    path.unlink()
    put(tmp_path, path.name, {"version": 1, "allowFrom": ["42"]})
    assert store.view("telegram", None).allow_from == ("42",)


@pytest.mark.parametrize("entry", ["*", "tg:*", "", "  ", "a\nb"])
def test_wildcards_and_blanks_are_refused_on_write(store: PairingStore, tmp_path: Path, entry: str) -> None:
    with pytest.raises(InvalidInput, match="no wildcard"):
        store.add("telegram", None, entry)
    assert not (tmp_path / "credentials").exists()


@pytest.mark.parametrize("channel", ["", " ", "/", ".."])
def test_a_channel_that_names_no_file_is_an_error(store: PairingStore, channel: str) -> None:
    assert store.view(channel, None).allow_from == ()
    for change in (
        lambda: store.request(channel, None, "42"),
        lambda: store.approve(channel, "AAAAAAAA"),
        lambda: store.add(channel, None, "42"),
        lambda: store.pending(channel),
    ):
        with pytest.raises(InvalidInput, match="invalid pairing channel"):
            change()


def test_a_channel_name_stays_inside_the_folder(store: PairingStore, tmp_path: Path) -> None:
    store.add("../../Evil", None, "42")
    assert [path.name for path in (tmp_path / "credentials").glob("*.json")] == ["____evil-allowFrom.json"]
    assert not list(tmp_path.parent.glob("*evil*"))


def test_a_dash_in_a_channel_is_not_another_channels_account(store: PairingStore, tmp_path: Path) -> None:
    store.add("a-b", None, "42")
    assert store.view("a-b", None).allow_from == ("42",)
    assert store.view("a", "b").allow_from == ()
    with pytest.raises(InvalidInput, match="another channel"):
        store.add("a", "b", "7")
    store.add("a", "b-c", "7")
    assert store.view("a-b", "c").allow_from == ()
    put(tmp_path, "x-y-allowFrom.json", {"version": 1, "allowFrom": ["of the original"]})
    assert store.view("x-y", None).allow_from == ("of the original",)


def test_removing_an_approval(store: PairingStore) -> None:
    assert store.add("telegram", None, "42")
    assert not store.add("telegram", None, "tg:42")
    assert store.remove("telegram", None, "telegram:42")
    assert not store.remove("telegram", None, "42")
    assert store.allowed("telegram") == ()


def test_a_change_by_another_process_is_seen_at_once(tmp_path: Path, clock: StepClock) -> None:
    ours, theirs = (PairingStore(StateLayout.at(tmp_path), clock) for _ in range(2))
    assert ours.view("telegram", None).allow_from == ()
    theirs.add("telegram", None, "42")
    assert ours.view("telegram", None).allow_from == ("42",)
    theirs.remove("telegram", None, "42")
    assert ours.view("telegram", None).allow_from == ()


def test_reading_parses_a_file_once(store: PairingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add("telegram", None, "42")
    store.view("telegram", None)
    monkeypatch.setattr("openclaw.state.pairing.read_json", lambda path: pytest.fail(f"read {path} again"))
    for _ in range(3):
        assert store.view("telegram", None).allow_from == ("42",)


def test_a_crash_between_the_two_files_loses_the_request_and_admits_nobody(
    store: PairingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_of(store, "telegram", "42")

    def crash(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "add", crash)
    with pytest.raises(KeyboardInterrupt):
        store.approve("telegram", code)
    fresh = PairingStore(StateLayout.at(tmp_path), StepClock(NOW))
    assert fresh.view("telegram", None).allow_from == ()
    assert fresh.approve("telegram", code) is None


def _ask(root: Path, worker: int, start: Any) -> None:
    store = PairingStore(StateLayout.at(root), SystemClock())
    start.wait()
    for number in range(20):
        store.request("telegram", None, f"{worker}{number:03}")


def _approve(root: Path, codes: list[str], start: Any, wins: Any) -> None:
    store = PairingStore(StateLayout.at(root), SystemClock())
    start.wait()
    for code in codes:
        if store.approve("telegram", code) is not None:
            wins.put(code)


def _run(processes: list[multiprocessing.process.BaseProcess], start: Any) -> None:
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_adv_D5_many_processes_cannot_pass_the_cap(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start = context.Event()
    _run([context.Process(target=_ask, args=(tmp_path, worker, start)) for worker in range(8)], start)
    stored = read(tmp_path, "telegram-pairing.json")["requests"]
    assert len(stored) == MAX_PENDING
    assert len({item["code"] for item in stored}) == MAX_PENDING
    left = {path.name for path in (tmp_path / "credentials").iterdir()}
    assert left == {"telegram-pairing.json", "telegram-pairing.json.flock"}


def test_a_code_is_used_once_however_many_processes_try(tmp_path: Path) -> None:
    store = PairingStore(StateLayout.at(tmp_path), SystemClock())
    codes = [code_of(store, "telegram", str(sender)) for sender in range(3)]
    store.add("telegram", None, "before")
    context = multiprocessing.get_context("fork")
    start, wins = context.Event(), context.Queue()
    _run([context.Process(target=_approve, args=(tmp_path, codes, start, wins)) for _ in range(6)], start)
    assert sorted(wins.get(timeout=5) for _ in range(3)) == sorted(codes)
    assert wins.empty()
    assert set(store.view("telegram", None).allow_from) == {"before", "0", "1", "2"}
    assert store.pending("telegram") == ()


class PairingHistory(RuleBasedStateMachine):
    """Two stores on one folder, any order of asking, approving and waiting."""

    codes = Bundle("codes")

    @initialize()
    def prepare(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = StepClock(NOW)
        layout = StateLayout.at(Path(self.folder.name))
        self.stores = [PairingStore(layout, self.clock) for _ in range(2)]
        self.approved: set[tuple[str, str]] = set()

    @rule(
        target=codes,
        which=st.integers(0, 1),
        sender=st.sampled_from(["1", "2", "3", "4", "5"]),
        account=st.sampled_from(["default", "work"]),
    )
    def ask(self, which: int, sender: str, account: str) -> Any:
        before = self.stores[0].pending("telegram", account)
        verdict = self.stores[which].request("telegram", account, sender)
        known = any(request.id == sender for request in before)
        if known:
            assert verdict.outcome is Upsert.REPEATED
        else:
            assert (verdict.outcome is Upsert.FULL) == (len(before) >= MAX_PENDING)
        if verdict.request is None:
            return multiple()
        return verdict.request.code, sender, account

    @rule(which=st.integers(0, 1), drawn=consumes(codes))
    def approve(self, which: int, drawn: tuple[str, str, str]) -> None:
        code, sender, account = drawn
        alive = any(request.code == code for request in self.stores[which].pending("telegram"))
        found = self.stores[which].approve("telegram", code)
        assert (found is not None) == alive
        if found is not None:
            assert (found.id, found.account) == (sender, account)
            self.approved.add((account, sender))

    @rule(ms=st.sampled_from([1, TTL_MS // 2, TTL_MS, TTL_MS + 1]))
    def wait(self, ms: int) -> None:
        self.clock.forward(ms)

    @invariant()
    def only_the_approved_are_admitted_and_the_cap_holds(self) -> None:
        if not hasattr(self, "stores"):
            return
        for store in self.stores:
            for account in ("default", "work"):
                view = store.view("telegram", account)
                assert set(view.allow_from) == {sender for scope, sender in self.approved if scope == account}
                assert len(view.requests) <= MAX_PENDING
            waiting = store.pending("telegram")
            assert len({request.code for request in waiting}) == len(waiting)
            now = self.clock.now_ms()
            assert all(now - (request.created_ms or 0) <= TTL_MS for request in waiting)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestPairingHistory = PairingHistory.TestCase
TestPairingHistory.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
