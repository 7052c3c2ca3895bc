"""The end of onboarding: service, waiting for the gateway, a look by the audit."""

from __future__ import annotations

import time
from typing import Final

from openclaw.cli.context import CliContext
from openclaw.system.errors import OpenClawError

WAIT_SECONDS: Final = 15.0
_STEP_SECONDS: Final = 0.3
_SHOWN: Final = 5


def install_service(context: CliContext) -> str:
    """Install the gateway as a service and return what to say.

    Raises:
        OpenClawError: this machine has no service manager, or it refuses.
    """
    from openclaw.security.service.manager import gateway_service

    manager = gateway_service(context.layout, context.environment)
    state = manager.install()
    return f"Installed the service {state.label}: {state.detail}."


def wait_for_gateway(context: CliContext, *, patient: bool) -> tuple[bool, str]:
    """Return whether the gateway answers, and what to say. Without a service nobody starts it, so nobody waits.

    Args:
        context: the frame of the command.
        patient: it was just started: wait up to 15 seconds.
    """
    from openclaw.config.compile import compile_policy
    from openclaw.config.load import load_config
    from openclaw.security.doctor.facts_gateway import gateway_facts

    config = load_config(context.layout, context.environment)
    policy = compile_policy(config, config.environment)
    deadline = time.monotonic() + (WAIT_SECONDS if patient else 0.0)
    while True:
        facts = gateway_facts(context.layout, context.environment, config, policy, quick=True)
        if facts.answers:
            return True, f"The gateway answers on port {facts.port}."
        if time.monotonic() >= deadline:
            break
        time.sleep(_STEP_SECONDS)
    if facts.owner is None:
        return (
            False,
            f"The gateway did not start; look at: {context.command} logs"
            if patient
            else "The gateway does not run yet.",
        )
    return False, f"The gateway runs, but does not answer: {facts.error}"


def audit_summary(context: CliContext) -> list[str]:
    """Return what the audit says of the setup, a line each: the counts, and what is worse than a hint."""
    from openclaw.security.audit.gather import gather
    from openclaw.security.audit.model import Severity
    from openclaw.security.audit.run import audit

    command = f"{context.command} security audit --deep"
    try:
        report = audit(gather(context.layout, context.environment), now_ms=time.time_ns() // 1_000_000)
    except OpenClawError as error:
        return [f"The audit could not look at it: {error.message}", f"Try: {command}"]
    counts = ", ".join(f"{number} {name}" for name, number in report.summary.items())
    worse = [one for one in report.findings if one.severity is not Severity.INFO]
    listed = [f"  {one.severity.value}: {one.title}" for one in worse[:_SHOWN]]
    return [f"Security audit: {counts}.", *listed, f"All of it: {command}"]
