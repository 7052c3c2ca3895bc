"""`media`: files that are received (config.md 3.16)."""

from openclaw.config.base import Block


class Media(Block):
    """Files that are received."""

    preserve_filenames: bool | None = None
    """Keep their names. Default: false."""
