"""What the handlers of commands are given, and what they answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from openclaw.agent.contract import TurnRequest
from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.sessions.stores import Sessions
from openclaw.agent.settings import AgentSettings, PolicyView, Settings
from openclaw.policy.who.commands_registry import CommandSpec
from openclaw.state.sessions import Entry
from openclaw.system.clock import Clock
from openclaw.tools.approvals import Approvals
from openclaw.tools.contract import Requester


class RunControl(Protocol):
    """What commands ask of the runtime."""

    def stop(self, session_key: str, requester: Requester) -> tuple[str, ...]:
        """Abort the runs of a session that this requester may abort; returns their ids."""
        ...

    def activity(self, session_key: str) -> tuple[bool, int]:
        """Return whether the session runs, and how many messages wait."""
        ...


@dataclass(frozen=True, slots=True)
class CommandParts:
    """What commands are run with.

    Attributes:
        settings: the current config.
        policy: the current policy.
        sessions: the sessions.
        registry: the models.
        runs: the runtime.
        approvals: the requests that wait for a person; None where there are none.
        clock: the time.
        bot_username: own name on a channel account, without `@`.
    """

    settings: Settings
    policy: Callable[[], PolicyView]
    sessions: Sessions
    registry: ModelRegistry
    runs: RunControl
    approvals: Approvals | None
    clock: Clock
    bot_username: Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class CommandContext:
    """One command that is being run; its sender was found to have the right to it.

    Attributes:
        parts: the objects of the process.
        request: the message.
        spec: the command.
        arguments: what follows its name.
    """

    parts: CommandParts
    request: TurnRequest
    spec: CommandSpec
    arguments: str

    @property
    def key(self) -> str:
        """Return the session that the command is about."""
        return self.request.session_key

    @property
    def requester(self) -> Requester:
        """Return who gave it."""
        return self.request.requester

    @property
    def agent(self) -> AgentSettings:
        """Return the agent of the session."""
        return self.parts.settings.agent(self.request.agent_id)

    @property
    def entry(self) -> Mapping[str, Any]:
        """Return the session's entry; empty for a session that does not exist yet."""
        return self.parts.sessions.entry(self.key) or {}

    @property
    def words(self) -> list[str]:
        """Return the arguments, split at blanks."""
        return self.arguments.split()

    async def store(self, patch: Mapping[str, Any]) -> Entry:
        """Lay a patch over the session's entry; None removes a field."""
        store = await self.parts.sessions.ready(self.key)
        return store.merge(self.key, patch)


Handler = Callable[[CommandContext], Awaitable[str]]
"""Runs a command and returns the text of its answer."""
