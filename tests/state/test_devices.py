"""The device store on real files: gateway.md 2.5, 3.11, advisories A6, B3, B4, B10, B14."""

from __future__ import annotations

import json
import multiprocessing
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from openclaw.policy.verdict import Outcome
from openclaw.policy.where.scopes import Scope, closure
from openclaw.policy.who.device_records import PENDING_TTL_MS, Caller, DeviceVerdict
from openclaw.state.device_json import paired_view, write_pending
from openclaw.state.devices import LAST_USED_STEP_MS, DeviceStore, fresh_token
from openclaw.state.files import write_json
from openclaw.state.layout import StateLayout
from openclaw.system.errors import InvalidInput, NotFound, Unavailable
from support.devices import ADMIN, NOW, ask
from support.time import FakeClock


class StepClock(FakeClock):
    """A clock that synchronous tests move."""

    def forward(self, ms: int) -> None:
        self._now_ms += ms


@pytest.fixture
def clock() -> StepClock:
    return StepClock(NOW)


@pytest.fixture
def store(tmp_path: Path, clock: StepClock) -> DeviceStore:
    return DeviceStore(StateLayout.at(tmp_path), clock)


def read(tmp_path: Path, name: str) -> Any:
    return json.loads((tmp_path / "devices" / name).read_text())


def pair(store: DeviceStore, *scopes: str, device: str = "dev-a", role: str = "operator") -> DeviceVerdict:
    made = store.request(ask(device, role, scopes), silent=False)
    assert made.request is not None
    return store.approve(made.request.request_id, by=ADMIN)


def test_a_request_and_its_approval_leave_the_files_of_the_original(store: DeviceStore, tmp_path: Path) -> None:
    made = store.request(ask(scopes=[Scope.READ]), silent=False)
    assert made.created
    assert made.request is not None
    request_id = made.request.request_id
    facts = {
        "deviceId": "dev-a",
        "publicKey": "key-of-dev-a",
        "displayName": "Box",
        "platform": "linux",
        "clientId": "cli",
        "clientMode": "cli",
        "role": "operator",
        "roles": ["operator"],
        "scopes": ["operator.read"],
    }
    assert read(tmp_path, "pending.json") == {request_id: {"requestId": request_id, **facts, "ts": NOW}}
    done = store.approve(request_id, by=ADMIN)
    assert done.token is not None
    token = {"token": done.token.token, "role": "operator", "scopes": ["operator.read"], "createdAtMs": NOW}
    assert read(tmp_path, "pending.json") == {}
    assert read(tmp_path, "paired.json") == {
        "dev-a": {**facts, "tokens": {"operator": token}, "createdAtMs": NOW, "approvedAtMs": NOW}
    }
    assert len(done.token.token) >= 43


def test_files_and_folder_are_private(store: DeviceStore, tmp_path: Path) -> None:
    pair(store)
    assert stat.S_IMODE((tmp_path / "devices").stat().st_mode) == 0o700
    for path in (tmp_path / "devices").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_waiting_request_is_one_per_device_and_ends(store: DeviceStore, clock: StepClock) -> None:
    first = store.request(ask(), silent=False)
    assert not store.request(ask(), silent=False).created
    other = store.request(ask(scopes=[Scope.READ]), silent=False)
    assert other.created
    assert len(store.snapshot().pending) == 1
    assert first.request is not None
    assert store.approve(first.request.request_id, by=ADMIN).message == "unknown requestId"
    clock.forward(PENDING_TTL_MS + 1)
    assert not store.snapshot().pending
    assert other.request is not None
    assert store.reject(other.request.request_id).message == "unknown requestId"


def test_a_silent_admission_is_one_step(store: DeviceStore) -> None:
    done = store.admit_silently(ask(scopes=[Scope.ADMIN]))
    assert done.outcome is Outcome.ALLOW
    assert not store.snapshot().pending
    device = store.get("dev-a")
    assert device is not None
    assert device.scopes == (Scope.ADMIN,)


def test_a_request_from_elsewhere_is_not_reused_silently(store: DeviceStore) -> None:
    store.request(ask(scopes=[Scope.ADMIN]), silent=False)
    done = store.admit_silently(ask(scopes=[Scope.READ]))
    assert done.device is not None
    assert done.device.scopes == (Scope.READ,)


def test_a_token_survives_a_restart_and_is_the_same_next_time(
    store: DeviceStore, tmp_path: Path, clock: StepClock
) -> None:
    token = pair(store, Scope.READ).token
    assert token is not None
    hello, tried = store.hello(ask(scopes=[Scope.READ]))
    assert hello.token is not None
    assert hello.token.token == token.token
    assert tried == ()
    again = DeviceStore(StateLayout.at(tmp_path), clock)
    assert again.token_is("dev-a", "operator", token.token)


def test_connecting_again_soon_writes_nothing(store: DeviceStore, tmp_path: Path, clock: StepClock) -> None:
    pair(store, Scope.READ)
    store.hello(ask(scopes=[Scope.READ]))
    path = tmp_path / "devices" / "paired.json"
    before = path.stat().st_ino
    clock.forward(LAST_USED_STEP_MS - 1)
    store.hello(ask(scopes=[Scope.READ]))
    assert path.stat().st_ino == before
    clock.forward(1)
    store.hello(ask(scopes=[Scope.READ]))
    assert read(tmp_path, "paired.json")["dev-a"]["tokens"]["operator"]["lastUsedAtMs"] == NOW + LAST_USED_STEP_MS


def test_hello_refreshes_names_and_keeps_what_is_pinned(store: DeviceStore) -> None:
    pair(store)
    claims = ask()
    facts = claims.facts
    changed = type(claims)(type(facts)("dev-a", facts.public_key, display_name="New", platform="ios"), "operator")
    _, tried = store.hello(changed)
    assert tried == ("platform",)
    device = store.get("dev-a")
    assert device is not None
    assert (device.facts.display_name, device.facts.platform) == ("New", "linux")


def test_hello_of_an_unknown_or_revoked_device_gives_nothing(store: DeviceStore) -> None:
    assert store.hello(ask())[0].token is None
    pair(store)
    store.revoke("dev-a", "operator", by=ADMIN)
    assert store.hello(ask())[0].token is None


@pytest.mark.parametrize("text", [None, "", "x", "wrong-token-text", "é" * 50])
def test_adv_A6_a_wrong_or_missing_token_text_matches_nothing(store: DeviceStore, text: str | None) -> None:
    pair(store)
    assert not store.token_is("dev-a", "operator", text)
    assert not store.token_is("dev-a", "node", text)
    assert not store.token_is("dev-x", "operator", text)


def test_adv_B4_rotation_replaces_the_text_at_once(store: DeviceStore) -> None:
    old = pair(store, Scope.READ).token
    done = store.rotate("dev-a", "operator", None, by=Caller((Scope.READ, Scope.PAIRING), "dev-a"))
    assert old is not None
    assert done.token is not None
    assert done.reveal
    assert not store.token_is("dev-a", "operator", old.token)
    assert store.token_is("dev-a", "operator", done.token.token)


def test_adv_B10_a_revocation_is_on_disk_and_final(store: DeviceStore, tmp_path: Path, clock: StepClock) -> None:
    pair(store, Scope.READ)
    store.revoke("dev-a", "operator", by=ADMIN)
    clock.forward(5)
    store.revoke("dev-a", "operator", by=ADMIN)
    assert read(tmp_path, "paired.json")["dev-a"]["tokens"]["operator"]["revokedAtMs"] == NOW
    assert store.rotate("dev-a", "operator", None, by=ADMIN).message == "unknown deviceId/role"
    device = DeviceStore(StateLayout.at(tmp_path), clock).get("dev-a")
    assert device is not None
    assert device.revoked("operator")


def test_adv_B14_removal_is_for_the_device_or_an_admin(store: DeviceStore) -> None:
    pair(store)
    assert store.remove("dev-a", by=Caller((Scope.PAIRING,), "dev-b")).missing is Scope.ADMIN
    assert store.remove("dev-a", by=Caller((Scope.PAIRING,), "dev-a")).cut == (("dev-a", None),)
    assert store.get("dev-a") is None


def test_renaming(store: DeviceStore, tmp_path: Path) -> None:
    pair(store)
    assert store.rename("dev-a", " Kitchen ").facts.display_name == "Kitchen"
    assert read(tmp_path, "paired.json")["dev-a"]["displayName"] == "Kitchen"
    with pytest.raises(NotFound):
        store.rename("dev-x", "Kitchen")
    for name in ("", " ", "x" * 129):
        with pytest.raises(InvalidInput):
            store.rename("dev-a", name)


def test_views_hold_no_token_text(store: DeviceStore) -> None:
    token = pair(store, Scope.READ).token
    device = store.get("dev-a")
    assert token is not None
    assert device is not None
    view = paired_view(device)
    assert token.token not in json.dumps(view)
    assert view["tokens"] == [{"role": "operator", "scopes": ["operator.read"], "createdAtMs": NOW}]
    made = store.request(ask("dev-b", "node", commands=["system.run"]), silent=False).request
    assert made is not None
    assert write_pending(made)["commands"] == ["system.run"]


def put(tmp_path: Path, name: str, content: object) -> None:
    folder = tmp_path / "devices"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))


SEED_DEVICE = {
    "deviceId": "dev-a",
    "publicKey": "key-of-dev-a",
    "role": "node",
    "roles": ["operator", "node"],
    "scopes": ["operator.admin"],
    "futureKey": {"x": 1},
    "tokens": {
        "operator": {"token": "abc", "role": "operator", "scopes": ["operator.admin"], "createdAtMs": 1},
        "node": {"token": "def", "role": "node", "scopes": [], "createdAtMs": 1, "revokedAtMs": "broken"},
        "junk": {"token": ""},
    },
    "createdAtMs": 1,
    "approvedAtMs": 2,
}


def test_files_of_the_original_are_read_and_their_own_fields_survive(store: DeviceStore, tmp_path: Path) -> None:
    put(tmp_path, "paired.json", {"dev-a": SEED_DEVICE, "dev-b": {"deviceId": "dev-x"}, "dev-c": 5})
    device = store.get("dev-a")
    assert device is not None
    assert device.roles == ("node", "operator")
    assert device.commands is None
    assert device.revoked("node")
    assert set(store.snapshot().paired) == {"dev-a"}
    store.hello(ask(scopes=[Scope.READ]))
    assert read(tmp_path, "paired.json")["dev-a"]["futureKey"] == {"x": 1}


def test_waiting_requests_of_the_original_are_read(store: DeviceStore, tmp_path: Path) -> None:
    sound = {"requestId": "r1", "deviceId": "dev-a", "publicKey": "k", "role": "operator", "ts": NOW, "own": 1}
    broken = {"no": sound | {"deviceId": ""}, "ts": sound | {"ts": float("inf")}, "role": sound | {"role": ""}, "x": 5}
    put(tmp_path, "pending.json", {"r1": sound | {"scopes": "operator.read"}, **broken})
    waiting = store.snapshot().pending
    assert set(waiting) == {"r1"}
    assert waiting["r1"].ask.scopes == ()
    store.request(ask("dev-b"), silent=False)
    assert read(tmp_path, "pending.json")["r1"]["own"] == 1


def test_a_device_that_was_never_given_a_token_gets_one(store: DeviceStore, tmp_path: Path) -> None:
    put(tmp_path, "paired.json", {"dev-a": {**SEED_DEVICE, "tokens": {}, "role": None, "roles": ["operator"]}})
    verdict, _ = store.hello(ask(scopes=[Scope.READ]))
    assert verdict.token is not None
    assert store.token_is("dev-a", "operator", verdict.token.token)


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "\x00"])
@pytest.mark.parametrize("name", ["paired.json", "pending.json"])
def test_a_corrupt_file_is_an_error_and_stays_as_it_is(
    store: DeviceStore, tmp_path: Path, content: str, name: str
) -> None:
    put(tmp_path, name, content)
    for call in (
        store.snapshot,
        lambda: store.get("dev-a"),
        lambda: store.request(ask(), silent=True),
        lambda: store.hello(ask()),
    ):
        with pytest.raises(Unavailable):
            call()
    assert (tmp_path / "devices" / name).read_text() == content


def test_a_change_by_another_process_is_seen_at_once(tmp_path: Path, clock: StepClock) -> None:
    ours, theirs = (DeviceStore(StateLayout.at(tmp_path), clock) for _ in range(2))
    assert ours.get("dev-a") is None
    pair(theirs)
    assert ours.get("dev-a") is not None
    theirs.remove("dev-a", by=ADMIN)
    assert ours.get("dev-a") is None


def test_a_crash_between_the_two_files_admits_nobody(
    store: DeviceStore, tmp_path: Path, clock: StepClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store.request(ask(), silent=False).request
    assert made is not None

    def crash(path: Path, value: object) -> None:
        if path.name == "paired.json":
            raise KeyboardInterrupt
        write_json(path, value)

    monkeypatch.setattr("openclaw.state.devices.write_json", crash)
    with pytest.raises(KeyboardInterrupt):
        store.approve(made.request_id, by=ADMIN)
    monkeypatch.undo()
    fresh = DeviceStore(StateLayout.at(tmp_path), clock)
    assert fresh.get("dev-a") is None
    assert not fresh.snapshot().pending


def test_token_texts_are_long_and_different() -> None:
    texts = {fresh_token() for _ in range(100)}
    assert len(texts) == 100
    assert all(len(text) == 43 for text in texts)


def _approve(root: Path, request_id: str, start: Any, wins: Any) -> None:
    store = DeviceStore(StateLayout.at(root), FakeClock(NOW))
    start.wait()
    if store.approve(request_id, by=ADMIN).outcome is Outcome.ALLOW:
        wins.put(1)
    for number in range(5):
        store.admit_silently(ask(f"dev-{multiprocessing.current_process().name}-{number}"))


def test_processes_approve_a_request_once_and_lose_no_device(tmp_path: Path) -> None:
    made = DeviceStore(StateLayout.at(tmp_path), FakeClock(NOW)).request(ask(), silent=False).request
    assert made is not None
    context = multiprocessing.get_context("fork")
    start, wins = context.Event(), context.Queue()
    processes = [
        context.Process(target=_approve, args=(tmp_path, made.request_id, start, wins), name=f"p{number}")
        for number in range(6)
    ]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 6
    assert wins.get(timeout=5) == 1
    assert wins.empty()
    assert len(DeviceStore(StateLayout.at(tmp_path), FakeClock(NOW)).snapshot().paired) == 1 + 6 * 5


SCOPES = st.lists(st.sampled_from(list(Scope)), unique=True, max_size=3).map(tuple)
DEVICES = st.sampled_from(["dev-a", "dev-b"])
ROLES = st.sampled_from(["operator", "node"])


class DeviceHistory(RuleBasedStateMachine):
    """Two stores on one folder; what was granted and revoked is kept beside them."""

    @initialize()
    def prepare(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = StepClock(NOW)
        layout = StateLayout.at(Path(self.folder.name))
        self.stores = [DeviceStore(layout, self.clock) for _ in range(2)]
        self.granted: dict[str, set[str]] = {}
        self.revoked: set[tuple[str, str]] = set()

    @rule(which=st.integers(0, 1), device=DEVICES, role=ROLES, scopes=SCOPES, silent=st.booleans())
    def ask_for(self, which: int, device: str, role: str, scopes: tuple[Scope, ...], *, silent: bool) -> None:
        self.stores[which].request(ask(device, role, scopes), silent=silent)
        waiting = [item for item in self.stores[0].snapshot().pending.values() if item.ask.facts.device_id == device]
        assert len(waiting) == 1

    @rule(which=st.integers(0, 1), device=DEVICES, held=SCOPES)
    def approve(self, which: int, device: str, held: tuple[Scope, ...]) -> None:
        for request_id, item in self.stores[which].snapshot().pending.items():
            if item.ask.facts.device_id == device:
                done = self.stores[which].approve(request_id, by=Caller(held))
                if done.outcome is Outcome.ALLOW:
                    assert set(item.ask.scopes) <= closure(held)
                    if (device, "operator") in self.revoked and item.ask.role == "operator":
                        self.granted[device] = set()
                    self.granted.setdefault(device, set()).update(item.ask.scopes)
                    self.revoked.discard((device, item.ask.role))

    @rule(which=st.integers(0, 1), device=DEVICES, role=ROLES, scopes=SCOPES)
    def admit_silently(self, which: int, device: str, role: str, scopes: tuple[Scope, ...]) -> None:
        known = self.stores[which].get(device)
        done = self.stores[which].admit_silently(ask(device, role, scopes))
        if done.outcome is Outcome.ALLOW:
            wanted = set(scopes if role == "operator" else ())
            assert (device, role) not in self.revoked
            assert known is None or role not in known.roles or wanted <= closure(known.scopes)
            self.granted.setdefault(device, set()).update(wanted)

    @rule(which=st.integers(0, 1), device=DEVICES, role=ROLES, scopes=SCOPES)
    def connect(self, which: int, device: str, role: str, scopes: tuple[Scope, ...]) -> None:
        verdict, _ = self.stores[which].hello(ask(device, role, scopes if role == "operator" else ()))
        if verdict.token is not None:
            assert (device, role) not in self.revoked
            assert set(scopes if role == "operator" else ()) <= closure(verdict.token.scopes)

    @rule(which=st.integers(0, 1), device=DEVICES, role=ROLES, scopes=st.none() | SCOPES, held=SCOPES)
    def rotate(
        self, which: int, device: str, role: str, scopes: tuple[Scope, ...] | None, held: tuple[Scope, ...]
    ) -> None:
        done = self.stores[which].rotate(device, role, scopes, by=Caller(held, device))
        if done.token is not None:
            assert (device, role) not in self.revoked
            assert set(done.token.scopes) <= closure(held)

    @rule(which=st.integers(0, 1), device=DEVICES, role=ROLES)
    def revoke(self, which: int, device: str, role: str) -> None:
        if self.stores[which].revoke(device, role, by=ADMIN).outcome is Outcome.ALLOW:
            self.revoked.add((device, role))

    @rule(which=st.integers(0, 1), device=DEVICES)
    def remove(self, which: int, device: str) -> None:
        if self.stores[which].remove(device, by=ADMIN).outcome is Outcome.ALLOW:
            self.granted.pop(device, None)
            self.revoked -= {(device, "operator"), (device, "node")}

    @rule(ms=st.sampled_from([1, PENDING_TTL_MS, PENDING_TTL_MS + 1]))
    def wait(self, ms: int) -> None:
        self.clock.forward(ms)

    @invariant()
    def nothing_is_wider_than_what_was_granted(self) -> None:
        if not hasattr(self, "stores"):
            return
        for store in self.stores:
            state = store.snapshot()
            assert set(state.paired) == set(self.granted)
            for device_id, device in state.paired.items():
                assert set(device.scopes) == self.granted[device_id]
                for role, entry in device.tokens.items():
                    assert (entry.revoked_at_ms is not None) == ((device_id, role) in self.revoked)
                    if entry.is_live:
                        assert closure(entry.scopes) <= closure(device.scopes)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestDeviceHistory = DeviceHistory.TestCase
TestDeviceHistory.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
