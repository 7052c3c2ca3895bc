"""What pairing of devices and of people says, word for word, and what it leaves in the records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from typing import Any

from openclaw.policy.where.scopes import Role, Scope
from openclaw.policy.who import device_pairing as pairing
from openclaw.policy.who import device_tokens as tokens
from openclaw.policy.who import dm_pairing as people
from openclaw.policy.who.device_records import (
    MAX_PENDING_DEVICES,
    PENDING_TTL_MS,
    Ask,
    Caller,
    DeviceFacts,
    Devices,
    DeviceVerdict,
    PairedDevice,
    PendingDevice,
    TokenEntry,
    merged_texts,
)
from openclaw.policy.who.dm_pairing import CODE_TRIES, TTL_MS, PairingRequest
from openclaw.policy.who.origin import Origin
from support.answers import asked, check_answers

NOW = 1_700_000_000_000
FACTS = DeviceFacts("device", "key", "Phone", "ios", "iPhone", "client", "ui", "10.0.0.1")
READ = ("operator.read",)
WRITE = ("operator.write",)
TEXT = "fresh"
CALLERS = {
    "admin": Caller((Scope.ADMIN,), "other"),
    "itself": Caller(READ, "device"),
    "pairing": Caller((Scope.PAIRING, Scope.READ), "third"),
    "nobody": Caller(()),
}


def _token(role: str = "operator", scopes: tuple[str, ...] = READ, **more: Any) -> TokenEntry:
    return replace(TokenEntry(role, "old", scopes, 1), **more)


def _device(scopes: tuple[str, ...] = READ, *, key: str = "key", **entries: TokenEntry) -> PairedDevice:
    return PairedDevice(
        replace(FACTS, public_key=key),
        tuple(entries) or ("operator",),
        scopes,
        ("system.which",),
        MappingProxyType(entries or {"operator": _token()}),
        1,
        2,
        MappingProxyType({"note": 1}),
    )


RECORDS: dict[str, PairedDevice | None] = {
    "unknown": None,
    "operator": _device(),
    "writer with a read token": _device(WRITE),
    "revoked": _device(operator=_token(revoked_at_ms=5)),
    "other key": _device(key="other"),
    "node": _device((), node=_token("node", ())),
    "both": _device(WRITE, operator=_token(scopes=WRITE, rotated_at_ms=3), node=_token("node", ())),
    "without a token": replace(_device(), tokens=MappingProxyType({})),
    "no commands": replace(_device((), node=_token("node", ())), commands=None),
    "wide token": _device(READ, operator=_token(scopes=("operator.admin",))),
}
ASKS = {
    "read": Ask(FACTS, "operator", READ),
    "write": Ask(FACTS, "operator", (*WRITE, "x", *WRITE), ("system.run",)),
    "nothing": Ask(FACTS, "operator"),
    "node": Ask(FACTS, "node", READ, ("system.which",)),
    "runs programs": Ask(FACTS, "node", (), ("system.which", "system.run")),
    "shows a camera": Ask(FACTS, "node", (), ("camera.snap",)),
}


def _state(record: PairedDevice | None, *pending: PendingDevice) -> Devices:
    paired = {} if record is None else {"device": record}
    return Devices(MappingProxyType({item.request_id: item for item in pending}), MappingProxyType(paired))


def _brief(found: DeviceVerdict) -> object:
    """Return an answer without repeating the records that are shown as the device already."""
    kept = found.state.paired.get("device") == found.device
    return replace(found, state=Devices(), request=None), sorted(found.state.pending), kept, found.request is not None


def _pairs() -> Iterator[tuple[str, PairedDevice | None, str, Ask]]:
    for (known, record), (wanted, ask) in product(RECORDS.items(), ASKS.items()):
        yield known, record, wanted, ask


def test_why_a_device_needs_an_approval() -> None:
    answers: list[tuple[object, object]] = []
    for known, record, wanted, ask in _pairs():
        answers.append((("need", known, wanted), pairing.pairing_need(record, ask)))
        if record is not None:
            answers.append((("commands", known, wanted), pairing.commands_need(record, ask)))
        for local, shared, origin, auto in product(
            (True, False), (True, False), (Origin.ABSENT, Origin.OWN, Origin.LISTED), (True, False)
        ):
            found = pairing.may_be_silent(
                record, ask, local=local, shared_ok=shared, origin=origin, auto_approve_local=auto
            )
            answers.append((("silent", known, wanted, local, shared, origin, auto), found))
    answers += [(("ask of", wanted), pairing.ask_of(ask)) for wanted, ask in ASKS.items()]
    check_answers("device-needs", answers)


def test_requests_of_devices() -> None:
    waiting = PendingDevice("old", pairing.ask_of(ASKS["read"]), NOW - 1)
    others = tuple(
        PendingDevice(f"r{number}", replace(ASKS["read"], facts=replace(FACTS, device_id=f"d{number}")), NOW)
        for number in range(MAX_PENDING_DEVICES)
    )
    changed = {
        "the same": ASKS["read"],
        "more scopes": replace(ASKS["read"], scopes=WRITE),
        "another role": ASKS["node"],
        "another key": replace(ASKS["read"], facts=replace(FACTS, public_key="k2")),
        "another platform": replace(ASKS["read"], facts=replace(FACTS, platform="linux")),
        "another family": replace(ASKS["read"], facts=replace(FACTS, device_family="x")),
        "another name": replace(ASKS["read"], facts=replace(FACTS, display_name="x")),
    }
    answers: list[tuple[object, object]] = []
    for (name, ask), silent in product(changed.items(), (False, True)):
        found = pairing.request_pairing(_state(_device(), waiting), ask, silent=silent, request_id="new", now_ms=NOW)
        answers.append(((name, silent), found))
        full = pairing.request_pairing(_state(None, *others), ask, silent=silent, request_id="new", now_ms=NOW)
        answers.append(
            ((name, silent, "full"), (full.outcome, full.reasons, full.message, full.created, len(full.state.pending)))
        )
        room = pairing.request_pairing(_state(None, *others[1:]), ask, silent=silent, request_id="new", now_ms=NOW)
        answers.append(((name, silent, "one place left"), (room.outcome, room.created)))
    node = PendingDevice("old", ASKS["runs programs"], NOW)
    less = pairing.request_pairing(
        _state(None, node), ASKS["shows a camera"], silent=False, request_id="new", now_ms=NOW
    )
    answers.append(("other commands", less))
    ages = (0, PENDING_TTL_MS, PENDING_TTL_MS + 1, -PENDING_TTL_MS, -PENDING_TTL_MS - 1)
    answers += [(("age", age), bool(pairing.live_pending({"r": replace(waiting, ts=NOW - age)}, NOW))) for age in ages]
    for known, record in RECORDS.items():
        answers.append(
            (
                ("repair", known),
                pairing.request_pairing(
                    _state(record), ASKS["read"], silent=False, request_id="new", now_ms=NOW
                ).request,
            )
        )
    check_answers("device-requests", answers)


def test_approvals_of_devices() -> None:
    answers: list[tuple[object, object]] = []
    givers: dict[str, Caller | None] = {**CALLERS, "silently": None}
    for (known, record, wanted, ask), (who, by), silent in product(_pairs(), givers.items(), (False, True)):
        waiting = PendingDevice("request", pairing.ask_of(ask), NOW, silent=silent)
        found = pairing.approve_device(_state(record, waiting), "request", by=by, fresh_token=TEXT, now_ms=NOW)
        answers.append(((known, wanted, who, silent), _brief(found)))
    old = PendingDevice("request", ASKS["read"], NOW - PENDING_TTL_MS - 1)
    answers.append(
        (
            "too old",
            pairing.approve_device(_state(None, old), "request", by=CALLERS["admin"], fresh_token=TEXT, now_ms=NOW),
        )
    )
    waiting = PendingDevice("request", ASKS["read"], NOW)
    answers += [
        (("reject", name), pairing.reject_device(_state(_device(), waiting), name, now_ms=NOW))
        for name in ("request", "x")
    ]
    check_answers("device-approvals", answers)


def test_tokens_of_devices() -> None:
    answers: list[tuple[object, object]] = []
    for (known, record, wanted, ask), matches in product(_pairs(), (True, False)):
        answers.append(
            (("judge", known, wanted, matches), tokens.judge_device_token(record, pairing.ask_of(ask), matches=matches))
        )
    for (known, record), role, scopes in product(RECORDS.items(), Role, ((), READ, WRITE)):
        found = tokens.token_for(_state(record), "device", role=role, scopes=scopes, fresh_token=TEXT, now_ms=NOW)
        answers.append((("hello", known, role, scopes), _brief(found)))
    for (known, record), role, (who, by) in product(RECORDS.items(), Role, CALLERS.items()):
        for wished in (None, (), READ, WRITE, ("x",)):
            found = tokens.rotate_token(_state(record), "device", role, wished, by=by, fresh_token=TEXT, now_ms=NOW)
            answers.append((("rotate", known, role, who, wished), _brief(found)))
        answers.append(
            (
                ("revoke", known, role, who),
                _brief(tokens.revoke_token(_state(record), "device", role, by=by, now_ms=NOW)),
            )
        )
    waiting = (
        PendingDevice("r1", ASKS["read"], NOW),
        PendingDevice("r2", replace(ASKS["read"], facts=replace(FACTS, device_id="d2")), NOW),
    )
    for (known, record), (who, by) in product(RECORDS.items(), CALLERS.items()):
        answers.append((("remove", known, who), tokens.remove_device(_state(record, *waiting), "device", by=by)))
    check_answers("device-tokens", answers)


def test_what_a_connection_refreshes() -> None:
    news = {
        "nothing": DeviceFacts("device", "key"),
        "everything": DeviceFacts("device", "key", "New", "linux", "PC", "c2", "m2", "10.0.0.2"),
        "the same": FACTS,
        "family alone": replace(FACTS, device_family="PC"),
    }
    answers = [
        ((name, known), tokens.refresh(record, Ask(facts, "operator")))
        for (name, facts), (known, record) in product(news.items(), RECORDS.items())
        if record is not None
    ]
    check_answers("device-refresh", answers)
    assert merged_texts(("b", "a"), ("a", "c")) == ("a", "b", "c")


def test_people_who_ask_to_be_paired() -> None:
    ages = (0, TTL_MS, TTL_MS + 1, -TTL_MS - 1)
    waiting = [
        PairingRequest(f"p{number}", f"AAAAAAA{'ABCDEFGH'[number]}", NOW - age, NOW - number, account)
        for number, (age, account) in enumerate(product(ages[:2], ("default", "work")))
    ]
    crowd = [
        PairingRequest(f"c{number}", f"BBBBBBB{'ABCDEFGH'[number]}", NOW, NOW - seen)
        for number, seen in enumerate((3, 1, 2, 9, 5))
    ]
    lists = {
        "nobody": [],
        "some": waiting,
        "a crowd": crowd,
        "old": [replace(waiting[0], created_ms=NOW - age) for age in ages],
        "undated": [replace(waiting[0], created_ms=None)],
    }
    answers: list[tuple[object, object]] = []
    for (name, found), account, sender in product(lists.items(), (None, "Work"), ("p0", " tg:9 ", "*", " ", "c1")):
        answer = people.upsert(
            found,
            channel=" Telegram ",
            account=account,
            sender=sender,
            meta=(("name", " Ann "), ("accountId", "x"), ("n", 5)),
            candidates=("x", "aaaaaaaa", "AAAAAAAA", "AAAAAAAB"),
            now_ms=NOW,
        )
        codes = [request.code for request in answer.requests]
        answers.append(
            ((name, account, sender), (answer, codes, None if answer.request is None else answer.request.code))
        )
    again = people.upsert(
        waiting, channel="telegram", account=None, sender="p0", meta=(), candidates=(), now_ms=NOW + 1
    )
    answers.append(("again", again))
    taken = people.upsert(
        waiting,
        channel="telegram",
        account=None,
        sender="9",
        meta=(),
        candidates=(request.code for request in waiting),
        now_ms=NOW,
    )
    answers.append(("no code left", taken))
    for tries in (CODE_TRIES - 1, CODE_TRIES):
        drawn = iter(["bad"] * tries + ["CCCCCCCC"])
        answers.append(
            (
                ("tries", tries),
                people.upsert([], channel="x", account=None, sender="9", meta=(), candidates=drawn, now_ms=NOW).outcome,
            )
        )
    for (name, found), code, account in product(
        lists.items(), ("AAAAAAAA", " aaaaaaac ", "AAAAAAAD", "", "short"), (None, "default", "WORK")
    ):
        answers.append(((name, code, account), people.approve(found, code=code, now_ms=NOW, account=account)))
    answers += [
        (("live", age), people.is_live(replace(waiting[0], created_ms=NOW - age), NOW)) for age in (*ages, -TTL_MS)
    ]
    check_answers("people-pairing", answers)


def test_ids_and_codes_of_people() -> None:
    channels = ("telegram", " Discord ", "slack", "signal", "msteams", "bluebubbles", "whatsapp")
    entries = (
        " TG:42 ",
        "telegram: 42",
        "tg:tg:1",
        "user:U1",
        "discord:1",
        "signal:+1",
        "msteams:a",
        "BlueBubbles:Ann@X.org",
        "bluebubbles:+1 (555) 123-4567",
        "+1 555 1234",
        "*",
        "tg:*",
        "",
        "a\tb",
        "x" * 256,
        "x" * 257,
        "1-23",
    )
    answers: list[tuple[object, object]] = [
        ((channel, entry[:20]), people.normalise_store_id(channel, entry))
        for channel, entry in product(channels, entries)
    ]
    answers += asked(
        people.channel_file_key,
        " Telegram ",
        "a/b",
        "a..b",
        "..",
        ".",
        "",
        "_",
        "a:b*c?d",
        'a"<>|\\',
        "x" * 64,
        "x" * 65,
        "a\x1fb\x7f",
    )
    answers += asked(
        people.normalise_code,
        " abcdefgh ",
        "ABCDEFG",
        "ABCDEFGHJ",
        "ABCDEFGO",
        "ABCDEFG1",
        "ABCDEFGI",
        "23456789",
        "ABCDEFG0",
    )
    meta = [
        ("a", None),
        ("accountId", "x"),
        ("b", "  "),
        ("c", " C "),
        ("d" * 70, "y" * 300),
        *((f"k{number}", number) for number in range(20)),
    ]
    answers.append(("meta", people.normalise_meta(meta)))
    stored = ("tg:1", "1", "*", "", "2")
    answers += [
        ("allowed", people.allowed_ids("telegram", stored)),
        ("added", people.add_allowed("telegram", stored, "tg:3")),
        ("not added", people.add_allowed("telegram", stored, "*")),
    ]
    answers += [
        (("removed", gone), people.remove_allowed("telegram", stored, gone)) for gone in ("telegram:2", "9", "*")
    ]
    check_answers("people-ids", answers)
