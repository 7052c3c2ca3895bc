"""Requests that wait for a person: who asked for what, the decision, and what exactly was allowed (exec.md 2.8).

One manager holds them all in memory; a restart loses them, which counts as a denial. Who may decide is settled by the
callers of `resolve`, never here. An allowance is a grant for one coverage, used once: a later difference in host, text
or plan, directory, environment, agent, session or files is not covered by it (advisories H4, H5).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from openclaw.state.ledger_port import LedgerEntry, LedgerPort
from openclaw.system.clock import Clock
from openclaw.system.errors import Conflict, InvalidInput, Refused
from openclaw.system.redaction import Redactor
from openclaw.system.tasks import Supervisor
from openclaw.tools.approval_requests import SLUG_LENGTH, ApprovalObserver, ChatPlace, Coverage, Pending, Resolution
from openclaw.tools.approval_text import ApprovalDecision, ApprovalView, one_line
from openclaw.tools.arguments import SUMMARY_LENGTH

__all__ = ["ApprovalObserver", "Approvals", "ChatPlace", "Coverage", "Pending", "Resolution"]

log = logging.getLogger(__name__)

DEFAULT_WAIT_MS: Final = 120_000
MIN_WAIT_MS: Final = 5_000
MAX_WAIT_MS: Final = 30 * 60_000
MAX_PENDING: Final = 64
MAX_PER_SESSION: Final = 8
GRANT_SECONDS: Final = 30
"""How long after the decision an allowance may still be redeemed."""
_SUMMARY_SOURCE: Final = 16_384
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class Approvals:
    """All requests that wait for a decision.

    Args:
        clock: gives the deadlines.
        ledger: takes one record per request and per decision.
        redact: masks secrets in the command for the ledger; None means by the built-in patterns.
        observers: told of each request and its end, in order; their faults are logged and change nothing.
        new_id: source of ids.
    """

    def __init__(
        self,
        clock: Clock,
        ledger: LedgerPort,
        *,
        redact: Callable[[str], str] | None = None,
        observers: Iterable[ApprovalObserver] = (),
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._redact = redact or Redactor().redact
        self._observers = list(observers)
        self._new_id = new_id
        self._pending: dict[str, Pending] = {}
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._grants: dict[str, tuple[Coverage, int]] = {}
        self._tasks = Supervisor("approvals")

    def observe(self, observer: ApprovalObserver) -> None:
        """Add an observer."""
        self._observers.append(observer)

    def pending(self) -> tuple[Pending, ...]:
        """Return the requests that wait, oldest first."""
        return tuple(self._pending.values())

    def request(
        self,
        view: ApprovalView,
        *,
        coverage: Coverage | None = None,
        approval_id: str | None = None,
        timeout_ms: int | None = None,
        requested_by: str | None = None,
    ) -> Pending:
        """Register a request and tell the observers.

        Args:
            view: what is asked.
            coverage: what an allowance will cover; only the gateway's own exec flow gives one.
            approval_id: an id chosen by a client.
            timeout_ms: wait in milliseconds, held between 5 seconds and 30 minutes; None means 2 minutes.
            requested_by: the asking connection.

        Raises:
            InvalidInput: the id is malformed.
            Conflict: a request with that id, or one that people could not tell from it, waits already.
            Refused: too many requests wait.
        """
        self._check_room(view.session_key)
        chosen = self._free_id() if approval_id is None else self._checked_id(approval_id)
        now = self._clock.now_ms()
        wait = DEFAULT_WAIT_MS if timeout_ms is None else max(MIN_WAIT_MS, min(timeout_ms, MAX_WAIT_MS))
        pending = Pending(
            id=chosen,
            view=view,
            created_ms=now,
            expires_ms=now + wait,
            coverage=coverage,
            requested_by=requested_by,
            _outcome=asyncio.get_running_loop().create_future(),
        )
        self._pending[chosen] = pending
        self._timers[chosen] = self._tasks.start(self._expire(pending, wait / 1000), name=f"expire {pending.slug}")
        self._record(pending, outcome="requested", rule=view.why)
        self._tell(lambda observer: observer.requested(pending))
        return pending

    def find(self, id_or_prefix: str) -> Pending:
        """Return a waiting request by its id or a unique prefix of at least 8 characters.

        Raises:
            InvalidInput: none or several match; code `unknown-approval` or `ambiguous-approval`.
        """
        wanted = id_or_prefix.strip()
        exact = self._pending.get(wanted)
        if exact is not None:
            return exact
        found = [row for key, row in self._pending.items() if len(wanted) >= SLUG_LENGTH and key.startswith(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidInput(
                "several waiting approvals begin like that; give more of the id", code="ambiguous-approval"
            )
        raise InvalidInput("unknown approval id", code="unknown-approval")

    def resolve(
        self,
        id_or_prefix: str,
        decision: ApprovalDecision,
        *,
        resolved_by: str | None,
        shown_whole: bool = True,
        decided_in: ChatPlace | None = None,
    ) -> tuple[Pending, Resolution]:
        """Decide a request. The first decision stands; a later one finds nothing.

        Args:
            id_or_prefix: as `find`.
            decision: the answer.
            resolved_by: display name or id, for the event and the ledger.
            shown_whole: whether the surface showed the whole command; "always" needs that.
            decided_in: the chat that decides, where it is one.

        Raises:
            InvalidInput: nothing waits under that id.
        """
        pending = self.find(id_or_prefix)
        note = None
        if decision == "allow-always" and not (pending.view.allow_always and shown_whole):
            decision = "allow-once"
            note = (
                "This command cannot be kept for always; it was allowed once."
                if shown_whole
                else "The whole command was not shown; it was allowed once, not for always."
            )
        resolution = Resolution(decision, resolved_by, self._clock.now_ms(), note, decided_in)
        self._finish(pending, resolution)
        return pending, resolution

    def redeem(self, approval_id: str, coverage: Coverage) -> None:
        """Use the allowance of a decided request, once.

        Raises:
            Refused: there is none (left), it is too old, or what is about to run is not what was allowed; then
                `details["changed"]` names the fields.
        """
        grant = self._grants.pop(approval_id, None)
        if grant is None:
            raise Refused("no approval is left for this command; ask again", code="approval-used")
        granted, deadline = grant
        if self._clock.now_ms() > deadline:
            raise Refused("the approval for this command is too old; ask again", code="approval-expired")
        changed = granted.differences(coverage)
        if changed:
            raise Refused(
                f"what was approved has changed since ({', '.join(changed)}); ask again",
                code="approval-changed",
                details={"changed": list(changed)},
            )

    async def close(self) -> None:
        """Deny everything that waits and stop the timers."""
        for pending in self.pending():
            self._finish(pending, Resolution("deny", "gateway stop", self._clock.now_ms()))
        self._grants.clear()
        await self._tasks.close()

    def _check_room(self, session_key: str | None) -> None:
        if len(self._pending) >= MAX_PENDING:
            raise Refused(
                f"{MAX_PENDING} approvals are waiting already; decide some of them first", code="too-many-approvals"
            )
        mine = sum(1 for row in self._pending.values() if row.view.session_key == session_key)
        if mine >= MAX_PER_SESSION:
            raise Refused(
                f"{MAX_PER_SESSION} approvals of this session are waiting already; decide some of them first",
                code="too-many-approvals",
            )

    def _free_id(self) -> str:
        while True:
            chosen = self._new_id()
            if not self._confusable(chosen):
                return chosen

    def _checked_id(self, approval_id: str) -> str:
        if not _ID.fullmatch(approval_id):
            raise InvalidInput("id must be 1 to 128 letters, digits, dots, colons, dashes or underscores")
        if self._confusable(approval_id):
            raise Conflict("approval id already pending", code="approval-pending")
        return approval_id

    def _confusable(self, approval_id: str) -> bool:
        slug = approval_id[:SLUG_LENGTH]
        return any(row.slug == slug for row in self._pending.values()) or approval_id in self._grants

    async def _expire(self, pending: Pending, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._finish(pending, Resolution(None, None, self._clock.now_ms()))

    def _finish(self, pending: Pending, resolution: Resolution) -> None:
        if self._pending.pop(pending.id, None) is None:
            return
        timer = self._timers.pop(pending.id, None)
        if timer is not None and resolution.decision is not None:
            timer.cancel()
        self._forget_old_grants()
        if pending.coverage is not None and resolution.decision in {"allow-once", "allow-always"}:
            self._grants[pending.id] = (pending.coverage, resolution.ts + GRANT_SECONDS * 1000)
        self._record(pending, outcome=resolution.decision or "expired", by=resolution.resolved_by)
        pending._outcome.set_result(resolution)  # noqa: SLF001 - the manager owns its requests
        self._tell(lambda observer: observer.resolved(pending, resolution))

    def _forget_old_grants(self) -> None:
        now = self._clock.now_ms()
        for key in [key for key, (_, deadline) in self._grants.items() if deadline < now]:
            del self._grants[key]

    def _tell(self, call: Callable[[ApprovalObserver], None]) -> None:
        for observer in tuple(self._observers):
            try:
                call(observer)
            except Exception:
                log.exception("an approval observer failed")

    def _record(self, pending: Pending, *, outcome: str, rule: str | None = None, by: str | None = None) -> None:
        what: Mapping[str, Any] = {
            "approval": pending.id,
            "summary": one_line(self._redact(pending.view.command[:_SUMMARY_SOURCE]))[:SUMMARY_LENGTH],
            "command_sha256": hashlib.sha256(pending.view.command.encode("utf-8", "surrogatepass")).hexdigest(),
            "coverage_sha256": pending.coverage.digest() if pending.coverage is not None else None,
        }
        self._ledger.record(
            LedgerEntry(
                kind="approval",
                session=pending.view.session_key,
                agent=pending.view.agent_id,
                actor={"resolvedBy": by} if by else {},
                what=what,
                verdict={"outcome": outcome, "rule": rule or f"approval:{outcome}"},
            )
        )
