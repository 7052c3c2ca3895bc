"""The config as it may be shown, kept for the next command.

Checking and masking a config needs the whole schema, which takes longer to load than all else that a small command
does. So the masked result of a valid config is kept in `<state>/cache/config-view.json` under a digest of everything it
was made from, and made anew when that differs. Only the masked form is stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from os import scandir
from pathlib import Path
from typing import Any, Final

from openclaw.config.env_block import wants_shell
from openclaw.config.plain import Plain, read_plain
from openclaw.state.files import read_json, write_json
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment, is_secret_name
from openclaw.system.errors import OpenClawError
from openclaw.version import VERSION

SENTINEL: Final = "__OPENCLAW_REDACTED__"


@dataclass(frozen=True, slots=True)
class View:
    """A valid config with its secrets masked.

    Attributes:
        config: effective values; a secret that is written as a reference shows the reference.
        plain: the unmasked values it was made from.
    """

    config: Mapping[str, Any]
    plain: Plain


def view_config(layout: StateLayout, environment: Environment) -> View:
    """Return the config of a state directory, checked and masked.

    Raises:
        ConfigInvalid: it has faults; `details` hold the issues and the file.
    """
    plain = read_plain(layout, environment)
    if plain.document == {} and not plain.source.exists:
        return View({}, plain)
    digest = _digest(plain, layout)
    place = layout.root / "cache" / "config-view.json"
    kept = _kept(place, digest) if digest else None
    if kept is not None:
        return View(kept, plain)
    made = _make(plain, layout, environment)
    if digest:
        _keep(place, digest, made)
    return View(made, plain)


def _make(plain: Plain, layout: StateLayout, environment: Environment) -> dict[str, Any]:
    from openclaw.config.load import read_config
    from openclaw.config.model import invalid
    from openclaw.config.redact import redacted

    loaded = read_config(layout, environment)
    if loaded.config is None:
        raise invalid(loaded.issues, layout.config)
    config = loaded.config
    masked = redacted(loaded.source, config.document, config.environment).config
    shown: dict[str, Any] = _with_references(masked, plain.authored)
    return shown


def _with_references(masked: Any, authored: Any) -> Any:
    """Return a masked value with the references in place of the masks that they led to."""
    if masked == SENTINEL and isinstance(authored, str) and "${" in authored:
        from openclaw.config.redact import redact_value

        only = redact_value({"token": authored})["token"]  # stays as it is when it is references and nothing else
        return only if isinstance(only, str) else masked
    if isinstance(masked, dict) and isinstance(authored, Mapping):
        return {key: _with_references(item, authored.get(key)) for key, item in masked.items()}
    if isinstance(masked, list) and isinstance(authored, list) and len(masked) == len(authored):
        return [_with_references(item, own) for item, own in zip(masked, authored, strict=True)]
    return masked


def _digest(plain: Plain, layout: StateLayout) -> str | None:
    """Return what stands for all that the view depends on; None when it must not be kept.

    A digest of a secret that is in no file of the state directory would be new on the disk: then nothing is kept.
    """
    environment = plain.environment
    outside = [name for name in plain.source.references if is_secret_name(name) and name not in environment.origins]
    if plain.document is None or outside or wants_shell(plain.document, environment):
        return None
    bundled = environment.get("OPENCLAW_BUNDLED_PLUGINS_DIR")
    facts = [VERSION, _code_stamp(), str(layout.root), str(environment.home), bundled, plain.document, plain.authored]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=repr).encode()).hexdigest()


def _code_stamp() -> int:
    """Return when the newest module of this room was changed."""
    here = Path(__file__).parent
    folders = (here, here / "sections", here / "channels")
    return max(entry.stat().st_mtime_ns for folder in folders for entry in scandir(folder) if entry.is_file())


def _kept(place: Path, digest: str) -> dict[str, Any] | None:
    try:
        found = read_json(place)
    except OpenClawError:
        return None
    same = isinstance(found, dict) and found.get("digest") == digest and isinstance(found.get("config"), dict)
    config: dict[str, Any] | None = found["config"] if same else None
    return config


def _keep(place: Path, digest: str, config: dict[str, Any]) -> None:
    try:
        write_json(place, {"version": 1, "digest": digest, "config": config})
    except OpenClawError:
        return  # the next command is slower, nothing else
