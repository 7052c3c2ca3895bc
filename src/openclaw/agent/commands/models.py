"""Commands that choose a model: /model and /models (agent.md 4.3)."""

from __future__ import annotations

from openclaw.agent.commands.context import CommandContext
from openclaw.agent.models.catalog import ParsedRef
from openclaw.agent.sessions.status import model_in_use
from openclaw.system.errors import InvalidInput

_CLEARED = {
    "providerOverride": None,
    "modelOverride": None,
    "authProfileOverride": None,
    "authProfileOverrideSource": None,
}


async def model(context: CommandContext) -> str:
    """Answer /model: show, list, choose by name, alias or number, or go back to the default."""
    word = context.arguments.strip()
    match word.lower():
        case "" | "status":
            provider, name = model_in_use(context.parts.registry, context.agent, context.entry)
            return f"Model: {provider}/{name}. /model list shows the others."
        case "list":
            return await models(context)
        case "default" | "reset":
            await context.store(_CLEARED)
            provider, name = model_in_use(context.parts.registry, context.agent, context.entry)
            return f"Model: {provider}/{name} (the default)."
        case _:
            return await _choose(context, word)


async def _choose(context: CommandContext, word: str) -> str:
    try:
        chosen = context.parts.registry.choose(_numbered(context, word))
    except InvalidInput as error:
        return str(error)
    await context.store(override_fields(chosen))
    pinned = f" with the profile {chosen.profile}" if chosen.profile else ""
    return f"Model: {chosen}{pinned}, for this session."


def override_fields(chosen: ParsedRef) -> dict[str, str | None]:
    """Return the fields of a session entry that hold a chosen model and, where pinned, its profile."""
    return {
        "providerOverride": chosen.provider,
        "modelOverride": chosen.model,
        "authProfileOverride": chosen.profile,
        "authProfileOverrideSource": "user" if chosen.profile else None,
    }


def _numbered(context: CommandContext, word: str) -> str:
    """Return the model that a number of the list means; any other word stays."""
    if not word.isascii() or not word.isdigit():
        return word
    rows = context.parts.registry.listed()
    at = int(word) - 1
    return f"{rows[at]['provider']}/{rows[at]['id']}" if 0 <= at < len(rows) else word


async def models(context: CommandContext) -> str:
    """Answer /models: what may be chosen, numbered."""
    rows = context.parts.registry.listed()
    aliases = {ref: alias for alias, ref in context.parts.registry.aliases().items()}
    lines = []
    for number, row in enumerate(rows, start=1):
        ref = f"{row['provider']}/{row['id']}"
        alias = f" ({aliases[ref]})" if ref in aliases else ""
        lines.append(f"{number}. {ref}{alias}")
    return "\n".join(lines) + "\n/model <number or name> chooses one."
