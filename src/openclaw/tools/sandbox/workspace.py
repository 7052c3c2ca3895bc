"""The directory that a sandbox works in: which one, how it is made and seeded, what else is mounted (exec.md 4.2, 4.3).

Everything is written through guarded files or created exclusively by descriptor; no link is followed into or out of a
workspace (advisory J6).
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from openclaw.policy.what.paths import FileRoots, StateParts, parts_of
from openclaw.policy.what.paths import Mount as FileMount
from openclaw.policy.where.sandbox_mode import SHARED_KEY, SandboxSettings, WorkspaceAccess, scope_key, slug
from openclaw.state.files import private_dir
from openclaw.system.errors import ConfigInvalid, NotFound, OpenClawError, Unavailable
from openclaw.system.file_ops import owner_is_another
from openclaw.system.files import GuardedFiles
from openclaw.tools.sandbox.backend import Jail, Mount
from openclaw.tools.sandbox.binds import BindBounds, checked_binds
from openclaw.tools.sandbox.bwrap import SANDBOX_GID, SANDBOX_UID
from openclaw.tools.sandbox.settings import JailSettings, tmpfs_folders

SEED_NAMES: Final = ("AGENTS.md", "SOUL.md", "TOOLS.md", "IDENTITY.md", "USER.md", "BOOTSTRAP.md", "HEARTBEAT.md")
SEED_LIMIT: Final = 1024 * 1024
AGENT_MOUNT: Final = "/agent"
MEDIA_FOLDER: Final = "media/inbound"
MEDIA_LIMIT: Final = 64 * 1024 * 1024
_MAX_COPIES: Final = 1000


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the tools of one sandboxed session work.

    Attributes:
        key: what the sandbox is made for.
        active: host directory that is writable inside, at `workdir`.
        agent: host directory of the agent's own workspace.
        access: how that one appears inside.
        workdir: path of the active workspace inside.
        own: whether `active` belongs to the sandbox alone.
    """

    key: str
    active: Path
    agent: Path
    access: WorkspaceAccess
    workdir: str
    own: bool


def workspace_for(
    settings: SandboxSettings,
    jail: JailSettings,
    *,
    agent_id: str,
    session_key: str,
    agent_workspace: Path,
    sandboxes: Path,
    home: Path,
) -> Workspace:
    """Return the workspace of a session (exec.md 4.2); nothing is made."""
    key = scope_key(settings.scope, agent_id, session_key)
    own = settings.workspace_access is not WorkspaceAccess.RW
    root = _expanded(settings.workspace_root, home) if settings.workspace_root else sandboxes
    active = agent_workspace if not own else root if key == SHARED_KEY else root / slug(key)
    return Workspace(key, active, agent_workspace, settings.workspace_access, jail.workdir, own)


def _expanded(text: str, home: Path) -> Path:
    if text == "~" or text.startswith("~/"):
        return home / text[2:]
    return Path(text)


def prepare(workspace: Workspace, *, uid: int) -> None:
    """Make the workspace, seed it and, for a gateway that is root, hand it to the sandbox's user.

    Raises:
        Unavailable: it cannot be made.
    """
    if workspace.own:
        private_dir(workspace.active)
        seed(workspace.agent, workspace.active)
    elif not workspace.active.is_dir():
        raise Unavailable(f"The workspace {workspace.active} does not exist.", code="workspace-missing")
    if uid == 0:
        give_tree(workspace.active)


def seed(source: Path, target: Path) -> None:
    """Copy the bootstrap files that are missing; regular files only, created exclusively, never through a link."""
    if not source.is_dir():
        return
    files = GuardedFiles(FileRoots(cwd=str(source), home=str(source), bounded=True))
    folder = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in SEED_NAMES:
            if _exists(folder, name):
                continue
            with contextlib.suppress(OpenClawError):
                _create(folder, name, files.read_bytes(name, limit=SEED_LIMIT))
    finally:
        os.close(folder)


def _exists(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _create(folder: int, name: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, 0o644, dir_fd=folder)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "wb") as file:
        owner = os.fstat(folder)
        if owner_is_another(owner):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(content)


def give_tree(root: Path) -> None:
    """Hand what root owns below a directory to the sandbox's user; links as such, files with several names not at all.

    A tree whose top already belongs to that user is left alone: what is written later inherits its owner.
    """
    if root.stat().st_uid == SANDBOX_UID:
        return
    for _, folders, files, descriptor in os.fwalk(root, follow_symlinks=False):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                several = stat.S_ISREG(found.st_mode) and found.st_nlink > 1
                if found.st_uid == 0 and not several:
                    os.chown(name, SANDBOX_UID, SANDBOX_GID, dir_fd=descriptor, follow_symlinks=False)
    os.chown(root, SANDBOX_UID, SANDBOX_GID)


def jail_for(workspace: Workspace, settings: JailSettings, bounds: BindBounds) -> Jail:
    """Return the jail of a workspace.

    Raises:
        ConfigInvalid: a mount or folder is refused, or something is configured that only Docker can give.
    """
    mounts = [Mount(workspace.active, workspace.workdir, writable=True)]
    if workspace.access is WorkspaceAccess.RO:
        mounts.append(Mount(workspace.agent, AGENT_MOUNT))
    for mount in mounts:
        _check_uncovered(mount.source, bounds.state)
    return Jail(
        scope_key=workspace.key,
        workdir=workspace.workdir,
        mounts=(*mounts, *checked_binds(settings.binds, bounds)),
        tmpfs=tmpfs_folders(settings.tmpfs),
        env=settings.env,
        limits=settings.limits,
    )


def _check_uncovered(source: Path, state: str) -> None:
    """Refuse a workspace that holds the state directory: it would be visible inside."""
    place, inside = parts_of(os.path.realpath(source)), parts_of(os.path.realpath(state))
    if inside[: len(place)] == place:
        raise ConfigInvalid(
            f"the workspace {source} holds openclaw's state directory {state}, which no sandbox may see; "
            "set agents.defaults.workspace to a folder of its own"
        )


def file_roots(workspace: Workspace, *, home: Path, state: StateParts) -> FileRoots:
    """Return the bounds of the file tools: host path and path inside name the same files."""
    mounts = [FileMount(workspace.workdir, str(workspace.active))]
    if workspace.access is WorkspaceAccess.RO:
        mounts.append(FileMount(AGENT_MOUNT, str(workspace.agent), writable=False))
    return FileRoots(
        cwd=str(workspace.active),
        home=str(home),
        bounded=True,
        mounts=tuple(mounts),
        writable=workspace.access is not WorkspaceAccess.RO,
        state=state,
    )


def stage_media(sources: Iterable[str], *, media: Path, active: Path, state: StateParts, home: Path) -> dict[str, str]:
    """Copy media of a message into a sandbox workspace; return source to path relative to the workspace.

    A source outside the gateway's media folder, behind a link or with several names is left out.
    """
    inbound = GuardedFiles(FileRoots(cwd=str(media), home=str(home), bounded=True, state=state))
    inside = GuardedFiles(FileRoots(cwd=str(active), home=str(home), bounded=True, state=state))
    staged: dict[str, str] = {}
    for source in sources:
        with contextlib.suppress(OpenClawError):
            content = inbound.read_bytes(source, limit=MEDIA_LIMIT)
            name = _free_name(inside, PurePosixPath(source).name)
            inside.write(name, content)
            staged[source] = name
    return staged


def _free_name(files: GuardedFiles, name: str) -> str:
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
    for number in range(_MAX_COPIES):
        candidate = f"{MEDIA_FOLDER}/{stem}{f'-{number}' if number else ''}{suffix}"
        if not _taken(files, candidate):
            return candidate
    raise Unavailable(f"{MEDIA_FOLDER} holds too many files named {name}", code="media-full")


def _taken(files: GuardedFiles, path: str) -> bool:
    try:
        files.stat(path)
    except NotFound:
        return False
    return True
