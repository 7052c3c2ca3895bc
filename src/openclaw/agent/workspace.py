"""The workspace's own files: written once for a newcomer, read into every prompt (agent.md 3.7, config.md 5.4).

The agent may write here, so nothing is followed: a file that is a link counts only when it points to a plain name in
the workspace itself, and everything is opened below the workspace's own descriptor.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.agent.bootstrap_texts import TEMPLATES
from openclaw.policy.what.labels import CLEAN, Confidentiality, Integrity, Label
from openclaw.state.files import private_dir, why
from openclaw.system.errors import Unavailable
from openclaw.system.file_walk import still_named

log = logging.getLogger(__name__)

ALWAYS: Final = ("AGENTS.md", "SOUL.md", "TOOLS.md", "IDENTITY.md", "USER.md", "HEARTBEAT.md")
FIRST_RUN: Final = "BOOTSTRAP.md"
MEMORY: Final = ("MEMORY.md", "memory.md")
SUBAGENT_FILES: Final = ("AGENTS.md", "TOOLS.md")
HEAD_SHARE: Final = 0.7
TAIL_SHARE: Final = 0.2
_READ_LIMIT: Final = 2 * 1024 * 1024
_NO_FOLLOW: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_OURS: Final = frozenset(hashlib.sha256(text.encode()).hexdigest() for text in TEMPLATES.values())


@dataclass(frozen=True, slots=True)
class InjectedFile:
    """One file as the prompt shows it.

    Attributes:
        name: name in the workspace.
        text: its content, cut to size; a marker when it is missing.
        label: label of its words.
    """

    name: str
    text: str
    label: Label = CLEAN


def create_missing(workspace: Path) -> tuple[str, ...]:
    """Write the templates that are missing and return their names; nothing is ever overwritten.

    `BOOTSTRAP.md` is written only where none of the others was there.

    Raises:
        Unavailable: the workspace cannot be made or written.
    """
    private_dir(workspace)
    brand_new = not any((workspace / name).is_symlink() or (workspace / name).exists() for name in ALWAYS)
    names = (*ALWAYS, FIRST_RUN) if brand_new else ALWAYS
    made: list[str] = []
    for name in names:
        try:
            if _create(workspace / name, TEMPLATES[name]):
                made.append(name)
        except OSError as error:
            for written in (*made, name):  # half a set would count as a workspace that somebody has begun
                (workspace / written).unlink(missing_ok=True)
            told = f"cannot write {workspace / name}: {why(error)}"
            raise Unavailable(told, code="workspace-unwritable") from error
    return tuple(made)


def _create(path: Path, text: str) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True


class Bootstrap:
    """Reads the injected files; a file that did not change is not read again."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, str], tuple[tuple[int, int, int], str]] = {}

    def files(self, workspace: Path, *, subagent: bool, memory: bool, limit: int) -> tuple[InjectedFile, ...]:
        """Return the files in their order (agent.md 3.7).

        Args:
            workspace: the agent's workspace.
            subagent: only `AGENTS.md` and `TOOLS.md`.
            memory: the long-term memory may be shown here.
            limit: characters of each file.
        """
        try:
            folder = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            folder = -1
        try:
            names: Sequence[str] = SUBAGENT_FILES if subagent else ALWAYS
            found = [_shown(name, self._read(folder, workspace, name), limit) for name in names]
            if not subagent:
                optional = (FIRST_RUN, *(MEMORY if memory else ()))
                found += self._optional(folder, workspace, optional, limit)
            return tuple(found)
        finally:
            if folder >= 0:
                os.close(folder)

    def _optional(self, folder: int, workspace: Path, names: Sequence[str], limit: int) -> list[InjectedFile]:
        texts: dict[str, str] = {}
        for name in names:
            text = self._read(folder, workspace, name)
            if text is not None and text not in texts.values():
                texts[name] = text
        return [_shown(name, text, limit) for name, text in texts.items()]

    def _read(self, folder: int, workspace: Path, name: str) -> str | None:
        if folder < 0:
            return None
        opened = _open(folder, name)
        if opened is None:
            return None
        with os.fdopen(opened[0], "rb") as file:
            found = os.fstat(file.fileno())
            if not _is_plain(file.fileno(), found, folder, opened[1]):
                log.warning("%s in the workspace is no plain file and is not shown to the model", name)
                return None
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
            known = self._known.get((workspace, name))
            if known is None or known[0] != stamp:
                text = file.read(_READ_LIMIT).decode("utf-8", "replace")
                known = self._known[workspace, name] = (stamp, text)
        return known[1]


def _open(folder: int, name: str) -> tuple[int, str] | None:
    """Return a descriptor and the name that was opened, which a link in the workspace may have told."""
    try:
        return os.open(name, _NO_FOLLOW, dir_fd=folder), name
    except FileNotFoundError:
        return None
    except OSError:
        target = _plain_target(folder, name)
        if target is None:
            log.warning("%s in the workspace is a link that leaves it and is not shown to the model", name)
            return None
    try:
        return os.open(target, _NO_FOLLOW, dir_fd=folder), target
    except OSError:
        return None


def _is_plain(descriptor: int, found: os.stat_result, folder: int, name: str) -> bool:
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        return False
    try:
        return still_named(descriptor, folder, name)
    except OSError:
        return False


def _plain_target(folder: int, name: str) -> str | None:
    """Return where a link points when that is a plain name beside it."""
    try:
        target = os.readlink(name, dir_fd=folder)
    except OSError:
        return None
    return target if "/" not in target and target not in {"", ".", ".."} else None


def _shown(name: str, text: str | None, limit: int) -> InjectedFile:
    if text is None:
        return InjectedFile(name, f"[missing: {name}]")
    return InjectedFile(name, shortened(text.strip(), limit), _label(name, text))


def _label(name: str, text: str) -> Label:
    """Return the label of a file: our own templates are ours, everything else may have been written by a tool."""
    if name in MEMORY:
        return Label(Integrity.LOCAL, Confidentiality.PRIVATE)
    ours = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() in _OURS
    return CLEAN if ours else Label(integrity=Integrity.LOCAL)


def shortened(text: str, limit: int) -> str:
    """Return a text of at most about `limit` characters: its head and its tail with a marker between."""
    if len(text) <= limit:
        return text
    head, tail = int(limit * HEAD_SHARE), int(limit * TAIL_SHARE)
    return f"{text[:head]}\n\n[{len(text) - head - tail} characters are left out here]\n\n{text[-tail:]}"
