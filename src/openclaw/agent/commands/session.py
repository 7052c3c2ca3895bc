"""Commands about the session itself: /stop, /activation, /send, /approve."""

from __future__ import annotations

from openclaw.agent.commands.context import CommandContext
from openclaw.agent.contract import ReplyTarget
from openclaw.system.errors import InvalidInput
from openclaw.tools.approval_text import APPROVE_USAGE, parse_approve, resolved_text
from openclaw.tools.approvals import ChatPlace


async def stop(context: CommandContext) -> str:
    """Answer /stop and the bare words that mean it."""
    stopped = context.parts.runs.stop(context.key, context.requester)
    return "Stopped." if stopped else "Nothing of yours is running here."


async def activation(context: CommandContext) -> str:
    """Answer /activation: when the bot answers in this group."""
    if context.requester.chat_type == "direct":
        return "/activation is for groups; here I always answer."
    word = context.arguments.strip().lower()
    if word not in {"mention", "always"}:
        return f"Activation: {context.entry.get('groupActivation') or 'as configured'}. Choose mention or always."
    await context.store({"groupActivation": word, "groupActivationNeedsSystemIntro": True})
    return f"Activation: {word}. " + ("I answer when I am mentioned." if word == "mention" else "I answer everything.")


async def send(context: CommandContext) -> str:
    """Answer /send: whether answers of this session leave."""
    word = context.arguments.strip().lower()
    values = {"on": "allow", "off": "deny", "inherit": None}
    if word not in values:
        return f"Sending: {context.entry.get('sendPolicy') or 'as configured'}. Choose on, off or inherit."
    await context.store({"sendPolicy": values[word]})
    return f"Sending in this session: {word}."


async def approve(context: CommandContext) -> str:
    """Answer /approve. The dispatcher has found that the sender may decide."""
    wanted = parse_approve(context.arguments)
    if wanted is None:
        return APPROVE_USAGE
    if context.parts.approvals is None:
        return "Nothing waits for approval here."
    requester = context.requester
    by = requester.client_name or requester.sender_name or requester.sender_id
    try:
        pending, resolution = context.parts.approvals.resolve(
            wanted.approval_id, wanted.decision, resolved_by=by, decided_in=_place(context.request.target)
        )
    except InvalidInput as error:
        return f"{error}. It may have been decided already, or its time is over."
    told = resolved_text(pending.id, resolution.decision or wanted.decision, resolution.resolved_by)
    return f"{told}\n{resolution.note}" if resolution.note else told


def _place(target: ReplyTarget | None) -> ChatPlace | None:
    """Return the chat that gets the answer of the command."""
    if target is None:
        return None
    return ChatPlace(target.channel, target.account, target.to, target.thread_id)
