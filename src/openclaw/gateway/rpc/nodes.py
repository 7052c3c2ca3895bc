"""What nodes and the scheduler answer while neither does anything here (gateway.md 1.6, 3.9, 3.10).

Nodes that are paired as devices are listed and stay connected; no command is relayed to them, and their events have no
effect. There is no scheduler in this build, and `cron.status` says so.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated, Any, Final

from pydantic import Field

from openclaw.gateway.connections import Connection
from openclaw.gateway.rpc.contract import Call, OpenParams, Params, Text, rpc
from openclaw.policy.where.scopes import Role
from openclaw.policy.who.device_records import PairedDevice
from openclaw.protocol.errors import invalid_request

log = logging.getLogger(__name__)

MAX_CRON_PAGE: Final = 200


@rpc("node.list")
async def list_nodes(call: Call, _params: Params) -> Any:
    """Return paired and connected nodes, connected ones first."""
    known = await asyncio.to_thread(call.services.devices.snapshot)
    live = {
        connection.peer.device_id: connection
        for connection in call.services.connections
        if connection.peer.role is Role.NODE and connection.peer.device_id is not None
    }
    rows = [
        _row(device, live.get(key))
        for key, device in known.paired.items()
        if Role.NODE in device.roles and not device.revoked(Role.NODE)
    ]
    rows.sort(key=lambda row: (not row["connected"], str(row.get("displayName") or row["nodeId"]).lower()))
    return {"ts": call.services.clock.now_ms(), "nodes": rows}


def _row(device: PairedDevice, connection: Connection | None) -> dict[str, Any]:
    facts = device.facts
    row: dict[str, Any] = {
        "nodeId": facts.device_id,
        "displayName": facts.display_name,
        "platform": facts.platform,
        "deviceFamily": facts.device_family,
        "remoteIp": facts.remote_ip,
        "version": None if connection is None else connection.peer.client.version,
        "modelIdentifier": None if connection is None else connection.peer.client.model_identifier,
        "connectedAtMs": None if connection is None else connection.connected_ms,
    }
    return {
        **{name: value for name, value in row.items() if value is not None},
        "caps": [] if connection is None else sorted(connection.peer.caps),
        "commands": [] if connection is None else list(connection.peer.commands),
        "paired": True,
        "connected": connection is not None,
    }


class NodeNews(OpenParams):
    """What a node tells of itself after connect; nothing of it is used in this build."""


@rpc("node.event", NodeNews)
def node_event(call: Call, _params: Params) -> Any:
    """Take an event of a node; none has an effect, and a node learns nothing from the answer (advisory B12)."""
    log.debug("an event of node %s was dropped", call.connection.peer.identity)
    return {"ok": True}


@rpc("node.invoke.result", NodeNews)
def node_result(_call: Call, _params: Params) -> Any:
    """Take the result of an invocation: none was asked for, so it comes late."""
    return {"ok": True, "ignored": True}


@rpc("node.skills.update", NodeNews)
def node_skills(call: Call, _params: Params) -> Any:
    """Answer a newer node host; its skills are not used."""
    return {"nodeId": call.connection.peer.identity, "skills": []}


@rpc("node.pluginTools.update", NodeNews)
def node_tools(call: Call, _params: Params) -> Any:
    """Answer a newer node host; its tools are not used."""
    return {"nodeId": call.connection.peer.identity, "tools": []}


class CronListParams(OpenParams):
    """`cron.list`; newer clients read it page by page."""

    include_disabled: bool | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_CRON_PAGE)] | None = None
    offset: Annotated[int, Field(ge=0)] | None = None


@rpc("cron.list", CronListParams)
def cron_list(_call: Call, params: CronListParams) -> Any:
    """Return the jobs: there are none without a scheduler. Newer clients need all facts of a page, or none."""
    return {
        "jobs": [],
        "snapshotRevision": "0",
        "total": 0,
        "offset": params.offset or 0,
        "limit": params.limit or MAX_CRON_PAGE,
        "hasMore": False,
        "nextOffset": None,
    }


@rpc("cron.status")
def cron_status(_call: Call, _params: Params) -> Any:
    """Return the state of the scheduler: off."""
    return {"enabled": False, "storePath": "", "jobs": 0, "nextWakeAtMs": None}


class CronGetParams(OpenParams):
    """`cron.get`."""

    id: Text


@rpc("cron.get", CronGetParams)
def cron_get(_call: Call, params: CronGetParams) -> Any:
    """Return one job: there are none without a scheduler."""
    details = {"code": "CRON_JOB_NOT_FOUND", "jobId": params.id}
    raise invalid_request(f"cron job not found: {params.id}", details)


METHODS = (
    list_nodes,
    node_event,
    node_result,
    node_skills,
    node_tools,
    cron_list,
    cron_status,
    cron_get,
)
