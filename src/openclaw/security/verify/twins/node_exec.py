"""Faults of the rules for commands of nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.where.node_commands import NodePolicy, NodeSurface, Platform, judge_command, judge_invoke, usable
from openclaw.security.verify.checks.node_exec import SHIPPED, NodeExec
from openclaw.security.verify.graft import graft
from openclaw.security.verify.model import Twin


def _with(judge: Callable[[str, NodePolicy, NodeSurface], Verdict[Outcome]]) -> NodeExec:
    """Return the functions with another judgement of one command below all of them."""
    return replace(
        SHIPPED,
        judge_command=judge,
        judge_invoke=graft(judge_invoke, judge_command=judge),
        usable=graft(usable, judge_command=judge),
    )


def _allow_wins(command: str, policy: NodePolicy, node: NodeSurface) -> Verdict[Outcome]:
    return judge_command(command, replace(policy, deny=policy.deny - policy.allow), node)


def _declared_is_enough(command: str, policy: NodePolicy, node: NodeSurface) -> Verdict[Outcome]:
    return judge_command(command, policy, replace(node, approved=node.declared))


def _approved_is_enough(command: str, policy: NodePolicy, node: NodeSurface) -> Verdict[Outcome]:
    return judge_command(command, policy, replace(node, declared=(*node.declared, *(node.approved or ()))))


def _unknown_is_linux(command: str, policy: NodePolicy, node: NodeSurface) -> Verdict[Outcome]:
    platform = Platform.LINUX if node.platform is Platform.UNKNOWN else node.platform
    return judge_command(command, policy, replace(node, platform=platform))


def _everything_acts(command: str, params: Mapping[str, object] | None = None) -> str:
    del command, params
    return "node.invoke:other"


def _no_exception(command: str, policy: NodePolicy, node: NodeSurface) -> Verdict[Outcome]:
    return judge_command(command, policy, node)


TWINS: Final = (
    Twin("allowCommands wins over denyCommands", _with(_allow_wins)),
    Twin("what a node declares need not be approved", _with(_declared_is_enough)),
    Twin("what was approved once need not be declared now", _with(_approved_is_enough)),
    Twin("an unknown platform counts as Linux", _with(_unknown_is_linux)),
    Twin("running programs needs no more than other commands", replace(SHIPPED, node_operation=_everything_acts)),
    Twin("raw invoke reaches the approvals file", replace(SHIPPED, judge_invoke=_no_exception)),
)
