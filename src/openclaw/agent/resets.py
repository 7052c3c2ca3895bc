"""What a reset does before the turn that follows it (agent.md 1.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from openclaw.agent.commands.dispatch import Command, refusal
from openclaw.agent.commands.models import override_fields
from openclaw.agent.contract import TurnRequest
from openclaw.agent.models.catalog import ParsedRef, parse_ref
from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.resume import find
from openclaw.agent.sessions.stores import Sessions
from openclaw.policy.verdict import Outcome, Verdict
from openclaw.system.errors import InvalidInput

GREETING: Final = "A fresh session was started. Greet the user in one or two short sentences and ask what to do."


async def begin_anew(
    sessions: Sessions, registry: ModelRegistry, command: Command, request: TurnRequest, verdict: Verdict[Outcome]
) -> tuple[TurnRequest | None, str]:
    """Start the session anew and return the turn that follows, or None and the line that refuses.

    The first word after the trigger may name a model; what is left is the first message of the new session.
    """
    if verdict.outcome is not Outcome.ALLOW:
        return None, refusal(verdict)
    if await _begun(sessions, request):
        return replace(request, command_text=""), ""
    chosen, rest = _model_and_rest(registry, command.arguments)
    await sessions.reset(request.session_key, keep=override_fields(chosen) if chosen else None)
    said = request.text.replace(request.command_text.strip(), rest, 1) if rest else GREETING
    return replace(request, text=said, command_text=""), ""


async def _begun(sessions: Sessions, request: TurnRequest) -> bool:
    """Return whether the session was started anew for this very message before a crash."""
    entry = (await sessions.ready(request.session_key)).get(request.session_key)
    if entry is None or not request.inbound_ids:
        return False
    transcript = await sessions.transcripts.read(sessions.path(request.session_key, entry))
    return transcript is not None and find(transcript.branch(), request.inbound_ids) is not None


def _model_and_rest(registry: ModelRegistry, arguments: str) -> tuple[ParsedRef | None, str]:
    """Split a model off the front of the arguments, where the first word is one: an alias, or `provider/model`."""
    first, _, rest = arguments.strip().partition(" ")
    named = parse_ref(first, registry.aliases())
    if named is None or ("/" not in first and first.lower() not in registry.aliases()):
        return None, arguments.strip()
    try:
        return registry.choose(first), rest.strip()
    except InvalidInput:
        return None, arguments.strip()
