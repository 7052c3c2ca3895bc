"""Making an archive: files are reached by descriptor through no link, and hashed as they are written."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from openclaw.config.places import agent_workspace, default_agent, listed_agents
from openclaw.config.plain import Plain, read_plain
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.backup.manifest import FileEntry, Manifest
from openclaw.security.backup.names import CONFIG, MANIFEST, STATE, WORKSPACES, fault_of, left_out
from openclaw.security.onboarding.reset import credential_files
from openclaw.security.state_tree import Node, open_below, scan
from openclaw.state.files import private_dir, sync_dir, why
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock, iso
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, NotFound, Unavailable
from openclaw.version import VERSION

CHUNK: Final = 1 << 20
LEVEL: Final = 6
CREDENTIALS: Final = "credentials"


@dataclass(frozen=True, slots=True)
class Area:
    """A directory that goes into the archive.

    Attributes:
        name: its name there.
        root: where it lies.
        only: these files alone; None means everything.
        is_state: parts of a state directory are left out.
    """

    name: str
    root: Path
    only: frozenset[str] | None = None
    is_state: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A finished archive."""

    path: Path
    size: int
    manifest: Manifest


@dataclass(slots=True)
class _Collected:
    files: list[FileEntry] = field(default_factory=list)
    folders: list[tuple[str, int]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def create_backup(
    layout: StateLayout, environment: Environment, clock: Clock, out: Path, *, workspaces: bool = True
) -> Made:
    """Write an archive of a state directory, its config and its workspaces. Works while the gateway runs.

    Args:
        layout: the state directory.
        environment: tells where workspaces lie.
        clock: the time.
        out: the new file; it must not exist.
        workspaces: with the agents' workspaces.

    Raises:
        NotFound: there is nothing to back up.
        InvalidInput: the file exists, or would lie inside what is backed up.
        Unavailable: a file or the disk refuses; no archive is left.
    """
    if not layout.root.is_dir():
        raise NotFound(f"there is no state directory at {layout.root}")
    plain = read_plain(layout, environment)
    places = workspace_places(plain, layout, environment) if workspaces else {}
    areas = list(_areas(layout, plain, places))
    _check_target(out, areas)
    private_dir(out.parent)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w+b") as file:
            manifest = _write(file, areas, clock, _config_name(layout, plain), _shown(places, environment))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell() if file.seekable() else 0
        os.link(temporary, out)
        sync_dir(out.parent)
    except FileExistsError:
        raise InvalidInput(f"{out} exists already; choose another --out") from None
    except OSError as error:
        raise Unavailable(f"cannot write {out}: {why(error)}; no backup is left", code="backup-failed") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return Made(out, size, manifest)


def workspace_places(plain: Plain, layout: StateLayout, environment: Environment) -> dict[str, Path]:
    """Return the agents' workspaces that exist outside the state directory; one that agents share counts once."""
    document = plain.document or {}
    names = dict.fromkeys(
        (default_agent(document), *(normalise_agent_id(e.get("id")) for e in listed_agents(document)))
    )
    state = Path(os.path.realpath(layout.root))
    found: dict[str, Path] = {}
    for name in names:
        place = agent_workspace(document, name, layout, environment)
        real = Path(os.path.realpath(place))
        inside = real == state or real.is_relative_to(state) or state.is_relative_to(real)
        if place.is_dir() and not inside and place not in found.values():
            found[name] = place
    return found


def _areas(layout: StateLayout, plain: Plain, places: dict[str, Path]) -> Iterator[Area]:
    yield Area(STATE, layout.root, is_state=True)
    folder = layout.credentials
    if folder.is_dir() and not folder.is_relative_to(layout.root) and not (layout.root / CREDENTIALS).exists():
        kept = frozenset(_credential_names(folder, credential_files(layout)))
        yield Area(f"{STATE}/{CREDENTIALS}", folder, only=kept)
    main = Path(os.path.realpath(layout.config))
    if not main.is_relative_to(os.path.realpath(layout.root)) and main.is_file():
        files = [Path(os.path.realpath(path)) for path in plain.source.files if path.name != ".env"]
        beside = frozenset(str(path.relative_to(main.parent)) for path in files if path.is_relative_to(main.parent))
        yield Area(CONFIG, main.parent, only=beside | {main.name})
    for name, place in places.items():
        yield Area(f"{WORKSPACES}/{name}", place)


def _credential_names(folder: Path, paths: Iterable[Path]) -> Iterator[str]:
    """Yield the files that openclaw keeps in a credentials folder elsewhere, from there."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield from (str(one.relative_to(folder)) for one in path.rglob("*") if one.is_file())
        else:
            yield str(path.relative_to(folder))


def _config_name(layout: StateLayout, plain: Plain) -> str | None:
    if not plain.source.exists:
        return None
    main, root = Path(os.path.realpath(layout.config)), os.path.realpath(layout.root)
    return f"{STATE}/{main.relative_to(root)}" if main.is_relative_to(root) else f"{CONFIG}/{main.name}"


def _shown(places: dict[str, Path], environment: Environment) -> dict[str, str]:
    home = environment.home
    return {
        name: f"~/{place.relative_to(home)}" if place.is_relative_to(home) else str(place)
        for name, place in places.items()
    }


def _check_target(out: Path, areas: list[Area]) -> None:
    if out.exists() or out.is_symlink():
        raise InvalidInput(f"{out} exists already; choose another --out")
    real = Path(os.path.realpath(out.parent)) / out.name
    for area in areas:
        if area.only is None and real.is_relative_to(os.path.realpath(area.root)):
            raise InvalidInput(f"{out} lies inside {area.root}, which is backed up; choose another --out")


def _write(
    file: IO[bytes], areas: list[Area], clock: Clock, config: str | None, workspaces: dict[str, str]
) -> Manifest:
    collected = _Collected()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for area in areas:
            _add_area(archive, area, collected)
        manifest = Manifest(
            created_at=iso(clock.now_ms()),
            version=VERSION,
            config=config,
            workspaces=workspaces,
            files=tuple(collected.files),
            folders=tuple(collected.folders),
            skipped=tuple(collected.skipped),
        )
        archive.writestr(_info(MANIFEST, 0o600, time.time()), manifest.render())
    file.seek(0, os.SEEK_END)
    return manifest


def _add_area(archive: zipfile.ZipFile, area: Area, collected: _Collected) -> None:
    shut = (lambda path: left_out(path) is not None) if area.is_state else (lambda _: False)
    tree = scan(area.root, skip=shut)
    if tree.truncated:
        raise Unavailable(f"{area.root} holds more files than a backup can", code="backup-failed")
    collected.skipped += [(f"{area.name}/{path}", "cannot be listed") for path in tree.unreadable]
    for node in tree.nodes.values():
        if area.only is not None and node.path not in area.only:
            continue
        name = f"{area.name}/{node.path}" if node.path else area.name
        reason = _refused(area, node, name)
        if reason is not None:
            collected.skipped.append((name, reason))
        elif node.kind == "directory":
            collected.folders.append((name, node.mode & 0o777))
        else:
            _add_file(archive, area, node, name, collected)


def _refused(area: Area, node: Node, name: str) -> str | None:
    """Return why a name does not go into the archive."""
    if area.is_state and node.path and (reason := left_out(node.path)):
        return reason
    if node.kind == "link":
        return "a link"
    if node.kind == "other":
        return "no regular file"
    problem = fault_of(name)
    return None if problem is None else f"its name: {problem}"


def _add_file(archive: zipfile.ZipFile, area: Area, node: Node, name: str, collected: _Collected) -> None:
    try:
        descriptor = open_below(area.root, node.path)
    except FileNotFoundError:
        return  # it was replaced or removed since we looked
    except OSError as error:
        collected.skipped.append((name, (error.strerror or str(error)).lower()))
        return
    with os.fdopen(descriptor, "rb") as source:
        found = os.fstat(descriptor)
        mode = stat.S_IMODE(found.st_mode) & 0o777
        digest, left = hashlib.sha256(), found.st_size
        with archive.open(_info(name, mode, found.st_mtime), "w", force_zip64=found.st_size >= 1 << 31) as target:
            while left > 0:
                piece = source.read(min(CHUNK, left))
                if not piece:
                    raise Unavailable(f"{node.path} became shorter while it was read; try again", code="backup-failed")
                digest.update(piece)
                target.write(piece)
                left -= len(piece)
    collected.files.append(FileEntry(name, found.st_size, mode, digest.hexdigest()))


def _info(name: str, mode: int, modified: float) -> zipfile.ZipInfo:
    moment = time.gmtime(max(modified, 315_532_800))[:6]
    info = zipfile.ZipInfo(name, moment)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | mode) << 16
    return info
