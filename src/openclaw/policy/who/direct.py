"""Direct messages: who may write in private, and what happens to the others (channels.md 1)."""

from __future__ import annotations

from openclaw.policy.what.labels import Source
from openclaw.policy.where.key_ids import normalise_account_id
from openclaw.policy.who.admission_result import Admission, Decision, Effects, Pairing
from openclaw.policy.who.answers import deliver, drop
from openclaw.policy.who.case import Case
from openclaw.policy.who.dm_pairing import MAX_PENDING, live, normalise_store_id
from openclaw.policy.who.identity import canonical_id, pairing_id
from openclaw.policy.who.lists import Match, match
from openclaw.policy.who.rule_columns import DmPolicy

_SOURCES = {
    Match.ID: Source.ALLOWED,
    Match.NAME: Source.ALLOWED,
    Match.CHAT: Source.ALLOWED,
    Match.LINKED: Source.ALLOWED,
    Match.STORE: Source.PAIRED,
    Match.OPERATOR: Source.OPERATOR,
}


def admit_direct(case: Case) -> Admission:
    """Decide a direct message: switched off, then the lists, then pairing."""
    scope = case.scope
    if case.rules.operator:
        if not case.sender.id:
            return drop(case, "dm.no-sender-id")
        return _deliver(case, "dm.operator", Match.OPERATOR)
    if not scope.dm_enabled or scope.dm_policy is DmPolicy.DISABLED:
        return drop(case, "dm.disabled")
    if not case.sender.id:
        return drop(case, "dm.no-sender-id")
    if case.same_number:
        return _deliver(case, "dm.self", Match.LINKED)
    return _by_lists(case) or _unknown(case)


def _by_lists(case: Case) -> Admission | None:
    """Admit a sender whom the config or the pairing store names; `*` counts in the config only."""
    scope = case.scope
    found = match(scope.dm_list, case.sender, names=case.rules.identity.names_in_direct)
    if scope.dm_policy is DmPolicy.OPEN and scope.dm_list.wildcard:
        if found is Match.WILDCARD and case.approved:
            found = Match.STORE
        return _deliver(case, "dm.open", found)
    if found is Match.WILDCARD and case.approved:
        return _deliver(case, "dm.allowlisted", Match.STORE)
    if found is not Match.NONE:
        return _deliver(case, "dm.allowlisted", found)
    return _deliver(case, "dm.paired", Match.STORE) if case.approved else None


def _deliver(case: Case, code: str, found: Match) -> Admission:
    """Deliver. A delivered sender has stage A, except in the linked number's own chat when its list names others."""
    authorised = found is not Match.LINKED or not case.scope.dm_list.configured or case.self_chat
    answer = case.reason("command.native" if case.steps.command else code)
    if case.steps.command:
        case.passed(code)
    return deliver(case, answer, authorised, _SOURCES.get(found, Source.STRANGER), found, Effects(mention=True))


def _unknown(case: Case) -> Admission:
    """Answer a sender whom nobody named: a pairing code under `pairing`, silence otherwise."""
    if case.steps.command:
        return drop(case, "command.unauthorized")
    asks = case.scope.dm_policy is DmPolicy.PAIRING and case.steps.pairs and not case.facts.sender.is_bot
    if not asks:
        return drop(case, "dm.not-allowlisted")
    limit, age = case.rules.replay_limit_ms, case.facts.sent_before_connect_ms
    if limit is not None and age is not None and age > limit:
        return drop(case, "dm.pairing.historical")
    return _pairing(case)


def _pairing(case: Case) -> Admission:
    """Say what asking for admission would do; the store decides again under its lock (channels.md 1.2)."""
    style, channel = case.rules.identity, case.rules.channel
    wanted = normalise_store_id(channel, pairing_id(style, case.facts.sender))
    if not wanted:
        return drop(case, "dm.no-sender-id")
    scope = normalise_account_id(case.scope.account)
    waiting = [request for request in live(case.store.requests, case.now_ms) if request.account == scope]
    known = any(request.id == wanted or canonical_id(style, request.id) == case.sender.id for request in waiting)
    if not known and len(waiting) >= MAX_PENDING:
        return drop(case, "dm.pairing.full", Effects(pairing=Pairing.FULL, pairing_id=wanted))
    state = Pairing.REPEAT if known else Pairing.NEW
    reasons = (*case.trail, case.reason(f"dm.pairing.{state}"))
    return Admission(Decision.PAIR, reasons, effects=Effects(pairing=state, pairing_id=wanted))
