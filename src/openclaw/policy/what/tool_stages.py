"""Stages of the tool policy: lists as written in the config, and what each says of each tool (agent.md 5.3, 5.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from openclaw.policy.names import wildcard_match
from openclaw.policy.what.tool_names import PROFILES, Catalogue, normalise_tool
from openclaw.policy.where.key_ids import folded


class StageId(StrEnum):
    """The filters of the chain, in order. `registration` stands before them, `parent` and `http` behind."""

    REGISTRATION = "registration"
    PROFILE = "profile"
    PROVIDER_PROFILE = "providerProfile"
    GLOBAL = "global"
    GLOBAL_PROVIDER = "globalProvider"
    AGENT = "agent"
    AGENT_PROVIDER = "agentProvider"
    GROUP = "group"
    SANDBOX = "sandbox"
    SUBAGENT = "subagent"
    PARENT = "parent"
    HTTP = "http"


WARNS_OF_UNKNOWN: Final = frozenset(
    {
        StageId.PROFILE,
        StageId.PROVIDER_PROFILE,
        StageId.GLOBAL,
        StageId.GLOBAL_PROVIDER,
        StageId.AGENT,
        StageId.AGENT_PROVIDER,
        StageId.GROUP,
    }
)


@dataclass(frozen=True, slots=True)
class ToolBlock:
    """One block of the config with tool lists, as written; None where a key is absent.

    Attributes:
        key: config path of the block.
        profile, allow, also_allow, deny: its keys.
    """

    key: str
    profile: str | None = None
    allow: tuple[str, ...] | None = None
    also_allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One normalised list entry and the config path of its list; None for a built-in list that no key changes."""

    text: str
    key: str | None


@dataclass(frozen=True, slots=True, eq=False)
class ToolStage:
    """One filter. Compares by identity, so that what it says of a catalogue can be remembered.

    Attributes:
        id: which filter of the chain.
        allow: entries; none means that everything passes which is not denied.
        deny: entries; they win.
        allow_key: config path that a tool would have to be added to.
        brings: entries that may bring in an optional plugin tool by naming it.
    """

    id: StageId
    allow: tuple[Entry, ...] = ()
    deny: tuple[Entry, ...] = ()
    allow_key: str = ""
    brings: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_empty(self) -> bool:
        """Return whether the stage filters nothing."""
        return not self.allow and not self.deny


@dataclass(frozen=True, slots=True)
class StageAnswer:
    """What one stage says of one tool.

    Attributes:
        passes: whether the tool stays.
        rule: `pass`, `implied-by:exec`, `deny:<entry>` or `not-in-allow`.
        key: config path of the list that decided.
    """

    passes: bool
    rule: str
    key: str | None = None


_PASS: Final = StageAnswer(passes=True, rule="pass")


def entries(texts: Iterable[str] | None, key: str) -> tuple[Entry, ...]:
    """Return the normalised entries of a list; blank ones are dropped."""
    names = (normalise_tool(text) for text in texts or ())
    return tuple(Entry(name, key) for name in names if name)


def pick(stage: StageId, block: ToolBlock) -> ToolStage:
    """Return the filter that a block states (agent.md 5.3): `allow` joined with `alsoAllow`, and `deny`.

    Without an `allow`, a non-empty `alsoAllow` adds to everything.
    """
    also_key = f"{block.key}.alsoAllow"
    also = entries(block.also_allow, also_key)
    if block.also_allow and not block.allow:
        allow: tuple[Entry, ...] = (Entry("*", also_key), *also)
    else:
        allow = (*entries(block.allow, f"{block.key}.allow"), *also)
    return ToolStage(
        id=stage,
        allow=allow,
        deny=entries(block.deny, f"{block.key}.deny"),
        allow_key=f"{block.key}.allow",
        brings=frozenset(entry.text for entry in allow),
    )


def profile_stage(stage: StageId, profile: ToolBlock | None, also: ToolBlock | None) -> ToolStage | None:
    """Return the filter of a profile, or None where it restricts nothing.

    Args:
        stage: `profile` or `providerProfile`.
        profile: the block whose `profile` counts.
        also: the block whose `alsoAllow` counts; it may be another one.
    """
    if profile is None or (name := folded(profile.profile)) not in PROFILES:
        return None
    own = entries(PROFILES[name], f"{profile.key}.profile")
    added = entries(also.also_allow, f"{also.key}.alsoAllow") if also else ()
    return ToolStage(
        id=stage,
        allow=(*own, *added),
        allow_key=f"{also.key if also and also.also_allow is not None else profile.key}.alsoAllow",
        brings=frozenset(entry.text for entry in own),
    )


@dataclass(frozen=True, slots=True)
class _Matcher:
    """Expanded entries, exact names apart from patterns."""

    exact: Mapping[str, Entry]
    patterns: tuple[tuple[str, Entry], ...]

    @classmethod
    def of(cls, listed: Iterable[Entry], catalogue: Catalogue, *, with_entry: bool) -> _Matcher:
        exact: dict[str, Entry] = {}
        patterns: list[tuple[str, Entry]] = []
        for entry in listed:
            if "*" in entry.text:
                patterns.append((entry.text, entry))
                continue
            names = catalogue.members(entry.text)
            for name in (*names, entry.text) if with_entry else names:
                exact.setdefault(name, entry)
        return cls(MappingProxyType(exact), tuple(patterns))

    def find(self, name: str) -> Entry | None:
        found = self.exact.get(name)
        if found is None:
            found = next((entry for pattern, entry in self.patterns if wildcard_match(pattern, name)), None)
        return found


def stage_table(stage: ToolStage, catalogue: Catalogue) -> Mapping[str, StageAnswer]:
    """Return what a stage says of every tool of a catalogue (agent.md 5.3).

    Deny wins. An empty allow list lets the rest pass. `apply_patch` passes where `exec` is allowed. A denied plugin id
    also denies a tool of that name; an allowed one stands for the plugin's tools alone.
    """
    denied = _Matcher.of(stage.deny, catalogue, with_entry=True)
    allowed = _Matcher.of(stage.allow, catalogue, with_entry=False)
    implied = bool(stage.allow) and allowed.find("exec") is not None

    def answer(name: str) -> StageAnswer:
        hit = denied.find(name)
        if hit:
            return StageAnswer(passes=False, rule=f"deny:{hit.text}", key=hit.key)
        if not stage.allow or allowed.find(name):
            return _PASS
        if name == "apply_patch" and implied:
            return StageAnswer(passes=True, rule="implied-by:exec", key=stage.allow_key)
        return StageAnswer(passes=False, rule="not-in-allow", key=stage.allow_key)

    return MappingProxyType({name: answer(name) for name in catalogue.tools})
