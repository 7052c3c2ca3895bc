"""What the scan finds. No finding ever holds a secret."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from openclaw.config.issues import Parts


class Kind(StrEnum):
    """What kind of place a secret stands in."""

    CONFIG = "config"
    """A leaf of the config that the schema marks as a secret."""
    CONFIG_UNMARKED = "config-unmarked"
    """A text of the config whose name or form says that it is one."""
    CONFIG_URL = "config-url"
    """An address of the config that holds one."""
    CONFIG_BACKUP = "config-backup"
    """The same in a backup of the config."""
    ENV_FILE = "env-file"
    """A variable of `<state>/.env`."""
    AUTH_PROFILE = "auth-profile"
    """A model credential of an agent."""
    CREDENTIAL_FILE = "credential-file"
    """A file that is made to hold one."""
    TRANSCRIPT = "transcript"
    """What people or tools wrote."""
    LOG = "log"
    """A log line."""


MOVABLE = frozenset({Kind.CONFIG, Kind.CONFIG_UNMARKED, Kind.CONFIG_URL})
"""Kinds that can be moved out of the config."""
AT_HOME = frozenset({Kind.ENV_FILE, Kind.AUTH_PROFILE, Kind.CREDENTIAL_FILE})
"""Kinds that lie where secrets belong: in private files that are not passed around."""


@dataclass(frozen=True, slots=True)
class PlainSecret:
    """One place.

    Attributes:
        file: the file.
        path: where in it: a dotted path, a variable, lines; "" is the whole file.
        kind: what kind of place.
        parts: the path from the root of the whole config, for places in it.
    """

    file: Path
    path: str
    kind: Kind
    parts: Parts = field(default=(), compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return the wire form (config.md 4.2)."""
        return {"file": str(self.file), "path": self.path, "kind": self.kind.value}
