"""Which commands of a node may be used: declared, approved at pairing, and allowed here (gateway.md 3.10, exec.md 7.2).

What a node says of itself is a claim: the platform counts as it was pinned at approval, and a command that was declared
later stays unusable until somebody approves the node again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from openclaw.policy.verdict import Outcome, Reason, Verdict

MAX_COMMANDS: Final = 128
MAX_COMMAND_LENGTH: Final = 64
NOT_ALLOWLISTED: Final = "command not allowlisted"

_Step: TypeAlias = tuple[bool, Reason]


class Platform(StrEnum):
    """The kinds of machine that have defaults of their own."""

    IOS = "ios"
    ANDROID = "android"
    MACOS = "macos"
    LINUX = "linux"
    WINDOWS = "windows"
    UNKNOWN = "unknown"


CANVAS: Final = frozenset(
    f"canvas.{name}"
    for name in ("present", "hide", "navigate", "eval", "snapshot", "a2ui.push", "a2ui.pushJSONL", "a2ui.reset")
)
BASE: Final = frozenset(
    (
        "camera.list",
        "location.get",
        "device.info",
        "device.status",
        "contacts.search",
        "calendar.events",
        "reminders.list",
        "photos.latest",
        "motion.activity",
        "motion.pedometer",
    )
)
SYSTEM: Final = frozenset(
    (
        "system.run",
        "system.which",
        "system.notify",
        "system.execApprovals.get",
        "system.execApprovals.set",
        "browser.proxy",
    )
)
EXEC: Final = frozenset({"system.run", "system.execApprovals.set"})
"""Commands that run programs, or decide which may run: approving a node that declares one needs admin (advisory B9)."""

DEFAULTS: Final[Mapping[Platform, frozenset[str]]] = MappingProxyType(
    {
        Platform.IOS: CANVAS | BASE | {"system.notify"},
        Platform.ANDROID: CANVAS | BASE,
        Platform.MACOS: CANVAS | BASE | SYSTEM,
        Platform.LINUX: SYSTEM,
        Platform.WINDOWS: SYSTEM,
        Platform.UNKNOWN: frozenset({"device.info", "device.status"}),
    }
)
_PREFIXES: Final = (
    ("ios", Platform.IOS),
    ("ipados", Platform.IOS),
    ("android", Platform.ANDROID),
    ("mac", Platform.MACOS),
    ("darwin", Platform.MACOS),
    ("win", Platform.WINDOWS),
    ("linux", Platform.LINUX),
)


@dataclass(frozen=True, slots=True)
class NodePolicy:
    """What the config says of node commands.

    Attributes:
        allow: `gateway.nodes.allowCommands`, added to the defaults of the platform.
        deny: `gateway.nodes.denyCommands`, which wins.
    """

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NodeSurface:
    """What is known of one node.

    Attributes:
        platform: from the record that was pinned at approval.
        declared: commands of this connection.
        approved: commands that were declared when the node was approved; None when none were recorded.
    """

    platform: Platform
    declared: tuple[str, ...] = ()
    approved: tuple[str, ...] | None = None


def classify(platform: str | None, device_family: str | None = None) -> Platform:
    """Return the platform by prefix of the text, else by the device family, else unknown.

    Only plain ASCII counts: look-alike letters are unknown (advisory B11).
    """
    for text in (platform, device_family):
        if not text or not text.isascii():
            if text:
                return Platform.UNKNOWN
            continue
        folded = text.strip().lower()
        for prefix, found in _PREFIXES:
            if folded.startswith(prefix):
                return found
    return Platform.UNKNOWN


def declared_commands(claims: Iterable[str]) -> tuple[str, ...]:
    """Return what a node declares, trimmed and without repeats: at most 128 commands of at most 64 characters."""
    names = (claim.strip() for claim in claims)
    fitting = (name for name in names if 0 < len(name) <= MAX_COMMAND_LENGTH and name.isascii() and name.isprintable())
    return tuple(dict.fromkeys(fitting))[:MAX_COMMANDS]


def judge_command(command: str, policy: NodePolicy, node: NodeSurface) -> Verdict[Outcome]:
    """Decide whether a node may be asked to run a command; the deciding reason's detail is the wire's `reason`."""
    trail: list[Reason] = []
    for passed, reason in (
        _allowlisted(command, policy, node.platform),
        _declared(command, node),
        _approved(command, node),
    ):
        trail.append(reason)
        if not passed:
            return Verdict(Outcome.DENY, tuple(trail))
    return Verdict(Outcome.ALLOW, tuple(trail))


def _allowlisted(command: str, policy: NodePolicy, platform: Platform) -> _Step:
    if command in policy.deny:
        return False, Reason("node.denied", "gateway.nodes.denyCommands", NOT_ALLOWLISTED)
    if platform is Platform.UNKNOWN and command.startswith("system."):
        return False, Reason("node.unknown-platform", detail=NOT_ALLOWLISTED)
    if command in DEFAULTS[platform]:
        return True, Reason("node.platform-default", detail=f"default of {platform}")
    if command in policy.allow:
        return True, Reason("node.allowed", "gateway.nodes.allowCommands")
    return False, Reason("node.not-allowlisted", "gateway.nodes.allowCommands", NOT_ALLOWLISTED)


def _declared(command: str, node: NodeSurface) -> _Step:
    if not node.declared:
        return False, Reason("node.declares-nothing", detail="node did not declare commands")
    if command not in node.declared:
        return False, Reason("node.not-declared", detail="command not declared by node")
    return True, Reason("node.declared")


def _approved(command: str, node: NodeSurface) -> _Step:
    if command not in (node.approved or ()):
        return False, Reason("node.not-approved", "devices/paired.json", "command not approved for this node")
    return True, Reason("node.approved", "devices/paired.json")


def judge_invoke(command: str, policy: NodePolicy, node: NodeSurface) -> Verdict[Outcome]:
    """Decide a raw `node.invoke`: as `judge_command`, but the approvals file is reached by its own methods only.

    `exec.approvals.node.get` and `.set` are those methods (exec.md 7.3).
    """
    if command.startswith("system.execApprovals."):
        return Verdict(Outcome.DENY, (Reason("node.exec-approvals", "exec.approvals.node.set", NOT_ALLOWLISTED),))
    return judge_command(command, policy, node)


def usable(policy: NodePolicy, node: NodeSurface) -> tuple[str, ...]:
    """Return the commands that may be used: declared, approved and allowed. Listed for clients and at connect."""
    return tuple(name for name in node.declared if judge_command(name, policy, node).outcome is Outcome.ALLOW)


def undeclared_before(node: NodeSurface) -> tuple[str, ...]:
    """Return the commands that a node declares now and that were not there when it was approved."""
    return tuple(name for name in node.declared if name not in (node.approved or ()))


def runs_programs(commands: Iterable[str]) -> bool:
    """Tell whether a declaration names an exec command."""
    return any(command in EXEC or command.startswith("system.run") for command in commands)
