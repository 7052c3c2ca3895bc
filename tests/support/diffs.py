"""Policies of documents, and what the policy diff says of two of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.diff import PolicyDiff, diff_policies
from openclaw.policy.snapshot import Policy
from openclaw.system.environment import Environment


def policy_of(document: Mapping[str, Any]) -> Policy:
    """Return the policy of a config that has no environment."""
    return compile_policy(Config.from_document(document), Environment({}))


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> PolicyDiff:
    """Return what changes between two configs."""
    return diff_policies(policy_of(before), policy_of(after))
