"""sessions.* (gateway.md 3.5): parameters checked here, answered by the agent's session port."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from openclaw.gateway.rpc.contract import Call, Params, Text, rpc
from openclaw.protocol.errors import invalid_params

SLOW_DELETE_SECONDS = 30.0
Positive = Annotated[int, Field(ge=1)]


class SessionsListParams(Params):
    """`sessions.list`."""

    limit: Positive | None = None
    active_minutes: Positive | None = None
    include_global: bool | None = None
    include_unknown: bool | None = None
    include_derived_titles: bool | None = None
    include_last_message: bool | None = None
    label: Annotated[Text, Field(max_length=64)] | None = None
    spawned_by: Text | None = None
    agent_id: Text | None = None
    search: str | None = None


@rpc("sessions.list", SessionsListParams)
def list_sessions(call: Call, params: SessionsListParams) -> Any:
    """Return the sessions, newest first."""
    return call.services.agent.sessions.list(_given(params))


class SessionsPreviewParams(Params):
    """`sessions.preview`."""

    keys: Annotated[list[Text], Field(min_length=1)]
    limit: Positive | None = None
    max_chars: Annotated[int, Field(ge=20)] | None = None


@rpc("sessions.preview", SessionsPreviewParams)
def preview(call: Call, params: SessionsPreviewParams) -> Any:
    """Return the last lines of some sessions."""
    return call.services.agent.sessions.preview({**_given(params), "keys": params.keys[:64]})


class SessionsResolveParams(Params):
    """`sessions.resolve`."""

    key: Text | None = None
    session_id: Text | None = None
    label: Annotated[Text, Field(max_length=64)] | None = None
    agent_id: Text | None = None
    spawned_by: Text | None = None
    include_global: bool | None = None
    include_unknown: bool | None = None


@rpc("sessions.resolve", SessionsResolveParams)
def resolve(call: Call, params: SessionsResolveParams) -> Any:
    """Return the key of the one session that is meant."""
    given = [name for name in (params.key, params.session_id, params.label) if name is not None]
    if len(given) != 1:
        raise invalid_params("sessions.resolve", "must have exactly one of key, sessionId, label")
    return call.services.agent.sessions.resolve(_given(params))


class SessionsPatchParams(Params):
    """`sessions.patch`: null clears a setting, an absent key leaves it."""

    key: Text
    label: Annotated[Text, Field(max_length=64)] | None = None
    thinking_level: Text | None = None
    verbose_level: Text | None = None
    reasoning_level: Text | None = None
    response_usage: Literal["off", "tokens", "full", "on"] | None = None
    elevated_level: Text | None = None
    exec_host: Text | None = None
    exec_security: Text | None = None
    exec_ask: Text | None = None
    exec_node: Text | None = None
    model: Text | None = None
    spawned_by: Text | None = None
    send_policy: Literal["allow", "deny"] | None = None
    group_activation: Literal["mention", "always"] | None = None


@rpc("sessions.patch", SessionsPatchParams)
def patch(call: Call, params: SessionsPatchParams) -> Any:
    """Change the settings of a session."""
    return call.services.agent.sessions.patch(params.model_dump(by_alias=True, exclude_unset=True))


class SessionsResetParams(Params):
    """`sessions.reset`."""

    key: Text


@rpc("sessions.reset", SessionsResetParams)
def reset(call: Call, params: SessionsResetParams) -> Any:
    """Start a session anew."""
    return call.services.agent.sessions.reset(_given(params))


class SessionsDeleteParams(Params):
    """`sessions.delete`."""

    key: Text
    delete_transcript: bool | None = None


@rpc("sessions.delete", SessionsDeleteParams, deadline=SLOW_DELETE_SECONDS)
def delete(call: Call, params: SessionsDeleteParams) -> Any:
    """Remove a session; its transcript is renamed, not erased."""
    return call.services.agent.sessions.delete(_given(params))


def _given(params: Params) -> dict[str, Any]:
    return params.model_dump(by_alias=True, exclude_none=True)


METHODS = (list_sessions, preview, resolve, patch, reset, delete)
