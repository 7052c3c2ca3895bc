"""Everything a check may look at, gathered once. Nothing here is read again and nothing is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openclaw.security.audit.auth import GatewayAuth, read_auth
from openclaw.security.audit.disk import Disk
from openclaw.security.audit.reading import Reading
from openclaw.security.audit.stores import Stores
from openclaw.security.audit.values import at

if TYPE_CHECKING:
    from openclaw.policy.snapshot import Policy
    from openclaw.security.audit.deep_facts import Deep


@dataclass(frozen=True, slots=True)
class Workspaces:
    """What the workspaces hold.

    Attributes:
        plugins: folders in them in which the original looks for plugins.
        loaded: folders in them that `plugins.load.paths` names.
        escapes: skill files that lie outside their workspace, with where they lead.
        cut: workspaces whose search hit its limit.
    """

    plugins: tuple[Path, ...] = ()
    loaded: tuple[Path, ...] = ()
    escapes: tuple[tuple[Path, Path], ...] = ()
    cut: tuple[Path, ...] = ()


@dataclass(frozen=True)
class AuditContext:
    """What the checks are given.

    Attributes:
        reading: the config.
        disk: the state directory.
        stores: the stores beside the config.
        workspaces: what lies in the agents' workspaces.
        deep: what `--deep` gathered; None without it.
        own_addresses: addresses of this machine.
        troubles: what could not be looked at, and why.
        given_policy: the compiled policy, where the caller has it already.
    """

    reading: Reading
    disk: Disk
    stores: Stores
    workspaces: Workspaces = field(default_factory=Workspaces)
    deep: Deep | None = None
    own_addresses: frozenset[str] = frozenset()
    troubles: tuple[tuple[Path, str], ...] = ()
    given_policy: Policy | None = None

    @cached_property
    def policy(self) -> Policy:
        """Return the compiled policy. It is made when a check first asks: for most configs none has to."""
        if self.given_policy is not None:
            return self.given_policy
        from openclaw.config.compile import compile_policy

        return compile_policy(self.reading.config, self.reading.environment)

    @property
    def document(self) -> Mapping[str, Any]:
        """Return the effective values without defaults."""
        return self.reading.document

    @property
    def seed(self) -> Mapping[str, Any]:
        """Return the effective values with the seed's defaults."""
        return self.reading.seed

    @cached_property
    def auth(self) -> GatewayAuth:
        """Return the gateway's authentication as it is."""
        return read_auth(self.document, self.reading.environment)

    @cached_property
    def seed_auth(self) -> GatewayAuth:
        """Return it as the seed would read it."""
        return read_auth(self.document, self.reading.seed_environment)

    @property
    def bind(self) -> str:
        """Return `gateway.bind`."""
        return str(at(self.document, "gateway", "bind") or "loopback")

    @property
    def serves_ui(self) -> bool:
        """Return whether the Control UI is served."""
        return at(self.document, "gateway", "controlUi", "enabled") is not False

    @property
    def exposed(self) -> bool:
        """Return whether the gateway listens beyond loopback."""
        return self.bind != "loopback"

    @property
    def remote(self) -> bool:
        """Return whether other machines reach the gateway: it is exposed, or Tailscale publishes it."""
        return self.exposed or self.auth.tailscale != "off"

    @property
    def elevated(self) -> bool:
        """Return whether elevated exec is offered."""
        return at(self.document, "tools", "elevated", "enabled") is not False

    @property
    def hooks_on(self) -> bool:
        """Return whether webhooks are served."""
        return at(self.document, "hooks", "enabled") is True
