"""What a turn is told about itself: the gate's view of it, the prompt's facts, the route that its session remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from openclaw.agent.contract import ModelRef, TurnRequest
from openclaw.agent.prompt import PromptFacts, SandboxFacts, system_prompt
from openclaw.agent.settings import AgentSettings, PolicyView
from openclaw.agent.tool_step import GatePort
from openclaw.agent.workspace import InjectedFile
from openclaw.policy.verdict import Outcome
from openclaw.policy.what.elevated import elevated_gates
from openclaw.policy.where.key_ids import GLOBAL_KEY
from openclaw.policy.where.sandbox_mode import Placement, sandbox_status
from openclaw.policy.where.session_keys import SessionKind, agent_of, is_subagent, kind_of
from openclaw.state.sessions import Entry
from openclaw.tools.contract import RunContext, Tool
from openclaw.tools.exec import elevated_facts

INTERNAL: Final = "internal"
"""Channel of turns that no message caused."""


def base_run(request: TurnRequest, agent: AgentSettings, entry: Mapping[str, Any]) -> RunContext:
    """Return a turn as the gate sees it, before a model is chosen."""
    return RunContext(
        run_id=request.run_id,
        agent_id=agent.agent_id,
        session_key=request.session_key,
        session_id=text(entry, "sessionId") or "",
        requester=request.requester,
        provider=None,
        model=None,
        workspace=agent.workspace,
        spawned_by=text(entry, "spawnedBy"),
        elevated_level=text(entry, "elevatedLevel") or agent.elevated,
        exec_overrides=exec_overrides(entry),
    )


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """One turn, as its parts see it.

    Attributes:
        request: the turn.
        agent: the agent.
        entry: the session's entry at the start.
        files: injected workspace files.
        aborted: the last run was cut off.
        image_model: a model that reads images is configured beside the main one.
    """

    request: TurnRequest
    agent: AgentSettings
    entry: Entry
    files: Sequence[InjectedFile]
    aborted: bool = False
    image_model: bool = False

    def run_context(self, ref: ModelRef, policy: PolicyView, gate: GatePort) -> RunContext:
        """Return the turn as the gate sees it, for the model in use."""
        images = ref.images or self.image_model
        plain = base_run(self.request, self.agent, self.entry)
        run = replace(plain, provider=ref.provider, model=ref.model, image_model=images)
        return run if run.spawned_by is None else _bounded(run, run.spawned_by, policy, gate)

    def prompt(self, run: RunContext, ref: ModelRef, policy: PolicyView, tools: Sequence[Tool], thinking: str) -> str:
        """Return the system prompt for the model in use."""
        request = self.request
        return system_prompt(
            PromptFacts(
                name=self.agent.name,
                agent_id=self.agent.agent_id,
                workspace=str(self.agent.workspace),
                tools=tuple((tool.name, tool.summary) for tool in tools),
                rules=self.agent.rules,
                files=self.files,
                model=str(ref),
                channel=request.target.channel if request.target else request.requester.channel,
                chat_type=request.requester.chat_type,
                thinking=thinking,
                time_zone=self.agent.time_zone,
                sandbox=_sandbox(run, policy),
                extra=request.extra_system_prompt,
                mode="minimal" if is_subagent(request.session_key) else "full",
                aborted=self.aborted,
            )
        )


def _bounded(run: RunContext, parent: str, policy: PolicyView, gate: GatePort) -> RunContext:
    """Return the run of a spawned session within what its parent has: its sandbox and its tools (advisory G3)."""
    above = replace(run, session_key=parent, agent_id=agent_of(parent), spawned_by=None)
    sandboxed = sandbox_status(policy.routing.sandbox, above.agent_id, parent).outcome is Placement.SANDBOX
    offered = frozenset(tool.name for tool in gate.offered(above).tools)
    return replace(run, parent_sandboxed=sandboxed, at_most=offered)


def _sandbox(run: RunContext, policy: PolicyView) -> SandboxFacts:
    status = sandbox_status(
        policy.routing.sandbox, run.agent_id, run.session_key, parent_sandboxed=run.parent_sandboxed
    )
    allowed = elevated_gates(policy.tools.elevated, elevated_facts(run)).outcome is Outcome.ALLOW
    return SandboxFacts(
        sandboxed=status.outcome is Placement.SANDBOX,
        workspace_access=str(policy.routing.sandbox.settings(run.agent_id).workspace_access),
        elevated=(run.elevated_level or "ask") if allowed else None,
    )


def exec_overrides(entry: Entry) -> dict[str, str]:
    """Return the session's `/exec` values."""
    named = {"host": "execHost", "security": "execSecurity", "ask": "execAsk", "node": "execNode"}
    return {name: value for name, field in named.items() if (value := text(entry, field)) is not None}


def text(entry: Mapping[str, Any], name: str) -> str | None:
    """Return a text of an entry; blank and other types are None."""
    value = entry.get(name)
    return value if isinstance(value, str) and value.strip() else None


def shows_memory(request: TurnRequest) -> bool:
    """Return whether the long-term memory may enter the prompt: the owner in a private session only (agent.md 3.7)."""
    private = request.requester.chat_type == "direct" and request.requester.channel != INTERNAL
    kind = kind_of(request.session_key)
    return private and request.requester.is_owner and kind in {SessionKind.MAIN, SessionKind.OTHER}


def route_fields(request: TurnRequest) -> dict[str, Any]:
    """Return what a session remembers of where its last message came from; nothing for turns without a sender."""
    requester, target = request.requester, request.target
    if requester.channel == INTERNAL:
        return {}
    fields: dict[str, Any] = {"chatType": requester.chat_type}
    if target is None:
        return fields
    context = {
        "channel": target.channel,
        "to": target.to,
        "accountId": target.account,
        "threadId": target.thread_id,
    }
    fields |= {
        "channel": target.channel,
        "lastChannel": target.channel,
        "lastTo": target.to,
        "lastAccountId": target.account,
        "lastThreadId": target.thread_id,
        "deliveryContext": {name: value for name, value in context.items() if value is not None},
        "groupId": requester.group_id,
        "groupChannel": requester.group_channel,
        "space": requester.group_space,
        "chatType": target.chat_type,
    }
    if request.session_key == GLOBAL_KEY or requester.chat_type != "direct":
        fields["displayName"] = requester.group_channel or f"{target.channel}:{target.to}"
    return fields
