"""Logging: `logging.getLogger(__name__)` everywhere, one queue, one writer thread (config.md 6.1 to 6.5, stack.md 5).

A log call formats its message and puts it into the queue; redaction, JSON, disk and console are the writer's, so the
event loop never waits for any of them. Cheap to import: the redactor and its patterns come with the first line.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO, cast

from openclaw.system.errors import Unavailable
from openclaw.system.log_file import LogFile
from openclaw.system.log_records import LEVELS, TRACE, Entry, LevelName, Style, console_line, fields, file_line

if TYPE_CHECKING:
    from openclaw.system.redaction import Redactor

__all__ = ["TRACE", "LogOptions", "LogSystem", "fields", "setup_logging"]

QUEUE_LIMIT: Final = 20_000
"""Entries that may wait for the writer; further ones are counted and dropped, so that a flood cannot fill memory."""
_QUIET: Final = ("telegram", "httpx", "markdown_it", "httpcore", "aiohttp", "asyncio", "PIL", "urllib3")
"""Loggers of libraries that say too much below warnings."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """The `logging` section with the folder it belongs to.

    Attributes:
        folder: where the rolling files lie: `<state>/logs`.
        level: of the file.
        console_level: of the console.
        style: of the console; None means pretty on a terminal, else compact.
        file: `logging.file`, when set.
        max_file_bytes: `logging.maxFileBytes`.
        create_folder: False for commands that must leave no trace.
        to_stderr: everything on the console goes to standard error (`--json` commands).
        stamp: put the time before compact lines (the gateway).
        colour: None means on terminals.
    """

    folder: Path
    level: LevelName = "info"
    console_level: LevelName = "info"
    style: Style | None = None
    file: Path | None = None
    max_file_bytes: int = 104_857_600
    create_folder: bool = True
    to_stderr: bool = False
    stamp: bool = False
    colour: bool | None = None


class LogSystem:
    """The running writer. Close it at the end: what is queued is written first."""

    def __init__(self, options: LogOptions, redactor: Redactor) -> None:
        self._redactor = redactor
        self._queue: queue.SimpleQueue[Entry | LogOptions | None] = queue.SimpleQueue()
        self._dropped = 0
        self._writer = _Writer(options, redactor)
        self._handler = _QueueingHandler(self)
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._apply_levels(options)
        logging.getLogger().addHandler(self._handler)
        self._thread.start()

    @property
    def path(self) -> Path:
        """Return the file that is written now."""
        return self._writer.file.path

    @property
    def dropped(self) -> int:
        """Return how many entries a flood has cost so far."""
        return self._dropped

    def reconfigure(self, options: LogOptions) -> None:
        """Take over changed settings, in order with the entries around the change."""
        self._apply_levels(options)
        self._queue.put(options)

    def put(self, entry: Entry) -> None:
        """Queue an entry; never blocks and never raises."""
        if self._queue.qsize() >= QUEUE_LIMIT:
            self._dropped += 1
            return
        self._queue.put(entry)

    def close(self, *, timeout_seconds: float = 5.0) -> None:
        """Write what is queued and stop; after that only warnings are shown, by the standard library."""
        logging.getLogger().removeHandler(self._handler)
        self._queue.put(None)
        self._thread.join(timeout_seconds)

    def _apply_levels(self, options: LogOptions) -> None:
        lowest = min(LEVELS[options.level], LEVELS[options.console_level])
        logging.addLevelName(TRACE, "TRACE")
        logging.getLogger().setLevel(lowest)
        for name in _QUIET:
            logging.getLogger(name).setLevel(max(lowest, logging.WARNING))

    def _run(self) -> None:
        reported = 0
        while True:
            item = self._queue.get()
            if item is None:
                self._writer.close()
                return
            if isinstance(item, LogOptions):
                self._writer.close()
                self._writer = _Writer(item, self._redactor)
                continue
            try:
                self._writer.write(item)
            except Exception as error:  # noqa: BLE001 - the writer must outlive any one entry
                _print(sys.stderr, f"openclaw: a log message could not be written ({type(error).__name__}).\n")
            if self._dropped > reported and self._queue.qsize() < QUEUE_LIMIT // 2:
                self._writer.write(_dropped_entry(item, self._dropped - reported))
                reported = self._dropped


@contextmanager
def setup_logging(options: LogOptions, redactor: Redactor) -> Iterator[LogSystem]:
    """Run logging for the time of a `with` block; at its end everything queued has been written."""
    system = LogSystem(options, redactor)
    try:
        yield system
    finally:
        system.close()


class _QueueingHandler(logging.Handler):
    """Turns a log call into an entry where it happens."""

    def __init__(self, system: LogSystem) -> None:
        super().__init__()
        self._system = system

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._system.put(Entry.of(record))
        except Exception:  # noqa: BLE001 - a log call must not break its caller; the standard hook reports it
            self.handleError(record)


class _Writer:
    """Writes entries to the file and the console; lives on the writer thread."""

    def __init__(self, options: LogOptions, redactor: Redactor) -> None:
        self._options = options
        self._redactor = redactor
        self._hostname = os.uname().nodename
        self._file_level, self._console_level = LEVELS[options.level], LEVELS[options.console_level]
        self._broken = False
        self.file = LogFile(
            options.folder,
            fixed=options.file,
            max_bytes=options.max_file_bytes,
            create_folder=options.create_folder,
        )
        if not options.create_folder and options.file is None and not options.folder.is_dir():
            self._broken = True

    def write(self, entry: Entry) -> None:
        if entry.levelno >= self._file_level and not self._broken:
            self._to_file(entry)
        if entry.levelno >= self._console_level:
            self._to_console(entry)

    def close(self) -> None:
        self.file.close()

    def _to_file(self, entry: Entry) -> None:
        try:
            self.file.write(file_line(entry, self._redactor.redact, self._hostname))
        except Unavailable as error:
            self._broken = True
            _print(sys.stderr, f"openclaw: {error.message} Logging goes to the console only.\n")

    def _to_console(self, entry: Entry) -> None:
        stream = sys.stderr if entry.levelno >= logging.WARNING or self._options.to_stderr else sys.stdout
        terminal = _is_terminal(stream)
        style = self._options.style or ("pretty" if terminal else "compact")
        colour = terminal if self._options.colour is None else self._options.colour
        _print(
            stream,
            console_line(
                entry, self._redactor.redact_shown, style, colour=colour and style != "json", stamp=self._options.stamp
            ),
        )


def _dropped_entry(last: Entry, count: int) -> Entry:
    message = f"{count} log messages were dropped because they came faster than they could be written"
    return Entry(last.time_ms, "WARN", logging.WARNING, "logs", message, "", {}, {})


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (ValueError, AttributeError):
        return False


def _print(stream: TextIO, text: str) -> None:
    """Write to a console that may be closed or unable to show a character."""
    try:
        encoding = cast("str | None", getattr(stream, "encoding", None)) or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except (OSError, ValueError, AttributeError):
        return
