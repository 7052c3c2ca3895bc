"""Putting an archive back: unpacked aside and checked as a whole, then exchanged name by name, with a way back.

The exchange happens inside the state directory, so that it also works where that is a mounted volume. What was there is
kept in `.before-restore-<time>`. Messages in flight, logs and the record of decisions stay as they are.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.config.compile import compile_policy
from openclaw.config.load import Loaded, read_config
from openclaw.config.write import rotate_backups
from openclaw.policy.diff import diff_policies
from openclaw.security.backup.archive import Archive, open_archive
from openclaw.security.backup.exchange import Exchange
from openclaw.security.backup.manifest import FileEntry, Manifest
from openclaw.security.backup.names import BEFORE, KEPT_ON_RESTORE, STAGING, STATE, WORKSPACES, left_out
from openclaw.security.running import refuse_running
from openclaw.state.files import check_owned, private_dir, sync_dir, why, write_private
from openclaw.state.gateway_lock import gateway_lock
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import Refused, StartRefused, Unavailable

_LOCK_FILES: Final = ("gateway.lock",)
_INCLUDED: Final = frozenset({".json", ".json5"})
"""Endings of files that are put back beside a config outside the state."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a workspace goes: its agent, the place, and why it stays out, if it does."""

    agent: str
    place: Path
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore would do.

    Attributes:
        manifest: what the archive holds.
        warnings: what is odd about the archive.
        state: the state directory, and whether it holds something that is moved aside.
        replaces: it holds something already.
        config: the config file, where it lies outside the state.
        workspaces: where they go.
        widens: what the restored config lets in that the present one does not.
        faults: the restored config is invalid, in so many ways.
    """

    manifest: Manifest
    warnings: tuple[str, ...]
    state: Path
    replaces: bool
    config: Path | None
    workspaces: tuple[Placed, ...]
    widens: tuple[str, ...] = ()
    faults: int = 0


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to: what was there is in `before`; None when there was nothing."""

    files: int
    before: Path | None
    workspaces: tuple[Placed, ...]


class Restore:
    """One restore. Use it with `with`: leaving it removes what was unpacked and not used.

    Args:
        path: the archive.
        layout: where it goes.
        environment: the process environment.
        clock: the time.
        workspaces: with the agents' workspaces.

    Raises:
        Refused: a gateway runs on the state directory.
        InvalidInput, NotFound, Unavailable: the archive or the disk refuses; nothing was changed.
    """

    def __init__(
        self, path: Path, layout: StateLayout, environment: Environment, clock: Clock, *, workspaces: bool = True
    ) -> None:
        self._path = path
        self._layout = layout
        self._environment = environment
        self._clock = clock
        self._with_workspaces = workspaces
        self._stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(clock.now_ms() / 1000))
        self._staging: Path | None = None

    def __enter__(self) -> Restore:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)

    def prepare(self, *, unpack: bool = True) -> Plan:
        """Check the archive as a whole, unpack it aside, and say what the restore would do."""
        check_owned(self._layout.root)
        refuse_running(self._layout)
        with open_archive(self._path) as archive:
            before = read_config(self._layout, self._environment)
            places = self._places(archive.manifest)
            if unpack:
                self._unpack(archive, places)
            else:
                for entry in archive.manifest.files:
                    archive.read(entry, lambda _: None)
            after = self._staged_config(archive.manifest)
            return Plan(
                manifest=archive.manifest,
                warnings=archive.warnings,
                state=self._layout.root,
                replaces=bool(_entries(self._layout.root, self._staging)),
                config=self._outer_config(archive.manifest),
                workspaces=places,
                widens=_widened(before, after),
                faults=len(after.issues) if after is not None else 0,
            )

    def apply(self, plan: Plan) -> Restored:
        """Exchange the state for what was unpacked. On any failure everything is as it was.

        Raises:
            Refused: a gateway was started meanwhile.
            Unavailable: the disk refuses.
        """
        assert self._staging is not None
        with _as_only_one(self._layout, self._clock), Exchange() as exchange:
            before = self._exchange_state(exchange)
            for placed in plan.workspaces:
                staged = self._staging / WORKSPACES / placed.agent
                if placed.refused is None and staged.is_dir():
                    self._exchange_workspace(exchange, staged, placed.place)
            self._write_outer_config(plan)
        sync_dir(self._layout.root)
        return Restored(len(plan.manifest.files), before, plan.workspaces)

    # Unpacking

    def _unpack(self, archive: Archive, places: tuple[Placed, ...]) -> None:
        root = private_dir(self._layout.root)
        try:
            self._staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=root))
        except OSError as error:
            raise _not_unpacked(error) from error
        wanted = {placed.agent for placed in places if placed.refused is None}
        try:
            for name, mode in archive.manifest.folders:
                if _is_wanted(name, wanted):
                    _make_folder(self._staging / name, mode, own=name.startswith(f"{WORKSPACES}/"))
            for entry in archive.manifest.files:
                if _is_wanted(entry.path, wanted):
                    self._unpack_file(archive, entry)
        except OSError as error:
            raise _not_unpacked(error) from error

    def _unpack_file(self, archive: Archive, entry: FileEntry) -> None:
        assert self._staging is not None
        target = self._staging / entry.path
        kept = 0o755 if entry.path.startswith(f"{WORKSPACES}/") else 0o700
        private_dir(target.parent)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            archive.read(entry, file.write)
            file.flush()
            os.fchmod(descriptor, entry.mode & kept | 0o600)
            os.fsync(descriptor)

    # Looking ahead

    def _places(self, manifest: Manifest) -> tuple[Placed, ...]:
        if not self._with_workspaces:
            return ()
        return tuple(self._place(agent, text) for agent, text in manifest.workspaces.items())

    def _place(self, agent: str, text: str) -> Placed:
        """Return where a workspace goes: only below the home directory, and never over the state or the home itself."""
        place = self._environment.expand(text)
        if not place.is_absolute() or ".." in place.parts:
            return Placed(agent, place, "its place is no absolute path")
        real, home = Path(os.path.realpath(place)), Path(os.path.realpath(self._environment.home))
        state = Path(os.path.realpath(self._layout.root))
        if real == home or not real.is_relative_to(home):
            return Placed(agent, place, "it lies outside your home directory")
        if real == state or real.is_relative_to(state) or state.is_relative_to(real):
            return Placed(agent, place, "it overlaps with the state directory")
        return Placed(agent, place)

    def _staged_config(self, manifest: Manifest) -> Loaded | None:
        if self._staging is None or manifest.config is None:
            return None
        main = self._staging / manifest.config
        layout = StateLayout(root=self._staging / STATE, config=main)
        return read_config(layout, self._environment)

    def _outer_config(self, manifest: Manifest) -> Path | None:
        """Return the config file when it lies outside the state, where the archive has one for it."""
        inside = Path(os.path.realpath(self._layout.config)).is_relative_to(os.path.realpath(self._layout.root))
        return None if inside or manifest.config is None else self._layout.config

    # The exchange

    def _exchange_state(self, exchange: Exchange) -> Path | None:
        assert self._staging is not None
        root, staged = self._layout.root, self._staging / STATE
        old = [name for name in _entries(root, self._staging) if name not in KEPT_ON_RESTORE]
        before = root / f"{BEFORE}{self._stamp}" if old else None
        if before is not None:
            exchange.make(before)
            for name in old:
                exchange.move(root / name, before / name)
        for item in sorted(staged.iterdir()) if staged.is_dir() else ():
            if not (root / item.name).exists():
                exchange.move(item, root / item.name)
        return before

    def _exchange_workspace(self, exchange: Exchange, staged: Path, place: Path) -> None:
        if place.is_symlink() or place.exists():
            exchange.move(place, place.with_name(f"{place.name}{BEFORE.rstrip('-')}-{self._stamp}"))
        private_dir(place.parent)
        exchange.move(staged, place)

    def _write_outer_config(self, plan: Plan) -> None:
        """Write the config that lies outside the state, and what it includes: no other file of that folder."""
        if plan.config is None or plan.manifest.config is None:
            return
        assert self._staging is not None
        source = self._staging / plan.manifest.config
        loaded = read_config(StateLayout(root=self._staging / STATE, config=source), self._environment)
        names = [path.relative_to(source.parent) for path in loaded.source.files if path.is_relative_to(source.parent)]
        included = [name for name in names if name.suffix in _INCLUDED and (source.parent / name) != source]
        for name in (*included, Path(source.name)):
            staged = source.parent / name
            target = plan.config if staged == source else plan.config.parent / name
            if staged.is_file():
                rotate_backups(target)
                write_private(target, staged.read_bytes())


def _not_unpacked(error: OSError) -> Unavailable:
    return Unavailable(f"cannot unpack the backup: {why(error)}; nothing was changed", code="backup-failed")


def _is_wanted(name: str, agents: set[str]) -> bool:
    parts = name.split("/")
    if parts[0] == WORKSPACES:
        return len(parts) > 1 and parts[1] in agents
    return parts[0] != STATE or len(parts) == 1 or left_out("/".join(parts[1:])) is None


def _make_folder(path: Path, mode: int, *, own: bool) -> None:
    private_dir(path)
    path.chmod(mode & (0o755 if own else 0o700) | 0o700)


def _entries(root: Path, staging: Path | None) -> list[str]:
    """Return the names in a state directory that a restore replaces or keeps; locks and leftovers stay."""
    try:
        names = sorted(item.name for item in root.iterdir())
    except OSError:
        return []
    hidden = {*_LOCK_FILES, staging.name if staging is not None else ""}
    return [name for name in names if name not in hidden and not name.startswith((BEFORE, STAGING))]


def _widened(before: Loaded, after: Loaded | None) -> tuple[str, ...]:
    if after is None or after.config is None or before.config is None or not before.source.exists:
        return ()
    old, new = (compile_policy(config, config.environment) for config in (before.config, after.config))
    return diff_policies(old, new).widened


@contextmanager
def _as_only_one(layout: StateLayout, clock: Clock) -> Iterator[None]:
    """Hold the gateway's lock, so that none starts meanwhile."""
    try:
        with gateway_lock(layout, port=1, now_ms=clock.now_ms(), wait=0.0):
            yield
    except StartRefused as error:
        raise Refused(error.message, code="gateway-running") from None
