"""`docs/first-steps.md`, done: every command of the page in order, against a real gateway, model server and Bot API."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from support.cli import Answer, Home, started
from support.model_server import Answer as Said
from support.model_server import ModelServer, model_server
from support.telegram_server import TOKEN, TelegramServer, telegram_server

pytestmark = [pytest.mark.e2e, pytest.mark.sandbox]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "first-steps.md"
OWNER = 7


def page_commands() -> list[str]:
    """Return the commands of the page's shell blocks, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found: list[str] = []
    for line in "".join(blocks).splitlines():
        if line.startswith(("openclaw ", "touch ", "chmod ", "grep ")):
            found.append(line)
        else:
            found[-1] += "\n" + line
    return found


class Steps:
    """Runs the page's commands one after the other, as a shell would."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.left = page_commands()
        self._last = ""

    async def do(self, beginning: str, *, stdin: str = "", changed: tuple[str, str] = ("", "")) -> Answer:
        """Run the next command, which must begin so; `changed` is replaced in it, as a reader would."""
        line = self.left.pop(0)
        assert line.startswith(beginning), f"the page goes on with {line!r}"
        if changed[0]:
            assert changed[0] in line
            line = line.replace(*changed)
        self._last = line
        return await self.repeat(stdin=stdin)

    async def repeat(self, *, stdin: str = "") -> Answer:
        """Run the last command again."""
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            f'openclaw() {{ "$PYTHON" -m openclaw "$@"; }}\n{self._last}',
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self.home.environment(), "PYTHON": sys.executable},
            cwd=self.home.path,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        answer = Answer(process.returncode or 0, out.decode(), err.decode())
        assert answer.code == 0, f"{self._last}\n{answer.err}"
        return answer


async def eventually(happens: Callable[[], Awaitable[bool]]) -> None:
    """Ask again until it is so: a running gateway takes a change of its files by itself, and tells nobody."""
    async with asyncio.timeout(30):
        while not await happens():  # noqa: ASYNC110 - another process makes it so
            await asyncio.sleep(0.1)


@pytest.mark.asyncio
@pytest.mark.timeout(240)
async def test_the_page_leads_from_nothing_to_a_paired_bot_with_a_real_model(tmp_path: Path) -> None:
    steps = Steps(Home(tmp_path))
    assert steps.left.pop(0) == "openclaw up"
    async with model_server() as models, telegram_server() as telegram:
        with started(steps.home):
            await _guard(steps)
            await _anthropic(steps, models)
            await _own_server(steps, models)
            await _telegram(steps, telegram)
            await _approvals(steps)
            await _order(steps)
    assert steps.left == []


async def _guard(steps: Steps) -> None:
    answer = await steps.do("openclaw agent -m")
    assert "openclaw-sbx" in answer.out
    assert "answers in" in (await steps.do("openclaw status")).out
    assert "Log file:" in (await steps.do("openclaw logs")).out
    assert "The ledger holds" in (await steps.do("openclaw ledger verify")).out


async def _anthropic(steps: Steps, models: ModelServer) -> None:
    provider = {"baseUrl": models.url, "models": []}
    assert steps.home.program("config", "set", "models.providers.anthropic", json.dumps(provider), "--yes").code == 0
    await steps.do("touch ")
    await steps.do("chmod ")
    models.default = Said(text="from Anthropic's wire")
    place = steps.home.state / ".env"
    assert place.stat().st_mode & 0o777 == 0o600
    place.write_text("ANTHROPIC_API_KEY=sk-ant-test-0000000000000000\n", encoding="utf-8")

    async def answers() -> bool:
        return "Anthropic's wire" in (await asyncio.to_thread(steps.home.program, "agent", "-m", "hello")).out

    await eventually(answers)
    assert models.requests[-1].path == "/v1/messages"
    assert "claude-opus-4-6" in models.requests[-1].body["model"]
    await steps.do("openclaw config set agents.defaults.model.primary anthropic/")


async def _own_server(steps: Steps, models: ModelServer) -> None:
    place = steps.home.state / ".env"
    place.write_text(place.read_text() + "LOCAL_API_KEY=a-key-of-that-server\n", encoding="utf-8")
    await steps.do(
        "openclaw config set models.providers.local '{", changed=("http://127.0.0.1:8080/v1", models.base_url)
    )
    await steps.do("openclaw config set agents.defaults.model.primary local/my-model")
    models.default = Said(text="hello from a server of one's own")
    await steps.do("openclaw agent")

    async def answers() -> bool:
        answer = await steps.repeat()
        by_key = models.requests[-1].headers.get("Authorization") == "Bearer a-key-of-that-server"
        return "of one's own" in answer.out and by_key

    await eventually(answers)
    seen = models.requests[-1]
    assert (seen.path, seen.body["model"]) == ("/v1/chat/completions", "my-model")
    assert "a-key-of-that-server" not in steps.home.config.read_text()


async def _telegram(steps: Steps, telegram: TelegramServer) -> None:
    assert steps.home.program("config", "set", "channels.telegram.apiRoot", telegram.root, "--yes").code == 0
    await steps.do(
        "openclaw config set channels.telegram.botToken", stdin=TOKEN, changed=("botToken", "botToken --yes")
    )
    telegram.text("hello", user=OWNER)
    await telegram.until(lambda: len(telegram.texts(OWNER)) == 1)
    code = telegram.texts(OWNER)[0].split("Pairing code: ")[1].split()[0]
    assert code in (await steps.do("openclaw pairing list telegram")).out
    approved = await steps.do("openclaw pairing approve", changed=("CODE", code))
    shown = approved.out.splitlines()[-1].strip()
    telegram.text("hello again", user=OWNER)
    await telegram.until(lambda: len(telegram.texts(OWNER)) == 2)
    assert "of one's own" in telegram.texts(OWNER)[1]
    assert steps.left[0] == f"{shown} --yes"
    await steps.do("openclaw config set commands.ownerAllowFrom")
    await _group(steps, telegram)


async def _group(steps: Steps, telegram: TelegramServer) -> None:
    (patch,) = re.findall(r"```json5\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (steps.home.path / "group.json5").write_text(patch, encoding="utf-8")
    (group,) = (int(text) for text in re.findall(r'"(-\d+)"', patch))
    telegram.text("@clawbot are you there?", user=OWNER, chat=group)
    await steps.do("grep ")

    async def is_recorded() -> bool:
        return f'"chat":"{group}"' in (await steps.repeat()).out

    await eventually(is_recorded)
    await steps.do("openclaw config patch --yes")

    async def is_answered() -> bool:
        telegram.text("@clawbot are you there?", user=OWNER, chat=group)
        return bool(telegram.texts(group))

    await eventually(is_answered)


async def _approvals(steps: Steps) -> None:
    await steps.do("openclaw approvals allowlist add")
    assert "/usr/bin/uptime" in (await steps.do("openclaw approvals get")).out
    await steps.do("openclaw approvals allowlist remove")


async def _order(steps: Steps) -> None:
    assert "valid" in (await steps.do("openclaw config validate")).out
    assert '"mode": "all"' in (await steps.do("openclaw config get agents.defaults.sandbox")).out
    assert "Paired" in (await steps.do("openclaw devices list")).out
    assert "Answers: yes" in (await steps.do("openclaw gateway status")).out
    assert "Stopped the gateway" in (await steps.do("openclaw gateway stop")).out


def test_the_page_shows_what_up_prints() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for line in (
        "Made ~/.openclaw/openclaw.json.",
        "Web chat: http://127.0.0.1:18789/#token=",
        "Next: open that address",
    ):
        assert line in text


def test_the_page_about_the_config_shows_what_up_writes() -> None:
    from openclaw.config.baseline import baseline
    from openclaw.config.json5 import loads

    page = PAGE.with_name("configuration.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```json5\n(\{\n  gateway.*?)```", page, re.DOTALL)
    assert loads(block) == baseline("…", sandboxed=True)
    other = baseline("…", sandboxed=False)
    assert loads("{" + re.findall(r"// (tools: .*),\n", block)[0] + "}")["tools"]["exec"] == other["tools"]["exec"]
