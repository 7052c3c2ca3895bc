from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.config.json5 import loads
from openclaw.config.paths import get_value, parse_path, set_value, unset_value
from openclaw.config.text_edit import Change, Drop, Put, apply_changes, render
from openclaw.system.errors import InvalidInput

TEXT = """// my config
{
  // how it listens
  gateway: {
    port: 18789, // the port
    auth: { token: "${TOK}", mode: 'token' },
  },
  "channels": {
    telegram: { allowFrom: [1, 2] } // tg
  }
}
"""


def edited(text: str, *changes: Change) -> str:
    result = apply_changes(text, changes)
    assert not result.rewritten
    assert loads(result.text) == result.value
    return result.text


def test_a_value_is_replaced_in_its_place() -> None:
    assert edited(TEXT, Put(("gateway", "port"), 1)) == TEXT.replace("18789", "1")


def test_a_new_key_follows_the_last_one_in_its_style() -> None:
    assert edited(TEXT, Put(("gateway", "bind"), "lan")) == TEXT.replace(
        "mode: 'token' },\n", "mode: 'token' },\n    bind: \"lan\",\n"
    )
    assert edited(TEXT, Put(("channels", "signal"), {})) == TEXT.replace("} // tg", "}, // tg\n    signal: {}")
    assert edited('{"a": 1}', Put(("b c",), 2)) == '{"a": 1, "b c": 2}'
    assert edited("{a: 1,}", Put(("b",), 2)) == "{a: 1, b: 2,}"
    assert edited("{a: 1}", Put(("b-c",), 2)) == '{a: 1, "b-c": 2}'


def test_missing_objects_are_made() -> None:
    assert loads(edited("{}", Put(("a", "b", "c"), 1))) == {"a": {"b": {"c": 1}}}
    assert edited("{ /* keep */ }", Put(("a",), 1)).count("/* keep */") == 1
    assert edited("{\n  // keep\n}\n", Put(("a",), 1)) == '{\n  // keep\n  "a": 1\n}\n'


def test_a_dropped_key_takes_its_line_and_comma_along() -> None:
    assert edited(TEXT, Drop(("gateway", "port"))) == TEXT.replace("    port: 18789, // the port\n", "")
    assert edited(TEXT, Drop(("gateway", "auth", "mode"))) == TEXT.replace(", mode: 'token'", "")
    assert edited(TEXT, Drop(("gateway", "auth", "token"))) == TEXT.replace('token: "${TOK}", ', "")
    assert edited(TEXT, Drop(("missing", "path"))) == TEXT


def test_of_equal_keys_none_comes_back_to_life() -> None:
    assert loads(edited("{a: 1, b: 2, a: 3}", Drop(("a",)))) == {"b": 2}
    assert loads(edited("{a: 1, a: 3}", Put(("a",), 4))) == {"a": 4}


def test_list_items_are_put_appended_and_dropped() -> None:
    allow = ("channels", "telegram", "allowFrom")
    assert edited(TEXT, Put((*allow, 2), 3)) == TEXT.replace("[1, 2]", "[1, 2, 3]")
    assert edited(TEXT, Put((*allow, "0"), 9)) == TEXT.replace("[1, 2]", "[9, 2]")
    assert edited(TEXT, Drop((*allow, 0))) == TEXT.replace("[1, 2]", "[2]")
    assert edited(TEXT, Drop((*allow, 1))) == TEXT.replace("[1, 2]", "[1]")
    with pytest.raises(InvalidInput):
        apply_changes(TEXT, [Put((*allow, 4), 3)])


def test_a_path_through_a_scalar_is_refused() -> None:
    with pytest.raises(InvalidInput):
        apply_changes(TEXT, [Put(("gateway", "port", "x"), 1)])


def test_an_equal_value_changes_nothing_but_true_is_not_one() -> None:
    assert edited("{a: 0x10}", Put(("a",), 16)) == "{a: 0x10}"
    assert edited("{a: 1}", Put(("a",), True)) == "{a: true}"


def test_bare_numbers_that_json_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        render({"a": float("nan")})


_keys = st.sampled_from(["a", "b", "c-d", "e f", "é", '"', "x.y"])
_leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4).filter(str.isprintable)
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3), max_leaves=8
)
_documents = st.dictionaries(_keys, _values, max_size=4)
_steps = st.lists(_keys | st.integers(0, 2), min_size=1, max_size=3).map(tuple)
_changes = st.lists(st.builds(Put, _steps, _values) | st.builds(Drop, _steps), min_size=1, max_size=4)


def _styled(value: Any, style: int, indent: str = "") -> str:
    """Write a value by hand: with comments, trailing commas and bare keys, on one line or several."""
    if not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = indent + "  "
    comma, gap = (",", f" // note\n{inner}") if style % 2 else (" , ", "/* , */ ")
    tail = "," if style >= 2 else ""
    if isinstance(value, dict):
        bare = {key: key if key.isascii() and key.isalpha() and style % 2 else json.dumps(key) for key in value}
        pieces = [f"{bare[key]}: {_styled(item, style, inner)}" for key, item in value.items()]
    else:
        pieces = [_styled(item, style, inner) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    end = f"\n{indent}" if style % 2 else " "
    return opening + gap.replace(" // note", "") + (comma + gap).join(pieces) + tail + end + closing


@given(_documents, st.integers(0, 3), _changes)
@settings(max_examples=250, deadline=None)
def test_any_change_of_any_text_has_the_intended_effect_without_rewriting(
    document: dict[str, Any], style: int, changes: list[Change]
) -> None:
    text = _styled(document, style)
    assert loads(text) == document
    expected: Any = document
    try:
        for change in changes:
            expected = (
                set_value(expected, change.parts, change.value)
                if isinstance(change, Put)
                else unset_value(expected, change.parts)
            )
    except InvalidInput:
        with pytest.raises(InvalidInput):
            apply_changes(text, changes)
        return
    result = apply_changes(text, changes)
    assert result.value == expected
    assert loads(result.text) == expected
    assert not result.rewritten


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("gateway.port", ("gateway", "port")),
        ("agents.list[0].id", ("agents", "list", 0, "id")),
        ("agents.list.0.id", ("agents", "list", "0", "id")),
        ('agents.defaults.models["openai/gpt-5.2"].alias', ("agents", "defaults", "models", "openai/gpt-5.2", "alias")),
        ("channels.telegram.groups['-100'].tools", ("channels", "telegram", "groups", "-100", "tools")),
        ("a\\.b.c", ("a.b", "c")),
        ("broadcast.123@g.us", ("broadcast", "123@g", "us")),
    ],
)
def test_paths_are_read(text: str, parts: tuple[Any, ...]) -> None:
    assert parse_path(text) == parts


@pytest.mark.parametrize("text", ["", ".", ".a", "a.", "a..b", "a[", "a[x]", "a[0]b", "[", "a]", "a.b\\"])
def test_malformed_paths_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_path(text)


@pytest.mark.parametrize("name", ["__proto__", "constructor", "prototype", "__class__", "__init__"])
@pytest.mark.parametrize("form", ["{}", "{}.a", "a.{}.b", "a[0].{}", 'a["{}"]'])
def test_adv_F4_reserved_names_are_refused_in_paths_and_values(name: str, form: str) -> None:
    with pytest.raises(InvalidInput, match="reserved"):
        parse_path(form.format(name))
    with pytest.raises(InvalidInput, match="reserved"):
        apply_changes("{}", [Put(("a",), {"b": [{name: 1}]})])
    with pytest.raises(InvalidInput, match="reserved"):
        apply_changes("{}", [Put(("a", name), 1)])


def test_digits_are_indexes_where_a_list_stands_and_keys_elsewhere() -> None:
    document = {"list": [{"id": "a"}], "map": {"0": "x"}}
    assert get_value(document, parse_path("list.0.id")) == (True, "a")
    assert get_value(document, parse_path("map.0")) == (True, "x")
    assert get_value(document, parse_path("map[0]")) == (True, "x")
    assert get_value(document, parse_path("list[1]")) == (False, None)
