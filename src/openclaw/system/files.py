"""Files that a message, a model, a page or a package can name: reached, judged and used by descriptor.

`openclaw.policy.what.paths` says what a path means and whether the session may have it; this module finds out what is
really there and never opens a checked path a second time (exec.md 4.9, advisories J7, J11, K1, K3, K4).
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, Final, NoReturn

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.paths import (
    Access,
    FileRoots,
    PathVerdict,
    Place,
    Why,
    judge_absolute,
    judge_path,
    refuse_path,
    shown,
)
from openclaw.system.errors import NotFound, OpenClawError, Refused, Unavailable
from openclaw.system.file_guard import StateGuard
from openclaw.system.file_ops import Entry, entry_of, is_kernel_file, owner_is_another, replace_file
from openclaw.system.file_walk import Walker, open_directory, open_root, still_named

READ_LIMIT: Final = 64 * 1024 * 1024
_NEW_DIRECTORY: Final = 0o755
_REOPENINGS: Final = 3
"""How often a file is opened again because its name was given to another one meanwhile."""
_OPEN_FLAGS: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_WHY_OF_ERRNO: Final = {
    errno.ELOOP: Why.SYMLINK,
    errno.EMLINK: Why.SYMLINK,
    errno.EXDEV: Why.OUTSIDE,
    errno.ENOTDIR: Why.NOT_A_DIRECTORY,
    errno.ENAMETOOLONG: Why.MALFORMED,
    errno.EINVAL: Why.MALFORMED,
    errno.ENXIO: Why.NOT_A_FILE,
    errno.EISDIR: Why.NOT_A_FILE,
}


class GuardedFiles:
    """The files that one session may touch.

    Every method takes the path as the model or user wrote it and raises `Refused` (`details["why"]` holds the code of
    exec.md 4.9), `NotFound` or `Unavailable`. The methods block; call them on a thread where latency counts.
    """

    def __init__(self, roots: FileRoots, *, walker: Walker | None = None) -> None:
        self.roots: Final = roots
        self._walker = walker or Walker()
        self._guard = StateGuard(roots.state) if roots.state is not None else None

    def open_read(self, path: str) -> BinaryIO:
        """Return a regular file, open for reading; close it."""
        with self._parent(path, Access.READ) as (place, folder, name):
            return os.fdopen(self._open_file(place, folder, name), "rb")

    def read_bytes(self, path: str, *, limit: int = READ_LIMIT) -> bytes:
        """Return the content of a file of at most `limit` bytes.

        Raises:
            Refused: also when it is larger.
        """
        with self.open_read(path) as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise Refused(f"{shown(path)} is larger than {limit} bytes.", details={"why": "too-large", "path": path})
        return content

    def stat(self, path: str) -> os.stat_result:
        """Return what is known of a regular file or directory."""
        place = self._judged(path, Access.READ)
        with self._translated(place), self._root(place) as root:
            if not place.parts:
                return os.fstat(root)
            folder = self._walker.descend(root, place.parts[:-1])
            try:
                self._ask_guard(place, folder, place.parts[-1:], Access.READ)
                found = self._existing(place, folder, place.parts[-1])
                if not stat.S_ISDIR(found.st_mode):
                    self._check(place, found)
                return found
            finally:
                os.close(folder)

    def list(self, path: str = ".", *, limit: int = 10_000) -> list[Entry]:
        """Return the entries of a directory, sorted by name, at most `limit` of them."""
        place = self._judged(path, Access.READ)
        with self._translated(place), contextlib.ExitStack() as stack:
            fd = stack.enter_context(self._root(place))
            if place.parts:
                fd = self._walker.descend(fd, place.parts)
                stack.callback(os.close, fd)
            self._ask_guard(place, fd, (), Access.READ)
            readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
            stack.callback(os.close, readable)
            with os.scandir(readable) as entries:
                listed = [entry_of(entry) for _, entry in zip(range(limit), entries, strict=False)]
        return sorted(listed, key=lambda entry: entry.name)

    def check_write(self, path: str) -> None:
        """Raise what `write` would raise because of the path, without changing anything."""
        place = self._judged(path, Access.WRITE)
        with self._translated(place), self._root(place) as root:
            folder, missing = self._deepest(place, root)
            try:
                self._ask_guard(place, folder, (*missing, place.parts[-1]), Access.WRITE)
                found = None if missing else self._look(folder, place.parts[-1])
                if found is not None:
                    self._check(place, found)
            finally:
                os.close(folder)

    def write(self, path: str, data: bytes) -> None:
        """Replace or create a file as a whole, making missing parents; it is never truncated in place."""
        with self._parent(path, Access.WRITE, create=True) as (place, folder, name):
            old = self._look(folder, name)
            if old is not None:
                self._check(place, old)
            replace_file(folder, name, data, old)

    def mkdir(self, path: str) -> None:
        """Make a directory and its missing parents; one that exists is left as it is."""
        place = self._judged(path, Access.WRITE)
        with self._translated(place), self._root(place) as root:
            os.close(self._make(place, root, place.parts))

    def delete(self, path: str) -> None:
        """Remove a regular file."""
        with self._parent(path, Access.WRITE, follow_last=False) as (place, folder, name):
            self._check(place, self._existing(place, folder, name))
            os.unlink(name, dir_fd=folder)

    def move(self, source: str, target: str) -> None:
        """Move a file: guarded read, guarded write, removal. Both paths are judged before anything changes."""
        if self._judged(source, Access.WRITE).path == self._judged(target, Access.WRITE).path:
            return
        self.check_write(source)
        self.check_write(target)
        self.write(target, self.read_bytes(source))
        self.delete(source)

    # -- the walk -----------------------------------------------------------------------------------------------

    def _judged(self, path: str, access: Access, *, follow_last: bool = True) -> Place:
        verdict = judge_path(path, access, self.roots)
        if verdict.place is not None and not self.roots.bounded:
            verdict = self._resolved(path, access, verdict.place, follow_last=follow_last)
        if verdict.outcome is not Outcome.ALLOW or verdict.place is None:
            raise refusal(verdict, path)
        if access is Access.WRITE and not verdict.place.parts:
            raise refusal(refuse_path(Why.NOT_A_FILE, path, self.roots), path)
        return verdict.place

    def _resolved(self, path: str, access: Access, place: Place, *, follow_last: bool) -> PathVerdict:
        """Without bounds links may be followed: resolve them first, judge again, and then walk through no link."""
        try:
            if follow_last:
                resolved = os.path.realpath(place.path)
            else:
                folder, name = os.path.split(place.path)
                resolved = f"{os.path.realpath(folder)}/{name}"
        except (OSError, ValueError):
            return refuse_path(Why.MALFORMED, path, self.roots)
        return judge_absolute(resolved, path, access, self.roots, directory_only=place.directory_only)

    @contextlib.contextmanager
    def _root(self, place: Place) -> Iterator[int]:
        try:
            fd = open_root(place.root)
        except OSError as error:
            raise Unavailable(f"The workspace cannot be opened: {error.strerror}.", code="workspace-missing") from error
        try:
            yield fd
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _parent(
        self, path: str, access: Access, *, create: bool = False, follow_last: bool = True
    ) -> Iterator[tuple[Place, int, str]]:
        """Open the directory that holds the file, ask about the state, and translate what goes wrong."""
        place = self._judged(path, access, follow_last=follow_last)
        if not place.parts or place.directory_only:
            raise refusal(refuse_path(Why.NOT_A_FILE, path, self.roots), path)
        *above, name = place.parts
        with self._translated(place), self._root(place) as root:
            folder = self._make(place, root, tuple(above)) if create else self._walker.descend(root, above)
            try:
                self._ask_guard(place, folder, (name,), access)
                yield place, folder, name
            finally:
                os.close(folder)

    def _deepest(self, place: Place, root: int) -> tuple[int, tuple[str, ...]]:
        """Return the deepest existing directory above the file and the names that are missing below it."""
        above = place.parts[:-1]
        for count in range(len(above), -1, -1):
            try:
                return self._walker.descend(root, above[:count]), above[count:]
            except FileNotFoundError:
                continue
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), place.shown)

    def _make(self, place: Place, root: int, names: tuple[str, ...]) -> int:
        """Return a descriptor of the directory `names`, making what is missing, one name at a time."""
        current = os.dup(root)
        try:
            for index, name in enumerate(names):
                try:
                    following = open_directory(current, name)
                except FileNotFoundError:
                    self._ask_guard(place, current, names[index:], Access.WRITE)
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(name, _NEW_DIRECTORY, dir_fd=current)
                        if owner_is_another(owner := os.fstat(current)):
                            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=current, follow_symlinks=False)
                    following = open_directory(current, name)
                os.close(current)
                current = following
        except BaseException:
            os.close(current)
            raise
        return current

    def _ask_guard(self, place: Place, folder: int, names: tuple[str, ...], access: Access) -> None:
        if self._guard is not None and self._guard.judge(folder, names, access) is Outcome.DENY:
            self._refuse(Why.PROTECTED, place)

    # -- the file -----------------------------------------------------------------------------------------------

    def _open_file(self, place: Place, folder: int, name: str) -> int:
        for _ in range(_REOPENINGS):
            fd = self._opened(place, folder, name)
            try:
                if still_named(fd, folder, name):
                    return fd
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # replaced meanwhile, or it was a second name of a file of others: nobody can tell
        raise _missing(place)

    def _opened(self, place: Place, folder: int, name: str) -> int:
        self._check(place, self._existing(place, folder, name))  # first: opening a device can already do something
        fd = os.open(name, os.O_RDONLY | _OPEN_FLAGS, dir_fd=folder)
        try:
            self._check(place, os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _existing(self, place: Place, folder: int, name: str) -> os.stat_result:
        found = self._look(folder, name)
        if found is None:
            raise _missing(place)
        return found

    def _look(self, folder: int, name: str) -> os.stat_result | None:
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def _check(self, place: Place, found: os.stat_result) -> None:
        if stat.S_ISLNK(found.st_mode):
            self._refuse(Why.SYMLINK, place)
        if not stat.S_ISREG(found.st_mode) or (not self.roots.bounded and is_kernel_file(found)):
            self._refuse(Why.NOT_A_FILE, place)
        if self.roots.bounded and found.st_nlink > 1 and not self.roots.allow_hardlinks:
            self._refuse(Why.HARDLINK, place)
        if self._guard is not None and self._guard.judge_file(found) is Outcome.DENY:
            self._refuse(Why.PROTECTED, place)

    # -- refusals -----------------------------------------------------------------------------------------------

    def _refuse(self, why: Why, place: Place) -> NoReturn:
        raise refusal(refuse_path(why, place.shown, self.roots), place.shown)

    @contextlib.contextmanager
    def _translated(self, place: Place) -> Iterator[None]:
        """Turn what the system says into the reasons of exec.md 4.9."""
        try:
            yield
        except OpenClawError:
            raise
        except FileNotFoundError as error:
            raise _missing(place) from error
        except OSError as error:
            why = _WHY_OF_ERRNO.get(error.errno or 0)
            if why is not None:
                raise refusal(refuse_path(why, place.shown, self.roots), place.shown) from error
            raise Unavailable(f"{place.shown}: {error.strerror or 'input/output error'}.", code="file-error") from error
        except ValueError as error:
            raise refusal(refuse_path(Why.MALFORMED, place.shown, self.roots), place.shown) from error


def refusal(verdict: PathVerdict, path: str) -> Refused:
    """Return the error of a refused path; `details` holds `why`, `path` and the config key."""
    reason = verdict.decided_by
    details = {"why": reason.rule, "path": shown(path), "key": reason.key}
    return Refused(reason.detail, code="path-refused", details=details)


def _missing(place: Place) -> NotFound:
    return NotFound(f"No such file: {place.shown}", details={"path": place.shown})
