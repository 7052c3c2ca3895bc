"""`models`: providers and their models (config.md 3.12)."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from openclaw.config.base import (
    Block,
    Count,
    NonEmpty,
    Positive,
    PositiveNumber,
    Secrets,
    SecretText,
    Seq,
    Texts,
    UrlText,
    block,
)

WireFormat: TypeAlias = Literal[
    "openai-completions",
    "openai-responses",
    "anthropic-messages",
    "google-generative-ai",
    "github-copilot",
    "bedrock-converse-stream",
]


class ModelCost(Block):
    """Price per million tokens."""

    input: float | None = None
    """Input. Default: 0."""
    output: float | None = None
    """Output. Default: 0."""
    cache_read: float | None = None
    """Input read from the cache. Default: 0."""
    cache_write: float | None = None
    """Input written to the cache. Default: 0."""


class ModelCompat(Block):
    """What an OpenAI-like server understands."""

    supports_store: bool | None = None
    """The field `store`."""
    supports_developer_role: bool | None = None
    """The role `developer`."""
    supports_reasoning_effort: bool | None = None
    """The field `reasoning_effort`."""
    max_tokens_field: Literal["max_completion_tokens", "max_tokens"] | None = None
    """Name of the field that limits the output."""


class ModelEntry(Block):
    """One model of a provider."""

    id: NonEmpty
    """Id at the provider."""
    name: NonEmpty
    """Name for people."""
    api: WireFormat | None = None
    """Wire format. Default: the provider's."""
    reasoning: bool | None = None
    """The model thinks before it answers. Default: false."""
    input: Seq[Literal["text", "image"]] | None = None
    """What it reads. Default: text."""
    cost: ModelCost = block(ModelCost)
    """Price per million tokens."""
    context_window: PositiveNumber | None = None
    """Context in tokens. Default: 200000."""
    max_tokens: PositiveNumber | None = None
    """Output in tokens. Default: 8192, at most the context."""
    headers: Secrets | None = None
    """Further request headers."""
    compat: ModelCompat = block(ModelCompat)
    """What the server understands."""


class ModelProvider(Block):
    """A provider of models."""

    base_url: Annotated[UrlText, Field(min_length=1)]
    """API address; never empty."""
    api_key: SecretText | None = None
    """API key."""
    auth: Literal["api-key", "aws-sdk", "oauth", "token"] | None = None
    """Kind of login. Default: api-key."""
    api: WireFormat | None = None
    """Wire format of its models."""
    headers: Secrets | None = None
    """Further request headers."""
    auth_header: bool | None = None
    """Send the key as a bearer token. Default: false."""
    models: Seq[ModelEntry]
    """Its models; may be empty."""


class BedrockDiscovery(Block):
    """Finding of Amazon Bedrock models."""

    enabled: bool | None = None
    """Look for them."""
    region: str | None = None
    """Region."""
    provider_filter: Texts | None = None
    """Only of these makers."""
    refresh_interval: Count | None = None
    """Seconds between look-ups. Default: 3600."""
    default_context_window: Positive | None = None
    """Context in tokens when it is unknown. Default: 32000."""
    default_max_tokens: Positive | None = None
    """Output in tokens when it is unknown. Default: 4096."""


class Models(Block):
    """Providers and their models."""

    mode: Literal["merge", "replace"] | None = None
    """Add to the agent's own model list or take its place. Default: merge."""
    providers: Mapping[str, ModelProvider] | None = None
    """Providers by id. Default: the built-in ones."""
    bedrock_discovery: BedrockDiscovery = block(BedrockDiscovery)
    """Finding of Amazon Bedrock models."""
