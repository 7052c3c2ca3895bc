"""The loaded configuration: an immutable object with typed sections that are made when they are asked for.

`config.gateway`, `config.session` and so on are the models of `config/sections`; an absent section is its empty
instance. Attribute conventions are stated in `openclaw.config.base`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from openclaw.config.base import blank
from openclaw.config.channel_sections import Channels
from openclaw.config.issues import Issue
from openclaw.config.registry import section_type
from openclaw.config.source import Source
from openclaw.config.validate import Checked, check_schema
from openclaw.system.environment import Environment
from openclaw.system.errors import ConfigInvalid

if TYPE_CHECKING:
    from openclaw.config.sections.agents import Agents
    from openclaw.config.sections.approvals import Approvals
    from openclaw.config.sections.audio import Audio
    from openclaw.config.sections.auth import Auth
    from openclaw.config.sections.bindings import Binding, Broadcast
    from openclaw.config.sections.browser import Browser
    from openclaw.config.sections.canvas_host import CanvasHost
    from openclaw.config.sections.commands import Commands
    from openclaw.config.sections.cron import Cron
    from openclaw.config.sections.diagnostics import Diagnostics
    from openclaw.config.sections.discovery import Discovery
    from openclaw.config.sections.env import Env
    from openclaw.config.sections.gateway import Gateway
    from openclaw.config.sections.hooks import Hooks
    from openclaw.config.sections.logging import Logging
    from openclaw.config.sections.media import Media
    from openclaw.config.sections.memory import Memory
    from openclaw.config.sections.messages import Messages
    from openclaw.config.sections.meta import Meta
    from openclaw.config.sections.models import Models
    from openclaw.config.sections.node_host import NodeHost
    from openclaw.config.sections.plugins import Plugins
    from openclaw.config.sections.security import Security
    from openclaw.config.sections.session import Session
    from openclaw.config.sections.skills import Skills
    from openclaw.config.sections.talk import Talk
    from openclaw.config.sections.tools import Tools
    from openclaw.config.sections.ui import Ui
    from openclaw.config.sections.update import Update
    from openclaw.config.sections.web import Web
    from openclaw.config.sections.wizard import Wizard


class Config:
    """A valid configuration. Nothing of it changes; a reload makes a new one.

    Attributes:
        document: the plain effective values after includes, substitution and `~` expansion; without defaults.
        source: where it came from.
        warnings: what is odd but valid.
        environment: the environment with `<state>/.env` and the `env` block laid below it.
    """

    __slots__ = ("_channels", "_typed", "document", "environment", "source", "warnings")

    def __init__(
        self,
        document: Mapping[str, Any],
        checked: Checked,
        *,
        source: Source | None = None,
        warnings: tuple[Issue, ...] = (),
        environment: Environment | None = None,
    ) -> None:
        self.document: Mapping[str, Any] = MappingProxyType(dict(document))
        self.source = source or Source()
        self.warnings = warnings
        self.environment = environment or Environment()
        self._typed: Mapping[str, Any] = checked.sections
        channels = document.get("channels")
        self._channels = Channels(channels if isinstance(channels, dict) else {}, checked.channels)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], environment: Environment | None = None) -> Config:
        """Return the config of a plain document, without any file, include or substitution.

        Raises:
            ConfigInvalid: with `details["issues"]`.
        """
        from openclaw.config.json5 import plain_numbers
        from openclaw.config.rules import check_rules

        values = plain_numbers(dict(document))
        checked = check_schema(values)
        issues = (*checked.issues, *check_rules(values, checked.issues))
        if issues:
            raise invalid(issues)
        return cls(values, checked, environment=environment)

    def __repr__(self) -> str:
        return f"Config({self.source.path or 'document'}, {', '.join(self.document)})"

    @property
    def path(self) -> Path | None:
        """Return the main file."""
        return self.source.path

    @property
    def exists(self) -> bool:
        """Tell whether the main file is there."""
        return self.source.exists

    @property
    def hash(self) -> str:
        """Return sha256 of the main file's bytes; "" when it is absent."""
        return self.source.hash

    @property
    def revision_hash(self) -> str:
        """Return sha256 over the main file and every include."""
        return self.source.revision_hash

    @property
    def channels(self) -> Channels:
        """Return the channels."""
        return self._channels

    def has(self, section: str) -> bool:
        """Tell whether a top-level key was written."""
        return section in self.document

    def _section(self, key: str) -> Any:
        found = self._typed.get(key)
        return blank(section_type(key)) if found is None else found

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """Return the ordered `bindings`."""
        return cast("tuple[Binding, ...]", self._typed.get("bindings", ()))

    @property
    def gateway(self) -> Gateway:
        """Return the section `gateway`."""
        return cast("Gateway", self._section("gateway"))

    @property
    def session(self) -> Session:
        """Return the section `session`."""
        return cast("Session", self._section("session"))

    @property
    def messages(self) -> Messages:
        """Return the section `messages`."""
        return cast("Messages", self._section("messages"))

    @property
    def commands(self) -> Commands:
        """Return the section `commands`."""
        return cast("Commands", self._section("commands"))

    @property
    def approvals(self) -> Approvals:
        """Return the section `approvals`."""
        return cast("Approvals", self._section("approvals"))

    @property
    def agents(self) -> Agents:
        """Return the section `agents`."""
        return cast("Agents", self._section("agents"))

    @property
    def broadcast(self) -> Broadcast:
        """Return the section `broadcast`."""
        return cast("Broadcast", self._section("broadcast"))

    @property
    def tools(self) -> Tools:
        """Return the section `tools`."""
        return cast("Tools", self._section("tools"))

    @property
    def models(self) -> Models:
        """Return the section `models`."""
        return cast("Models", self._section("models"))

    @property
    def auth(self) -> Auth:
        """Return the section `auth`."""
        return cast("Auth", self._section("auth"))

    @property
    def hooks(self) -> Hooks:
        """Return the section `hooks`."""
        return cast("Hooks", self._section("hooks"))

    @property
    def cron(self) -> Cron:
        """Return the section `cron`."""
        return cast("Cron", self._section("cron"))

    @property
    def browser(self) -> Browser:
        """Return the section `browser`."""
        return cast("Browser", self._section("browser"))

    @property
    def skills(self) -> Skills:
        """Return the section `skills`."""
        return cast("Skills", self._section("skills"))

    @property
    def plugins(self) -> Plugins:
        """Return the section `plugins`."""
        return cast("Plugins", self._section("plugins"))

    @property
    def logging(self) -> Logging:
        """Return the section `logging`."""
        return cast("Logging", self._section("logging"))

    @property
    def diagnostics(self) -> Diagnostics:
        """Return the section `diagnostics`."""
        return cast("Diagnostics", self._section("diagnostics"))

    @property
    def discovery(self) -> Discovery:
        """Return the section `discovery`."""
        return cast("Discovery", self._section("discovery"))

    @property
    def canvas_host(self) -> CanvasHost:
        """Return the section `canvasHost`."""
        return cast("CanvasHost", self._section("canvasHost"))

    @property
    def web(self) -> Web:
        """Return the section `web`."""
        return cast("Web", self._section("web"))

    @property
    def ui(self) -> Ui:
        """Return the section `ui`."""
        return cast("Ui", self._section("ui"))

    @property
    def update(self) -> Update:
        """Return the section `update`."""
        return cast("Update", self._section("update"))

    @property
    def talk(self) -> Talk:
        """Return the section `talk`."""
        return cast("Talk", self._section("talk"))

    @property
    def audio(self) -> Audio:
        """Return the section `audio`."""
        return cast("Audio", self._section("audio"))

    @property
    def media(self) -> Media:
        """Return the section `media`."""
        return cast("Media", self._section("media"))

    @property
    def node_host(self) -> NodeHost:
        """Return the section `nodeHost`."""
        return cast("NodeHost", self._section("nodeHost"))

    @property
    def memory(self) -> Memory:
        """Return the section `memory`."""
        return cast("Memory", self._section("memory"))

    @property
    def env(self) -> Env:
        """Return the section `env`."""
        return cast("Env", self._section("env"))

    @property
    def wizard(self) -> Wizard:
        """Return the section `wizard`."""
        return cast("Wizard", self._section("wizard"))

    @property
    def meta(self) -> Meta:
        """Return the section `meta`."""
        return cast("Meta", self._section("meta"))

    @property
    def security(self) -> Security:
        """Return the section `security`."""
        return cast("Security", self._section("security"))


def invalid(issues: tuple[Issue, ...], file: Path | None = None) -> ConfigInvalid:
    """Return the error that stands for these faults, and names the file that they are in."""
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return ConfigInvalid(
        f"Config invalid: {first.path or '<root>'}: {first.message}{more}",
        details={"issues": [issue.as_dict() for issue in issues], **({} if file is None else {"file": str(file)})},
    )


__all__ = ["Config", "Source", "invalid"]
