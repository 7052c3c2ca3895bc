"""Keeps file tools out of openclaw's own state by what files are, not by what they are called (advisories P10)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.paths import Access, StateParts, judge_state_part
from openclaw.system.file_walk import Identity, ancestors, identity, identity_of, names_above, open_root

SCAN_LIMIT: Final = 50_000
"""Files looked at when a file has several names; a state larger than that counts as holding it."""


class StateGuard:
    """Judges directories and files against one state directory by device and inode."""

    def __init__(self, state: StateParts) -> None:
        self._state = state
        self._parts: dict[Identity, str] = {}
        self._parts_stamp = -1

    def judge(self, folder: int, names: tuple[str, ...], access: Access) -> Outcome:
        """Judge the file or directory that lies at `names` below an open directory.

        Climbing from the directory finds the state under any name it may have; a part of the state that was mounted
        elsewhere is known by its own identity.
        """
        root = identity_of(self._state.root)
        if self._is_protected_name(folder, names):
            return Outcome.DENY
        if root is None:
            return Outcome.ALLOW
        parts = self._top_level()
        try:
            for height, here in enumerate(ancestors(folder)):
                if here == root:
                    above = names_above(folder, height)
                    inside = None if above is None else (*above, *names)
                    return Outcome.DENY if inside is None else judge_state_part(inside, access, self._state)
                if here in parts:
                    above = names_above(folder, height) or []
                    return judge_state_part((parts[here], *above, *names), access, self._state)
        except OSError:
            return Outcome.DENY
        return Outcome.ALLOW

    def judge_file(self, found: os.stat_result) -> Outcome:
        """Judge an opened file by its identity: a protected file may have a second name anywhere."""
        this = identity(found)
        if any(identity_of(path) == this for path in self._state.files):
            return Outcome.DENY
        if found.st_nlink > 1 and self._holds(self._state.root, this):
            return Outcome.DENY
        return Outcome.ALLOW

    def _is_protected_name(self, folder: int, names: tuple[str, ...]) -> bool:
        """Tell whether the name is that of a protected file outside the state, whether it exists or not."""
        if len(names) != 1:
            return False
        here = identity(os.fstat(folder))
        for path in self._state.files:
            directory, name = os.path.split(path)
            if name == names[0] and identity_of(directory) == here:
                return True
        return False

    def _top_level(self) -> dict[Identity, str]:
        """Return the directories right below the state by identity; read again when the state directory changed."""
        try:
            stamp = Path(self._state.root).stat().st_mtime_ns
            if stamp != self._parts_stamp:
                with os.scandir(self._state.root) as entries:
                    found = {identity(entry.stat()): entry.name for entry in entries if entry.is_dir()}
                for above in _ancestors_of(self._state.root):  # a link in the state to what holds it protects nothing
                    found.pop(above, None)
                self._parts, self._parts_stamp = found, stamp
        except OSError:
            return {}
        return self._parts

    def _holds(self, directory: str, wanted: Identity) -> bool:
        """Tell whether the protected part of the state has a name for a file."""
        seen = 0
        stack: list[tuple[str, tuple[str, ...]]] = [(directory, ())]
        while stack:
            path, parts = stack.pop()
            try:
                with os.scandir(path) as entries:
                    for entry in entries:
                        seen += 1
                        if seen > SCAN_LIMIT:
                            return True
                        inside = (*parts, entry.name)
                        if judge_state_part(inside, Access.READ, self._state) is Outcome.ALLOW:
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            stack.append((entry.path, inside))
                        elif identity(entry.stat(follow_symlinks=False)) == wanted:
                            return True
            except OSError:
                continue
        return False


def _ancestors_of(path: str) -> list[Identity]:
    fd = open_root(path)
    try:
        return list(ancestors(fd))
    finally:
        os.close(fd)
