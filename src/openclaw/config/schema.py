"""The JSON Schema of the whole config, with hints for forms (config.md 1.8). It loads every section: call it late."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, get_args, get_origin

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from openclaw.config.base import Block, Inner
from openclaw.config.describe import describe
from openclaw.config.registry import CHANNELS, SECTIONS, channel_model, section_type
from openclaw.config.walk import fields, mark_of, members

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
_TEMPLATE: Final = "#/definitions/{model}"
_MARK: Final = "x-openclaw-block"
_WORDS: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def config_schema(
    *,
    version: str,
    generated_at: str,
    plugins: Mapping[str, Any] | None = None,
    channels: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the answer of `config.schema`.

    Args:
        version: version of openclaw.
        generated_at: ISO time.
        plugins: JSON Schema of each plugin's `config`, by plugin id.
        channels: JSON Schema of each plugin channel's section, by channel id.
    """
    return {
        "schema": root_schema(plugins or {}, channels or {}),
        "uiHints": ui_hints(),
        "version": version,
        "generatedAt": generated_at,
    }


def root_schema(plugins: Mapping[str, Any], channels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the draft-07 schema of the config file, with those of plugins and their channels merged in."""
    definitions, sections = _own()
    properties = {key: dict(schema) for key, schema in sections.items()}
    known = {"defaults": _ref("ChannelDefaults")} | {name: _ref(_model(name).__name__) for name in CHANNELS}
    properties["channels"] = {
        "type": "object",
        "description": "Chat channels.",
        "properties": {**known, **channels},
        "additionalProperties": True,
    }
    if plugins:
        entries = {
            name: {"allOf": [_ref("PluginEntry")], "properties": {"config": schema}} for name, schema in plugins.items()
        }
        properties["plugins"] = {
            "allOf": [_ref("Plugins")],
            "properties": {"entries": {"type": "object", "properties": entries}},
        }
    return {
        "$schema": DRAFT,
        "title": "openclaw.json",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "definitions": definitions,
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(model=name)}


def _model(channel: str) -> type[Block]:
    found = channel_model(channel)
    assert found is not None
    return found


class _Generator(GenerateJsonSchema):
    """Leaves a mark where a block stands inside another one; `_linked` makes references of the marks."""

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> dict[str, Any]:
        function = schema["function"]["function"]
        return (
            {_MARK: function.model.__name__} if isinstance(function, Inner) else super().function_plain_schema(schema)
        )


@cache
def _own() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the definitions and the schema of each section."""
    definitions = {model.__name__: _cleaned(_generated(model), model) for model in all_blocks()}
    sections: dict[str, Any] = {}
    for key in SECTIONS:
        found = section_type(key)
        if isinstance(found, type):
            sections[key] = _ref(found.__name__)
        else:
            (item,) = [argument for member in members(found) for argument in _item_types(member)]
            sections[key] = {"type": "array", "items": _ref(item.__name__)}
    return definitions, sections


def _generated(model: type[Block]) -> dict[str, Any]:
    found: dict[str, Any] = _linked(model.model_json_schema(schema_generator=_Generator))
    return found


def _linked(schema: Any) -> Any:
    if isinstance(schema, dict):
        return _ref(schema[_MARK]) if _MARK in schema else {key: _linked(item) for key, item in schema.items()}
    return [_linked(item) for item in schema] if isinstance(schema, list) else schema


def _cleaned(definition: dict[str, Any], model: type[Block]) -> dict[str, Any]:
    """Return a definition with descriptions, and without titles and null defaults."""
    aliases = {field.alias or name: name for name, field in model.model_fields.items()}
    properties = {}
    for alias, schema in definition.get("properties", {}).items():
        kept = {key: value for key, value in schema.items() if key != "title" and (key, value) != ("default", None)}
        text = describe(model, aliases[alias])
        properties[alias] = _described(kept, text)
    rest = {key: value for key, value in definition.items() if key not in {"title", "properties"}}
    return {**rest, "properties": properties} if properties else rest


def _described(schema: dict[str, Any], text: str) -> dict[str, Any]:
    if "$ref" in schema:  # draft-07 ignores what stands beside $ref
        return {"allOf": [{"$ref": schema["$ref"]}], "description": text}
    return {**schema, "description": text}


def all_blocks() -> list[type[Block]]:
    """Return every model of the schema, each once."""
    found: dict[type[Block], None] = {}

    def add(annotation: Any) -> None:
        for member in members(annotation):
            if isinstance(member, type) and issubclass(member, Block):
                if member not in found:
                    found[member] = None
                    for _, field in fields(member):
                        add(field.annotation)
            elif get_origin(member) is not None:
                for argument in get_args(member):
                    add(argument)

    for key in SECTIONS:
        add(section_type(key))
    for name in ("defaults", *CHANNELS):
        add(_model(name))
    return list(found)


@cache
def ui_hints() -> dict[str, dict[str, Any]]:
    """Return hints by path, `*` standing for any key or index."""
    hints: dict[str, dict[str, Any]] = {}
    for order, key in enumerate(SECTIONS):
        _hint(hints, section_type(key), key, key, order)
    for order, name in enumerate(("defaults", *CHANNELS)):
        _hint(hints, _model(name), f"channels.{name}", "channels", len(SECTIONS) + order)
    return hints


def _hint(hints: dict[str, dict[str, Any]], annotation: Any, path: str, group: str, order: int) -> None:
    for member in members(annotation):
        if isinstance(member, type) and issubclass(member, Block):
            for name, field in member.model_fields.items():
                below = f"{path}.{field.alias or name}"
                hints[below] = {
                    "label": _label(field.alias or name),
                    "group": group,
                    "order": order,
                    "help": describe(member, name),
                    **({"sensitive": True} if mark_of(field.annotation, field.metadata) else {}),
                    **({"advanced": True} if "angerously" in below else {}),
                }
                _hint(hints, field.annotation, below, group, order)
        elif get_origin(member) is not None and member is not Any:
            for argument in _item_types(member):
                _hint(hints, argument, f"{path}.*", group, order)


def _item_types(member: Any) -> Iterator[Any]:
    """Yield the item type of a list or the value type of a map."""
    arguments = get_args(member)
    if get_origin(member) is tuple:
        yield arguments[0]
    elif len(arguments) == 2:  # key and value
        yield arguments[1]


def _label(key: str) -> str:
    words = " ".join(word if word.isupper() else word.lower() for word in _WORDS.findall(key))
    return words[:1].upper() + words[1:]
