"""Worlds to ask: a config over a state directory of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openclaw.security.explain.answer import Answer
from openclaw.security.explain.flips import Ask, answered
from openclaw.security.explain.world import World
from support.configs import ConfigFolder


def world_of(folder: Path, document: Mapping[str, Any], env: Mapping[str, str] | None = None) -> World:
    """Return the world of a config; the default workspace exists."""
    folder.chmod(0o700)
    home = ConfigFolder(folder, {"PATH": "/usr/bin:/bin", **(env or {})})
    home.write(dict(document))
    (folder / "home" / ".openclaw" / "workspace").mkdir(parents=True, exist_ok=True)
    return World.of_disk(home.layout, home.environment)


def asked(world: World, ask: Ask, *, search: bool = True) -> Answer:
    """Return the answer to a question."""
    return asyncio.run(answered(world, ask, search=search))


class Names:
    """A resolver that knows a few names."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self.names = names

    async def lookup(self, host: str, port: int) -> Sequence[str]:
        return tuple(self.names.get(host, ()))
