"""Commands that tell something: /help, /commands, /status, /whoami, /usage."""

from __future__ import annotations

from typing import Any, Final

from openclaw.agent.commands.context import CommandContext
from openclaw.agent.run_facts import text
from openclaw.agent.sessions.status import status_lines
from openclaw.policy.who.commands_registry import COMMANDS

USAGE_LEVELS: Final = ("off", "tokens", "full")

SUMMARIES: Final = {
    "help": "what you can do here",
    "commands": "all commands",
    "status": "this session: model, tokens, levels",
    "whoami": "how I see you",
    "approve": "`<id> allow-once|allow-always|deny`: decide on a command that waits",
    "usage": "`off|tokens|full`: token counts under each answer",
    "stop": "stop what is running",
    "activation": "`mention|always`: when I answer in this group",
    "send": "`on|off|inherit`: whether answers of this session leave",
    "new": "`[model or text]`: begin a fresh session",
    "reset": "the same as /new",
    "think": "`off|minimal|low|medium|high|xhigh`: how long the model thinks",
    "verbose": "`on|full|off`: show tool calls (direct chats)",
    "reasoning": "`on|off|stream`: show the model's thoughts (direct chats)",
    "elevated": "`on|ask|full|off`: run commands outside the sandbox",
    "exec": "`host= security= ask= node=`: how commands run in this session",
    "model": "`<provider/model or alias>|default|list`: which model answers",
    "models": "the models that may be chosen",
}
"""One line per command that is built."""


async def help_text(context: CommandContext) -> str:
    """Answer /help."""
    del context
    return (
        "Just write what you want. Some lines are commands to me instead:\n"
        "/status shows the session, /new begins a fresh one, /stop stops what runs, /model chooses the model.\n"
        "/commands lists all of them."
    )


async def commands_text(context: CommandContext) -> str:
    """Answer /commands: what is built and switched on."""
    index = context.parts.policy().access.commands
    lines = [
        f"/{spec.name} {SUMMARIES[spec.name]}" for spec in COMMANDS if spec.name in SUMMARIES and index.is_on(spec)
    ]
    return "\n".join(lines)


async def status_text(context: CommandContext) -> str:
    """Answer /status."""
    parts = context.parts
    busy, waiting = parts.runs.activity(context.key)
    return "\n".join(status_lines(parts, context.key, context.agent, busy=busy, waiting=waiting))


async def whoami_text(context: CommandContext) -> str:
    """Answer /whoami: what the channel says of the sender."""
    requester, target = context.requester, context.request.target
    rows: tuple[tuple[str, Any], ...] = (
        ("Channel", requester.channel),
        ("Account", requester.account if requester.account != "default" else None),
        ("Your id", requester.sender_id),
        ("Username", requester.sender_username),
        ("Chat", target.to if target else requester.group_id),
        ("Thread", target.thread_id if target else None),
        ("Class", "owner" if requester.is_owner else str(requester.source)),
    )
    return "\n".join(f"{name}: {value}" for name, value in rows if value)


async def usage_text(context: CommandContext) -> str:
    """Answer /usage: set the level, or show the counts of the last run."""
    wanted = context.arguments.strip().lower()
    entry = context.entry
    if wanted in USAGE_LEVELS:
        await context.store({"responseUsage": None if wanted == "off" else wanted})
        return f"Usage under answers: {wanted}."
    counts = ", ".join(f"{name} {int(entry.get(field) or 0):,}" for name, field in _COUNTS)
    level = text(entry, "responseUsage") or "off"
    return f"Last run: {counts} tokens. Usage under answers: {level} (off, tokens or full)."


_COUNTS: Final = (("input", "inputTokens"), ("output", "outputTokens"), ("context", "contextTokens"))
