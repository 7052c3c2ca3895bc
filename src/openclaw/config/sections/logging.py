"""`logging`: levels, file and masking (config.md 3.15, 6)."""

from typing import Literal

from openclaw.config.base import Block, LogLevel, Positive, Texts


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
