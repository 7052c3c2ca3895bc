"""Editing the authored config: set, unset, merge patch and replacement (config.md 1.7, 1.8, advisories F4, O3).

Edits are made in the text as written, so comments, includes and `${VAR}` references of whatever is not touched stay. A
path inside an include that stands alone is changed in the included file; any other include is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openclaw.config.catalog import Catalog
from openclaw.config.includes import (
    DIRECTIVE,
    MAX_DEPTH,
    allowed_folders,
    included_file,
    read_include,
    resolve_includes,
)
from openclaw.config.issues import Parts, dotted
from openclaw.config.json5 import Json5Error, loads, read_bytes
from openclaw.config.load import Loaded, read_config
from openclaw.config.migrate import migration_changes
from openclaw.config.model import Config, Source
from openclaw.config.paths import check_keys, get_value
from openclaw.config.plain import read_main
from openclaw.config.text_edit import Change, Drop, Edited, Put, apply_changes, render
from openclaw.config.write import real_path, write_files
from openclaw.state.layout import StateLayout
from openclaw.state.locks import folder_flock
from openclaw.system.clock import Clock, SystemClock, iso
from openclaw.system.environment import Environment
from openclaw.system.errors import Conflict, InvalidInput
from openclaw.version import VERSION


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to.

    Attributes:
        loaded: the config as it is now.
        files: the files that were changed.
        rewritten: those of them whose comments could not be kept.
    """

    loaded: Loaded
    files: tuple[Path, ...]
    rewritten: tuple[Path, ...] = ()

    @property
    def config(self) -> Config:
        """Return the new config."""
        assert self.loaded.config is not None
        return self.loaded.config


@dataclass(slots=True)
class _Target:
    """A file with the changes that go into it."""

    path: Path
    value: Any
    text: str
    changes: list[Change] = field(default_factory=list)


class ConfigEditor:
    """Edits one config file and its includes. Holds no state between calls; each call reads the disk anew."""

    def __init__(
        self,
        layout: StateLayout,
        environment: Environment,
        *,
        clock: Clock | None = None,
        catalog: Catalog | None = None,
        approve: Callable[[Loaded], None] | None = None,
    ) -> None:
        """Take what an edit needs; `approve` sees each result before it is written, and raises to refuse it."""
        self._layout = layout
        self._environment = environment
        self._clock = clock or SystemClock()
        self._catalog = catalog
        self._approve = approve

    def change(self, changes: Sequence[Change], *, base_hash: str | None = None) -> Written:
        """Make changes to the authored text and write it.

        Args:
            changes: what to put and to drop.
            base_hash: `hash` or `revision_hash` that the caller has seen; None skips the check.

        Raises:
            InvalidInput: a path cannot be followed, is reserved, or lies in an include that cannot be changed.
            Conflict: the files changed since the caller read them.
            ConfigInvalid: the result would be invalid; nothing is written.
            Unavailable: the disk refuses.
        """
        with self._lock():
            self._check_base(base_hash)
            return self._write(self._routed([*changes, *self._stamp()]), changes)

    def patch(self, patch: Any, current: Config, *, base_hash: str | None = None) -> Written:
        """Merge an RFC 7396 patch into the authored text: objects key by key, null deletes, all else replaces.

        A value that equals the current effective one is left as it is written, so a reference stays a reference.

        Raises:
            InvalidInput: the patch is no object; otherwise as `change`.
        """
        if not isinstance(patch, dict):
            raise InvalidInput("a config patch must be an object")
        check_keys(patch)
        return self.change(list(patch_changes(patch, current.document)), base_hash=base_hash)

    def replace(self, text: str, *, base_hash: str | None = None) -> Written:
        """Replace the main file by a JSON5 text, which may include and refer to variables.

        Raises:
            InvalidInput: the text is not JSON5 or no object; otherwise as `change`.
        """
        value = loads(text)
        if not isinstance(value, dict):
            raise InvalidInput("the config must be an object")
        check_keys(value)
        with self._lock():
            self._check_base(base_hash)
            main = real_path(self._layout.config)
            edited = apply_changes(text, self._stamp()) if DIRECTIVE not in value else Edited(text, value)
            return Written(self._put({main: edited.text}), (main,), (main,) if edited.rewritten else ())

    def migrate(self) -> tuple[Written, tuple[str, ...]]:
        """Move keys of older versions in the main file to their new places and write it; return what was moved.

        Raises:
            As `change`; ConfigInvalid when faults remain, and then nothing is written.
        """
        with self._lock():
            main = real_path(self._layout.config)
            target = _target(main, read_main(main) or b"{}")
            target.changes, notes = migration_changes(target.value)
            target.changes += self._stamp()
            return self._write([target], ()), notes

    def _lock(self) -> Any:
        return folder_flock(real_path(self._layout.config).parent)

    def _stamp(self) -> list[Change]:
        return [
            Put(("meta", "lastTouchedVersion"), VERSION),
            Put(("meta", "lastTouchedAt"), iso(self._clock.now_ms())),
        ]

    def _check_base(self, base_hash: str | None) -> None:
        if base_hash is not None:
            check_base_hash(read_config(self._layout, self._environment, catalog=self._catalog).source, base_hash)

    def _routed(self, changes: Sequence[Change]) -> list[_Target]:
        """Return the files that are concerned, each with its changes."""
        main = real_path(self._layout.config)
        content = read_main(main)
        targets = {main: _target(main, content if content is not None else b"{}\n")}
        for change in changes:
            path, parts = self._route(main, change.parts, targets)
            moved = Put(parts, change.value) if isinstance(change, Put) else Drop(parts)
            targets[path].changes.append(moved)
        return [target for target in targets.values() if target.changes]

    def _route(self, path: Path, parts: Parts, targets: dict[Path, _Target], depth: int = 0) -> tuple[Path, Parts]:
        """Return the file that a path lies in, and the rest of the path inside it.

        Keys beside an include stay where they are: they win over it, which `_check_effect` makes sure of.
        """
        value = targets[path].value
        for used in range(len(parts) + 1):
            if isinstance(value, dict) and DIRECTIVE in value:
                named, rest = value[DIRECTIVE], parts[used:]
                if len(value) > 1 and rest:
                    return path, parts
                if not isinstance(named, str) or not rest or depth > MAX_DEPTH:
                    raise _foreign(parts, named)
                return self._route(self._open(named, path, targets), rest, targets, depth + 1)
            if used == len(parts):
                break
            found, value = get_value(value, (parts[used],))
            if not found:
                break
        return path, parts

    def _open(self, text: str, holder: Path, targets: dict[Path, _Target]) -> Path:
        folder = self._layout.config.parent if holder == real_path(self._layout.config) else holder.parent
        try:
            path = included_file(text, folder, allowed_folders(self._layout.config, self._roots()))
            if path not in targets:
                targets[path] = _target(path, read_include(path))
        except (ValueError, OSError) as error:
            raise InvalidInput(f'$include "{text}" cannot be changed: {error}') from error
        return path

    def _roots(self) -> tuple[Path, ...]:
        return self._environment.paths("OPENCLAW_INCLUDE_ROOTS")

    def _write(self, targets: Sequence[_Target], wanted: Sequence[Change]) -> Written:
        edits = [(target, apply_changes(target.text, target.changes)) for target in targets]
        changed = {target.path: edited.text for target, edited in edits if edited.text != target.text}
        self._check_effect(changed, wanted)
        rewritten = tuple(target.path for target, edited in edits if edited.rewritten)
        return Written(self._put(changed), tuple(changed), rewritten)

    def _put(self, texts: Mapping[Path, str]) -> Loaded:
        return write_files(texts, self._layout, self._environment, catalog=self._catalog, approve=self._approve)

    def _check_effect(self, changed: dict[Path, str], wanted: Sequence[Change]) -> None:
        """Refuse an edit that an include would undo or add to."""
        main = real_path(self._layout.config)
        overlay = {path: text.encode("utf-8") for path, text in changed.items()}
        content = overlay.get(main) or read_main(main) or b"{}"
        if DIRECTIVE.encode() not in content:
            return
        parsed = loads(read_bytes(content))
        merged = resolve_includes(parsed, self._layout.config, content, self._roots(), overlay).value
        for number, change in enumerate(wanted):
            if any(_overlap(change.parts, later.parts) for later in wanted[number + 1 :]):
                continue
            found, value = get_value(merged, change.parts)
            kept = found and value == change.value if isinstance(change, Put) else not found
            if not kept:
                path = dotted(change.parts)
                raise InvalidInput(
                    f"{path} is also set in an included file, which would undo the change; edit that file"
                )


def _overlap(first: Parts, second: Parts) -> bool:
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]


def check_base_hash(source: Source, base_hash: str | None) -> None:
    """Refuse a write by somebody who has not seen the current files. The wire code of all three is INVALID_REQUEST.

    Args:
        source: the files as they are.
        base_hash: `hash` or, the only one that guards includes, `revision_hash`.

    Raises:
        InvalidInput: no hash is given although there is a file.
        Conflict: the files changed.
    """
    if not source.exists:
        return
    if not base_hash:
        raise InvalidInput("config base hash required; re-run config.get and retry", code="config-hash-required")
    if not source.hash:
        raise InvalidInput("config base hash unavailable; mend the config file first", code="config-hash-required")
    known = {source.revision_hash} if source.has_includes else {source.hash, source.revision_hash}
    if base_hash not in known:
        raise Conflict("config changed since last load; re-run config.get and retry", code="config-changed")


def _target(path: Path, content: bytes) -> _Target:
    try:
        text = read_bytes(content)
        return _Target(path, loads(text), text)
    except Json5Error as error:
        where = f" (line {error.line})" if error.line else ""
        raise InvalidInput(f"{path} is not valid JSON5{where}: {error}; mend it first") from error


def _foreign(parts: Parts, named: Any) -> InvalidInput:
    files = ", ".join(map(str, named)) if isinstance(named, list) else str(named)
    return InvalidInput(f"{dotted(parts)} comes from $include {files}; edit that file", code="config-included")


def patch_changes(patch: dict[str, Any], current: Any, at: Parts = ()) -> Iterator[Change]:
    """Yield the changes that an RFC 7396 patch makes to the current values."""
    for key, value in patch.items():
        parts = (*at, key)
        before = current.get(key) if isinstance(current, Mapping) else None
        if value is None:
            yield Drop(parts)
        elif isinstance(value, dict) and isinstance(before, dict):
            yield from patch_changes(value, before, parts)
        elif value != before or type(value) is not type(before):
            yield Put(parts, without_nulls(value))


def without_nulls(value: Any) -> Any:
    """Return a patch value as it is stored: keys that are null are absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


__all__ = ["ConfigEditor", "Drop", "Put", "Written", "patch_changes", "render"]
