"""A command on the host waits for a person: who is asked, who may answer, and what happens then, on every surface."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from openclaw.protocol.client import GatewayClient
from openclaw.protocol.errors import RpcError
from support.model_server import Answer
from support.straight import OTHER, OWNER, Straight, operator, straight, tool_results
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.sandbox]

HOST: dict[str, Any] = {"agents": {"defaults": {"sandbox": {"mode": "off"}}}}
EXEC = {"host": "gateway", "security": "allowlist", "ask": "always"}
TO_OWNER = {"enabled": True, "mode": "targets", "targets": [{"channel": "telegram", "to": str(OWNER)}]}
ID = re.compile(r"^ID: (\S+)$", re.MULTILINE)


@asynccontextmanager
async def asking(root: Path, **exec_keys: Any) -> AsyncIterator[Straight]:
    """Run a gateway whose exec asks; prompts go to the owner's chat, whoever caused them."""
    sections: dict[str, Any] = {**HOST, "tools": {"exec": {**EXEC, **exec_keys}}, "approvals": {"exec": TO_OWNER}}
    async with straight(root, **sections) as way:
        yield way


def wants(command: str) -> Answer:
    return Answer(text="", calls=(("c1", "exec", {"command": command}),))


async def ask(way: Straight, command: str, *, user: int) -> str:
    """Let a person's message make the model ask for a command; returns the id that the owner's prompt names."""
    had = len(way.server.texts(OWNER))
    await way.say(
        "please do", wants(command), Answer("I asked the owner."), user=user, replies=2 if user == OWNER else 1
    )
    texts = await way.heard(had + 1, since=had)
    (prompt,) = [text for text in texts if "Exec approval required" in text]
    found = ID.search(prompt)
    assert found is not None
    assert f"/approve {found[1]} allow-once|" in prompt
    return found[1]


def told(way: Straight) -> str:
    """Return the last line of the model's last prompt."""
    return str(way.model.requests[-1].body["messages"][-1]["content"])


def decided(way: Straight) -> list[tuple[str, str]]:
    """Return who gave which command and what became of it."""
    return [
        (record["actor"]["sender"], record["verdict"]["rule"])
        for record in way.gateway.ledger()
        if record["kind"] == "command"
    ]


@pytest.mark.asyncio
async def test_the_owner_allows_in_his_chat_and_the_result_reaches_who_asked(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with asking(tmp_path) as way:
        approval = await ask(way, f"touch {marker} && echo made-$((40+2))", user=OTHER)
        assert tool_results(way.model.requests[-1].body)[-1].startswith(f"Approval required (id {approval[:8]})")

        way.server.text(f"/approve {approval} allow-once", user=OTHER)
        await until(lambda: len(decided(way)) == 1)
        assert decided(way) == [(str(OTHER), "command.unauthorized")]
        assert way.server.texts(OTHER) == ["I asked the owner."]
        assert not marker.exists()

        way.model.script(Answer("It is done."))
        (reply,) = await way.say(f"/approve {approval[:8]} allow-once")
        assert reply == f"✅ Exec approval allow-once by User{OWNER}. ID: {approval}"
        assert await way.heard(2, user=OTHER, since=1) == ["It is done."]
        assert marker.exists()
        assert "Exec finished" in told(way)
        assert "made-42" in told(way)

        (again,) = await way.say(f"/approve {approval} allow-once")
        assert again.startswith("unknown approval id")
        calls = [record for record in way.gateway.ledger() if record["what"].get("approval") == approval]
        assert [record["kind"] for record in calls] == ["approval", "approval", "tool.call", "tool.result"]
        assert calls[2]["actor"] == {"resolvedBy": f"User{OWNER}"}


@pytest.mark.asyncio
async def test_a_denial_runs_nothing_and_the_model_is_told_why(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.touch()
    async with asking(tmp_path) as way:
        approval = await ask(way, f"rm {precious}", user=OWNER)
        way.model.script(Answer("You said no."))
        replies = await way.say(f"/approve {approval} deny", replies=2)
        assert replies == [f"⛔ Exec approval deny by User{OWNER}. ID: {approval}", "You said no."]
        assert f"Exec denied (gateway id={approval}, user-denied): rm {precious}" in told(way)
        assert precious.exists()
        assert (await way.say("and now?")) == ["ok"]


@pytest.mark.asyncio
async def test_what_was_shown_is_what_runs_or_nothing_runs(tmp_path: Path) -> None:
    """The script is exchanged between question and answer (advisories H4, H5)."""
    script, marker = tmp_path / "job.sh", tmp_path / "marker"
    script.write_text("#!/bin/sh\necho harmless\n")
    script.chmod(0o755)
    async with asking(tmp_path) as way:
        approval = await ask(way, str(script), user=OWNER)
        script.write_text(f"#!/bin/sh\ntouch {marker}\n")
        way.model.script(Answer("It changed."))
        await way.say(f"/approve {approval} allow-once", replies=2)
        assert f"Exec denied (gateway id={approval}, executable-changed)" in told(way)
        assert not marker.exists()


# Gateway clients


async def requested(client: GatewayClient) -> dict[str, Any]:
    """Wait for the event of a question."""
    async for event in client.events():
        if event.event == "exec.approval.requested":
            assert isinstance(event.payload, dict)
            return event.payload
    raise AssertionError("the connection ended")


@pytest.mark.asyncio
async def test_a_client_with_the_scope_hears_the_question_and_decides_and_one_without_neither(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    sections: dict[str, Any] = {**HOST, "tools": {"exec": EXEC}}
    async with (
        straight(tmp_path, **sections) as way,
        operator(way.gateway, "operator.approvals") as approver,
        operator(way.gateway, "operator.read", "operator.write") as writer,
    ):
        await way.say("please do", wants(f"touch {marker}"), Answer("I asked."))
        question = await requested(approver)
        assert question["request"]["command"] == f"touch {marker}"
        assert question["detail"]["why"] == "ask-always"
        decision = {"id": question["id"], "decision": "allow-once"}
        with pytest.raises(RpcError, match=r"operator\.approvals"):
            await writer.call("exec.approval.resolve", decision)
        with pytest.raises(RpcError, match=r"operator\.approvals"):
            await writer.call("exec.approval.list")
        assert not marker.exists()

        assert await approver.call("exec.approval.resolve", decision) == {"ok": True}
        assert await way.heard(2, since=1) == ["ok"]
        assert marker.exists()
        with pytest.raises(RpcError, match="unknown approval id"):
            await approver.call("exec.approval.resolve", decision)
        await writer.call("health")  # whatever it was to hear has come before this answer
        await writer.close()
        assert "exec.approval.requested" not in {event.event async for event in writer.events()}


@pytest.mark.asyncio
async def test_a_question_that_nobody_answers_is_not_an_allowance(tmp_path: Path) -> None:
    async with straight(tmp_path) as way, operator(way.gateway, "operator.approvals") as client:
        answer = await client.call("exec.approval.request", {"command": "rm -r /", "timeoutMs": 5000})
        assert answer["decision"] is None
        assert (await client.call("exec.approval.list"))["pending"] == []
        outcomes = [record["verdict"] for record in way.gateway.ledger() if record["kind"] == "approval"]
        assert outcomes[-1]["outcome"] != "allow-once"


# The command line


@pytest.mark.asyncio
async def test_what_the_command_line_lists_runs_without_a_question_and_nothing_else(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with asking(tmp_path, ask="on-miss") as way:
        code, out, err = await way.gateway.run_cli("approvals", "allowlist", "add", "/usr/bin/touch")
        assert (code, out, err) == (0, "Added /usr/bin/touch for agent *.\n", "")
        assert await way.say("go", wants(f"touch {marker}"), Answer("done")) == ["done"]
        assert marker.exists()
        await ask(way, f"rm {marker}", user=OTHER)

        code, out, _ = await way.gateway.run_cli("approvals", "get", "--gateway", "--json")
        (entry,) = json.loads(out)["file"]["agents"]["*"]["allowlist"]
        assert (code, entry["pattern"], entry["lastUsedCommand"]) == (0, "/usr/bin/touch", f"touch {marker}")

        code, *_ = await way.gateway.run_cli("approvals", "allowlist", "remove", "/usr/bin/touch")
        assert code == 0
        await ask(way, f"touch {marker}", user=OTHER)


@pytest.mark.asyncio
async def test_a_broken_approvals_file_lets_nothing_run_and_says_how_to_mend_it(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    async with asking(tmp_path, ask="off", security="full") as way:
        path = way.gateway.state / "exec-approvals.json"
        path.write_text('{"version": 1, "agents": ')
        path.chmod(0o600)
        await way.say("go", wants(f"touch {marker}"), Answer("refused"))
        (result,) = tool_results(way.model.requests[-1].body)
        assert "exec-approvals.json" in result
        assert "Traceback" not in result + way.printed
        assert not marker.exists()
        code, _, err = await way.gateway.run_cli("approvals", "get")
        assert code == 0
        assert "exec-approvals.json" in err
