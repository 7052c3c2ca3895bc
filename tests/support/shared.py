"""Where the shared case files lie, beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "fixtures"


def shared_fixture(*parts: str) -> Path:
    """Return a path below the shared fixtures.

    They are no part of this repository. A checkout that does not lie beside them says for each test that it did not
    run (`-ra`); where they are, each one that is missing is a failure.
    """
    path = SHARED.joinpath(*parts)
    if path.exists():
        return path
    if SHARED.exists():
        pytest.fail(f"the shared fixture {'/'.join(parts)} is missing")
    pytest.skip(f"the shared fixtures are not beside this checkout: {'/'.join(parts)}", allow_module_level=True)


def shared_json(*parts: str) -> Any:
    """Return a shared fixture as JSON."""
    return json.loads(shared_fixture(*parts).read_text(encoding="utf-8"))
