"""What `exec-approvals.json` says, as pure functions over its JSON: normal form, rules, edits (exec.md 2.1, 2.7).

A document that is not understood denies everything: it never counts as an empty one.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from openclaw.policy.what.exec_model import AllowEntry, Ask, Persistable, Security
from openclaw.policy.where.key_ids import DEFAULT_AGENT

EnumT = TypeVar("EnumT", bound=StrEnum)

VERSION: Final = 1
ANY_AGENT: Final = "*"
LEGACY_AGENT: Final = "default"
_IDS: Final = uuid.UUID("6f8f5dc0-3c2d-5d0e-9c0c-2f6f0c7a9d11")
"""Name space of the ids that entries without one are given, so that they stay the same from load to load."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Knobs:
    """The four settings of one level; None where it says nothing or nothing valid."""

    security: Security | None = None
    ask: Ask | None = None
    ask_fallback: Security | None = None
    auto_allow_skills: bool | None = None


@dataclass(frozen=True, slots=True)
class AgentRules:
    """One section of `agents`."""

    knobs: Knobs = field(default_factory=Knobs)
    allowlist: tuple[AllowEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class HostRules:
    """The file as the decisions see it.

    Attributes:
        defaults: for every agent.
        agents: by agent id; `*` holds what counts for all.
        fault: why the file is not understood; then everything is denied.
    """

    defaults: Knobs = field(default_factory=Knobs)
    agents: Mapping[str, AgentRules] = field(default_factory=dict)
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class EffectiveRules:
    """What holds for one agent once config and file are joined by the stricter side.

    Attributes:
        security, ask, ask_fallback, auto_allow_skills, allowlist: the joined values.
        fault: why the file is not understood, for the refusal.
    """

    security: Security
    ask: Ask
    ask_fallback: Security
    auto_allow_skills: bool
    allowlist: tuple[AllowEntry, ...]
    fault: str | None = None


def parse(text: str | None) -> Document:
    """Return the document of a file's text; no file is an empty document.

    Raises:
        ValueError: it is no JSON object of version 1; the message says so for people.
    """
    if text is None:
        return {"version": VERSION}
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - a fault of the text, like the others
    if found.get("version") != VERSION or isinstance(found.get("version"), bool):
        raise ValueError(f"its version is {found.get('version')!r}, not {VERSION}")
    return found


def normalise(document: Mapping[str, Any]) -> Document:
    """Return a document in its normal form; fields that are not known are kept (exec.md 2.1)."""
    result = copy.deepcopy(dict(document))
    socket = result.get("socket")
    if isinstance(socket, dict):
        result["socket"] = {
            name: value for name, value in socket.items() if not (isinstance(value, str) and not value.strip())
        }
    raw_agents = result.get("agents")
    agents = (
        {name: row for name, row in raw_agents.items() if isinstance(row, dict)} if isinstance(raw_agents, dict) else {}
    )
    for name, row in agents.items():
        row["allowlist"] = _entries(row.get("allowlist"), name)
    legacy = agents.pop(LEGACY_AGENT, None)
    if legacy is not None:
        agents[DEFAULT_AGENT] = _joined(agents.get(DEFAULT_AGENT, {}), legacy)
    result["version"] = VERSION
    result["agents"] = agents
    return result


def _entries(raw: object, agent: str) -> list[Document]:
    found: list[Document] = []
    for row in raw if isinstance(raw, list) else []:
        entry = {"pattern": row} if isinstance(row, str) else dict(row) if isinstance(row, dict) else {}
        pattern = entry.get("pattern")
        if not isinstance(pattern, str) or not pattern.strip():
            continue
        if not isinstance(entry.get("id"), str) or not entry["id"].strip():
            entry["id"] = str(uuid.uuid5(_IDS, f"{agent}\0{_key(entry)}"))
        found.append(entry)
    return found


def _key(entry: Mapping[str, Any]) -> str:
    """Return what makes two entries the same: the folded pattern and the words."""
    return json.dumps([str(entry.get("pattern", "")).strip().lower(), entry.get("args")], default=repr)


def _joined(main: Document, legacy: Document) -> Document:
    """Merge the section of the old name into that of the main agent, which wins."""
    result = {**legacy, **main}
    mine = list(main.get("allowlist", ()))
    known = {_key(entry) for entry in mine}
    result["allowlist"] = mine + [entry for entry in legacy.get("allowlist", ()) if _key(entry) not in known]
    return result


def host_rules(document: Mapping[str, Any]) -> HostRules:
    """Return the rules of a normalised document."""
    agents = {}
    for name, row in document.get("agents", {}).items():
        allowlist = tuple(_allow_entry(entry, name) for entry in row.get("allowlist", ()))
        agents[name] = AgentRules(_knobs(row), allowlist)
    return HostRules(_knobs(document.get("defaults")), agents)


def _knobs(row: object) -> Knobs:
    if not isinstance(row, Mapping):
        return Knobs()
    skills = row.get("autoAllowSkills")
    return Knobs(
        security=_member(Security, row.get("security")),
        ask=_member(Ask, row.get("ask")),
        ask_fallback=_member(Security, row.get("askFallback")),
        auto_allow_skills=skills if isinstance(skills, bool) else None,
    )


def _member(kind: type[EnumT], value: object) -> EnumT | None:
    try:
        return kind(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _allow_entry(entry: Mapping[str, Any], agent: str) -> AllowEntry:
    args = entry.get("args")
    usable = isinstance(args, list) and all(isinstance(word, str) for word in args)
    return AllowEntry(
        pattern=str(entry["pattern"]),
        args=tuple(args) if usable and isinstance(args, list) else None,
        id=str(entry.get("id", "")),
        agent=agent,
        void="args" in entry and not usable,
    )


def effective(rules: HostRules, agent_id: str, *, security: Security, ask: Ask) -> EffectiveRules:
    """Return what holds for an agent: the stricter of config and file in each knob.

    Args:
        rules: the file.
        agent_id: the agent.
        security: the value of config, session and call.
        ask: the same.
    """
    levels = _levels(rules, agent_id)
    file_security = _first(*(level.security for level in levels), security)
    file_ask = _first(*(level.ask for level in levels), ask)
    if rules.fault is not None:
        file_security = Security.DENY
    return EffectiveRules(
        security=security.tighter(file_security),
        ask=ask.tighter(file_ask),
        ask_fallback=_first(*(level.ask_fallback for level in levels), Security.DENY),
        auto_allow_skills=_first(*(level.auto_allow_skills for level in levels), False),
        allowlist=tuple(
            entry for name in dict.fromkeys((ANY_AGENT, agent_id)) for entry in _section(rules, name).allowlist
        ),
        fault=rules.fault,
    )


def elevated_full(
    rules: HostRules, agent_id: str, *, security: Security = Security.FULL, ask: Ask = Ask.OFF
) -> EffectiveRules:
    """Return what holds for elevated `full`: no prompts, but the file's `deny` and `ask: always` stay (exec.md 3.3).

    Args:
        rules: the file.
        agent_id: the agent.
        security: what the call asks for; `full` unless it tightens.
        ask: the same.
    """
    levels = _levels(rules, agent_id)
    denied = rules.fault is not None or _first(*(level.security for level in levels), Security.FULL) is Security.DENY
    always = _first(*(level.ask for level in levels), Ask.OFF) is Ask.ALWAYS
    return replace(
        effective(rules, agent_id, security=security, ask=ask),
        security=Security.DENY if denied else security,
        ask=Ask.ALWAYS if always else ask,
    )


def _levels(rules: HostRules, agent_id: str) -> tuple[Knobs, ...]:
    return (_section(rules, agent_id).knobs, _section(rules, ANY_AGENT).knobs, rules.defaults)


def _section(rules: HostRules, agent_id: str) -> AgentRules:
    return rules.agents.get(agent_id, AgentRules())


T = TypeVar("T")


def _first(*values: T | None) -> T:
    found = next((value for value in values if value is not None), None)
    assert found is not None  # the last value of every call is a constant
    return found


@dataclass(frozen=True, slots=True)
class UsedEntry:
    """An allowlist entry that covered a program, and the program's resolved path."""

    entry: AllowEntry
    path: str | None


def with_uses(document: Document, used: Iterable[UsedEntry], *, command: str, now_ms: int) -> Document:
    """Return a normalised document in which the entries are marked as used, those under `*` too (exec.md 2.7)."""
    result = copy.deepcopy(document)
    for use in used:
        for row in result["agents"].get(use.entry.agent, {}).get("allowlist", ()):
            if row["id"] == use.entry.id:
                row["lastUsedAt"] = now_ms
                row["lastUsedCommand"] = command
                if use.path is not None:
                    row["lastResolvedPath"] = use.path
    return result


def with_entries(
    document: Document, agent_id: str, found: Iterable[Persistable], *, command: str, now_ms: int
) -> Document:
    """Return a normalised document with an entry for each program that has none yet, bound to exactly its words."""
    result = copy.deepcopy(document)
    section = result["agents"].setdefault(agent_id, {"allowlist": []})
    known = {_key(row) for row in section["allowlist"]}
    for one in found:
        row: Document = {"pattern": one.pattern, "args": list(one.args)}
        if _key(row) in known:
            continue
        known.add(_key(row))
        section["allowlist"].append(
            {
                "id": str(uuid.uuid5(_IDS, f"{agent_id}\0{_key(row)}")),
                **row,
                "lastUsedAt": now_ms,
                "lastUsedCommand": command,
                "lastResolvedPath": one.pattern,
            }
        )
    return result


def faults(document: object) -> list[str]:
    """Return what is wrong with a document that somebody wants to store, one text for each place."""
    if not isinstance(document, Mapping):
        return ["file must be an object"]
    found = []
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        found.append(f"version must be {VERSION}")
    agents = document.get("agents", {})
    if not isinstance(agents, Mapping):
        found.append("agents must be an object")
        agents = {}
    found += _level_faults("defaults", document.get("defaults", {}))
    for name, row in agents.items():
        found += _level_faults(f"agents.{name}", row)
        if isinstance(row, Mapping) and not isinstance(row.get("allowlist", []), list):
            found.append(f"agents.{name}.allowlist must be a list")
    return found


def _level_faults(where: str, row: object) -> list[str]:
    if not isinstance(row, Mapping):
        return [f"{where} must be an object"]
    kinds: tuple[tuple[str, type[StrEnum]], ...] = (("security", Security), ("ask", Ask), ("askFallback", Security))
    found = [
        f"{where}.{name} must be one of {', '.join(kind)}"
        for name, kind in kinds
        if name in row and _member(kind, row[name]) is None
    ]
    if not isinstance(row.get("autoAllowSkills", False), bool):
        found.append(f"{where}.autoAllowSkills must be true or false")
    return found
