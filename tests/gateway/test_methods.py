"""The dispatcher and the methods: scopes, parameters, errors, answers (gateway.md 1.2, 2.6, 3)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from openclaw.gateway.rpc.contract import NoParams, Params, rpc
from openclaw.gateway.rpc.methods import METHODS
from openclaw.policy.where.scopes import Role, Scope, authorize, operation
from openclaw.system.errors import Unavailable
from support.gateway import ADMIN_SCOPES, TestGateway, Wire, client, new_device, running_gateway

SCOPE_SETS: tuple[tuple[str, ...], ...] = (
    (),
    ("operator.read",),
    ("operator.write",),
    ("operator.approvals",),
    ("operator.pairing",),
    ("operator.admin",),
)
IMPLIED = {
    "operator.write": {"operator.write", "operator.read"},
    "operator.admin": {scope.value for scope in Scope},
}


def holds(scopes: tuple[str, ...], needed: str) -> bool:
    return any(needed in IMPLIED.get(scope, {scope}) for scope in scopes)


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("scopes", SCOPE_SETS)
@pytest.mark.asyncio
async def test_adv_B16_every_method_is_reached_with_exactly_the_scope_of_the_table(
    tmp_path: Path, protocol: int, scopes: tuple[str, ...]
) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        client(gateway, protocol=protocol, scopes=scopes) as socket,
    ):
        for method in METHODS:
            if operation(method.name).role is Role.NODE:
                assert (await socket.error(method.name))["message"] == "unauthorized role: operator"
                continue
            needed = operation(method.name).scope
            frame = await socket.call(method.name, {"unknown key": 1} if method.params is not NoParams else {})
            denied = (frame.get("error") or {}).get("message", "").startswith("missing scope")
            assert denied is not holds(scopes, needed), method.name
            if denied:
                assert frame["error"]["message"] == f"missing scope: {needed}"
                assert frame["error"]["code"] == ("INVALID_REQUEST" if protocol == 3 else "FORBIDDEN")
                if protocol == 4:
                    assert frame["error"]["details"]["missingScope"] == needed


def test_every_method_is_in_the_operation_table_or_needs_admin() -> None:
    names = [method.name for method in METHODS]
    assert len(names) == len(set(names))
    for name in names:
        expected = "" if operation(name).role is Role.NODE else "unauthorized role: node"
        assert authorize(name, "node", ()).message == expected


@pytest.mark.asyncio
async def test_an_unknown_method_tells_only_an_admin_that_it_is_unknown(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        async with client(gateway) as admin:
            assert (await admin.error("no.such.method"))["message"] == "unknown method: no.such.method"
            assert (await admin.error("node.event", {}))["message"] == "unauthorized role: operator"
        async with client(gateway, scopes=["operator.write"]) as writer:
            assert (await writer.error("no.such.method"))["message"] == "missing scope: operator.admin"


@pytest.mark.asyncio
async def test_a_node_reaches_no_operator_method_and_hears_no_conversation(tmp_path: Path) -> None:
    node = {"id": "node-host", "mode": "node"}
    async with (
        running_gateway(tmp_path) as gateway,
        client(gateway, device=new_device(), role="node", scopes=[], client=node) as socket,
    ):
        assert socket.hello["snapshot"]["presence"] == []
        assert "sessionDefaults" not in socket.hello["snapshot"]
        for name in ("health", "chat.send", "sessions.list", "no.such.method"):
            assert (await socket.error(name))["message"] == "unauthorized role: node"
        news = {"skills": [], "unknown": 1}
        assert await socket.ok("node.event", {"event": "agent.request", "payload": {"message": "do it"}}) == {
            "ok": True
        }
        assert await socket.ok("node.invoke.result", {"id": "x", "payloadJSON": None}) == {"ok": True, "ignored": True}
        assert (await socket.ok("node.skills.update", news))["skills"] == []
        assert (await socket.ok("node.pluginTools.update", {"tools": []}))["tools"] == []
        assert (await socket.error("node.runnerInventory.update", {}))["message"].startswith("unknown method")
        assert gateway.agent.requests == []
        gateway.app.services.connections.broadcast("chat", {"text": "private"})
        gateway.app.services.connections.broadcast("presence", {"presence": []})
        gateway.app.services.connections.broadcast("tick", {"ts": 1})
        frame = await socket.next()
        assert frame is not None
        assert (frame["event"], frame["seq"]) == ("tick", 1)


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("sessions.list", {"foo": 1}, "invalid sessions.list params: at root: unexpected property 'foo'"),
        ("sessions.list", {"limit": 0}, "invalid sessions.list params: at /limit: must be >= 1"),
        ("sessions.list", {"limit": "5"}, "invalid sessions.list params: at /limit: must be integer"),
        ("sessions.list", [], "invalid sessions.list params: must be object"),
        ("sessions.patch", {}, "invalid sessions.patch params: must have required property 'key'"),
        ("sessions.resolve", {}, "invalid sessions.resolve params: must have exactly one of key, sessionId, label"),
        ("sessions.resolve", {"key": "zz"}, "No session found: zz"),
        ("sessions.delete", {"key": "main"}, "Cannot delete the main session (agent:main:main)."),
        ("chat.send", {"sessionKey": "main", "message": ""}, "must have required property 'idempotencyKey'"),
        (
            "chat.send",
            {"sessionKey": "main", "message": " ", "idempotencyKey": "k"},
            "message or attachment required",
        ),
        ("chat.history", {"sessionKey": "main", "limit": 1001}, "at /limit: must be <= 1000"),
        ("chat.inject", {"sessionKey": "other", "message": "x"}, "session not found"),
        ("system-event", {"text": "  "}, "text required"),
        ("wake", {"mode": "later", "text": "x"}, "at /mode: must be equal to one of the allowed values"),
        ("agent", {"message": "x", "idempotencyKey": "k", "agentId": "nobody"}, 'unknown agent id "nobody"'),
        (
            "agent",
            {"message": "x", "idempotencyKey": "k", "agentId": "main", "sessionKey": "agent:other:main"},
            "does not match",
        ),
        ("agent", {"message": "x", "idempotencyKey": "k", "channel": "pager"}, "unknown channel: pager"),
        (
            "agent",
            {"message": "x", "idempotencyKey": "k", "channel": "whatsapp", "to": "+1555", "deliver": True},
            "unknown channel: whatsapp",
        ),
        ("agent.identity.get", {"agentId": "nobody"}, "unknown agent id"),
        ("device.pair.approve", {"requestId": "no"}, "unknown requestId"),
        ("device.pair.reject", {"requestId": "no"}, "unknown requestId"),
        ("device.token.rotate", {"deviceId": "no", "role": "operator"}, "unknown deviceId/role"),
        ("device.token.revoke", {"deviceId": "no", "role": "operator"}, "unknown deviceId/role"),
        ("exec.approval.resolve", {"id": "nothing-here", "decision": "allow-once"}, "unknown approval id"),
        ("exec.approval.resolve", {"id": "x", "decision": "maybe"}, "invalid decision"),
        ("cron.get", {"id": "x"}, "cron job not found: x"),
        ("logs.tail", {"limit": 5001}, "at /limit: must be <= 5000"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_wrong_is_said(tmp_path: Path, method: str, params: Any, message: str) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        error = await socket.error(method, params)
        assert error["code"] == "INVALID_REQUEST"
        assert message in error["message"]


@pytest.mark.asyncio
async def test_a_turn_that_is_not_delivered_may_name_a_channel_that_is_not_set_up(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        params = {"message": "x", "idempotencyKey": "k", "channel": "whatsapp", "sessionKey": "agent:main:main"}
        assert (await socket.call("agent", params))["payload"]["status"] == "accepted"
        assert gateway.agent.requests[-1].target is None


@pytest.mark.asyncio
async def test_every_fault_of_the_params_is_listed(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        error = await socket.error("chat.send", {"message": 1, "b": 2, "attachments": {}})
        assert error["message"] == (
            "invalid chat.send params: must have required property 'sessionKey'; at /message: must be string; "
            "must have required property 'idempotencyKey'; at /attachments: must be array; "
            "at root: unexpected property 'b'"
        )


@pytest.mark.asyncio
async def test_protocol_4_ignores_keys_that_we_do_not_know(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway, protocol=4) as socket:
        assert (await socket.ok("sessions.list", {"limit": 5, "offset": 0, "scope": "x"}))["count"] == 1
        page = {"total": 0, "offset": 3, "limit": 5, "hasMore": False, "nextOffset": None, "snapshotRevision": "0"}
        assert await socket.ok("cron.list", {"limit": 5, "offset": 3, "query": "x"}) == {"jobs": [], **page}
        assert (await socket.error("sessions.list", {"limit": "x", "y": 1}))["message"].endswith("must be integer")


@pytest.mark.asyncio
async def test_params_may_be_absent_or_null(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        for method in ("health", "status", "system-presence", "last-heartbeat", "sessions.list"):
            assert (await socket.call(method))["ok"]
            await socket.send({"type": "req", "id": method, "method": method, "params": None})
            assert (await socket.response(method))["ok"]


@pytest.mark.asyncio
async def test_read_methods_answer_in_the_shapes_of_the_page(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway, scopes=["operator.read"]) as socket:
        health = await socket.ok("health", {"probe": True})
        assert {"ok", "ts", "durationMs", "channels", "channelOrder", "channelLabels", "agents", "sessions"} <= set(
            health
        )
        assert health["channels"]["telegram"]["configured"] is True
        assert health["agents"][0]["heartbeat"]["every"] == "30m"
        status = await socket.ok("status")
        assert status["queuedSystemEvents"] == []
        row = status["sessions"]["recent"][0]
        assert (row["agentId"], row["remainingTokens"], row["percentUsed"]) == ("main", 985, 2)
        presence = await socket.ok("system-presence")
        assert presence[-1]["mode"] == "gateway" or presence[0]["mode"] == "gateway"
        assert await socket.ok("models.list") == {"models": [{"id": "echo", "name": "Echo", "provider": "offline"}]}
        identity = await socket.ok("agent.identity.get", {"sessionKey": "main"})
        assert identity == {"agentId": "main", "name": "Claw", "avatar": "A", "emoji": "C"}
        assert (await socket.ok("config.get"))["raw"] is None
        assert (await socket.ok("node.list"))["nodes"] == []
        assert await socket.ok("cron.status") == {"enabled": False, "storePath": "", "jobs": 0, "nextWakeAtMs": None}


@pytest.mark.asyncio
async def test_config_get_shows_paths_to_admins_only(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        assert (await socket.ok("config.get"))["path"] == "/state/openclaw.json"
        await socket.ok("config.patch", {"raw": "{}", "baseHash": "x", "confirmWiden": True})
        assert gateway.config.writes == [("patch", {"raw": "{}", "baseHash": "x", "confirmWiden": True})]


@pytest.mark.asyncio
async def test_sessions_patch_tells_null_from_absent(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        answer = await socket.ok("sessions.patch", {"key": "main", "thinkingLevel": None, "label": "work"})
        assert answer["key"] == "agent:main:main"
        assert answer["entry"]["thinkingLevel"] is None
        assert answer["entry"]["label"] == "work"
        assert "verboseLevel" not in answer["entry"]


@pytest.mark.asyncio
async def test_heartbeats_and_wakes(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        assert await socket.ok("last-heartbeat") is None
        gateway.app.heartbeats.record({"ts": 5, "status": "ok"})
        assert (await socket.event("heartbeat"))["payload"] == {"ts": 5, "status": "ok"}
        assert await socket.ok("last-heartbeat") == {"ts": 5, "status": "ok"}
        assert await socket.ok("set-heartbeats", {"enabled": False}) == {"ok": True, "enabled": False}
        assert (await socket.ok("status"))["heartbeat"]["agents"][0]["enabled"] is False
        assert await socket.ok("wake", {"mode": "now", "text": "look"}) == {"ok": True}
        assert gateway.events.lines == [("agent:main:main", "look", None, True)]


@pytest.mark.asyncio
async def test_agent_answers_twice_with_one_id(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        gateway.agent.hold = True
        params = {"message": "say it", "idempotencyKey": "run-1", "groupId": "g", "timeout": 9}
        first = await socket.call("agent", params)
        assert first["payload"]["status"] == "accepted"
        assert first["payload"]["runId"] == "run-1"
        again = await socket.call("agent", params)
        assert again["payload"] == {"runId": "run-1", "status": "in_flight"}
        assert (await socket.ok("agent.wait", {"runId": "run-1", "timeoutMs": 1}))["status"] == "timeout"
        gateway.agent.runs["run-1"].finish("said")
        last = await socket.response(first["id"])
        assert last["payload"]["result"]["payloads"] == [{"text": "said", "mediaUrl": None}]
        assert (await socket.call("agent", params))["payload"]["status"] == "ok"
        request = gateway.agent.requests[0]
        assert len(gateway.agent.requests) == 1
        assert (request.requester.group_id, request.timeout_seconds, request.command_text) == (None, 9, "")
        assert request.requester.scopes == frozenset(ADMIN_SCOPES)
        assert (await socket.ok("agent.wait", {"runId": "run-1"}))["status"] == "ok"


@pytest.mark.asyncio
async def test_a_failed_run_is_a_failed_answer_with_its_payload(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        gateway.agent.hold = True
        first = await socket.call("agent", {"message": "x", "idempotencyKey": "r"})
        gateway.agent.runs["r"].finish("", status="error", error="the model is not configured")
        last = await socket.response(first["id"])
        assert last["ok"] is False
        assert last["error"]["code"] == "UNAVAILABLE"
        assert last["error"]["message"] == "the model is not configured"
        assert last["payload"] == {"runId": "r", "status": "error", "summary": "the model is not configured"}


@pytest.mark.asyncio
async def test_an_idempotency_key_belongs_to_its_client(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for _ in range(2):
            async with client(gateway, device=new_device()) as socket:
                first = await socket.call("agent", {"message": "x", "idempotencyKey": "same"})
                assert first["payload"]["status"] == "accepted"
                await socket.response(first["id"])
        assert len(gateway.agent.requests) == 2


@pytest.mark.asyncio
async def test_chat_abort_compares_canonical_keys(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        gateway.agent.hold = True
        await socket.ok("chat.send", {"sessionKey": "main", "message": "x", "idempotencyKey": "r"})
        answer = await socket.ok("chat.abort", {"sessionKey": "agent:main:main"})
        assert answer == {"ok": True, "aborted": True, "runIds": ["r"]}
        assert (await socket.ok("chat.abort", {"sessionKey": "main"}))["aborted"] is False


@pytest.mark.asyncio
async def test_logs_tail_is_redacted_and_names_the_path_to_admins_only(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        gateway.layout.logs.mkdir(parents=True)
        path = gateway.layout.logs / "openclaw-2026-11-24.log"
        path.write_text("one\nkeep hush\npart")
        async with client(gateway) as admin, client(gateway, scopes=["operator.read"]) as reader:
            found = await admin.ok("logs.tail", {})
            assert found["lines"] == ["one", "keep ***"]
            assert (found["file"], found["cursor"], found["size"]) == (str(path), 14, 18)
            assert (await reader.ok("logs.tail"))["file"] == path.name


# The dispatcher, with methods of the test


class Slow(Params):
    """Parameters of the test's own methods."""


@rpc("test.slow", Slow, deadline=0.05)
async def slow(call: Any, params: Slow) -> Any:
    """Never answer."""
    await asyncio.get_running_loop().create_future()


@rpc("test.bug")
def bug(call: Any, params: Params) -> Any:
    """Break."""
    raise KeyError("a secret detail")


@rpc("test.down")
async def down(call: Any, params: Params) -> Any:
    """Fail politely."""
    raise Unavailable("the disk is full; free some space")


async def answers(gateway: TestGateway, socket: Wire, name: str) -> dict[str, Any]:
    return await socket.error(name)


@pytest.mark.asyncio
async def test_deadlines_and_defects_become_errors_that_say_nothing_private(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path, methods=(*METHODS, slow, bug, down)) as gateway,
        client(gateway) as socket,
    ):
        late = await answers(gateway, socket, "test.slow")
        assert (late["code"], late["retryable"]) == ("UNAVAILABLE", True)
        assert "0.05 seconds" in late["message"]
        broken = await answers(gateway, socket, "test.bug")
        assert broken == {"code": "UNAVAILABLE", "message": "internal error; see the gateway log"}
        refused = await answers(gateway, socket, "test.down")
        assert refused["message"] == "the disk is full; free some space"
        assert await socket.ok("last-heartbeat") is None
