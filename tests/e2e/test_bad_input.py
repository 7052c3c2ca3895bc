"""Whatever comes in broken, the gateway says in one line what is wrong and how to mend it, and goes on."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from openclaw.protocol.errors import RpcError
from openclaw.state.layout import StateLayout
from support.model_server import Answer, Seen
from support.process import TOKEN, GatewayProcess, base_config, free_port, gateway_process
from support.straight import MODEL_KEY, OTHER, OWNER, Straight, operator, straight, tool_results
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.sandbox]

GENERIC = "I cannot answer right now. The owner of this assistant finds the reason in its log."


# Starting


def written(text: str | bytes) -> Callable[[GatewayProcess], None]:
    def write(gateway: GatewayProcess) -> None:
        path = StateLayout.at(gateway.state).config
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return write


def changed(**gateway_keys: Any) -> Callable[[GatewayProcess], None]:
    def write(gateway: GatewayProcess) -> None:
        gateway.config["gateway"] |= gateway_keys
        gateway.write_config()

    return write


async def refused(gateway: GatewayProcess) -> str:
    """Start a gateway that must not start; returns what it said on stderr, free of traces and of the token."""
    before = {path: path.read_bytes() for path in gateway.state.rglob("*.json")}
    code, out, err = await gateway.run_cli("gateway", "run")
    assert (code, out) == (1, "")
    assert "Traceback" not in err
    assert TOKEN not in err
    assert {path: path.read_bytes() for path in gateway.state.rglob("*.json")} == before
    return err


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        (written('{\n  // a comment\n  gateway: {mode: "local",\n  port 1}\n}'), "(line 4, column 8): not valid JSON5"),
        (written('{gateway: {mode: "local"'), "(line 1, column 11): the object that begins here is not closed"),
        (written(b'{\n"a": "\xff\xfe"}'), "(line 2, column 7): not UTF-8 text"),
        (written("[1]"), "<root>: the config must be an object"),
        (changed(prot=1), 'gateway (line 1, column 13): unknown key "prot"; did you mean "port"?'),
        (changed(port="eighty"), "gateway.port (line 1, column 39): must be a whole number"),
        (
            changed(auth={"mode": "token", "token": "${NO_SUCH_TOKEN}"}),
            "gateway.auth.token refers to NO_SUCH_TOKEN, which is unset or empty; set that variable",
        ),
    ],
)
async def test_a_broken_config_is_refused_with_its_place_and_left_as_it_is(
    tmp_path: Path, break_it: Callable[[GatewayProcess], None], problem: str
) -> None:
    gateway = GatewayProcess(tmp_path, base_config(free_port()))
    break_it(gateway)
    lines = (await refused(gateway)).splitlines()
    assert lines[:3] == ["Config invalid", f"File: {gateway.state / 'openclaw.json'}", "Problem:"]
    assert problem in lines[3]
    assert lines[4:] == ["Check it again with: openclaw config validate"]


@pytest.mark.asyncio
async def test_a_port_that_another_program_has_is_named_with_that_program(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, base_config(free_port()))
    with socket.socket() as other:
        other.bind(("127.0.0.1", gateway.port))
        other.listen()
        (line,) = (await refused(gateway)).splitlines()
    assert f"another program, no openclaw gateway, is already listening on ws://127.0.0.1:{gateway.port} (" in line
    assert f"pid {os.getpid()}" in line
    assert "gateway.port" in line
    await gateway.start()
    assert await gateway.stop() == 0


@pytest.mark.asyncio
async def test_a_port_that_another_gateway_has_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with gateway_process(tmp_path) as first:
        assert first.process is not None
        second = GatewayProcess(tmp_path / "other", base_config(first.port))
        (line,) = (await refused(second)).splitlines()
        assert f"another gateway instance is already listening on ws://127.0.0.1:{first.port} (" in line
        assert f"pid {first.process.pid}" in line


@pytest.mark.asyncio
async def test_a_second_gateway_is_refused_with_the_pid_and_the_first_goes_on(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        assert gateway.process is not None
        code, _, err = await gateway.run_cli("gateway", "run", "--port", str(free_port()))
        (line,) = err.splitlines()
        assert code == 1
        assert f"gateway already running (pid {gateway.process.pid})" in line
        assert "openclaw gateway stop" in line
        async with operator(gateway, "operator.read") as client:
            assert (await client.call("health"))["ok"] is True


@pytest.mark.asyncio
@pytest.mark.parametrize("mode", [0o777, 0o770])
async def test_a_state_directory_that_others_may_write_to_is_refused_until_it_is_mended(
    tmp_path: Path, mode: int
) -> None:
    gateway = GatewayProcess(tmp_path, base_config(free_port()))
    gateway.state.chmod(mode)
    (line,) = (await refused(gateway)).splitlines()
    assert f"(mode {mode:o})" in line
    command = line.rpartition("run: ")[2]
    await asyncio.to_thread(subprocess.run, command.split(), check=True)
    await gateway.start()
    assert await gateway.stop() == 0


@pytest.mark.asyncio
async def test_a_state_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, base_config(free_port()))
    os.chown(gateway.state, 12345, 12345)
    (line,) = (await refused(gateway)).splitlines()
    assert "belongs to user id 12345, not to you (0)" in line
    assert "OPENCLAW_STATE_DIR" in line
    assert f"run: chown -R 0 {gateway.state}" in line


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["openclaw.json", "part.json"])
async def test_a_config_that_others_may_write_to_is_refused_until_doctor_mends_it(tmp_path: Path, name: str) -> None:
    config = base_config(free_port())
    config["messages"] = {"$include": "./part.json"}
    gateway = GatewayProcess(tmp_path, config)
    (gateway.state / "part.json").write_text("{}")
    (gateway.state / "part.json").chmod(0o600)
    (gateway.state / name).chmod(0o666)
    (line,) = (await refused(gateway)).splitlines()
    assert "can be written by others (mode 666)" in line
    assert line.endswith(f"run: chmod 600 {gateway.state / name}")
    assert (await gateway.run_cli("doctor", "--fix"))[0] == 0
    await gateway.start()
    assert await gateway.stop() == 0


@pytest.mark.asyncio
async def test_a_config_of_somebody_else_is_refused_until_its_owner_is_mended(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, base_config(free_port()))
    path = gateway.state / "openclaw.json"
    os.chown(path, 12345, 12345)
    (line,) = (await refused(gateway)).splitlines()
    assert "belongs to user id 12345, neither to you (0) nor to root" in line
    command = line.rpartition("run: ")[2]
    await asyncio.to_thread(subprocess.run, command.split(), check=True)
    await gateway.start()
    assert await gateway.stop() == 0


@pytest.mark.asyncio
async def test_a_config_that_all_may_read_and_only_root_may_write_is_sound(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path, base_config(free_port()))
    mounted = tmp_path / "mounted.json"
    (gateway.state / "openclaw.json").rename(mounted)
    mounted.chmod(0o644)
    (gateway.state / "openclaw.json").symlink_to(mounted)
    await gateway.start()
    assert await gateway.stop() == 0


@pytest.mark.asyncio
async def test_a_config_that_breaks_while_it_runs_changes_nothing(tmp_path: Path) -> None:
    async with straight(tmp_path) as way:
        assert await way.say("hello") == ["ok"]
        path = way.gateway.state / "openclaw.json"
        sound, seen = path.read_text(), len(way.gateway.output)
        path.write_text('{gateway: {mode: "local"')
        await until(lambda: len(way.gateway.output) > seen)
        assert "(line 1, column 11)" in way.gateway.output[seen]
        assert await way.say("still there?") == ["ok"]
        path.write_text(sound)
        assert await way.say("and now?") == ["ok"]
    assert "Traceback" not in way.printed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Straight]:
    """One gateway for the tests after which it must be as good as before."""
    async with straight(tmp_path_factory.mktemp("shared")) as found:
        yield found


shared = pytest.mark.asyncio(loop_scope="module")


# The WebSocket


@asynccontextmanager
async def raw_socket(gateway: GatewayProcess) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as session, session.ws_connect(gateway.url) as ws:
        assert (await ws.receive_json())["event"] == "connect.challenge"
        yield ws


@shared
async def test_broken_frames_cost_their_sender_the_socket_and_nobody_else_anything(way: Straight) -> None:
    async with operator(way.gateway, "operator.read") as bystander:
        for frame in (
            "{not json",
            "[]",
            '{"type":"req","id":"1","method":"health"}',
            '{"type":"req","id":"1","method":"connect","params":{"minProtocol":"three"}}',
            '{"type":"event","event":"tick"}',
            '{"type":"req","id":"1","method":"connect","params":' + "[" * 5000 + "]" * 5000 + "}",
            "x" * (64 * 1024 + 1),
        ):
            async with raw_socket(way.gateway) as ws:
                await ws.send_str(frame)
                last = await ws.receive(10)
                while last.type is aiohttp.WSMsgType.TEXT:
                    last = await ws.receive(10)
                assert ws.close_code in {1000, 1002, 1007, 1008, 1009}, (frame[:60], ws.close_code, last)
                assert "Traceback" not in str(last.extra)
        async with raw_socket(way.gateway) as ws:
            await ws.send_bytes(b"\xff\xfe\x00")
            await ws.receive(10)
        assert (await bystander.call("health"))["ok"] is True
    assert "Traceback" not in way.printed


@shared
async def test_an_unknown_method_and_wrong_params_are_answered_and_the_connection_stays(way: Straight) -> None:
    async with operator(way.gateway, "operator.admin") as client:
        for method, params, words in (
            ("no.such.method", {}, "unknown method: no.such.method"),
            ("chat.history", {"sessionKey": 5}, "sessionKey"),
            ("chat.send", {"sessionKey": "main"}, "message"),
        ):
            with pytest.raises(RpcError, match=words) as error:
                await client.call(method, params)
            assert error.value.code == "INVALID_REQUEST"
            assert "Traceback" not in str(error.value)
        assert (await client.call("health"))["ok"] is True


# Telegram


@shared
async def test_updates_that_nobody_understands_are_acknowledged_and_the_next_message_is_answered(way: Straight) -> None:
    asked = len(way.model.requests)
    way.server.push(quantum_entanglement={"id": 1, "from": {"id": OWNER}})
    way.server.push(message={"message_id": "seven", "chat": None})
    way.server.push(message=[])
    way.server.push(message={**way.server.message("x"), "text": {"not": "text"}})
    way.server.push(message={**way.server.message(""), "giveaway_winners": {"winner_count": 1}})
    way.server.push(poll={"id": "1"})
    last = way.server.push()
    assert await way.say("hello") == ["ok"]
    await way.server.until(lambda: way.server.acknowledged > last)
    assert len(way.model.requests) == asked + 1
    assert "Traceback" not in way.printed


# The provider


@pytest.mark.asyncio
async def test_a_provider_that_fails_gives_the_owner_one_clear_line_and_the_next_message_works(tmp_path: Path) -> None:
    key_error = {"error": {"message": f"Incorrect API key provided: {MODEL_KEY}"}}
    half = "half of it, then nothing"
    cases = (
        (
            (Answer(status=401, error=key_error),),
            "local refused the credential (401).",
            "models.providers.local.apiKey",
        ),
        ((Answer(mode="hang-before"),), "took longer than 2 seconds", "agents.defaults.timeoutSeconds"),
        ((Answer(text=half, mode="cut"),) * 2, "local cannot be reached", "http://127.0.0.1:"),
        ((Answer(text=half, mode="malformed"),), "local failed", "JSON"),
        ((Answer(status=500),) * 2, "local failed (500)", "it broke"),
        ((Answer(status=400, error={"error": {"message": "no such model"}}),), "rejected the request (400)", "no such"),
    )
    async with straight(tmp_path, agents={"defaults": {"timeoutSeconds": 2}}) as way:
        await way.say("the first message loads the libraries, which may take longer than a run may last here")
        for answers, cause, mend in cases:
            replies = await way.say("please", *answers)
            assert len(replies) == 1, replies
            assert cause in replies[0]
            assert mend in replies[0]
            assert MODEL_KEY not in replies[0]
            assert "\n" not in replies[0]
            assert await way.say("again") == ["ok"]
    assert "Traceback" not in way.printed


@shared
async def test_others_than_the_owner_hear_no_detail_and_the_owner_finds_it_in_the_log(way: Straight) -> None:
    line = "local/test failed (auth): local refused the credential (401)."
    assert await way.say("please", Answer(status=401), user=OTHER) == [GENERIC]
    assert await way.say("again", user=OTHER) == ["ok"]
    folder = way.gateway.state / "logs"
    await until(lambda: line in way.printed and any(line in path.read_text() for path in folder.iterdir()))
    assert MODEL_KEY not in way.printed + "".join(path.read_text() for path in folder.iterdir())


# The disk


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a file system of `size` over a folder."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Use up a disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return filler
    raise AssertionError("the disk has no end")


TWO_AGENTS: dict[str, Any] = {
    "agents": {"list": [{"id": "main", "default": True}, {"id": "second"}]},
    "bindings": [{"agentId": "second", "match": {"channel": "telegram", "peer": {"kind": "direct", "id": str(OTHER)}}}],
}


@pytest.mark.asyncio
async def test_a_full_disk_under_the_transcripts_is_told_and_loses_no_line(tmp_path: Path) -> None:
    folder = tmp_path / "home/.openclaw/agents/main/sessions"
    with small_disk(folder, "128k"):
        async with straight(tmp_path, **TWO_AGENTS) as way:
            assert await way.say("hello") == ["ok"]
            filler = fill(folder)
            (line,) = await way.say("far too long for this disk " + "y" * 4000)
            assert str(folder) in line
            assert "no space left on device; free some disk space" in line
            assert await way.say("the other agent has room", user=OTHER) == ["ok"]
            filler.unlink()
            assert await way.say("is there room again?") == ["ok"]
            asked = [message["content"] for message in way.model.requests[-1].body["messages"]]
            assert any("hello" in str(text) for text in asked)
            await way.gateway.stop()
            (transcript,) = way.gateway.transcripts()
            roles = [row["message"]["role"] for row in transcript if row.get("type") == "message"]
            assert roles == ["user", "assistant", "user", "assistant"]
            assert "Traceback" not in way.printed


@pytest.mark.asyncio
async def test_an_answer_that_the_disk_does_not_take_is_an_error_and_no_half_line(tmp_path: Path) -> None:
    folder = tmp_path / "home/.openclaw/agents/main/sessions"

    def fill_then_answer(_: Seen) -> Answer:
        fill(folder)
        return Answer("a long answer " + "z" * 8000)

    with small_disk(folder, "128k"):
        async with straight(tmp_path) as way:
            assert await way.say("hello") == ["ok"]
            (line,) = await way.say("now", fill_then_answer)
            assert "free some disk space" in line
            (folder / "filler").unlink()
            assert await way.say("again") == ["ok"]
            await way.gateway.stop()
            assert len(way.gateway.transcripts()) == 1


@pytest.mark.asyncio
async def test_a_full_disk_under_the_journal_acknowledges_nothing_and_answers_later(tmp_path: Path) -> None:
    folder = tmp_path / "home/.openclaw/journal"
    with small_disk(folder, "1m"):
        async with straight(tmp_path) as way:
            assert await way.say("hello") == ["ok"]
            filler, seen = fill(folder), len(way.gateway.output)
            update = way.server.text("while it is full")
            await until(lambda: any("disk is full" in line for line in way.gateway.output[seen:]))
            assert way.server.acknowledged < update
            filler.unlink()
            assert await way.heard(2, since=1) == ["ok"]
            assert len(way.model.requests) == 2
            await way.gateway.stop()
        assert "Traceback" not in way.printed


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ('{"command": "touch hunter2', "are not valid JSON (unterminated string starting at character 13 of 26)"),
        ("[1]", "are not a JSON object"),
    ],
)
async def test_a_tool_call_that_is_no_json_is_one_clear_message_to_the_model_and_the_log(
    tmp_path: Path, arguments: str, problem: str
) -> None:
    async with straight(tmp_path) as way:
        call = Answer(text="", calls=(("c1", "exec", arguments),))
        assert await way.say("please do", call, Answer("I gave up.")) == ["I gave up."]
        (result,) = tool_results(way.model.requests[-1].body)
        told = json.loads(result)["error"]
        assert told == (
            f"The arguments of this call of exec {problem}, so nothing ran. "
            "Send the whole call again, with one JSON object."
        )
        (logged,) = [line for line in way.gateway.output if "The arguments of this call" in line]
        assert f"model local/test: {told}" in logged
        assert "hunter2" not in way.printed
