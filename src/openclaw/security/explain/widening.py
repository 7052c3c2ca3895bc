"""What a change of the config newly admits, for everybody who is about to write one (config.md 1.8, 4.2).

The compiled policies are compared over their whole domain; keys that no policy holds yet, as they are written.
"""

from __future__ import annotations

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.diff import Change, PolicyDiff, diff_policies
from openclaw.policy.snapshot import Policy
from openclaw.security.explain.uncompiled import opened
from openclaw.system.environment import Environment


def judge_change(before: Policy, after: Policy, *, sectionless: frozenset[str] = frozenset()) -> PolicyDiff:
    """Return what a policy admits that the one before does not, and the reverse.

    Args:
        before: the policy in force.
        after: the policy of the changed config.
        sectionless: channels that run without a section of the config.
    """
    return diff_policies(before, after, sectionless=sectionless)


def judge_configs(before: Config | None, after: Config, environment: Environment) -> PolicyDiff:
    """Return what a changed config admits that the one before does not, and the reverse.

    Args:
        before: the config in force; None (absent or invalid: nothing runs by it) counts as an empty one.
        after: the changed config.
        environment: the process environment, for channels and secrets that it holds.
    """
    known = before if before is not None else Config.from_document({}, environment)
    found = judge_change(
        compile_policy(known, known.environment),
        compile_policy(after, after.environment),
        sectionless=started_by_variables(environment),
    )
    widens, narrows = opened(known.document, after.document), opened(after.document, known.document)
    return PolicyDiff(
        widens=(*found.widens, *(Change(text, "config") for text in widens)),
        narrows=(*found.narrows, *(Change(f"undone: {text}", "config") for text in narrows)),
        weight=found.weight + len(widens) + len(narrows),
    )


def started_by_variables(environment: Environment) -> frozenset[str]:
    """Return the channels that a token in the environment starts, whether the config has a section for them or not."""
    from openclaw.channels.registry import CHANNELS

    return frozenset(
        kind.id for kind in CHANNELS if kind.token_variable is not None and environment.get(kind.token_variable)
    )
