"""`openclaw verify`: re-checks what this product claims, on the functions that it ships (offline)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from openclaw.cli.groups import SETTINGS, epilog, json_option
from openclaw.cli.output import print_error, print_json, print_line

if TYPE_CHECKING:
    from openclaw.security.verify.runner import Outcome


@click.command(
    context_settings=SETTINGS,
    epilog=epilog(
        "openclaw verify", "openclaw verify --claim pairing-limits --claim pairing-races", "openclaw verify --json"
    ),
)
@click.option("--claim", "claims", multiple=True, metavar="ID", help="Check this claim only. May be given again.")
@click.option("--list", "listed", is_flag=True, help="List the claims and check nothing.")
@click.option("--hashes", is_flag=True, help="Show each function that is checked with its hash.")
@json_option
def verify(claims: tuple[str, ...], listed: bool, hashes: bool, as_json: bool) -> int:
    """Check the claims, and that each check sees the faults that it is there for.

    Each claim is checked over all situations of a small world, on the functions of this installation; then on twins of
    them that have one fault each. Exit code 0 only when every claim holds and every twin is caught.
    """
    from openclaw.security.verify.report import as_json as report_json
    from openclaw.security.verify.report import details_of, line_of, problems_of
    from openclaw.security.verify.runner import chosen, run

    wanted = chosen(claims)
    if listed:
        if as_json:
            print_json([{"id": one.id, "claim": one.sentence, "source": one.source} for one in wanted])
        else:
            for one in wanted:
                print_line(f"{one.id:<20} {one.sentence}")
        return 0

    def tell(outcome: Outcome) -> None:
        (print_error if as_json else print_line)(line_of(outcome))

    started = time.perf_counter()
    outcomes = run(wanted, done=tell)
    seconds = time.perf_counter() - started
    ok = all(outcome.ok for outcome in outcomes)
    if as_json:
        print_json(report_json(outcomes, seconds))
        return 0 if ok else 1
    for outcome in outcomes:
        if hashes:
            for line in details_of(outcome):
                print_line(line)
        else:
            for problem in problems_of(outcome):
                print_error(f"{outcome.claim.id}: {problem}")
    held, twins = sum(outcome.ok for outcome in outcomes), sum(len(outcome.twins) for outcome in outcomes)
    print_line(f"{held} of {len(outcomes)} claims hold; {twins} twins; {seconds:.0f} s")
    return 0 if ok else 1
