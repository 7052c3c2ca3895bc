"""Who is there: one entry per client and device, the gateway's own always among them (gateway.md 3.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.system.clock import Clock

TTL_MS: Final = 5 * 60_000
MAX_ENTRIES: Final = 200
_TRACKED: Final = ("host", "ip", "version", "mode", "reason")
_NODE_LINE: Final = re.compile(
    r"Node:\s*(?P<host>[^ (]{1,200})\s*\((?P<ip>[^)]{1,100})\)\s*·\s*app\s*(?P<version>[^·]{1,100}?)\s*·"
    r"\s*last input\s*(?P<seconds>[0-9]{1,9})s ago\s*·\s*mode\s*(?P<mode>[^·]{1,100}?)\s*·"
    r"\s*reason\s*(?P<reason>.{1,200})$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Beacon:
    """What a `system-event` did to the presence list.

    Attributes:
        key: the entry's key.
        line: what the main session should hear of it; empty when nothing changed that matters.
        context_key: set when the line replaces an earlier one of the same device.
    """

    key: str
    line: str
    context_key: str | None = None


class Presence:
    """The presence list. Entries die five minutes after their last sign of life; at most 200 are kept."""

    def __init__(self, clock: Clock, *, host: str, ip: str, version: str, platform: str) -> None:
        self._clock = clock
        self._entries: dict[str, dict[str, Any]] = {}
        self._own: dict[str, Any] = {
            "host": host,
            "ip": ip,
            "version": version,
            "platform": platform,
            "mode": "gateway",
            "reason": "self",
            "text": f"Gateway: {host} ({ip}) · app {version} · mode gateway · reason self",
        }
        self.version = 1
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change of the list."""
        self._listeners.append(listener)

    def entries(self) -> list[dict[str, Any]]:
        """Return the living entries, newest first."""
        self._prune()
        own = {**self._own, "ts": self._clock.now_ms()}
        return sorted([own, *self._entries.values()], key=lambda entry: -int(entry["ts"]))

    def enter(self, key: str, facts: Mapping[str, Any]) -> None:
        """Enter a client that has logged in; `facts` are fields of an entry. `changed` tells the listeners."""
        host = facts.get("host") or "unknown"
        self._put(key, {**facts, "reason": "connect", "text": f"Node: {host} · mode {facts.get('mode') or 'unknown'}"})

    def disconnected(self, key: str) -> None:
        """Note that a client went away; its entry fades after five minutes."""
        entry = self._entries.get(key.lower())
        if entry is not None:
            self._put(key, {**entry, "reason": "disconnect"})
            self.changed()

    def touch(self, key: str) -> None:
        """Keep the entry of a connected client alive, without telling anybody."""
        entry = self._entries.get(key.lower())
        if entry is not None:
            entry["ts"] = self._clock.now_ms()

    def beacon(self, text: str, facts: Mapping[str, Any]) -> Beacon:
        """Take a `system-event`: update the list and say what the main session should hear.

        Args:
            text: the line, trimmed and not empty.
            facts: the other parameters that were given.
        """
        seen: dict[str, Any] = {**_parse(text), **facts, "text": text}
        key = _beacon_key(seen)
        before = self._entries.get(key.lower(), {})
        entry = {**before, **seen}
        for name in ("roles", "scopes"):
            merged = dict.fromkeys([*before.get(name, ()), *seen.get(name, ())])
            if merged:
                entry[name] = list(merged)
        self._put(key, entry)
        self.changed()
        if not text.startswith("Node:"):
            return Beacon(key, text)
        changed = {name for name in _TRACKED if entry.get(name) != before.get(name)}
        line = _node_line(entry, changed, first=not before)
        return Beacon(key, line, context_key=key if line else None)

    def _put(self, key: str, entry: dict[str, Any]) -> None:
        entry["ts"] = self._clock.now_ms()
        self._entries.pop(key.lower(), None)
        self._entries[key.lower()] = entry
        while len(self._entries) > MAX_ENTRIES:
            del self._entries[min(self._entries, key=lambda name: self._entries[name]["ts"])]

    def _prune(self) -> None:
        oldest = self._clock.now_ms() - TTL_MS
        for key in [key for key, entry in self._entries.items() if entry["ts"] < oldest]:
            del self._entries[key]

    def changed(self) -> None:
        """Raise the version and tell the listeners."""
        self.version += 1
        for listener in self._listeners:
            listener()


def _parse(text: str) -> dict[str, Any]:
    match = _NODE_LINE.match(text)
    if match is None:
        return {}
    found: dict[str, Any] = {name: match[name].strip() for name in _TRACKED}
    found["lastInputSeconds"] = int(match["seconds"])
    return found


def _beacon_key(seen: Mapping[str, Any]) -> str:
    for name in ("deviceId", "instanceId", "host", "ip"):
        value = seen.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return str(seen["text"])[:64]


def _node_line(entry: Mapping[str, Any], changed: set[str], *, first: bool) -> str:
    reason = str(entry.get("reason") or "").lower()
    if reason.startswith("periodic") or reason == "heartbeat":
        changed = changed - {"reason"}
    if not changed:
        return ""
    parts = []
    if first or changed & {"host", "ip"}:
        ip = entry.get("ip")
        parts.append(f"Node: {entry.get('host') or 'Unknown'}" + (f" ({ip})" if ip else ""))
    for name, word in (("version", "app"), ("mode", "mode"), ("reason", "reason")):
        if name in changed:
            parts.append(f"{word} {entry.get(name) or 'unknown'}")
    return " · ".join(parts)
