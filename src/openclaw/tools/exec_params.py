"""The parameters of the exec tool (exec.md 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field

from openclaw.tools.contract import Params


def _needs_command(schema: dict[str, Any]) -> None:
    schema["required"] = ["command"]
    schema["properties"]["command"].pop("default", None)


class ExecParams(Params):
    """Parameters of `exec`."""

    model_config = ConfigDict(json_schema_extra=_needs_command)

    command: str = Field("", description="Shell command line to run.")
    workdir: str | None = Field(None, description="Directory to run it in; the workspace when left out.")
    env: Mapping[str, str] | None = Field(
        None, description="Environment variables to set; on a host only those that the configuration allows."
    )
    yield_ms: float | None = Field(
        None, description="Milliseconds to wait before the command goes on in the background."
    )
    background: bool = Field(False, description="Go to the background at once.")
    timeout: float | None = Field(None, description="Seconds after which the command is killed; 0 means never.")
    pty: bool = Field(False, description="Run in a pseudo-terminal; on a host only.")
    elevated: bool | None = Field(
        None, description="Run on the gateway host although the session is sandboxed, where the sender may."
    )
    host: str | None = Field(
        None, description="Where to run: sandbox, gateway or node. Only the configured place is allowed."
    )
    security: str | None = Field(None, description="deny, allowlist or full; it can only be tightened.")
    ask: str | None = Field(None, description="off, on-miss or always; it can only be tightened.")
    node: str | None = Field(None, description="Node to run on, by id or name.")
