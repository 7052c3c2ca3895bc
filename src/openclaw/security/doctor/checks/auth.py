"""The gateway's secret and the models' credentials (config.md 5.1 rows 10, 11)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Final

from openclaw.agent.models.catalog import PROVIDERS
from openclaw.config.baseline import TOKEN_BYTES
from openclaw.config.text_edit import Change, Put
from openclaw.policy.who.gateway_policy import AuthMode
from openclaw.security.doctor.checks.config import run_mode
from openclaw.security.doctor.config_shape import mend_plan
from openclaw.security.doctor.context import DoctorContext, ProfileFacts
from openclaw.security.doctor.model import ERROR, NOTE, WARN, Found, check, plain
from openclaw.security.doctor.repairs.config import ConfigChange

SOON_MS: Final = 24 * 3_600_000
_DEPRECATED: Final = {
    "anthropic:claude-cli": "a login that another program owned",
    "openai-codex:codex-cli": "a login that another program owned",
}


@check("gateway.token", "Gateway auth")
def gateway_token(context: DoctorContext) -> Iterator[Found]:
    """A local gateway needs a secret; one can be made here."""
    if context.policy is None or context.is_foreign:
        if context.options.generate_token and mend_plan(context.loaded, context.layout, context.environment).left:
            yield ERROR, "A gateway token cannot be made before the config is valid."
        return
    gateway = context.policy.gateway
    if context.is_managed:
        if context.options.generate_token or (gateway.run_mode == "local" and not gateway.has_shared_secret):
            yield ERROR, "The gateway's token is set where the config is managed (OPENCLAW_NIX_MODE)."
    elif context.options.generate_token:
        yield (
            NOTE,
            "A new gateway token was asked for. Clients with the old one must be told.",
            None,
            new_token(context),
        )
    elif (
        gateway.run_mode == "local"
        and not gateway.has_shared_secret
        and gateway.auth_mode is not AuthMode.TRUSTED_PROXY
    ):
        kind = "password" if gateway.auth_mode is AuthMode.PASSWORD else "token"
        yield ERROR, f"The gateway has no {kind}, so it will not start.", None, new_token(context)


def new_token(context: DoctorContext) -> ConfigChange:
    """Return the repair that writes a random token of 48 hex digits."""
    changes: tuple[Change, ...] = (
        Put(("gateway", "auth", "mode"), "token"),
        Put(("gateway", "auth", "token"), secrets.token_hex(TOKEN_BYTES)),
    )
    lines = ("write a new random token to gateway.auth.token, and gateway.auth.mode token",)
    return ConfigChange(context.layout, context.environment, changes, lines, run_mode(context))


@check("auth.profiles", "Model auth")
def profiles(context: DoctorContext) -> Iterator[Found]:
    """Stored credentials that have ended, rest, or cannot be read."""
    for agent in context.agents:
        if agent.profiles_fault is not None:
            yield ERROR, f"Agent {agent.id}: its credentials cannot be read: {plain(agent.profiles_fault)}."
        for profile in agent.profiles:
            yield from _profile(context, agent.id, profile)


def _profile(context: DoctorContext, agent: str, profile: ProfileFacts) -> Iterator[Found]:
    again = f"Log in anew: {context.command} configure --section model"
    name = f"Agent {agent}, profile {profile.id}"
    if profile.id in _DEPRECATED:
        yield WARN, f"{name} is {_DEPRECATED[profile.id]}; it is no longer kept fresh.", again
    elif not profile.usable:
        yield WARN, f"{name} holds no credential, or one of an unknown type.", again
    elif profile.expires_ms is not None and profile.expires_ms <= context.now_ms:
        renewed = "; a login is not renewed by itself" if profile.type == "oauth" else ""
        yield WARN, f"{name} has expired{renewed}.", again
    elif profile.expires_ms is not None and profile.expires_ms - context.now_ms < SOON_MS:
        hours = max(1, (profile.expires_ms - context.now_ms) // 3_600_000)
        renewed = " and is not renewed by itself" if profile.type == "oauth" else ""
        yield WARN, f"{name} expires in {hours} h{renewed}.", again
    if profile.blocked_until_ms is not None:
        minutes = max(1, (profile.blocked_until_ms - context.now_ms) // 60_000)
        why = f", reason: {profile.disabled_reason}" if profile.disabled_reason else " after failures"
        yield NOTE, f"{name} rests for {minutes} more minutes{why}."


@check("models.none", "Model auth")
def no_model(context: DoctorContext) -> Iterator[Found]:
    """Without any key the built-in offline model answers."""
    config = context.loaded.config
    if config is None or not context.loaded.source.exists or config.agents.defaults.model.primary:
        return
    stored = any(profile.usable for agent in context.agents for profile in agent.profiles)
    named = any(config.environment.get(name) for row in PROVIDERS.values() for name in row.variables)
    if not stored and not named and not config.models.providers:
        yield (
            NOTE,
            "No model key is known, so the built-in offline model answers.",
            f"Add one with: {context.command} configure --section model",
        )


CHECKS: Final = (gateway_token, profiles, no_model)
