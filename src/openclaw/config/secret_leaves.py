"""Which secrets a document holds, and in what form: for `secrets audit` and for moving plain values elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from openclaw.config.issues import Parts, dotted
from openclaw.config.substitute import has_reference
from openclaw.config.walk import ROOT, Spot, step


class SecretForm(StrEnum):
    """How a secret is written."""

    PLAIN = "plain"
    VARIABLE = "variable"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class SecretLeaf:
    """One secret of a document; its value is not here.

    Attributes:
        parts: where it stands.
        form: text, text with a `${VAR}`, or a reference object.
    """

    parts: Parts
    form: SecretForm

    @property
    def path(self) -> str:
        """Return the dotted path."""
        return dotted(self.parts)


def secret_leaves(authored: Mapping[str, Any]) -> Iterator[SecretLeaf]:
    """Yield every non-empty leaf that the schema marks as a secret, in the order of the document.

    Args:
        authored: values before substitution, so that `${VAR}` is still seen.
    """
    yield from _leaves(dict(authored), ROOT, ())


def _leaves(value: Any, spot: Spot | None, at: Parts) -> Iterator[SecretLeaf]:
    if spot is None or spot.type is None:
        return
    if spot.sensitive is not None and spot.sensitive.kind == "secret":
        if isinstance(value, dict) and "source" in value:
            yield SecretLeaf(at, SecretForm.REFERENCE)
        elif value and isinstance(value, (str, dict)):
            named = isinstance(value, str) and has_reference(value)
            yield SecretLeaf(at, SecretForm.VARIABLE if named else SecretForm.PLAIN)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, step(spot, key), (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, step(spot, index), (*at, index))
