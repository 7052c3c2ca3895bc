"""What the agent room reads of the config, per agent, as plain values (config.md 3.3, 3.4, 3.6, 3.10).

The only module of this room that looks at config models, beside the model registry. A config never changes, so what was
read of it is kept as long as it is the current one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Protocol, cast

from openclaw.config.model import Config
from openclaw.config.places import agent_dir, agent_workspace, default_agent
from openclaw.config.sections.agents import AgentEntry, AgentIdentity
from openclaw.config.sections.messages import MessageQueue
from openclaw.config.shapes import ModelChoice
from openclaw.policy.what.tool_chain import ToolsPolicy
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.policy.where.routing import RoutingPolicy
from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.state.layout import StateLayout
from openclaw.state.sessions import store_path

DEFAULT_TIMEOUT_SECONDS: Final = 600.0
DEFAULT_BOOTSTRAP_CHARS: Final = 20_000
DEFAULT_LANE_CAPS: Final = {"main": 4, "subagent": 8, "cron": 1}

SEED_RULES: Final = (
    "Give strangers no directory listings and no file paths.",
    "Never reveal API keys, credentials or details of the infrastructure.",
    "Confirm with the owner before you change system configuration.",
    "When in doubt, ask before you act.",
    "Private information stays private, also from people who call themselves friends.",
)
"""The five rules of the seed page, in our words (agent.md 3.7)."""

QueueMode = Literal["collect", "followup", "interrupt"]


class PolicyView(Protocol):
    """The parts of the Policy that the agent room asks."""

    @property
    def routing(self) -> RoutingPolicy:
        """Where messages go, and what sessions may do."""
        ...

    @property
    def access(self) -> AccessPolicy:
        """Who may give commands."""
        ...

    @property
    def tools(self) -> ToolsPolicy:
        """Who may use which tools, and leave the sandbox."""
        ...


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """One agent.

    Attributes:
        agent_id, name: its id, and how it is called.
        workspace, agent_dir: its working directory and the folder of its credentials.
        store: its `sessions.json`; transcripts lie beside it.
        primary: configured model reference; None means the built-in default.
        primary_key: config path of it.
        fallbacks: further references, tried in order.
        timeout_seconds: limit of a run.
        thinking, verbose, elevated: default levels; None means that nothing was set.
        bootstrap_chars: limit of each injected workspace file.
        skip_bootstrap: do not create workspace files.
        rules: security rules of the system prompt; empty when switched off.
        time_zone: IANA zone of the user, where set.
        identity: name, theme, emoji, avatar as configured.
    """

    agent_id: str
    name: str
    workspace: Path
    agent_dir: Path
    store: Path
    primary: str | None = None
    primary_key: str = "agents.defaults.model.primary"
    fallbacks: tuple[str, ...] = ()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    thinking: str | None = None
    verbose: str = "off"
    elevated: str | None = None
    bootstrap_chars: int = DEFAULT_BOOTSTRAP_CHARS
    skip_bootstrap: bool = False
    rules: tuple[str, ...] = SEED_RULES
    time_zone: str | None = None
    identity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """`messages.queue` for one channel.

    Attributes:
        mode: what happens to messages during a run.
        debounce_seconds: quiet time before a queued turn.
        cap: queued messages kept.
        drop: what goes when there are more.
    """

    mode: QueueMode = "collect"
    debounce_seconds: float = 1.0
    cap: int = 20
    drop: Literal["old", "new", "summarize"] = "summarize"


class _Read:
    """What was read of one config.

    Attributes:
        config: that config.
        default_agent: id of the default agent.
        agent_ids: ids of all agents, the default one included, in the order of the config.
        agents: agents that were asked for, by normal id.
    """

    __slots__ = ("agent_ids", "agents", "config", "default_agent")

    def __init__(self, config: Config) -> None:
        self.config = config
        self.default_agent = default_agent(config.document)
        listed = (normalise_agent_id(entry.id) for entry in config.agents.entries or ())
        self.agent_ids = tuple(dict.fromkeys((*listed, self.default_agent)))
        self.agents: dict[str, AgentSettings] = {}


class Settings:
    """Reads the current config.

    Args:
        config: the current config.
        layout: where the state lies.
    """

    def __init__(self, config: Callable[[], Config], layout: StateLayout) -> None:
        self._config = config
        self.layout = layout
        self._last: _Read | None = None

    @property
    def config(self) -> Config:
        """Return the current config."""
        return self._config()

    def agent(self, agent_id: str) -> AgentSettings:
        """Return an agent; one that is not listed has the defaults."""
        read = self._read()
        found = read.agents.get(agent_id)  # most callers have the normal id
        if found is None:
            wanted = normalise_agent_id(agent_id)
            found = read.agents.get(wanted)
            if found is None:
                found = read.agents[wanted] = _agent(read.config, self.layout, wanted)
        return found

    @property
    def default_agent(self) -> str:
        """Return the id of the default agent."""
        return self._read().default_agent

    @property
    def agent_ids(self) -> tuple[str, ...]:
        """Return the ids of all agents, the default one included, in the order of the config."""
        return self._read().agent_ids

    def _read(self) -> _Read:
        config = self._config()
        if self._last is None or self._last.config is not config:
            self._last = _Read(config)
        return self._last

    def lane_cap(self, lane: str) -> int:
        """Return how many runs a global lane admits."""
        config = self._config()
        defaults = config.agents.defaults
        configured = {
            "main": defaults.max_concurrent,
            "subagent": defaults.subagents.max_concurrent,
            "cron": config.cron.max_concurrent_runs,
        }
        return configured.get(lane) or DEFAULT_LANE_CAPS.get(lane, 1)

    def queue(self, channel: str) -> QueueSettings:
        """Return the queue settings of a channel; steering modes hold messages back like `collect`."""
        block = self._config().messages.queue
        mode = getattr(block.by_channel, channel, None) or block.mode or "collect"
        by_channel = (block.debounce_ms_by_channel or {}).get(channel)
        waits = by_channel if by_channel is not None else block.debounce_ms
        return QueueSettings(
            mode=cast("QueueMode", mode) if mode in {"collect", "followup", "interrupt"} else "collect",
            debounce_seconds=1.0 if waits is None else waits / 1000,
            cap=block.cap or 20,
            drop=_drop(block),
        )


def _drop(block: MessageQueue) -> Literal["old", "new", "summarize"]:
    return block.drop or "summarize"


def _agent(config: Config, layout: StateLayout, agent_id: str) -> AgentSettings:
    entry = next((item for item in config.agents.entries or () if normalise_agent_id(item.id) == agent_id), None)
    defaults = config.agents.defaults
    environment = config.environment
    primary, key, fallbacks = _model(config, entry)
    identity = _identity(entry.identity if entry else None)
    return AgentSettings(
        agent_id=agent_id,
        name=identity.get("name") or (entry.name if entry else None) or "Assistant",
        workspace=agent_workspace(config.document, agent_id, layout, environment),
        agent_dir=agent_dir(config.document, agent_id, layout, environment),
        store=store_path(
            config.session.store, layout.sessions_dir(agent_id) / "sessions.json", agent_id, environment.home
        ),
        primary=primary,
        primary_key=key,
        fallbacks=fallbacks,
        timeout_seconds=float(defaults.timeout_seconds or DEFAULT_TIMEOUT_SECONDS),
        thinking=defaults.thinking_default,
        verbose=defaults.verbose_default or "off",
        elevated=defaults.elevated_default,
        bootstrap_chars=defaults.bootstrap_max_chars or DEFAULT_BOOTSTRAP_CHARS,
        skip_bootstrap=defaults.skip_bootstrap is True,
        rules=_rules(defaults.security_rules),
        time_zone=defaults.user_timezone,
        identity=identity,
    )


def _model(config: Config, entry: AgentEntry | None) -> tuple[str | None, str, tuple[str, ...]]:
    """Return primary reference, its config path and the fallbacks: the agent's own over the defaults."""
    defaults = config.agents.defaults.model
    own = entry.model if entry else None
    if isinstance(own, str):
        own = ModelChoice(primary=own)
    primary = (own.primary if own else None) or defaults.primary
    named = own is not None and own.primary
    fallbacks = own.fallbacks if own is not None and own.fallbacks is not None else defaults.fallbacks
    key = f"agents.list ({entry.id}) model.primary" if named and entry else "agents.defaults.model.primary"
    return primary, key, tuple(fallbacks or ())


def _identity(block: AgentIdentity | None) -> Mapping[str, str]:
    if block is None:
        return {}
    pairs = (("name", block.name), ("theme", block.theme), ("emoji", block.emoji), ("avatar", block.avatar))
    return {name: value for name, value in pairs if value}


def _rules(configured: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if configured is None or configured == "default":
        return SEED_RULES
    if configured == "off" or isinstance(configured, str):
        return ()
    return tuple(configured)
