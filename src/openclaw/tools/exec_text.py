"""The texts of exec: results for the model, lines for the session's next prompt (exec.md 1.5, 2.8). Pure.

What a command wrote is data: in an event it is folded into one line, or every line of it is quoted, so that it cannot
pass for a line of ours (advisories P2).
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from openclaw.system.processes import Exit
from openclaw.tools.approval_text import one_line
from openclaw.tools.contract import ToolResult

EVENT_TAIL: Final = 400
RUNNING_TAIL: Final = 2000
EVENT_COMMAND: Final = 300
FOLLOW_UP: Final = "Use process (list/poll/log/write/kill/clear/remove) for follow-up."


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, for its texts.

    Attributes:
        exit: code or signal.
        output: what is kept of its output.
        dropped: characters that were not kept.
        timed_out: seconds of the limit that ended it; None when it was not that.
        duration_ms: how long it ran.
        cwd: where.
    """

    exit: Exit
    output: str
    dropped: int
    timed_out: float | None
    duration_ms: int
    cwd: str

    @property
    def ok(self) -> bool:
        """Return whether it ended by itself with code 0."""
        return self.exit.ok and self.timed_out is None

    @property
    def how(self) -> str:
        """Return `code N`, `signal NAME` or `timeout`."""
        if self.timed_out is not None:
            return "timeout"
        return f"signal {signal_name(self.exit.signal)}" if self.exit.signal else f"code {self.exit.code}"


def signal_name(number: int | None) -> str:
    """Return the name of a signal, such as SIGKILL."""
    try:
        return signal.Signals(number or 0).name
    except ValueError:
        return str(number)


def with_warnings(text: str, warnings: Sequence[str]) -> str:
    """Return a text below its warnings, a blank line between."""
    return "\n\n".join(("\n".join(warnings), text)) if warnings else text


def completed(end: Ended, warnings: Sequence[str], *, ran: Mapping[str, Any]) -> ToolResult:
    """Return the result of an ended command; anything but code 0 is an error."""
    notes = list(warnings)
    if end.dropped:
        notes.append(f"Warning: {end.dropped} characters of earlier output were dropped; only the end is kept.")
    details = {
        "status": "completed",
        "exitCode": end.exit.code,
        "durationMs": end.duration_ms,
        "aggregated": end.output,
        "cwd": end.cwd,
    }
    failed = f"{end.output.rstrip()}\n\n{_failure(end)}".strip()
    content = with_warnings((end.output or "(no output)") if end.ok else failed, notes)
    return ToolResult(content=({"type": "text", "text": content},), details=details, is_error=not end.ok, ran=ran)


def _failure(end: Ended) -> str:
    if end.timed_out is not None:
        return f"Command timed out after {end.timed_out:g} seconds"
    if end.exit.signal:
        return f"Command aborted by signal {signal_name(end.exit.signal)}"
    return f"Command exited with code {end.exit.code}"


def running(
    session_id: str, pid: int, started_ms: int, cwd: str, tail: str, warnings: Sequence[str], *, ran: Mapping[str, Any]
) -> ToolResult:
    """Return the result of a command that went on in the background."""
    text = f"Command still running (session {session_id}, pid {pid}). {FOLLOW_UP}"
    details = running_details(session_id, pid, started_ms, cwd, tail)
    return ToolResult(content=({"type": "text", "text": with_warnings(text, warnings)},), details=details, ran=ran)


def running_details(session_id: str, pid: int, started_ms: int, cwd: str, tail: str) -> dict[str, Any]:
    """Return the details of a running command, also for progress reports."""
    return {
        "status": "running",
        "sessionId": session_id,
        "pid": pid,
        "startedAt": started_ms,
        "cwd": cwd,
        "tail": tail,
    }


def exit_event(session_id: str, end: Ended) -> str:
    """Return the event of a background command's end, with the tail of its output on the same line."""
    verb = "completed" if end.ok else "failed"
    tail = " ".join(end.output[-EVENT_TAIL:].split())
    return f"Exec {verb} ({session_id[:8]}, {end.how})" + (f" :: {tail}" if tail else "")


def denied_event(approval_id: str, why: str, command: str) -> str:
    """Return the event of an asked-for command that does not run."""
    return f"Exec denied (gateway id={approval_id}, {why}): {_shown(command)}"


def running_event(approval_id: str, session_id: str, seconds: float, command: str) -> str:
    """Return the event of an approved command that takes long."""
    return f"Exec running (gateway id={approval_id}, session={session_id}, >{seconds:g}s): {_shown(command)}"


def finished_event(approval_id: str, session_id: str, end: Ended) -> str:
    """Return the event of an approved command's end: a head line, then its output, which the prompt quotes."""
    head = f"Exec finished (gateway id={approval_id}, session={session_id}, {end.how})"
    return "\n".join((head, *end.output[-EVENT_TAIL:].splitlines()))


def _shown(command: str) -> str:
    text = one_line(command)
    if len(text) <= EVENT_COMMAND:
        return text
    half = EVENT_COMMAND // 2
    return f"{text[:half]} […{len(command)} characters…] {text[-half:]}"
