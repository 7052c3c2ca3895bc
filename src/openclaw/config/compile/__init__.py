"""The only code that sees both config models and the Policy: it makes the one from the other."""

from __future__ import annotations

import hashlib
import json

from openclaw.config.compile.access import compile_access
from openclaw.config.compile.exec import compile_exec
from openclaw.config.compile.gateway import GatewayFlags, Machine, compile_gateway
from openclaw.config.compile.routing import compile_routing
from openclaw.config.compile.tools import compile_tools
from openclaw.config.model import Config
from openclaw.config.redact import redact_value
from openclaw.policy.snapshot import Policy
from openclaw.system.environment import Environment

NO_FLAGS = GatewayFlags()
NO_MACHINE = Machine()


def compile_policy(
    config: Config, environment: Environment, *, flags: GatewayFlags = NO_FLAGS, machine: Machine = NO_MACHINE
) -> Policy:
    """Return the policy of a config.

    Args:
        config: a valid config.
        environment: for the secrets and the port that it may hold.
        flags: the command line of the gateway.
        machine: own names and addresses.
    """
    return Policy(
        fingerprint=fingerprint(config),
        gateway=compile_gateway(config, environment, machine=machine, flags=flags),
        access=compile_access(config),
        routing=compile_routing(config),
        tools=compile_tools(config),
        exec=compile_exec(config),
    )


def fingerprint(config: Config) -> str:
    """Return the SHA-256 of what the policy was made from; secrets do not enter it."""
    text = json.dumps(redact_value(dict(config.document)), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
