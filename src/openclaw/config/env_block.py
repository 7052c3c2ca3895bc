"""The `env` block as a source of variables (config.md 1.2, 1.5): laid below the process environment, never into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from openclaw.config.issues import Issue, fault
from openclaw.config.substitute import has_reference
from openclaw.system.environment import PROCESS_ONLY, SHELL_IMPORT, Environment, controls_runtime

ORIGIN: Final = "env of the config"
_TYPED: Final = frozenset({"shellEnv", "vars"})


def apply_env(document: Any, environment: Environment) -> tuple[Environment, list[Issue]]:
    """Return the environment with the block's variables below it, and a warning for each that is refused.

    Values that are secret references, or refer to other variables, are left out: the former are resolved by whoever
    needs them, the latter are applied once the document is substituted.
    """
    block = document.get("env") if isinstance(document, Mapping) else None
    if not isinstance(block, Mapping):
        return environment, []
    listed = block.get("vars")
    named = [(("env", name), name, text) for name, text in block.items() if name not in _TYPED]
    first = (
        [(("env", "vars", name), name, text) for name, text in listed.items()] if isinstance(listed, Mapping) else []
    )
    values: dict[str, str] = {}
    warnings: list[Issue] = []
    for at, name, text in (*first, *named):
        if not isinstance(text, str) or has_reference(text):
            continue
        if why := refused(name):
            warnings.append(fault(at, why))
        elif text.strip():
            values.setdefault(name, text)
    return environment.below(values, ORIGIN), warnings


def refused(name: str) -> str | None:
    """Return why no file may set a variable, or None (advisory I3)."""
    if name in PROCESS_ONLY:
        return "is ignored: this variable counts only when the process itself has it"
    if controls_runtime(name):
        return "is ignored: this variable steers loaders, interpreters or shells"
    if "\0" in name or "=" in name or not name:
        return "is ignored: this is no name of a variable"
    return None


def shell_block(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `env.shellEnv`, empty when absent."""
    env = document.get("env")
    found = env.get("shellEnv") if isinstance(env, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def wants_shell(document: Mapping[str, Any], environment: Environment) -> bool:
    """Tell whether the login-shell import is asked for and none of the expected names has a value yet."""
    asked = shell_block(document).get("enabled") is True or environment.truthy("OPENCLAW_LOAD_SHELL_ENV")
    return asked and not any(environment.get(name) for name in SHELL_IMPORT)
