"""`openclaw agent`: one turn of the agent, through the gateway."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog
from openclaw.cli.output import print_json, print_line
from openclaw.cli.rpc import DEFAULT_TIMEOUT_MS, Rpc, RpcOptions
from openclaw.system.errors import InvalidInput

LEVELS: Final = ("off", "minimal", "low", "medium", "high", "xhigh")
GRACE_SECONDS: Final = 30.0
"""How much longer than the turn itself its answer may take."""


@click.command(
    epilog=epilog(
        'openclaw agent -m "run uname -a"',
        'openclaw agent --agent work -m "what is on my list?" --json',
        'openclaw agent --session-key agent:main:main -m "go on" --thinking high',
        'openclaw agent -m "good morning" --deliver --channel telegram --to 7',
    )
)
@click.option("-m", "--message", required=True, help="What to say.")
@click.option("--agent", "agent_id", help="Which agent. Default: the default one.")
@click.option("--session-key", help="Which conversation, by key.")
@click.option("--session-id", help="Which conversation, by id.")
@click.option("--thinking", type=click.Choice(LEVELS), help="How long the model thinks.")
@click.option("--deliver", is_flag=True, help="Send the answer to a chat as well.")
@click.option("--channel", help="Channel of that chat.")
@click.option("--to", help="Id of that chat or person.")
@click.option("--account", help="Account of that channel.")
@click.option(
    "--timeout", type=click.IntRange(1, 86_400), default=600, show_default=True, help="Seconds the turn may take."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def agent(context: CliContext, /, message: str, timeout: int, as_json: bool, **chosen: Any) -> None:
    """Run one turn and print the answer. Without a choice it is said in the main conversation of the default agent."""
    rpc = Rpc(context, RpcOptions(timeout_ms=DEFAULT_TIMEOUT_MS))
    if not message.strip():
        raise InvalidInput("--message: say something")
    params = _params(rpc, message, timeout, **chosen)
    answer = rpc.call("agent", params, seconds=timeout + GRACE_SECONDS)
    if as_json:
        print_json(answer)
        return
    for text in _texts(answer):
        print_line(text)


def _params(
    rpc: Rpc,
    message: str,
    timeout: int,
    *,
    agent_id: str | None,
    session_key: str | None,
    session_id: str | None,
    thinking: str | None,
    deliver: bool,
    channel: str | None,
    to: str | None,
    account: str | None,
) -> dict[str, Any]:
    if session_key is not None and session_id is not None:
        raise InvalidInput("--session-key and --session-id exclude each other")
    if deliver and not (channel and to):
        raise InvalidInput("--deliver needs --channel and --to")
    if session_id is not None:
        session_key = rpc.call("sessions.resolve", {"sessionId": session_id})["key"]
    given = {
        "message": message,
        "idempotencyKey": str(uuid.uuid4()),
        "agentId": agent_id,
        "sessionKey": session_key,
        "thinking": thinking,
        "timeout": timeout,
        "deliver": deliver or None,
        "channel": channel,
        "to": to,
        "accountId": account,
    }
    return {name: value for name, value in given.items() if value is not None}


def _texts(answer: Mapping[str, Any]) -> list[str]:
    """Return what the agent said, for people."""
    payloads = (answer.get("result") or {}).get("payloads") or ()
    texts = [str(one["text"]) for one in payloads if one.get("text")]
    media = [f"[media] {one['mediaUrl']}" for one in payloads if one.get("mediaUrl")]
    return [*texts, *media] or ["(no answer)"]
