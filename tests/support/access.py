"""Asking the access policy in few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openclaw.config.compile.access import compile_access
from openclaw.config.model import Config
from openclaw.policy.who.access_policy import AccessPolicy, AccountAccess
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission
from openclaw.policy.who.dm_pairing import PairingRequest
from openclaw.policy.who.facts import (
    ChatType,
    GroupActivation,
    Mentions,
    MessageFacts,
    Named,
    SelfIdentity,
    Sender,
    SessionView,
    StoreView,
)

NOW = 1_700_000_000_000
ME = SelfIdentity(id="900", username="mybot", e164="+15550000001")
SENDERS: Mapping[str, Sender] = {
    "whatsapp": Sender(e164="+15551230001", name="Ann"),
    "telegram": Sender(id="42", username="ann", name="Ann"),
    "discord": Sender(id="111", username="ann", tag="ann#1"),
    "slack": Sender(id="U111", username="ann", name="Ann"),
    "signal": Sender(e164="+15551230001", name="Ann"),
    "imessage": Sender(id="+15551230001"),
    "msteams": Sender(id="0a1b2c3d-1111-2222-3333-444455556666", name="Ann Lee"),
}
"""A person on each channel."""
STRANGERS: Mapping[str, Sender] = {
    "whatsapp": Sender(e164="+15559990009", name="Mal"),
    "telegram": Sender(id="77", username="mal", name="Mal"),
    "discord": Sender(id="222", username="mal", tag="mal#1"),
    "slack": Sender(id="U222", username="mal", name="Mal"),
    "signal": Sender(e164="+15559990009", name="Mal"),
    "imessage": Sender(id="+15559990009"),
    "msteams": Sender(id="ffffffff-1111-2222-3333-444455556666", name="Mal Lee"),
}
"""Another person on each channel."""
CHANNELS = tuple(SENDERS)
NESTED = ("discord", "slack")
"""Channels whose direct messages are configured below `dm`."""
DIRECT_CHATS = {
    "whatsapp": "+15551230001",
    "telegram": "42",
    "discord": "6001",
    "slack": "D1",
    "signal": "x",
    "imessage": "7",
    "msteams": "a:1",
}


def id_of(channel: str, sender: Sender) -> str:
    """Return the id of a person as a list holds it."""
    return sender.e164 if channel in ("whatsapp", "signal") and sender.e164 else sender.id or ""


def section(channel: str, policy: str | None = None, allow: Sequence[str] | None = None, **more: Any) -> dict[str, Any]:
    """Return a channel section with a DM policy and list where the channel has them."""
    direct: dict[str, Any] = {}
    if policy is not None:
        direct["policy" if channel in NESTED else "dmPolicy"] = policy
    if allow is not None:
        direct["allowFrom"] = list(allow)
    if channel not in NESTED:
        return {**direct, **more}
    return {**({"dm": {**direct, **more.pop("dm", {})}} if direct or "dm" in more else {}), **more}


def policy_of(config: Mapping[str, Any]) -> AccessPolicy:
    """Return the compiled policy of a config document."""
    return compile_access(Config.from_document(config))


def channel_policy(channel: str, settings: Mapping[str, Any] | None, **more: Any) -> AccessPolicy:
    """Return the policy of a config with one channel section, or without any."""
    channels = {} if settings is None else {channel: dict(settings)}
    return policy_of({"channels": channels, **more})


def account_of(policy: AccessPolicy, channel: str, account: str = "") -> AccountAccess:
    """Return a compiled account that exists."""
    found = policy.account(channel, account)
    assert found is not None
    return found


def ask(
    policy: AccessPolicy,
    channel: str,
    facts: MessageFacts,
    *,
    account: str = "",
    me: SelfIdentity = ME,
    approved: Sequence[str] = (),
    waiting: Sequence[tuple[str, int]] = (),
    activation: GroupActivation | None = None,
    agent: str = "",
) -> Admission:
    """Return the answer; `waiting` holds (id, age in milliseconds) of pairing requests."""
    requests = tuple(PairingRequest(who, "ABCDEFGH", NOW - age, NOW - age) for who, age in waiting)
    return decide(
        policy,
        channel,
        account,
        me,
        StoreView(tuple(approved), requests),
        SessionView(group_activation=activation, agent_id=agent),
        facts,
        NOW,
    )


def direct(channel: str, sender: Sender, text: str = "hello", **more: Any) -> MessageFacts:
    """Return a direct message."""
    return MessageFacts(ChatType.DIRECT, DIRECT_CHATS.get(channel, "d"), sender, text, **more)


def answer(admission: Admission) -> tuple[str, str]:
    """Return decision and deciding rule."""
    return str(admission.decision), admission.decided_by.rule


SPOKEN = Mentions(me=True)
GUILD = Named("5001", "Friends Of Claw")
TEAM = Named("19:teamA@thread.tacv2", "Team A")
PLACES: dict[str, dict[str, Any]] = {
    "whatsapp": {"chat_type": ChatType.GROUP, "chat_id": "1203@g.us"},
    "telegram": {"chat_type": ChatType.GROUP, "chat_id": "-100"},
    "discord": {"chat_type": ChatType.CHANNEL, "chat_id": "7001", "chat_name": "general", "guild": GUILD},
    "slack": {"chat_type": ChatType.CHANNEL, "chat_id": "C1", "chat_name": "general"},
    "signal": {"chat_type": ChatType.GROUP, "chat_id": "grpA=="},
    "imessage": {"chat_type": ChatType.GROUP, "chat_id": "7"},
    "msteams": {"chat_type": ChatType.GROUP, "chat_id": "19:g@thread.v2"},
}
OPEN_PLACES: dict[str, dict[str, Any]] = {"discord": {"guilds": {"5001": {}}}, "slack": {"channels": {"C1": {}}}}


def said(channel: str, sender: Sender | None = None, text: str = "hello", **more: Any) -> MessageFacts:
    """Return a message in the channel's room; spoken to the bot unless told otherwise."""
    facts = {"mentions": SPOKEN, **PLACES[channel], **more}
    return MessageFacts(sender=sender or SENDERS[channel], text=text, **facts)


def judged(channel: str, settings: dict[str, Any] | None, facts: MessageFacts, **more: Any) -> tuple[str, str]:
    return answer(ask(channel_policy(channel, settings), channel, facts, **more))
