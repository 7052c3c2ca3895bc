from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.plugin_schema import first_fault
from openclaw.config.schema import DRAFT, config_schema, ui_hints

ANSWER = config_schema(version="1", generated_at="2026-01-01T00:00:00.000Z")


def test_the_answer_has_schema_hints_version_and_time() -> None:
    assert set(ANSWER) == {"schema", "uiHints", "version", "generatedAt"}
    assert ANSWER["schema"]["$schema"] == DRAFT


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*(references(item) for item in value.values()))
        return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()

    found = references(ANSWER["schema"])
    assert {name.rsplit("/", 1)[1] for name in found} <= set(ANSWER["schema"]["definitions"])


def test_the_schema_judges_as_the_loader_does() -> None:
    schema = ANSWER["schema"]
    assert first_fault({"gateway": {"port": 5, "auth": {"token": "x"}}}, schema) is None
    assert first_fault({"gateway": {"auth": {"token": {"source": "env", "id": "X"}}}}, schema) is None
    assert first_fault({"agents": {"list": [{"id": "a", "model": {"primary": "m"}}]}}, schema) is None
    assert first_fault({"gateway": {"port": 0}}, schema) is not None
    assert first_fault({"gateway": {"nonsense": 0}}, schema) is not None
    assert first_fault({"nonsense": 0}, schema) is not None
    assert first_fault({"bindings": [{"agentId": "a"}]}, schema) is not None


def test_hints_name_secrets_and_dangerous_keys() -> None:
    hints = ui_hints()
    assert hints["channels.telegram.accounts.*.botToken"]["sensitive"] is True
    assert hints["gateway.controlUi.dangerouslyDisableDeviceAuth"]["advanced"] is True
    assert hints["agents.list.*.identity.avatar"]["label"] == "Avatar"
    assert all(hint["help"] for hint in hints.values())


def test_plugin_schemas_are_merged_in() -> None:
    own = {"type": "object", "properties": {"n": {"type": "integer"}}}
    answer = config_schema(
        version="1", generated_at="x", plugins={"tool": own}, channels={"foochat": {"type": "object"}}
    )
    properties = answer["schema"]["properties"]
    assert properties["channels"]["properties"]["foochat"] == {"type": "object"}
    assert properties["plugins"]["properties"]["entries"]["properties"]["tool"]["properties"]["config"] == own
    assert "telegram" in properties["channels"]["properties"]


@pytest.mark.parametrize(
    ("value", "schema", "good"),
    [
        (5, {"type": "integer"}, True),
        (True, {"type": "integer"}, False),
        (5, {"type": ["string", "number"]}, True),
        (None, {"type": "null"}, True),
        ("x", {"enum": ["x", "y"]}, True),
        ("z", {"enum": ["x", "y"]}, False),
        ("x", {"const": "y"}, False),
        ({}, {"required": ["a"]}, False),
        ({"a": 1}, {"properties": {"a": {"type": "string"}}}, False),
        ({"b": 1}, {"properties": {"a": {}}, "additionalProperties": False}, False),
        ({"b": 1}, {"additionalProperties": {"type": "string"}}, False),
        ([1, "x"], {"items": {"type": "integer"}}, False),
        ([], {"minItems": 1}, False),
        ("abc", {"minLength": 4}, False),
        ("abc", {"pattern": "^a.c$"}, True),
        ("abd", {"pattern": "^a.c$"}, False),
        ("abd", {"pattern": "(?=x)"}, True),
        (5, {"minimum": 6}, False),
        (5, {"exclusiveMaximum": 5}, False),
        (5, {"allOf": [{"type": "integer"}, {"maximum": 4}]}, False),
        (5, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, True),
        (5, {"anyOf": [{"type": "string"}]}, False),
        (5, {"oneOf": [{"type": "integer"}, {"minimum": 1}]}, False),
        (5, {"$ref": "#/definitions/x", "definitions": {"x": {"type": "string"}}}, False),
        (5, False, False),
        (5, {"unknownKeyword": 1}, True),
    ],
)
def test_plugin_settings_are_checked(value: Any, schema: Any, good: bool) -> None:
    holder = schema if isinstance(schema, dict) else {"properties": {"v": schema}}
    subject = value if isinstance(schema, dict) else {"v": value}
    assert (first_fault(subject, holder) is None) is good


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert first_fault({}, {"$ref": "#"}) is not None


def test_a_fault_of_plugin_settings_repeats_no_value() -> None:
    assert "hunter2" not in str(first_fault({"a": "hunter2"}, {"properties": {"a": {"type": "integer"}}}))
