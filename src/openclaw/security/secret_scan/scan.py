"""The whole scan of a state directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from openclaw.config.issues import Parts
from openclaw.config.paths import get_value
from openclaw.config.plain import Plain, read_plain
from openclaw.security.secret_scan import in_config, in_files
from openclaw.security.secret_scan.model import PlainSecret
from openclaw.security.state_tree import Tree, scan
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment, is_secret_name
from openclaw.system.redaction import Redactor

_SHUT = ("sandboxes", "extensions", "browser", "workspace", "media", "tools", "memory")


def find_secrets(layout: StateLayout, environment: Environment) -> list[PlainSecret]:
    """Return every place of the state directory where a secret stands in plain text. Reads only; blocks.

    Workspaces, sandboxes, media and plugins are not looked at: they are the agent's, or somebody else's.
    """
    plain = read_plain(layout, environment)
    state = scan(layout.root, skip=_is_shut)
    shapes = Redactor(patterns=_patterns(plain), secrets=tuple)
    in_main = in_config.scan_config(plain, layout, environment, shapes)
    known = in_files.worth_finding(_values(plain, in_main, state))
    with_known = Redactor(patterns=_patterns(plain), secrets=lambda: known)
    return [
        *in_main,
        *in_config.scan_backups(_config_files(plain), shapes),
        *in_files.scan_env(state, shapes),
        *in_files.scan_profiles(state),
        *in_files.scan_stores(state),
        *in_files.token_files(plain.document, layout.root),
        *in_files.scan_texts(state, with_known),
    ]


def _is_shut(path: str) -> bool:
    first = path.partition("/")[0]
    return first in _SHUT or first.startswith("workspace-")


def _patterns(plain: Plain) -> tuple[str, ...]:
    block = (plain.authored or {}).get("logging") if isinstance(plain.authored, dict) else None
    found = block.get("redactPatterns") if isinstance(block, dict) else None
    return tuple(text for text in found if isinstance(text, str)) if isinstance(found, list) else ()


def _config_files(plain: Plain) -> tuple[Any, ...]:
    return tuple(path for path in plain.source.files if path.name != ".env")


def _values(plain: Plain, places: Iterable[PlainSecret], state: Tree) -> Iterator[str]:
    """Yield the secrets that are known, so that copies of them are found in transcripts."""
    for place in places:
        yield from _texts(plain.authored, place.parts)
    yield from (text for name, text in in_files.env_values(state).items() if is_secret_name(name))
    yield from (text for _, text in in_files.profile_secrets(state))


def _texts(document: Any, parts: Parts) -> Iterator[str]:
    found, value = get_value(document, parts)
    if found and isinstance(value, str):
        yield value
