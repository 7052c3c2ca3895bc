"""What happens between the question and the end of an approved command (exec.md 2.5, 2.7, 2.8).

The call has returned long before; everything here reports by events. What runs is compared with what was shown just
before it starts, and the policy is asked once more (advisories H4, H5, H6, H17).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from openclaw.policy.what.exec_model import Decision, Security
from openclaw.state.exec_approvals_doc import EffectiveRules
from openclaw.state.ledger_port import LedgerEntry
from openclaw.system.errors import OpenClawError, Refused
from openclaw.system.executables import bind
from openclaw.tools import exec_text
from openclaw.tools.approval_text import ApprovalView, SegmentView, one_line, shown
from openclaw.tools.approvals import Coverage, Pending, Resolution
from openclaw.tools.contract import SystemEvents, ToolResult
from openclaw.tools.exec_host import HostCall, HostJudge, plan_start, text_start, typing_refusal, used_entries
from openclaw.tools.exec_run import ExecRunner, RunSpec, Start
from openclaw.tools.exec_settings import ExecParts

MAX_KEPT_CHARS: Final = 2000
"""A longer line may be shortened by a chat, so that "always" would keep what nobody saw whole."""


@dataclass(frozen=True, slots=True)
class Question:
    """A call that waits for a person.

    Attributes:
        call: what was asked for.
        rules: config and file joined, when it was asked.
        decision: the kernel's answer under them.
        spec: how the command is followed once it runs.
        still_allowed: whether the run may use exec at all, as of now.
    """

    call: HostCall
    rules: EffectiveRules
    decision: Decision
    spec: RunSpec
    still_allowed: Callable[[], bool]


class ApprovalFlow:
    """Asks for a command, and runs it if a person says so."""

    def __init__(self, parts: ExecParts, judge: HostJudge, runner: ExecRunner, events: SystemEvents) -> None:
        self._parts = parts
        self._judge = judge
        self._runner = runner
        self._events = events

    async def ask(self, question: Question) -> ToolResult:
        """Register the request and return at once; the rest goes on in the background.

        Raises:
            Refused: too many requests wait.
        """
        call = question.call
        coverage = await self._coverage(question, question.decision)
        pending = self._parts.approvals.request(view_of(question), coverage=coverage)
        self._runner.tasks.start(self._go_on(question, pending, coverage), name=f"approval {pending.slug}")
        details = {
            "status": "approval-pending",
            "approvalId": pending.id,
            "approvalSlug": pending.slug,
            "expiresAtMs": pending.expires_ms,
            "host": "gateway",
            "command": call.command,
            "cwd": call.cwd,
        }
        text = f"Approval required (id {pending.slug}). Approve to run; updates will arrive after completion."
        return ToolResult.text(exec_text.with_warnings(text, call.warnings), details=details)

    async def _go_on(self, question: Question, pending: Pending, coverage: Coverage) -> None:
        resolution = await pending.decided()
        call = question.call
        try:
            async with self._permitted(question, pending, resolution, coverage) as start:
                typing = typing_refusal(question.decision, question.rules.security)
                started = await self._runner.start(call.run, _unheard(question.spec, typing), start)
        except _Denied as denied:
            self._notify(call, pending, exec_text.denied_event(pending.id, denied.why, call.command))
            return
        except OpenClawError:
            self._notify(call, pending, exec_text.denied_event(pending.id, "spawn-failed", call.command))
            return
        started.session.backgrounded = True
        self._record(call, pending, "tool.call", resolution, started.session.id)
        notice = call.view.settings.running_notice_ms / 1000
        if notice > 0 and not await self._ends_within(started.ended, notice):
            text = exec_text.running_event(pending.id, started.session.id, notice, call.command)
            self._notify(call, pending, text)
        end = await asyncio.shield(started.ended)
        self._record(call, pending, "tool.result", resolution, started.session.id, end)
        self._notify(call, pending, exec_text.finished_event(pending.id, started.session.id, end))

    @asynccontextmanager
    async def _permitted(
        self, question: Question, pending: Pending, resolution: Resolution, coverage: Coverage
    ) -> AsyncIterator[Start]:
        """Yield what starts the command, its directory held open, or raise why it does not run."""
        call = question.call
        if resolution.decision == "deny":
            raise _Denied("user-denied")
        self._check_policy(question)
        if resolution.decision is None:
            plan = await self._fallback(question)
            if plan is not None:
                yield plan
                return
            if await self._coverage_now(question) != coverage:
                raise _Denied("executable-changed")
        else:
            try:
                self._parts.approvals.redeem(pending.id, await self._coverage_now(question))
            except Refused as error:
                raise _Denied("executable-changed" if error.code == "approval-changed" else error.code) from None
        if resolution.decision == "allow-always" and question.rules.security is Security.ALLOWLIST:
            await asyncio.to_thread(
                self._parts.approvals_file.allow_always,
                call.run.agent_id,
                question.decision.persistable,
                command=call.command,
            )
        folder = _open_bound(call.cwd, coverage)
        try:
            yield text_start(self._parts, call, folder)
        finally:
            os.close(folder)

    def _check_policy(self, question: Question) -> None:
        """Ask config, file and tool policy again: they may have changed while nobody answered."""
        call = question.call
        if not question.still_allowed():
            raise _Denied("tool-not-available")
        if self._judge.effective(call.run, call.route).security is Security.DENY:
            raise _Denied("security-deny")

    async def _fallback(self, question: Question) -> Start | None:
        """Return the plan that may run without an answer, None for the text as it is, or raise that nothing runs."""
        fallback = question.rules.ask_fallback
        if fallback is Security.DENY:
            raise _Denied("approval-timeout")
        if fallback is Security.ALLOWLIST:
            found = await self._judge.satisfied(question.call, question.rules)
            if found is None or found.plan is None:
                raise _Denied("approval-timeout (allowlist-miss)")
            await asyncio.to_thread(
                self._parts.approvals_file.record_use, used_entries(found), command=question.call.command
            )
            return plan_start(self._parts, question.call, found.plan)
        if question.rules.security is not Security.FULL and not question.decision.segments:
            raise _Denied("approval-timeout (allowlist-miss)")
        return None

    async def _coverage_now(self, question: Question) -> Coverage:
        """Return what the allowance would cover if it were asked for now: every program is looked up again."""
        return await self._coverage(question, await self._judge.judge(question.call, question.rules))

    async def _coverage(self, question: Question, decision: Decision) -> Coverage:
        """Return what an allowance covers, with programs, scripts and directory as they are on disk now."""
        call = question.call
        return Coverage(
            host="gateway",
            node=None,
            subject=call.command,
            env=tuple(sorted(call.accepted.items())),
            agent_id=call.run.agent_id,
            session_key=call.run.session_key,
            files=await asyncio.to_thread(bind, decision, call.cwd),
        )

    async def _ends_within(self, ended: asyncio.Future[exec_text.Ended], seconds: float) -> bool:
        sleeper = self._runner.tasks.start(self._parts.clock.sleep(seconds), name="notice")
        try:
            await asyncio.wait({ended, sleeper}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
        return ended.done()

    def _notify(self, call: HostCall, pending: Pending, text: str) -> None:
        self._events.notify(call.run.session_key, text, context_key=f"exec:{pending.id}", wake=True)

    def _record(
        self,
        call: HostCall,
        pending: Pending,
        kind: str,
        resolution: Resolution,
        session_id: str,
        end: exec_text.Ended | None = None,
    ) -> None:
        summary = self._parts.redact(one_line(call.command))[:200]
        what: dict[str, Any] = {"tool": "exec", "approval": pending.id, "summary": summary}
        if end is not None:
            what |= {"ms": end.duration_ms, "end": end.how}
        self._parts.ledger.record(
            LedgerEntry(
                kind=kind,
                run=call.run.run_id,
                session=call.run.session_key,
                agent=call.run.agent_id,
                actor={"resolvedBy": resolution.resolved_by},
                what=what,
                verdict={"outcome": "allow", "rule": f"approval:{resolution.decision or 'timeout'}"},
                ran={"backend": "host", "id": session_id, "network": "host"},
            )
        )


class _Denied(Exception):
    """The command does not run; `why` goes into the event."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _unheard(spec: RunSpec, typing: str | None) -> RunSpec:
    """Return how an approved command is followed: its end is told by this flow, not by the runner."""
    return replace(spec, notify=False, typing=typing, yield_seconds=0)


def _open_bound(path: str, coverage: Coverage) -> int:
    """Return a descriptor of the directory that was shown, or raise that it is another one now."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        raise _Denied("executable-changed") from None
    found = os.fstat(folder)
    bound = coverage.files.cwd
    if bound is None or (found.st_dev, found.st_ino) != bound[1:]:
        os.close(folder)
        raise _Denied("executable-changed")
    return folder


def view_of(question: Question) -> ApprovalView:
    """Return what a prompt states about a question."""
    call, rules, decision = question.call, question.rules, question.decision
    shown_whole_everywhere = len(shown(call.command)) <= MAX_KEPT_CHARS
    return ApprovalView(
        command=call.command,
        cwd=call.cwd,
        host="gateway",
        agent_id=call.run.agent_id,
        session_key=call.run.session_key,
        security=str(rules.security),
        ask=str(rules.ask),
        why=decision.why,
        segments=tuple(
            SegmentView(tuple(word.text for word in segment.words), segment.path) for segment in decision.segments
        ),
        env_names=tuple(call.accepted),
        allow_always=shown_whole_everywhere and rules.security is Security.ALLOWLIST and bool(decision.persistable),
    )
