"""Chat of gateway clients: `chat.send` becomes a message that goes through intake like any other (channels.md 5).

The client names its session; who it is and what it may comes from its connection. Answers travel as events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from openclaw.agent.contract import ReplyTarget, TurnRequest, TurnResult
from openclaw.channels.admit import Judged
from openclaw.channels.contract import InboundMessage
from openclaw.channels.envelope import stamp
from openclaw.channels.intake import Intake, Runner
from openclaw.channels.registry import WEBCHAT
from openclaw.channels.turns import Admitted, TurnOptions, requester_of
from openclaw.channels.webchat.attachments import images_of
from openclaw.policy.snapshot import Policy
from openclaw.policy.verdict import Outcome
from openclaw.policy.where.key_builders import main_session_key
from openclaw.policy.where.routing import MatchedBy, Route
from openclaw.policy.where.send_policy import SendFacts, may_send
from openclaw.policy.where.session_keys import agent_of
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.command_text import control_command, is_abort_word
from openclaw.policy.who.facts import EMPTY_STORE, NO_SELF, ChatType, MessageFacts, Sender, SessionView
from openclaw.protocol.peer import Peer
from openclaw.state.journal import InboundRow
from openclaw.system.clock import Clock
from openclaw.system.errors import InvalidInput, Refused
from openclaw.tools.contract import ImageBlock, Requester

log = logging.getLogger(__name__)

ACCOUNT: Final = "default"
KEPT_RESULTS: Final = 1000

Answer = dict[str, Any]


class Sessions(Protocol):
    """What the web chat asks of sessions."""

    def send_override(self, session_key: str) -> str | None:
        """Return the `sendPolicy` of a session entry."""
        ...


@dataclass(frozen=True, slots=True)
class WebChatParts:
    """What the web chat is built from."""

    intake: Intake
    runner: Runner
    sessions: Sessions
    policy: Callable[[], Policy]
    writer: Callable[[str], str]
    clock: Clock


class WebChat:
    """Takes chat messages of gateway clients; implements the gateway's chat port."""

    def __init__(self, parts: WebChatParts) -> None:
        self._parts = parts
        self._running: dict[tuple[str, str], str] = {}
        self._ended: dict[tuple[str, str], Answer] = {}

    async def send(
        self,
        peer: Peer,
        *,
        session_key: str,
        message: str,
        idempotency_key: str,
        thinking: str | None,
        attachments: Sequence[Mapping[str, Any]],
        timeout_ms: int | None,
    ) -> Answer:
        """Answer `chat.send` (gateway.md 3.6).

        Raises:
            InvalidInput: the message is empty, an attachment is malformed, or the session's agent is unknown.
            Refused: the session's send policy or admission says no.
        """
        images, warnings = await asyncio.to_thread(images_of, attachments) if attachments else ((), ())
        for warning in warnings:
            log.warning("web chat: %s", warning)
        if not message.strip() and not images:
            raise InvalidInput("message or attachment required")
        policy = self._parts.policy()
        key = policy.routing.canonical(session_key)
        self._check(policy, key)
        facts = _facts(peer, message)
        judged = _judge(policy, key, facts, self._parts.clock.now_ms())
        if self._stops(policy, message):
            return self._stop(judged, _inbound(peer, key, facts, idempotency_key, {}, self._parts.clock.now_ms()))
        known = self._known(peer, idempotency_key)
        if known is not None:
            return known
        options = _options(peer, idempotency_key, thinking, timeout_ms, images)
        extra = _extra(key, options)
        inbound = _inbound(peer, key, facts, idempotency_key, extra, self._parts.clock.now_ms())
        return await self._run(peer, idempotency_key, self._stamped(inbound), options, key)

    async def _run(
        self, peer: Peer, idempotency_key: str, inbound: InboundMessage, options: TurnOptions, key: str
    ) -> Answer:
        mark = (peer.identity, idempotency_key)
        self._running[mark] = idempotency_key
        try:
            request = await self._parts.intake.accept(
                inbound, lambda policy: _judge(policy, key, inbound.facts, self._parts.clock.now_ms()), options
            )
        except BaseException:
            self._running.pop(mark, None)
            raise
        if request is None:
            self._running.pop(mark, None)
            return {"runId": idempotency_key, "status": "ok"}
        return {"runId": idempotency_key, "status": "started"}

    def finished(self, request: TurnRequest, result: TurnResult) -> None:
        """Remember how a run ended, for a client that asks again with the same key."""
        mark = next((mark for mark, run_id in self._running.items() if run_id == request.run_id), None)
        if mark is None:
            return
        del self._running[mark]
        answer: Answer = {"runId": request.run_id, "status": "ok" if result.status == "ok" else "error"}
        if result.error:
            answer["summary"] = result.error
        self._ended[mark] = answer
        while len(self._ended) > KEPT_RESULTS:
            del self._ended[next(iter(self._ended))]

    async def resume(self, row: InboundRow, message: InboundMessage) -> bool:
        """Take a message on again that an earlier process left open; returns whether it is one of ours."""
        if message.channel != WEBCHAT:
            return False
        extra = message.extra
        key = str(extra.get("sessionKey", ""))
        options = TurnOptions(
            run_id=str(extra.get("runId", "")) or None,
            thinking=extra.get("thinking"),
            timeout_seconds=extra.get("timeoutSeconds"),
            scopes=frozenset(message.facts.operator_scopes),
            client_name=extra.get("clientName"),
            images=tuple(extra.get("images", ())),
        )
        judged = _judge(self._parts.policy(), key, message.facts, self._parts.clock.now_ms())
        await self._parts.intake.take(Admitted((row.id,), message, judged), options)
        return True

    def _check(self, policy: Policy, key: str) -> None:
        agent = agent_of(key)
        if policy.routing.agents and agent not in policy.routing.agents and key != "global":
            raise InvalidInput(f'unknown agent id "{agent}" in sessionKey; agents.list has the known ones')
        verdict = may_send(
            policy.routing.send,
            SendFacts(session_key=key, override=self._parts.sessions.send_override(key), channel=WEBCHAT),
        )
        if verdict.outcome is not Outcome.ALLOW:
            raise Refused(
                "send blocked by session policy",
                details={"rule": verdict.decided_by.rule, "key": verdict.decided_by.key},
            )

    @staticmethod
    def _stops(policy: Policy, message: str) -> bool:
        if is_abort_word(message):
            return True
        command = control_command(policy.access.commands, message, None)
        return command is not None and command.spec.name == "stop"

    def _stop(self, judged: Judged, inbound: InboundMessage) -> Answer:
        requester: Requester = requester_of(Admitted((0,), inbound, judged))
        stopped = self._parts.runner.stop(judged.session_key, requester)
        return {"ok": True, "aborted": bool(stopped), "runIds": list(stopped)}

    def _known(self, peer: Peer, idempotency_key: str) -> Answer | None:
        mark = (peer.identity, idempotency_key)
        if mark in self._running:
            return {"runId": idempotency_key, "status": "in_flight"}
        return self._ended.get(mark)

    def _stamped(self, inbound: InboundMessage) -> InboundMessage:
        """Put the time before the text, for the model; commands are read from the raw text."""
        text = self._parts.writer(inbound.body)
        return replace(inbound, body=f"[{stamp(inbound.sent_ms, None)}] {text}".rstrip())


def _facts(peer: Peer, message: str) -> MessageFacts:
    return MessageFacts(
        chat_type=ChatType.DIRECT,
        chat_id=peer.identity,
        sender=Sender(id=peer.identity, name=peer.name),
        text=message,
        operator_scopes=tuple(str(scope) for scope in peer.scopes),
    )


def _judge(policy: Policy, key: str, facts: MessageFacts, now_ms: int) -> Judged:
    agent = agent_of(key)
    session = SessionView(key=key, agent_id=agent)
    admission = decide(policy.access, WEBCHAT, ACCOUNT, NO_SELF, EMPTY_STORE, session, facts, now_ms)
    if admission.decision is not Decision.DELIVER:
        reason = admission.decided_by
        raise Refused(f"{reason.detail or reason.rule}", details={"rule": reason.rule, "key": reason.key})
    route = Route(
        agent_id=agent,
        channel=WEBCHAT,
        account_id=ACCOUNT,
        session_key=key,
        main_session_key=main_session_key(agent, policy.routing.main_key),
        store_key=key,
        matched_by=MatchedBy.DEFAULT,
    )
    return Judged(route=route, session_key=key, admission=admission)


def _options(
    peer: Peer, idempotency_key: str, thinking: str | None, timeout_ms: int | None, images: tuple[ImageBlock, ...]
) -> TurnOptions:
    return TurnOptions(
        run_id=idempotency_key,
        thinking=thinking,
        timeout_seconds=timeout_ms / 1000 if timeout_ms else None,
        scopes=frozenset(str(scope) for scope in peer.scopes),
        conn_id=peer.conn_id,
        client_name=peer.name,
        images=images,
    )


def _extra(key: str, options: TurnOptions) -> dict[str, Any]:
    """Return what a restart needs to run the message again."""
    return {
        "sessionKey": key,
        "runId": options.run_id,
        "thinking": options.thinking,
        "timeoutSeconds": options.timeout_seconds,
        "clientName": options.client_name,
        "images": list(options.images),
    }


def _inbound(
    peer: Peer, key: str, facts: MessageFacts, idempotency_key: str, extra: Mapping[str, Any], now_ms: int
) -> InboundMessage:
    return InboundMessage(
        channel=WEBCHAT,
        account=ACCOUNT,
        event_id=f"{peer.identity}:{idempotency_key}",
        facts=facts,
        message_id=idempotency_key,
        sent_ms=now_ms,
        body=facts.text,
        sender_label=peer.name,
        target=ReplyTarget(channel=WEBCHAT, account=ACCOUNT, to=key),
        extra=extra,
    )
