from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.where.freshness import (
    EffectiveReset,
    Freshness,
    ResetMode,
    ResetPolicy,
    ResetRule,
    ResetType,
    ZoneOffsets,
    after_reset,
    effective_reset,
    freshness,
    last_daily_reset,
    reset_type,
    trigger_rest,
)

UTC = ZoneOffsets()
HOUR = 3_600_000
DAY = 24 * HOUR


def zone_offsets(name: str, around: datetime) -> ZoneOffsets:
    """Sample a real zone hour by hour, as the caller does from the host's clock."""
    zone = ZoneInfo(name)
    start = int(around.timestamp()) // 3600 * 3600 - 96 * 3600
    changes: list[tuple[int, int]] = []
    first = current = _offset(zone, start)
    for at in range(start, start + 120 * 3600, 900):
        if _offset(zone, at) != current:
            current = _offset(zone, at)
            changes.append((at, current))
    return ZoneOffsets(first, tuple(changes))


def _offset(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


@pytest.mark.parametrize(
    ("key", "in_thread", "is_group", "expected"),
    [
        ("agent:main:main", False, None, ResetType.DIRECT),
        ("agent:main:telegram:direct:1", False, None, ResetType.DIRECT),
        ("agent:main:telegram:group:1", False, None, ResetType.GROUP),
        ("agent:main:slack:channel:c", False, None, ResetType.GROUP),
        ("agent:main:telegram:group:1:topic:2", False, None, ResetType.THREAD),
        ("agent:main:telegram:group:1", True, None, ResetType.THREAD),
        ("agent:main:main", False, True, ResetType.GROUP),
    ],
)
def test_the_reset_type_follows_thread_then_group(
    key: str, in_thread: bool, is_group: bool | None, expected: ResetType
) -> None:
    assert reset_type(key, in_thread=in_thread, is_group=is_group) is expected


D, IDLE = ResetMode.DAILY, ResetMode.IDLE


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (ResetPolicy(), (D, 4, None)),
        (ResetPolicy(idle_minutes=30), (IDLE, 4, 30)),
        (ResetPolicy(base=ResetRule(), idle_minutes=30), (D, 4, 30)),
        (ResetPolicy(by_type={}, idle_minutes=30), (D, 4, 30)),
        (ResetPolicy(base=ResetRule(mode=IDLE)), (IDLE, 4, 60)),
        (ResetPolicy(base=ResetRule(mode=IDLE, idle_minutes=0.5)), (IDLE, 4, 1)),
        (ResetPolicy(base=ResetRule(at_hour=99.7)), (D, 23, None)),
        (ResetPolicy(base=ResetRule(at_hour=-3)), (D, 0, None)),
        (ResetPolicy(base=ResetRule(at_hour=float("nan"))), (D, 4, None)),
        (
            ResetPolicy(base=ResetRule(D, 7, 90), by_type={ResetType.DIRECT: ResetRule(at_hour=2)}),
            (D, 2, 90),
        ),
        (
            ResetPolicy(base=ResetRule(D, 7, 90), by_channel={"telegram": ResetRule(mode=IDLE)}, idle_minutes=5),
            (IDLE, 4, 60),
        ),
    ],
)
def test_the_rule_is_resolved_field_by_field_and_a_channel_replaces_all(
    policy: ResetPolicy, expected: tuple[ResetMode, int, int | None]
) -> None:
    found = effective_reset(policy, ResetType.DIRECT, " Telegram ")
    assert (found.mode, found.at_hour, found.idle_minutes) == expected


@pytest.mark.parametrize(
    ("mode", "idle", "updated", "now", "rule"),
    [
        (D, None, 3 * HOUR, 4 * HOUR - 1, "reset.fresh"),
        (D, None, 4 * HOUR - 1, 4 * HOUR, "reset.daily"),
        (D, None, 4 * HOUR, 4 * HOUR, "reset.fresh"),
        (D, None, 4 * HOUR, DAY + 4 * HOUR - 1, "reset.fresh"),
        (D, None, 4 * HOUR, DAY + 4 * HOUR, "reset.daily"),
        (D, 60, 5 * HOUR, 6 * HOUR, "reset.fresh"),
        (D, 60, 5 * HOUR, 6 * HOUR + 1, "reset.idle"),
        (IDLE, 60, 3 * HOUR, 4 * HOUR, "reset.fresh"),
        (IDLE, 60, 3 * HOUR, 4 * HOUR + 1, "reset.idle"),
    ],
)
def test_whichever_comes_first_makes_a_session_stale(
    mode: ResetMode, idle: int | None, updated: int, now: int, rule: str
) -> None:
    verdict = freshness(
        EffectiveReset(mode, 4, idle, "session.reset"), updated_ms=10 * DAY + updated, now_ms=10 * DAY + now, zone=UTC
    )
    assert verdict.decided_by.rule == rule
    assert (verdict.outcome is Freshness.FRESH) == (rule == "reset.fresh")


@pytest.mark.parametrize(
    ("zone", "day", "hour"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 2),
        ("Europe/Berlin", date(2026, 3, 29), 4),
        ("Europe/Berlin", date(2026, 10, 25), 2),
        ("Europe/Berlin", date(2026, 10, 25), 4),
        ("America/New_York", date(2026, 11, 1), 1),
        ("Australia/Lord_Howe", date(2026, 4, 5), 1),
        ("Asia/Kathmandu", date(2026, 6, 1), 4),
    ],
)
def test_the_daily_hour_is_local_also_when_clocks_change(zone: str, day: date, hour: int) -> None:
    tz = ZoneInfo(zone)
    start = datetime.combine(day - timedelta(days=1), time(), tz).astimezone(ZoneInfo("UTC"))
    for minutes in range(0, 48 * 60, 97):
        now = start + timedelta(minutes=minutes)
        found = last_daily_reset(int(now.timestamp()) * 1000, hour, zone_offsets(zone, now)) / 1000
        local = now.astimezone(tz)
        expected = max(
            at for back in (-1, 0, 1, 2) if (at := _wall(local - timedelta(days=back), hour, tz)) <= now.timestamp()
        )
        assert found == expected, now


def _wall(local: datetime, hour: int, tz: ZoneInfo) -> float:
    """Return `hour`:00 on a local date: the first of two, and a skipped one moved on by the gap."""
    return datetime(local.year, local.month, local.day, hour, tzinfo=tz, fold=0).timestamp()


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("/new", ""),
        (" /NEW ", ""),
        ("/new gpt", "gpt"),
        ("/reset  now", "now"),
        ("/newer", None),
        ("say /new", None),
        ("", None),
        ("/new\tx", None),
    ],
)
def test_a_trigger_is_the_whole_message_or_its_first_word(text: str, rest: str | None) -> None:
    assert trigger_rest(text, ("/new", "/reset", " ")) == rest


def test_a_reset_takes_rights_away_and_keeps_the_owners_decisions() -> None:
    entry: dict[str, object] = {
        "sessionId": "1", "elevatedLevel": "full", "execHost": "gateway", "execSecurity": "full", "execAsk": "off",
        "execNode": "n", "sendPolicy": "deny", "groupActivation": "always", "label": "x", "modelOverride": "m",
        "totalTokens": 9, "somethingNew": 1,
    }  # fmt: skip
    kept = {"sessionId", "sendPolicy", "groupActivation", "label", "somethingNew"}
    assert set(after_reset(entry)) == kept


DAY_SECONDS = 86_400
MIDNIGHT = 20_000 * DAY_SECONDS
"""Begin of a day in UTC, in seconds."""


@pytest.mark.parametrize(("before", "after"), [(-9000, -12_600), (46_800, 43_200)])
def test_a_midnight_that_comes_twice_counts_as_it_comes_first(before: int, after: int) -> None:
    first = MIDNIGHT - before
    zone = ZoneOffsets(before, ((first + 60, after),))  # St. John's set its clocks back at 00:01
    assert last_daily_reset((first + 1800) * 1000, 0, zone) == first * 1000
    assert last_daily_reset((first + 3600) * 1000, 0, zone) == first * 1000
    assert last_daily_reset((first + DAY_SECONDS + 3599) * 1000, 0, zone) == first * 1000
    assert last_daily_reset((first + DAY_SECONDS + 3600) * 1000, 0, zone) == (first + DAY_SECONDS + 3600) * 1000


def test_an_hour_of_a_day_that_the_zone_leaves_out_is_looked_for_before_it() -> None:
    skipped = MIDNIGHT + 36_000  # Samoa went over the date line: this moment ended one day and began the next but one
    zone = ZoneOffsets(-36_000, ((skipped, 50_400),))
    assert last_daily_reset((skipped + 3600) * 1000, 4, zone) == (skipped - 72_000) * 1000
    assert last_daily_reset((skipped + 14_400) * 1000, 4, zone) == (skipped + 14_400) * 1000


def test_a_zone_that_no_clock_has_counts_a_day_back() -> None:
    now = MIDNIGHT + 5
    assert last_daily_reset(now * 1000, 4, ZoneOffsets(0, ((now, 3 * DAY_SECONDS),))) == (now - DAY_SECONDS) * 1000


@given(
    st.floats() | st.none(),
    st.floats() | st.none(),
    st.integers(0, 2**44),
    st.integers(0, 2**44),
    st.lists(st.tuples(st.integers(0, 2**34), st.integers(-50_000, 50_000)), max_size=3).map(sorted),
    st.sampled_from(ResetMode),
)
@settings(max_examples=150, deadline=None)
def test_any_times_give_an_answer(
    hour: float | None,
    idle: float | None,
    updated: int,
    now: int,
    changes: list[tuple[int, int]],
    mode: ResetMode,
) -> None:
    reset = effective_reset(ResetPolicy(base=ResetRule(mode, hour, idle)), ResetType.DIRECT)
    zone = ZoneOffsets(3600, tuple(changes))
    assert last_daily_reset(now, reset.at_hour, zone) <= now
    assert freshness(reset, updated_ms=updated, now_ms=now, zone=zone).reasons


@given(st.text(), st.lists(st.text(), max_size=3))
@settings(max_examples=100, deadline=None)
def test_triggers_take_any_text(text: str, triggers: list[str]) -> None:
    rest = trigger_rest(text, tuple(triggers))
    assert rest is None or rest in text
