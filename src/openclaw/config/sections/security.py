"""`security`: settings of the audit (config.md 3.17)."""

from openclaw.config.base import Block, NonEmpty, Seq, block


class AuditSuppression(Block):
    """A finding that is known and accepted."""

    check_id: NonEmpty
    """The check."""
    title_includes: str | None = None
    """Only when the title holds this text."""
    detail_includes: str | None = None
    """Only when the detail holds this text."""
    reason: str | None = None
    """Why it is accepted."""


class Audit(Block):
    """The audit."""

    suppressions: Seq[AuditSuppression] | None = None
    """Findings that are accepted. Default: none."""


class Security(Block):
    """Settings of the audit."""

    audit: Audit = block(Audit)
    """The audit."""
