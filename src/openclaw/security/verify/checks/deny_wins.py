"""Deny wins: what one list of the chain denies, no list brings back, whatever the order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Final, TypeAlias

from openclaw.policy.what.group_rooms import ChannelRooms, RoomFacts, RoomMap, RoomStyle, ToolSender, room_entry
from openclaw.policy.what.tool_chain import AgentBlocks, ApplyPatchRule, ToolRun, ToolsPolicy, tools_policy
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.what.tool_stages import ToolBlock
from openclaw.security.verify.model import Finding, expect, hold

MakeDecider: TypeAlias = Callable[[ToolsPolicy, Catalogue], ToolDecider]

SHIPPED: Final[MakeDecider] = ToolDecider

_CATALOGUE: Final = Catalogue.of(CatalogueTool(name) for name in ("read", "write", "apply_patch", "exec", "message"))
_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "group:fs": frozenset({"read", "write", "edit", "apply_patch"}),
    "group:runtime": frozenset({"exec", "process"}),
}
_ALLOWS: Final[tuple[tuple[str, ...] | None, ...]] = (None, (), ("*",), ("group:fs", "EXEC"))
_DENIES: Final[tuple[tuple[str, ...] | None, ...]] = (
    None,
    ("exec",),
    (" Bash ",),
    ("group:runtime",),
    ("*",),
    ("w*", "apply_patch"),
)
_PATCHES: Final = ApplyPatchRule(enabled=True)
_Lists: TypeAlias = tuple[tuple[str, ...] | None, tuple[str, ...] | None]


def check(subject: MakeDecider) -> Iterator[Finding]:
    """Put every allow list and every deny list at three places of the chain at once, and ask every tool."""
    each = tuple(product(_ALLOWS, _DENIES))
    for overall, inner in product(each, each):
        yield from _inner(subject, overall, inner)
    for overall, agent, group in product(each, each, each):
        yield from _chain(subject, overall, agent, group)


def _chain(subject: MakeDecider, overall: _Lists, agent: _Lists, group: _Lists) -> Iterator[Finding]:
    sender = ToolSender(id="42")
    room = RoomMap.of([("g1", room_entry(None, [("42", _block("group", group))]))])
    policy = tools_policy(
        _block("tools", overall),
        agents=[("main", AgentBlocks(block=_block("agent", agent), apply_patch=_PATCHES))],
        rooms=MappingProxyType({"telegram": ChannelRooms(RoomStyle.GROUPS, room)}),
    )
    run = ToolRun("main", "agent:main:telegram:group:g1", sender=sender, room=RoomFacts("telegram", group_id="g1"))
    yield from _asked(subject, policy, run, {"tools": overall, "agent": agent, "sender in the group": group})


def _inner(subject: MakeDecider, overall: _Lists, inner: _Lists) -> Iterator[Finding]:
    """Look at the sandbox, at a sub-agent and at HTTP, whose lists come last."""
    policy = tools_policy(
        _block("tools", overall),
        unlisted=AgentBlocks(apply_patch=_PATCHES),
        sandbox=_block("sandbox", inner),
        subagents=_block("subagents", inner),
        http_allow=inner[0] or (),
        http_deny=inner[1] or (),
    )
    sandboxed = ToolRun("main", "agent:main:main", sandboxed=True)
    yield from _asked(subject, policy, sandboxed, {"tools": overall, "sandbox": inner}, exact=False)
    child = ToolRun("main", "agent:main:subagent:1", at_most=frozenset({"read", "exec"}))
    yield from _asked(subject, policy, child, {"tools": overall, "subagents": inner}, exact=False)
    over_http = ToolRun("main", "agent:main:main", over_http=True)
    yield from _asked(subject, policy, over_http, {"tools": overall, "http": (None, inner[1])}, exact=False)


def _asked(
    subject: MakeDecider, policy: ToolsPolicy, run: ToolRun, lists: Mapping[str, _Lists], *, exact: bool = True
) -> Iterator[Finding]:
    decider = subject(policy, _CATALOGUE)
    effective = decider.effective(run)
    for name in _CATALOGUE.tools:
        words = partial(_words, name, run, lists)
        denied = any(_covers(deny, name) for _, deny in lists.values())
        got = effective.of(name).allowed
        yield hold(words, expected="refused", holds=not (denied and got), got="allowed")
        yield hold(words, expected="not offered", holds=not denied or name not in effective.offered, got="offered")
        if exact and name != "apply_patch":
            wanted = not denied and all(not allow or _covers(allow, name) for allow, _ in lists.values())
            yield expect(words, wanted, got)
        if run.at_most is not None:
            yield hold(words, expected="what its parent lacks", holds=not got or name in run.at_most, got="allowed")


def _covers(entries: tuple[str, ...] | None, name: str) -> bool:
    """Return whether a list names a tool: by name, alias, group or pattern (agent.md 5.2, 5.3)."""
    for entry in entries or ():
        text = entry.strip().lower()
        text = "exec" if text == "bash" else text
        if text == name or text == "*" or name in _MEMBERS.get(text, ()):
            return True
        if text.endswith("*") and name.startswith(text[:-1]):
            return True
    return False


def _block(key: str, lists: _Lists) -> ToolBlock:
    return ToolBlock(key, allow=lists[0], deny=lists[1])


def _words(name: str, run: ToolRun, lists: Mapping[str, _Lists]) -> str:
    written = [f"{place} allow {allow} deny {deny}" for place, (allow, deny) in lists.items()]
    return f"{name} in {run.session_key}{' over HTTP' if run.over_http else ''}; {'; '.join(written)}"
