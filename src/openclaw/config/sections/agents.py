"""`agents`: the agents and what holds for all of them (config.md 3.6 to 3.10)."""

from pydantic import Field

from openclaw.config.base import Block, Seq, Texts, block
from openclaw.config.sections.agent_defaults import AgentDefaults, Heartbeat, HumanDelay
from openclaw.config.sections.agent_tools import AgentTools
from openclaw.config.sections.memory_search import MemorySearch
from openclaw.config.sections.messages import GroupChat
from openclaw.config.sections.sandbox import Sandbox
from openclaw.config.shapes import ModelChoice


class AgentIdentity(Block):
    """How an agent presents itself."""

    name: str | None = None
    """Name; also makes mention patterns and prefixes."""
    theme: str | None = None
    """Character in a few words."""
    emoji: str | None = None
    """Emoji; also the acknowledgement."""
    avatar: str | None = None
    """Picture: a path inside the workspace, an http(s) URL or a data URI."""


class AgentSubagents(Block):
    """Agents that this agent may start."""

    allow_agents: Texts | None = None
    """Their ids; `*` is any. Default: only itself."""
    model: str | ModelChoice | None = None
    """Model. Default: agents.defaults.subagents.model."""
    thinking: str | None = None
    """Thinking level."""


class AgentEntry(Block):
    """One agent. Its blocks override those of `agents.defaults` key by key."""

    id: str
    """Id; compared in lower case."""
    default: bool | None = None
    """Take what no binding claims. Default: the first agent does."""
    name: str | None = None
    """Name for people."""
    workspace: str | None = None
    """Working directory. Default: <state>/workspace-<id>; of the default agent agents.defaults.workspace."""
    agent_dir: str | None = None
    """Folder of its credentials; no two agents may share one. Default: <state>/agents/<id>/agent."""
    model: str | ModelChoice | None = None
    """Model; a text overrides the first model alone."""
    skills: Texts | None = None
    """Skills it may use; an empty list means none. Default: all."""
    memory_search: MemorySearch = block(MemorySearch)
    """The memory."""
    human_delay: HumanDelay = block(HumanDelay)
    """Pauses between pieces of a reply."""
    heartbeat: Heartbeat | None = None
    """Regular turns; if any agent has this block, only those that have it take them."""
    identity: AgentIdentity = block(AgentIdentity)
    """How it presents itself."""
    group_chat: GroupChat = block(GroupChat)
    """Mentions and history in groups; even an empty list of patterns overrides."""
    subagents: AgentSubagents = block(AgentSubagents)
    """Agents that it may start."""
    sandbox: Sandbox = block(Sandbox)
    """Where its commands run."""
    tools: AgentTools = block(AgentTools)
    """What it may use."""


class Agents(Block):
    """The agents and what holds for all of them."""

    defaults: AgentDefaults = block(AgentDefaults)
    """What holds for every agent that says nothing else."""
    entries: Seq[AgentEntry] | None = Field(default=None, alias="list")
    """The agents. Default: one, with the id `main`."""
