"""Node exec: a paired machine runs only what it declared, what was approved for it, and what is allowed here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Final

from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.where.node_commands import (
    BASE,
    CANVAS,
    SYSTEM,
    NodePolicy,
    NodeSurface,
    Platform,
    judge_command,
    judge_invoke,
    usable,
)
from openclaw.policy.where.scopes import Scope, ScopeVerdict, authorize, node_operation
from openclaw.security.verify.model import Finding, expect, hold


@dataclass(frozen=True, slots=True)
class NodeExec:
    """The functions: what may be used, what may be invoked raw, what is listed, and which scope invoking needs."""

    judge_command: Callable[[str, NodePolicy, NodeSurface], Verdict[Outcome]]
    judge_invoke: Callable[[str, NodePolicy, NodeSurface], Verdict[Outcome]]
    usable: Callable[[NodePolicy, NodeSurface], tuple[str, ...]]
    node_operation: Callable[[str, Mapping[str, object] | None], str]
    authorize: Callable[[str, str, Iterable[str], Iterable[str]], ScopeVerdict]


SHIPPED: Final = NodeExec(judge_command, judge_invoke, usable, node_operation, authorize)

_COMMANDS: Final = (
    "system.run",
    "system.run.prepare",
    "system.which",
    "system.execApprovals.set",
    "browser.proxy",
    "canvas.eval",
    "device.info",
    "camera.snap",
    "made.up",
)
_OTHER: Final = "some.other"
_SYSTEM: Final = frozenset(SYSTEM)
_DEFAULTS: Final[Mapping[Platform, frozenset[str]]] = {
    Platform.IOS: CANVAS | BASE | {"system.notify"},
    Platform.ANDROID: CANVAS | BASE,
    Platform.MACOS: CANVAS | BASE | _SYSTEM,
    Platform.LINUX: _SYSTEM,
    Platform.WINDOWS: _SYSTEM,
    Platform.UNKNOWN: frozenset({"device.info", "device.status"}),
}
"""What each platform may do unasked, from gateway.md 3.10."""


def check(subject: NodeExec) -> Iterator[Finding]:
    """Ask every kind of command of every kind of node under every kind of list, then with every set of scopes."""
    yield from _commands(subject)
    yield from _scopes(subject)


def _commands(subject: NodeExec) -> Iterator[Finding]:
    lists = product((False, True), (False, True))
    for (allowed, denied), platform, command in product(lists, Platform, _COMMANDS):
        policy = NodePolicy(
            allow=frozenset({_OTHER, command} if allowed else {_OTHER}),
            deny=frozenset({command} if denied else ()),
        )
        for declared, approved in product(((), (_OTHER,), (_OTHER, command)), (None, (), (_OTHER,), (command,))):
            node = NodeSurface(platform, declared, approved)
            right = (
                not denied
                and (command in _DEFAULTS[platform] or (allowed and not _system_of_nobody(command, platform)))
                and command in declared
                and command in (approved or ())
            )
            words = partial(_words, command, policy, node)
            verdict = subject.judge_command(command, policy, node)
            yield expect(words, Outcome.ALLOW if right else Outcome.DENY, verdict.outcome)
            raw = right and not command.startswith("system.execApprovals.")
            invoked = subject.judge_invoke(command, policy, node)
            yield expect(words, Outcome.ALLOW if raw else Outcome.DENY, invoked.outcome)
            yield expect(words, right, command in subject.usable(policy, node))


def _system_of_nobody(command: str, platform: Platform) -> bool:
    return platform is Platform.UNKNOWN and command.startswith("system.")


def _scopes(subject: NodeExec) -> Iterator[Finding]:
    for command, held in product(_COMMANDS, product((False, True), repeat=len(Scope))):
        scopes = tuple(scope for scope, has in zip(Scope, held, strict=True) if has)
        for role in ("operator", "node"):
            carried = subject.node_operation(command, {"method": "POST", "path": "/act"})
            verdict = subject.authorize("node.invoke", role, scopes, (carried,))
            admin = Scope.ADMIN in scopes
            right = role == "operator" and (admin or (Scope.WRITE in scopes and not command.startswith("system.run")))
            words = partial(_scope_words, command, role, scopes)
            yield hold(
                words,
                expected="refused" if not right else "allowed",
                holds=right is (verdict.outcome is Outcome.ALLOW),
                got=verdict.outcome,
            )


def _words(command: str, policy: NodePolicy, node: NodeSurface) -> str:
    return (
        f"{command} of a {node.platform} node; allowCommands {sorted(policy.allow)}, "
        f"denyCommands {sorted(policy.deny)}, declared {node.declared}, approved {node.approved}"
    )


def _scope_words(command: str, role: str, scopes: tuple[Scope, ...]) -> str:
    return f"node.invoke of {command} by {role} with {', '.join(scopes) or 'no scopes'}"
