"""Send policy: whether replies of a session may leave at all (agent.md 1.9)."""

from __future__ import annotations

from dataclasses import dataclass

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.key_ids import PeerKind, folded
from openclaw.policy.where.session_keys import channel_of, chat_kind_of, rest_of


@dataclass(frozen=True, slots=True)
class SendRule:
    """One rule: each field that is given must match; channel and prefix compare trimmed and lower-case.

    Attributes:
        action: ALLOW or DENY.
        channel, chat_type, key_prefix: what the rule applies to; None matches anything.
        key: where it stands in the config.
    """

    action: Outcome
    channel: str | None = None
    chat_type: PeerKind | None = None
    key_prefix: str | None = None
    key: str = "session.sendPolicy.rules"


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """`session.sendPolicy`: ordered rules and what counts when none matches."""

    default: Outcome = Outcome.ALLOW
    rules: tuple[SendRule, ...] = ()


@dataclass(frozen=True, slots=True)
class SendFacts:
    """What is known of the session that wants to send.

    Attributes:
        session_key: canonical key.
        override: `sendPolicy` of the session entry (`allow` or `deny`), or None.
        channel: channel of the turn, else of the entry, else its last channel.
        chat_type: kind of conversation, where known.
    """

    session_key: str
    override: str | None = None
    channel: str | None = None
    chat_type: PeerKind | None = None


def may_send(policy: SendPolicy, facts: SendFacts) -> Verdict[Outcome]:
    """Return whether replies of a session may be delivered.

    The owner's override wins; then any matching deny, then any matching allow, then the default. A key prefix is tried
    on the whole key and on the part after `agent:<id>:`.
    """
    override = folded(facts.override)
    if override in {"allow", "deny"}:
        outcome = Outcome(override)
        return Verdict(outcome, (Reason(f"send.override-{override}", "sessions.sendPolicy", "Set with /send."),))
    allowed: Reason | None = None
    for rule in policy.rules:
        if not _matches(rule, facts):
            continue
        reason = Reason(f"send.rule-{rule.action}", rule.key, "A rule of session.sendPolicy matches this session.")
        if rule.action is not Outcome.ALLOW:
            return Verdict(Outcome.DENY, (reason,))
        if allowed is None:
            allowed = reason
    if allowed is not None:
        return Verdict(Outcome.ALLOW, (allowed,))
    outcome = Outcome.ALLOW if policy.default is Outcome.ALLOW else Outcome.DENY
    return Verdict(outcome, (Reason("send.default", "session.sendPolicy.default", "No rule matches this session."),))


def _matches(rule: SendRule, facts: SendFacts) -> bool:
    key = folded(facts.session_key)
    if folded(rule.channel) and folded(rule.channel) != (folded(facts.channel) or channel_of(key)):
        return False
    if rule.chat_type and rule.chat_type is not (facts.chat_type or chat_kind_of(key)):
        return False
    prefix = folded(rule.key_prefix)
    return not prefix or key.startswith(prefix) or rest_of(key).startswith(prefix)
