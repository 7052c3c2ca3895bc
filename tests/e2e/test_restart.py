"""A restart from inside takes the whole config anew: also where it listens, and whether it may."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from openclaw.system.errors import Unavailable
from support.process import GatewayProcess, base_config, free_port, gateway_process
from support.straight import operator
from support.waiting import until

pytestmark = [pytest.mark.e2e]


async def patch(gateway: GatewayProcess, change: dict[str, Any]) -> dict[str, Any]:
    async with operator(gateway, "operator.admin") as client:
        base = (await client.call("config.get"))["hash"]
        params = {"raw": json.dumps(change), "baseHash": base, "restartDelayMs": 10, "confirmWiden": True}
        answer: dict[str, Any] = await client.call("config.patch", params)
        return answer


def announced(gateway: GatewayProcess) -> list[str]:
    return [line.split()[2] for line in gateway.output if line.startswith("listening on ")]


@pytest.mark.asyncio
async def test_a_new_port_is_listened_on_and_the_old_one_no_more(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        old, new = gateway.url, free_port()
        assert (await patch(gateway, {"gateway": {"port": new}}))["restart"]["mode"] == "signal"
        await until(lambda: len(announced(gateway)) == 2)
        assert announced(gateway)[1] == f"ws://127.0.0.1:{new}"
        assert json.loads((gateway.state / "gateway.lock").read_text())["port"] == new
        gateway.config["gateway"]["port"] = new
        async with operator(gateway, "operator.read") as client:
            assert (await client.call("health"))["ok"] is True
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.ws_connect(old)


@pytest.mark.asyncio
async def test_a_bind_that_was_narrowed_is_narrow_after_the_restart(tmp_path: Path) -> None:
    wide = base_config(free_port())
    wide["gateway"] |= {"bind": "custom", "customBindHost": "0.0.0.0"}
    async with gateway_process(tmp_path, gateway=wide["gateway"]) as gateway:
        assert listeners(gateway) == {"0.0.0.0"}
        await patch(gateway, {"gateway": {"bind": "loopback"}})
        await until(lambda: len(announced(gateway)) == 2)
        assert listeners(gateway) <= {"127.0.0.1", "::1"}


def listeners(gateway: GatewayProcess) -> set[str]:
    """Return the addresses on which the process accepts connections."""
    import psutil

    assert gateway.process is not None
    rows = psutil.Process(gateway.process.pid).net_connections(kind="tcp")
    return {row.laddr.ip for row in rows if row.status == psutil.CONN_LISTEN and row.laddr.port == gateway.port}


@pytest.mark.asyncio
async def test_a_restart_into_a_gateway_that_may_not_start_ends_with_the_reason(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        with contextlib.suppress(Unavailable):  # the restart may be quicker than the goodbye
            await patch(gateway, {"gateway": {"mode": "remote"}})
        assert gateway.process is not None
        assert await gateway.process.wait() == 1
        assert "gateway.mode" in gateway.output[-1]
        assert "Traceback" not in "\n".join(gateway.output)
