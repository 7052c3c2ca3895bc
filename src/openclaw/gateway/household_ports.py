"""What rooms ask of each other, answered by the objects that have it: thin adapters of the wiring file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from openclaw.agent.contract import ReplyTarget, TurnRequest
from openclaw.agent.runtime import AgentRuntime, last_target
from openclaw.channels.manager import ChannelManager
from openclaw.channels.typing import TypingIndicator
from openclaw.policy.what.labels import Source
from openclaw.policy.who.facts import GroupActivation
from openclaw.state.exec_approvals import ExecApprovalsFile
from openclaw.state.exec_approvals_change import FileChange
from openclaw.state.ledger_port import LedgerPort
from openclaw.tools.contract import Requester


class AgentRunner:
    """What channels ask of the agent: implements `intake.Runner` and the web chat's `Sessions`."""

    def __init__(self, runtime: AgentRuntime, typing: TypingIndicator) -> None:
        self._runtime = runtime
        self._typing = typing
        self._started: Callable[[str, str], None] = lambda _run, _conn: None

    def on_started(self, listener: Callable[[str, str], None]) -> None:
        """Tell `listener` the run and the connection that asked for it, before the run begins."""
        self._started = listener

    def run(self, request: TurnRequest) -> None:
        """Queue a turn; the connection that asked hears of its tools."""
        self._typing.expect(request)
        if (conn_id := request.requester.conn_id) is not None:
            self._started(request.run_id, conn_id)
        self._runtime.run(request)

    def stop(self, session_key: str, requester: Requester) -> tuple[str, ...]:
        """Abort the runs of a session that this person may abort."""
        return self._runtime.stop(session_key, requester)

    def notify(self, session_key: str, text: str) -> None:
        """Queue a line for the session's next prompt: words of somebody outside."""
        self._runtime.notify(session_key, text, source=Source.STRANGER)

    def last_activity_ms(self, session_key: str) -> int | None:
        """Return when the session was used last."""
        return self._runtime.last_activity_ms(session_key)

    def send_override(self, session_key: str) -> str | None:
        """Return the `sendPolicy` of a session entry."""
        return self._text(session_key, "sendPolicy")

    def activation(self, session_key: str) -> GroupActivation | None:
        """Return what `/activation` stored for a session."""
        found = self._text(session_key, "groupActivation")
        return GroupActivation(found) if found in {"always", "mention"} else None

    def verbosity(self, session_key: str) -> str:
        """Return the verbose level of a session."""
        return self._text(session_key, "verboseLevel") or "off"

    def last_target(self, session_key: str) -> ReplyTarget | None:
        """Return where a session's last message came from."""
        return last_target(self._runtime.store.entry(session_key) or {})

    def _text(self, session_key: str, name: str) -> str | None:
        found = (self._runtime.store.entry(session_key) or {}).get(name)
        return found if isinstance(found, str) else None


class ChannelStatus:
    """Implements the gateway's `ChannelsPort`."""

    def __init__(self, channels: ChannelManager) -> None:
        self._channels = channels

    async def status(self, probe: bool, timeout_ms: int) -> dict[str, Any]:
        """Answer `channels.status`."""
        return await self._channels.status(probe=probe, timeout_ms=timeout_ms)


class ApprovalsFilePort:
    """Implements the gateway's `ExecApprovalsPort` off the event loop; each change is in the ledger."""

    def __init__(self, file: ExecApprovalsFile, ledger: LedgerPort) -> None:
        self._file = file
        self._ledger = ledger

    async def get(self) -> dict[str, Any]:
        """Answer `exec.approvals.get`."""
        return await asyncio.to_thread(self._file.get)

    async def set(self, file: Mapping[str, Any], base_hash: str | None, actor: Mapping[str, Any], /) -> dict[str, Any]:
        """Answer `exec.approvals.set`."""

        def told(change: FileChange) -> None:
            self._ledger.record(change.entry(actor))

        return await asyncio.to_thread(self._file.set, file, base_hash, told=told)
