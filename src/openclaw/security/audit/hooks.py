"""Webhooks: their secret, their path, and what a caller may choose (audit.md 4.4, 9.1)."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit.auth import SharedSecret, same
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.gateway import MIN_SECRET
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, length, trim


def _token(ctx: AuditContext) -> str:
    return trim(at(ctx.document, "hooks", "token")) if ctx.hooks_on else ""


@check(
    "hooks.token_too_short",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="The webhook token is short",
    when=f"hooks.enabled is true and hooks.token has fewer than {MIN_SECRET} characters.",
    attack="A short token can be guessed, and a webhook starts turns of the agent.",
    remedy="Use a long random text for hooks.token.",
)
def token_too_short(ctx: AuditContext) -> Hits:
    """A token that a person made up."""
    size = length(_token(ctx))
    if 0 < size < MIN_SECRET:
        yield Hit(f"hooks.token has {size} characters; at least {MIN_SECRET} are expected.", place="hooks.token")


@check(
    "hooks.token_reuse_gateway_token",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="Webhooks use the gateway's own token",
    when="hooks.enabled is true and hooks.token equals the gateway token in force. The default report also compares "
    "the password.",
    attack="Every service that posts to the webhook could log in as the operator.",
    remedy="Give hooks.token a text of its own.",
)
def token_reused(ctx: AuditContext) -> Hits:
    """One secret for two doors."""
    token = SharedSecret(_token(ctx), exists=True)
    auth = ctx.seed_auth
    if auth.mode == "token" and same(token, auth.token):
        yield Hit("hooks.token equals the gateway token.", place="hooks.token")
    elif same(token, auth.password) or same(token, auth.token):
        yield Hit("hooks.token equals a secret of the gateway.", seed=False, place="hooks.token")


@check(
    "hooks.path_root",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="Webhooks take over every path",
    when="hooks.enabled is true and hooks.path is /.",
    attack="Paths of the gateway itself could be read as webhooks. This gateway refuses to start like that.",
    remedy="Set hooks.path to a path of its own, such as /hooks.",
)
def path_root(ctx: AuditContext) -> Hits:
    """The root belongs to the gateway."""
    if ctx.hooks_on and trim(at(ctx.document, "hooks", "path")) == "/":
        yield Hit("hooks.path is /.", place="hooks.path")


@check(
    "hooks.allowed_agent_ids_unrestricted",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="A webhook may start any agent",
    when="hooks.enabled is true, two or more agents are listed, and hooks.allowedAgentIds is absent or holds *. "
    "Critical when other machines reach the gateway.",
    attack="A service with the webhook token picks the agent with the most rights.",
    remedy="List the agents in hooks.allowedAgentIds; [] allows none.",
    since=Since.LATER,
)
def any_agent(ctx: AuditContext) -> Hits:
    """The caller chooses the agent."""
    allowed = at(ctx.document, "hooks", "allowedAgentIds")
    if ctx.hooks_on and len(ctx.reading.agents) > 1 and (allowed is None or "*" in allowed):
        state = "holds *" if allowed else "is not set"
        yield Hit(f"hooks.allowedAgentIds {state}.", severity=_worse(ctx), place="hooks.allowedAgentIds")


@check(
    "hooks.request_session_key_enabled",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="A webhook may name the session that it speaks in",
    when="hooks.enabled and hooks.allowRequestSessionKey are true. Critical when other machines reach the gateway.",
    attack="A service with the webhook token writes into somebody's conversation.",
    remedy="Set hooks.allowRequestSessionKey to false; mappings in the config can still name a session.",
    since=Since.LATER,
)
def request_session_key(ctx: AuditContext) -> Hits:
    """The caller chooses the session."""
    if ctx.hooks_on and at(ctx.document, "hooks", "allowRequestSessionKey") is True:
        detail = "hooks.allowRequestSessionKey is true."
        yield Hit(detail, severity=_worse(ctx), place="hooks.allowRequestSessionKey")


@check(
    "hooks.request_session_key_prefixes_missing",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="A webhook may name any session",
    when="hooks.enabled and hooks.allowRequestSessionKey are true, and hooks.allowedSessionKeyPrefixes is an empty "
    "list or holds a blank prefix. Absent, it means hook: and is silent. Critical when other machines "
    "reach the gateway.",
    attack="No session is out of reach, not even the main one.",
    remedy='Set hooks.allowedSessionKeyPrefixes to ["hook:"].',
    since=Since.LATER,
)
def session_key_prefixes(ctx: AuditContext) -> Hits:
    """A list that keeps nothing out."""
    prefixes = at(ctx.document, "hooks", "allowedSessionKeyPrefixes")
    named = at(ctx.document, "hooks", "allowRequestSessionKey") is True
    if ctx.hooks_on and named and prefixes is not None and (not prefixes or not all(map(trim, prefixes))):
        state = "holds a blank prefix" if prefixes else "is empty"
        detail = f"hooks.allowedSessionKeyPrefixes {state}."
        yield Hit(detail, severity=_worse(ctx), place="hooks.allowedSessionKeyPrefixes")


def _worse(ctx: AuditContext) -> Severity:
    return Severity.CRITICAL if ctx.remote else Severity.WARN


SEED: Final[tuple[Check, ...]] = (token_too_short, token_reused, path_root)
LATER: Final[tuple[Check, ...]] = (any_agent, request_session_key, session_key_prefixes)
