"""The config that `openclaw up` writes: the secure baseline, and what of it an existing config lacks. Pure.

Nothing that is written here lets a command run on the machine unasked (exec.md 1.2 item 4, advisory P13): commands run
in a sandbox, or, where none works, wait for a yes unless they are on the allowlist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.config.issues import Part, Parts
from openclaw.config.paths import get_value
from openclaw.config.text_edit import Put

DEFAULT_PORT: Final = 18789
TOKEN_BYTES: Final = 24
"""Random bytes of the generated token; it is written as hex."""

_SANDBOX: Final[Parts] = ("agents", "defaults", "sandbox")
_EXEC: Final[Parts] = ("tools", "exec")
_AUTH: Final[Parts] = ("gateway", "auth")


def baseline(token: str, *, sandboxed: bool, port: int = DEFAULT_PORT) -> dict[str, Any]:
    """Return the config of a fresh installation.

    Args:
        token: the gateway's token.
        sandboxed: a sandbox back end passed its probe on this machine.
        port: port of the gateway.
    """
    tools: dict[str, Any] = {"elevated": {"enabled": True, "allowFrom": {"webchat": ["owner"]}}}
    document: dict[str, Any] = {
        "gateway": {
            "mode": "local",
            "bind": "loopback",
            "port": port,
            "auth": {"mode": "token", "token": token},
            "trustedProxies": [],
        },
        "session": {"dmScope": "per-channel-peer"},
    }
    if sandboxed:
        document["agents"] = {"defaults": {"sandbox": {"mode": "all", "workspaceAccess": "rw"}}}
    else:
        tools = {"exec": {"host": "gateway", "security": "allowlist", "ask": "on-miss"}, **tools}
    return {**document, "tools": tools}


def is_set_up(document: Mapping[str, Any]) -> bool:
    """Tell whether somebody chose how the gateway runs; before that, the baseline is laid below the config."""
    return get_value(document, ("gateway", "mode"))[0]


def missing_parts(
    document: Mapping[str, Any], token: str, *, sandboxed: bool, has_secret: bool, port: int = DEFAULT_PORT
) -> list[Put]:
    """Return what a config lacks to be run.

    One that was never set up gets every key of the baseline that it does not have. Of one that was, only a missing
    secret is supplied; all else was somebody's choice.

    Args:
        document: effective values.
        token: the token to use where there is no secret.
        sandboxed: a sandbox back end passed its probe.
        has_secret: the gateway has a secret or another way to tell its callers apart.
        port: port of the gateway.
    """
    puts: list[Put] = []
    for parts, value in _leaves(baseline(token, sandboxed=sandboxed, port=port)):
        if get_value(document, parts)[0] or _is_stated_elsewhere(document, parts):
            continue
        if parts[:2] == _AUTH and has_secret:
            continue
        if is_set_up(document) and parts != (*_AUTH, "token"):
            continue
        puts.append(Put(parts, value))
    return puts


def _is_stated_elsewhere(document: Mapping[str, Any], parts: Parts) -> bool:
    """Tell whether the person already said how commands run or who may leave the sandbox."""
    if parts[:3] == _SANDBOX or parts[:2] == _EXEC:
        return any(get_value(document, block)[0] for block in (_SANDBOX, _EXEC))
    return parts[:2] == ("tools", "elevated") and get_value(document, ("tools", "elevated"))[0]


def _leaves(value: Mapping[str, Any], at: tuple[Part, ...] = ()) -> Iterator[tuple[Parts, Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _leaves(item, (*at, key))
        else:
            yield (*at, key), item
