"""Settings of the moment, as channels and tools ask for them: read from the live config, never kept."""

from __future__ import annotations

import logging
from datetime import tzinfo
from typing import Final, cast
from zoneinfo import ZoneInfo

from openclaw.agent.contract import ReplyTarget
from openclaw.agent.settings import Settings
from openclaw.channels.answers import AnswerStyle, ReplyToMode
from openclaw.channels.approval_prompts import ForwardSettings
from openclaw.channels.delivery import RetryPolicy
from openclaw.channels.envelope import EnvelopeStyle
from openclaw.channels.registry import WEBCHAT
from openclaw.config.channels.common import ChannelSettings, MarkdownRendering
from openclaw.config.live import LiveConfig
from openclaw.config.model import Config
from openclaw.config.sections.agents import AgentEntry
from openclaw.config.shapes import RetryPolicy as RetryBlock
from openclaw.policy.patterns import compile_patterns
from openclaw.policy.snapshot import Policy
from openclaw.policy.what.paths import StateParts
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.policy.where.sandbox_mode import SandboxScope
from openclaw.state.layout import StateLayout
from openclaw.tools.exec_settings import ExecPolicyView, exec_view
from openclaw.tools.places import FileBounds
from openclaw.tools.sandbox.settings import JailSettings, jail_settings

log = logging.getLogger(__name__)

DEFAULT_CHUNK: Final = 4000
DEFAULT_MEDIA_MB: Final = 5
"""Inbound media of a channel that sets no `mediaMaxMb`."""


class LiveSettings:
    """Reads the current config for one question at a time."""

    def __init__(self, live: LiveConfig[Policy], layout: StateLayout, agents: Settings) -> None:
        self._live = live
        self._layout = layout
        self._agents = agents

    @property
    def config(self) -> Config:
        """Return the config in force."""
        return self._live.config

    def _account(self, channel: str, account: str) -> ChannelSettings | None:
        return self.config.channels.account(channel, account)

    def _agent(self, agent_id: str) -> AgentEntry | None:
        wanted = normalise_agent_id(agent_id)
        return next(
            (entry for entry in self.config.agents.entries or () if normalise_agent_id(entry.id) == wanted), None
        )

    # channels

    def answer_style(self, channel: str, account: str) -> AnswerStyle:
        """Return how an account wants its answers; the web chat's travel as events."""
        if channel == WEBCHAT:
            return AnswerStyle(outbox=False)
        found = self._account(channel, account)
        if found is None:
            return AnswerStyle()
        prefix = self.config.messages.response_prefix if found.response_prefix is None else found.response_prefix
        markdown = getattr(found, "markdown", None)
        mode = getattr(found, "reply_to_mode", None) or ("first" if channel == "telegram" else "off")
        return AnswerStyle(
            chunk_limit=found.text_chunk_limit or DEFAULT_CHUNK,
            chunk_mode=found.chunk_mode or "length",
            tables=(markdown.tables if isinstance(markdown, MarkdownRendering) else None) or "code",
            reply_to=cast("ReplyToMode", mode),
            prefix=self._prefix(prefix),
        )

    def _prefix(self, configured: str | None) -> str:
        if configured != "auto":
            return configured or ""
        return f"[{self._agents.agent(self._agents.default_agent).name}]"

    def retry(self, channel: str, account: str) -> RetryPolicy:
        """Return the retry settings of an account."""
        block = getattr(self._account(channel, account), "retry", None)
        plain = RetryPolicy()
        if not isinstance(block, RetryBlock):
            return plain
        return RetryPolicy(
            attempts=block.attempts or plain.attempts,
            min_delay_ms=plain.min_delay_ms if block.min_delay_ms is None else block.min_delay_ms,
            max_delay_ms=plain.max_delay_ms if block.max_delay_ms is None else block.max_delay_ms,
            jitter=plain.jitter if block.jitter is None else block.jitter,
        )

    def media_limit(self, channel: str, account: str) -> int:
        """Return the bytes that one inbound file may have."""
        found = getattr(self._account(channel, account), "media_max_mb", None)
        return int((found or DEFAULT_MEDIA_MB) * 1024 * 1024)

    def envelope(self) -> EnvelopeStyle:
        """Return how envelopes are written."""
        defaults = self.config.agents.defaults
        named = defaults.envelope_timezone
        return EnvelopeStyle(
            zone=_zone(defaults.user_timezone if named == "user" else named),
            timestamp=defaults.envelope_timestamp != "off",
            elapsed=defaults.envelope_elapsed != "off",
        )

    def forwarding(self) -> ForwardSettings:
        """Return where approval prompts go."""
        block = self.config.approvals.exec
        return ForwardSettings(
            enabled=block.enabled is True,
            mode=block.mode or "session",
            agents=frozenset(normalise_agent_id(name) for name in block.agent_filter or ()),
            sessions=compile_patterns(block.session_filter) if block.session_filter else None,
            targets=tuple(
                ReplyTarget(
                    channel=target.channel,
                    account=target.account_id or "default",
                    to=target.to,
                    thread_id=target.thread_id,
                )
                for target in block.targets or ()
            ),
        )

    # tools

    def jail(self, agent_id: str) -> JailSettings:
        """Return what a jail of an agent holds."""
        entry = self._agent(agent_id)
        own = entry.sandbox.docker if entry is not None and entry.sandbox is not None else None
        scope = self._live.policy.routing.sandbox.settings(agent_id).scope
        return jail_settings(self.config.agents.defaults.sandbox.docker, own, shared=scope is SandboxScope.SHARED)

    def bounds(self, agent_id: str) -> FileBounds:
        """Return what bounds the file tools of an agent."""
        entry = self._agent(agent_id)
        own = entry.tools.fs.workspace_only if entry is not None else None
        general = self.config.tools.fs.workspace_only
        workspaces = tuple(str(self._agents.agent(name).workspace) for name in self._agents.agent_ids)
        files = tuple(str(path) for path in self.config.source.files)
        return FileBounds(
            state=StateParts.at(str(self._layout.root), workspaces=workspaces, files=files),
            workspace_only=bool(general if own is None else own),
            workspaces=workspaces,
        )

    def exec_view(self, agent_id: str) -> ExecPolicyView:
        """Return what decides about an agent's commands."""
        return exec_view(self._live.policy, agent_id)

    @property
    def asks_login_shell(self) -> bool:
        """Return whether PATH is taken from the login shell (`env.shellEnv.enabled`)."""
        return self.config.env.shell_env.enabled is True


def _zone(name: str | None) -> tzinfo | None:
    """Return a zone by name; None is the host's."""
    if name is None or name == "local":
        return None
    try:
        return ZoneInfo("UTC" if name.lower() == "utc" else name)
    except (KeyError, ValueError, OSError):
        log.warning("agents.defaults.envelopeTimezone: unknown zone %r, using the host's", name)
        return None
