"""What one log line says: the JSON of the file and the text of the console (config.md 6.2 to 6.4).

An entry holds text only, already formatted, so that the writer thread never touches live objects.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import unicodedata
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

TRACE: Final = 5
"""`log.log(TRACE, ...)`: below debug."""
SILENT: Final = 1000

LevelName = Literal["silent", "fatal", "error", "warn", "info", "debug", "trace"]
Style = Literal["pretty", "compact", "json"]

LEVELS: Final[Mapping[str, int]] = {
    "silent": SILENT,
    "fatal": logging.CRITICAL,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": TRACE,
}
_IDS: Final = {"TRACE": 1, "DEBUG": 2, "INFO": 3, "WARN": 4, "ERROR": 5, "FATAL": 6}
FIELD_LIMIT: Final = 8192
"""Characters of one field; longer ones are cut, and say so."""
_SCAN_LIMIT: Final = 65_536
"""Characters that are searched for secrets; what is beyond is cut before."""
_COLOURS: Final = {"FATAL": 31, "ERROR": 31, "WARN": 33, "INFO": 36, "DEBUG": 90, "TRACE": 90}
_SUBSYSTEM_COLOURS: Final = (34, 35, 32, 36, 94, 95, 92, 96)
_VERSION: Final = ".".join(map(str, sys.version_info[:3]))
_ESCAPED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ATTRIBUTE: Final = "openclaw_fields"

FieldValue = str | int | float | bool | None
Redact = Callable[[str], str]


def fields(**values: FieldValue) -> dict[str, Mapping[str, FieldValue]]:
    """Return structured fields for a log call: `log.info("turn done", extra=fields(run_id=run_id, ms=12))`."""
    return {_ATTRIBUTE: values}


@dataclass(frozen=True, slots=True)
class Entry:
    """One log call, as text.

    Attributes:
        time_ms: epoch milliseconds.
        level: upper-case name.
        levelno: number, for filtering.
        subsystem: `gateway/ws`; empty for messages of no part.
        message: formatted, not yet redacted.
        exception: traceback text, or empty.
        fields: structured fields.
        path: source location.
    """

    time_ms: int
    level: str
    levelno: int
    subsystem: str
    message: str
    exception: str
    fields: Mapping[str, FieldValue]
    path: Mapping[str, str]

    @classmethod
    def of(cls, record: logging.LogRecord) -> Entry:
        """Return the entry of a log call; arguments that do not fit are no reason to lose it."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            message = f"{record.msg} (arguments do not fit)"
        found = getattr(record, _ATTRIBUTE, None)
        return cls(
            time_ms=int(record.created * 1000),
            level=level_name(record.levelno),
            levelno=record.levelno,
            subsystem=subsystem_of(record.name),
            message=message,
            exception=_exception_text(record),
            fields={str(key): _plain(value) for key, value in found.items()} if isinstance(found, Mapping) else {},
            path={"fileName": record.filename, "fileLine": str(record.lineno), "method": record.funcName or ""},
        )


def level_name(levelno: int) -> str:
    """Return the upper-case name of a level number."""
    for name, number in (("FATAL", 50), ("ERROR", 40), ("WARN", 30), ("INFO", 20), ("DEBUG", 10)):
        if levelno >= number:
            return name
    return "TRACE"


def subsystem_of(logger: str) -> str:
    """Return the subsystem of a logger: its module without the package, with slashes."""
    name = logger.removeprefix("openclaw.")
    return "" if name in {"root", "openclaw", "__main__"} else name.replace(".", "/")


def file_line(entry: Entry, redact: Redact, hostname: str) -> str:
    """Return the JSON line of the file, with its newline (config.md 6.2).

    Older readers join the numbered arguments; newer ones take `message`, which holds the same without the subsystem.
    """
    name = _json({"subsystem": entry.subsystem}) if entry.subsystem else "openclaw"
    arguments: list[Any] = [name] if entry.subsystem else []
    if entry.fields:
        arguments.append({key: _safe_value(value, redact) for key, value in entry.fields.items()})
    arguments.append(safe_text(entry.message, redact))
    if entry.exception:
        arguments.append(safe_text(entry.exception, redact))
    when = _iso(entry.time_ms)
    meta = {
        "runtime": "python",
        "runtimeVersion": _VERSION,
        "hostname": hostname,
        "name": name,
        "parentNames": ["openclaw"],
        "date": when,
        "logLevelId": _IDS[entry.level],
        "logLevelName": entry.level,
        "path": entry.path,
    }
    record = {str(index): argument for index, argument in enumerate(arguments)}
    said = arguments[1:] if entry.subsystem else arguments
    message = " ".join(part if isinstance(part, str) else _json(part) for part in said)
    return _json({**record, "_meta": meta, "time": when, "message": message}) + "\n"


def console_line(entry: Entry, redact: Redact, style: Style, *, colour: bool = False, stamp: bool = False) -> str:
    """Return the text for the console, with its newline (config.md 6.4).

    Args:
        entry: what to show.
        redact: masks secrets.
        style: the layout.
        colour: use terminal colours.
        stamp: put the time before a compact line, as the gateway does.
    """
    message = safe_text(entry.message, redact)
    extra = {key: _safe_value(value, redact) for key, value in entry.fields.items()}
    if style == "json":
        shown = {"time": _iso(entry.time_ms), "level": entry.level.lower(), "subsystem": entry.subsystem}
        body = {**shown, "message": message, **extra}
        if entry.exception:
            body["exception"] = safe_text(entry.exception, redact)
        return _json(body) + "\n"
    name = shown_subsystem(entry.subsystem)
    for prefix in (f"{name}: ", f"[{name}] "):
        message = message[len(prefix) :] if name and message.lower().startswith(prefix.lower()) else message
    parts = [_paint(f"[{name}]", _subsystem_colour(name), colour=colour)] if name else []
    parts.append(_paint(message, _COLOURS[entry.level], colour=colour))
    parts += [f"{key}={value}" for key, value in extra.items()]
    if style == "pretty":
        clock = datetime.fromtimestamp(entry.time_ms / 1000).astimezone().strftime("%H:%M:%S")
        parts.insert(0, clock)
    elif stamp:
        parts.insert(0, _iso(entry.time_ms))
    lines = [" ".join(parts)]
    if entry.exception:
        lines += [f"  {safe_text(line, redact)}" for line in entry.exception.splitlines()]
    return "\n".join(lines) + "\n"


def shown_subsystem(subsystem: str) -> str:
    """Return the short name for the console: a channel alone, else the last two parts without a leading room."""
    parts = subsystem.split("/")
    if parts[0] == "channels" and len(parts) > 1:
        return parts[1]
    if parts[0] in {"gateway", "channels", "providers"} and len(parts) > 1:
        parts = parts[1:]
    return "/".join(parts[-2:])


def safe_text(text: str, redact: Redact) -> str:
    """Return text for a log: cut, redacted, control characters escaped (advisories O1, O8)."""
    length = len(text)
    text = escape(redact(text[:_SCAN_LIMIT]))
    if len(text) <= FIELD_LIMIT and length <= _SCAN_LIMIT:
        return text
    return f"{text[: FIELD_LIMIT - 40]}… ({length} characters)"


def escape(text: str) -> str:
    r"""Return text on one line that no terminal acts on: control and format characters as `\n`, `\x1b`, `\u202e`."""
    if text.isprintable():
        return text
    odd = {char for char in set(text) if unicodedata.category(char) in _ESCAPED_CATEGORIES}
    return text.translate({ord(char): _escaped(char) for char in odd})


def _escaped(char: str) -> str:
    known = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
    if known is not None:
        return known
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _plain(value: object) -> FieldValue:
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def _safe_value(value: FieldValue, redact: Redact) -> FieldValue:
    return safe_text(value, redact) if isinstance(value, str) else value


def _exception_text(record: logging.LogRecord) -> str:
    if record.exc_info and record.exc_info[0] is not None:
        return "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    return record.exc_text or ""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _iso(time_ms: int) -> str:
    moment = datetime.fromtimestamp(time_ms / 1000, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time_ms % 1000:03d}Z"


def _subsystem_colour(name: str) -> int:
    return _SUBSYSTEM_COLOURS[zlib.crc32(name.encode("utf-8", "replace")) % len(_SUBSYSTEM_COLOURS)]


def _paint(text: str, code: int, *, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text
