"""What lies below a directory, found by descriptor and through no link; the base of doctor, backup and secret scan."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from openclaw.system.file_walk import Walker, open_root
from openclaw.system.files import READ_LIMIT

NODE_LIMIT: Final = 200_000
MAX_DEPTH: Final = 64
NodeKind = Literal["file", "directory", "link", "other"]

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


@dataclass(frozen=True, slots=True)
class Node:
    """One name below the root; a link is named and never followed.

    Attributes:
        path: names from the root, joined by `/`; "" is the root itself.
        kind: what it is; `other` is a socket, pipe or device.
        mode: permission bits.
        uid: owner.
        size: bytes.
        modified_ns: time of the last change of its content.
        links: names that it has.
    """

    path: str
    kind: NodeKind
    mode: int
    uid: int
    size: int
    modified_ns: int
    links: int

    @property
    def name(self) -> str:
        """Return the last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the names from the root."""
        return tuple(self.path.split("/")) if self.path else ()

    @property
    def is_private(self) -> bool:
        """Tell whether only the owner may do anything with it."""
        return not self.mode & 0o077


@dataclass(frozen=True, slots=True)
class Tree:
    """What was found.

    Attributes:
        root: the directory.
        nodes: by path, parents before children; empty when there is no such directory.
        unreadable: directories that could not be listed.
        truncated: there are more than the limit.
    """

    root: Path
    nodes: Mapping[str, Node] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()
    truncated: bool = False

    @property
    def top(self) -> Node | None:
        """Return the root; None when it does not exist."""
        return self.nodes.get("")

    def get(self, path: str) -> Node | None:
        """Return a node by its path."""
        return self.nodes.get(path)

    def below(self, *folders: str) -> Iterator[Node]:
        """Yield everything below the folders, which are not yielded themselves."""
        prefixes = tuple(f"{folder}/" for folder in folders)
        for node in self.nodes.values():
            if node.path.startswith(prefixes):
                yield node

    def children(self, folder: str) -> Iterator[Node]:
        """Yield what lies right in a folder; "" is the root."""
        prefix = f"{folder}/" if folder else ""
        for node in self.nodes.values():
            rest = node.path.removeprefix(prefix)
            if node.path.startswith(prefix) and rest and "/" not in rest:
                yield node


def node_of(path: str, found: os.stat_result) -> Node:
    """Return what is known of a name."""
    kind: NodeKind = "other"
    if stat.S_ISREG(found.st_mode):
        kind = "file"
    elif stat.S_ISDIR(found.st_mode):
        kind = "directory"
    elif stat.S_ISLNK(found.st_mode):
        kind = "link"
    mode = stat.S_IMODE(found.st_mode)
    return Node(path, kind, mode, found.st_uid, found.st_size, found.st_mtime_ns, found.st_nlink)


def scan(root: Path, *, skip: Callable[[str], bool] = lambda _: False, limit: int = NODE_LIMIT) -> Tree:
    """Return what lies below a directory. Only the root's own path may hold links.

    Args:
        root: the directory.
        skip: tells by path whether a directory is left shut; it is still listed itself.
        limit: names at most.
    """
    try:
        nodes = {"": node_of("", root.stat())}
    except OSError:
        return Tree(root)
    if nodes[""].kind != "directory":
        return Tree(root, nodes)
    try:
        top = open_root(str(root))
    except OSError:
        return Tree(root, nodes, unreadable=("",))
    walker, unreadable, stack = Walker(), [], [""]
    try:
        while stack:
            folder = stack.pop()
            found = _listed(walker, top, folder)
            if found is None:
                unreadable.append(folder)
                continue
            for node in found:
                if len(nodes) >= limit:
                    return Tree(root, nodes, tuple(unreadable), truncated=True)
                nodes[node.path] = node
            inner = [node.path for node in found if node.kind == "directory" and not skip(node.path)]
            stack += [path for path in reversed(inner) if path.count("/") < MAX_DEPTH]
    finally:
        os.close(top)
    return Tree(root, nodes, tuple(unreadable))


def _listed(walker: Walker, top: int, folder: str) -> list[Node] | None:
    try:
        held = walker.descend(top, folder.split("/") if folder else ())
    except OSError:
        return None
    try:
        readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=held)
        try:
            with os.scandir(readable) as entries:
                prefix = f"{folder}/" if folder else ""
                found = [node_of(prefix + entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        finally:
            os.close(readable)
    except OSError:
        return None
    finally:
        os.close(held)
    return sorted(found, key=lambda node: node.path)


class NotPlain(OSError):
    """The name is no regular file any more, or one with several names."""


def open_below(root: Path, path: str, *, directory: bool = False) -> int:
    """Return a descriptor of a file (or directory) below a root, open for reading, reached through no link.

    Raises:
        OSError: it is gone, a link, or cannot be read; `NotPlain` when it is of another kind.
    """
    *folders, name = path.split("/")
    top = open_root(str(root))
    try:
        held = Walker().descend(top, folders)
    finally:
        os.close(top)
    try:
        before = os.stat(name, dir_fd=held, follow_symlinks=False)
        if not (stat.S_ISDIR(before.st_mode) if directory else stat.S_ISREG(before.st_mode)):
            raise NotPlain(f"{name} is no regular {'directory' if directory else 'file'}")
        descriptor = os.open(name, _READ | (os.O_DIRECTORY if directory else 0), dir_fd=held)
    finally:
        os.close(held)
    found = os.fstat(descriptor)
    if not (stat.S_ISDIR(found.st_mode) if directory else stat.S_ISREG(found.st_mode)):
        os.close(descriptor)
        raise NotPlain(f"{name} was replaced")
    return descriptor


def read_below(root: Path, path: str, *, limit: int = READ_LIMIT) -> bytes | None:
    """Return the first `limit` bytes of a file below a root; None when it cannot be read or is no regular file."""
    try:
        descriptor = open_below(root, path)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            return file.read(limit)
        except OSError:
            return None
