from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.compile import compile_policy
from openclaw.config.compile.gateway import GatewayFlags
from openclaw.config.live import LiveConfig
from openclaw.config.load import load_config
from openclaw.gateway.live_config import ConfigService, LiveDoor
from openclaw.policy.snapshot import Policy
from openclaw.system.errors import Conflict, InvalidInput
from openclaw.system.secret import Secret
from support.configs import ConfigFolder
from support.time import FakeClock

SECRET = "a-token-0123456789abcdef0123456789"
CONFIG: dict[str, Any] = {
    "gateway": {"mode": "local", "auth": {"mode": "token", "token": SECRET}},
    "tools": {"deny": ["exec"]},
}


class World:
    """The config service over a folder; restarts are only noted."""

    def __init__(self, root: Path, document: Mapping[str, Any] = CONFIG, flags: GatewayFlags | None = None) -> None:
        self.folder = ConfigFolder(root)
        self.folder.write(dict(document))
        layout, environment = self.folder.layout, self.folder.environment
        self.live: LiveConfig[Policy] = LiveConfig(
            load_config(layout, environment), layout, environment, compile=compile_policy
        )
        self.door = LiveDoor(self.live, environment, flags or GatewayFlags())
        self.restarts: list[float] = []
        self.service = ConfigService(
            self.live,
            layout,
            environment,
            FakeClock(),
            redact=lambda text: text.replace("hush", "***"),
            restart=self.restart,
        )

    def restart(self, seconds: float) -> bool:
        self.restarts.append(seconds)
        return True

    @property
    def stored(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.folder.main.read_text())
        return found

    async def base(self) -> str:
        return str((await self.service.get(admin=True))["hash"])

    async def patch(self, patch: Mapping[str, Any], **params: Any) -> dict[str, Any]:
        return await self.service.write("patch", {"raw": json.dumps(patch), "baseHash": await self.base(), **params})


# The door


@pytest.mark.asyncio
async def test_adv_A19_the_secret_is_that_of_the_config_in_force(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.door.secret() == Secret(SECRET)
    changed = "another-token-0123456789abcdef01234"
    world.folder.write({**CONFIG, "gateway": {"mode": "local", "auth": {"mode": "token", "token": changed}}})
    await world.live.reload()
    assert world.door.secret() == Secret(changed)


def test_a_secret_that_leads_nowhere_opens_nothing(tmp_path: Path) -> None:
    reference = {"source": "env", "id": "NO_SUCH_VARIABLE"}
    world = World(tmp_path, {"gateway": {"mode": "local", "auth": {"mode": "token", "token": reference}}})
    assert world.door.secret() is None


def test_the_command_line_wins_over_the_config(tmp_path: Path) -> None:
    world = World(tmp_path, flags=GatewayFlags(token=Secret("from-the-command-line")))
    assert world.door.secret() == Secret("from-the-command-line")


# Reading


@pytest.mark.asyncio
async def test_no_secret_is_shown_and_no_path_or_text_to_those_who_are_not_admins(tmp_path: Path) -> None:
    world = World(tmp_path)
    admin, other = await world.service.get(admin=True), await world.service.get(admin=False)
    assert SECRET not in json.dumps([admin, other])
    assert (admin["path"], other["path"]) == (str(world.folder.main), "openclaw.json")
    assert other["raw"] is None
    assert str(tmp_path) not in json.dumps(other)


@pytest.mark.asyncio
async def test_a_broken_file_is_shown_with_its_faults(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.folder.write({**CONFIG, "gatway": {}})
    found = await world.service.get(admin=True)
    assert (found["valid"], found["config"]) == (False, {})
    assert "gatway" in json.dumps(found["issues"])


# Writing


@pytest.mark.asyncio
async def test_a_patch_is_in_force_at_once_and_keeps_masked_secrets(tmp_path: Path) -> None:
    world = World(tmp_path)
    shown = (await world.service.get(admin=True))["config"]["gateway"]["auth"]
    answer = await world.patch({"gateway": {"auth": shown}, "tools": {"deny": ["exec", "write"]}})
    assert answer["restart"]["mode"] == "none"
    assert world.stored["gateway"]["auth"]["token"] == SECRET
    assert world.live.config.tools.deny == ("exec", "write")
    assert (SECRET not in json.dumps(answer), world.restarts) == (True, [])


@pytest.mark.asyncio
@pytest.mark.parametrize("base", [None, "", 5])
async def test_a_write_says_what_it_is_based_on(tmp_path: Path, base: object) -> None:
    world = World(tmp_path)
    with pytest.raises(InvalidInput, match="config base hash required"):
        await world.service.write("patch", {"raw": "{}", "baseHash": base})


@pytest.mark.asyncio
async def test_a_write_over_somebody_elses_change_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    base = await world.base()
    world.folder.write({**CONFIG, "tools": {"deny": ["exec", "read"]}})
    with pytest.raises(Conflict, match="config changed since last load"):
        await world.service.write("patch", {"raw": "{}", "baseHash": base})
    assert world.stored["tools"]["deny"] == ["exec", "read"]


@pytest.mark.asyncio
async def test_what_admits_more_is_listed_and_needs_a_second_word(tmp_path: Path) -> None:
    world = World(tmp_path)
    wider: dict[str, Any] = {"tools": {"deny": []}}
    with pytest.raises(InvalidInput, match="confirmWiden") as caught:
        await world.patch(wider)
    assert caught.value.details["widens"]
    assert world.stored["tools"]["deny"] == ["exec"]
    await world.patch(wider, confirmWiden=True)
    assert world.stored["tools"]["deny"] == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("raw", "words"),
    [('{"gatway": {}}', "invalid config"), ('{"gateway": {"port": "x"}}', "invalid config"), ("{", "JSON5|closed")],
)
async def test_an_invalid_result_is_not_written(tmp_path: Path, raw: str, words: str) -> None:
    world = World(tmp_path)
    before = world.folder.main.read_text()
    with pytest.raises(InvalidInput, match=words):
        await world.service.write("patch", {"raw": raw, "baseHash": await world.base()})
    assert world.folder.main.read_text() == before


@pytest.mark.asyncio
async def test_a_change_that_needs_it_restarts_and_leaves_a_note_for_the_next_process(tmp_path: Path) -> None:
    world = World(tmp_path)
    answer = await world.patch({"gateway": {"port": 19999}}, restartDelayMs=50, note="new port")
    assert world.restarts == [0.05]
    assert (answer["restart"]["mode"], answer["restart"]["delayMs"]) == ("signal", 50)
    note = json.loads((world.folder.root / "restart-sentinel.json").read_text())
    assert note["payload"]["message"] == "new port"


@pytest.mark.asyncio
async def test_set_replaces_the_whole_file_and_restarts_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    raw = json.dumps({**CONFIG, "tools": {"deny": ["exec", "read"]}})
    answer = await world.service.write("set", {"raw": raw, "baseHash": await world.base()})
    assert answer["ok"] is True
    assert "restart" not in answer
    assert world.stored["tools"] == {"deny": ["exec", "read"]}


@pytest.mark.asyncio
async def test_the_schema_is_made_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert await world.service.schema() is await world.service.schema()
