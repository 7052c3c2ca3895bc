"""The state of one turn while it runs, and what of it people see meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from openclaw.agent.context import Context, context_of
from openclaw.agent.contract import ModelRef, Payload, TurnRequest
from openclaw.agent.draft import Draft
from openclaw.agent.events import Emitter
from openclaw.agent.models.keyring import Key
from openclaw.agent.models.registry import Candidate, ModelRegistry
from openclaw.agent.run_facts import TurnFacts, text
from openclaw.agent.sessions.stores import Sessions
from openclaw.agent.settings import PolicyView, Settings
from openclaw.agent.silence import is_silent
from openclaw.agent.system_lines import SystemLines
from openclaw.agent.tool_step import GatePort, Made, ToolSteps
from openclaw.agent.usage import Tally
from openclaw.policy.what.labels import Source
from openclaw.state.transcripts import Transcript
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError
from openclaw.tools.contract import Requester

SHUTDOWN: Final = "shutdown"
"""Stop reason of a turn that is cut by the end of the process and will be run again."""

_SHOWN_ARGUMENTS: Final = 200
_SHOWN_OUTPUT: Final = 2_000


@dataclass(slots=True)
class Stopping:
    """What a run and those who watch over it tell each other.

    Attributes:
        reason: why it is being stopped; set before its task is cancelled.
        rows: further journal rows that its answer closes, found in the transcript after a crash.
    """

    reason: str | None = None
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What turns are run with.

    Attributes:
        settings: the current config.
        policy: the current policy.
        sessions: the sessions.
        registry: the models.
        gate: the door to tools.
        lines: system events that wait for a prompt.
        clock: the time.
        redact: masks secrets in debug output for chats.
    """

    settings: Settings
    policy: Callable[[], PolicyView]
    sessions: Sessions
    registry: ModelRegistry
    gate: GatePort
    lines: SystemLines
    clock: Clock
    redact: Callable[[str], str]


@dataclass(slots=True)
class TurnState:
    """One turn.

    Attributes:
        request, facts: what is run.
        transcript: where it is written.
        emitter: who is told.
        steps: its tool calls.
        redact: masks secrets in debug output for chats.
        draft: the answer that is streamed now.
        tally: token counts.
        payloads: the finished parts of the answer.
        shown: their texts, as clients see them.
        told: the last whole text that was sent as an event.
        candidate, key: what was asked last.
        thinking: level in use.
    """

    request: TurnRequest
    facts: TurnFacts
    transcript: Transcript
    emitter: Emitter
    steps: ToolSteps
    redact: Callable[[str], str]
    draft: Draft = field(default_factory=Draft)
    tally: Tally = field(default_factory=Tally)
    payloads: list[Payload] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    told: str = ""
    candidate: Candidate | None = None
    key: Key | None = None
    thinking: str = "off"
    _context: tuple[int, Context] | None = None

    @property
    def context(self) -> Context:
        """Return what the model sees of the conversation as it is now."""
        branch = self.transcript.branch()
        if self._context is None or self._context[0] != len(branch):
            self._context = (len(branch), context_of(branch))
        return self._context[1]

    @property
    def ref(self) -> ModelRef | None:
        """Return the model that was asked last."""
        return self.candidate.ref if self.candidate else None

    def tell(self) -> None:
        """Send the text so far, when there is more of it to see."""
        shown = self.draft.shown
        whole = "\n\n".join((*self.shown, shown)) if shown else ""
        if not whole or whole == self.told:
            return
        delta = whole.removeprefix(self.told) if whole.startswith(self.told) else whole
        self.told = whole
        self.emitter.emit("assistant", {"text": whole, "delta": delta})

    def keep_text(self) -> None:
        """Take the text of a finished message into the answer."""
        found = self.draft.text.strip()
        self.tell()
        thoughts = self.draft.thinking.strip()
        if thoughts and not is_silent(found) and self._debug("reasoningLevel") in {"on", "stream"}:
            self.payloads.append(Payload(self.redact(f"Reasoning:\n{thoughts}")))
        if not is_silent(found):
            self.payloads.append(Payload(found))
            self.shown.append(found)

    def show_call(self, made: Made) -> None:
        """Take a tool call into the answer, where the session's verbose level asks for it."""
        level = self._debug("verboseLevel") or self.facts.agent.verbose
        if level not in {"on", "full"} or self.request.requester.chat_type != "direct":
            return
        arguments = ", ".join(f"{name}: {value}" for name, value in made.arguments.items())[:_SHOWN_ARGUMENTS]
        line = f"🔧 {made.name}({arguments})"
        if level == "full":
            line += f"\n{made.result.plain[:_SHOWN_OUTPUT]}"
        self.payloads.append(Payload(self.redact(line)))

    def _debug(self, name: str) -> str | None:
        """Return a debug level of the session; in rooms with several people there is none (agent.md 9.2)."""
        return text(self.facts.entry, name) if self.request.requester.chat_type == "direct" else None


def sees_details(requester: Requester) -> bool:
    """Return whether paths, addresses and causes may be told: to owner and operators, where nobody else reads."""
    known = requester.is_owner or requester.source in {Source.OWNER, Source.OPERATOR}
    return known and requester.chat_type == "direct"


def error_line(requester: Requester, error: OpenClawError | str) -> str:
    """Return an error as the person may read it: details of the machine are for the owner (seed page, rule 2)."""
    if sees_details(requester):
        return str(error)
    return "I cannot answer right now. The owner of this assistant finds the reason in its log."
