"""How the steps of admission put their answers together."""

from __future__ import annotations

from openclaw.policy.verdict import Reason
from openclaw.policy.what.labels import Source
from openclaw.policy.who.admission_result import NO_EFFECTS, Admission, Decision, Effects
from openclaw.policy.who.case import Case
from openclaw.policy.who.command_authority import is_owner, stage_b
from openclaw.policy.who.lists import Match


def drop(case: Case, code: str, effects: Effects = NO_EFFECTS) -> Admission:
    """Return a drop for a reason of the vocabulary."""
    return refuse(case, case.reason(code), effects)


def refuse(case: Case, reason: Reason, effects: Effects = NO_EFFECTS) -> Admission:
    """Return a drop for a reason."""
    return Admission(Decision.DROP, (*case.trail, reason), effects=effects)


def deliver(
    case: Case, reason: Reason, authorised: bool, source: Source, matched: Match, effects: Effects
) -> Admission:
    """Return a delivery, with command authority where stage A (`authorised`) and stage B give it."""
    owner = is_owner(case)
    commands = authorised and case.steps.authority and case.sender.id != ""
    if not authorised:
        case.passed("command.not-listed")
    elif commands and not stage_b(case):
        case.passed("command.owners-only")
        commands = False
    return Admission(
        Decision.DELIVER,
        (*case.trail, reason),
        command_authorized=commands,
        sender_is_owner=owner,
        admitted_by=Source.OWNER if owner else source,
        matched=matched,
        effects=effects,
    )
