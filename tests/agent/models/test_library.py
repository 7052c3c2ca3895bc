"""The provider wires, against a server that speaks them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio

from openclaw.agent.contract import (
    Failure,
    ModelEvent,
    ModelRef,
    ModelRequest,
    Stop,
    TextDelta,
    ThinkingDelta,
    ToolCallEnd,
    ToolSchema,
    Usage,
)
from openclaw.agent.models.library import LibraryModel, Patience
from openclaw.system.secret import Secret
from openclaw.tools.arguments import MALFORMED
from support.model_server import Answer, ModelServer, model_server

KEY = Secret("sk-test-1234567890")
WIRES = ["openai-completions", "anthropic-messages"]
SHELL = ToolSchema("exec", "Runs a command.", {"type": "object", "properties": {"command": {"type": "string"}}})


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with model_server() as running:
        yield running


@pytest_asyncio.fixture
async def model() -> AsyncIterator[LibraryModel]:
    client = LibraryModel(Patience(first=2.0, idle=0.5))
    yield client
    await client.close()


def ref_for(server: ModelServer, api: str, **more: Any) -> ModelRef:
    base = server.base_url if api.startswith("openai") else server.url
    return ModelRef(provider=more.pop("provider", "local"), model="test-model", base_url=base, api=api, **more)


def asking(ref: ModelRef, *messages: dict[str, Any], **more: Any) -> ModelRequest:
    said = messages or ({"role": "user", "content": "hello"},)
    return ModelRequest(ref=ref, system="You are a test.", messages=said, tools=more.pop("tools", ()), **more)


async def collect(model: LibraryModel, request: ModelRequest, credential: Secret | None = KEY) -> list[ModelEvent]:
    async with aclosing(model.stream(request, credential)) as stream:  # type: ignore[type-var]  # it is a generator
        return [event async for event in stream]


def failure_of(events: list[ModelEvent]) -> Failure:
    ends = [event for event in events if isinstance(event, Stop | Failure)]
    assert len(ends) == 1
    assert ends[0] is events[-1]
    assert isinstance(ends[0], Failure)
    return ends[0]


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
async def test_text_is_streamed_and_usage_counted(server: ModelServer, model: LibraryModel, api: str) -> None:
    server.script(Answer(text="hello there", usage=(100, 20, 40)))
    events = await collect(model, asking(ref_for(server, api)))
    texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert "".join(texts) == "hello there"
    assert len(texts) == 3
    assert Usage(input=60, output=20, cache_read=40) in events
    assert events[-1] == Stop("stop")


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
async def test_tool_calls_come_complete_and_results_go_back(server: ModelServer, model: LibraryModel, api: str) -> None:
    server.script(
        Answer(text="", calls=(("call_1", "exec", {"command": "ls"}), ("call_2", "exec", {"command": "pwd"})))
    )
    ref = ref_for(server, api)
    events = await collect(model, asking(ref, tools=(SHELL,)))
    calls = [event for event in events if isinstance(event, ToolCallEnd)]
    assert calls == [
        ToolCallEnd("call_1", "exec", {"command": "ls"}),
        ToolCallEnd("call_2", "exec", {"command": "pwd"}),
    ]
    assert events[-1] == Stop("toolUse")
    history: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "look"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "looking"},
                {"type": "toolCall", "id": "call_1", "name": "exec", "arguments": {"command": "ls"}},
            ],
        },
        {
            "role": "toolResult",
            "toolCallId": "call_1",
            "toolName": "exec",
            "content": [{"type": "text", "text": "a.txt"}],
            "isError": False,
        },
        {"role": "user", "content": "and now?"},
    ]
    await collect(model, asking(ref, *history, tools=(SHELL,)))
    body = server.requests[-1].body
    text = str(body)
    for expected in ("look", "looking", "call_1", "a.txt", "and now?", "You are a test.", "Runs a command."):
        assert expected in text
    if api == "openai-completions":
        assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "tool", "user"]
    else:
        assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]


@pytest.mark.asyncio
async def test_signed_thinking_goes_back_to_its_provider(server: ModelServer, model: LibraryModel) -> None:
    ref = ref_for(server, "anthropic-messages", provider="anthropic", reasoning=True, max_tokens=9000)
    server.script(Answer(text="done", thinking="let me see"))
    events = await collect(model, asking(ref, thinking="low"))
    thoughts = [event for event in events if isinstance(event, ThinkingDelta)]
    assert "".join(event.text for event in thoughts) == "let me see"
    assert [event.signature for event in thoughts if event.signature] == ["c2lnbmVk"]
    history: list[dict[str, Any]] = [
        {"role": "user", "content": "x"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "let me see", "thinkingSignature": "c2lnbmVk"},
                {"type": "thinking", "thinking": "", "thinkingSignature": "redacted:aGlkZGVu"},
                {"type": "thinking", "thinking": "unsigned"},
                {"type": "text", "text": "done"},
            ],
        },
        {"role": "user", "content": "y"},
    ]
    await collect(model, asking(ref, *history, thinking="low"))
    content = server.requests[-1].body["messages"][1]["content"]
    assert [block["type"] for block in content] == ["thinking", "redacted_thinking", "text"]
    assert content[0]["signature"] == "c2lnbmVk"
    assert content[1]["data"] == "aGlkZGVu"


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
async def test_images_are_sent(server: ModelServer, model: LibraryModel, api: str) -> None:
    image = {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"}
    history: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "what is this"}, image]},
        {"role": "assistant", "content": [{"type": "toolCall", "id": "c", "name": "read", "arguments": {}}]},
        {"role": "toolResult", "toolCallId": "c", "toolName": "read", "content": [image], "isError": False},
    ]
    await collect(model, asking(ref_for(server, api), *history))
    assert str(server.requests[-1].body).count("iVBORw0KGgo=") == 2


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
async def test_keys_headers_and_parameters_reach_the_wire(server: ModelServer, model: LibraryModel, api: str) -> None:
    ref = ref_for(server, api, headers={"X-Team": "blue"}, params={"temperature": 0.5, "custom": 7}, max_tokens=321)
    await collect(model, asking(ref))
    seen = server.requests[-1]
    assert seen.headers["X-Team"] == "blue"
    sent = seen.headers.get("Authorization") or seen.headers.get("X-Api-Key")
    assert sent in {"Bearer sk-test-1234567890", "sk-test-1234567890"}
    assert seen.body["temperature"] == 0.5
    assert seen.body["custom"] == 7
    assert 321 in seen.body.values()


@pytest.mark.asyncio
async def test_a_key_can_be_sent_as_a_bearer(server: ModelServer, model: LibraryModel) -> None:
    await collect(model, asking(ref_for(server, "anthropic-messages", auth_header=True)))
    assert server.requests[-1].headers["Authorization"] == "Bearer sk-test-1234567890"
    assert "X-Api-Key" not in server.requests[-1].headers


@pytest.mark.asyncio
async def test_the_environments_keys_do_not_go_to_another_endpoint(
    server: ModelServer, model: LibraryModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(name, "canary-from-environment")
    for api in WIRES:
        await collect(model, asking(ref_for(server, api)), None)
        assert "canary-from-environment" not in str(server.requests[-1].headers)


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
async def test_a_model_may_answer_whole(server: ModelServer, model: LibraryModel, api: str) -> None:
    server.script(Answer(text="all at once", calls=(("c1", "exec", {"command": "ls"}),)))
    events = await collect(model, asking(ref_for(server, api, streaming=False), tools=(SHELL,)))
    assert not server.requests[-1].body.get("stream")
    assert TextDelta("all at once") in events
    assert ToolCallEnd("c1", "exec", {"command": "ls"}) in events
    assert events[-1] == Stop("toolUse")


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
async def test_an_answer_that_hit_the_limit_says_so(server: ModelServer, model: LibraryModel, api: str) -> None:
    server.script(Answer(stop="length"))
    assert (await collect(model, asking(ref_for(server, api))))[-1] == Stop("length")


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            Answer(status=401, error={"error": {"message": "bad key sk-test-1234567890"}}),
            "auth",
            "models.providers.local.apiKey",
        ),
        (Answer(status=403), "auth", "refused the credential"),
        (Answer(status=429, headers={"retry-after": "7"}), "rate_limit", "limits the rate"),
        (Answer(status=402), "billing", "no credit"),
        (Answer(status=500), "other", "failed (500): it broke"),
        (Answer(status=503), "rate_limit", "busy"),
        (Answer(status=529), "rate_limit", "busy"),
        (
            Answer(status=400, error={"error": {"message": "bad schema for sk-test-1234567890"}}),
            "format",
            "bad schema for ***",
        ),
        (Answer(status=404, error={"error": {"message": "no such model"}}), "format", "no such model"),
        (Answer(status=408), "timeout", "in time"),
    ],
)
async def test_each_refusal_is_one_clear_line(
    server: ModelServer, model: LibraryModel, api: str, answer: Answer, kind: str, words: str
) -> None:
    server.script(answer)
    failure = failure_of(await collect(model, asking(ref_for(server, api))))
    assert (failure.kind, failure.status) == (kind, answer.status)
    assert words in failure.message
    assert "\n" not in failure.message
    assert "sk-test" not in failure.message
    assert failure.retry_after == (7.0 if answer.headers else None)
    assert len(server.requests) == 1


@pytest.mark.asyncio
async def test_an_overflow_is_told_from_a_bad_request(server: ModelServer, model: LibraryModel) -> None:
    server.script(
        Answer(status=400, error={"error": {"code": "context_length_exceeded", "message": "too long"}}),
        Answer(
            status=400,
            error={"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9"}},
        ),
    )
    for api in WIRES:
        failure = failure_of(await collect(model, asking(ref_for(server, api))))
        assert failure.kind == "overflow"
        assert "/new" in failure.message


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
@pytest.mark.parametrize(
    ("mode", "kinds"),
    [
        ("hang-mid", {"timeout"}),
        ("cut", {"network"}),
        ("end-early", {"network"}),
        ("malformed", {"other", "network"}),
    ],
)
async def test_a_stream_that_goes_wrong_ends_in_one_failure(
    server: ModelServer, model: LibraryModel, api: str, mode: str, kinds: set[str]
) -> None:
    server.script(Answer(text="some longer text to stream", pieces=6, mode=mode))
    events = await asyncio.wait_for(collect(model, asking(ref_for(server, api))), 10)
    assert failure_of(events).kind in kinds
    server.script(Answer(text="fine again"))
    assert (await collect(model, asking(ref_for(server, api))))[-1] == Stop("stop")


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
async def test_a_server_that_never_answers_is_a_timeout(server: ModelServer, api: str) -> None:
    model = LibraryModel(Patience(first=0.2, idle=0.2))
    server.script(Answer(mode="hang-before"))
    try:
        await collect(model, asking(ref_for(server, api)))  # the first request also imports the library
        server.script(Answer(mode="hang-before"))
        failure = failure_of(await collect(model, asking(ref_for(server, api))))
    finally:
        await model.close()
    assert failure.kind == "timeout"


@pytest.mark.asyncio
async def test_no_server_is_a_network_failure(model: LibraryModel) -> None:
    ref = ModelRef("local", "m", base_url="http://127.0.0.1:1/v1", api="openai-completions")
    failure = failure_of(await collect(model, asking(ref)))
    assert failure.kind == "network"
    assert "http://127.0.0.1:1/v1" in failure.message


@pytest.mark.asyncio
@pytest.mark.parametrize("api", WIRES)
async def test_cancelling_closes_the_connection(server: ModelServer, model: LibraryModel, api: str) -> None:
    await collect(model, asking(ref_for(server, api)))
    server.left.clear()
    server.script(Answer(text="some longer text", pieces=8, mode="hang-mid"))
    model._patience = Patience(first=30, idle=30)
    task = asyncio.ensure_future(collect(model, asking(ref_for(server, api))))
    server.arrived.clear()
    await asyncio.wait_for(server.arrived.wait(), 5)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    await asyncio.wait_for(server.left.wait(), 5)


@pytest.mark.asyncio
async def test_arguments_that_are_no_json_never_look_like_a_good_call(server: ModelServer, model: LibraryModel) -> None:
    server.script(Answer(text="", calls=(("c1", "exec", '{"command": "rm'),)))
    events = await collect(model, asking(ref_for(server, "openai-completions"), tools=(SHELL,)))
    (call,) = [event for event in events if isinstance(event, ToolCallEnd)]
    assert call.arguments == {MALFORMED: '{"command": "rm'}


@pytest.mark.asyncio
async def test_a_wire_that_this_build_does_not_speak_is_named(server: ModelServer, model: LibraryModel) -> None:
    failure = failure_of(await collect(model, asking(ref_for(server, "bedrock-converse-stream"))))
    assert "models.providers.local.api" in failure.message


@pytest.mark.asyncio
async def test_a_missing_extra_says_what_to_install(
    server: ModelServer, model: LibraryModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_ai.models.anthropic", None)
    failure = failure_of(await collect(model, asking(ref_for(server, "anthropic-messages"))))
    assert "pip install 'openclaw[anthropic]'" in failure.message


@pytest.mark.asyncio
async def test_connections_are_kept_and_bounded(
    server: ModelServer, model: LibraryModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openclaw.agent.models.library.MAX_CONNECTIONS", 2)
    for number in range(5):
        await collect(model, asking(ref_for(server, "openai-completions")), Secret(f"key-number-{number}"))
    assert len(model._connections) <= 2


def test_the_library_is_not_imported_at_start() -> None:
    code = "import sys, openclaw.agent.models.library; print('pydantic_ai' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
