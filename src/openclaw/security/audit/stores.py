"""What the stores beside the config say: who was paired, which commands were approved, which nodes there are.

Read as plain JSON and only where a store exists; a store that cannot be understood is an absent one with a trouble.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from openclaw.config.catalog import discover
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT, normalise_account_id
from openclaw.security.audit.look import Kind, Looker
from openclaw.security.audit.reading import Reading
from openclaw.security.audit.values import at, entries, listed, mapping, trim

_ALLOW: Final = "-allowFrom.json"
_MAX_STORES: Final = 500
_BYTES: Final = 4 * 1024 * 1024
_MIN_CREDS: Final = 2


@dataclass(frozen=True, slots=True)
class Node:
    """A paired device with the role of a node: its name and the commands that it was approved with."""

    name: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stores:
    """What the stores hold.

    Attributes:
        allow_from: approved entries by file name without its ending: `telegram`, `telegram-work`.
        linked: WhatsApp accounts that are logged in.
        approvals: `exec-approvals.json`; empty when absent.
        nodes: paired nodes.
        packages: `package.json` of each plugin folder, by folder name; None where it is broken.
        plugin_ids: plugins that are found on the disk.
    """

    allow_from: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    linked: frozenset[str] = frozenset()
    approvals: Mapping[str, Any] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    packages: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    plugin_ids: tuple[str, ...] = ()

    def approved(self, channel: str, account: str | None = None) -> tuple[str, ...]:
        """Return the approved entries of a channel, or of an account of it that is not the default one."""
        scope = normalise_account_id(account)
        name = channel if account is None or scope == DEFAULT_ACCOUNT else f"{channel}-{scope}"
        return self.allow_from.get(name, ())


def read_stores(reading: Reading, plugins: tuple[Path, ...], looker: Looker) -> Stores:
    """Return what the stores hold.

    Args:
        reading: says where they are.
        plugins: plugin folders.
        looker: reads.
    """
    return Stores(
        allow_from=dict(_allow_lists(reading.credentials, looker)),
        linked=frozenset(_linked(reading, looker)),
        approvals=mapping(_json(reading.layout.exec_approvals, looker)),
        nodes=tuple(_nodes(reading.layout.devices / "paired.json", looker)),
        packages={folder.name: _package(folder / "package.json", looker) for folder in plugins},
        plugin_ids=tuple(_plugin_ids(reading, plugins)),
    )


def _plugin_ids(reading: Reading, plugins: tuple[Path, ...]) -> Iterator[str]:
    paths = entries(at(reading.document, "plugins", "load", "paths"))
    if plugins or paths:
        catalog, _ = discover(paths, reading.layout.root / "extensions", None)
        yield from (name for name, manifest in catalog.plugins.items() if manifest.root is not None)


def _json(path: Path, looker: Looker, *, follow: bool = False) -> Any:
    content = looker.read(path, _BYTES, follow=follow)
    if content is None:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        looker.troubles[path] = "is not JSON"
        return None


def _package(path: Path, looker: Looker) -> Mapping[str, Any] | None:
    """Return a package file; empty when there is none, None when it is broken."""
    content = looker.read(path, _BYTES)
    if content is None:
        return {}
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _allow_lists(folder: Path, looker: Looker) -> Iterator[tuple[str, tuple[str, ...]]]:
    names = [seen for seen in looker.folder(folder) if seen.kind is Kind.FILE and seen.path.name.endswith(_ALLOW)]
    for seen in names[:_MAX_STORES]:
        yield seen.path.name.removesuffix(_ALLOW), tuple(entries(at(_json(seen.path, looker), "allowFrom")))


def _linked(reading: Reading, looker: Looker) -> Iterator[str]:
    """Yield the WhatsApp accounts whose login is there: a file of more than one byte that is JSON."""
    section = mapping(at(reading.document, "channels", "whatsapp"))
    accounts = mapping(section.get("accounts"))
    for name in dict.fromkeys((*accounts, DEFAULT_ACCOUNT)):
        own = trim(at(accounts, name, "authDir"))
        place = (
            reading.environment.expand(own) if own else reading.credentials / "whatsapp" / normalise_account_id(name)
        )
        content = looker.read(place / "creds.json", _BYTES, follow=True)
        if content is None or len(content) < _MIN_CREDS:
            continue
        try:
            json.loads(content)
        except (ValueError, RecursionError):
            continue
        yield name


def _nodes(path: Path, looker: Looker) -> Iterator[Node]:
    for device_id, record in mapping(_json(path, looker)).items():
        roles = listed(at(record, "roles")) or [at(record, "role")]
        if "node" in roles:
            name = trim(at(record, "displayName")) or device_id[:12]
            yield Node(name, tuple(text for text in listed(at(record, "commands")) if isinstance(text, str)))
