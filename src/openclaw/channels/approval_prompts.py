"""Forwards exec approvals to chats: request, outcome and expiry to the same places (exec.md 2.9)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from openclaw.agent.contract import Payload, ReplyTarget
from openclaw.policy.patterns import PatternSet
from openclaw.policy.where.session_keys import agent_of
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError
from openclaw.system.tasks import Supervisor
from openclaw.tools.approval_text import expired_text, prompt, resolved_text
from openclaw.tools.approvals import ChatPlace, Pending, Resolution

log = logging.getLogger(__name__)

MESSAGE_LIMIT: Final = 3500


@dataclass(frozen=True, slots=True)
class ForwardSettings:
    """`approvals.exec`, compiled.

    Attributes:
        enabled: forward at all.
        mode: the session's own chat, the listed targets, or both.
        agents: only requests of these agents; empty means all.
        sessions: only sessions whose key one of these patterns finds; None means all.
        targets: the listed chats.
    """

    enabled: bool = False
    mode: Literal["session", "targets", "both"] = "session"
    agents: frozenset[str] = frozenset()
    sessions: PatternSet | None = None
    targets: tuple[ReplyTarget, ...] = ()


class ApprovalPrompts:
    """Observes approvals and writes their prompts into the outbox."""

    def __init__(
        self,
        settings: Callable[[], ForwardSettings],
        session_target: Callable[[str], ReplyTarget | None],
        put: Callable[[ReplyTarget, Sequence[Payload]], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._session_target = session_target
        self._put = put
        self._clock = clock
        self._told: dict[str, tuple[ReplyTarget, ...]] = {}
        self._tasks = Supervisor("approval prompts")

    def requested(self, pending: Pending) -> None:
        """Send the prompt to every place that the settings name."""
        targets = self._targets(pending)
        if not targets:
            return
        self._told[pending.id] = targets
        seconds = max(0, (pending.expires_ms - self._clock.now_ms()) // 1000)
        text = prompt(pending.view, pending.id, expires_in_s=seconds, limit=MESSAGE_LIMIT).text
        self._send(targets, text)

    def resolved(self, pending: Pending, resolution: Resolution) -> None:
        """Tell the same places how it ended, but not the chat that decided: the answer to its command says it there.

        Nothing is sent after that.
        """
        asked = self._told.pop(pending.id, ())
        targets = [target for target in asked if _place(target) != resolution.decided_in]
        if resolution.decision is None:
            self._send(targets, expired_text(pending.id))
        else:
            self._send(targets, resolved_text(pending.id, resolution.decision, resolution.resolved_by))

    async def close(self) -> None:
        """Stop."""
        await self._tasks.close()

    def _send(self, targets: Sequence[ReplyTarget], text: str) -> None:
        for target in targets:
            self._tasks.start(self._deliver(target, text), name=f"{target.channel}/{target.to}")

    async def _deliver(self, target: ReplyTarget, text: str) -> None:
        try:
            await self._put(target, [Payload(text=text)])
        except OpenClawError as error:
            log.error("an approval prompt to %s was not queued: %s", target.channel, error)

    def _targets(self, pending: Pending) -> tuple[ReplyTarget, ...]:
        """Return the places, each once; a filter without the data that it needs forwards nothing."""
        settings = self._settings()
        if not settings.enabled:
            return ()
        key = pending.view.session_key
        agent = pending.view.agent_id or (agent_of(key) if key else None)
        if settings.agents and agent not in settings.agents:
            return ()
        if settings.sessions is not None and (not key or settings.sessions.first_in(key) is None):
            return ()
        found: list[ReplyTarget] = []
        if settings.mode in {"session", "both"} and key:
            own = self._session_target(key)
            found += [own] if own is not None else []
        if settings.mode in {"targets", "both"}:
            found += settings.targets
        return tuple({_place(target): target for target in found}.values())


def _place(target: ReplyTarget) -> ChatPlace:
    return ChatPlace(target.channel, target.account, target.to, target.thread_id)
