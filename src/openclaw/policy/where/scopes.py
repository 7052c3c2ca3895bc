"""Scopes and roles: what each gateway operation needs, in one table (gateway.md 2.6, advisories B15-B20).

WebSocket methods, HTTP endpoints and slash commands sent by gateway clients are looked up here and nowhere else. What
is not in the table needs `operator.admin`. Nothing is granted here: what a connection has is compared with what it asks
for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict

KIB: Final = 1024
MIB: Final = 1024 * KIB


class Scope(StrEnum):
    """What an operator connection may do."""

    READ = "operator.read"
    WRITE = "operator.write"
    ADMIN = "operator.admin"
    APPROVALS = "operator.approvals"
    PAIRING = "operator.pairing"
    QUESTIONS = "operator.questions"
    TALK = "operator.talk"
    TALK_SECRETS = "operator.talk.secrets"


class Role(StrEnum):
    """What a connection is."""

    OPERATOR = "operator"
    NODE = "node"


class Surface(StrEnum):
    """By which way an operation is reached."""

    WS = "ws"
    HTTP = "http"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table.

    Attributes:
        name: method, endpoint or `/command`; `outer:inner` for an operation that another one carries.
        scope: scope that an operator needs.
        role: role that may call it.
        surface: the way it is reached.
        body_limit: most bytes of an HTTP body; None where the frame limit of the socket counts.
    """

    name: str
    scope: Scope
    role: Role = Role.OPERATOR
    surface: Surface = Surface.WS
    body_limit: int | None = None


def _rows(scope: Scope, names: str, *, role: Role = Role.OPERATOR, surface: Surface = Surface.WS) -> list[Operation]:
    return [Operation(name, scope, role, surface) for name in names.split()]


_READ_METHODS: Final = """
    health status system-presence last-heartbeat logs.tail models.list config.get
    agents.list agent.identity.get sessions.list sessions.preview chat.history channels.status
    cron.list cron.get cron.status cron.runs node.list node.describe skills.status
    tts.status tts.providers voicewake.get usage.status usage.cost browser.request:read
"""
_WRITE_METHODS: Final = """
    wake chat.send chat.abort agent agent.wait send node.invoke browser.request
    tts.enable tts.disable tts.setProvider tts.convert talk.mode voicewake.set
    node.invoke:other browser.request:act
"""
_ADMIN_METHODS: Final = """
    system-event set-heartbeats config.set config.patch config.apply config.schema
    agents.create agents.update agents.delete agents.files.list agents.files.get agents.files.set
    sessions.resolve sessions.patch sessions.reset sessions.delete sessions.compact
    sessions.usage sessions.usage.timeseries sessions.usage.logs
    chat.inject channels.logout web.login.start web.login.wait poll
    cron.add cron.update cron.remove cron.run
    exec.approvals.get exec.approvals.set exec.approvals.node.get exec.approvals.node.set
    skills.install skills.update wizard.start wizard.next wizard.cancel wizard.status update.run
    security.audit security.contain security.thaw
    node.invoke:system.run browser.request:profile browser.request:evaluate
    node.pair.approve:exec device.pair.approve:exec
"""
_PAIRING_METHODS: Final = """
    node.pair.request node.pair.list node.pair.approve node.pair.reject node.pair.verify node.rename
    device.pair.list device.pair.approve device.pair.reject device.pair.remove device.token.rotate device.token.revoke
    pairing.list pairing.approve
"""
_APPROVAL_METHODS: Final = "exec.approval.request exec.approval.resolve exec.approval.list"
_NODE_METHODS: Final = """
    node.invoke.result node.event skills.bins node.runnerInventory.update node.skills.update node.pluginTools.update
"""
_READ_COMMANDS: Final = "/help /commands /status /whoami /id /context /subagents:list /subagents:log /subagents:info"
_WRITE_COMMANDS: Final = "/skill /stop /tts /voice /subagents:stop /subagents:send"

OPERATIONS: Final[tuple[Operation, ...]] = (
    *_rows(Scope.READ, _READ_METHODS),
    *_rows(Scope.WRITE, _WRITE_METHODS),
    *_rows(Scope.ADMIN, _ADMIN_METHODS),
    *_rows(Scope.PAIRING, _PAIRING_METHODS),
    *_rows(Scope.APPROVALS, _APPROVAL_METHODS),
    *_rows(Scope.ADMIN, _NODE_METHODS, role=Role.NODE),
    *_rows(Scope.READ, _READ_COMMANDS, surface=Surface.COMMAND),
    *_rows(Scope.WRITE, _WRITE_COMMANDS, surface=Surface.COMMAND),
    *_rows(Scope.APPROVALS, "/approve", surface=Surface.COMMAND),
    Operation("http.tools.invoke", Scope.WRITE, surface=Surface.HTTP, body_limit=2 * MIB),
    Operation("http.chat.completions", Scope.WRITE, surface=Surface.HTTP, body_limit=MIB),
    Operation("http.responses", Scope.WRITE, surface=Surface.HTTP, body_limit=20 * MIB),
    Operation("http.canvas", Scope.READ, surface=Surface.HTTP, body_limit=0),
    Operation("http.avatar", Scope.READ, surface=Surface.HTTP, body_limit=0),
)
"""Every operation that needs less than `operator.admin`, and those that need it by name.

Commands that change a session, the config or the process need admin because the method with the same effect does
(advisory B18): they have no row.
"""

TABLE: Final[Mapping[str, Operation]] = MappingProxyType({row.name: row for row in OPERATIONS})

_OPERATOR_SCOPES: Final = frozenset(Scope)
_IMPLIES: Final[Mapping[Scope, frozenset[Scope]]] = MappingProxyType(
    {
        Scope.ADMIN: _OPERATOR_SCOPES,
        Scope.WRITE: frozenset({Scope.WRITE, Scope.READ}),
    }
)


def known_scopes(texts: Iterable[str]) -> tuple[Scope, ...]:
    """Return the scopes that exist, once each, in the order given. Anything else is asked for in vain."""
    return tuple(dict.fromkeys(Scope(text) for text in texts if text in _OPERATOR_SCOPES))


def closure(scopes: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes with all that they imply: write implies read, admin implies every operator scope."""
    reached: set[Scope] = set()
    for scope in known_scopes(scopes):
        reached |= _IMPLIES.get(scope, frozenset({scope}))
    return frozenset(reached)


def lacking(held: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return what of `wanted` is not within `held`, in order; empty means contained.

    An empty list holds no scope and wants none; it never stands for "unset" (advisory B14). A text that is no scope is
    within nothing.
    """
    reach = closure(held)
    return tuple(scope for scope in wanted if scope not in reach)


@dataclass(frozen=True, slots=True)
class ScopeVerdict(Verdict[Outcome]):
    """Whether a connection may call an operation.

    Attributes:
        message: the text for the caller when refused, in the words that clients match on.
        missing: the scope that is lacking, when that is why.
    """

    message: str = ""
    missing: Scope | None = None


def operation(name: str) -> Operation:
    """Return the row of an operation; one that is in no list is an admin operation (gateway.md 2.6)."""
    row = TABLE.get(name)
    if row is not None:
        return row
    if name.startswith("node.") and name.endswith(".update"):
        return Operation(name, Scope.ADMIN, Role.NODE)
    surface = Surface.COMMAND if name.startswith("/") else Surface.HTTP if name.startswith("http.") else Surface.WS
    return Operation(name, Scope.ADMIN, surface=surface)


def authorize(name: str, role: str, scopes: Iterable[str], inner: Iterable[str] = ()) -> ScopeVerdict:
    """Decide whether a connection may call an operation, and all that it carries.

    Order (gateway.md 2.6): role, then admin, then the scope of the operation, then that of each inner one.

    Args:
        name: the operation.
        role: role of the connection.
        scopes: scopes of the connection, as granted at connect.
        inner: operations that this one carries (`chat.send` with a slash command, `node.invoke`, `browser.request`).
    """
    held = closure(scopes)
    row = operation(name)
    if role not in (Role.OPERATOR, Role.NODE) or row.role != role:
        return ScopeVerdict(
            Outcome.DENY,
            (Reason("role.unauthorized", detail=f"{name} is for role {row.role}"),),
            message=f"unauthorized role: {role}",
        )
    if row.role is Role.NODE:
        return ScopeVerdict(Outcome.ALLOW, (Reason("role.node"),))
    reasons: list[Reason] = []
    for step in (row, *(operation(carried) for carried in inner)):
        if step.role is not Role.OPERATOR or step.scope not in held:
            return _missing(step, reasons)
        reasons.append(Reason("scope.held", detail=f"{step.name} needs {step.scope}"))
    return ScopeVerdict(Outcome.ALLOW, tuple(reasons))


def _missing(step: Operation, passed: list[Reason]) -> ScopeVerdict:
    reason = Reason("scope.missing", detail=f"{step.name} needs {step.scope}; pair the device again with that scope")
    return ScopeVerdict(Outcome.DENY, (*passed, reason), message=f"missing scope: {step.scope}", missing=step.scope)


def browser_operation(params: Mapping[str, object]) -> str:
    """Return the operation that a browser request carries (advisory B19): what is not plainly less needs admin.

    Profile create, delete and reset and everything that runs script in a page need admin; other GET requests read, the
    rest acts.

    Args:
        params: `{method, path, body?}` of `browser.request` or of the node command `browser.proxy`.
    """
    method, path = params.get("method"), params.get("path")
    if not isinstance(method, str) or not isinstance(path, str):
        return "browser.request:profile"
    parts = [part for part in path.lower().partition("?")[0].split("/") if part]
    ambiguous = any(part in (".", "..") or not part.isascii() or "%" in part or "\\" in part for part in parts)
    if ambiguous or (method.upper() != "GET" and parts[:1] in (["profiles"], ["reset-profile"])):
        return "browser.request:profile"
    if _runs_script(params.get("body"), depth=8):
        return "browser.request:evaluate"
    return "browser.request:read" if method.upper() == "GET" else "browser.request:act"


def _runs_script(body: object, depth: int) -> bool:
    """Tell whether a request body asks for script in the page, anywhere inside; doubt counts as yes."""
    if body is None or isinstance(body, bool | int | float):
        return False
    if isinstance(body, str):
        return body.strip().lower() == "evaluate" or body.lstrip().startswith(("{", "["))
    if depth == 0:
        return True
    if isinstance(body, Mapping):
        if "fn" in body:
            return True
        return any(_runs_script(value, depth - 1) for key, value in body.items() if key != "text")
    if isinstance(body, Sequence):
        return any(_runs_script(value, depth - 1) for value in body)
    return True


def node_operation(command: str, params: Mapping[str, object] | None = None) -> str:
    """Return the operation that a raw `node.invoke` carries (gateway.md 3.10): `system.run` needs admin."""
    if command == "browser.proxy":
        return browser_operation(params or {})
    return "node.invoke:system.run" if command.startswith("system.run") else "node.invoke:other"


def pairing_operation(method: str, *, exec_commands: bool) -> str:
    """Return the operation that approving a request carries: admin when the node declares exec (advisory B9)."""
    return f"{method}:exec" if exec_commands else method
