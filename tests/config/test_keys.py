"""Every key of the original's schema is here with its type and bounds, and what is here beyond it is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from openclaw.config.describe import describe
from openclaw.config.schema import all_blocks, root_schema
from support.shared import shared_json

# config.md 3.17, as patterns over the paths of keys.json
BEYOND = [
    r"gateway\.customBindHost",
    r"logging\.ledger(\.anchor(\..*)?)?(\[\])?",
    r"gateway\.auth\.(trustedProxy|rateLimit)(\..*)?",
    r"gateway\.allowRealIpFallback",
    r"gateway\.controlUi\.dangerouslyAllowHostHeaderOriginFallback",
    r"gateway\.nodes\.pairing(\.autoApproveLocal)?",
    r"gateway\.tools(\..*)?",
    r"hooks\.(allowRequestSessionKey|allowedSessionKeyPrefixes|defaultSessionKey|allowedAgentIds)(\[\])?",
    r"(agents\.list\[\]\.)?tools\.exec\.(safeBinTrustedDirs|envAllow|envInherit|safeBinProfiles(\..*)?|strictInlineEval)(\[\])?",
    r"(agents\.list\[\]\.)?tools\.exec\.applyPatch\.workspaceOnly",
    r"(agents\.list\[\]\.)?tools\.fs(\.workspaceOnly)?",
    r"tools\.web\.fetch\.maxResponseBytes",
    r"(tools\.web\.fetch|browser)\.ssrfPolicy(\..*)?",
    r"tools\.sessions(\.visibility)?",
    r"agents\.(defaults|list\[\])\.sandbox\.(backend|browser\.network|docker\.dangerously\w+)",
    r"agents\.defaults\.securityRules(\[\])?",
    r"auth\.inheritMain",
    r"memory\.scope(\..*)?",
    r"session\.maintenance(\..*)?",
    r"skills\.load\.workspace",
    r"plugins\.installs\.<key>\.integrity(\..*)?",
    r"channels\.telegram\.(accounts\.<key>\.)?(apiRoot|webhookHost|webhookPort)",
    r"channels\..*\.allowDebugOutput",
    r"nodeHost\.execApprovals(\.remoteEdit)?",
    r"logging\.maxFileBytes",
    r"security(\..*)?",
]

# where ours is stricter or wider on purpose
DIFFERENT = {
    "gateway.port": {"type": "integer", "minimum": 1, "maximum": 65535},
    "gateway.auth.mode": {"enum": ["password", "token", "trusted-proxy"]},
    "channels.googlechat.serviceAccount": {"type": "string"},
    "channels.googlechat.accounts.<key>.serviceAccount": {"type": "string"},
}


def _inline(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "allOf" in schema:
        schema = {**schema["allOf"][0], **{k: v for k, v in schema.items() if k != "allOf"}}
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _is_secret_reference(schema: dict[str, Any]) -> bool:
    return "keyring" in schema.get("properties", {}).get("source", {}).get("enum", ())


def _form(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema in the form of keys.json, without the parts that describe what is below."""
    schema = _inline(schema, definitions)
    if "anyOf" in schema:
        members = [_form(member, definitions) for member in schema["anyOf"]]
        secret = any(_is_secret_reference(_inline(member, definitions)) for member in schema["anyOf"])
        if {"type": "number"} in members:
            members = [member for member in members if member != {"type": "integer"}]
        return {"type": "string"} if secret else {"anyOf": members}
    if "const" in schema:
        return {"enum": [schema["const"]]}
    if "enum" in schema:
        return {"enum": sorted(schema["enum"])}
    names = ("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "pattern")
    found: dict[str, Any] = {"type": schema.get("type", "any")}
    found |= {name: schema[name] for name in names if name in schema}
    if found["type"] == "array":
        found["items"] = _form(schema["items"], definitions)
    elif found["type"] == "object" and "properties" not in schema:
        values = schema.get("additionalProperties", True)
        pattern = schema.get("patternProperties")
        if pattern:
            values = next(iter(pattern.values()))
        if isinstance(values, dict) or values is True:
            found = {"type": "map", "values": {"type": "any"} if values is True else _form(values, definitions)}
    return found


def _flatten(schema: dict[str, Any], path: str, definitions: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, _form(schema, definitions)
    schema = _inline(schema, definitions)
    for member in [_inline(member, definitions) for member in schema.get("anyOf", [schema])]:
        if _is_secret_reference(member):
            continue
        for key, below in member.get("properties", {}).items():
            yield from _flatten(below, f"{path}.{key}" if path else key, definitions)
        if member.get("type") == "array":
            yield from _flatten(member["items"], f"{path}[]", definitions)
        values = member.get("additionalProperties")
        if "patternProperties" in member:
            values = next(iter(member["patternProperties"].values()))
        if isinstance(values, dict) and "properties" not in member:
            yield from _flatten(values, f"{path}.<key>", definitions)


def _expected(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of keys.json in the form that `_form` makes."""
    if "anyOf" in row:
        return {"anyOf": [_expected(member) for member in row["anyOf"]]}
    if "enum" in row:
        return {"enum": sorted(row["enum"])}
    kept = {k: v for k, v in row.items() if k not in {"default", "required", "rule", "unknownKeys", "keyPattern"}}
    for name in ("items", "values"):
        if name in kept:
            kept[name] = _expected(kept[name])
    return kept


@pytest.fixture(scope="module")
def ours() -> dict[str, dict[str, Any]]:
    root = root_schema({}, {})
    return dict(_flatten(root, "", root["definitions"]))


@pytest.fixture(scope="module")
def theirs() -> dict[str, dict[str, Any]]:
    keys: dict[str, dict[str, Any]] = shared_json("config", "keys.json")["keys"]
    return keys


def test_no_key_of_the_original_is_missing(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert [path for path in theirs if path not in ours and not path.endswith(("<key>", "[]"))] == []


def test_every_key_has_the_type_and_bounds_of_the_original(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    open_objects = {"", "channels", "env", "broadcast"}
    differing = {
        path: (ours[path], expected)
        for path in sorted(set(theirs) & set(ours) - open_objects)
        if ours[path] != (expected := DIFFERENT.get(path, _expected(theirs[path])))
    }
    assert differing == {}


def test_keys_beyond_the_original_are_those_that_the_spec_lists(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    extra = [path for path in ours if path not in theirs and re.sub(r"(\.<key>|\[\])+$", "", path) not in theirs]
    assert [path for path in extra if not any(re.fullmatch(pattern, path) for pattern in BEYOND)] == []


def test_every_key_is_described() -> None:
    silent = [
        (m.__name__, name) for m in all_blocks() for name in m.model_fields if not describe(m, name).endswith(".")
    ]
    assert silent == []


def test_class_names_are_unique_so_that_definitions_are_found_by_name() -> None:
    names = [model.__name__ for model in all_blocks()]
    assert sorted(names) == sorted(set(names))
