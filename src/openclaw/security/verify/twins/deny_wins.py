"""Faults of the filters of tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from openclaw.policy.what.tool_chain import ToolRun, ToolsPolicy
from openclaw.policy.what.tool_names import Catalogue
from openclaw.policy.what.tool_policy import EffectiveTools, ToolDecider
from openclaw.policy.what.tool_stages import StageAnswer, ToolStage, stage_table
from openclaw.security.verify.model import Twin

_Table = Callable[[ToolStage, Catalogue], Mapping[str, StageAnswer]]


def _by(table: _Table) -> type[ToolDecider]:
    """Return a decider whose filters answer by another table."""

    class Faulty(ToolDecider):
        def _table(self, stage: ToolStage) -> Mapping[str, StageAnswer]:
            return table(stage, self._catalogue)

    return Faulty


def _allow_first(stage: ToolStage, catalogue: Catalogue) -> Mapping[str, StageAnswer]:
    allowed = stage_table(replace(stage, deny=()), catalogue)
    denied = stage_table(stage, catalogue)
    named = {name for name, answer in allowed.items() if answer.passes} if stage.allow else set()
    return MappingProxyType({name: allowed[name] if name in named else denied[name] for name in denied})


def _patterns_unread(stage: ToolStage, catalogue: Catalogue) -> Mapping[str, StageAnswer]:
    plain = tuple(entry for entry in stage.deny if "*" not in entry.text)
    return stage_table(replace(stage, deny=plain), catalogue)


def _groups_unread(stage: ToolStage, catalogue: Catalogue) -> Mapping[str, StageAnswer]:
    plain = tuple(entry for entry in stage.deny if not entry.text.startswith("group:"))
    return stage_table(replace(stage, deny=plain), catalogue)


def _empty_allows_nothing(stage: ToolStage, catalogue: Catalogue) -> Mapping[str, StageAnswer]:
    table = stage_table(stage, catalogue)
    closed = StageAnswer(passes=False, rule="not-in-allow")
    return table if stage.allow else MappingProxyType(dict.fromkeys(table, closed))


class _LastListWins(ToolDecider):
    """Lets a later list bring back what an earlier one took away."""

    def __init__(self, policy: ToolsPolicy, catalogue: Catalogue) -> None:
        super().__init__(policy, catalogue)
        self._named: set[str] = set()

    def _table(self, stage: ToolStage) -> Mapping[str, StageAnswer]:
        table = super()._table(stage)
        if not stage.allow:
            return table
        self._named = {name for name, answer in table.items() if answer.passes}
        return table

    def _decide(self, run: ToolRun) -> EffectiveTools:
        self._named = set()
        found = super()._decide(run)
        back = {
            name: replace(decision, allowed=True) if name in self._named else decision
            for name, decision in found.decisions.items()
        }
        allowed = tuple(sorted(name for name, decision in back.items() if decision.allowed))
        return replace(found, decisions=MappingProxyType(back), allowed=allowed)


class _ChildKnowsNoParent(ToolDecider):
    """Gives a sub-agent more than its parent has."""

    def _decide(self, run: ToolRun) -> EffectiveTools:
        return super()._decide(replace(run, at_most=None))


TWINS: Final = (
    Twin("allow is asked before deny", _by(_allow_first)),
    Twin("patterns in a deny list are not read", _by(_patterns_unread)),
    Twin("groups in a deny list are not read", _by(_groups_unread)),
    Twin("an allow list that is not there allows nothing", _by(_empty_allows_nothing)),
    Twin("a later list brings a denied tool back", _LastListWins),
    Twin("a sub-agent has more than its parent", _ChildKnowsNoParent),
)
