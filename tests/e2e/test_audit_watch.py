"""The gateway looks at itself: at the start, after a changed config, and when it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.process import GatewayProcess, gateway_process
from support.waiting import until

pytestmark = [pytest.mark.e2e]

OPEN = "tools.elevated.allowFrom.telegram.wildcard"


async def findings(gateway: GatewayProcess) -> list[str]:
    code, out, err = await gateway.run_cli("gateway", "call", "security.audit", "--json")
    assert code == 0, err
    return [row["checkId"] for row in json.loads(out)["findings"]]


def logged(gateway: GatewayProcess, check: str) -> int:
    return sum(f"security audit: critical {check}" in line for line in gateway.output)


async def counts(gateway: GatewayProcess) -> Any:
    _, out, _ = await gateway.run_cli("status", "--json")
    return json.loads(out)["securityAudit"]["summary"]


@pytest.mark.asyncio
async def test_what_is_new_is_logged_once_and_told_when_asked(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        assert OPEN not in await findings(gateway)
        assert logged(gateway, OPEN) == 0

        gateway.config["tools"] = {"elevated": {"allowFrom": {"telegram": ["*"]}}}
        gateway.write_config()
        await until(lambda: logged(gateway, OPEN) == 1)
        assert OPEN in await findings(gateway)
        assert (await counts(gateway))["critical"] >= 1

        gateway.config["messages"] = {"ackReaction": "x"}
        gateway.write_config()
        await gateway.run_cli("health")
        assert logged(gateway, OPEN) == 1
