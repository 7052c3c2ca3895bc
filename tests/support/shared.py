"""Where the shared case files lie, beside the checkout."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "fixtures"


def shared_fixture(*parts: str) -> Path:
    """Return a path below the shared fixtures; without them a run in CI fails and a private run says that it skips."""
    path = SHARED.joinpath(*parts)
    if path.exists():
        return path
    if os.environ.get("CI"):
        pytest.fail(f"the shared fixture {'/'.join(parts)} is missing")
    pytest.skip(f"the shared fixture {'/'.join(parts)} is not beside this checkout")


def shared_json(*parts: str) -> Any:
    """Return a shared fixture as JSON."""
    return json.loads(shared_fixture(*parts).read_text(encoding="utf-8"))
