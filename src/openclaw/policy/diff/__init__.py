"""What one policy admits that another does not (config.md 1.8): decisions compared over the enumerated domain."""

from openclaw.policy.diff.compare import diff_policies
from openclaw.policy.diff.model import NO_CHANGE, Change, PolicyDiff

__all__ = ["NO_CHANGE", "Change", "PolicyDiff", "diff_policies"]
