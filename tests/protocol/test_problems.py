"""Fault texts: gateway.md 1.2."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from openclaw.protocol.problems import at, explain, join, required, unexpected


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=3)]
    kind: Literal["a", "b"] = "a"


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    count: Annotated[int, Field(ge=1, le=9)]
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    flag: bool = False
    items: Annotated[list[str], Field(min_length=1, max_length=2)] = ["x"]
    inner: Inner = Inner(name="n")
    table: dict[str, int] = {}
    code: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    own: str = "ok"

    @field_validator("own")
    @classmethod
    def _own(cls, value: str) -> str:
        if value != "ok":
            raise ValueError("must be ok")
        return value


def faults(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({"count": 1, **fields})
    return explain(caught.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"count": 0}, "at /count: must be >= 1"),
        ({"count": 10}, "at /count: must be <= 9"),
        ({"count": "1"}, "at /count: must be integer"),
        ({"count": 1.5}, "at /count: must be integer"),
        ({"share": 0.0}, "at /share: must be > 0.0"),
        ({"share": 1.0}, "at /share: must be < 1.0"),
        ({"share": "x"}, "at /share: must be number"),
        ({"flag": "yes"}, "at /flag: must be boolean"),
        ({"items": "x"}, "at /items: must be array"),
        ({"items": []}, "at /items: must NOT have fewer than 1 items"),
        ({"items": ["a", "b", "c"]}, "at /items: must NOT have more than 2 items"),
        ({"items": ["a", 2]}, "at /items/1: must be string"),
        ({"inner": {}}, "at /inner: must have required property 'name'"),
        ({"inner": {"name": "n", "x": 1}}, "at /inner: unexpected property 'x'"),
        ({"inner": []}, "at /inner: must be object"),
        ({"inner": {"name": ""}}, "at /inner/name: must NOT have fewer than 1 characters"),
        ({"inner": {"name": "long"}}, "at /inner/name: must NOT have more than 3 characters"),
        ({"inner": {"name": "n", "kind": "c"}}, "at /inner/kind: must be equal to one of the allowed values"),
        ({"table": []}, "at /table: must be object"),
        ({"table": {"a/b": "x"}}, "at /table/a~1b: must be integer"),
        ({"code": "A"}, "at /code: must match the pattern of this field"),
        ({"own": "no"}, "at /own: must be ok"),
        ({"extra": 1}, "at root: unexpected property 'extra'"),
        ({"count": 0, "flag": 1}, "at /count: must be >= 1; at /flag: must be boolean"),
    ],
)
def test_each_fault_has_the_words_that_clients_know(fields: dict[str, Any], expected: str) -> None:
    assert faults(**fields) == expected


def test_a_missing_property_of_the_root_has_no_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate({})
    assert explain(caught.value) == "must have required property 'count'"


def test_values_are_not_shown() -> None:
    assert "hunter2" not in faults(count="hunter2", code="HUNTER2", own="hunter2")


def test_clauses_of_hand_made_checks() -> None:
    assert at((), "must be object") == "must be object"
    assert at(("a", 0), "must be string") == "at /a/0: must be string"
    assert unexpected((), "x") == "at root: unexpected property 'x'"
    assert required(("a",), "x") == "at /a: must have required property 'x'"
    assert join(["a", "a", "b"]) == "a; b"
    assert join([str(n) for n in range(20)]).endswith("; and 8 more")
