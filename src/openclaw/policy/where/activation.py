"""`/activation`: a session may override whether a mention is required (channels.md 2.3)."""

from __future__ import annotations

from openclaw.policy.who.facts import GroupActivation, SessionView
from openclaw.policy.who.rule_columns import ChannelRules


def activation_override(rules: ChannelRules, session: SessionView) -> GroupActivation | None:
    """Return the session's stored override; None where there is none, or the channel does not know it."""
    return session.group_activation if rules.activation_override else None


def requires_mention(configured: bool, override: GroupActivation | None) -> bool:
    """Return whether a mention is required, the session's override first."""
    return configured if override is None else override is GroupActivation.MENTION
