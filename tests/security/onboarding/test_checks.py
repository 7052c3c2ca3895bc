"""Trying things out by real requests, without ever telling a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openclaw.security.onboarding.answers import Answers, ModelAnswer
from openclaw.security.onboarding.changes import applied, config_changes
from openclaw.security.onboarding.checks import Tried, try_model, try_sandbox, try_telegram
from openclaw.state.layout import StateLayout
from openclaw.system.secret import Secret
from support.model_server import Answer, ModelServer, model_server
from support.served import served
from support.state_dirs import environment_of
from support.telegram_server import TOKEN, telegram_server

KEY = "canary-model-key-0123456789abcdef"


def document(answers: Answers, base: dict[str, Any] | None = None) -> dict[str, Any]:
    known = base or {}
    home = Path("/home/me")
    return applied(known, config_changes(answers, known, home=home, token="t" * 48, sandboxed=True, has_secret=False))


def tried(tmp_path: Path, server: ModelServer, *, api: str = "openai-completions", key: str = KEY) -> Tried:
    base = server.base_url if api == "openai-completions" else server.url
    model = ModelAnswer("mine", "m1", Secret(key), base_url=base, api=api)
    environment = environment_of(tmp_path)
    return try_model(model, document(Answers(model=model)), StateLayout.resolve(environment), environment)


@pytest.mark.parametrize("api", ["openai-completions", "anthropic-messages"])
def test_a_model_is_asked_for_real_with_its_key(tmp_path: Path, api: str) -> None:
    with served(model_server) as server:
        found = tried(tmp_path, server, api=api)
        assert found.ok, found.message
        assert "mine/m1 answered in" in found.message
        headers = server.requests[0].headers
        assert KEY in (headers.get("Authorization", "") + headers.get("x-api-key", ""))
        assert server.requests[0].body["model"] == "m1"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(status=401, error={"error": {"message": f"bad key {KEY}"}}), "refused the credential"),
        (Answer(status=404, error={"error": {"message": "no such model"}}), "mine"),
        (Answer(status=429), "busy or limits"),
        (Answer(text=""), "answered with nothing"),
        (Answer(mode="cut"), "mine"),
    ],
)
def test_a_model_that_does_not_answer_is_told_without_the_key(tmp_path: Path, answer: Answer, words: str) -> None:
    with served(model_server) as server:
        server.default = answer
        found = tried(tmp_path, server)
        assert not found.ok
        assert words in found.message
        assert "canary" not in found.message


def test_a_model_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.security.onboarding.checks.MODEL_SECONDS", 0.5)
    with served(model_server) as server:
        server.default = Answer(mode="hang-before")
        assert "did not answer within" in tried(tmp_path, server).message


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with served(model_server) as server:
        url = server.url
    model = ModelAnswer("mine", "m1", Secret(KEY), base_url=f"{url}/v1", api="openai-completions")
    environment = environment_of(tmp_path)
    found = try_model(model, document(Answers(model=model)), StateLayout.resolve(environment), environment)
    assert "cannot be reached" in found.message


def test_a_provider_that_nobody_knows_is_told(tmp_path: Path) -> None:
    model = ModelAnswer("nonsense", "m1", Secret(KEY))
    environment = environment_of(tmp_path)
    found = try_model(model, document(Answers(model=model)), StateLayout.resolve(environment), environment)
    assert not found.ok
    assert "nonsense" in found.message


def test_trying_writes_nothing(tmp_path: Path) -> None:
    with served(model_server) as server:
        tried(tmp_path, server)
    assert list(tmp_path.iterdir()) == []


def test_a_bot_is_asked_who_it_is(tmp_path: Path) -> None:
    environment = environment_of(tmp_path)
    with served(telegram_server) as server:
        answers = Answers(telegram=Secret(TOKEN))
        base = {"channels": {"telegram": {"apiRoot": server.root}}}
        found = try_telegram(Secret(TOKEN), document(answers, base), StateLayout.resolve(environment), environment)
        assert found == Tried(ok=True, message="The bot is @clawbot.")


def test_a_bot_token_that_telegram_refuses_is_told_without_it(tmp_path: Path) -> None:
    environment = environment_of(tmp_path)
    with served(telegram_server) as server:
        server.fail("getMe", 401, "Unauthorized")
        answers = Answers(telegram=Secret(TOKEN))
        base = {"channels": {"telegram": {"apiRoot": server.root}}}
        found = try_telegram(Secret(TOKEN), document(answers, base), StateLayout.resolve(environment), environment)
        assert not found.ok
        assert TOKEN not in found.message
        assert TOKEN.partition(":")[2] not in found.message


def test_the_sandbox_is_tried_by_a_real_command(tmp_path: Path) -> None:
    probe = try_sandbox(environment_of(tmp_path))
    assert probe.detail
    assert isinstance(probe.usable, bool)
