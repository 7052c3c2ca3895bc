"""What runs: sandbox, service, gateway, channels (config.md 5.1 rows 14, 15, 18, 20)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from openclaw.config.places import listed_agents
from openclaw.policy.where.sandbox_mode import SandboxMode, SandboxScope, SandboxSettings
from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.model import ERROR, NOTE, WARN, Found, check, plain
from openclaw.security.doctor.repairs.service import EnableLinger, RewriteService, StartService
from openclaw.security.service.model import Definition
from openclaw.security.service.systemd import SystemdService

_SHARED_BLOCKS: Final = ("docker", "browser", "prune")


@check("sandbox.backend", "Sandbox")
def sandbox(context: DoctorContext) -> Iterator[Found]:
    """A sandbox that is switched on must work here: nothing runs on the host in its place."""
    if context.policy is None:
        return
    named = context.policy.routing.sandbox
    for settings in {one.mode_key: one for one in (named.defaults, *named.agents.values())}.values():
        if settings.mode is not SandboxMode.OFF:
            yield from _backend(context, settings)


def _backend(context: DoctorContext, settings: SandboxSettings) -> Iterator[Found]:
    wanted = settings.backend.value
    tried = [report for report in context.sandbox if wanted in ("auto", report.name)]
    if any(report.probe.usable for report in tried):
        return
    said = "; ".join(f"{report.name}: {report.probe.detail}" for report in tried)
    yield (
        ERROR,
        f"{settings.mode_key} is {settings.mode.value}, but no sandbox works here: "
        f"{said or f'this build has no back end {wanted} for this machine'}. Commands of the agent are refused.",
        "Mend what is named, or let commands ask first: openclaw configure --section sandbox",
    )


@check("sandbox.overrides", "Sandbox")
def overrides(context: DoctorContext) -> Iterator[Found]:
    """In a shared sandbox an agent's own container settings do not count."""
    if context.policy is None:
        return
    for number, entry in enumerate(listed_agents(context.document)):
        own = entry.get("sandbox")
        if not isinstance(own, Mapping):
            continue
        settings = context.policy.routing.sandbox.settings(str(entry.get("id")))
        ignored = [name for name in _SHARED_BLOCKS if own.get(name)]
        if ignored and settings.scope is SandboxScope.SHARED:
            names = ", ".join(f"agents.list.{number}.sandbox.{name}" for name in ignored)
            yield WARN, f"{names}: ignored, because this agent's sandbox is shared (scope)."


@check("service.definition", "Service")
def service(context: DoctorContext) -> Iterator[Found]:
    """The service definition is the one that this version writes."""
    facts = context.service
    if facts.manager is None or facts.state is None:
        if facts.fault:
            yield NOTE, f"No service: {plain(facts.fault)}."
        return
    match facts.state.definition:
        case Definition.ABSENT:
            yield (
                NOTE,
                "The gateway is not installed as a service, so it runs only while you start it.",
                f"Install it with: {context.command} service install",
            )
        case Definition.OUTDATED:
            rewrite = RewriteService(facts.manager, facts.state.file)
            yield WARN, f"{context.shown(facts.state.file)} is of another version or setting.", None, rewrite
        case Definition.EDITED:
            forced = (
                RewriteService(facts.manager, facts.state.file, force=True, safe=True)
                if context.options.force
                else None
            )
            hint = None if forced else f"To replace it: {context.command} doctor --force"
            yield WARN, f"{context.shown(facts.state.file)} was changed by hand.", hint, forced
        case Definition.CURRENT:
            return


@check("service.others", "Service")
def other_gateways(context: DoctorContext) -> Iterator[Found]:
    """Two gateways with one bot answer twice."""
    for other in context.service.others:
        yield (
            WARN,
            f"Another service may start a gateway: {context.shown(other.file)}.",
            "Disable it if you do not need it.",
        )


@check("service.linger", "Service")
def linger(context: DoctorContext) -> Iterator[Found]:
    """Without lingering a user's services end with the last login."""
    facts = context.service
    if facts.lingers is False and isinstance(facts.manager, SystemdService):
        enable = EnableLinger(facts.manager, context.machine.user)
        yield WARN, "The service stops when you log out.", None, enable


@check("gateway.health", "Gateway")
def health(context: DoctorContext) -> Iterator[Found]:
    """The gateway runs and answers, and its port is its own."""
    facts, service_facts = context.gateway, context.service
    if facts.owner is None:
        if facts.listener is not None:
            yield WARN, f"Port {facts.port} is taken by {facts.listener}, which is no gateway of this state directory."
        manager, state = service_facts.manager, service_facts.state
        if manager is not None and state is not None and state.installed and not state.running:
            yield (
                WARN,
                f"The service is installed, but does not run ({state.detail}).",
                None,
                StartService(manager, state.label),
            )
        elif context.policy is not None and context.policy.gateway.run_mode == "local":
            yield NOTE, "The gateway does not run.", f"Start it with: {context.command} up"
    elif facts.answers is False:
        yield (
            WARN,
            f"The gateway (pid {facts.owner.pid}) does not answer on port {facts.port}: {plain(facts.error)}.",
            f"Look at: {context.command} logs",
        )
    elif facts.answers:
        yield NOTE, f"The gateway runs (pid {facts.owner.pid}) and answers on port {facts.port}."


@check("gateway.channels", "Gateway")
def channel_troubles(context: DoctorContext) -> Iterator[Found]:
    """Channels that report an error."""
    for channel, account, error in context.gateway.channels:
        yield WARN, f"Channel {channel} ({account}): {error}"


CHECKS: Final = (sandbox, overrides, service, other_gateways, linger, health, channel_troubles)
