"""The hash of a checked function, so that a report says of which code it speaks."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from typing import Any


def name_of(function: Callable[..., Any]) -> str:
    """Return module and name of a function or class."""
    return f"{function.__module__}.{function.__qualname__}"


def hash_of(function: Callable[..., Any]) -> str:
    """Return the SHA-256 of a function's source; of its compiled code where the source is not installed."""
    try:
        return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()
    except (OSError, TypeError):
        code = inspect.unwrap(function).__code__
        return hashlib.sha256(code.co_code + repr(code.co_consts).encode()).hexdigest()
