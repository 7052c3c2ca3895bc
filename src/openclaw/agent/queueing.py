"""What happens to messages that come in while a session is busy (agent.md 3.3; advisory G5). Pure but for its queues.

Messages are joined only when their senders have the same authority, go to the same place and ask for the same things: a
turn never runs under somebody else's rights.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from openclaw.agent.contract import TurnRequest
from openclaw.agent.runs import Run
from openclaw.agent.settings import QueueSettings
from openclaw.tools.contract import Requester

_BULLET_CHARS: Final = 160


@dataclass(slots=True)
class SessionQueue:
    """The runs of one session.

    Attributes:
        waiting: accepted, in order.
        running: the one that runs now.
        wake: a system event asked for a turn as soon as the session is idle.
        followed: a run has ended: what waits now are follow-ups.
    """

    waiting: deque[Run] = field(default_factory=deque)
    running: Run | None = None
    wake: bool = False
    followed: bool = False


def authority(requester: Requester) -> tuple[Any, ...]:
    """Return everything of a requester that decides what his turn may do."""
    return (
        requester.channel,
        requester.account,
        requester.source,
        requester.sender_id,
        requester.sender_e164,
        requester.chat_type,
        requester.group_id,
        requester.group_space,
        requester.is_owner,
        requester.command_authorized,
        requester.scopes,
        requester.mentioned,
    )


def same_terms(one: TurnRequest, other: TurnRequest) -> bool:
    """Return whether two messages may be answered by one turn."""

    def terms(request: TurnRequest) -> tuple[Any, ...]:
        target = request.target
        place = (target.channel, target.account, target.to, target.thread_id) if target else None
        return (
            request.agent_id,
            request.lane,
            request.model,
            request.thinking,
            request.timeout_seconds,
            request.extra_system_prompt,
            place,
            authority(request.requester),
        )

    return terms(one) == terms(other)


def take_batch(queue: SessionQueue, settings: QueueSettings, alone: Callable[[TurnRequest], bool]) -> list[Run]:
    """Take the next runs out of a queue: one, or in mode `collect` all that follow on the same terms.

    Args:
        queue: holds at least one run.
        settings: of the first run's channel.
        alone: says of a message that it is never joined (a command that resets the session).
    """
    first = queue.waiting.popleft()
    batch = [first]
    if settings.mode == "followup" or alone(first.request):
        return batch
    while queue.waiting:
        following = queue.waiting[0].request
        if alone(following) or not same_terms(first.request, following):
            break
        batch.append(queue.waiting.popleft())
    return batch


def joined(requests: Sequence[TurnRequest]) -> TurnRequest:
    """Return one turn for several messages; it has the last one's run id and answers the rows of all."""
    last = requests[-1]
    if len(requests) == 1:
        return last
    return replace(
        last,
        text="\n\n".join(request.text for request in requests),
        command_text="",
        provenance=tuple(dict.fromkeys(origin for request in requests for origin in request.provenance)),
        images=tuple(image for request in requests for image in request.images),
        inbound_ids=tuple(row for request in requests for row in request.inbound_ids),
    )


@dataclass(frozen=True, slots=True)
class Overflow:
    """What goes when a queue is full.

    Attributes:
        dropped: runs that are not answered.
        summary: line for the next prompt, where one is kept.
    """

    dropped: tuple[Run, ...] = ()
    summary: str = ""


def overflow(queue: SessionQueue, settings: QueueSettings) -> Overflow:
    """Take out of a queue what is beyond its cap: the newest, or the oldest with or without a summary."""
    beyond = len(queue.waiting) - settings.cap
    if beyond <= 0:
        return Overflow()
    if settings.drop == "new":
        return Overflow(tuple(queue.waiting.pop() for _ in range(beyond)))
    dropped = tuple(queue.waiting.popleft() for _ in range(beyond))
    if settings.drop == "old":
        return Overflow(dropped)
    bullets = "\n".join(f"- {_short(run.request.text)}" for run in dropped)
    return Overflow(dropped, f"{beyond} messages were left out because too many waited:\n{bullets}")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _BULLET_CHARS else f"{line[:_BULLET_CHARS]}..."
