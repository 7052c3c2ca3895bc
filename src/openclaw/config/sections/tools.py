"""`tools`: what agents may use and how (config.md 3.11, 3.17)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from openclaw.config.base import (
    Block,
    Count,
    CountNumber,
    NonEmpty,
    Positive,
    SecretText,
    Seq,
    Texts,
    UrlText,
    block,
)
from openclaw.config.sections.agent_tools import (
    Elevated,
    ExecSettings,
    FileTools,
    ProviderTools,
    SandboxTools,
    ToolProfile,
)
from openclaw.config.sections.media_tools import MediaTools
from openclaw.config.shapes import ScopeRules, SsrfPolicy, ToolLists


class Perplexity(Block):
    """Search by Perplexity."""

    api_key: SecretText | None = None
    """API key."""
    base_url: UrlText | None = None
    """API address."""
    model: str | None = None
    """Model. Default: perplexity/sonar-pro."""


class Grok(Block):
    """Search by Grok."""

    api_key: SecretText | None = None
    """API key."""
    model: str | None = None
    """Model. Default: grok-4-1-fast."""
    inline_citations: bool | None = None
    """Cite inside the text."""


class WebSearch(Block):
    """The tool web_search."""

    enabled: bool | None = None
    """Offer it. Default: true when there is a key."""
    provider: Literal["brave", "perplexity", "grok"] | None = None
    """Search service. Default: brave."""
    api_key: SecretText | None = None
    """Brave key. Default: BRAVE_API_KEY."""
    max_results: Positive | None = None
    """Results, 1 to 10. Default: 5."""
    timeout_seconds: Positive | None = None
    """Time for a search in seconds. Default: 30."""
    cache_ttl_minutes: CountNumber | None = None
    """Minutes that results are kept. Default: 15."""
    perplexity: Perplexity = block(Perplexity)
    """Search by Perplexity."""
    grok: Grok = block(Grok)
    """Search by Grok."""


class WebFetch(Block):
    """The tool web_fetch."""

    enabled: bool | None = None
    """Offer it. Default: true."""
    max_chars: Positive | None = None
    """Characters returned. Default: 50000."""
    max_chars_cap: Positive | None = None
    """Characters that a call may ask for. Default: 50000."""
    max_response_bytes: Annotated[int, Field(ge=32_000, le=10_000_000)] | None = None
    """Bytes read of a response. Default: 750000."""
    timeout_seconds: Positive | None = None
    """Time for a fetch in seconds. Default: 30."""
    cache_ttl_minutes: CountNumber | None = None
    """Minutes that pages are kept. Default: 15."""
    max_redirects: Count | None = None
    """Redirects followed. Default: 3."""
    user_agent: str | None = None
    """User agent sent."""
    ssrf_policy: SsrfPolicy = block(SsrfPolicy)
    """Which private addresses may be reached."""


class WebTools(Block):
    """The web tools."""

    search: WebSearch = block(WebSearch)
    """The tool web_search."""
    fetch: WebFetch = block(WebFetch)
    """The tool web_fetch."""


class LinkModel(Block):
    """A program that reads a link."""

    type: Literal["cli"] | None = None
    """Always cli."""
    command: NonEmpty
    """The program."""
    args: Texts | None = None
    """Its arguments."""
    timeout_seconds: Positive | None = None
    """Time it has in seconds."""


class LinkTools(Block):
    """Reading of links in messages."""

    enabled: bool | None = None
    """Read them. Default: true when there are models."""
    scope: ScopeRules | None = None
    """Where links are read."""
    max_links: Positive | None = None
    """Links per message. Default: 3."""
    timeout_seconds: Positive | None = None
    """Time for one link in seconds. Default: 30."""
    models: Seq[LinkModel] | None = None
    """Programs, tried in order. Default: none."""


class CrossContextMarker(Block):
    """Text around a message sent to another chat."""

    enabled: bool | None = None
    """Add it. Default: true."""
    prefix: str | None = None
    """Before; `{channel}` is replaced. Default: [from {channel}]."""
    suffix: str | None = None
    """After. Default: none."""


class CrossContext(Block):
    """Sending to another chat than the current one."""

    allow_within_provider: bool | None = None
    """On the same channel. Default: true."""
    allow_across_providers: bool | None = None
    """On other channels. Default: false."""
    marker: CrossContextMarker = block(CrossContextMarker)
    """Text around such a message."""


class MessageBroadcast(Block):
    """Sending to many at once."""

    enabled: bool | None = None
    """Offer it. Default: true."""


class MessageTool(Block):
    """The tool message."""

    allow_cross_context_send: bool | None = None
    """Older form: allow every other chat. Default: false."""
    cross_context: CrossContext = block(CrossContext)
    """Sending to another chat."""
    broadcast: MessageBroadcast = block(MessageBroadcast)
    """Sending to many at once."""


class AgentToAgent(Block):
    """Messages between agents."""

    enabled: bool | None = None
    """Allow them. Default: false."""
    allow: Texts | None = None
    """Agents that take part. Default: none."""


class SubagentTools(Block):
    """Tools of agents started by agents."""

    tools: ToolLists = block(ToolLists)
    """Which are offered. Default: a built-in list is refused."""


class SessionTools(Block):
    """The session tools."""

    visibility: Literal["self", "tree", "agent", "all"] | None = None
    """Sessions they see. Default: tree, for the main session agent."""


class Tools(ToolLists):
    """What agents may use and how."""

    profile: ToolProfile | None = None
    """Set of tools to begin with. Default: full."""
    by_provider: Mapping[str, ProviderTools] | None = None
    """Tools by `provider` or `provider/model`."""
    web: WebTools = block(WebTools)
    """The web tools."""
    media: MediaTools = block(MediaTools)
    """Understanding of images, audio and video."""
    links: LinkTools = block(LinkTools)
    """Reading of links in messages."""
    message: MessageTool = block(MessageTool)
    """The tool message."""
    agent_to_agent: AgentToAgent = block(AgentToAgent)
    """Messages between agents."""
    elevated: Elevated = block(Elevated)
    """Running on the host in spite of a sandbox."""
    exec: ExecSettings = block(ExecSettings)
    """How commands run."""
    fs: FileTools = block(FileTools)
    """The file tools."""
    sessions: SessionTools = block(SessionTools)
    """The session tools."""
    subagents: SubagentTools = block(SubagentTools)
    """Tools of agents started by agents."""
    sandbox: SandboxTools = block(SandboxTools)
    """Tools inside a sandbox."""
