"""What one person, one session or one sandbox has is out of reach for every other, even with a model that obeys all."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.model_server import Answer, Seen
from support.process import TOKEN
from support.straight import MODEL_KEY, OTHER, OWNER, Straight, straight, tool_names, tool_results
from support.telegram_server import TOKEN as BOT_TOKEN
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.sandbox]

ENVIRON = {"OUR_PRIVATE_VALUE": "value-of-the-gateway", "OPENAI_API_KEY": "sk-of-the-gateway"}
SECRET = re.compile(r"secret-(\d+)-(\d+)-end")


def calls(*wanted: tuple[str, dict[str, Any]]) -> Answer:
    """Return an answer of the model that makes these tool calls."""
    return Answer(text="", calls=tuple((f"c{number}", name, keys) for number, (name, keys) in enumerate(wanted)))


def session_of(user: int) -> str:
    return f"agent:main:telegram:direct:{user}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Straight]:
    """One gateway with its defaults for the tests that change nothing; each says more into the same sessions."""
    async with straight(tmp_path_factory.mktemp("shared"), environ=ENVIRON) as found:
        yield found


shared = pytest.mark.asyncio(loop_scope="module")


# Tools


@pytest.mark.asyncio
async def test_a_denied_tool_is_not_offered_and_not_run_and_both_are_on_record(tmp_path: Path) -> None:
    async with straight(tmp_path, tools={"deny": ["write"]}) as way:
        answers = (calls(("write", {"path": "x", "content": "y"})), Answer("so be it"))
        assert await way.say("write something", *answers) == ["so be it"]
        assert all("write" not in tool_names(seen.body) for seen in way.model.requests)
        assert "read" in tool_names(way.model.requests[0].body)
        (result,) = tool_results(way.model.requests[-1].body)
        assert "Rule: tools.global:deny:write" in result
        assert "Setting: tools.deny" in result
        assert not (way.gateway.state / "workspace/x").exists()
        await way.gateway.stop()
        (refusal,) = [record for record in way.gateway.ledger() if record["what"].get("tool") == "write"]
        assert refusal["verdict"]["outcome"] == "deny"
        assert (refusal["verdict"]["rule"], refusal["verdict"]["key"]) == ("tools.global:deny:write", "tools.deny")
        assert refusal["actor"]["sender"] == str(OWNER)


@shared
async def test_a_tool_that_does_not_exist_is_an_error_and_nothing_else(way: Straight) -> None:
    assert await way.say("go", calls(("launch_rockets", {})), Answer("no rockets")) == ["no rockets"]
    (result,) = tool_results(way.model.requests[-1].body)
    assert "launch_rockets" in result
    assert "Traceback" not in result + way.printed


# Sessions


def repeat(seen: Seen) -> Answer:
    """Answer with every secret that the request holds: what has leaked in leaks out."""
    return Answer(" ".join(sorted({found[0] for found in SECRET.finditer(json.dumps(seen.body))})))


@pytest.mark.asyncio
async def test_two_people_at_once_never_meet_in_a_request_an_answer_or_a_transcript(tmp_path: Path) -> None:
    count = 25
    async with straight(tmp_path, messages={"queue": {"mode": "followup", "cap": 100}}) as way:
        way.model.default = repeat
        for number in range(count):
            for user in (OWNER, OTHER):
                way.server.text(f"remember secret-{user}-{number}-end", user=user)
        for user in (OWNER, OTHER):
            await way.heard_of(f"secret-{user}-{count - 1}-end", user=user)
        for user in (OWNER, OTHER):
            assert {found[1] for found in SECRET.finditer(str(way.server.texts(user)))} == {str(user)}
        for seen in way.model.requests:
            assert len({found[1] for found in SECRET.finditer(json.dumps(seen.body))}) == 1
        await way.gateway.stop()
        held = [{found[1] for found in SECRET.finditer(json.dumps(lines))} for lines in way.gateway.transcripts()]
        assert sorted(held, key=str) == [{str(OWNER)}, {str(OTHER)}]


@shared
@pytest.mark.parametrize("asks", [OWNER, OTHER])
async def test_no_session_tool_reaches_the_session_of_somebody_else(way: Straight, asks: int) -> None:
    other = OTHER if asks == OWNER else OWNER
    await way.say(f"remember secret-{other}-0-end", user=other)
    session_ids = [path.stem for path in (way.gateway.state / "agents/main/sessions").glob("*.jsonl")]
    spy = calls(
        ("sessions_history", {"sessionKey": session_of(other)}),
        *(("sessions_history", {"sessionKey": found}) for found in session_ids),
        ("sessions_list", {"messageLimit": 20}),
        ("session_status", {"sessionKey": session_of(other)}),
    )
    assert await way.say("spy", spy, Answer("nothing"), user=asks) == ["nothing"]
    results = tool_results(way.model.requests[-1].body)
    assert len(results) == 3 + len(session_ids)
    assert f"secret-{other}-0-end" not in json.dumps(way.model.requests[-1].body)
    assert session_of(other) not in results[-2]
    listed = json.loads(results[-2])
    assert [row["key"] for row in listed["sessions"]] == [session_of(asks)]


# Sandboxes


@shared
async def test_a_sandboxed_command_sees_no_host_no_network_and_no_secret(way: Straight, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("host-file-content")
    port, model = way.gateway.port, way.model.url.rpartition(":")[2]
    commands = (
        f"cat {shlex.quote(str(outside))} {shlex.quote(str(way.gateway.state / 'openclaw.json'))}",
        "env; cat /proc/*/environ | tr '\\0' '\\n'; cat /proc/*/cmdline | tr '\\0' ' '",
        "ls -a / /root /home /work /tmp /var/run; find / -xdev -name 'openclaw.json' 2>/dev/null",
        f"for port in {port} {model}; do (echo > /dev/tcp/127.0.0.1/$port) && echo done-$((40+2)); done",
        "id -u; cat /proc/net/dev; cat /etc/shadow",
        "mount -t tmpfs none /tmp && echo done-$((40+2)); kill -9 1; echo still-here",
        "unshare -r true && echo done-$((40+2))",
    )
    spy = calls(*(("exec", {"command": f"bash -c {shlex.quote(command)} 2>&1; true"}) for command in commands))
    assert await way.say("spy", spy, Answer("nothing")) == ["nothing"]
    results = tool_results(way.model.requests[-1].body)
    assert len(results) == len(commands)
    secrets = ("host-file-content", TOKEN, BOT_TOKEN, MODEL_KEY, *ENVIRON.values())
    assert [secret for secret in (*secrets, "done-42") if secret in "\n".join(results)] == []
    assert "openclaw.json" not in results[2]
    assert not re.search(r"^0$", results[4], re.MULTILINE)
    assert "still-here" in results[5]
    interfaces = re.findall(r"^\s*(\w+): +\d", results[4], re.MULTILINE)
    assert interfaces == ["lo"]


@shared
async def test_file_tools_do_not_leave_the_workspace(way: Straight) -> None:
    state = way.gateway.state
    (state / "workspace").mkdir(exist_ok=True)
    (state / "workspace/link").symlink_to(state / "openclaw.json")
    paths = ("../openclaw.json", str(state / "openclaw.json"), "~/.openclaw/openclaw.json", "/etc/shadow", "link")
    spy = calls(
        *(("read", {"path": path}) for path in paths),
        ("write", {"path": "../planted", "content": "x"}),
        ("exec", {"command": "cat link; ln -s /proc/1/root/etc x; ls x/"}),
    )
    assert await way.say("spy", spy, Answer("nothing")) == ["nothing"]
    results = tool_results(way.model.requests[-1].body)
    assert len(results) == len(paths) + 2
    assert TOKEN not in "".join(results)
    assert all("error" in result for result in results[: len(paths) + 1])
    assert not (state / "planted").exists()


@pytest.mark.asyncio
async def test_the_sandboxes_of_two_people_share_no_file(tmp_path: Path) -> None:
    sandbox = {"mode": "all", "workspaceAccess": "none", "scope": "session"}
    async with straight(tmp_path, agents={"defaults": {"sandbox": sandbox}}) as way:
        mine = calls(("exec", {"command": "echo private-words > note; cat note; touch /tmp/note /var/tmp/note"}))
        await way.say("keep this", mine, Answer("kept"))
        assert tool_results(way.model.requests[-1].body) == ["private-words\n"]
        spy = calls(
            (
                "exec",
                {"command": "ls -aR /workspace /tmp /var/tmp; grep -rs private-words /workspace /tmp /var /run /etc"},
            ),
            ("read", {"path": "note"}),
        )
        await way.say("spy", spy, Answer("nothing"), user=OTHER)
        listed, read = tool_results(way.model.requests[-1].body)
        assert "note" not in listed
        assert "private-words" not in listed + read


@shared
async def test_a_model_cannot_choose_the_host(way: Straight, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    wishes = (
        {"command": f"touch {marker}", "host": "gateway", "security": "full", "ask": "off"},
        {"command": f"touch {marker}", "elevated": True},
        {"command": f"touch {marker}", "host": "node"},
    )
    assert await way.say("go", calls(*(("exec", wish) for wish in wishes)), Answer("no")) == ["no"]
    results = tool_results(way.model.requests[-1].body)
    assert len(results) == len(wishes)
    assert not marker.exists()
    await until(lambda: any(record["kind"] == "tool.result" for record in way.gateway.ledger()))
    assert "approval-pending" not in "".join(results)
