"""The processes that tools started and that may outlive a call: who may see them, what they wrote, how they end.

Nothing is stored; a stop of the gateway kills every group. A conversation sees what it or a session spawned by it
started; the agent's main session sees all of its agent (exec.md 1.6).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from openclaw.system.child_output import BoundedText
from openclaw.system.clock import Clock
from openclaw.system.errors import Refused
from openclaw.system.processes import Exit, Process
from openclaw.tools.contract import RunContext

MAX_OUTPUT_CHARS: Final = 200_000
MIN_OUTPUT_CHARS: Final = 1_000
MIN_CLEANUP_MS: Final = 60_000
MAX_CLEANUP_MS: Final = 10_800_000
DEFAULT_CLEANUP_MS: Final = 1_800_000
MAX_FINISHED: Final = 100
MAX_RUNNING_PER_AGENT: Final = 64
LABEL_LENGTH: Final = 48

_FIRST: Final = (
    *("amber", "bold", "brisk", "calm", "clear", "cool", "crisp", "deep", "dry", "early", "fair", "fast", "fine"),
    *("fresh", "gentle", "glad", "grand", "keen", "kind", "lucid", "mild", "neat", "nimble", "plain", "quick", "quiet"),
    *("rapid", "sharp", "slow", "soft", "swift", "tidy", "warm", "wide", "young"),
)
_SECOND: Final = (
    *("ash", "bay", "birch", "brook", "cedar", "cliff", "cloud", "cove", "crest", "dale", "dune", "elm", "fern"),
    *("field", "fjord", "glade", "grove", "harbor", "haven", "hill", "lake", "lark", "marsh", "mist", "oak", "otter"),
    *("pine", "reef", "ridge", "river", "shell", "shore", "slope", "stone", "tide", "willow"),
)

Status = Literal["running", "completed", "failed"]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a process is."""

    agent_id: str
    session_key: str
    spawned_by: str | None


@dataclass(slots=True)
class ProcessSession:
    """One process that a tool started.

    Attributes:
        id: readable slug.
        command: what was asked for.
        cwd: where, as the model knows the place.
        owner: whose it is.
        process: the running launch.
        place: `sandbox` or `gateway`.
        started_ms: when it was started.
        typing: why nothing may be typed into it; None when that is allowed (exec.md 1.6).
        pending: output that `poll` has not given out.
        backgrounded: whether it has left the call that started it.
        notify: whether its end becomes an event.
        end: how it ended.
        ended_ms: when.
        timed_out: its life limit ended it.
        killed: somebody asked for its end.
    """

    id: str
    command: str
    cwd: str
    owner: Owner
    process: Process
    place: Literal["sandbox", "gateway"]
    started_ms: int
    typing: str | None = None
    pending: BoundedText = field(default_factory=lambda: BoundedText(MAX_OUTPUT_CHARS))
    backgrounded: bool = False
    notify: bool = True
    end: Exit | None = None
    ended_ms: int | None = None
    timed_out: bool = False
    killed: bool = False

    @property
    def status(self) -> Status:
        """Return `running`, `completed` (ended by itself with code 0) or `failed`."""
        if self.end is None:
            return "running"
        return "completed" if self.end.ok and not self.timed_out else "failed"

    @property
    def label(self) -> str:
        """Return the verb and the first word that is no option."""
        words = self.command.split()
        shown = words[:1] + [word for word in words[1:] if not word.startswith("-")][:1]
        return " ".join(shown)[:LABEL_LENGTH]


def clamp_cleanup(value: int | None) -> int:
    """Return how long finished processes are kept, in milliseconds, within its bounds."""
    return max(MIN_CLEANUP_MS, min(value if value is not None else DEFAULT_CLEANUP_MS, MAX_CLEANUP_MS))


def clamp_output(value: int | None) -> int:
    """Return a bound on kept characters within its own bounds."""
    return max(MIN_OUTPUT_CHARS, min(value if value is not None else MAX_OUTPUT_CHARS, MAX_OUTPUT_CHARS))


class ProcessRegistry:
    """All processes of the tools.

    Args:
        clock: ages finished entries.
        is_main: whether a run belongs to its agent's main session, which sees all of its agent.
        output_chars: characters kept of a process (`PI_BASH_MAX_OUTPUT_CHARS`); None means the most.
        pending_chars: characters kept of what was not polled (`OPENCLAW_BASH_PENDING_MAX_OUTPUT_CHARS`).
        choose: picks a word for an id.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        is_main: Callable[[RunContext], bool],
        output_chars: int | None = None,
        pending_chars: int | None = None,
        choose: Callable[[tuple[str, ...]], str] = secrets.choice,
    ) -> None:
        self._clock = clock
        self._is_main = is_main
        self._choose = choose
        self._rows: dict[str, ProcessSession] = {}
        self._keep_ms: dict[str, int] = {}
        self._closing = False
        self.output_chars: Final = clamp_output(output_chars)
        self.pending_chars: Final = clamp_output(pending_chars)

    def check_room(self, agent_id: str) -> None:
        """Raise Refused when an agent has too many running processes, or the gateway stops."""
        if self._closing:
            raise Refused("The gateway is stopping; nothing new is started.", code="stopping")
        running = sum(1 for row in self._rows.values() if row.end is None and row.owner.agent_id == agent_id)
        if running >= MAX_RUNNING_PER_AGENT:
            raise Refused(
                f"{MAX_RUNNING_PER_AGENT} commands of this agent are running; end some with the process tool first.",
                code="too-many-processes",
            )

    def new_id(self) -> str:
        """Return a readable id that no running or finished process has."""
        self._sweep()
        while True:
            slug = f"{self._choose(_FIRST)}-{self._choose(_SECOND)}"
            candidates = (slug, *(f"{slug}-{number}" for number in range(2, MAX_FINISHED)))
            free = next((candidate for candidate in candidates if candidate not in self._rows), None)
            if free is not None:
                return free

    def add(self, session: ProcessSession, *, keep_ms: int | None = None) -> None:
        """Take a started process; `keep_ms` says how long it is kept after its end."""
        self._rows[session.id] = session
        self._keep_ms[session.id] = clamp_cleanup(keep_ms)

    def ended(self, session: ProcessSession, end: Exit) -> None:
        """Note the end of a process; one that never left its call is forgotten."""
        session.end = end
        session.ended_ms = self._clock.now_ms()
        if not session.backgrounded:
            self.remove(session)
        self._sweep()

    def remove(self, session: ProcessSession) -> None:
        """Forget a process."""
        self._rows.pop(session.id, None)
        self._keep_ms.pop(session.id, None)

    def visible(self, run: RunContext) -> list[ProcessSession]:
        """Return the backgrounded processes that a run may see, newest first."""
        self._sweep()
        rows = [row for row in self._rows.values() if row.backgrounded and self._may_see(run, row)]
        return sorted(rows, key=lambda row: row.started_ms, reverse=True)

    def find(self, run: RunContext, session_id: str | None) -> ProcessSession | None:
        """Return a process that a run may see; one that it may not see is as unknown as one that is not there."""
        self._sweep()
        row = self._rows.get((session_id or "").strip())
        return row if row is not None and row.backgrounded and self._may_see(run, row) else None

    def runtime_ms(self, session: ProcessSession) -> int:
        """Return how long a process runs, or ran."""
        return (session.ended_ms or self._clock.now_ms()) - session.started_ms

    async def kill(self, session: ProcessSession) -> None:
        """Kill the group of a process and wait for its end; no event tells of it."""
        self._kill([session])
        await session.process.wait()

    def kill_of(self, session_key: str, *, foreground_only: bool = True) -> int:
        """Kill what a session runs in the foreground, or all of it; return how many were killed."""
        return self._kill(
            row
            for row in list(self._rows.values())
            if row.owner.session_key == session_key and not (foreground_only and row.backgrounded)
        )

    def kill_all(self) -> int:
        """Kill everything that runs, for containment; return how many were killed."""
        return self._kill(list(self._rows.values()))

    async def close(self) -> None:
        """Kill every group and wait until each has ended."""
        self._closing = True
        rows = list(self._rows.values())
        self._kill(rows)
        for row in rows:
            await row.process.wait()

    def _kill(self, rows: Iterable[ProcessSession]) -> int:
        count = 0
        for row in rows:
            if row.end is None and row.process.running:
                row.killed = True
                row.process.kill()
                count += 1
        return count

    def _may_see(self, run: RunContext, row: ProcessSession) -> bool:
        if row.owner.agent_id != run.agent_id:
            return False
        return self._is_main(run) or run.session_key in {row.owner.session_key, row.owner.spawned_by}

    def _sweep(self) -> None:
        """Forget finished processes whose time is over, and the oldest ones beyond the bound."""
        now = self._clock.now_ms()
        finished = [row for row in self._rows.values() if row.ended_ms is not None]
        finished.sort(key=lambda row: row.ended_ms or 0)
        surplus = len(finished) - MAX_FINISHED
        for index, row in enumerate(finished):
            if index < surplus or now - (row.ended_ms or 0) > self._keep_ms[row.id]:
                self.remove(row)
