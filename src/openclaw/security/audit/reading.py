"""The config as the audit sees it: as written, with the seed's defaults, and what it says of files and agents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openclaw.config import dotenv
from openclaw.config.includes import DIRECTIVE, MAX_DEPTH
from openclaw.config.issues import fault
from openclaw.config.json5 import Json5Error, loads, read_bytes
from openclaw.config.load import read_config
from openclaw.config.model import Config, invalid
from openclaw.config.plain import read_plain
from openclaw.config.stamped import stamped
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.audit.look import Kind, Looker
from openclaw.security.audit.values import at, listed, mapping, trim
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment

if TYPE_CHECKING:
    from openclaw.config.model import Source

_INCLUDE_BYTES: Final = 2 * 1024 * 1024
_MANIFEST: Final = "openclaw.plugin.json"
_INDEX_FILES: Final = ("index.ts", "index.js", "index.mjs", "index.cjs")
_PACKAGE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """A valid config.

    Attributes:
        config: with its typed sections.
        document: plain effective values, no defaults.
        authored: values as written; references to variables are still there.
        seed: plain values with the defaults that the seed writes in; an account has the defaults, not its section's.
        layout: where the config and the state are.
        environment: with `.env` and the `env` block below it.
        seed_environment: the same as the seed reads it: `.env` counts whatever its mode.
        includes: included files under the names that are written, in the order in which they are met.
        credentials: folder of channel credentials.
    """

    config: Config
    document: Mapping[str, Any]
    authored: Mapping[str, Any]
    seed: Mapping[str, Any]
    layout: StateLayout
    environment: Environment
    seed_environment: Environment
    includes: tuple[Path, ...]
    credentials: Path

    @property
    def source(self) -> Source:
        """Return where the config came from."""
        return self.config.source

    @property
    def default_agent(self) -> str:
        """Return the normalised id of the default agent."""
        chosen = next((entry for entry in self.agents if entry.get("default") is True), None)
        chosen = chosen or (self.agents[0] if self.agents else {})
        return normalise_agent_id(chosen.get("id"))

    @property
    def agents(self) -> list[Mapping[str, Any]]:
        """Return the entries of `agents.list`."""
        return [entry for entry in listed(at(self.document, "agents", "list")) if isinstance(entry, Mapping)]

    @property
    def seed_agents(self) -> tuple[str, ...]:
        """Return the agents whose files the seed looks at: the default one, then the listed ones.

        The seed drops repeats before it normalises the ids, so a default agent with an id that is not in its normal
        form comes twice.
        """
        written = [trim(entry.get("id")) for entry in self.agents]
        return tuple(normalise_agent_id(name) for name in dict.fromkeys([self.default_agent, *filter(None, written)]))


def read(layout: StateLayout, environment: Environment, looker: Looker) -> Reading:
    """Return the config of a state directory.

    Raises:
        ConfigInvalid: it has faults, or a plugin folder has none or a broken manifest.
    """
    loaded = read_config(layout, environment)
    if loaded.config is None:
        raise invalid(loaded.issues, layout.config)
    _check_plugin_folders(layout, looker)
    return reading_of(loaded.config, layout, environment, looker)


def reading_of(config: Config, layout: StateLayout, environment: Environment, looker: Looker) -> Reading:
    """Return what the audit needs to know of a loaded config; `environment` is the process's own."""
    authored: Mapping[str, Any] = config.document
    if config.source.references:
        authored = mapping(read_plain(layout, environment).authored)
    return Reading(
        config=config,
        document=config.document,
        authored=authored,
        seed=stamped(config, accounts="original"),
        layout=layout,
        environment=config.environment,
        seed_environment=_seed_environment(config, layout, looker),
        includes=tuple(_includes(config.source.parsed, layout.config, looker)),
        credentials=layout.credentials,
    )


def _seed_environment(config: Config, layout: StateLayout, looker: Looker) -> Environment:
    content = looker.read(layout.root / dotenv.NAME, dotenv.MAX_BYTES)
    if content is None:
        return config.environment
    return config.environment.below(dotenv.parse(content.decode("utf-8-sig", "replace")), dotenv.NAME)


def _includes(parsed: Any, main: Path, looker: Looker) -> Iterator[Path]:
    """Yield every file that is included, each once, a file's own includes right after it."""
    met: set[Path] = set()

    def walk(value: Any, holder: Path, depth: int) -> Iterator[Path]:
        if depth > MAX_DEPTH:
            return
        for text in _directives(value):
            path = _plain(holder.parent / text)
            if path in met:
                continue
            met.add(path)
            yield path
            content = looker.read(path, _INCLUDE_BYTES, follow=True)
            try:
                inner = loads(read_bytes(content)) if content is not None else None
            except Json5Error:
                inner = None
            yield from walk(inner, path, depth + 1)

    yield from walk(parsed, main, 0)


def _plain(path: Path) -> Path:
    """Return a path without `.` and `..`, links not resolved."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != path.anchor:
            parts.pop()
        elif part != "..":
            parts.append(part)
    return Path(*parts)


def _directives(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _directives(item)
    elif isinstance(value, Mapping):
        named = value.get(DIRECTIVE)
        yield from (text for text in (named if isinstance(named, list) else [named]) if isinstance(text, str))
        for item in value.values():
            yield from _directives(item)


def _check_plugin_folders(layout: StateLayout, looker: Looker) -> None:
    """Refuse a plugin folder whose code would be found but which has no manifest (audit.md 4.8)."""
    issues = [
        fault(("plugins",), f"{seen.path / _MANIFEST} is missing; add it or remove the folder")
        for seen in looker.folder(layout.root / "extensions")
        if seen.kind is Kind.FOLDER and looker.look(seen.path / _MANIFEST) is None and _has_entry(seen.path, looker)
    ]
    if issues:
        raise invalid(tuple(issues), layout.config)


def _has_entry(folder: Path, looker: Looker) -> bool:
    """Tell whether a folder without a manifest looks like a plugin: a package that names its entries, or an index."""
    if package_entries(looker.read(folder / "package.json", _PACKAGE_BYTES))[0]:
        return True
    return any(looker.look(folder / name) is not None for name in _INDEX_FILES)


def package_entries(content: bytes | None) -> tuple[tuple[str, ...], bool]:
    """Return `openclaw.extensions` of a `package.json`, and whether the file could be understood."""
    import json

    if content is None:
        return (), True
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return (), False
    named = listed(at(found, "openclaw", "extensions"))
    return tuple(text for item in named if (text := trim(item))), isinstance(found, dict)
