"""The state directory: there, ours, private, whole (config.md 2.2, 5.1 row 13; advisory K16)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.model import ERROR, NOTE, WARN, Found, check, count, plain
from openclaw.security.doctor.repairs.files import Loose, MakeDirectories, Tighten
from openclaw.security.state_tree import Node

TITLE: Final = "State directory"
OPEN_FOLDERS: Final = frozenset({"skills", "hooks", "canvas", "completions", "dns"})
"""Folders of the state directory that hold nothing private; the directory itself keeps others out."""
_SOCKETS: Final = frozenset({"exec-approvals.sock"})
_EXAMPLES: Final = 3


def private_nodes(context: DoctorContext) -> Iterator[Node]:
    """Yield what must be private below the root."""
    for node in context.state.nodes.values():
        if node.path and node.path.partition("/")[0] not in OPEN_FOLDERS:
            yield node


def some(paths: Iterable[str]) -> str:
    """Return the first few names, and how many more there are."""
    listed = list(paths)
    more = f" and {len(listed) - _EXAMPLES} more" if len(listed) > _EXAMPLES else ""
    return ", ".join(listed[:_EXAMPLES]) + more


@check("state.directory", TITLE)
def directory(context: DoctorContext) -> Iterator[Found]:
    """The directory is there, a directory, and ours."""
    root, top = context.layout.root, context.state.top
    if context.machine.read_only:
        yield ERROR, f"The disk under {context.shown(root)} is mounted read-only, so nothing can be kept."
    if top is None:
        made = MakeDirectories((root,), (context.shown(root),))
        yield WARN, f"There is no state directory yet at {context.shown(root)}.", None, made
        return
    if top.kind != "directory":
        yield (
            ERROR,
            f"{context.shown(root)} is no directory.",
            "Move it away, or set OPENCLAW_STATE_DIR to another place.",
        )
        return
    if context.is_foreign:
        yield (
            ERROR,
            f"{context.shown(root)} belongs to user id {top.uid}, not to you ({context.machine.uid}). "
            "Nothing in it is repaired.",
            "Run doctor as that user, or set OPENCLAW_STATE_DIR to a directory of your own.",
        )
        return
    if not top.is_private:
        level = ERROR if top.mode & 0o022 else WARN
        verb = "written" if top.mode & 0o022 else "read"
        loose = Tighten(root, (Loose("", top.mode, directory=True),), context.shown(root))
        yield level, f"{context.shown(root)} can be {verb} by others (mode {top.mode:o}).", None, loose


@check("state.modes", TITLE)
def modes(context: DoctorContext) -> Iterator[Found]:
    """Files with secrets, transcripts and private messages are 0600, their directories 0700."""
    if context.is_foreign:
        return
    loose = [
        Loose(node.path, node.mode, node.kind == "directory")
        for node in private_nodes(context)
        if node.kind in ("file", "directory")
        and not node.is_private
        and node.uid == context.machine.uid
        and (node.kind == "directory" or node.links == 1)
    ]
    if loose:
        writable = any(one.mode & 0o022 for one in loose)
        what = count(len(loose), "file or directory", "files and directories")
        yield (
            ERROR if writable else WARN,
            f"Others can {'write' if writable else 'read'} {what}: {some(one.path for one in loose)}.",
            None,
            Tighten(context.layout.root, tuple(loose), context.shown(context.layout.root)),
        )


@check("state.config_mode", TITLE)
def config_mode(context: DoctorContext) -> Iterator[Found]:
    """The same for config files that lie elsewhere."""
    root = os.path.realpath(context.layout.root)
    for path, (mode, uid) in context.config_files.items():
        real = Path(os.path.realpath(path))
        if not mode & 0o077 or str(real).startswith(f"{root}/"):
            continue
        message = f"{context.shown(path)} can be {'written' if mode & 0o022 else 'read'} by others (mode {mode:o})."
        if uid != context.machine.uid:
            yield ERROR, f"{message} It belongs to user id {uid}."
            continue
        loose = (Loose(real.name, mode, directory=False),)
        yield ERROR if mode & 0o022 else WARN, message, None, Tighten(real.parent, loose, context.shown(real.parent))


@check("state.owners", TITLE)
def owners(context: DoctorContext) -> Iterator[Found]:
    """A file of another user in our state may have been put there."""
    if context.is_foreign:
        return
    foreign = [node.path for node in context.state.nodes.values() if node.uid != context.machine.uid]
    if foreign:
        command = f"sudo chown -R {context.machine.user} {context.shown(context.layout.root)}"
        yield (
            ERROR,
            f"{count(len(foreign), 'name')} in the state directory of somebody else: {some(foreign)}.",
            f"Look at them; if they are yours: {command}",
        )


@check("state.odd_files", TITLE)
def odd_files(context: DoctorContext) -> Iterator[Found]:
    """Links, pipes and files with several names are not what we write."""
    nodes = list(private_nodes(context))
    links = [node.path for node in nodes if node.kind == "link"]
    pipes = [node.path for node in nodes if node.kind == "other" and node.name not in _SOCKETS]
    several = [node.path for node in nodes if node.kind == "file" and node.links > 1]
    if links:
        yield NOTE, f"{count(len(links), 'link')}, which neither doctor nor backup follows: {some(links)}."
    if pipes:
        yield (
            WARN,
            f"{count(len(pipes), 'pipe, socket or device', 'pipes, sockets or devices')}: {some(pipes)}.",
            "Remove them if you do not know them.",
        )
    if several:
        yield WARN, f"{count(len(several), 'file')} with further names (hard links) somewhere: {some(several)}."
    if context.state.unreadable:
        yield WARN, f"Cannot be listed: {some(context.state.unreadable)}."
    if context.state.truncated:
        yield NOTE, "The state directory holds more files than doctor looks at."


@check("state.folders", TITLE)
def folders(context: DoctorContext) -> Iterator[Found]:
    """Credentials and the sessions of the default agent have their directories."""
    if context.state.top is None or context.state.top.kind != "directory" or context.is_foreign:
        return
    default = next((agent for agent in context.agents if agent.is_default), None)
    wanted = [context.layout.credentials, *((default.store.parent,) if default is not None else ())]
    missing = tuple(path for path in wanted if not path.is_dir())
    if missing:
        shown = tuple(context.shown(path) for path in missing)
        yield WARN, f"Missing: {', '.join(shown)}.", None, MakeDirectories(missing, shown)


@check("state.stores", TITLE)
def stores(context: DoctorContext) -> Iterator[Found]:
    """A store that is no JSON counts as empty, or refuses everything."""
    for path, why in context.faulty:
        yield ERROR, f"{path} cannot be read: {plain(why)}.", "Restore it from a backup, or move it away."
    for agent in context.agents:
        if agent.sessions_fault is not None:
            yield ERROR, f"Agent {agent.id}: its sessions cannot be read: {plain(agent.sessions_fault)}."


@check("state.transcripts", TITLE)
def transcripts(context: DoctorContext) -> Iterator[Found]:
    """A session whose transcript is gone begins anew."""
    for agent in context.agents:
        gone = [session.key for session in agent.sessions if not session.transcript]
        if gone:
            total = len(agent.sessions)
            yield (
                WARN,
                f"Agent {agent.id}: {len(gone)} of the {total} latest sessions have no transcript: {some(gone)}.",
            )
        if agent.main is not None and agent.main.transcript and (agent.main.lines or 0) <= 1:
            yield WARN, f"Agent {agent.id}: the transcript of the main session holds nothing."


CHECKS: Final = (directory, modes, config_mode, owners, odd_files, folders, stores, transcripts)
