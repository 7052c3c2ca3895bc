"""Commands that set a level of the session: /think, /verbose, /reasoning, /elevated, /exec (channels.md 3.3, 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from openclaw.agent.commands.context import CommandContext, CommandParts
from openclaw.agent.contract import TurnRequest
from openclaw.agent.models.catalog import THINKING_LEVELS, thinking_level
from openclaw.agent.run_facts import base_run, exec_overrides, text
from openclaw.policy.verdict import Outcome
from openclaw.policy.what.elevated import elevated_gates
from openclaw.policy.what.exec_model import Ask, Security
from openclaw.policy.where.exec_host import ExecDefaults, ExecHost
from openclaw.policy.where.sandbox_mode import Placement, sandbox_status
from openclaw.tools.exec import elevated_facts

_DEFAULT: Final = frozenset({"default", "inherit", "reset"})
_ELEVATED: Final = ("off", "on", "ask", "full")
_EXEC: Final[Mapping[str, tuple[str, ...] | None]] = {
    "host": tuple(ExecHost),
    "security": tuple(Security),
    "ask": tuple(Ask),
    "node": None,
}
_EXEC_FIELDS: Final = {"host": "execHost", "security": "execSecurity", "ask": "execAsk", "node": "execNode"}
_ROOM: Final = "In rooms with several people this stays off, whatever the session says."


async def think(context: CommandContext) -> str:
    """Answer /think."""
    word = context.arguments.strip().lower()
    if not word:
        level = text(context.entry, "thinkingLevel") or context.agent.thinking or "the model's default"
        return f"Thinking: {level}. Levels: {', '.join(THINKING_LEVELS)}."
    if word in _DEFAULT:
        await context.store({"thinkingLevel": None})
        return "Thinking is at its default again."
    level = thinking_level(word) or ""
    if not level:
        return f'"{word}" is no level. Levels: {", ".join(THINKING_LEVELS)}.'
    await context.store({"thinkingLevel": level})
    return f"Thinking: {level}."


async def verbose(context: CommandContext) -> str:
    """Answer /verbose."""
    return await _switch(context, "verboseLevel", "Verbose", ("off", "on", "full"))


async def reasoning(context: CommandContext) -> str:
    """Answer /reasoning."""
    return await _switch(context, "reasoningLevel", "Reasoning", ("off", "on", "stream"))


async def _switch(context: CommandContext, field: str, name: str, levels: tuple[str, ...]) -> str:
    word = context.arguments.strip().lower()
    if not word:
        return f"{name}: {text(context.entry, field) or 'off'}. Levels: {', '.join(levels)}."
    if word not in levels:
        return f'"{word}" is no level. Levels: {", ".join(levels)}.'
    await context.store({field: None if word == "off" else word})
    answer = f"{name}: {word}."
    return answer if word == "off" or context.requester.chat_type == "direct" else f"{answer} {_ROOM}"


async def elevated(context: CommandContext) -> str:
    """Answer /elevated; a sender whom the gates refuse is told which, and nothing changes."""
    word = context.arguments.strip().lower()
    if word and word not in _ELEVATED:
        return f'"{word}" is no level. Levels: {", ".join(_ELEVATED)}.'
    if word == "off":
        await context.store({"elevatedLevel": "off"})
        return "Elevated: off. Commands stay in the sandbox."
    verdict = elevated_gates(
        context.parts.policy().tools.elevated,
        elevated_facts(base_run(context.request, context.agent, context.entry)),
    )
    if verdict.outcome is not Outcome.ALLOW:
        reasons = "\n".join(f"- {reason.detail} ({reason.key or reason.rule})" for reason in verdict.reasons)
        return f"Elevated is not available to you here:\n{reasons}"
    if not word:
        level = text(context.entry, "elevatedLevel") or context.agent.elevated or "off"
        return f"Elevated: {level}. Levels: {', '.join(_ELEVATED)}."
    await context.store({"elevatedLevel": word})
    meaning = "approvals are skipped" if word == "full" else "approvals apply"
    return f"Elevated: {word}. Commands may run on this machine, outside the sandbox; {meaning}."


def exec_values(arguments: str) -> dict[str, str] | str:
    """Return what `/exec` asks for by name, or the line that says what is wrong with it."""
    found: dict[str, str] = {}
    for word in arguments.split():
        name, sign, value = word.partition("=")
        name, value = name.strip().lower(), value.strip()
        known = _EXEC.get(name)
        if not sign or name not in _EXEC or not value:
            return f'"{word}" is not understood. Write host=, security=, ask= or node= with a value.'
        value = value if name == "node" else value.lower()
        if value.lower() not in _DEFAULT and known is not None and value not in known:
            return f"{name} must be one of {', '.join(known)}."
        found[name] = "default" if value.lower() in _DEFAULT else value
    return found


def exec_widens(parts: CommandParts, request: TurnRequest, arguments: str) -> bool:
    """Return whether `/exec` asks for more than the config gives: another place, more security, fewer questions.

    Host `sandbox` is no wider only where there is a sandbox: elsewhere it means this machine without approvals.
    """
    wanted = exec_values(arguments)
    if isinstance(wanted, str):
        return False
    configured = parts.policy().routing.exec_for(request.agent_id)
    asked = ExecDefaults.read(wanted.get("host"), wanted.get("security"), wanted.get("ask"), wanted.get("node"))
    host = configured.host or ExecHost.SANDBOX
    unset = Security.DENY if host is ExecHost.SANDBOX else Security.ALLOWLIST
    security, ask = configured.security or unset, configured.ask or Ask.ON_MISS
    order, questions = tuple(Security), tuple(Ask)
    placement = sandbox_status(parts.policy().routing.sandbox, request.agent_id, request.session_key).outcome
    tighter = asked.host is ExecHost.SANDBOX and placement is Placement.SANDBOX
    return (
        (asked.host is not None and asked.host is not host and not tighter)
        or (asked.security is not None and order.index(asked.security) > order.index(security))
        or (asked.ask is not None and questions.index(asked.ask) < questions.index(ask))
        or (asked.node is not None and asked.node != configured.node)
    )


async def exec_command(context: CommandContext) -> str:
    """Answer /exec."""
    wanted = exec_values(context.arguments)
    if isinstance(wanted, str):
        return wanted
    if wanted:
        await context.store(
            {_EXEC_FIELDS[name]: None if value == "default" else value for name, value in wanted.items()}
        )
    stored = exec_overrides(context.entry)
    configured = context.parts.policy().routing.exec_for(context.agent.agent_id)
    base = {
        "host": configured.host or ExecHost.SANDBOX,
        "security": configured.security or "by place",
        "ask": configured.ask or Ask.ON_MISS,
        "node": configured.node or "any",
    }
    told = ", ".join(f"{name}={stored.get(name) or value}" for name, value in base.items())
    return f"Exec in this session: {told}."
