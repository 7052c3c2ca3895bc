"""Descriptions of keys: the text below each attribute of a model, read from its source when somebody asks."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache

from openclaw.config.base import Block


@cache
def _module_texts(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return class name to attribute name to text, for one module."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _class_texts(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _class_texts(node: ast.ClassDef) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for before, after in zip(node.body, node.body[1:], strict=False):
        named = isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)
        text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
        if (
            named
            and isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(text, str)
        ):
            texts[before.target.id] = " ".join(text.split())
    return texts


def describe(model: type[Block], attribute: str) -> str:
    """Return the description of one attribute, of the class that says it last; "" when none does."""
    for kind in model.__mro__:
        if issubclass(kind, Block) and kind.__module__ in sys.modules:
            text = _module_texts(kind.__module__).get(kind.__name__, {}).get(attribute)
            if text is not None:
                return text
    return ""
