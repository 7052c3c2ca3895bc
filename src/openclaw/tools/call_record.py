"""The trace of one tool call in the ledger, and the words in which a call that was not made is refused (guard.md 4)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from openclaw.policy.verdict import Reason
from openclaw.policy.what.labels import Label
from openclaw.state.ledger_port import LedgerEntry, LedgerPort
from openclaw.system.errors import OpenClawError
from openclaw.tools.approval_text import one_line
from openclaw.tools.arguments import SUMMARY_LENGTH, canonical, digest
from openclaw.tools.contract import CallEffects, RunContext, ToolResult

log = logging.getLogger(__name__)

_NAME_LENGTH = 80
_SUMMARY_SOURCE = 16_384


class CallRecord:
    """Writes what happens to one call; every call leaves at least one record.

    Args:
        ledger: takes the records.
        redact: masks secrets in the summary of the arguments.
        run: the turn.
        label: label of the run before the call.
        name: the tool's name as it was asked for.
        arguments: as the model gave them.
        call_id: id of the call.
    """

    def __init__(
        self,
        ledger: LedgerPort,
        redact: Callable[[str], str],
        run: RunContext,
        label: Label,
        name: str,
        arguments: object,
        call_id: str,
    ) -> None:
        self._ledger = ledger
        self._redact = redact
        self._run = run
        self._label = label
        self._name = one_line(name)[:_NAME_LENGTH]
        self._call_id = call_id
        self.text = canonical(arguments)
        """The arguments as canonical JSON."""
        self._sha256 = digest(self.text)

    def refused(self, reason: Reason) -> ToolResult:
        """Note a refusal and return the error result that names the rule and the key that would change it."""
        log.info("tool %s refused (%s, %s)", self._name, reason.rule, reason.key)
        self._before("deny", rule=reason.rule, key=reason.key)
        parts = [f"The tool {self._name} was not run. {one_line(reason.detail)}".strip(), f"Rule: {reason.rule}."]
        if reason.key:
            parts.append(f"Setting: {reason.key}.")
        parts.append(f"See: openclaw explain tool {self._name} --session {self._run.session_key}")
        details = {"status": "refused", "rule": reason.rule, "key": reason.key}
        return ToolResult.text(" ".join(parts), details=details, is_error=True)

    def failed(self, error: OpenClawError) -> ToolResult:
        """Note a call that did not get as far as its tool, and return its error result."""
        self._before("error", rule=error.code)
        return error_result(error)

    def allowed(self, effects: CallEffects) -> None:
        """Note that the call is made."""
        self._before("allow", rule="tools.pass", effects=effects)

    def aborted(self) -> None:
        """Note that the turn ended before the call did."""
        self._write("tool.result", {}, outcome="aborted")

    def done(self, result: ToolResult, milliseconds: int) -> None:
        """Note the end of the call."""
        outcome = "error" if result.is_error else "ok"
        self._write("tool.result", {"ms": milliseconds}, outcome=outcome, result=result)

    def _before(
        self, outcome: str, *, rule: str | None = None, key: str | None = None, effects: CallEffects | None = None
    ) -> None:
        what: dict[str, Any] = {"summary": self._redact(self.text[:_SUMMARY_SOURCE])[:SUMMARY_LENGTH]}
        if effects is not None:
            what["effects"] = sorted(effects.effects)
        self._write("tool.call", what, outcome=outcome, rule=rule, key=key)

    def _write(
        self,
        kind: str,
        what: dict[str, Any],
        *,
        outcome: str,
        rule: str | None = None,
        key: str | None = None,
        result: ToolResult | None = None,
    ) -> None:
        who = self._run.requester
        self._ledger.record(
            LedgerEntry(
                kind=kind,
                run=self._run.run_id,
                session=self._run.session_key,
                agent=self._run.agent_id,
                actor={
                    "channel": who.channel,
                    "account": who.account,
                    "sender": who.sender_id,
                    "integrity": self._label.integrity.name.lower(),
                },
                what={"tool": self._name, "call": self._call_id, "args_sha256": self._sha256, **what},
                verdict={"outcome": outcome, "rule": rule, "key": key},
                label=result.label if result is not None else self._label,
                ran=result.ran if result is not None else None,
            )
        )


def error_result(error: OpenClawError) -> ToolResult:
    """Return the error result of a typed error: its message and its facts."""
    return ToolResult.text(error.message, details={**error.details, "code": error.code}, is_error=True)
