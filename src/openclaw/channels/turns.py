"""From admitted messages to the turn that answers them. Pure but for nothing: values in, a TurnRequest out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openclaw.agent.contract import TurnRequest
from openclaw.channels.admit import Judged
from openclaw.channels.contract import InboundMessage
from openclaw.channels.history import PendingEntry
from openclaw.policy.inbound import space_of
from openclaw.policy.what.labels import Provenance, Source
from openclaw.policy.who.facts import ChatType
from openclaw.tools.contract import ChatType as ToolChatType
from openclaw.tools.contract import ImageBlock, Requester

_CHAT_TYPES: Mapping[ChatType, ToolChatType] = {
    ChatType.DIRECT: "direct",
    ChatType.GROUP: "group",
    ChatType.GROUP_DM: "group",
    ChatType.CHANNEL: "channel",
    ChatType.THREAD: "channel",
}


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message that may run, with its journal rows (several when parts were joined)."""

    inbound_ids: tuple[int, ...]
    message: InboundMessage
    judged: Judged


@dataclass(frozen=True, slots=True)
class TurnOptions:
    """What a gateway client may add to its own message; it can only narrow.

    Attributes:
        run_id: the client's idempotency key; None lets the journal row name the run.
        thinking: level for this turn.
        timeout_seconds: limit of the run.
        scopes: scopes of the client.
        conn_id: its connection.
        client_name: its display name.
        images: images that came with the message itself.
    """

    run_id: str | None = None
    thinking: str | None = None
    timeout_seconds: float | None = None
    scopes: frozenset[str] = frozenset()
    conn_id: str | None = None
    client_name: str | None = None
    images: tuple[ImageBlock, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


NO_OPTIONS = TurnOptions()


def run_id_of(channel: str, inbound_id: int) -> str:
    """Return the run id of a journal row: the same after a restart."""
    return f"{channel}-{inbound_id}"


def requester_of(admitted: Admitted, options: TurnOptions = NO_OPTIONS) -> Requester:
    """Return who caused the turn, from the admitted facts alone."""
    facts, admission = admitted.message.facts, admitted.judged.admission
    is_room = facts.chat_type is not ChatType.DIRECT
    return Requester(
        channel=admitted.message.channel,
        source=admission.admitted_by or Source.STRANGER,
        account=admitted.message.account,
        sender_id=facts.sender.id or facts.sender.e164 or facts.sender.uuid,
        sender_name=facts.sender.name,
        sender_username=facts.sender.username,
        sender_e164=facts.sender.e164,
        chat_type=_CHAT_TYPES.get(facts.chat_type, "group"),
        group_id=facts.chat_id if is_room else None,
        group_channel=facts.chat_name if is_room else None,
        group_space=space_of(facts),
        is_owner=admission.sender_is_owner,
        command_authorized=admission.command_authorized,
        mentioned=admission.effects.mention,
        scopes=options.scopes,
        conn_id=options.conn_id,
        client_name=options.client_name,
    )


def turn_request(
    admitted: Admitted,
    text: str,
    history: Sequence[PendingEntry],
    images: Sequence[ImageBlock],
    options: TurnOptions = NO_OPTIONS,
) -> TurnRequest:
    """Return the turn of an admitted message.

    Args:
        admitted: the message.
        text: what the model reads.
        history: the pending entries that the text holds; they are closed by the same answer.
        images: fetched images.
        options: what an operator client asked for.
    """
    requester = requester_of(admitted, options)
    message = admitted.message
    own = requester.provenance()
    quoted = tuple(
        Provenance(
            source=Source.STRANGER, channel=message.channel, account_id=message.account, sender_id=quote.author_id
        )
        for quote in message.quoted
        if quote.kind == "forward" or quote.author_id is None or quote.author_id != message.facts.sender.id
    )
    return TurnRequest(
        run_id=options.run_id or run_id_of(message.channel, admitted.inbound_ids[0]),
        session_key=admitted.judged.session_key,
        agent_id=admitted.judged.route.agent_id,
        text=text,
        command_text=message.facts.text if admitted.judged.reads_commands else "",
        requester=requester,
        provenance=(own, *(entry.provenance for entry in history), *quoted),
        images=(*images, *options.images),
        target=message.target,
        inbound_ids=(*admitted.inbound_ids, *(entry.inbound_id for entry in history)),
        thinking=options.thinking,
        timeout_seconds=options.timeout_seconds,
    )
