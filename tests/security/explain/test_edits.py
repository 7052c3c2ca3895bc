"""Edits are found by the keys of reasons, and written as the command line reads them."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.config.issues import Parts
from openclaw.config.paths import get_value, parse_path
from openclaw.security.explain.edits import locate, path_text

DOCUMENT: dict[str, Any] = {
    "channels": {"msteams": {"teams": {"19:a@thread.tacv2": {"channels": {"x.y": {"requireMention": True}}}}}},
    "agents": {"list": [{"id": "main"}, {"id": "ops", "subagents": {"allowAgents": []}}]},
}


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("tools.deny", ("tools", "deny")),
        ("channels.telegram.groups.-100.requireMention", ("channels", "telegram", "groups", "-100", "requireMention")),
        (
            "channels.msteams.teams.19:a@thread.tacv2.channels.x.y.requireMention",
            ("channels", "msteams", "teams", "19:a@thread.tacv2", "channels", "x.y", "requireMention"),
        ),
        ("agents.list.1.sandbox.mode", ("agents", "list", 1, "sandbox", "mode")),
        ("agents.list (ops) subagents.allowAgents", ("agents", "list", 1, "subagents", "allowAgents")),
        ("agents.list (nobody) subagents.allowAgents", ()),
        ("pairing store", ()),
        ("devices/paired.json", ()),
        ("", ()),
    ],
)
def test_the_key_of_a_reason_leads_to_its_place(key: str, parts: Parts) -> None:
    assert locate(DOCUMENT, key) == parts


PART = st.one_of(
    st.integers(0, 9), st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
)


@given(st.lists(PART, min_size=1, max_size=4).filter(lambda parts: isinstance(parts[0], str)))
def test_a_path_reads_back_as_itself(parts: list[str | int]) -> None:
    if any(isinstance(part, str) and part.startswith("__") for part in parts):
        return
    if {"constructor", "prototype"} & {str(part) for part in parts}:
        return
    read = parse_path(path_text(tuple(parts)))
    document: Any = "found"
    for part in reversed(parts):
        document = [None] * part + [document] if isinstance(part, int) else {part: document}
    assert get_value(document, read) == (True, "found")
    assert shlex.split(f"x {shlex.quote(path_text(tuple(parts)))}")[1] == path_text(tuple(parts))
