"""`~` in values that are paths (config.md 1.2, step 12)."""

from __future__ import annotations

from typing import Any, Final

from openclaw.system.environment import Environment

_ENDINGS: Final = ("dir", "path", "paths", "file", "root", "workspace")
_LISTS: Final = frozenset({"paths", "pathPrepend"})


def expand_home(document: dict[str, Any], environment: Environment) -> dict[str, Any]:
    """Return the document with a leading `~` replaced where the key names a path."""
    return {key: _expand(item, key, environment, listed=False) for key, item in document.items()}


def _expand(value: Any, key: str, environment: Environment, *, listed: bool) -> Any:
    if isinstance(value, dict):
        return {name: _expand(item, name, environment, listed=False) for name, item in value.items()}
    if isinstance(value, list):
        return [_expand(item, key, environment, listed=key in _LISTS) for item in value]
    at_home = isinstance(value, str) and (value == "~" or value.startswith(("~/", "~\\")))
    return str(environment.expand(value)) if at_home and (listed or key.lower().endswith(_ENDINGS)) else value
