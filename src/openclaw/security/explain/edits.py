"""Small edits that could turn an answer round: from the keys that its reasons name and the types of the schema."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args, get_origin

from openclaw.config.issues import Parts
from openclaw.config.paths import get_value, set_value, unset_value
from openclaw.config.walk import Spot, members, spot_at, step
from openclaw.policy.what.exec_model import AllowEntry
from openclaw.policy.what.tool_names import SANDBOX_ALLOW, SANDBOX_DENY
from openclaw.policy.who.facts import StoreView
from openclaw.security.explain.answer import Answer
from openclaw.security.explain.world import World
from openclaw.state.exec_approvals_doc import AgentRules

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@#+/-]+")
_NAMED_AGENT: Final = re.compile(r"agents\.list \((?P<agent>[^)]+)\) (?P<rest>.+)")
_STORE: Final = "pairing store"
_APPROVALS: Final = "exec-approvals.json"
_PLACE_SETTINGS: Final = frozenset({"allow", "enabled", "requireMention", "users", "allowFrom"})
"""Settings of a place, which a reason may name below a map that has no such place."""
_DEFAULTS: Final[Mapping[Parts, Sequence[str]]] = {
    ("tools", "sandbox", "tools", "allow"): SANDBOX_ALLOW,
    ("tools", "sandbox", "tools", "deny"): SANDBOX_DENY,
}
"""Lists that hold something while the config has none."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to try.

    Attributes:
        key: dotted path of the key, or the name of a store.
        change: what is done there, for people.
        command: the command that does it.
        cost: how much it changes by itself; smaller ones are preferred.
        apply: returns the world after it; raises OpenClawError where the result would be invalid.
    """

    key: str
    change: str
    command: str
    cost: int
    apply: Callable[[World], World]


def edits_for(world: World, answer: Answer) -> Iterator[Edit]:
    """Yield the edits worth trying for an answer: those of the deciding reason first, then of the other keys."""
    keys = dict.fromkeys((*(reason.key for reason in reversed(answer.trail) if reason.key), *answer.related), None)
    for key in keys:
        if key.startswith(_APPROVALS):
            yield from _approvals(answer)
        elif key == _STORE:
            yield from _store(answer)
        else:
            yield from _of_key(world, key, answer.tokens)


# Keys of the config


def _of_key(world: World, key: str, tokens: Sequence[str]) -> Iterator[Edit]:
    document = dict(world.config.document)
    parts = _settled(locate(document, key))
    spot = spot_at(parts) if parts else None
    if spot is None or not parts:
        return
    found, value = get_value(document, parts)
    held = value if found else _fallback(document, parts)
    wide = parts[-1] == "ownerAllowFrom"  # there an id without a channel counts on every channel
    ordered = sorted(tokens, key=lambda token: (":" in token) is not wide)
    for cost, wanted, said in _values(spot, held, ordered):
        if not found or wanted != value:
            yield _put(parts, wanted, said, cost)
    if found and not isinstance(value, Mapping):
        yield _drop(parts)


def _settled(parts: Parts) -> Parts:
    """Return the path of a key that exists; a place without an entry of its own leads to the map that would hold it."""
    for end in range(len(parts), 0, -1):
        above, spot = spot_at(parts[: end - 1]), spot_at(parts[:end])
        of_map = above is not None and above.block is None and parts[end - 1] in _PLACE_SETTINGS
        if spot is not None and not (of_map and end == len(parts)):
            return parts[:end]
    return ()


def _fallback(document: Mapping[str, Any], parts: Parts) -> Any:
    """Return what a list counts as while it is absent: the list that it falls back to, or what is built in."""
    if parts[-1] == "groupAllowFrom":
        return get_value(document, (*parts[:-1], "allowFrom"))[1]
    built_in = _DEFAULTS.get(parts[3:] if parts[:2] == ("agents", "list") else parts)
    return list(built_in) if built_in is not None else None


_Wanted = tuple[int, Any, str]
"""Cost, new value, what it means."""


def _values(spot: Spot, value: Any, tokens: Sequence[str]) -> Iterator[_Wanted]:
    """Yield the values that a key could have instead."""
    for member in members(spot.type):
        origin = get_origin(member)
        if member is bool:
            yield from ((2, wanted, f"set it to {str(wanted).lower()}") for wanted in (True, False))
        elif origin is Literal:
            yield from ((3, wanted, f"set it to {json.dumps(wanted)}") for wanted in get_args(member))
        elif origin is tuple or member is tuple:
            yield from _lists(value, tokens)
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            yield from _entries(spot, value, tokens)


def _lists(value: Any, tokens: Sequence[str]) -> Iterator[_Wanted]:
    held = list(value) if isinstance(value, list | tuple) else []
    texts = [str(entry) for entry in held]
    for token in tokens:
        if token not in texts:
            yield 1, [*held, token], f"add {json.dumps(token)}"
    for index, entry in enumerate(held):
        if texts[index] in tokens or texts[index].lstrip("@").lower() in {token.lower() for token in tokens}:
            yield 1, [*held[:index], *held[index + 1 :]], f"remove {json.dumps(entry)}"
    for index, entry in enumerate(held):
        if texts[index] not in tokens:
            yield 2, [*held[:index], *held[index + 1 :]], f"remove {json.dumps(entry)}"
    if value is None:
        yield 2, [], "set it to an empty list"


def _entries(spot: Spot, value: Any, tokens: Sequence[str]) -> Iterator[_Wanted]:
    """Yield a map with one more entry, or without one."""
    held = dict(value) if isinstance(value, Mapping) else {}
    for token in tokens:
        below = step(spot, token)
        known = held.get(token)
        block = below.block if below is not None else None
        keys = {field.alias or name for name, field in block.model_fields.items()} if block is not None else set()
        if token not in held:
            yield 2, {**held, token: {}}, f"add an entry {json.dumps(token)}"
        for name, wanted in (("requireMention", False), ("enabled", True), ("allow", True), ("enabled", False)):
            if name in keys and not (isinstance(known, Mapping) and known.get(name) is wanted):
                own = dict(known) if isinstance(known, Mapping) else {}
                yield (
                    3,
                    {**held, token: {**own, name: wanted}},
                    f"set {name} of {json.dumps(token)} to {json.dumps(wanted)}",
                )
    for name in held:
        yield 3, {key: item for key, item in held.items() if key != name}, f"remove the entry {json.dumps(name)}"


def _put(parts: Parts, value: Any, said: str, cost: int) -> Edit:
    path = path_text(parts)
    plain = isinstance(value, str) and re.fullmatch(r"[a-z][a-z-]+", value) is not None
    text = value if plain else json.dumps(value, ensure_ascii=False)
    return Edit(
        path,
        said,
        f"openclaw config set {shlex.quote(path)} {shlex.quote(text)}",
        cost,
        lambda world: world.edited(set_value(dict(world.config.document), parts, value)),
    )


def _drop(parts: Parts) -> Edit:
    path = path_text(parts)
    return Edit(
        path,
        "remove it, so that its default applies",
        f"openclaw config unset {shlex.quote(path)}",
        2,
        lambda world: world.edited(unset_value(dict(world.config.document), parts)),
    )


def path_text(parts: Parts) -> str:
    """Return a path as the command line reads it: keys with signs of their own in brackets."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            escaped = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def locate(document: Mapping[str, Any], key: str) -> Parts:
    """Return the path that a reason's key names; keys of a document may hold dots. Empty for what is no config key."""
    named = _NAMED_AGENT.fullmatch(key)
    if named is not None:
        entries = (document.get("agents") or {}).get("list") or ()
        ids = [entry.get("id") for entry in entries if isinstance(entry, Mapping)]
        if named["agent"] not in ids:
            return ()
        key = f"agents.list.{ids.index(named['agent'])}.{named['rest']}"
    if not key or " " in key or "/" in key.split(".")[0]:
        return ()
    parts: list[str | int] = []
    value: Any = document
    rest = key.split(".")
    while rest:
        if isinstance(value, list | tuple) and rest[0].isdigit():
            index = int(rest.pop(0))
            parts.append(index)
            value = value[index] if index < len(value) else None
            continue
        held = value if isinstance(value, Mapping) else {}
        count = next((n for n in range(len(rest), 1, -1) if ".".join(rest[:n]) in held), 1)
        name = ".".join(rest[:count])
        parts.append(name)
        value, rest = held.get(name), rest[count:]
    return tuple(parts)


# Stores that are no config


def _store(answer: Answer) -> Iterator[Edit]:
    """Yield taking a sender out of the pairing store, or into it."""
    channel = str(answer.details.get("channel", ""))
    for token in answer.tokens[:1]:
        if not channel:
            continue
        yield Edit(
            _STORE,
            f"take {token} out of the approved senders of {channel}" if answer.allowed else f"approve {token}",
            "" if answer.allowed else f"openclaw pairing approve {channel} CODE",
            4,
            lambda world, token=token: world.under(  # type: ignore[misc]
                replace(world.seen, store=_changed(world, token, remove=answer.allowed))
            ),
        )


def _changed(world: World, token: str, *, remove: bool) -> Callable[[str, str], StoreView]:
    before = world.seen.store

    def store(channel: str, account: str) -> StoreView:
        view = before(channel, account)
        kept = tuple(one for one in view.allow_from if one != token)
        return replace(view, allow_from=kept if remove else (*kept, token))

    return store


def _approvals(answer: Answer) -> Iterator[Edit]:
    """Yield one allowlist entry for each program of a line that has none, and all of them together."""
    programs = answer.tokens
    for chosen in dict.fromkeys((*((one,) for one in programs), programs)):
        if chosen and all(one.startswith("/") for one in chosen):
            yield Edit(
                f"{_APPROVALS} allowlist",
                f"add {', '.join(chosen)}",
                " && ".join(f"openclaw approvals allowlist add {shlex.quote(one)}" for one in chosen),
                len(chosen),
                lambda world, chosen=chosen: world.under(replace(world.seen, approvals=_allowing(world, chosen))),  # type: ignore[misc]
            )


def _allowing(world: World, programs: Sequence[str]) -> Any:
    rules = world.seen.approvals
    known = rules.agents.get("*", AgentRules())
    entries = (*known.allowlist, *(AllowEntry(pattern=one, id=f"explain-{one}") for one in programs))
    return replace(rules, agents={**rules.agents, "*": replace(known, allowlist=entries)})
