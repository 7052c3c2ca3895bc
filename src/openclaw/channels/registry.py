"""Which channels exist: an explicit tuple. A channel's package is imported when one of its accounts is started."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from openclaw.channels.contract import Channel
from openclaw.channels.webhooks import WebhookHost
from openclaw.config.model import Config
from openclaw.config.secrets import SecretResolver
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock


@dataclass(frozen=True, slots=True)
class ChannelTools:
    """What a channel's factory may use.

    Attributes:
        config: the config in force.
        layout: places of the channel's own files.
        clock: the clock.
        webhooks: serves webhooks.
        secrets: resolves the config's secret leaves.
        commands: (name, description) pairs for native registration, by channel.
    """

    config: Config
    layout: StateLayout
    clock: Clock
    webhooks: WebhookHost
    secrets: SecretResolver
    commands: Callable[[str, str], Sequence[tuple[str, str]]]


class Factory(Protocol):
    """Builds one account of a channel; None when it has no credential."""

    def __call__(self, account: str, tools: ChannelTools) -> Channel | None:
        """Build it. Raises OpenClawError with the key that mends it."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """A channel that this build has.

    Attributes:
        id: channel id in the config.
        label: display name.
        detail: longer name for status pages.
        icon: symbol name that clients of the original know.
        factory: `module:function`.
        token_variable: environment variable that can hold the default account's token.
    """

    id: str
    label: str
    detail: str
    icon: str
    factory: str
    token_variable: str | None = None

    def load(self) -> Factory:
        """Import the factory."""
        module, _, name = self.factory.partition(":")
        found: Factory = getattr(importlib.import_module(module), name)
        return found


CHANNELS: Final = (
    ChannelKind(
        id="telegram",
        label="Telegram",
        detail="Telegram Bot",
        icon="paperplane",
        factory="openclaw.channels.telegram.factory:build",
        token_variable="TELEGRAM_BOT_TOKEN",  # noqa: S106 - a variable's name
    ),
)

WEBCHAT: Final = "webchat"

LABELS: Final = {kind.id: kind.label for kind in CHANNELS} | {WEBCHAT: "WebChat"}


def label_of(channel: str) -> str:
    """Return the display name of a channel."""
    return LABELS.get(channel, channel.capitalize())
