"""The report of `openclaw verify`, as JSON and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from openclaw.security.verify.hashes import hash_of, name_of
from openclaw.security.verify.model import Counterexample
from openclaw.security.verify.runner import Outcome, Run
from openclaw.version import VERSION


def as_json(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """Return the report as one document.

    Args:
        outcomes: what became of the claims.
        seconds: how long it took by the clock on the wall.
    """
    return {
        "ok": all(outcome.ok for outcome in outcomes),
        "version": VERSION,
        "seconds": round(seconds, 2),
        "situations": sum(outcome.shipped.situations for outcome in outcomes),
        "claims": [_claim(outcome) for outcome in outcomes],
    }


def _claim(outcome: Outcome) -> dict[str, Any]:
    claim = outcome.claim
    return {
        "id": claim.id,
        "claim": claim.sentence,
        "source": claim.source,
        "ok": outcome.ok,
        "situations": outcome.shipped.situations,
        "seconds": round(outcome.seconds, 2),
        "fault": outcome.shipped.fault or None,
        "counterexamples": [_example(found) for found in outcome.shipped.counterexamples],
        "checked": [{"function": name_of(function), "sha256": hash_of(function)} for function in claim.checked],
        "twins": [_twin(run) for run in outcome.twins],
    }


def _twin(run: Run) -> dict[str, Any]:
    return {
        "name": run.twin,
        "caught": run.ok,
        "after": run.situations,
        "fault": run.fault or None,
        "by": _example(run.counterexamples[0]) if run.counterexamples else None,
    }


def _example(found: Counterexample) -> dict[str, str]:
    return {"situation": found.situation, "expected": found.expected, "got": found.got}


def line_of(outcome: Outcome) -> str:
    """Return one line on a claim, for people who watch."""
    caught = sum(run.ok for run in outcome.twins)
    word = "holds" if outcome.ok else "FAILS"
    return (
        f"{word}  {outcome.claim.id:<20} {outcome.shipped.situations:>8} situations, {caught} of {len(outcome.twins)} "
        f"twins caught, {outcome.seconds:.1f} s"
    )


def details_of(outcome: Outcome) -> Iterator[str]:
    """Yield what people want to know of a claim: the sentence, what was checked, and what went wrong."""
    yield f"{outcome.claim.id}: {outcome.claim.sentence} ({outcome.claim.source})"
    for function in outcome.claim.checked:
        yield f"  {hash_of(function)[:16]}  {name_of(function)}"
    yield from (f"  fails: {problem}" for problem in problems_of(outcome))


def problems_of(outcome: Outcome) -> Iterator[str]:
    """Yield why a claim does not hold, or proves nothing."""
    shipped = outcome.shipped
    if shipped.fault:
        yield shipped.fault
    elif not shipped.situations:
        yield "the check looked at nothing"
    for found in shipped.counterexamples:
        yield f"{found.situation}: expected {found.expected}, got {found.got}"
    for run in outcome.twins:
        if not run.ok:
            yield f"the twin in which {run.twin} was not caught" + (f" ({run.fault})" if run.fault else "")
