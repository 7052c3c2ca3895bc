"""Who can reach the gateway and talk to the bot; the audit says it in full (config.md 5.1 row 16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openclaw.policy.where.key_ids import DmScope
from openclaw.policy.who.access_policy import AccountAccess
from openclaw.policy.who.gateway_policy import AuthMode, TailscaleMode
from openclaw.policy.who.rule_columns import DmPolicy, GroupPolicy
from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.model import ERROR, NOTE, WARN, Found, check

TITLE: Final = "Security"


@check("security.bind", TITLE)
def bind(context: DoctorContext) -> Iterator[Found]:
    """A gateway that listens beyond this machine."""
    if context.policy is None:
        return
    gateway = context.policy.gateway
    closed = gateway.has_shared_secret or gateway.auth_mode is AuthMode.TRUSTED_PROXY
    if not gateway.binds_loopback and closed:
        yield (
            WARN,
            f"gateway.bind is {gateway.bind.value}: the gateway can be reached from other machines, with its secret.",
            f"If that is not needed: {context.command} config set gateway.bind loopback",
        )
    elif not gateway.binds_loopback:
        yield ERROR, f"gateway.bind is {gateway.bind.value} and there is no secret; the gateway will not start."
    if gateway.tailscale is TailscaleMode.FUNNEL:
        yield WARN, "gateway.tailscale.mode is funnel: the gateway can be reached from the whole internet."


@check("security.channels", TITLE)
def channels(context: DoctorContext) -> Iterator[Found]:
    """Per channel and account: open to all, shut, locked, or several people in one session."""
    if context.policy is None:
        return
    shared = context.policy.routing.dm_scope is DmScope.MAIN
    for name, access in context.policy.access.channels.items():
        for account_name, account in access.accounts.items():
            if (
                account.configured
                and account.enabled
                and not account.rules.operator
                and _is_listed(context, name, account_name)
            ):
                approved = context.approved.get((name, account_name), 0)
                yield from _account(context, f"{name} ({account_name})", account, approved, shared=shared)


def _is_listed(context: DoctorContext, channel: str, account: str) -> bool:
    """Tell whether the config names an account; `default` is compiled beside listed ones too."""
    assert context.loaded.config is not None
    listed = {name.lower() for name in context.loaded.config.channels.accounts(channel)}
    return account in listed if listed else account == "default"


def _account(
    context: DoctorContext, name: str, account: AccountAccess, approved: int, *, shared: bool
) -> Iterator[Found]:
    policy, key = account.dm_policy, account.keys.get("dm_policy", "dmPolicy")
    listed = account.dm_list.size
    if not account.dm_enabled or policy is DmPolicy.DISABLED:
        yield NOTE, f"{name}: direct messages are switched off."
    elif policy is DmPolicy.OPEN or account.dm_list.wildcard:
        yield (
            WARN,
            f"{name}: anybody may write to the bot in private.",
            f"Safer: {context.command} config set {key} pairing",
        )
    elif policy is DmPolicy.ALLOWLIST and not listed and not approved:
        yield (
            WARN,
            f"{name}: nobody may write, because the list is empty.",
            f"Add somebody to {account.keys.get('allow_from', 'allowFrom')}.",
        )
    if (
        shared
        and account.dm_enabled
        and policy is not DmPolicy.DISABLED
        and (listed + approved > 1 or account.dm_list.wildcard)
    ):
        yield (
            WARN,
            f"{name}: several people share one session, so each can ask what the others wrote.",
            f"Keep them apart: {context.command} config set session.dmScope per-channel-peer",
        )
    if account.group_policy is GroupPolicy.OPEN:
        yield (
            WARN,
            f"{name}: anybody in any group may use the bot.",
            f"Safer: {context.command} config set {account.keys.get('group_policy', 'groupPolicy')} allowlist",
        )


@check("security.audit", TITLE)
def audit(context: DoctorContext) -> Iterator[Found]:
    """Doctor looks at whether it works; the audit at whether it is safe."""
    if context.policy is not None and context.loaded.source.exists:
        yield (
            NOTE,
            "Doctor looks at whether things work.",
            f"Whether they are safe: {context.command} security audit --deep",
        )


CHECKS: Final = (bind, channels, audit)
