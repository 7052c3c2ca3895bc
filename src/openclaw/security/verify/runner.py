"""Runs claims and their twins, spread over processes, and judges what came out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from openclaw.security.verify.claims import CLAIMS
from openclaw.security.verify.model import Claim, Counterexample
from openclaw.system.errors import NotFound

KEPT = 3
"""Counterexamples that a report shows of one claim; the check ends there."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one check of one subject gave.

    Attributes:
        claim: id of the claim.
        twin: name of the twin; None for the shipped functions.
        situations: how many situations were looked at.
        counterexamples: the first ones that were found.
        seconds: how long it took.
        fault: why the check itself failed; "" when it did not.
    """

    claim: str
    twin: str | None
    situations: int
    counterexamples: tuple[Counterexample, ...]
    seconds: float
    fault: str = ""

    @property
    def ok(self) -> bool:
        """Return whether the shipped functions passed, or the twin was caught."""
        if self.fault:
            return False
        return not self.counterexamples if self.twin is None else bool(self.counterexamples)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one claim: the run on the shipped functions and one per twin."""

    claim: Claim[Any]
    shipped: Run
    twins: tuple[Run, ...]

    @property
    def ok(self) -> bool:
        """Return whether the claim holds and all of its twins were caught."""
        return self.shipped.ok and self.shipped.situations > 0 and all(run.ok for run in self.twins)

    @property
    def seconds(self) -> float:
        """Return the processor's time for all runs together."""
        return self.shipped.seconds + sum(run.seconds for run in self.twins)


def chosen(ids: Sequence[str], claims: Sequence[Claim[Any]] = CLAIMS) -> tuple[Claim[Any], ...]:
    """Return the claims of some ids, in the order of the list; all when none is named.

    Raises:
        NotFound: there is no such claim.
    """
    unknown = [one for one in ids if one not in {claim.id for claim in claims}]
    if unknown:
        known = ", ".join(claim.id for claim in claims)
        raise NotFound(f"there is no claim {unknown[0]!r}; the claims are: {known}")
    return tuple(claim for claim in claims if not ids or claim.id in ids)


def check(claim: Claim[Any], twin: str | None) -> Run:
    """Check one claim on the shipped functions, or on one of its twins until that is caught."""
    started = time.perf_counter()
    subject = claim.subject if twin is None else next(one.subject for one in claim.twins if one.name == twin)
    wanted = KEPT if twin is None else 1
    found: list[Counterexample] = []
    situations, fault = 0, ""
    try:
        for finding in claim.check(subject):
            situations += 1
            if finding is not None:
                found.append(finding)
            if len(found) == wanted:
                break
    except Exception as error:  # noqa: BLE001 - a check that breaks is a result as well: it proves nothing
        fault = f"the check broke: {type(error).__name__}: {error}"
    return Run(claim.id, twin, situations, tuple(found), time.perf_counter() - started, fault)


def run(
    claims: Sequence[Claim[Any]], *, processes: int | None = None, done: Callable[[Outcome], None] = lambda _: None
) -> tuple[Outcome, ...]:
    """Check claims and all of their twins.

    Args:
        claims: members of `CLAIMS`; each process finds them by their ids.
        processes: how many at once; None means one per processor.
        done: is told of each claim once all of its runs are over.

    Returns:
        The outcomes in the order of the claims.
    """
    outcomes: dict[str, Outcome] = {}
    for outcome in _finished(claims, processes or os.cpu_count() or 1):
        outcomes[outcome.claim.id] = outcome
        done(outcome)
    return tuple(outcomes[claim.id] for claim in claims)


def _finished(claims: Sequence[Claim[Any]], processes: int) -> Iterator[Outcome]:
    runs: dict[str, dict[str | None, Run]] = {claim.id: {} for claim in claims}
    jobs = [(claim.id, twin) for claim in claims for twin in (None, *(one.name for one in claim.twins))]
    named = {claim.id: claim for claim in claims}
    for found in _spread(jobs, processes) if processes > 1 else (check(named[one], twin) for one, twin in jobs):
        runs[found.claim][found.twin] = found
        claim = named[found.claim]
        done = runs[claim.id]
        if len(done) == len(claim.twins) + 1:
            yield Outcome(claim, done[None], tuple(done[one.name] for one in claim.twins))


def _spread(jobs: Sequence[tuple[str, str | None]], processes: int) -> Iterator[Run]:
    with ProcessPoolExecutor(max_workers=processes) as pool:
        waiting: set[Future[Run]] = {pool.submit(_check_named, *job) for job in jobs}
        while waiting:
            over, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in over)


def _check_named(claim: str, twin: str | None) -> Run:
    """Check by name: what a worker process is given must be plain data."""
    return check(next(one for one in CLAIMS if one.id == claim), twin)
