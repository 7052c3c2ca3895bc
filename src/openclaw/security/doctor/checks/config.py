"""The config file: older and unknown keys, what is wrong otherwise, what is unset (config.md 5.1 rows 3 to 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from openclaw.agent.models.catalog import PROVIDERS
from openclaw.channels.registry import CHANNELS as BUILT_CHANNELS
from openclaw.config.issues import Issue
from openclaw.config.secret_leaves import SecretForm, secret_leaves
from openclaw.security.doctor.config_shape import mend_plan
from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.model import ERROR, NOTE, WARN, Found, check, count
from openclaw.security.doctor.repairs.config import ConfigChange
from openclaw.state.auth_profiles import provider_id


def run_mode(context: DoctorContext) -> str:
    """Return `remote` where the config says so, else `local`."""
    return "remote" if (context.document.get("gateway") or {}).get("mode") == "remote" else "local"


@check("config.shape", "Config")
def shape(context: DoctorContext) -> Iterator[Found]:
    """Older keys are moved, older values written anew, unknown keys removed: together, so that the result is valid."""
    plan = mend_plan(context.loaded, context.layout, context.environment)
    if not plan.changes:
        return
    parts = []
    if plan.legacy:
        parts.append(count(len(plan.legacy), "key of older releases", "keys of older releases"))
    if plan.values:
        parts.append(count(len(plan.values), "value of an older shape", "values of an older shape"))
    if plan.unknown:
        parts.append(count(len(plan.unknown), "unknown key"))
    level = WARN if context.loaded.config is not None else ERROR
    message = f"{context.shown(context.layout.config)} has {' and '.join(parts)}."
    if context.is_managed:
        yield level, f"{message} The config is managed elsewhere (OPENCLAW_NIX_MODE).", "; ".join(plan.lines)
        return
    if plan.left or context.is_foreign:
        yield level, f"{message} They can be mended once what is named below is.", "; ".join(plan.lines)
        return
    change = ConfigChange(context.layout, context.environment, plan.changes, plan.lines, run_mode(context))
    yield level, message, None, change


@check("config.invalid", "Invalid config")
def invalid(context: DoctorContext) -> Iterator[Found]:
    """Other faults are a person's business."""
    if context.loaded.config is not None:
        return
    plan = mend_plan(context.loaded, context.layout, context.environment)
    for issue in plan.left:
        yield ERROR, _sentence(issue), f"Mend it with: {context.command} config edit"


def _sentence(issue: Issue) -> str:
    where = f" (line {issue.line})" if issue.line else ""
    return f"{issue.path or 'The file'}{where}: {issue.message}."


@check("config.warnings", "Config")
def warnings(context: DoctorContext) -> Iterator[Found]:
    """What is odd but valid."""
    for issue in context.loaded.warnings:
        yield WARN, _sentence(issue)


@check("config.missing", "Config")
def missing(context: DoctorContext) -> Iterator[Found]:
    """Without a config the gateway does not start."""
    if not context.loaded.source.exists and context.legacy.config_file is None:
        yield (
            NOTE,
            f"There is no config yet at {context.shown(context.layout.config)}.",
            f"Make one with: {context.command} onboard",
        )
    elif context.policy is not None and context.policy.gateway.run_mode is None:
        yield (
            WARN,
            "gateway.mode is not set, so the gateway will not start.",
            f"If it is to run here: {context.command} config set gateway.mode local",
        )


@check("config.channels", "Config")
def channels(context: DoctorContext) -> Iterator[Found]:
    """A channel that is configured starts, unless something else switches it off or this build lacks it."""
    if context.loaded.config is None:
        return
    plugins = context.document.get("plugins") or {}
    built = {kind.id for kind in BUILT_CHANNELS}
    for name in context.loaded.config.channels.configured:
        entry = (plugins.get("entries") or {}).get(name) or {}
        if not context.loaded.config.channels.enabled(name):
            continue
        if name in (plugins.get("deny") or ()):
            yield WARN, f"channels.{name} is configured, but plugins.deny names it, so it stays off."
        elif entry.get("enabled") is False:
            yield (
                WARN,
                f"channels.{name} is configured, but plugins.entries.{name}.enabled is false, so it stays off.",
                f"Switch it on with: {context.command} config set plugins.entries.{name}.enabled true",
            )
        elif name not in built:
            yield NOTE, f"channels.{name} is configured, but this build has no such channel yet; its settings are kept."


@check("config.providers", "Models")
def providers(context: DoctorContext) -> Iterator[Found]:
    """A provider block may stand in for a built-in one, also by mistake."""
    blocks = (context.document.get("models") or {}).get("providers") or {}
    for name, block in blocks.items():
        known = PROVIDERS.get(provider_id(name))
        address = block.get("baseUrl") if isinstance(block, Mapping) else None
        if known is not None and isinstance(address, str) and address.rstrip("/") != known.base_url:
            yield (
                WARN,
                f"models.providers.{name} stands in for the built-in provider: its requests go to another address.",
                f"If that is not meant: {context.command} config unset models.providers.{name}",
            )


@check("secrets.plain", "Secrets")
def plain_secrets(context: DoctorContext) -> Iterator[Found]:
    """Secrets in the config work, but travel with every copy of it."""
    if not isinstance(context.plain.authored, Mapping):
        return
    found = [leaf for leaf in secret_leaves(context.plain.authored) if leaf.form is SecretForm.PLAIN]
    if found:
        yield (
            NOTE,
            f"Written out in the config: {count(len(found), 'secret')}.",
            f"List them, and move them to .env, with: {context.command} secrets audit",
        )


CHECKS: Final = (shape, warnings, missing, channels, providers, plain_secrets)
LAST: Final = (invalid,)
