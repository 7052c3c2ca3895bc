"""`docs/doctor.md` names every check, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from openclaw.security.doctor.registry import CHECKS
from openclaw.security.secret_scan.model import Kind

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_every_check_is_in_the_reference_and_nothing_else() -> None:
    table = (DOCS / "doctor.md").read_text(encoding="utf-8").partition("## Checks")[2]
    assert sorted(re.findall(r"^\| `([a-z_.]+)` \|", table, re.MULTILINE)) == sorted(one.id for one in CHECKS)


def test_every_kind_of_place_for_secrets_is_explained() -> None:
    table = (DOCS / "backup.md").read_text(encoding="utf-8").partition("## Where secrets lie")[2]
    named = set(re.findall(r"`([a-z-]+)`", table))
    assert {kind.value for kind in Kind} <= named
