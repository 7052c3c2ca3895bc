"""`nodeHost`: this machine as a node of another gateway (config.md 3.16, 3.17)."""

from openclaw.config.base import Block, Texts, block


class NodeBrowserProxy(Block):
    """Offering this machine's browser."""

    enabled: bool | None = None
    """Offer it. Default: true."""
    allow_profiles: Texts | None = None
    """Profiles that are offered. Default: all."""


class NodeExecApprovals(Block):
    """This node's exec approvals."""

    remote_edit: bool | None = None
    """Let the gateway change them. Default: true."""


class NodeHost(Block):
    """This machine as a node of another gateway."""

    browser_proxy: NodeBrowserProxy = block(NodeBrowserProxy)
    """Offering this machine's browser."""
    exec_approvals: NodeExecApprovals = block(NodeExecApprovals)
    """This node's exec approvals."""
