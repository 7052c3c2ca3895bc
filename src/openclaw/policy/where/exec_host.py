"""Where an exec call runs and how strictly it is judged (exec.md 1.2, 3.3).

Configured values come from session, agent, global config and defaults, in that order. What a model asks for can only
tighten them; only an allowed elevation moves a call, and only to the gateway host.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from openclaw.policy.verdict import Reason, Verdict
from openclaw.policy.what.exec_model import Ask, Security
from openclaw.policy.where.key_ids import folded, trimmed

EnumT = TypeVar("EnumT", bound=StrEnum)


class ExecHost(StrEnum):
    """Where exec runs (`tools.exec.host`)."""

    SANDBOX = "sandbox"
    GATEWAY = "gateway"
    NODE = "node"


class ElevatedLevel(StrEnum):
    """How far exec leaves the sandbox; `on` is read as `ask`."""

    OFF = "off"
    ASK = "ask"
    FULL = "full"


class ExecPlace(StrEnum):
    """The place that was decided."""

    REFUSED = "refused"
    SANDBOX = "sandbox"
    HOST_UNCHECKED = "host-unchecked"
    """On the gateway host without approvals: host `sandbox` in a session that is not sandboxed."""
    GATEWAY = "gateway"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class ExecDefaults:
    """Exec values of one source; None where it says nothing.

    Attributes:
        host, security, ask, node: as in `tools.exec`.
        key: config path of the block, for reasons.
    """

    host: ExecHost | None = None
    security: Security | None = None
    ask: Ask | None = None
    node: str | None = None
    key: str = "tools.exec"

    @classmethod
    def read(
        cls, host: str | None, security: str | None, ask: str | None, node: str | None, *, key: str = "tools.exec"
    ) -> ExecDefaults:
        """Return the values that texts name: trimmed and lower-cased, unknown ones count as absent."""
        return cls(
            host=_member(ExecHost, host),
            security=_member(Security, security),
            ask=_member(Ask, ask),
            node=trimmed(node) or None,
            key=key,
        )

    def over(self, lower: ExecDefaults) -> ExecDefaults:
        """Return these values with the gaps filled from `lower`."""
        return ExecDefaults(
            host=self.host or lower.host,
            security=self.security or lower.security,
            ask=self.ask or lower.ask,
            node=self.node or lower.node,
            key=self.key,
        )


@dataclass(frozen=True, slots=True)
class ExecRoute:
    """The decision for one call.

    Attributes:
        verdict: the place with its reasons.
        host: effective host.
        security, ask: effective strictness; consulted only where `approvals` is true.
        node: node id or name for host `node`.
        approvals: whether the approvals path applies.
        elevated: the level that applied.
    """

    verdict: Verdict[ExecPlace]
    host: ExecHost
    security: Security
    ask: Ask
    node: str | None = None
    approvals: bool = False
    elevated: ElevatedLevel = ElevatedLevel.OFF


def exec_route(
    *,
    configured: ExecDefaults,
    session: ExecDefaults | None = None,
    requested: ExecDefaults | None = None,
    sandboxed: bool,
    elevated: ElevatedLevel = ElevatedLevel.OFF,
) -> ExecRoute:
    """Return where an exec call runs (exec.md 1.2).

    Args:
        configured: values of the agent over those of `tools.exec`.
        session: the session's or message's `/exec` values, which win over the configuration.
        requested: what the call asks for; it may only tighten.
        sandboxed: whether the session is sandboxed.
        elevated: the level that the gates of exec.md 3.1 allowed for this call.
    """
    wanted = requested or ExecDefaults()
    base = session.over(configured) if session is not None else configured
    configured_host = base.host or ExecHost.SANDBOX
    host = configured_host if elevated is ElevatedLevel.OFF else ExecHost.GATEWAY
    security, ask = _strictness(base, wanted, host, elevated)
    refusal = None if elevated is not ElevatedLevel.OFF else _refusal(base, wanted, configured_host, configured.key)
    if refusal:
        return ExecRoute(Verdict(ExecPlace.REFUSED, (refusal,)), configured_host, security, ask, base.node)
    verdict, approvals = _place(host, sandboxed=sandboxed, elevated=elevated, key=configured.key)
    node = (base.node or wanted.node) if host is ExecHost.NODE else None
    return ExecRoute(verdict, host, security, ask, node, approvals, elevated)


def _refusal(base: ExecDefaults, wanted: ExecDefaults, configured: ExecHost, key: str) -> Reason | None:
    """Return why a call may not choose its place: host and a bound node are the configuration's alone."""
    if wanted.host and wanted.host is not configured:
        detail = f"exec host not allowed (requested {wanted.host}; configure tools.exec.host={wanted.host} to allow)."
        return Reason("exec.host-not-allowed", f"{key}.host", detail)
    if configured is ExecHost.NODE and base.node and wanted.node and wanted.node != base.node:
        return Reason("exec.node-not-allowed", f"{key}.node", f"exec node not allowed (bound to {base.node}).")
    return None


def _strictness(
    base: ExecDefaults, wanted: ExecDefaults, host: ExecHost, elevated: ElevatedLevel
) -> tuple[Security, Ask]:
    """Return min of security and max of ask over what is configured and what is asked for."""
    if elevated is ElevatedLevel.FULL:
        security, ask = Security.FULL, Ask.OFF
    else:
        unset = Security.DENY if host is ExecHost.SANDBOX else Security.ALLOWLIST
        security, ask = base.security or unset, base.ask or Ask.ON_MISS
    return (
        security.tighter(wanted.security or security),
        ask.tighter(wanted.ask or ask),
    )


def _place(host: ExecHost, *, sandboxed: bool, elevated: ElevatedLevel, key: str) -> tuple[Verdict[ExecPlace], bool]:
    if elevated is not ElevatedLevel.OFF:
        detail = f"Elevated ({elevated}) runs on the gateway host."
        return Verdict(ExecPlace.GATEWAY, (Reason("exec.elevated", "tools.elevated", detail),)), True
    if host is ExecHost.GATEWAY:
        return Verdict(ExecPlace.GATEWAY, (Reason("exec.gateway", f"{key}.host"),)), True
    if host is ExecHost.NODE:
        return Verdict(ExecPlace.NODE, (Reason("exec.node", f"{key}.host"),)), True
    if sandboxed:
        return Verdict(ExecPlace.SANDBOX, (Reason("exec.sandbox", f"{key}.host"),)), False
    detail = "The session is not sandboxed: this runs on the gateway host without approvals."
    return Verdict(ExecPlace.HOST_UNCHECKED, (Reason("exec.unsandboxed-host", f"{key}.host", detail),)), False


def parse_level(text: str | None) -> ElevatedLevel | None:
    """Return the level that a text names, or None; `on` means `ask`."""
    word = folded(text)
    return ElevatedLevel.ASK if word == "on" else _member(ElevatedLevel, word)


def _member(kind: type[EnumT], text: str | None) -> EnumT | None:
    word = folded(text)
    return next((member for member in kind if member.value == word), None)
