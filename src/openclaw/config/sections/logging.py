"""`logging`: levels, file, masking, and anchors of the ledger (config.md 3.15, 3.17, 6; guard.md 4)."""

from typing import Literal

from openclaw.config.base import Block, LogLevel, NonEmpty, Positive, Texts, UrlText, block


class LedgerAnchor(Block):
    """A place outside the state directory that is told the head of the ledger; one of the three."""

    command: Texts | None = None
    """Program and arguments, by absolute path; it reads the head as one JSON line."""
    file: NonEmpty | None = None
    """A file that gets a JSON line each time; best on another machine or where lines can only be added."""
    url: UrlText | None = None
    """An address that the head is posted to as JSON."""


class LedgerLog(Block):
    """The record of decisions."""

    anchor: LedgerAnchor = block(LedgerAnchor)
    """Where its head is noted hourly and at stop, which finds a roll-back. Default: in the log only."""


class Logging(Block):
    """Levels, file and masking."""

    level: LogLevel | None = None
    """Level of the file. Default: info."""
    file: str | None = None
    """The file. Default: <state>/logs/openclaw-YYYY-MM-DD.log."""
    max_file_bytes: Positive | None = None
    """Size in bytes at which the file is rolled. Default: 104857600."""
    console_level: LogLevel | None = None
    """Level of the console. Default: info, debug with --verbose."""
    console_style: Literal["pretty", "compact", "json"] | None = None
    """Form of the console. Default: pretty on a terminal, else compact."""
    redact_sensitive: Literal["off", "tools"] | None = None
    """`off` ends pattern masking of tool summaries and console; files and secrets stay masked. Default: tools."""
    redact_patterns: Texts | None = None
    """Further patterns whose matches are masked. Default: none."""
    ledger: LedgerLog = block(LedgerLog)
    """The record of decisions."""
