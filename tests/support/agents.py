"""A small world for tests of the agent room: a config, a state directory, settings and a model registry."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openclaw.agent.contract import ModelClient
from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.settings import Settings
from openclaw.config.model import Config
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.tasks import Supervisor
from support.time import FakeClock


@dataclass
class World:
    """What a test of this room needs.

    Attributes:
        root: the state directory.
        document: the config; change it and call `reload`.
        env: environment variables.
        clock: the clock.
    """

    root: Path
    document: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=FakeClock)
    tasks: Supervisor = field(default_factory=lambda: Supervisor("test"))

    def __post_init__(self) -> None:
        self.reload()
        self.layout = StateLayout.at(self.root)
        self.settings = Settings(lambda: self.config, self.layout)

    def reload(self) -> None:
        """Read the document again."""
        environment = Environment({"HOME": str(self.root), **self.env})
        self.config = Config.from_document(self.document, environment)

    def write_profiles(self, profiles: Mapping[str, Any], agent: str = "main", **more: Any) -> Path:
        """Write the auth profiles of an agent."""
        path = self.layout.agent_dir(agent) / "auth-profiles.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"version": 1, "profiles": dict(profiles), **more}))
        return path

    @asynccontextmanager
    async def registry(self, **clients: ModelClient) -> AsyncIterator[ModelRegistry]:
        """Return a model registry that is closed at the end."""
        registry = ModelRegistry(self.settings, self.clock, self.tasks, clients=clients)
        try:
            yield registry
        finally:
            await registry.close()
            await self.tasks.join()
