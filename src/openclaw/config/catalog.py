"""Which plugins and plugin channels there are, from their manifests, which are read and never executed (agent.md 7)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from openclaw.config.issues import Issue, fault
from openclaw.config.read_file import OddFile, read_regular, why

MANIFEST: Final = "openclaw.plugin.json"
MAX_MANIFEST_BYTES: Final = 1024 * 1024
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a plugin says of itself.

    Attributes:
        id: the plugin.
        root: its folder; None for what is built in.
        kind: `memory`, or "".
        channels: ids of the channels that it brings.
        config_schema: JSON Schema of `plugins.entries.<id>.config`; None when it takes any.
    """

    id: str
    root: Path | None = None
    kind: str = ""
    channels: tuple[str, ...] = ()
    config_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The plugins that are known.

    Attributes:
        plugins: by id.
        unnamed: folders where a plugin was looked for and that have no manifest, so that nothing in them is loaded.
    """

    plugins: Mapping[str, Manifest] = field(default_factory=dict)
    unnamed: tuple[Path, ...] = ()

    @property
    def channels(self) -> frozenset[str]:
        """Return the channels that plugins bring."""
        return frozenset(channel for plugin in self.plugins.values() for channel in plugin.channels)

    def with_manifests(self, manifests: Iterable[Manifest]) -> Catalog:
        """Return this catalogue with further plugins; of two equal ids the first counts."""
        found = dict(self.plugins)
        for manifest in manifests:
            found.setdefault(manifest.id, manifest)
        return replace(self, plugins=found)


_CHANNEL_PLUGINS: Final = (
    "telegram",
    "whatsapp",
    "discord",
    "googlechat",
    "slack",
    "signal",
    "imessage",
    "msteams",
    "bluebubbles",
)
_OTHER_PLUGINS: Final = ("memory-core", "device-pair", "phone-control", "talk-voice", "diagnostics-otel")

BUILT_IN: Final = Catalog(
    {name: Manifest(name, channels=(name,)) for name in _CHANNEL_PLUGINS}
    | {name: Manifest(name, kind="memory" if name == "memory-core" else "") for name in _OTHER_PLUGINS}
)
"""What openclaw knows without looking at the disk."""


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a plugin folder.

    Raises:
        ValueError: it is missing or invalid; the message says why, for people.
    """
    path = folder / MANIFEST
    try:
        stated = json.loads(read_regular(path, MAX_MANIFEST_BYTES)[0])
    except (OSError, OddFile) as error:
        raise ValueError(f"{path}: {why(error)}") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"{path} is not JSON") from None
    identity, schema = (stated.get("id"), stated.get("configSchema")) if isinstance(stated, dict) else (None, None)
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        raise ValueError(f'{path} needs "id": letters, digits, dot, hyphen, underscore')
    if not isinstance(schema, dict):
        raise ValueError(f'{path} needs "configSchema": an object')  # noqa: TRY004  # one error type for the caller
    channels = stated.get("channels")
    return Manifest(
        id=identity,
        root=folder,
        kind=str(stated.get("kind") or ""),
        channels=tuple(name for name in channels if isinstance(name, str)) if isinstance(channels, list) else (),
        config_schema=schema,
    )


def discover(paths: Sequence[str], extensions: Path, bundled: Path | None) -> tuple[Catalog, list[Issue]]:
    """Return every plugin that is found, and faults.

    The order of precedence is: `plugins.load.paths`, `<state>/extensions`, the bundled folder, what is built in. The
    workspace is never looked at, because agents may write there.

    Args:
        paths: `plugins.load.paths`; each a plugin folder or a folder of such.
        extensions: `<state>/extensions`.
        bundled: folder of bundled plugins, if there is one.
    """
    manifests: list[Manifest] = []
    unnamed: list[Path] = []
    issues: list[Issue] = []
    for text in paths:
        folder = Path(text)
        if not folder.exists():
            issues.append(fault(("plugins", "load", "paths"), f"{folder} does not exist"))
            continue
        named, others = ([folder], []) if _is_named(folder) else _folders(folder)
        unnamed += others if named else [folder]
        _collect(named, manifests, issues)
    for place in (extensions, bundled):
        if place is not None:
            named, others = _folders(place)
            unnamed += others
            _collect(named, manifests, issues)
    found = Catalog(unnamed=tuple(dict.fromkeys(unnamed)))
    return found.with_manifests((*manifests, *BUILT_IN.plugins.values())), issues


def _is_named(folder: Path) -> bool:
    return (folder / MANIFEST).exists()


def _folders(place: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders in a place that have a manifest, and those that have none."""
    try:
        found = sorted(item for item in place.iterdir() if item.is_dir() and not item.name.startswith("."))
    except OSError:
        return [], []
    return [item for item in found if _is_named(item)], [item for item in found if not _is_named(item)]


def _collect(folders: Iterable[Path], manifests: list[Manifest], issues: list[Issue]) -> None:
    for folder in folders:
        try:
            manifests.append(read_manifest(folder))
        except ValueError as error:
            issues.append(fault(("plugins",), str(error)))
