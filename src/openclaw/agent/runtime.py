"""The agent: takes turns, orders them by session, runs them within their lanes, and tells how they ended.

A session runs one turn at a time. What comes in meanwhile waits, and is joined where it may be (agent.md 3.2, 3.3).
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from openclaw.agent.commands.context import CommandParts
from openclaw.agent.commands.dispatch import Command, Commands
from openclaw.agent.contract import EventSink, Payload, TurnRequest, TurnResult
from openclaw.agent.events import Bus, Emitter
from openclaw.agent.lanes import Lanes
from openclaw.agent.models.keyring import SecretResolver
from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.queueing import authority
from openclaw.agent.resets import begin_anew
from openclaw.agent.run_facts import INTERNAL, text
from openclaw.agent.runs import Run, Runs
from openclaw.agent.session_order import DROPPED, JOINED, OrderParts, SessionOrder
from openclaw.agent.sessions.port import SessionsForTools
from openclaw.agent.sessions.service import SessionService
from openclaw.agent.sessions.stores import Sessions
from openclaw.agent.settings import PolicyView, Settings
from openclaw.agent.system_events import last_target, wake_request
from openclaw.agent.system_lines import SystemLines
from openclaw.agent.tool_step import GatePort
from openclaw.agent.turn import DEFECT, Turns
from openclaw.agent.turn_state import SHUTDOWN, TurnParts, error_line
from openclaw.policy.verdict import Outcome
from openclaw.policy.what.labels import Source
from openclaw.policy.where.key_ids import GLOBAL_KEY, PeerKind
from openclaw.policy.where.send_policy import SendFacts, may_send
from openclaw.state.ledger_port import LedgerPort
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError
from openclaw.system.tasks import Supervisor
from openclaw.tools.approvals import Approvals
from openclaw.tools.contract import Requester, SessionsPort, SystemEvents

__all__ = ["AgentRuntime", "RuntimeParts", "last_target"]

log = logging.getLogger(__name__)

MAX_SETTLED: Final = 10_000

Finished = Callable[[TurnRequest, TurnResult], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class RuntimeParts:
    """What the agent is built from.

    Attributes:
        settings: the current config, per agent.
        policy: the current policy.
        gate: builds the door to tools from the two ports that tools have into this room.
        ledger: takes one record per command.
        clock: the time.
        redact: masks secrets in debug output for chats.
        approvals: the requests that wait for a person.
        resolve_secret: turns a secret of the config into its value.
        bot_username: own name on a channel account, without `@`.
    """

    settings: Settings
    policy: Callable[[], PolicyView]
    gate: Callable[[SessionsPort, SystemEvents], GatePort]
    ledger: LedgerPort
    clock: Clock
    redact: Callable[[str], str] = str
    approvals: Approvals | None = None
    resolve_secret: SecretResolver | None = None
    bot_username: Callable[[str, str], str | None] = lambda _channel, _account: None


class AgentRuntime:
    """Runs turns for channels, gateway clients and the process itself."""

    def __init__(self, parts: RuntimeParts, *, registry: ModelRegistry | None = None) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._tasks = Supervisor("agent")
        self._background = Supervisor("agent-stores")
        self._bus = Bus()
        self._runs = Runs(parts.clock)
        self._lanes = Lanes(parts.settings.lane_cap)
        self._callbacks: list[Finished] = []
        self._settled: dict[int, None] = {}
        self.lines = SystemLines(parts.clock)
        self.store = Sessions(parts.settings, parts.policy, parts.clock, self._background)
        self.registry = registry or ModelRegistry(
            parts.settings, parts.clock, self._background, resolve=parts.resolve_secret
        )
        self.gate = parts.gate(
            SessionsForTools(parts.settings, parts.policy, self.store, self.registry, parts.clock), self
        )
        self._turns = Turns(
            TurnParts(
                settings=parts.settings,
                policy=parts.policy,
                sessions=self.store,
                registry=self.registry,
                gate=self.gate,
                lines=self.lines,
                clock=parts.clock,
                redact=parts.redact,
            )
        )
        self._commands = Commands(
            CommandParts(
                settings=parts.settings,
                policy=parts.policy,
                sessions=self.store,
                registry=self.registry,
                runs=self,
                approvals=parts.approvals,
                clock=parts.clock,
                bot_username=parts.bot_username,
            ),
            parts.ledger,
        )
        self.sessions = SessionService(parts.settings, parts.policy, self.store, self.registry, parts.clock, self)
        self._order = SessionOrder(
            OrderParts(
                settings=parts.settings,
                clock=parts.clock,
                tasks=self._tasks,
                lines=self.lines,
                alone=lambda request: self._commands.find(request) is not None,
                run=self._in_lane,
                settle=self._settle,
                wake=self._wake_run,
            )
        )

    # Taking turns

    def submit(self, request: TurnRequest) -> Run:
        """Queue a turn and return its handle at once. The same run id of the same sender is the same run."""
        key = self.store.canonical(request.session_key, request.agent_id)
        agent_id = request.agent_id if key == GLOBAL_KEY else self.store.agent_of(key)
        request = replace(request, session_key=key, agent_id=agent_id)
        known = self._runs.find(request.run_id)
        if known is not None and _same_run(known.request, request):
            return known
        emitter = Emitter(self._bus, self._clock, request.run_id, key)
        done = asyncio.get_running_loop().create_future()
        run = Run(request, self._clock.now_ms(), emitter, done)
        if self._order.closing:
            done.set_result(self._cut(run))
            return run
        self._runs.add(run)
        command = self._commands.find(request)
        if command is not None and not command.resets:
            self._tasks.start(self._command(run, command), name=f"command {request.run_id}")
            return run
        self._order.put(run)
        return run

    def run(self, request: TurnRequest) -> None:
        """Queue a turn; for callers that hear of its end by `on_finished`."""
        self.submit(request)

    async def _command(self, run: Run, command: Command) -> None:
        try:
            answer = await self._commands.run(command, run.request)
        except OpenClawError as error:
            answer = error_line(run.request.requester, error)
        except Exception:
            log.exception("/%s failed", command.spec.name)
            answer = DEFECT
        await self._settle(run, self._answered(run, answer))

    async def _in_lane(self, run: Run) -> TurnResult:
        async with self._lanes.hold(run.request.session_key, run.request.lane):
            request = run.request
            if self._pointless(request):
                return self._order.ended(run, "ok", DROPPED)
            command = self._commands.find(request)
            if command is not None and command.resets:
                verdict = self._commands.judge(command, request)
                following, answer = await begin_anew(self.store, self.registry, command, request, verdict)
                if following is None:
                    return self._answered(run, answer)
                request = following
            return await self._turns.run(request, run.emitter, run.stopping)

    def _pointless(self, request: TurnRequest) -> bool:
        """Return whether nothing is left to do: the message was answered with others, or its events were told."""
        if request.inbound_ids and all(row in self._settled for row in request.inbound_ids):
            return True
        woken = request.requester.channel == INTERNAL and not request.text
        return woken and not self.lines.waiting(request.session_key)

    def _answered(self, run: Run, answer: str) -> TurnResult:
        """Return the result of a run that no model answered, and tell it."""
        if answer:
            run.emitter.emit("assistant", {"text": answer, "delta": answer})
        ended = self._order.ended(run, "ok", "stop")
        return replace(ended, payloads=(Payload(answer),) if answer else ())

    # Ends

    async def _settle(self, run: Run, result: TurnResult) -> None:
        """Give a run its result and tell those who deliver it."""
        request = run.request
        if result.stop_reason == JOINED:
            request = replace(request, inbound_ids=())
        elif run.stopping.rows:
            rows = dict.fromkeys((*request.inbound_ids, *run.stopping.rows))
            request = replace(request, inbound_ids=tuple(rows))
        if not self._leaves(request):
            request = replace(request, target=None)
        if not run.done.done():
            run.done.set_result(result)
        self._runs.ended(run)
        self._settled.update(dict.fromkeys(request.inbound_ids))
        while len(self._settled) > MAX_SETTLED:
            del self._settled[next(iter(self._settled))]
        for callback in self._callbacks:
            await self._call_back(callback, request, result)

    async def _call_back(self, callback: Finished, request: TurnRequest, result: TurnResult) -> None:
        try:
            told = callback(request, result)
            if inspect.isawaitable(told):
                await told
        except OpenClawError as error:
            log.error("the end of run %s was not taken: %s", request.run_id, error)
        except Exception:
            log.exception("the end of run %s was not taken", request.run_id)

    def _leaves(self, request: TurnRequest) -> bool:
        """Return whether answers of the session may be delivered; a command's answer always is (agent.md 1.9)."""
        command = self._commands.find(request)
        if request.target is None or (command is not None and not command.resets):
            return True
        entry = self.store.entry(request.session_key) or {}
        facts = SendFacts(
            session_key=request.session_key,
            override=text(entry, "sendPolicy"),
            channel=request.target.channel,
            chat_type=PeerKind.read(request.target.chat_type),
        )
        return may_send(self._parts.policy().routing.send, facts).outcome is Outcome.ALLOW

    def on_finished(self, callback: Finished) -> None:
        """Tell `callback` of the end of every run, in the order of each session."""
        self._callbacks.append(callback)

    def subscribe(self, sink: EventSink) -> None:
        """Tell `sink` of every event of every run."""
        self._bus.subscribe(sink)

    async def wait(self, run_id: str, timeout_ms: int) -> TurnResult | None:
        """Wait for a run, also one that ended in the last ten minutes; None when the time is over or it is unknown."""
        run = self._runs.find(run_id)
        if run is None:
            return None
        try:
            async with asyncio.timeout(max(0, timeout_ms) / 1000):
                return await run.result()
        except TimeoutError:
            return None

    # Stopping

    def abort(self, session_key: str, *, run_id: str | None = None, stop_reason: str = "rpc") -> tuple[str, ...]:
        """Stop what runs in a session and drop what waits, or one run of it; returns the ids."""
        key = self.store.canonical(session_key)
        return self._order.abort(key, stop_reason, lambda run: run_id is None or run.run_id == run_id)

    def stop(self, session_key: str, requester: Requester) -> tuple[str, ...]:
        """Stop the runs that this person may stop: in rooms with several people only his own, an owner's all."""
        everything = requester.is_owner or requester.chat_type == "direct"
        own = authority(requester)[:5]
        return self._order.abort(
            self.store.canonical(session_key),
            "stop-command",
            lambda run: everything or authority(run.request.requester)[:5] == own,
        )

    def activity(self, session_key: str) -> tuple[bool, int]:
        """Return whether a session runs, and how many turns wait."""
        queue = self._order.queue(self.store.canonical(session_key))
        return (queue.running is not None, len(queue.waiting)) if queue else (False, 0)

    async def idle(self, session_key: str, seconds: float) -> bool:
        """Wait until nothing runs in a session; returns False when the time is over."""
        queue = self._order.queue(self.store.canonical(session_key))
        running = queue.running if queue else None
        if running is None:
            return True
        return await self.wait(running.run_id, int(seconds * 1000)) is not None

    def last_activity_ms(self, session_key: str) -> int | None:
        """Return when a session was used last, epoch milliseconds."""
        entry = self.store.entry(self.store.canonical(session_key))
        found = entry.get("updatedAt") if entry else None
        return int(found) if isinstance(found, int | float) else None

    # System events

    def notify(
        self,
        session_key: str,
        text: str,
        *,
        context_key: str | None = None,
        wake: bool = False,
        source: Source = Source.TOOL,
    ) -> None:
        """Queue a line for a session's next prompt; with `wake`, start a turn for it as soon as the session is idle.

        Args:
            session_key: any spelling.
            text: a headline; further lines are the words of a program or person and are shown as a quotation.
            context_key: events of one thing replace each other.
            wake: whether it is worth a turn of its own.
            source: whose words they are.
        """
        key = self.store.canonical(session_key)
        added = self.lines.add(key, text, source=source, context_key=context_key)
        if wake and added:
            self._order.wake(key)

    def _wake_run(self, key: str) -> Run:
        """Return the turn that system events ask for."""
        request = wake_request(key, self.store.agent_of(key), self.store.entry(key) or {})
        emitter = Emitter(self._bus, self._clock, request.run_id, key)
        run = Run(request, self._clock.now_ms(), emitter, asyncio.get_running_loop().create_future())
        self._runs.add(run)
        return run

    # Lists

    def models_list(self) -> Sequence[dict[str, Any]]:
        """Return the rows of `models.list`."""
        return self.registry.listed()

    def agents_list(self) -> dict[str, Any]:
        """Answer `agents.list` (gateway.md 3.4)."""
        settings = self._parts.settings
        routing = self._parts.policy().routing
        rows = []
        for agent_id in settings.agent_ids:
            agent = settings.agent(agent_id)
            row: dict[str, Any] = {"id": agent_id}
            if agent.identity:
                row |= {"name": agent.name, "identity": dict(agent.identity)}
            rows.append(row)
        scope = "global" if routing.global_scope else "per-sender"
        return {"defaultId": settings.default_agent, "mainKey": routing.main_key, "scope": scope, "agents": rows}

    # The end

    async def drain(self, seconds: float) -> None:
        """Take no follow-ups any more, and give what runs a little time to end."""
        self._order.closing = True
        running = [run.done for run in self._order.running]
        if running and seconds > 0:
            await asyncio.wait(running, timeout=seconds)

    async def close(self) -> None:
        """Stop; turns that were cut stay open in the journal and are run again after the next start."""
        self._order.closing = True
        for run in self._order.running:
            run.stop(SHUTDOWN)
        await self._tasks.close()
        for run in self._runs.active:
            if not run.done.done():
                run.done.set_result(self._cut(run))
        await self.registry.close()
        await self.store.close()
        await self._background.close()

    def _cut(self, run: Run) -> TurnResult:
        """Return the result of a run that the next process will take up."""
        now = self._clock.now_ms()
        return TurnResult(run.run_id, "aborted", (), run.accepted_ms, now, stop_reason=SHUTDOWN)


def _same_run(one: TurnRequest, other: TurnRequest) -> bool:
    return one.session_key == other.session_key and authority(one.requester)[:5] == authority(other.requester)[:5]
