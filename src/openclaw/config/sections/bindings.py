"""`bindings` and `broadcast`: which agent answers where (config.md 3.10)."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict

from openclaw.config.base import Block, Seq, Texts


class BindingPeer(Block):
    """One chat."""

    kind: Literal["direct", "group", "channel", "dm"]
    """Kind of chat; `dm` is read as `direct`."""
    id: str
    """Its id on the channel."""


class BindingMatch(Block):
    """What a binding applies to."""

    channel: str
    """Channel id."""
    account_id: str | None = None
    """Account, or `*` for any. Default: the default account."""
    peer: BindingPeer | None = None
    """One chat only."""
    guild_id: str | None = None
    """One Discord server only."""
    team_id: str | None = None
    """One Slack or Teams team only."""


class Binding(Block):
    """One rule that gives messages to an agent. The list is ordered."""

    agent_id: str
    """The agent."""
    match: BindingMatch
    """What it gets."""


class Broadcast(Block):
    """Chats in which several agents answer; every key but `strategy` is a chat id with a list of agents."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Texts]
    extra_values: ClassVar[Any] = Texts

    strategy: Literal["parallel", "sequential"] | None = None
    """Ask the agents at the same time or one after the other. Default: parallel."""

    @property
    def peers(self) -> Mapping[str, tuple[str, ...]]:
        """Return the agents by chat id."""
        return self.__pydantic_extra__ or {}


Bindings: TypeAlias = Seq[Binding]
"""The ordered list under `bindings`."""
