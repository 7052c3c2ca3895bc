from __future__ import annotations

from typing import Any

import pytest

from openclaw.security.verify.claims import CLAIMS
from openclaw.security.verify.hashes import name_of
from openclaw.security.verify.model import Claim
from openclaw.security.verify.runner import check

PUBLISHED = (
    "exposure",
    "node-exec",
    "pairing-limits",
    "ingress-gating",
    "routing-isolation",
    "pairing-races",
    "ingress-idempotency",
    "dm-scope",
)
OURS = ("scope-subset", "revocation", "approval-binding", "deny-wins", "monotonicity", "list-states")
TWINS = [pytest.param(claim, twin.name, id=f"{claim.id}: {twin.name}") for claim in CLAIMS for twin in claim.twins]


def test_the_published_claims_and_ours_are_all_there() -> None:
    assert tuple(claim.id for claim in CLAIMS) == PUBLISHED + OURS


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_names_its_rule_its_functions_and_different_twins(claim: Claim[Any]) -> None:
    assert claim.sentence.endswith(".")
    assert claim.source
    assert claim.checked
    assert all(name_of(function).startswith("openclaw.") for function in claim.checked)
    names = [twin.name for twin in claim.twins]
    assert len(names) >= 2
    assert len(set(names)) == len(names)
    assert all(twin.subject != claim.subject for twin in claim.twins)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_holds_on_the_shipped_functions(claim: Claim[Any]) -> None:
    found = check(claim, None)
    assert (found.fault, found.counterexamples) == ("", ())
    assert found.situations > 1000


@pytest.mark.parametrize(("claim", "twin"), TWINS)
def test_every_twin_is_caught(claim: Claim[Any], twin: str) -> None:
    found = check(claim, twin)
    assert found.fault == ""
    assert found.counterexamples
