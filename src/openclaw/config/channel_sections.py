"""The `channels` section of a loaded config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from openclaw.config.base import Block, blank
from openclaw.config.registry import CHANNELS

if TYPE_CHECKING:
    from openclaw.config.channels.bluebubbles import BlueBubbles
    from openclaw.config.channels.common import ChannelSettings
    from openclaw.config.channels.defaults import ChannelDefaults
    from openclaw.config.channels.discord import Discord
    from openclaw.config.channels.googlechat import GoogleChat
    from openclaw.config.channels.imessage import IMessage
    from openclaw.config.channels.msteams import MsTeams
    from openclaw.config.channels.signal import Signal
    from openclaw.config.channels.slack import Slack
    from openclaw.config.channels.telegram import Telegram
    from openclaw.config.channels.whatsapp import WhatsApp


class Channels:
    """The `channels` section. What it hands out is typed for the channels whose keys are known."""

    __slots__ = ("_accounts", "_document", "_typed")

    def __init__(self, document: Mapping[str, Any], typed: Mapping[str, Block]) -> None:
        self._document = document
        self._typed = typed
        self._accounts: dict[tuple[str, str], Block | None] = {}

    @property
    def configured(self) -> tuple[str, ...]:
        """Return the ids of the channels that have a section, known or not, in the order of the file."""
        return tuple(name for name in self._document if name != "defaults")

    @property
    def defaults(self) -> ChannelDefaults:
        """Return `channels.defaults`."""
        from openclaw.config.channels.defaults import ChannelDefaults

        found = self._typed.get("defaults")
        return found if isinstance(found, ChannelDefaults) else blank(ChannelDefaults)

    @overload
    def get(self, channel: Literal["telegram"]) -> Telegram | None: ...
    @overload
    def get(self, channel: Literal["whatsapp"]) -> WhatsApp | None: ...
    @overload
    def get(self, channel: Literal["discord"]) -> Discord | None: ...
    @overload
    def get(self, channel: Literal["slack"]) -> Slack | None: ...
    @overload
    def get(self, channel: Literal["signal"]) -> Signal | None: ...
    @overload
    def get(self, channel: Literal["imessage"]) -> IMessage | None: ...
    @overload
    def get(self, channel: Literal["googlechat"]) -> GoogleChat | None: ...
    @overload
    def get(self, channel: Literal["msteams"]) -> MsTeams | None: ...
    @overload
    def get(self, channel: Literal["bluebubbles"]) -> BlueBubbles | None: ...
    @overload
    def get(self, channel: str) -> ChannelSettings | None: ...

    def get(self, channel: str) -> ChannelSettings | None:
        """Return a channel's own section, or None when it has none or its keys are a plugin's."""
        return cast("ChannelSettings | None", self._typed.get(channel) if channel in CHANNELS else None)

    def raw(self, channel: str) -> Mapping[str, Any] | None:
        """Return a channel's section as plain values, for channels of plugins."""
        found = self._document.get(channel)
        return found if isinstance(found, dict) else None

    def accounts(self, channel: str) -> tuple[str, ...]:
        """Return the account ids of a channel as written; empty when it has no `accounts` or they are empty."""
        found = (self.raw(channel) or {}).get("accounts")
        return tuple(found) if isinstance(found, dict) else ()

    def account(self, channel: str, account_id: str = "default") -> ChannelSettings | None:
        """Return the effective settings of an account: its own keys over the channel's (channels.md 1.6).

        Blocks are overlaid key by key, lists and maps are replaced. An id is found whatever its letter case; an
        account that is not listed has the channel's own settings. None when the channel has no section.
        """
        from openclaw.config.accounts import effective_account

        key = (channel, account_id)
        if key not in self._accounts:
            self._accounts[key] = effective_account(self._typed.get(channel), account_id)
        return cast("ChannelSettings | None", self._accounts[key])

    def enabled(self, channel: str, account_id: str | None = None) -> bool:
        """Tell whether a channel, and an account of it, is configured and not switched off."""
        section = self.raw(channel)
        if section is None or section.get("enabled") is False:
            return False
        if account_id is None:
            return True
        own = (section.get("accounts") or {}).get(account_id)
        return not (isinstance(own, dict) and own.get("enabled") is False)
