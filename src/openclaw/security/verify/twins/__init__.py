"""The faulty functions that the checks must catch, one module per claim."""

from openclaw.security.verify.twins import (
    approval_binding,
    deny_wins,
    dm_scope,
    exposure,
    ingress_gating,
    ingress_idempotency,
    list_states,
    monotonicity,
    node_exec,
    pairing_limits,
    pairing_races,
    revocation,
    routing_isolation,
    scope_subset,
)

__all__ = [
    "approval_binding",
    "deny_wins",
    "dm_scope",
    "exposure",
    "ingress_gating",
    "ingress_idempotency",
    "list_states",
    "monotonicity",
    "node_exec",
    "pairing_limits",
    "pairing_races",
    "revocation",
    "routing_isolation",
    "scope_subset",
]
