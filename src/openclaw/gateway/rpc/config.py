"""config.*, models, agents and channels as clients see them (gateway.md 3.2, 3.3, 3.4, 3.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from openclaw.gateway.rpc.contract import Call, Params, Text, rpc
from openclaw.policy.where.scopes import Scope
from openclaw.policy.where.session_keys import agent_of
from openclaw.protocol.errors import invalid_request

MAX_RESTART_DELAY_MS: Final = 60_000
DEFAULT_NAME: Final = "Assistant"
DEFAULT_AVATAR: Final = "A"


@rpc("config.get")
def get(call: Call, _params: Params) -> Any:
    """Return the config file, redacted; without admin no path and no raw text."""
    return call.services.config.get(admin=call.connection.peer.has(Scope.ADMIN))


class ConfigSetParams(Params):
    """`config.set`."""

    raw: Text
    base_hash: Text | None = None
    confirm_widen: bool | None = None


class ConfigPatchParams(ConfigSetParams):
    """`config.patch` and `config.apply`."""

    session_key: str | None = None
    note: str | None = None
    restart_delay_ms: Annotated[int, Field(ge=0, le=MAX_RESTART_DELAY_MS)] | None = None


@rpc("config.set", ConfigSetParams)
def set_config(call: Call, params: ConfigSetParams) -> Any:
    """Replace the config file."""
    return call.services.config.write("set", params.model_dump(by_alias=True, exclude_none=True))


@rpc("config.patch", ConfigPatchParams)
def patch(call: Call, params: ConfigPatchParams) -> Any:
    """Merge into the config file."""
    return call.services.config.write("patch", params.model_dump(by_alias=True, exclude_none=True))


@rpc("config.apply", ConfigPatchParams)
def apply(call: Call, params: ConfigPatchParams) -> Any:
    """Replace the config file and put it into effect."""
    return call.services.config.write("apply", params.model_dump(by_alias=True, exclude_none=True))


@rpc("config.schema")
def schema(call: Call, _params: Params) -> Any:
    """Return the JSON Schema of the config and the hints for forms."""
    return call.services.config.schema()


@rpc("models.list")
def models_list(call: Call, _params: Params) -> Any:
    """Return the configured models."""
    return {"models": list(call.services.agent.models_list())}


@rpc("agents.list")
def agents_list(call: Call, _params: Params) -> Any:
    """Return the agents."""
    return call.services.agent.agents_list()


class IdentityParams(Params):
    """`agent.identity.get`."""

    agent_id: Text | None = None
    session_key: Text | None = None


@rpc("agent.identity.get", IdentityParams)
def identity(call: Call, params: IdentityParams) -> Any:
    """Return the name and picture of an agent."""
    agent = call.services.agent
    agents = agent.agents_list()
    wanted = params.agent_id or str(agents.get("defaultId", "main"))
    if params.session_key is not None:
        owner = agent_of(agent.sessions.canonical(params.session_key))
        if params.agent_id is not None and owner != params.agent_id:
            raise invalid_request("agentId does not match sessionKey")
        wanted = owner
    row: Mapping[str, Any] | None = next((one for one in agents.get("agents", ()) if one["id"] == wanted), None)
    if row is None:
        raise invalid_request("unknown agent id")
    known: Mapping[str, Any] = row.get("identity") or {}
    found: dict[str, Any] = {
        "agentId": wanted,
        "name": known.get("name") or row.get("name") or DEFAULT_NAME,
        "avatar": known.get("avatarUrl") or known.get("avatar") or DEFAULT_AVATAR,
    }
    if known.get("emoji"):
        found["emoji"] = known["emoji"]
    return found


class ChannelsStatusParams(Params):
    """`channels.status`."""

    probe: bool | None = None
    timeout_ms: Annotated[int, Field(ge=1000, le=120_000)] = 10_000


@rpc("channels.status", ChannelsStatusParams, deadline=130.0)
async def channels_status(call: Call, params: ChannelsStatusParams) -> Any:
    """Return the state of the channels and their accounts."""
    return await call.services.channels.status(bool(params.probe), params.timeout_ms)


METHODS = (get, set_config, patch, apply, schema, models_list, agents_list, identity, channels_status)
