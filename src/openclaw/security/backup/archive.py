"""Reading an archive that may be hostile: every name is judged before anything is unpacked (advisories K12, K13)."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from openclaw.security.backup.manifest import LIMIT as MANIFEST_LIMIT
from openclaw.security.backup.manifest import FileEntry, Manifest, read_manifest
from openclaw.security.backup.names import MANIFEST, fault_of, folded
from openclaw.system.errors import InvalidInput, NotFound, Unavailable

MAX_ENTRIES: Final = 500_000
MAX_RATIO: Final = 200
FREE_BYTES: Final = 256 * 1024 * 1024
"""Bytes that an archive may unpack to whatever its own size; beyond that `MAX_RATIO` counts."""
CHUNK: Final = 1 << 20
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class Archive:
    """An open archive whose names were all judged.

    Attributes:
        manifest: what it says it holds.
        warnings: what is odd about the file itself.
    """

    def __init__(self, zipped: zipfile.ZipFile, manifest: Manifest, warnings: tuple[str, ...]) -> None:
        self._zipped = zipped
        self.manifest = manifest
        self.warnings = warnings

    def read(self, entry: FileEntry, take: Callable[[bytes], object]) -> None:
        """Hand the content of a file on, piece by piece, and compare size and digest at its end.

        Raises:
            InvalidInput: it is not what the manifest says.
        """
        digest, size = hashlib.sha256(), 0
        try:
            with self._zipped.open(entry.path) as source:
                while piece := source.read(CHUNK):
                    size += len(piece)
                    if size > entry.size:
                        break
                    digest.update(piece)
                    take(piece)
        except _DAMAGED:
            raise InvalidInput(f"{entry.path} in the archive is damaged", code="backup-damaged") from None
        if size != entry.size or digest.hexdigest() != entry.sha256:
            raise InvalidInput(f"{entry.path} in the archive is not what the manifest says", code="backup-damaged")

    def text(self, path: str, limit: int = 16 * 1024 * 1024) -> bytes:
        """Return the content of a small file.

        Raises:
            InvalidInput: there is none, it is larger, or damaged.
        """
        entry = next((one for one in self.manifest.files if one.path == path), None)
        if entry is None or entry.size > limit:
            raise InvalidInput(f"the archive has no readable {path}", code="backup-damaged")
        pieces: list[bytes] = []
        self.read(entry, pieces.append)
        return b"".join(pieces)


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive; its names and its manifest are judged, contents not yet.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it is no backup, damaged, or holds names, links or sizes that no backup holds.
        Unavailable: it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise InvalidInput(f"{path} is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        try:
            zipped = zipfile.ZipFile(file)
        except _DAMAGED:
            raise InvalidInput(f"{path} is no backup, or damaged", code="backup-damaged") from None
        with zipped:
            infos = _judged(zipped, found.st_size)
            manifest = _manifest(zipped, infos)
            _compare(manifest, infos)
            yield Archive(zipped, manifest, tuple(_oddities(path, found)))


def _judged(zipped: zipfile.ZipFile, packed: int) -> dict[str, zipfile.ZipInfo]:
    """Return the members by name, once all of them may be there."""
    infos = zipped.infolist()
    if len(infos) > MAX_ENTRIES:
        raise InvalidInput("the archive has too many entries", code="backup-unsafe")
    if sum(info.file_size for info in infos) > FREE_BYTES + packed * MAX_RATIO:
        raise InvalidInput("the archive would unpack to far more than it is", code="backup-unsafe")
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    for info in infos:
        problem = _fault(info)
        if problem is None and folded(info.filename) in seen:
            problem = "it stands there twice"
        if problem is not None:
            raise InvalidInput(f"the archive names {info.orig_filename!r}: {problem}", code="backup-unsafe")
        seen.add(folded(info.filename))
        found[info.filename] = info
    return found


def _fault(info: zipfile.ZipInfo) -> str | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.filename != info.orig_filename:
        return "it holds a control character or a backslash"
    if info.is_dir() or kind not in (0, stat.S_IFREG):
        return "it is no regular file"
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is packed in an unknown way"
    return fault_of(info.filename)


def _manifest(zipped: zipfile.ZipFile, infos: dict[str, zipfile.ZipInfo]) -> Manifest:
    info = infos.get(MANIFEST)
    if info is None:
        raise InvalidInput("the archive is no backup of openclaw: it has no manifest", code="backup-foreign")
    if info.file_size > MANIFEST_LIMIT:
        raise InvalidInput("the manifest of the archive is too large", code="backup-unsafe")
    try:
        with zipped.open(info) as source:
            content = source.read(MANIFEST_LIMIT)
    except _DAMAGED:
        raise InvalidInput("the manifest of the archive is damaged", code="backup-damaged") from None
    return read_manifest(content)


def _compare(manifest: Manifest, infos: dict[str, zipfile.ZipInfo]) -> None:
    """Refuse an archive that holds more, less or other files than its manifest says."""
    listed = {entry.path: entry.size for entry in manifest.files}
    held = {name: info.file_size for name, info in infos.items() if name != MANIFEST}
    if len(listed) != len(manifest.files) or listed != held:
        odd = next(iter(sorted({*listed} ^ {*held})), "a size")
        raise InvalidInput(f"the archive is not what its manifest says: {odd}", code="backup-damaged")
    files = {folded(path) for path in listed}
    for path in (*listed, *(name for name, _ in manifest.folders)):
        above = folded(path)
        while "/" in above:
            above = above.rpartition("/")[0]
            if above in files:
                raise InvalidInput(f"the archive has {path} below a file", code="backup-unsafe")


def _oddities(path: Path, found: os.stat_result) -> Iterator[str]:
    if found.st_mode & 0o077:
        yield f"others may open {path}, and it holds every secret; run: chmod 600 {path}"
    if found.st_uid not in (os.geteuid(), 0):
        yield f"{path} belongs to user id {found.st_uid}"


def verify_backup(path: Path) -> tuple[Manifest, tuple[str, ...]]:
    """Read a whole archive and compare every file with its manifest; returns that and what is odd about the file.

    Raises:
        As `open_archive`; InvalidInput also for a file that is not what the manifest says.
    """
    with open_archive(path) as archive:
        for entry in archive.manifest.files:
            archive.read(entry, lambda _: None)
        return archive.manifest, archive.warnings
