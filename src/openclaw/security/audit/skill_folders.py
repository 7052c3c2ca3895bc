"""Where skills lie, which of them the seed would load, and which lead out of their workspace (audit.md 5, 9.1)."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.config.places import agent_workspace
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.audit.context import Workspaces
from openclaw.security.audit.look import Kind, Looker
from openclaw.security.audit.reading import Reading
from openclaw.security.audit.values import at, entries

SKILL: Final = "SKILL.md"
_PLUGINS: Final = ".openclaw/extensions"
_MAX_SKILLS: Final = 2000
_MAX_NAMES: Final = 40_000
_MAX_DEPTH: Final = 32
_HEAD_BYTES: Final = 64 * 1024
_FRONT: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?---[ \t]*\r?\n(.{0,32768}?)\n---", re.DOTALL)
_NAME: Final = re.compile(rb"^name:[ \t]*([^\n]{1,200})", re.MULTILINE)
_DESCRIPTION: Final = re.compile(rb"^description:[ \t]*(?:[^\s]|\n[ \t]+\S)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Skill:
    """A folder with a SKILL.md; `loads` tells whether its head is what a loader accepts."""

    name: str
    folder: Path
    loads: bool


def workspaces(reading: Reading) -> tuple[Path, ...]:
    """Return the workspaces of every listed agent and then of the default one, each once."""
    names = [*(normalise_agent_id(entry.get("id")) for entry in reading.agents), reading.default_agent]
    found = [agent_workspace(reading.document, name, reading.layout, reading.environment) for name in names]
    return tuple(dict.fromkeys(found))


def look_at_workspaces(reading: Reading, looker: Looker) -> Workspaces:
    """Return the skill files of the workspaces that lie elsewhere, and the plugin folders."""
    homes = workspaces(reading)
    escapes: list[tuple[Path, Path]] = []
    cut: list[Path] = []
    for workspace in homes:
        folder = workspace / "skills"
        seen = looker.look(folder)
        if seen is None or seen.kind not in (Kind.FOLDER, Kind.LINK):
            continue
        walk = _Walk(follow=True)
        home = Path(os.path.realpath(workspace))
        for path in walk.skills(folder):
            target = Path(os.path.realpath(path))
            if not target.is_relative_to(home):
                escapes.append((path, target))
        if walk.cut:
            cut.append(workspace)
    return Workspaces(
        plugins=tuple(_plugin_folders(reading, homes, looker)),
        loaded=tuple(_loaded(reading, homes)),
        escapes=tuple(escapes),
        cut=tuple(cut),
    )


def _plugin_folders(reading: Reading, homes: tuple[Path, ...], looker: Looker) -> Iterator[Path]:
    for home in homes:
        place = home / _PLUGINS
        if place != reading.layout.root / "extensions" and next(looker.folder(place), None) is not None:
            yield place


def _loaded(reading: Reading, homes: tuple[Path, ...]) -> Iterator[Path]:
    for text in entries(at(reading.document, "plugins", "load", "paths")):
        path = Path(os.path.realpath(reading.environment.expand(text)))
        if any(path.is_relative_to(os.path.realpath(home)) for home in homes):
            yield path


class _Walk:
    """Looks for SKILL.md below a folder, within limits; linked folders are followed when asked, each place once."""

    def __init__(self, *, follow: bool = False) -> None:
        self._follow = follow
        self._names = 0
        self._met: set[tuple[int, int]] = set()
        self.cut = False

    def skills(self, root: Path) -> Iterator[Path]:
        """Yield the skill files, folder by folder."""
        stack, found = [(root, 0)], 0
        while stack:
            folder, depth = stack.pop()
            below: list[tuple[Path, int]] = []
            for entry in self._entries(folder):
                if entry.name == SKILL:
                    found += 1
                    if found > _MAX_SKILLS:
                        self.cut = True
                        return
                    yield folder / SKILL
                elif depth < _MAX_DEPTH and self._is_folder(entry):
                    below.append((folder / entry.name, depth + 1))
            stack += reversed(below)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        try:
            with os.scandir(folder) as names:
                for entry in names:
                    self._names += 1
                    if self._names > _MAX_NAMES:
                        self.cut = True
                        break
                    if not entry.name.startswith(".") and entry.name != "node_modules":
                        found.append(entry)
        except OSError:
            return found
        return sorted(found, key=lambda entry: os.fsencode(entry.name))

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        try:
            found = entry.stat(follow_symlinks=self._follow)
        except OSError:
            return False
        if not stat.S_ISDIR(found.st_mode) or (found.st_dev, found.st_ino) in self._met:
            return False
        self._met.add((found.st_dev, found.st_ino))
        return True


def installed_skills(reading: Reading, looker: Looker) -> Iterator[Skill]:
    """Yield every skill folder that is neither bundled nor a plugin's, each once.

    Of equal names in the extra folders, `<state>/skills` and a workspace the last one loads.
    """
    extra = [reading.environment.expand(text) for text in entries(at(reading.document, "skills", "load", "extraDirs"))]
    extensions = reading.layout.root / "extensions"
    told: dict[Path, Skill] = {}
    for workspace in workspaces(reading):
        by_name: dict[str, Skill] = {}
        for root in (*extra, reading.layout.root / "skills", workspace / "skills"):
            for path in _Walk().skills(root) if root.is_absolute() else ():
                skill = _read(path, looker)
                told.setdefault(skill.folder, Skill(skill.name, skill.folder, loads=False))
                if skill.loads:
                    by_name[skill.name] = skill
        told.update({skill.folder: skill for skill in by_name.values()})
    yield from (skill for skill in told.values() if not skill.folder.is_relative_to(extensions))


def _read(path: Path, looker: Looker) -> Skill:
    content = looker.read(path, 1024 * 1024, follow=True) or b""
    head = _FRONT.match(content[:_HEAD_BYTES])
    if head is None:
        return Skill(path.parent.name, path.parent, loads=False)
    named = _NAME.search(head.group(1))
    name = named.group(1).decode("utf-8", "replace").strip().strip("\"'") if named else ""
    return Skill(name or path.parent.name, path.parent, loads=_DESCRIPTION.search(head.group(1)) is not None)
