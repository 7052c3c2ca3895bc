"""The turn that a system event asks for, and where it answers (agent.md 8.3)."""

from __future__ import annotations

import uuid

from openclaw.agent.contract import ReplyTarget, TurnRequest
from openclaw.agent.run_facts import INTERNAL, text
from openclaw.policy.what.labels import Provenance, Source
from openclaw.state.sessions import Entry
from openclaw.tools.contract import Requester


def wake_request(key: str, agent_id: str, entry: Entry) -> TurnRequest:
    """Return a turn that nobody sent: without owner and command rights, answering where the session is (advisory P2).

    Its text is empty: the events that wait for the session's prompt are what it is about.
    """
    target = last_target(entry)
    requester = Requester(
        channel=INTERNAL,
        source=Source.SYSTEM,
        chat_type=target.chat_type if target else "direct",
        group_id=text(entry, "groupId"),
    )
    return TurnRequest(
        run_id=f"wake-{uuid.uuid4()}",
        session_key=key,
        agent_id=agent_id,
        text="",
        command_text="",
        requester=requester,
        provenance=(Provenance(source=Source.SYSTEM),),
        target=target,
    )


def last_target(entry: Entry) -> ReplyTarget | None:
    """Return where a session's last message came from."""
    channel, to = text(entry, "lastChannel"), text(entry, "lastTo")
    if channel is None or to is None:
        return None
    kind = entry.get("chatType")
    return ReplyTarget(
        channel=channel,
        account=text(entry, "lastAccountId") or "default",
        to=to,
        thread_id=text(entry, "lastThreadId"),
        chat_type=kind if kind in {"direct", "group", "channel"} else "direct",
    )
