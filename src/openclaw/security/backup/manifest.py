"""The manifest of an archive: every file with its size, mode and SHA-256. It holds no content, and so no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.security.backup.names import WORKSPACES, fault_of
from openclaw.system.errors import InvalidInput

KIND: Final = "openclaw-backup"
VERSION: Final = 1
LIMIT: Final = 256 * 1024 * 1024
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_AGENT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file: its name in the archive, bytes, permission bits and digest."""

    path: str
    size: int
    mode: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds.

    Attributes:
        created_at: ISO time.
        version: version of openclaw that made it.
        config: name of the main config in the archive; None when there was none.
        workspaces: place of each agent's workspace outside the state, with `~` for the home directory.
        files: every file.
        folders: (name, permission bits) of every directory.
        skipped: (name, why) of what was left out.
    """

    created_at: str
    version: str
    config: str | None
    workspaces: Mapping[str, str]
    files: tuple[FileEntry, ...]
    folders: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(entry.size for entry in self.files)

    def render(self) -> bytes:
        """Return the text of the manifest."""
        document = {
            "kind": KIND,
            "version": VERSION,
            "createdAt": self.created_at,
            "openclawVersion": self.version,
            "config": self.config,
            "workspaces": dict(self.workspaces),
            "files": [
                {"path": one.path, "size": one.size, "mode": f"{one.mode:o}", "sha256": one.sha256}
                for one in self.files
            ],
            "folders": [{"path": path, "mode": f"{mode:o}"} for path, mode in self.folders],
            "skipped": [{"path": path, "why": why} for path, why in self.skipped],
        }
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def read_manifest(content: bytes) -> Manifest:
    """Return the manifest that a text states.

    Raises:
        InvalidInput: it is none, or of another version, or names something that no backup holds.
    """
    try:
        document = json.loads(content.decode("utf-8", "surrogatepass"))
        if document["kind"] != KIND or document["version"] != VERSION:
            raise InvalidInput("the archive is no backup of openclaw that this version reads", code="backup-foreign")
        config = document["config"]
        found = Manifest(
            created_at=_text(document["createdAt"]),
            version=_text(document["openclawVersion"]),
            config=None if config is None else _name(config),
            workspaces={_agent(key): _text(value) for key, value in dict(document["workspaces"]).items()},
            files=tuple(_file(row) for row in document["files"]),
            folders=tuple((_name(row["path"]), _mode(row["mode"])) for row in document["folders"]),
            skipped=tuple((_text(row["path"]), _text(row["why"])) for row in document["skipped"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidInput("the manifest of the archive is damaged", code="backup-damaged") from None
    areas = {path.split("/")[1] for path, _ in found.folders if path.startswith(f"{WORKSPACES}/")}
    if not areas <= set(found.workspaces):
        raise InvalidInput("the manifest holds a workspace without a place", code="backup-damaged")
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def _name(value: Any) -> str:
    name = _text(value)
    problem = fault_of(name)
    if problem is not None:
        raise InvalidInput(f"the manifest names {name!r}: {problem}", code="backup-unsafe")
    return name


def _agent(value: Any) -> str:
    if not isinstance(value, str) or not _AGENT.fullmatch(value):
        raise TypeError("agent")
    return value


def _mode(value: Any) -> int:
    return int(_text(value), 8) & 0o777


def _file(row: Any) -> FileEntry:
    size, digest = row["size"], _text(row["sha256"])
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or not _DIGEST.fullmatch(digest):
        raise TypeError("file")
    return FileEntry(_name(row["path"]), size, _mode(row["mode"]), digest)
