"""From a Telegram message to the answer, through the real process and the true wire."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from support.model_server import Answer, ModelServer, Seen, model_server
from support.process import GatewayProcess, base_config, free_port, gateway_process
from support.telegram_server import TOKEN, TelegramServer, telegram_server

pytestmark = [pytest.mark.e2e, pytest.mark.sandbox]

OWNER, STRANGER, GROUP = 7, 8, -100


def telegram(server: TelegramServer, **keys: Any) -> dict[str, Any]:
    return {"channels": {"telegram": {"botToken": TOKEN, "apiRoot": server.root, "retry": {"minDelayMs": 50}, **keys}}}


def code_in(text: str) -> str:
    return text.split("Pairing code: ", 1)[1].split(maxsplit=1)[0]


@pytest.mark.asyncio
async def test_a_stranger_gets_a_code_and_after_approval_an_answer_from_the_sandbox(tmp_path: Path) -> None:
    async with telegram_server() as server, gateway_process(tmp_path, **telegram(server)) as gateway:
        server.text("run echo secret-of-nobody", user=STRANGER)
        await server.until(lambda: len(server.sent) == 1)
        (reply,) = server.texts(STRANGER)
        assert f"user id: {STRANGER}" in reply
        assert "tool.call" not in {record["kind"] for record in gateway.ledger()}
        assert gateway.transcripts() == []

        server.text("hello again", user=STRANGER)
        server.text("and again", user=STRANGER)
        code, out, _ = await gateway.run_cli("pairing", "list", "telegram", "--json")
        assert code == 0
        (request,) = json.loads(out)["requests"]
        assert (request["id"], request["code"]) == (str(STRANGER), code_in(reply))

        code, out, err = await gateway.run_cli("pairing", "approve", "telegram", request["code"].lower())
        assert (code, err) == (0, "")
        assert f"Approved telegram sender {STRANGER}." in out

        server.text("run echo from-$((40+2)); id -u; ls /root /home 2>&1", user=STRANGER)
        await server.until(lambda: len(server.sent) == 2)
        answer = server.texts(STRANGER)[1]
        assert "from-42" in answer
        assert "cannot access" in answer
        calls = [record for record in gateway.ledger() if record["kind"] == "tool.call"]
        assert {record["actor"].get("sender") for record in calls} == {str(STRANGER)}


@pytest.mark.asyncio
async def test_the_pairing_code_is_in_no_journal_log_ledger_or_transcript(tmp_path: Path) -> None:
    async with telegram_server() as server, gateway_process(tmp_path, **telegram(server)) as gateway:
        server.text("hello", user=STRANGER)
        await server.until(lambda: len(server.sent) == 1)
        code = code_in(server.texts(STRANGER)[0]).encode()
        await gateway.stop()
        holders = [
            path.relative_to(gateway.state)
            for path in gateway.state.rglob("*")
            if path.is_file() and code in path.read_bytes()
        ]
        assert [str(path) for path in holders] == ["credentials/telegram-pairing.json"]
        assert code.decode() not in "\n".join(gateway.output)


@pytest.mark.asyncio
async def test_a_group_is_read_silently_and_answered_with_its_history_when_mentioned(tmp_path: Path) -> None:
    keys = {"groups": {str(GROUP): {"requireMention": True}}, "groupAllowFrom": [OWNER], "allowFrom": [OWNER]}
    async with telegram_server() as server, gateway_process(tmp_path, **telegram(server, **keys)) as gateway:
        server.text("the code word is heron", user=OWNER, chat=GROUP)
        server.text("nobody asked the bot", user=OWNER, chat=GROUP)
        await server.until(lambda: server.acknowledged >= 1001)
        server.text("@clawbot hello", user=OWNER, chat=GROUP)
        await server.until(lambda: len(server.sent) == 1)
        await asyncio.sleep(0)
        (transcript,) = gateway.transcripts()
        (line,) = [row for row in transcript if row.get("message", {}).get("role") == "user"]
        text = json.dumps(line["message"])
        assert "the code word is heron" in text
        assert "Chat messages since your last reply" in text
        assert line["provenance"][0]["senderId"] == str(OWNER)

        server.text("@clawbot and now", user=OWNER, chat=GROUP)
        await server.until(lambda: len(server.sent) == 2)
        (transcript,) = gateway.transcripts()
        last = [row for row in transcript if row.get("message", {}).get("role") == "user"][-1]
        assert "heron" not in json.dumps(last["message"])


@pytest.mark.asyncio
async def test_an_unlisted_group_and_an_unlisted_member_are_dropped(tmp_path: Path) -> None:
    keys = {"groups": {str(GROUP): {}}, "groupAllowFrom": [OWNER], "allowFrom": [OWNER]}
    async with telegram_server() as server, gateway_process(tmp_path, **telegram(server, **keys)) as gateway:
        server.text("@clawbot hello", user=STRANGER, chat=GROUP)
        server.text("@clawbot hello", user=OWNER, chat=-200)
        server.text("@clawbot hello", user=OWNER, chat=GROUP)
        await server.until(lambda: len(server.sent) == 1)
        assert int(server.sent[0]["chat_id"]) == GROUP
        rules = [record["verdict"]["rule"] for record in gateway.ledger() if record["kind"] == "admission"]
        assert {"group.sender-not-allowed", "group.not-listed"} <= set(rules)


@pytest.mark.asyncio
async def test_two_people_under_per_peer_scope_never_share_a_session(tmp_path: Path) -> None:
    keys = {"allowFrom": [OWNER, STRANGER], "dmPolicy": "allowlist"}
    async with telegram_server() as server:
        sections = {**telegram(server, **keys), "session": {"dmScope": "per-channel-peer"}}
        async with gateway_process(tmp_path, **sections) as gateway:
            for number in range(5):
                server.text(f"ann says {number}", user=OWNER)
                server.text(f"bob says {number}", user=STRANGER)
            await server.until(lambda: len(server.texts(OWNER)) >= 1 and len(server.texts(STRANGER)) >= 1)
            await gateway.stop()
            texts = [json.dumps(transcript) for transcript in gateway.transcripts()]
            assert len(texts) == 2
            assert all(("ann says" in text) != ("bob says" in text) for text in texts)


def answers_by_number(server: TelegramServer, count: int) -> dict[int, int]:
    found = dict.fromkeys(range(count), 0)
    for text in server.texts(OWNER):
        for number in found:
            if f"number-{number}-end" in text:
                found[number] += 1
    return found


NUMBER = re.compile(r"number-(\d+)-end")


def echo(seen: Seen) -> Answer:
    """Answer with the number of the message that is being answered."""
    said = [json.dumps(message) for message in seen.body["messages"] if message["role"] == "user"]
    return Answer(f"you said number-{NUMBER.findall(said[-1])[-1]}-end")


def echoing(server: TelegramServer, model: ModelServer) -> dict[str, Any]:
    provider = {
        "baseUrl": model.base_url,
        "apiKey": "test-model-key",
        "api": "openai-completions",
        "models": [{"id": "echo", "name": "echo", "contextWindow": 200_000, "maxTokens": 1000}],
    }
    config = base_config(free_port(), **telegram(server, allowFrom=[OWNER], dmPolicy="allowlist"))
    config["agents"]["defaults"]["model"] = {"primary": "local/echo"}
    config["models"] = {"providers": {"local": provider}}
    config["messages"] = {"queue": {"mode": "followup", "cap": 1000}}
    return config


async def run_and_kill(gateway: GatewayProcess, server: TelegramServer, count: int, rng: random.Random) -> int:
    """Run until every number is answered, killing the process again and again; returns how often."""
    kills = 0

    def answered() -> int:
        return sum(1 for times in answers_by_number(server, count).values() if times)

    async def until_answered(goal: int) -> None:
        with contextlib.suppress(TimeoutError):
            await server.until(lambda: answered() >= goal, 20)

    while True:
        await gateway.start()
        await until_answered(min(answered() + rng.randint(5, 40), count))
        if answered() >= count:
            return kills
        await asyncio.sleep(rng.uniform(0, 0.1))
        await gateway.kill()
        kills += 1


@pytest.mark.asyncio
@pytest.mark.timeout(180)
async def test_kills_at_random_points_lose_no_message_and_answer_none_twice(tmp_path: Path) -> None:
    count, rng = 200, random.Random(20261124)
    async with telegram_server() as server, model_server() as model:
        model.default = echo
        gateway = GatewayProcess(tmp_path, echoing(server, model))
        for number in range(count):
            server.text(f"this is number-{number}-end", user=OWNER)
        try:
            kills = await run_and_kill(gateway, server, count, rng)
            await gateway.stop()
        finally:
            await gateway.kill()
        found = answers_by_number(server, count)
        repeats = [
            record for record in gateway.ledger() if record["verdict"].get("rule") == "delivery.cut-reply-is-repeated"
        ]
        assert kills >= 3
        assert [number for number, times in found.items() if times == 0] == []
        assert sum(times - 1 for times in found.values()) <= len(repeats)
