"""The tool policy: which tools a run may call, and which rule took the others away (agent.md 5.4).

Registration says what exists for a run; then filters follow, each of which only takes away. A name that no rule knows
matches nothing, and a list of such names lets nothing pass: the policy fails closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.what.tool_chain import ToolRun, ToolsPolicy, chain_of
from openclaw.policy.what.tool_names import GROUP_PLUGINS, Catalogue, normalise_tool
from openclaw.policy.what.tool_registration import WORDS, Absence, absence, names_in
from openclaw.policy.what.tool_stages import WARNS_OF_UNKNOWN, StageAnswer, StageId, ToolStage, stage_table

__all__ = ["EffectiveTools", "ToolDecider", "ToolDecision", "effective_tools"]

_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class ToolDecision:
    """The decision on one tool.

    Attributes:
        tool: normalised name.
        allowed: whether the run may call it.
        stage: the filter that took it away; None when allowed.
        key: config path of the list or switch that decided; None where no key does.
        rule: `pass`, `implied-by:exec`, `deny:<entry>`, `not-in-allow`, `not-in-parent` or `not-registered:<why>`.
    """

    tool: str
    allowed: bool
    stage: StageId | None
    key: str | None
    rule: str

    @property
    def reason(self) -> str:
        """Return one sentence for people."""
        if self.allowed:
            return f"{self.tool} is available."
        kind, _, subject = self.rule.partition(":")
        match kind:
            case "deny":
                return f'{self.tool} is denied by "{subject}" in {self.key or "the built-in list"}.'
            case "not-in-allow":
                return f"{self.tool} is not in {self.key}."
            case "not-in-parent":
                return f"{self.tool} is not available to the session that started this one."
            case _:
                where = f" ({self.key})" if self.key else ""
                return f"{self.tool} is not available: {WORDS.get(subject, subject)}{where}."

    @property
    def verdict(self) -> Verdict[Outcome]:
        """Return the decision as a verdict."""
        rule = f"tools.{self.stage}:{self.rule}" if self.stage else f"tools.{self.rule}"
        outcome = Outcome.ALLOW if self.allowed else Outcome.DENY
        return Verdict(outcome, (Reason(rule, self.key, self.reason),))

    def refusal(self, session_key: str) -> str:
        """Return the sentence for a refused call; inside a sandbox with the command that explains it (exec.md 4.7)."""
        if self.stage is not StageId.SANDBOX:
            return self.reason
        return f"{self.reason} See: openclaw sandbox explain --session {session_key}"


@dataclass(frozen=True, slots=True)
class EffectiveTools:
    """The decisions for one run.

    Attributes:
        decisions: by normalised name, one for every tool of the catalogue.
        allowed: names that the chain leaves, sorted.
        unknown_entries: (entry, config path) of allow entries that name no registered core tool and no plugin.
        warnings: one per list that holds such entries.
    """

    decisions: Mapping[str, ToolDecision]
    allowed: tuple[str, ...]
    unknown_entries: tuple[tuple[str, str], ...] = ()
    warnings: tuple[Reason, ...] = ()

    @property
    def offered(self) -> tuple[str, ...]:
        """Return the names that the model is shown: those that a call would not be refused for."""
        return tuple(name for name in self.allowed if self.of(name).allowed)

    def of(self, name: str) -> ToolDecision:
        """Return the decision on a call; a name that is in no catalogue is refused.

        Where `write` is denied by name, so is `apply_patch`, which writes as well (exec.md 4.9).
        """
        tool = normalise_tool(name)
        found = self.decisions.get(tool) or _absent(tool, ("unknown", None))
        if tool == "apply_patch" and found.allowed:
            write = self.decisions.get("write")
            if write is not None and write.rule.startswith("deny:"):
                return ToolDecision(tool, allowed=False, stage=write.stage, key=write.key, rule=write.rule)
        return found


def _absent(tool: str, why: Absence) -> ToolDecision:
    word, key = why
    return ToolDecision(tool, allowed=False, stage=StageId.REGISTRATION, key=key, rule=f"not-registered:{word}")


def effective_tools(policy: ToolsPolicy, run: ToolRun, catalogue: Catalogue) -> EffectiveTools:
    """Return which tools of a catalogue a run may call (agent.md 5.4).

    Recompute it at the start of every run and ask again at each call: a reload may have taken a tool away. A caller
    that asks often keeps a `ToolDecider`.
    """
    return ToolDecider(policy, catalogue).effective(run)


class ToolDecider:
    """The decisions of one policy over one catalogue, remembered.

    It holds nothing that changes an answer: the same run always gets the same decisions. Make a new one when the policy
    or the catalogue changes.
    """

    def __init__(self, policy: ToolsPolicy, catalogue: Catalogue) -> None:
        self._policy = policy
        self._catalogue = catalogue
        self._runs: dict[ToolRun, EffectiveTools] = {}
        self._tables: dict[ToolStage, Mapping[str, StageAnswer]] = {}
        self._rejected = {normalise_tool(tool.name): why for tool, why in catalogue.rejected}

    def effective(self, run: ToolRun) -> EffectiveTools:
        """Return the decisions for a run; a dictionary look-up when it asked before."""
        found = self._runs.get(run)
        if found is None:
            found = self._decide(run)
            if len(self._runs) >= _REMEMBERED:
                self._runs.clear()
            self._runs[run] = found
        return found

    def decide(self, run: ToolRun, name: str) -> ToolDecision:
        """Return the decision on a call of one name."""
        found = self.effective(run).of(name)
        why = None if found.tool in self._catalogue.tools else self._rejected.get(found.tool)
        return _absent(found.tool, (why, None)) if why else found

    def _decide(self, run: ToolRun) -> EffectiveTools:
        stages = chain_of(self._policy, run)
        tables = [(stage.id, self._table(stage)) for stage in stages]
        named = names_in(stages)
        decisions: dict[str, ToolDecision] = {}
        registered: set[str] = set()
        for name, tool in self._catalogue.tools.items():
            missing = absence(tool, name, self._policy, run, named)
            if missing:
                decisions[name] = _absent(name, missing)
                continue
            registered.add(name)
            decisions[name] = _filtered(name, tables, run.at_most)
        unknown = self._unknown(stages, registered)
        return EffectiveTools(
            decisions=MappingProxyType(decisions),
            allowed=tuple(sorted(name for name, decision in decisions.items() if decision.allowed)),
            unknown_entries=unknown,
            warnings=_warnings(unknown),
        )

    def _table(self, stage: ToolStage) -> Mapping[str, StageAnswer]:
        found = self._tables.get(stage)
        if found is None:
            found = self._tables[stage] = stage_table(stage, self._catalogue)
        return found

    def _unknown(self, stages: Iterable[ToolStage], registered: set[str]) -> tuple[tuple[str, str], ...]:
        """Return the allow entries that name no registered core tool and no plugin with a registered tool."""
        owners = {name: self._catalogue.tools[name].plugin_id for name in registered}
        core = {name for name, owner in owners.items() if owner is None}
        plugins = {normalise_tool(owner) for owner in owners.values() if owner is not None}
        known = {"*", GROUP_PLUGINS} | (registered - core) | plugins
        found = {
            (entry.text, entry.key): None
            for stage in stages
            if stage.id in WARNS_OF_UNKNOWN
            for entry in stage.allow
            if entry.key is not None
            if entry.text not in known and core.isdisjoint(self._catalogue.members(entry.text))
        }
        return tuple(found)


def _filtered(
    name: str, tables: Iterable[tuple[StageId, Mapping[str, StageAnswer]]], at_most: frozenset[str] | None
) -> ToolDecision:
    rule, key = "pass", None
    for stage, table in tables:
        answer = table[name]
        if not answer.passes:
            return ToolDecision(name, allowed=False, stage=stage, key=answer.key, rule=answer.rule)
        if answer.rule != "pass":
            rule, key = answer.rule, answer.key
    if at_most is not None and name not in at_most:
        return ToolDecision(name, allowed=False, stage=StageId.PARENT, key=None, rule="not-in-parent")
    return ToolDecision(name, allowed=True, stage=None, key=key, rule=rule)


def _warnings(unknown: Iterable[tuple[str, str]]) -> tuple[Reason, ...]:
    lists: dict[str, list[str]] = {}
    for entry, key in unknown:
        lists.setdefault(key, []).append(entry)
    return tuple(
        Reason("tools.unknown-entries", key, f"tools: {key} allowlist contains unknown entries ({', '.join(names)})")
        for key, names in lists.items()
    )
