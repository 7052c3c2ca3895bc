"""Copies of shipped functions with another one in the place of one that they call: how most twins are made.

The shipped module is left as it is. A twin names what it replaces, so that it breaks loudly when the shipped function
no longer calls that.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, cast

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def graft(function: FunctionT, **replaced: object) -> FunctionT:
    """Return a copy of a function that sees other things under some names of its module.

    Args:
        function: a plain function.
        replaced: name in its module to what the copy sees there.

    Raises:
        LookupError: the function does not use a name, so that the copy would be no twin.
    """
    plain = cast("FunctionType", function)
    unused = sorted(set(replaced) - _names_in(plain))
    if unused:
        raise LookupError(f"{plain.__qualname__} does not use {', '.join(unused)}")
    made = FunctionType(
        plain.__code__, {**plain.__globals__, **replaced}, plain.__name__, plain.__defaults__, plain.__closure__
    )
    made.__kwdefaults__ = plain.__kwdefaults__
    return cast("FunctionT", made)


def _names_in(function: FunctionType) -> set[str]:
    """Return the names that a function and the functions written inside it look up."""
    found: set[str] = set()
    waiting = [function.__code__]
    while waiting:
        code = waiting.pop()
        found.update(code.co_names)
        waiting.extend(inner for inner in code.co_consts if isinstance(inner, type(code)))
    return found & set(function.__globals__)
