"""Where the shared case files lie, beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_BESIDE = [folder / "shared" / "fixtures" for folder in Path(__file__).resolve().parents[3:]]
SHARED = next((found for found in _BESIDE if found.is_dir()), _BESIDE[0])
"""Mutation testing runs a copy of the checkout that lies one folder deeper."""


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


def shared_cases(*parts: str) -> list[Any]:
    """Return the cases of a shared file, for parametrised tests; none where this checkout has no shared fixtures."""
    return list(shared_json(*parts)["cases"]) if SHARED.exists() else []
