from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from openclaw.agent.contract import Payload, ReplyTarget
from openclaw.channels.approval_prompts import ApprovalPrompts, ForwardSettings
from openclaw.policy.patterns import compile_patterns
from openclaw.system.errors import Unavailable
from openclaw.tools.approval_text import ApprovalView
from openclaw.tools.approvals import Approvals, ChatPlace
from support.channels import Notes
from support.time import FakeClock, settle

HERE = ReplyTarget(channel="telegram", account="default", to="7")
ADMIN = ReplyTarget(channel="telegram", account="default", to="99")
VIEW = ApprovalView(command="rm -r x", agent_id="main", session_key="agent:main:telegram:direct:7")
BOTH = ForwardSettings(enabled=True, mode="both", targets=(ADMIN,))


class World:
    """Real approvals with prompts that observe them."""

    def __init__(self, settings: ForwardSettings = BOTH) -> None:
        self.clock = FakeClock()
        self.settings = settings
        self.sent: list[tuple[str, str]] = []
        self.fault: Exception | None = None
        self.own: ReplyTarget | None = HERE
        self.approvals = Approvals(self.clock, Notes(), redact=str)
        self.prompts = ApprovalPrompts(lambda: self.settings, lambda _key: self.own, self.put, self.clock)
        self.approvals.observe(self.prompts)

    async def put(self, target: ReplyTarget, payloads: Sequence[Payload]) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent += [(target.to, payload.text) for payload in payloads]

    async def places(self, view: ApprovalView = VIEW) -> list[str]:
        self.approvals.request(view)
        await settle()
        return [to for to, _ in self.sent]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("settings", "places"),
    [
        (ForwardSettings(), []),
        (ForwardSettings(enabled=True), ["7"]),
        (ForwardSettings(enabled=True, mode="targets", targets=(ADMIN,)), ["99"]),
        (BOTH, ["7", "99"]),
        (replace(BOTH, targets=(HERE, ADMIN, ADMIN)), ["7", "99"]),
        (replace(BOTH, agents=frozenset({"main"})), ["7", "99"]),
        (replace(BOTH, agents=frozenset({"other"})), []),
        (replace(BOTH, sessions=compile_patterns(["telegram:direct"])), ["7", "99"]),
        (replace(BOTH, sessions=compile_patterns(["whatsapp"])), []),
    ],
)
async def test_a_prompt_goes_to_each_named_place_once(settings: ForwardSettings, places: list[str]) -> None:
    assert await World(settings).places() == places


@pytest.mark.asyncio
async def test_a_filter_without_the_fact_that_it_needs_forwards_nothing() -> None:
    nameless = ApprovalView(command="rm -r x")
    assert await World(replace(BOTH, agents=frozenset({"main"}))).places(nameless) == []
    assert await World(replace(BOTH, sessions=compile_patterns(["telegram"]))).places(nameless) == []
    assert await World(BOTH).places(nameless) == ["99"]


@pytest.mark.asyncio
async def test_a_session_that_was_never_in_a_chat_has_no_place_of_its_own() -> None:
    world = World()
    world.own = None
    assert await world.places() == ["99"]


@pytest.mark.asyncio
async def test_the_end_is_told_where_the_question_was_asked_even_if_the_settings_changed() -> None:
    world = World()
    pending = world.approvals.request(VIEW)
    world.settings = ForwardSettings()
    await settle()
    world.approvals.resolve(pending.id, "deny", resolved_by="ann")
    await settle()
    assert world.sent[2:] == [
        ("7", f"⛔ Exec approval deny by ann. ID: {pending.id}"),
        ("99", f"⛔ Exec approval deny by ann. ID: {pending.id}"),
    ]


@pytest.mark.asyncio
async def test_the_chat_that_decides_is_answered_by_its_command_and_the_other_places_by_a_notice() -> None:
    world = World()
    pending = world.approvals.request(VIEW)
    await settle()
    here = ChatPlace(HERE.channel, HERE.account, HERE.to)
    world.approvals.resolve(pending.id, "deny", resolved_by="ann", decided_in=here)
    await settle()
    assert [to for to, _ in world.sent[2:]] == [ADMIN.to]


@pytest.mark.asyncio
async def test_another_thread_of_the_chat_that_decides_is_told() -> None:
    world = World(ForwardSettings(enabled=True))
    pending = world.approvals.request(VIEW)
    await settle()
    thread = ChatPlace(HERE.channel, HERE.account, HERE.to, "4")
    world.approvals.resolve(pending.id, "deny", resolved_by="ann", decided_in=thread)
    await settle()
    assert [to for to, _ in world.sent[1:]] == [HERE.to]


@pytest.mark.asyncio
async def test_an_end_that_nobody_decided_is_told_as_expired() -> None:
    world = World(ForwardSettings(enabled=True))
    pending = world.approvals.request(VIEW, timeout_ms=5000)
    await settle()
    assert "Expires in: 5s" in world.sent[0][1]
    await world.clock.advance(6)
    assert world.sent[1:] == [("7", f"⏱️ Exec approval expired. ID: {pending.id}")]


@pytest.mark.asyncio
async def test_a_prompt_that_cannot_be_queued_is_logged_and_the_request_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(ForwardSettings(enabled=True))
    world.fault = Unavailable("the journal is closed")
    await world.places()
    assert [row.view for row in world.approvals.pending()] == [VIEW]
    assert "an approval prompt to telegram was not queued: the journal is closed" in caplog.text
