"""One way to read the settings of a channel account, typed model or a plugin's plain object (channels.md 1.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel


class Settings:
    """A block of the config. Every reader returns None for what is absent or has another type."""

    __slots__ = ("_block",)

    def __init__(self, block: BaseModel | Mapping[str, Any] | None) -> None:
        self._block = block

    def value(self, name: str) -> Any:
        """Return the value of a key, named in snake_case."""
        if isinstance(self._block, Mapping):
            return self._block.get(to_camel(name))
        return getattr(self._block, name, None)

    def text(self, name: str) -> str | None:
        """Return a text."""
        found = self.value(name)
        return found if isinstance(found, str) else None

    def flag(self, name: str) -> bool | None:
        """Return a switch."""
        found = self.value(name)
        return found if isinstance(found, bool) else None

    def whole(self, name: str) -> int | None:
        """Return a whole number that is not negative."""
        found = self.value(name)
        return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None

    def ids(self, name: str) -> tuple[str, ...] | None:
        """Return a list of ids as texts; something that is no list counts as an empty one, which is nobody."""
        found = self.value(name)
        if found is None and not self._states_null(name):
            return None
        if not isinstance(found, list | tuple):
            return ()
        return tuple(str(entry) for entry in found if isinstance(entry, str | int) and not isinstance(entry, bool))

    def block(self, name: str) -> Settings:
        """Return a block inside."""
        found = self.value(name)
        return Settings(found if isinstance(found, BaseModel | Mapping) else None)

    def blocks(self, name: str) -> dict[str, Settings] | None:
        """Return a map of blocks."""
        found = self.value(name)
        if not isinstance(found, Mapping):
            return None
        return {
            str(key): Settings(value if isinstance(value, BaseModel | Mapping) else {}) for key, value in found.items()
        }

    def _states_null(self, name: str) -> bool:
        return isinstance(self._block, Mapping) and to_camel(name) in self._block


def overlaid(section: Mapping[str, Any], account: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plugin channel's section with an account over it, as `Channels.account` does for known channels."""
    merged = {key: value for key, value in section.items() if key != "accounts"}
    for key, value in account.items():
        below = merged.get(key)
        both = key == "dm" and isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = {**below, **value} if both and isinstance(below, Mapping) else value
    return merged
