"""What the gateway knows of its own security: `security.audit` (audit.md 1)."""

from __future__ import annotations

from typing import Any

from openclaw.gateway.rpc.contract import Call, Params, rpc


@rpc("security.audit")
async def security_audit(call: Call, _params: Params) -> Any:
    """Run the audit on the config in force and return the report as `openclaw security audit --json` prints it."""
    return await call.services.audit.report()


METHODS = (security_audit,)
