"""Where a path in a tool argument leads, judged from its text; `system/files.py` walks there and asks again.

Text alone never proves a file harmless: links, hard links and other names are found while walking, and what the walk
found about the state directory is judged here too (exec.md 4.9).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from openclaw.policy.verdict import Outcome, Reason

MAX_PATH_BYTES: Final = 4096
_SPACES: Final = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_FILE_URL: Final = re.compile(r"file:", re.IGNORECASE)
_UNBOUNDED_REFUSED: Final = ("proc", "sys")


class Access(StrEnum):
    """What is to be done with the file."""

    READ = "read"
    WRITE = "write"


class Why(StrEnum):
    """Why a path is refused; the codes of exec.md 4.9 and its cases."""

    OUTSIDE = "outside"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    MALFORMED = "malformed"
    NOT_A_FILE = "not-a-file"
    NOT_A_DIRECTORY = "not-a-directory"
    READ_ONLY = "read-only"
    PROTECTED = "protected"


_KEYS: Final = {
    Why.OUTSIDE: "tools.fs.workspaceOnly",
    Why.READ_ONLY: "agents.defaults.sandbox.workspaceAccess",
}
_DETAILS: Final = {
    Why.HARDLINK: "{path} has more than one name (hard link), so its content may belong elsewhere; use exec for it.",
    Why.MALFORMED: "This path is not usable: {path}",
    Why.NOT_A_FILE: "{path} is not a regular file.",
    Why.NOT_A_DIRECTORY: "A part of {path} is not a directory.",
    Why.READ_ONLY: "{path} is read-only in this session (agents.defaults.sandbox.workspaceAccess).",
    Why.PROTECTED: "{path} belongs to openclaw's own state, which no tool may touch; no setting lifts this.",
}


@dataclass(frozen=True, slots=True)
class Mount:
    """A second name of a host directory, as the sandbox sees it.

    Attributes:
        path: absolute path inside the sandbox (`/workspace`, `/agent`).
        host: absolute path of the directory on this machine.
        writable: whether file tools may write below it.
    """

    path: str
    host: str
    writable: bool = True


@dataclass(frozen=True, slots=True)
class StateParts:
    """What lies below the state directory and may be touched there.

    Attributes:
        root: absolute path of the state directory.
        workspaces: workspaces below it, as their parts relative to it; made by `StateParts.at`.
        files: absolute paths of further files that are as protected as the state (a config file elsewhere, includes).
    """

    root: str
    workspaces: tuple[tuple[str, ...], ...] = ()
    files: tuple[str, ...] = ()

    @classmethod
    def at(cls, root: str, *, workspaces: Sequence[str] = (), files: Sequence[str] = ()) -> StateParts:
        """Return the parts of the state directory `root`.

        A workspace elsewhere does not matter here, and one that holds or lies in a reserved part (the state directory
        itself, `credentials/`, `agents/<id>/sessions`) opens nothing.
        """
        below = (_below(parts_of(path), parts_of(root)) for path in workspaces)
        return cls(root, tuple(parts for parts in below if parts and not _reserved(parts)), tuple(files))


@dataclass(frozen=True, slots=True)
class FileRoots:
    """The bounds of one session's file tools.

    Attributes:
        cwd: absolute directory that relative paths start from; with `bounded`, the root that holds everything.
        home: absolute home directory, for `~`.
        bounded: whether anything outside the root and its mounts is refused.
        mounts: sandbox names of host directories.
        writable: whether the root itself may be written.
        state: the protected state directory; None only where no openclaw state exists.
        allow_hardlinks: accept files with several names; for folders that only this program fills.
    """

    cwd: str
    home: str
    bounded: bool = True
    mounts: tuple[Mount, ...] = ()
    writable: bool = True
    state: StateParts | None = None
    allow_hardlinks: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: the directory to open first and the names to follow from there.

    Attributes:
        root: absolute path of that directory.
        parts: names below it; none of them is empty, `.` or `..`.
        directory_only: the text ended in a slash, so only a directory can be meant.
        shown: the path for messages.
    """

    root: str
    parts: tuple[str, ...]
    directory_only: bool
    shown: str

    @property
    def path(self) -> str:
        """Return the absolute host path; for messages and audit, not for opening."""
        return "/" + "/".join((*parts_of(self.root), *self.parts))


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """The answer: a place to walk to, or the reason against it."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    place: Place | None = None

    @property
    def decided_by(self) -> Reason:
        """Return the rule that decided."""
        return self.reasons[-1]


def judge_path(text: str, access: Access, roots: FileRoots) -> PathVerdict:
    """Judge the text of a path argument (exec.md 4.9, rules 1, 2, 6 and the part of P10 that needs no file).

    Args:
        text: the argument as the model wrote it.
        access: what is to be done.
        roots: the session's bounds.
    """
    path = _spelled_out(text, roots.home)
    if path is None:
        return refuse_path(Why.MALFORMED, text, roots)
    directory_only = path.endswith(("/", "/.", "/..")) or path in {".", ".."}
    absolute = path if path.startswith("/") else f"{roots.cwd}/{path}"
    return judge_absolute(absolute, text, access, roots, directory_only=directory_only)


def judge_absolute(path: str, text: str, access: Access, roots: FileRoots, *, directory_only: bool) -> PathVerdict:
    """Judge an absolute path that stands for the argument `text`; for callers that resolved links themselves.

    Args:
        path: absolute; taken literally but for `.`, `..` and empty names.
        text: what to call it in messages.
        access: what is to be done.
        roots: the session's bounds.
        directory_only: whether the argument can only mean a directory.
    """
    found = _contain(parts_of(path), roots)
    if found is None:
        return refuse_path(Why.OUTSIDE, text, roots)
    root, below, writable = found
    place = Place(root, below, directory_only, shown(text))
    if access is Access.WRITE and not writable:
        return refuse_path(Why.READ_ONLY, text, roots)
    if not roots.bounded and below and below[0] in _UNBOUNDED_REFUSED:
        return refuse_path(Why.NOT_A_FILE, text, roots)
    if roots.state is not None:
        inside = _below(parts_of(place.path), parts_of(roots.state.root))
        if inside is not None and judge_state_part(inside, access, roots.state) is Outcome.DENY:
            return refuse_path(Why.PROTECTED, text, roots)
    rule = "inside" if roots.bounded else "open"
    return PathVerdict(Outcome.ALLOW, (Reason(rule, detail=f"{place.shown} may be walked to."),), place)


def judge_state_part(parts: Sequence[str], access: Access, state: StateParts) -> Outcome:
    """Judge a file by its names below the state directory (advisories P10). No setting changes the answer.

    Args:
        parts: names from the state directory to the file.
        access: what is to be done.
        state: the state directory and the workspaces in it.
    """
    match list(parts):
        case ["sandboxes" | "media" | "canvas", *_]:
            return Outcome.ALLOW
        case ["browser", _, "downloads", *_]:
            return Outcome.ALLOW
        case ["skills", *_]:
            return Outcome.ALLOW if access is Access.READ else Outcome.DENY
        case [first, *_] if first == "workspace" or first.startswith("workspace-"):
            return Outcome.ALLOW
    if any(tuple(parts[: len(workspace)]) == workspace for workspace in state.workspaces):
        return Outcome.ALLOW
    return Outcome.DENY


def refuse_path(why: Why, text: str, roots: FileRoots) -> PathVerdict:
    """Return the refusal of `text` for one reason, in the words that the model and the user see."""
    path = shown(text)
    if why is Why.OUTSIDE:
        detail = f"Path escapes sandbox root ({short(roots.cwd, roots.home)}): {path}"
    elif why is Why.SYMLINK:
        detail = f"Symlink not allowed in sandbox path: {path}"
    else:
        detail = _DETAILS[why].format(path=path)
    return PathVerdict(Outcome.DENY, (Reason(str(why), _KEYS.get(why), detail),))


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names of an absolute path with `.`, `..` and empty names resolved by text alone."""
    names: list[str] = []
    for name in path.split("/"):
        if name == "..":
            del names[-1:]
        elif name not in {"", "."}:
            names.append(name)
    return tuple(names)


def shown(text: str) -> str:
    """Return a path for messages: control characters escaped, at most 300 characters."""
    visible = "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in text[:300])
    return visible if len(text) <= 300 else f"{visible}… ({len(text)} characters)"


def short(path: str, home: str) -> str:
    """Return a path with the home directory written as `~`."""
    below = _below(parts_of(path), parts_of(home))
    return path if below is None or home == "/" else "/".join(("~", *below))


def _spelled_out(text: str, home: str) -> str | None:
    """Return the path that `text` means, or None when it cannot be one (rule 1)."""
    path = _SPACES.sub(" ", text.removeprefix("@"))
    if _FILE_URL.match(path):
        rest = path[5:].removeprefix("//")
        if not rest.startswith("/") or rest.startswith("//"):
            return None  # a host, which would be a network share, or no absolute path
        path = unquote(rest, errors="surrogateescape")
    if not path.strip() or "\0" in path or _SURROGATE.search(path) or len(path.encode()) > MAX_PATH_BYTES:
        return None
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    return path


def _contain(parts: tuple[str, ...], roots: FileRoots) -> tuple[str, tuple[str, ...], bool] | None:
    """Return the root, the names below it and its writability, or None when nothing holds the path (rule 2)."""
    if not roots.bounded:
        return "/", parts, roots.writable
    below = _below(parts, parts_of(roots.cwd))
    if below is not None:
        return roots.cwd, below, roots.writable
    for mount in roots.mounts:
        below = _below(parts, parts_of(mount.path))
        if below is not None:
            return mount.host, below, roots.writable and mount.writable
    return None


def _below(parts: tuple[str, ...], root: tuple[str, ...]) -> tuple[str, ...] | None:
    return parts[len(root) :] if parts[: len(root)] == root else None


_RESERVED: Final = frozenset(
    {
        *(
            "agents",
            "browser",
            "completions",
            "credentials",
            "cron",
            "devices",
            "dns",
            "extensions",
            "gateway",
            "hooks",
        ),
        *("identity", "journal", "ledger", "logs", "memory", "nodes", "sandbox", "settings", "skills", "subagents"),
        *("telegram", "tools"),
    }
)
"""First names below the state directory that a configured workspace may not claim."""


def _reserved(parts: tuple[str, ...]) -> bool:
    if parts[0] == "agents":
        return len(parts) < 3 or parts[2] in {"agent", "sessions", "qmd"}
    return parts[0] in _RESERVED
