"""The checks, one module per claim: each goes through a finite domain and compares with a rule of its own.

What a check expects is written down here once more, from the specs, and never asked of the functions that it checks.
"""

from openclaw.security.verify.checks import (
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
