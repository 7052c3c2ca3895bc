"""The provider wires of the model library: which class speaks which API. Imported at the first request only."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, cast

from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

from openclaw.agent.contract import ModelRef
from openclaw.system.errors import MissingExtra
from openclaw.system.secret import Secret

NO_KEY: Final = "no-key-needed"
DEFAULT_MAX_TOKENS: Final = 8192
_OAUTH_PREFIX: Final = "sk-ant-oat"

_SETTINGS: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "topP": "top_p",
    "top_p": "top_p",
    "maxTokens": "max_tokens",
    "max_tokens": "max_tokens",
    "seed": "seed",
    "stop": "stop_sequences",
    "parallelToolCalls": "parallel_tool_calls",
}


@dataclass(slots=True)
class Connection:
    """One endpoint with its HTTP client and credential; kept between requests.

    Attributes:
        model: builds the library's model for a model name.
        close: closes the HTTP client.
        users: requests that use it now.
    """

    model: Callable[[str], Model[Any]]
    close: Callable[[], Awaitable[None]]
    users: int = 0


def _part(name: str, feature: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtra(feature, extra) from error


def _openai_client(ref: ModelRef, credential: Secret | None) -> Any:
    sdk = _part("openai", f"the provider {ref.provider}", "openai")
    client = sdk.AsyncOpenAI(
        api_key=credential.reveal() if credential else NO_KEY,
        base_url=ref.base_url,
        default_headers=dict(ref.headers),
        max_retries=0,
    )
    client.organization = client.project = None  # the environment's must not go to another endpoint
    _untouched(client.chat.completions)
    return client


def _untouched(resource: Any) -> None:
    """Let the SDK send messages and tools as they are.

    It would walk every message of the conversation through its typed transforms, which have nothing to change there and
    cost more than all the rest of a turn.
    """
    plain = resource.create

    async def create(*, messages: Any, extra_body: Mapping[str, Any] | None = None, **rest: Any) -> Any:
        return await plain(messages=[], extra_body={**(extra_body or {}), "messages": list(messages)}, **rest)

    resource.create = create


def _openai_provider(ref: ModelRef, client: Any) -> Any:
    if ref.provider == "openai":
        module = _part("pydantic_ai.providers.openai", "the provider openai", "openai")
        return module.OpenAIProvider(openai_client=client)
    module = _part("pydantic_ai.providers.openai_compatible", f"the provider {ref.provider}", "openai")
    return module.OpenAICompatibleProvider(ref.provider, openai_client=client)


def _openai(class_name: str, profile: Mapping[str, Any]) -> Callable[[ModelRef, Secret | None], Connection]:
    def connect(ref: ModelRef, credential: Secret | None) -> Connection:
        module = _part("pydantic_ai.models.openai", f"the provider {ref.provider}", "openai")
        client = _openai_client(ref, credential)
        provider = _openai_provider(ref, client)
        build = getattr(module, class_name)
        return Connection(lambda name: build(name, provider=provider, profile=dict(profile)), client.close)

    return connect


def _anthropic(ref: ModelRef, credential: Secret | None) -> Connection:
    sdk = _part("anthropic", f"the provider {ref.provider}", "anthropic")
    module = _part("pydantic_ai.models.anthropic", f"the provider {ref.provider}", "anthropic")
    providers = _part("pydantic_ai.providers.anthropic", f"the provider {ref.provider}", "anthropic")
    key = credential.reveal() if credential else NO_KEY
    bearer = ref.auth_header or key.startswith(_OAUTH_PREFIX)
    headers = dict(ref.headers)
    client = sdk.AsyncAnthropic(
        **({"auth_token": key} if bearer else {"api_key": key}),
        base_url=ref.base_url,
        default_headers=headers,
        max_retries=0,
    )
    _untouched(client.beta.messages)
    provider = providers.AnthropicProvider(anthropic_client=client)
    return Connection(lambda name: module.AnthropicModel(name, provider=provider), client.close)


WIRES: Final[Mapping[str, Callable[[ModelRef, Secret | None], Connection]]] = {
    "openai-completions": _openai("OpenAIChatModel", {"openai_chat_streaming_requires_finish_reason": True}),
    "openai-responses": _openai("OpenAIResponsesModel", {}),
    "anthropic-messages": _anthropic,
}
"""Wire formats of `models.providers.<id>.api` that this build speaks."""


def settings_for(ref: ModelRef, thinking: str) -> ModelSettings:
    """Return the library's settings: limits, thinking, and the free parameters of the config."""
    settings: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in ref.params.items():
        if name in _SETTINGS:
            settings[_SETTINGS[name]] = value
        else:
            extra[name] = value
    if extra:
        settings["extra_body"] = extra
    if ref.max_tokens is not None:
        settings.setdefault("max_tokens", ref.max_tokens)
    if ref.api == "anthropic-messages":
        settings.setdefault("max_tokens", DEFAULT_MAX_TOKENS)
        if ref.provider == "anthropic":
            settings.update(anthropic_cache_instructions=True, anthropic_cache_messages=True)
    if ref.reasoning:
        settings["thinking"] = False if thinking == "off" else thinking
    return cast("ModelSettings", settings)
