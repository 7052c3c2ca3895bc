"""The slash commands: one table for every surface, text, native, button and RPC (channels.md 3.4; advisories F1, A3).

A command that declares nothing is for owners. What a command does is not written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

MAX_NATIVE: Final = 100
"""Commands that a chat app takes at most."""


class Authority(StrEnum):
    """Who may give a command."""

    AUTHORISED = "authorised"
    OWNER = "owner"
    APPROVER = "approver"


class Scope(StrEnum):
    """What a command changes."""

    NONE = "none"
    SESSION = "session"
    CONFIG = "config"
    PROCESS = "process"
    GATEWAY = "gateway"


class Switch(StrEnum):
    """The config key below `commands` that a command needs; off unless set."""

    CONFIG = "config"
    DEBUG = "debug"
    BASH = "bash"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command.

    Attributes:
        name: canonical name, without the slash.
        aliases: further names.
        takes_arguments: text may follow the name.
        authority: who may give it.
        scope: what it changes.
        switch: the key that enables it.
        hidden_when_off: without its key it is plain text, not even a command that is refused.
        directive: may also stand in a message beside text (channels.md 3.3).
        inline: an authorised sender may write it anywhere in a message; it is answered and removed.
        wider_needs_owner: values wider than the configured ones are for owners.
        groups_only: has no meaning in a direct chat.
        own_runs_in_groups: outside direct chats it reaches only runs of the sender, unless an owner gives it.
        native: registered with chat apps.
        native_names: (channel, name) pairs where a chat app reserves the name.
    """

    name: str
    aliases: tuple[str, ...] = ()
    takes_arguments: bool = False
    authority: Authority = Authority.OWNER
    scope: Scope = Scope.NONE
    switch: Switch | None = None
    hidden_when_off: bool = False
    directive: bool = False
    inline: bool = False
    wider_needs_owner: bool = False
    groups_only: bool = False
    own_runs_in_groups: bool = False
    native: bool = True
    native_names: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the canonical name and all aliases."""
        return (self.name, *self.aliases)


_A: Final = Authority.AUTHORISED
_S: Final = Scope.SESSION


def _directive(name: str, *aliases: str, wider_needs_owner: bool = False) -> CommandSpec:
    return CommandSpec(name, aliases, True, _A, _S, directive=True, wider_needs_owner=wider_needs_owner)


COMMANDS: Final = (
    CommandSpec("help", authority=_A, inline=True),
    CommandSpec("commands", authority=_A, inline=True),
    CommandSpec("status", authority=_A, inline=True),
    CommandSpec("whoami", ("id",), authority=_A, inline=True),
    CommandSpec("context", takes_arguments=True, authority=_A),
    CommandSpec("skill", takes_arguments=True, authority=_A),
    CommandSpec("allowlist", takes_arguments=True, authority=Authority.OWNER, scope=Scope.CONFIG),
    CommandSpec("approve", takes_arguments=True, authority=Authority.APPROVER, scope=Scope.GATEWAY),
    CommandSpec("config", (), True, Authority.OWNER, Scope.CONFIG, Switch.CONFIG, hidden_when_off=True),
    CommandSpec("debug", (), True, Authority.OWNER, Scope.PROCESS, Switch.DEBUG, hidden_when_off=True),
    CommandSpec("usage", takes_arguments=True, authority=_A, scope=_S),
    CommandSpec("tts", takes_arguments=True, authority=_A, native_names=(("discord", "voice"),)),
    CommandSpec("subagents", takes_arguments=True, authority=_A),
    CommandSpec("stop", authority=_A, own_runs_in_groups=True),
    CommandSpec("restart", authority=Authority.OWNER, scope=Scope.GATEWAY, switch=Switch.RESTART),
    CommandSpec("activation", takes_arguments=True, authority=_A, scope=_S, groups_only=True),
    CommandSpec("send", takes_arguments=True, authority=Authority.OWNER, scope=_S),
    CommandSpec("new", takes_arguments=True, authority=_A, scope=_S),
    CommandSpec("reset", takes_arguments=True, authority=_A, scope=_S),
    CommandSpec("compact", takes_arguments=True, authority=_A, scope=_S, native=False),
    _directive("think", "thinking", "t"),
    _directive("verbose", "v"),
    _directive("reasoning", "reason"),
    _directive("elevated", "elev"),
    _directive("exec", wider_needs_owner=True),
    _directive("model"),
    CommandSpec("models", takes_arguments=True, authority=_A, scope=_S),
    _directive("queue"),
    CommandSpec("bash", (), True, Authority.OWNER, Scope.GATEWAY, Switch.BASH, hidden_when_off=True, native=False),
    CommandSpec("dock-telegram", ("dock_telegram",), authority=_A, scope=_S),
    CommandSpec("dock-discord", ("dock_discord",), authority=_A, scope=_S),
    CommandSpec("dock-slack", ("dock_slack",), authority=_A, scope=_S),
)
"""Every built-in command, in the order of help."""


@dataclass(frozen=True, slots=True)
class CommandIndex:
    """The commands that text can name under one config.

    Attributes:
        by_name: each name and alias, lower-case, without the slash.
        switches: the keys that are on.
    """

    by_name: Mapping[str, CommandSpec] = field(default_factory=lambda: MappingProxyType({}))
    switches: frozenset[Switch] = frozenset()

    def find(self, name: str) -> CommandSpec | None:
        """Return the command that a name means."""
        return self.by_name.get(name.strip().lower().removeprefix("/"))

    def is_on(self, spec: CommandSpec) -> bool:
        """Return whether the key that a command needs is set."""
        return spec.switch is None or spec.switch in self.switches


def index_commands(switches: Iterable[Switch] = (), extra: Iterable[CommandSpec] = ()) -> CommandIndex:
    """Return the index of the built-in commands and those of skills and plugins.

    A name that a built-in command has is reserved: an extra one of that name is left out.

    Args:
        switches: keys below `commands` that are true.
        extra: further commands.
    """
    on = frozenset(switches)
    found: dict[str, CommandSpec] = {}
    reserved = {name for spec in COMMANDS for name in spec.names}
    for spec in COMMANDS:
        if spec.hidden_when_off and spec.switch not in on:
            continue
        found.update((name, spec) for name in spec.names)
    for spec in extra:
        names = [name.strip().lower() for name in spec.names]
        found.update((name, spec) for name in names if name and name not in reserved and name not in found)
    return CommandIndex(MappingProxyType(found), on)


def native_name(spec: CommandSpec, channel: str) -> str:
    """Return the name under which a chat app registers a command: `[a-z0-9_]`, at most 32 characters."""
    chosen = dict(spec.native_names).get(channel, spec.name)
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in chosen.lower())[:32]


def native_commands(index: CommandIndex, channel: str) -> Mapping[str, CommandSpec]:
    """Return the commands to register with a chat app, by native name, in order, at most 100 (channels.md 3.2)."""
    named: dict[str, CommandSpec] = {}
    for spec in index.by_name.values():
        if spec.native and index.is_on(spec) and len(named) < MAX_NATIVE:
            named.setdefault(native_name(spec, channel), spec)
    return MappingProxyType(named)
