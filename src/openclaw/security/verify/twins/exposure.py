"""Faults of the start checks and of the decision about a connect."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from openclaw.policy.verdict import Reason, Verdict
from openclaw.policy.who.connect_facts import ConnectFacts, ConnectVerdict, Shared
from openclaw.policy.who.gateway_auth import decide_connect
from openclaw.policy.who.gateway_policy import Bind, GatewayPolicy, StartFacts, start_refusals
from openclaw.policy.who.origin import Origin
from openclaw.security.verify.checks.exposure import SHIPPED
from openclaw.security.verify.model import Twin


def _tailnet_is_here(policy: GatewayPolicy, facts: StartFacts | None) -> tuple[Reason, ...]:
    here = replace(policy, bind=Bind.LOOPBACK) if policy.bind is Bind.TAILNET else policy
    return start_refusals(here, facts)


def _remote_secret_protects(policy: GatewayPolicy, facts: StartFacts | None) -> tuple[Reason, ...]:
    return start_refusals(replace(policy, has_token=policy.has_token or policy.has_remote_secret), facts)


def _funnel_with_token(policy: GatewayPolicy, facts: StartFacts | None) -> tuple[Reason, ...]:
    return tuple(reason for reason in start_refusals(policy, facts) if reason.rule != "start.funnel-without-password")


def _sent_is_enough(facts: ConnectFacts, policy: GatewayPolicy) -> ConnectVerdict:
    return decide_connect(replace(facts, shared=Shared.MATCHED) if facts.sent.any else facts, policy)


def _any_origin(facts: ConnectFacts, policy: GatewayPolicy) -> ConnectVerdict:
    own = Verdict(Origin.OWN, (Reason("origin.loopback"),))
    return decide_connect(replace(facts, origin=own), policy)


def _no_throttle(facts: ConnectFacts, policy: GatewayPolicy) -> ConnectVerdict:
    return decide_connect(replace(facts, throttle=None), policy)


TWINS: Final = (
    Twin("a tailnet counts as this machine", replace(SHIPPED, start_refusals=_tailnet_is_here)),
    Twin("the secret of a remote gateway protects this one", replace(SHIPPED, start_refusals=_remote_secret_protects)),
    Twin("a funnel needs no password", replace(SHIPPED, start_refusals=_funnel_with_token)),
    Twin("a secret need not be right, only sent", replace(SHIPPED, decide_connect=_sent_is_enough)),
    Twin("a page from anywhere is our own", replace(SHIPPED, decide_connect=_any_origin)),
    Twin("a locked-out client may go on trying", replace(SHIPPED, decide_connect=_no_throttle)),
)
