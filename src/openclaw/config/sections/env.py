"""`env`: variables for what the gateway runs (config.md 1.5, 3.16).

The block also takes any other key with a text value; `Env.variables` is what both forms name together.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict

from openclaw.config.base import Block, Count, SecretRef, Secrets, SecretText, block
from openclaw.system.secret import Secret


class ShellEnv(Block):
    """Import of expected variables from the login shell."""

    enabled: bool | None = None
    """Import them. Default: false."""
    timeout_ms: Count | None = None
    """Time for that in milliseconds. Default: 15000."""


class Env(Block):
    """Variables for what the gateway runs; every other key with a text value is a variable too."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SecretText]
    extra_values: ClassVar[Any] = SecretText

    shell_env: ShellEnv = block(ShellEnv)
    """Import from the login shell."""
    vars: Secrets | None = None
    """Variables by name. Default: none."""

    @property
    def variables(self) -> Mapping[str, Secret | SecretRef]:
        """Return all variables; a name under `vars` comes before the same name beside it (config.md 1.5)."""
        return {**(self.__pydantic_extra__ or {}), **(self.vars or {})}
