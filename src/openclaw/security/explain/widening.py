"""What a change of the config newly admits, for everybody who is about to write one (config.md 1.8, 4.2).

The compiled policies are compared over their whole domain. Keys whose rooms have no policy yet (mounts and network of a
sandbox, plugins, HTTP endpoints, details of webhooks) are compared by the table of `openclaw.config.widening`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.config.widening import widens
from openclaw.policy.diff import Change, PolicyDiff, diff_policies
from openclaw.policy.snapshot import Policy
from openclaw.system.environment import Environment

_UNCOMPILED: Final = (
    ("agents", "defaults", "sandbox", "docker"),
    ("agents", "defaults", "sandbox", "browser"),
    ("agents", "list", "*", "sandbox", "docker"),
    ("agents", "list", "*", "sandbox", "browser"),
    ("gateway", "http"),
    ("hooks",),
    ("plugins",),
    ("browser",),
    ("skills",),
    ("tools", "message"),
)
"""Parts of a config that the policy does not hold."""
_COMPILED: Final = (("hooks", "enabled"), ("browser", "ssrfPolicy"))
"""What of them it does hold."""
_NO_NETWORK: Final = (None, "none")


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
        sectionless=_started_by_variables(environment),
    )
    old, new = uncompiled(known.document), uncompiled(after.document)
    return PolicyDiff(
        widens=(*found.widens, *_others(old, new)),
        narrows=(*found.narrows, *(Change(f"no longer: {change.text}", change.topic) for change in _others(new, old))),
    )


def _started_by_variables(environment: Environment) -> frozenset[str]:
    from openclaw.channels.registry import CHANNELS

    return frozenset(
        kind.id for kind in CHANNELS if kind.token_variable is not None and environment.get(kind.token_variable)
    )


def uncompiled(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a config document that no policy holds, at their places."""
    found: dict[str, Any] = {}
    for pattern in _UNCOMPILED:
        _copy(document, found, pattern)
    for *above, last in _COMPILED:
        holder = found
        for key in above:
            holder = holder.get(key) or {}
        holder.pop(last, None)
    return found


def _copy(source: Any, target: Any, pattern: Sequence[str]) -> None:
    """Copy what stands at a pattern; lists keep their length, so that places stay the same."""
    key, rest = pattern[0], pattern[1:]
    if key == "*":
        for one, other in zip(source, target, strict=True):
            _copy(one, other, rest)
        return
    if not isinstance(source, Mapping) or source.get(key) is None:
        return
    value = source[key]
    if not rest:
        target[key] = dict(value) if isinstance(value, Mapping) else value
        return
    if rest[0] == "*" and not isinstance(value, list | tuple):
        return
    _copy(value, target.setdefault(key, [{} for _ in value] if rest[0] == "*" else {}), rest)


def _others(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    texts = (*widens(before, after), *_networks(before, after))
    return tuple(Change(text, "config") for text in texts)


def _networks(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sandboxes that get a network."""
    old, new = _network_of(before), _network_of(after)
    return tuple(
        f"{place}: sandboxes join the network {name}"
        for place, name in new.items()
        if name not in _NO_NETWORK and name != old.get(place)
    )


def _network_of(document: Mapping[str, Any]) -> dict[str, Any]:
    agents = document.get("agents") or {}
    holders = {"agents.defaults.sandbox.docker.network": (agents.get("defaults") or {}).get("sandbox")}
    for number, entry in enumerate(agents.get("list") or ()):
        holders[f"agents.list.{number}.sandbox.docker.network"] = entry.get("sandbox")
    return {place: ((box or {}).get("docker") or {}).get("network") for place, box in holders.items()}
