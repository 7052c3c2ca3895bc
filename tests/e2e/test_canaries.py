"""Secrets planted wherever they may lie are in nothing that the program shows, logs or hands on."""

from __future__ import annotations

import asyncio
import json
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest

from openclaw.gateway.rpc.methods import METHODS
from openclaw.protocol.client import GatewayClient
from openclaw.system.errors import OpenClawError
from support.planted_state import Planted, plant_config, plant_environment, plant_stores
from support.process import TOKEN as GATEWAY
from support.process import GatewayProcess, base_config, free_port
from support.straight import operator
from support.telegram_server import TOKEN, telegram_server

pytestmark = [pytest.mark.e2e, pytest.mark.sandbox]

ANN = 42
PLANTED = {
    "model key": "canary-model-7a3e91c5d2f8460b",
    "provider header": "canary-header-93be20d7a1c64f58",
    "hook token": "canary-hooks-5d0c7e1b94a2f386e7",
    "slack bot": "canary-slack-2b8f60d4e7a91c35",
    "remote": "canary-remote-e19d4b7a30c6f825",
    "environment": "canary-env-c47a0e92d1b85f63",
    "env block": "canary-block-06e3d9b1f7c28a54",
    "telegram": TOKEN,
    "gateway": GATEWAY,
}
SHOWN = (
    ("status", "--all"),
    ("status", "--all", "--deep", "--json"),
    ("config", "get", "--json"),
    ("config", "get", "models"),
    ("config", "validate"),
    ("gateway", "status", "--json"),
    ("sessions", "--json"),
    ("logs", "--json"),
    ("doctor", "--non-interactive"),
    ("security", "audit", "--json"),
    ("explain", "--matrix"),
    ("ledger", "verify"),
)


def planted(gateway: GatewayProcess, root: str) -> None:
    """Write a config that holds a canary in one secret field of each kind."""
    config = gateway.config
    config["gateway"] |= {"auth": {"mode": "token", "token": GATEWAY}, "remote": {"token": PLANTED["remote"]}}
    config["env"] = {"vars": {"BLOCK_KEY": PLANTED["env block"]}}
    config["hooks"] = {"enabled": False, "token": PLANTED["hook token"]}
    config["agents"]["defaults"]["model"] = {"primary": "offline/demo"}
    provider = {
        "baseUrl": "http://127.0.0.1:9/v1",
        "apiKey": PLANTED["model key"],
        "headers": {"X-Key": PLANTED["provider header"]},
        "models": [{"id": "m", "name": "m"}],
    }
    config["models"] = {"providers": {"local": provider}}
    config["channels"] = {
        "telegram": {"botToken": TOKEN, "apiRoot": root, "dmPolicy": "allowlist", "allowFrom": [ANN]},
        "slack": {"enabled": False, "botToken": PLANTED["slack bot"], "appToken": PLANTED["slack bot"]},
    }
    gateway.write_config()


def arguments_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")


def found_in(text: str) -> list[str]:
    return [name for name, canary in PLANTED.items() if canary in text]


@pytest.mark.asyncio
async def test_adv_O2_no_canary_is_shown_logged_or_handed_on(tmp_path: Path) -> None:
    extra = {"OPENAI_API_KEY": PLANTED["environment"]}
    async with telegram_server() as server:
        gateway = GatewayProcess(tmp_path, base_config(free_port()))
        planted(gateway, server.root)
        try:
            await gateway.start("--verbose", extra=extra)
            server.text("run env; cat /proc/1/environ /proc/*/cmdline", user=ANN)
            await server.until(lambda: len(server.sent) == 1)
            assert found_in(json.dumps(server.sent)) == []
            assert gateway.process is not None
            assert found_in(arguments_of(gateway.process.pid)) == []

            for arguments in SHOWN:
                _, out, err = await gateway.run_cli(*arguments)
                assert found_in(out + err) == [], arguments
            async with operator(gateway, "operator.admin") as client:
                for method in ("config.get", "status", "health", "sessions.list", "channels.status", "security.audit"):
                    assert found_in(json.dumps(await client.call(method))) == [], method
            await gateway.stop()
        finally:
            await gateway.kill()

        assert len(found_in((gateway.state / "openclaw.json").read_text(encoding="utf-8"))) == len(PLANTED) - 1
        assert found_in("\n".join(gateway.output)) == []
        for folder in ("logs", "ledger", "agents", "journal", "cache"):
            for path in (gateway.state / folder).rglob("*"):
                if path.is_file():
                    assert found_in(path.read_bytes().decode("utf-8", "replace")) == [], path


@pytest.mark.asyncio
async def test_a_backup_names_no_secret_in_its_list_and_is_private(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, base_config(free_port()))
    planted(gateway, "http://127.0.0.1:9")
    target = tmp_path / "out.zip"
    code, out, err = await gateway.run_cli("backup", "create", "--out", str(target))
    assert code == 0, err
    assert found_in(out + err) == []
    assert target.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(target) as archive:
        manifest = next(name for name in archive.namelist() if "manifest" in name)
        assert found_in(archive.read(manifest).decode()) == []


@pytest.mark.asyncio
async def test_a_fault_beside_a_secret_does_not_quote_it(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, base_config(free_port()))
    planted(gateway, "http://127.0.0.1:9")
    gateway.config["gateway"]["auth"]["token"] = {"wrong": GATEWAY}
    gateway.config["models"]["providers"]["local"]["apiKye"] = PLANTED["model key"]
    gateway.write_config()
    for arguments in (("config", "validate"), ("config", "validate", "--json"), ("gateway", "run"), ("status",)):
        _, out, err = await gateway.run_cli(*arguments)
        assert found_in(out + err) == [], arguments
    text = (gateway.state / "openclaw.json").read_text()
    (gateway.state / "openclaw.json").write_text(text.rstrip("}") + " oops")
    _, out, err = await gateway.run_cli("config", "validate")
    assert found_in(out + err) == []


# Every place at once

WAITING = frozenset({"agent.wait", "exec.approval.request"})
"""Methods that answer when something else has happened."""
ALTERING = frozenset({"config.apply", "sessions.delete", "sessions.reset"})
SHOWN_RUNNING = (
    ("status", "--all"),
    ("status", "--all", "--deep", "--json"),
    ("health", "--json"),
    ("gateway", "status", "--json"),
    ("devices", "list", "--json"),
    ("approvals", "get", "--gateway", "--json"),
    ("logs", "--json"),
    ("doctor", "--non-interactive", "--json"),
    ("security", "audit", "--deep", "--json"),
    ("gateway", "call", "config.get", "--json"),
)
OUTGOING = ("sandbox.docker.env",)
"""Variables that the owner gives to the sandbox of an agent: what runs there is meant to have them."""


class Everything:
    """A running gateway whose state, config and environment hold a canary wherever one may lie."""

    def __init__(self, root: Path) -> None:
        self.planted = Planted()
        self.gateway = GatewayProcess(root, base_config(free_port()))
        own = self.gateway.config
        config = plant_config(self.planted)
        config["gateway"] |= {
            **own["gateway"],
            "auth": {**config["gateway"]["auth"], "mode": "token", "token": GATEWAY},
        }
        config["agents"]["defaults"]["sandbox"] |= own["agents"]["defaults"]["sandbox"]
        config["agents"]["defaults"]["model"] = {"primary": "offline/demo"}
        config["channels"] = {name: {**one, "enabled": False} for name, one in config["channels"].items()}
        self.planted.by_place["gateway.auth.token"] = GATEWAY
        self.gateway.config = config
        self.gateway.write_config()
        plant_stores(self.planted, self.gateway.state)
        self.variables = plant_environment(self.planted)

    def clean(self, text: str, of: object) -> None:
        assert self.planted.found_in(text, but=self.given) == [], of

    @property
    def given(self) -> list[str]:
        return [place for place in self.planted.by_place if any(part in place for part in OUTGOING)]


async def answer_of(client: GatewayClient, method: str, params: dict[str, Any] | None = None) -> str:
    """Return what a method answers, be it a refusal."""
    try:
        return json.dumps(await client.call(method, params or {}))
    except OpenClawError as error:
        return f"{error.message} {error.details}"


async def every_method(everything: Everything, client: GatewayClient) -> None:
    shown = await client.call("config.get")
    broken = json.dumps({**everything.gateway.config, "gateway": {"auth": everything.planted.by_place["hooks.token"]}})
    given: dict[str, dict[str, Any]] = {
        "config.set": {"raw": broken, "baseHash": shown["hash"]},
        "config.patch": {"raw": json.dumps({"channels": {"slack": {"botToken": 5}}}), "baseHash": shown["hash"]},
        "logs.tail": {"limit": 500},
        "sessions.patch": {"key": "agent:main:main", "label": "x"},
        "sessions.resolve": {"key": "agent:main:main"},
        "device.token.rotate": {"deviceId": "d1", "role": "nobody"},
        "exec.approvals.set": {"file": {"version": 1, "agents": []}},
    }
    for method in (one.name for one in METHODS if one.name not in WAITING | ALTERING):
        everything.clean(await answer_of(client, method, given.get(method)), method)


async def children_are_clean(everything: Everything, client: GatewayClient) -> None:
    """Let the agent run a command, and look at every process below the gateway while it runs."""
    assert everything.gateway.process is not None
    gateway = psutil.Process(everything.gateway.process.pid)
    own = gateway.cmdline()
    everything.clean(" ".join(own), "the gateway's own arguments")
    await client.call("chat.send", {"sessionKey": "main", "message": "run sleep 60", "idempotencyKey": "k1"})
    seen: set[str] = set()
    async with asyncio.timeout(30):
        while "sleep" not in seen:
            for child in gateway.children(recursive=True):
                try:
                    arguments, variables = child.cmdline(), child.environ()
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
                if arguments == own:  # forked a moment ago: still the gateway's own memory, no program yet
                    continue
                everything.clean(" ".join(arguments), arguments[:1])
                everything.clean(json.dumps(variables), arguments[:1])
                seen.add(Path(arguments[0]).name if arguments else "")
            await asyncio.sleep(0.02)
    await client.call("chat.abort", {"sessionKey": "main"})


@pytest.mark.asyncio
async def test_adv_O2_with_a_canary_everywhere_none_is_shown_logged_or_handed_on(tmp_path: Path) -> None:
    everything = Everything(tmp_path)
    gateway = everything.gateway
    try:
        await gateway.start("--verbose", extra=everything.variables)
        async with operator(gateway, "operator.admin", "operator.approvals", "operator.pairing") as client:
            await children_are_clean(everything, client)
            told = await gateway.run_cli("agent", "-m", "run env; cat /proc/1/environ /proc/*/cmdline", "--json")
            everything.clean("".join(told[1:]), "what an agent saw")
            await every_method(everything, client)
        for arguments in SHOWN_RUNNING:
            code, out, err = await gateway.run_cli(*arguments)
            assert (code, "Traceback" in err) == (0, False), (arguments, err)
            everything.clean(out + err, arguments)
        await gateway.stop()
    finally:
        await gateway.kill()
    everything.clean("\n".join(gateway.output), "the terminal")
    for folder in ("logs", "ledger", "journal", "cache"):
        for path in (gateway.state / folder).rglob("*"):
            if path.is_file():
                everything.clean(path.read_bytes().decode("utf-8", "replace"), path)
