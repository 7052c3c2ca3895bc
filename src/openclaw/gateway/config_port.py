"""What the door asks of the live config. Asked at every connect and request, never kept (advisory A19)."""

from __future__ import annotations

import hashlib
from typing import Protocol

from openclaw.policy.who.gateway_policy import GatewayPolicy
from openclaw.system.secret import Secret, same_secret


class DoorConfig(Protocol):
    """The gateway's part of the config, as it is now."""

    def policy(self) -> GatewayPolicy:
        """Return the compiled `gateway` section."""
        ...

    def secret(self) -> Secret | None:
        """Return the shared secret of the auth mode; None when there is none or the mode has none."""
        ...


def secret_digest(secret: Secret | None) -> bytes | None:
    """Return what stands for a secret in memory, to tell later whether it was changed."""
    return None if secret is None else hashlib.sha256(b"gateway:" + secret.reveal().encode("utf-8")).digest()


def opens(secret: Secret | None, *given: str | None) -> bool:
    """Tell whether one of the given texts is the secret; all are compared, in constant time."""
    results = [same_secret(text, secret) for text in given]
    return any(results)
