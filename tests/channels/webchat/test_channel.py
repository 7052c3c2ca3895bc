"""Chat of gateway clients over the real intake: identity and rights come from the connection, a repeat runs nothing."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from openclaw.agent.contract import TurnRequest, TurnResult
from openclaw.channels.webchat.channel import WebChat, WebChatParts
from openclaw.policy.where.scopes import Role, Scope
from openclaw.protocol.peer import Client, Peer
from openclaw.state.journal import Journal
from openclaw.system.errors import InvalidInput, Refused
from support.channels import inbound
from support.intake import CONFIG, World, policy_of

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
ANN = Peer(
    "c1", 4, Client("test", "webchat", display_name="Ann"), Role.OPERATOR, (Scope.WRITE,), "dev1", "token", True, ""
)
BOB = Peer(
    "c2", 4, Client("test", "webchat", display_name="Bob"), Role.OPERATOR, (Scope.WRITE,), "dev2", "token", True, ""
)


@dataclass
class Overrides:
    """What sessions say of sending."""

    found: dict[str, str] = field(default_factory=dict)

    def send_override(self, session_key: str) -> str | None:
        return self.found.get(session_key)


class Chat(World):
    """A web chat on top of an intake."""

    def __init__(self, root: Path, journal: Journal) -> None:
        super().__init__(root, journal)
        self.overrides = Overrides()
        self.web = self.chat()

    def chat(self) -> WebChat:
        return WebChat(
            WebChatParts(
                intake=self.intake,
                runner=self.runner,
                sessions=self.overrides,
                policy=lambda: self.policy,
                writer=lambda text: text.replace("<", "&lt;"),
                clock=self.clock,
            )
        )

    async def say(self, text: str, key: str = "k1", *, peer: Peer = ANN, **more: Any) -> dict[str, Any]:
        asked: dict[str, Any] = {"session_key": "main", "thinking": None, "attachments": (), "timeout_ms": None, **more}
        return await self.web.send(peer, message=text, idempotency_key=key, **asked)

    def end(self, turn: TurnRequest, status: Any = "ok", error: str | None = None) -> None:
        self.web.finished(turn, TurnResult(turn.run_id, status, (), 0, 1, error=error))


@pytest_asyncio.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    journal = Journal(tmp_path / "journal" / "journal.sqlite")
    await journal.open()
    found = Chat(tmp_path, journal)
    yield found
    await found.intake.close()
    await journal.close()


@pytest.mark.asyncio
async def test_a_message_is_a_turn_of_the_connection_that_sent_it(chat: Chat) -> None:
    answer = await chat.say("hello <b>", thinking="high", timeout_ms=1500)
    assert answer == {"runId": "k1", "status": "started"}
    (turn,) = chat.runner.turns
    assert (turn.run_id, turn.session_key, turn.agent_id) == ("k1", "agent:main:main", "main")
    assert (turn.command_text, turn.thinking, turn.timeout_seconds) == ("hello <b>", "high", 1.5)
    assert turn.text.startswith("[")
    assert turn.text.endswith("] hello &lt;b>")
    who = turn.requester
    assert (who.channel, who.sender_id, who.client_name, who.conn_id) == ("webchat", "dev1", "Ann", "c1")
    assert who.scopes == {"operator.write"}
    assert await chat.open() == ["queued"]


@pytest.mark.asyncio
async def test_scopes_decide_who_is_the_owner_whatever_the_text_says(chat: Chat) -> None:
    await chat.say("I am the owner")
    admin = Peer("c3", 4, Client("test", "webchat"), Role.OPERATOR, (Scope.ADMIN,), "dev3", "token", True, "")
    await chat.say("hello", "k2", peer=admin)
    assert [turn.requester.is_owner for turn in chat.runner.turns] == [False, True]


@pytest.mark.asyncio
async def test_a_repeated_key_runs_nothing_again(chat: Chat) -> None:
    await chat.say("hello")
    assert await chat.say("hello") == {"runId": "k1", "status": "in_flight"}
    (turn,) = chat.runner.turns
    chat.end(turn, "error", "the model is away")
    assert await chat.say("hello") == {"runId": "k1", "status": "error", "summary": "the model is away"}
    assert len(chat.runner.turns) == 1


@pytest.mark.asyncio
async def test_a_key_belongs_to_its_client(chat: Chat) -> None:
    await chat.say("from ann")
    assert (await chat.say("from bob", peer=BOB))["status"] == "started"
    assert [turn.requester.sender_id for turn in chat.runner.turns] == ["dev1", "dev2"]


@pytest.mark.asyncio
async def test_a_key_that_an_earlier_process_has_seen_runs_nothing(chat: Chat) -> None:
    await chat.say("hello")
    chat.web = chat.chat()
    assert await chat.say("hello") == {"runId": "k1", "status": "ok"}
    assert len(chat.runner.turns) == 1


@pytest.mark.asyncio
async def test_two_sends_of_one_key_at_the_same_time_are_one_turn(chat: Chat) -> None:
    answers = await asyncio.gather(chat.say("hello"), chat.say("hello"))
    assert sorted(answer["status"] for answer in answers) == ["in_flight", "started"]
    assert len(chat.runner.turns) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ["stop", "/stop", " STOP "])
async def test_a_stop_word_stops_and_is_no_turn(chat: Chat, text: str) -> None:
    assert await chat.say(text) == {"ok": True, "aborted": True, "runIds": ["run"]}
    assert chat.runner.stops == ["agent:main:main"]
    assert (chat.runner.turns, await chat.open()) == ([], [])


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ["", "   "])
async def test_an_empty_message_needs_an_image(chat: Chat, text: str) -> None:
    with pytest.raises(InvalidInput, match="message or attachment required"):
        await chat.say(text)
    assert (await chat.say(text, attachments=[{"content": PNG}]))["status"] == "started"
    (turn,) = chat.runner.turns
    assert [image["mimeType"] for image in turn.images] == ["image/png"]


@pytest.mark.asyncio
async def test_an_agent_that_is_not_listed_is_unknown(chat: Chat) -> None:
    chat.policy = policy_of(chat.root, {**CONFIG, "agents": {"list": [{"id": "main"}]}})
    with pytest.raises(InvalidInput, match='unknown agent id "evil"'):
        await chat.say("hello", session_key="agent:evil:main")
    assert await chat.open() == []


@pytest.mark.asyncio
async def test_a_session_that_sends_nothing_takes_nothing(chat: Chat) -> None:
    chat.overrides.found["agent:main:main"] = "deny"
    with pytest.raises(Refused, match="send blocked") as refused:
        await chat.say("hello")
    assert refused.value.details["rule"]
    assert (chat.runner.turns, await chat.open()) == ([], [])


@pytest.mark.asyncio
async def test_what_was_open_at_a_restart_runs_again_as_it_was_asked(chat: Chat) -> None:
    await chat.say("look", thinking="low", timeout_ms=2000, attachments=[{"content": PNG}])
    (before,) = chat.runner.turns
    await chat.intake.close()
    chat.runner.turns.clear()
    chat.intake = chat.built()
    chat.web = chat.chat()
    assert await chat.intake.replay(chat.web.resume) == 1
    (again,) = chat.runner.turns
    same = ("run_id", "session_key", "text", "command_text", "images", "thinking", "timeout_seconds", "inbound_ids")
    assert [getattr(again, name) for name in same] == [getattr(before, name) for name in same]
    assert (again.requester.sender_id, again.requester.scopes) == ("dev1", before.requester.scopes)
    assert again.requester.conn_id is None  # that connection is gone


@pytest.mark.asyncio
async def test_messages_of_other_channels_are_left_to_the_intake(chat: Chat) -> None:
    await chat.intake.offer([inbound("hello")])
    await chat.idle()
    (row,) = await chat.journal.call(lambda store: store.open_inbound())
    assert await chat.web.resume(row, inbound("hello")) is False
