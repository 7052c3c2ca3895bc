"""Asks the kernel about one inbound message: where it would go, and whether it may (channels.md 0, agent.md 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openclaw.channels.contract import InboundMessage
from openclaw.policy.inbound import Judged, judge_inbound
from openclaw.policy.snapshot import Policy
from openclaw.policy.who.facts import GroupActivation, SelfIdentity, StoreView

__all__ = ["Judged", "Surroundings", "judge"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What admission asks of the world, at the moment of asking.

    Attributes:
        identity: who the bot is on a channel account.
        store: the pairing store of a channel account.
        activation: what `/activation` stored for a session.
    """

    identity: Callable[[str, str], SelfIdentity]
    store: Callable[[str, str], StoreView]
    activation: Callable[[str], GroupActivation | None]


def judge(policy: Policy, message: InboundMessage, around: Surroundings, now_ms: int) -> Judged:
    """Return what the kernel says of a message, asked with the world as it is now."""
    return judge_inbound(
        policy,
        message.channel,
        message.account,
        message.facts,
        identity=around.identity(message.channel, message.account),
        store=around.store(message.channel, message.account),
        activation=around.activation,
        now_ms=now_ms,
    )
