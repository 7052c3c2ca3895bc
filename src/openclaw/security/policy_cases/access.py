"""Runs a case of the access fixtures against the compiled policy (`openclaw policy test`, and our own tests)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from openclaw.config.compile.access import compile_access
from openclaw.policy.where.key_ids import normalise_account_id
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission, Decision, Pairing
from openclaw.policy.who.dm_pairing import PairingRequest
from openclaw.policy.who.facts import (
    ChatType,
    EventKind,
    GroupActivation,
    Mentions,
    MessageFacts,
    Named,
    SelfIdentity,
    Sender,
    SessionView,
    StoreView,
)
from openclaw.security.policy_cases.configs import case_config
from openclaw.security.policy_cases.result import CaseResult
from openclaw.system.errors import OpenClawError

STORE_TAG: Final = "seed-store-merges-into-groups"
"""Cases that describe the original's merging of approvals into groups; here approvals admit to direct chats only."""
_NOW_MS: Final = 1_700_000_000_000
_MINUTE_MS: Final = 60_000


def run_case(case: Mapping[str, Any], base_config: Mapping[str, Any] | None = None) -> CaseResult:
    """Run one case.

    Args:
        case: as the README beside the fixtures describes it.
        base_config: head of the case file or a config document, used by cases without a config of their own.

    Returns:
        The decision, the command authority and the pairing reply decide whether the case is met; the reason is shown
        beside them. A case that describes the original's merging of approvals into groups is met when the store
        changes nothing.
    """
    try:
        return _judged(case, base_config)
    except OpenClawError as error:
        expected = dict(case.get("expected", {}))
        return CaseResult(str(case.get("id", "")), ok=False, expected=expected, got={"error": error.message})


def _judged(case: Mapping[str, Any], base_config: Mapping[str, Any] | None) -> CaseResult:
    admission = admit(case, base_config)
    expected = dict(case.get("expected", {}))
    got = _verdict(admission)
    if STORE_TAG in case.get("tags", ()):
        bare = admit({**case, "store": {**case.get("store", {}), "allowFrom": []}}, base_config)
        expected = _verdict(bare)
    wanted = {
        "decision": expected.get("decision"),
        "commandAuthorized": expected.get("commandAuthorized", False),
        "pairingReply": expected.get("pairingReply", False),
    }
    strict = {name: got[name] for name in wanted}
    return CaseResult(
        id=str(case.get("id", "")),
        ok=strict == wanted,
        expected={**wanted, "reason": expected.get("reason", got["reason"])},
        got=got,
        trail=admission.reasons,
    )


def _verdict(admission: Admission) -> dict[str, Any]:
    """Return an answer in the words of the fixtures."""
    return {
        "decision": str(admission.decision),
        "commandAuthorized": admission.command_authorized,
        "pairingReply": admission.decision is Decision.PAIR and admission.effects.pairing is Pairing.NEW,
        "reason": admission.decided_by.rule,
    }


def admit(case: Mapping[str, Any], base_config: Mapping[str, Any] | None = None) -> Admission:
    """Return what the policy says of a case's message.

    Raises:
        ConfigInvalid: the config of the case is none.
    """
    account = str(case.get("account") or "")
    policy = compile_access(case_config(case, base_config))
    scope = policy.account(case["channel"], account)
    stored = case.get("store", {})
    requests = tuple(_request(entry, scope.account if scope else account) for entry in stored.get("pending", ()))
    return decide(
        policy,
        case["channel"],
        account,
        _me(case.get("self", {})),
        StoreView(tuple(str(entry) for entry in stored.get("allowFrom", ())), requests),
        _session(case.get("session") or {}),
        message_facts(case["message"]),
        _NOW_MS,
    )


def message_facts(message: Mapping[str, Any]) -> MessageFacts:
    """Return the facts of a message of the fixtures; a kind or chat type that is none counts as unknown."""
    sender, mentions = message.get("sender") or {}, message.get("mentions") or {}
    return MessageFacts(
        chat_type=_member(ChatType, message.get("chatType"), ChatType.UNKNOWN),
        chat_id=_text(message.get("chatId")) or "",
        sender=Sender(
            id=_text(sender.get("id")),
            username=_text(sender.get("username")),
            name=_text(sender.get("name")),
            tag=_text(sender.get("tag")),
            e164=_text(sender.get("e164")),
            uuid=_text(sender.get("uuid")),
            is_bot=sender.get("isBot") is True,
            member_id=_text(sender.get("memberId")),
        ),
        text=_text(message.get("text")) or "",
        kind=_member(EventKind, message.get("eventKind", "message"), EventKind.UNKNOWN),
        chat_name=_text(message.get("chatName")),
        topic_id=_text(message.get("topicId")),
        thread_id=_text(message.get("threadId")),
        parent_id=_text(message.get("parentId")),
        parent_name=_text(message.get("parentName")),
        thread_owner_id=_text(message.get("threadOwnerId")),
        guild=_named(message.get("guild")),
        team=_named(message.get("team")),
        mentions=Mentions(me=mentions.get("self") is True, others=mentions.get("others") is True),
        reply_to_self=message.get("replyToSelf") is True,
        from_me=message.get("fromMe") is True,
        sync=message.get("sync") is True,
        echo=message.get("echo") is True,
        native=message.get("native") is True,
        forwarded=message.get("forwarded") is True,
        original_waits=message.get("originalWaits") is True,
        lookup_failed=message.get("lookupFailed") is True,
        sent_before_connect_ms=message.get("sentBeforeConnectMs"),
        operator_scopes=tuple(message.get("operatorScopes", ())),
    )


def _request(entry: Mapping[str, Any], account: str) -> PairingRequest:
    at = _NOW_MS - int(entry.get("ageMinutes", 0) * _MINUTE_MS)
    return PairingRequest(str(entry["id"]), str(entry.get("code", "")), at, at, normalise_account_id(account))


def _me(found: Mapping[str, Any]) -> SelfIdentity:
    return SelfIdentity(_text(found.get("id")), _text(found.get("username")), _text(found.get("e164")))


def _session(found: Mapping[str, Any]) -> SessionView:
    stored = found.get("groupActivation")
    activation = GroupActivation(stored) if stored in list(GroupActivation) else None
    return SessionView(key=_text(found.get("key")) or "", group_activation=activation)


def _named(found: Mapping[str, Any] | None) -> Named | None:
    return Named(_text(found.get("id")), _text(found.get("name"))) if found else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _member(kind: Any, value: Any, otherwise: Any) -> Any:
    """Return the member of a closed set that a text names."""
    return kind(value) if value in list(kind) else otherwise
