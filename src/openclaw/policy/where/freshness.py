"""Freshness: when a session starts anew, and what a reset clears (agent.md 1.4).

Time and the zone of the gateway's host are passed in as data: nothing here reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeVar

from openclaw.policy.verdict import Reason, Verdict
from openclaw.policy.where.key_ids import folded
from openclaw.policy.where.session_keys import group_of, thread_parent

T = TypeVar("T")

DEFAULT_AT_HOUR: Final = 4
DEFAULT_IDLE_MINUTES: Final = 60
_DAY: Final = 86_400
_MINUTE_MS: Final = 60_000


class ResetMode(StrEnum):
    """What makes a session stale."""

    DAILY = "daily"
    IDLE = "idle"


class ResetType(StrEnum):
    """Kind of session, as `session.resetByType` names it."""

    DIRECT = "direct"
    GROUP = "group"
    THREAD = "thread"


class Freshness(StrEnum):
    """Whether the next message goes on in the same session."""

    FRESH = "fresh"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class ResetRule:
    """One block of the config; absent fields are inherited."""

    mode: ResetMode | None = None
    at_hour: float | None = None
    idle_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class ResetPolicy:
    """`session.reset`, `resetByType`, `resetByChannel` and the older `idleMinutes`.

    Attributes:
        base: `session.reset`; None when absent.
        by_type: `session.resetByType`; None when the block is absent.
        by_channel: by channel id, lower-case.
        idle_minutes: the older `session.idleMinutes`.
    """

    base: ResetRule | None = None
    by_type: Mapping[ResetType, ResetRule] | None = None
    by_channel: Mapping[str, ResetRule] = field(default_factory=lambda: MappingProxyType({}))
    idle_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class EffectiveReset:
    """The rule that holds for one session.

    Attributes:
        mode: daily or idle.
        at_hour: local hour of the daily reset, 0 to 23.
        idle_minutes: minutes of silence, at least 1; None means no idle limit.
        key: config block that the mode comes from.
    """

    mode: ResetMode
    at_hour: int
    idle_minutes: int | None
    key: str


@dataclass(frozen=True, slots=True)
class ZoneOffsets:
    """The host's distance from UTC over the last days.

    Attributes:
        first: seconds east of UTC before the first change.
        changes: (epoch seconds, seconds east of UTC from then on), ascending; must reach back three days.
    """

    first: int = 0
    changes: tuple[tuple[int, int], ...] = ()

    def at(self, instant: float) -> int:
        """Return the seconds east of UTC at an instant."""
        offset = self.first
        for start, following in self.changes:
            if instant < start:
                break
            offset = following
        return offset

    def instant_of(self, wall: int) -> int:
        """Return the epoch seconds of a wall-clock time given as seconds since 1970-01-01 00:00 local.

        An hour that occurs twice means its first, one that is skipped is moved on by the length of the gap.
        """
        offsets = (self.first, *(offset for _, offset in self.changes))
        hits = [wall - offset for offset in offsets if self.at(wall - offset) == offset]
        return min(hits) if hits else wall - self.at(wall - max(offsets))


def reset_type(session_key: str | None, *, in_thread: bool = False, is_group: bool | None = None) -> ResetType:
    """Return the reset type of a session.

    Args:
        session_key: canonical key.
        in_thread: the message has a thread context, whatever the key says.
        is_group: the conversation is a group or channel; None reads it from the key.
    """
    if in_thread or thread_parent(session_key):
        return ResetType.THREAD
    group = group_of(session_key) is not None if is_group is None else is_group
    return ResetType.GROUP if group else ResetType.DIRECT


def effective_reset(policy: ResetPolicy, kind: ResetType, channel: str | None = None) -> EffectiveReset:
    """Return the rule for one session: its channel's block alone, else type over base over defaults, by field."""
    place = folded(channel)
    by_channel = policy.by_channel.get(place)
    if by_channel is not None:
        return _effective(by_channel, None, None, f"session.resetByChannel.{place}")
    by_type = (policy.by_type or {}).get(kind)
    key = "session.reset"
    if by_type is not None and by_type.mode is not None:
        key = f"session.resetByType.{kind}"
    legacy_only = policy.base is None and policy.by_type is None and policy.idle_minutes is not None
    first = ResetRule(mode=ResetMode.IDLE) if legacy_only else by_type
    return _effective(first, policy.base, policy.idle_minutes, "session.idleMinutes" if legacy_only else key)


def _effective(first: ResetRule | None, second: ResetRule | None, legacy: float | None, key: str) -> EffectiveReset:
    upper, lower = first or ResetRule(), second or ResetRule()
    mode = _given(upper.mode, lower.mode, default=ResetMode.DAILY)
    hour = _floor(_given(upper.at_hour, lower.at_hour, default=None))
    idle = _floor(_given(upper.idle_minutes, lower.idle_minutes, legacy, default=None))
    if idle is None and mode is ResetMode.IDLE:
        idle = DEFAULT_IDLE_MINUTES
    return EffectiveReset(
        mode=mode,
        at_hour=min(max(DEFAULT_AT_HOUR if hour is None else hour, 0), 23),
        idle_minutes=None if idle is None else max(idle, 1),
        key=key,
    )


def _given(*values: T | None, default: T) -> T:
    return next((value for value in values if value is not None), default)


def _floor(value: float | None) -> int | None:
    return math.floor(value) if value is not None and math.isfinite(value) else None


def last_daily_reset(now_ms: int, at_hour: int, zone: ZoneOffsets) -> int:
    """Return the epoch milliseconds of the last local `at_hour`:00 that is not after `now_ms`."""
    now = now_ms // 1000
    today = (now + zone.at(now)) // _DAY * _DAY
    candidates = [zone.instant_of(today + back * _DAY + at_hour * 3600) for back in (1, 0, -1, -2)]
    return max((at for at in candidates if at <= now), default=now - _DAY) * 1000


def freshness(reset: EffectiveReset, *, updated_ms: int, now_ms: int, zone: ZoneOffsets) -> Verdict[Freshness]:
    """Return whether a session goes on at its next message; the daily hour or the silence, whichever comes first."""
    if reset.mode is ResetMode.DAILY and updated_ms < last_daily_reset(now_ms, reset.at_hour, zone):
        detail = f"It is past {reset.at_hour}:00 local time, and the last message was before."
        return Verdict(Freshness.STALE, (Reason("reset.daily", reset.key, detail),))
    if reset.idle_minutes is not None and now_ms > updated_ms + reset.idle_minutes * _MINUTE_MS:
        detail = f"Nothing was said for more than {reset.idle_minutes} minutes."
        return Verdict(Freshness.STALE, (Reason("reset.idle", reset.key, detail),))
    return Verdict(Freshness.FRESH, (Reason("reset.fresh", reset.key),))


def trigger_rest(text: str, triggers: tuple[str, ...]) -> str | None:
    """Return what follows a reset trigger in a message ("" for a bare one), or None when it is no trigger.

    Whether the sender may reset is decided by command authority, not here.
    """
    said = text.strip()
    lowered = said.lower()
    for trigger in triggers:
        word = trigger.strip().lower()
        if word and lowered == word:
            return ""
        if word and lowered.startswith(f"{word} ") and len(lowered) == len(said):
            return said[len(word) :].strip()
    return None


CLEARED_BY_RESET: Final = frozenset(
    {
        "sessionFile", "systemSent", "abortedLastRun",
        "thinkingLevel", "verboseLevel", "reasoningLevel", "elevatedLevel", "ttsAuto", "responseUsage",
        "execHost", "execSecurity", "execAsk", "execNode",
        "providerOverride", "modelOverride",
        "authProfileOverride", "authProfileOverrideSource", "authProfileOverrideCompactionCount",
        "queueMode", "queueDebounceMs", "queueCap", "queueDrop",
        "inputTokens", "outputTokens", "totalTokens", "contextTokens",
        "compactionCount", "memoryFlushAt", "memoryFlushCompactionCount",
        "cliSessionIds", "claudeCliSessionId",
    }
)  # fmt: skip
"""Fields of a session entry that a reset removes: everything that the old conversation gained, rights first.

Everything else stays, `sendPolicy`, `groupActivation` and `label` among it. (The original lost an owner's `sendPolicy`
and kept elevation and exec overrides.)
"""


def after_reset(entry: Mapping[str, object]) -> dict[str, object]:
    """Return a session entry without what a reset clears; the caller gives it a new `sessionId` and `updatedAt`."""
    return {name: value for name, value in entry.items() if name not in CLEARED_BY_RESET}
