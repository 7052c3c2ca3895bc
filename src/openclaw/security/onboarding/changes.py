"""What answers come to in the config. Pure: nothing is read or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from openclaw.agent.models.catalog import PROVIDERS
from openclaw.config.baseline import DEFAULT_PORT, missing_parts
from openclaw.config.issues import Parts
from openclaw.config.paths import get_value, set_value, unset_value
from openclaw.config.text_edit import Change, Drop, Put
from openclaw.security.onboarding.answers import Answers, GatewayAnswer, ModelAnswer
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret

DENIED_NODE_COMMANDS: Final = (
    "camera.snap",
    "camera.clip",
    "screen.record",
    "calendar.add",
    "contacts.add",
    "reminders.add",
)
"""What nodes are not asked to do until somebody allows it."""
_SANDBOX: Final[Parts] = ("agents", "defaults", "sandbox")


def config_changes(
    answers: Answers, document: Mapping[str, Any], *, home: Path, token: str, sandboxed: bool, has_secret: bool
) -> list[Change]:
    """Return the changes that make a config say what was decided, over the baseline where nothing was set up yet.

    Args:
        answers: the decisions.
        document: effective values as they are.
        home: home directory, for paths.
        token: fresh token, used where the gateway has no secret.
        sandboxed: a sandbox works on this machine.
        has_secret: the gateway has a secret already.

    Raises:
        InvalidInput: the answers contradict each other.
    """
    if answers.mode == "remote":
        return _remote(answers)
    wanted = [*_gateway(answers, document, token, has_secret=has_secret), *_rest(answers, document, home)]
    base = missing_parts(
        document,
        token,
        sandboxed=sandboxed,
        has_secret=has_secret or _gives_secret(answers.gateway),
        port=answers.gateway.port or DEFAULT_PORT,
    )
    return [*(put for put in base if not _is_decided(put.parts, wanted)), *wanted]


def _is_decided(parts: Parts, wanted: Iterable[Change]) -> bool:
    """Tell whether the answers speak of a place, of what is below it, or of where commands run."""
    decided = [change.parts for change in wanted]
    if parts[:3] == _SANDBOX or parts[:2] == ("tools", "exec"):
        return any(one[:3] == _SANDBOX or one[:2] == ("tools", "exec") for one in decided)
    return any(one[: len(parts)] == parts or parts[: len(one)] == one for one in decided)


def _remote(answers: Answers) -> list[Change]:
    if answers.remote is None:
        raise InvalidInput("remote mode needs the address of the gateway (--remote-url)")
    changes: list[Change] = [Put(("gateway", "mode"), "remote"), Put(("gateway", "remote", "url"), answers.remote.url)]
    if answers.remote.token is not None:
        changes.append(Put(("gateway", "remote", "token"), answers.remote.token.reveal()))
    return changes


def _gives_secret(gateway: GatewayAnswer) -> bool:
    return gateway.token is not None or gateway.password is not None


def _gateway(answers: Answers, document: Mapping[str, Any], token: str, *, has_secret: bool) -> list[Change]:
    given = settled(answers.gateway)
    puts: list[Change] = [Put(("gateway", "mode"), "local")]
    plain = {
        ("port",): given.port,
        ("bind",): given.bind,
        ("customBindHost",): given.custom_host,
        ("auth", "mode"): given.auth,
        ("tailscale", "mode"): given.tailscale,
        ("tailscale", "resetOnExit"): given.reset_on_exit,
    }
    puts += [Put(("gateway", *parts), value) for parts, value in plain.items() if value is not None]
    if given.token is not None:
        puts.append(Put(("gateway", "auth", "token"), given.token.reveal()))
    elif given.auth == "token" and not (has_secret and get_value(document, ("gateway", "auth", "token"))[0]):
        puts.append(Put(("gateway", "auth", "token"), token))
    if given.password is not None:
        puts.append(Put(("gateway", "auth", "password"), given.password.reveal()))
    if not get_value(document, ("gateway",))[0]:
        puts.append(Put(("gateway", "nodes", "denyCommands"), list(DENIED_NODE_COMMANDS)))
    return puts


def settled(given: GatewayAnswer) -> GatewayAnswer:
    """Return the answers with what follows from Tailscale: it needs loopback, and on the internet a password.

    Raises:
        InvalidInput: a password is asked for and not given, or an address is missing.
    """
    auth = given.auth or ("token" if given.token is not None else "password" if given.password is not None else None)
    auth = "password" if given.tailscale == "funnel" else auth
    bind = "loopback" if given.tailscale in ("serve", "funnel") else given.bind
    if auth == "password" and given.password is None:
        why = "Tailscale Funnel needs a password" if given.tailscale == "funnel" else "password login needs a password"
        raise InvalidInput(f"{why} (--gateway-password)")
    if bind == "custom" and not given.custom_host:
        raise InvalidInput("a custom bind needs an IP address (--gateway-custom-host)")
    host = given.custom_host if bind == "custom" else None
    return GatewayAnswer(
        given.port, bind, host, auth, given.token, given.password, given.tailscale, given.reset_on_exit
    )


def _rest(answers: Answers, document: Mapping[str, Any], home: Path) -> list[Change]:
    puts: list[Change] = []
    if answers.workspace is not None:
        puts.append(Put(("agents", "defaults", "workspace"), with_tilde(answers.workspace, home)))
    if answers.model is not None:
        puts += _model(answers.model)
    if answers.telegram is not None:
        puts += _telegram(answers.telegram, document)
    if answers.sandbox is not None:
        puts += _sandbox(answers, document)
    return puts


def with_tilde(path: Path, home: Path) -> str:
    """Return a path as a config writes it."""
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


def _model(model: ModelAnswer) -> list[Change]:
    puts: list[Change] = [Put(("agents", "defaults", "model", "primary"), model.ref)]
    known = PROVIDERS.get(model.provider)
    if model.base_url is not None or (known is not None and known.any_key):
        base = model.base_url or (known.base_url if known is not None else "")
        api = model.api or (known.api if known is not None else "openai-completions")
        block = ("models", "providers", model.provider)
        puts.append(Put((*block, "baseUrl"), base))
        puts.append(Put((*block, "api"), api))
        puts.append(Put((*block, "models"), [{"id": model.model, "name": model.model}]))
    if model.secret is not None:
        profile = {"provider": model.provider, "mode": model.kind}
        puts.append(Put(("auth", "profiles", model.profile_id), profile))
    return puts


def _telegram(token: Secret, document: Mapping[str, Any]) -> list[Change]:
    block = ("channels", "telegram")
    puts: list[Change] = [Put((*block, "enabled"), True), Put((*block, "botToken"), token.reveal())]
    if not get_value(document, (*block, "dmPolicy"))[0]:
        puts.append(Put((*block, "dmPolicy"), "pairing"))
    return puts


def _sandbox(answers: Answers, document: Mapping[str, Any]) -> list[Change]:
    """Return the sandbox; without one, commands wait for a yes (exec.md 1.2 item 4)."""
    puts: list[Change] = [Put((*_SANDBOX, "mode"), answers.sandbox)]
    if answers.sandbox == "off":
        ask = {"host": "gateway", "security": "allowlist", "ask": "on-miss"}
        if not get_value(document, ("tools", "exec", "host"))[0]:
            puts += [Put(("tools", "exec", name), value) for name, value in ask.items()]
    elif not get_value(document, (*_SANDBOX, "workspaceAccess"))[0]:
        puts.append(Put((*_SANDBOX, "workspaceAccess"), "rw"))
    return puts


def applied(document: Mapping[str, Any], changes: Iterable[Change]) -> dict[str, Any]:
    """Return a document with the changes made, for looking ahead."""
    value: Any = dict(document)
    for change in changes:
        if isinstance(change, Drop):
            value = unset_value(value, change.parts)
        else:
            value = set_value(value, change.parts, change.value)
    return dict(value)
