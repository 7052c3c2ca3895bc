"""The parameters of the exec tool (exec.md 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from openclaw.tools.contract import Params


def _needs_command(schema: dict[str, Any]) -> None:
    schema["required"] = ["command"]
    schema["properties"]["command"].pop("default", None)


class ExecParams(Params):
    """Parameters of `exec`."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        json_schema_extra=_needs_command,
    )

    command: str = ""
    """Shell command line to run."""
    workdir: str | None = None
    """Directory to run it in; the workspace when left out."""
    env: Mapping[str, str] | None = None
    """Environment variables to set; on a host only those that the configuration allows."""
    yield_ms: float | None = None
    """Milliseconds to wait before the command goes on in the background."""
    background: bool = False
    """Go to the background at once."""
    timeout: float | None = None
    """Seconds after which the command is killed; 0 means never."""
    pty: bool = False
    """Run in a pseudo-terminal; on a host only."""
    elevated: bool | None = None
    """Run on the gateway host although the session is sandboxed, where the sender may."""
    host: str | None = None
    """Where to run: sandbox, gateway or node. Only the configured place is allowed."""
    security: str | None = None
    """deny, allowlist or full; it can only be tightened."""
    ask: str | None = None
    """off, on-miss or always; it can only be tightened."""
    node: str | None = None
    """Node to run on, by id or name."""
