"""What a channel is: it knows its wire and nothing of policy, sessions or the agent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from openclaw.agent.contract import ReplyTarget
from openclaw.policy.who.facts import MessageFacts, SelfIdentity
from openclaw.system.secret import Secret


@dataclass(frozen=True, slots=True)
class MediaRef:
    """Media of a message that was not fetched yet: nothing is fetched before admission.

    Attributes:
        kind: image, video, audio, voice, document, sticker, animation.
        handle: the channel's own handle for fetching (a file id).
        size: bytes, when the channel says so.
        mime, name: as the channel says; sniffed again after fetching.
    """

    kind: str
    handle: str
    size: int | None = None
    mime: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a message replies to, quotes or forwards; untrusted unless its author is admitted (channels.md 5).

    Attributes:
        kind: `reply`, `quote` or `forward`.
        label: the author as shown.
        author_id: immutable id, when known.
        message_id: id of the quoted message, when known.
        text: its text or media placeholder.
        at_ms: when it was written, for forwards.
    """

    kind: Literal["reply", "quote", "forward"]
    label: str
    text: str
    author_id: str | None = None
    message_id: str | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message or other event from a channel, normalised once. It is journaled as JSON before it is acknowledged.

    Attributes:
        channel, account: where it came in.
        event_id: unique per channel and account (an update id): the journal refuses a second one.
        facts: all that admission, mention gate and routing look at (channels.md 0).
        message_id: the channel's id of the message.
        sent_ms: when it was sent.
        body: the text as the model should read it (links expanded); `facts.text` is the raw text for commands.
        sender_label: `Name (@user) id:<id>`.
        chat_label: `<title> id:<chat>`; None in direct chats.
        target: where a reply goes.
        media: what is attached.
        quoted: reply, quote and forward context.
        debounce: joins with the next messages of the same sender (album or long-text parts carry the same key).
        extra: channel facts that only the channel itself reads again (JSON-able).
    """

    channel: str
    account: str
    event_id: str
    facts: MessageFacts
    message_id: str
    sent_ms: int
    body: str
    sender_label: str
    target: ReplyTarget
    chat_label: str | None = None
    media: tuple[MediaRef, ...] = ()
    quoted: tuple[Quoted, ...] = ()
    join_key: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What delivery needs to know of a channel, as data (channels.md 4.4).

    Attributes:
        chunk_limit: default characters per message.
        hard_limit: characters that the wire takes at most.
        markup: dialect that `render` produces.
        tables: default of `markdown.tables`.
        typing: whether a typing indicator exists.
        reactions: whether reactions exist.
        media: whether files can be sent.
    """

    chunk_limit: int = 4000
    hard_limit: int = 4096
    markup: str = "plain"
    tables: Literal["off", "bullets", "code"] = "code"
    typing: bool = True
    reactions: bool = False
    media: bool = False


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """One chunk to send: at most one wire message.

    Attributes:
        text: markdown of this chunk; the channel renders it to its dialect.
        media: local file to send, inside the media folder.
        reply_to_id: message to quote, only on the chunk that should.
        buttons: rows of (label, server-side action id).
        silent: without notification.
    """

    text: str
    media: str | None = None
    reply_to_id: str | None = None
    buttons: tuple[tuple[tuple[str, str], ...], ...] = ()
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The channel took it: its message ids."""

    ids: tuple[str, ...]


class SendFailed(Exception):
    """A send that did not work.

    Attributes:
        final: a retry is pointless (blocked, chat not found, malformed).
        reached: whether the request may have reached the service: then the outcome is unknown.
        retry_after: seconds that the service asked for.
    """

    def __init__(
        self, message: str, *, final: bool = False, reached: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.final = final
        self.reached = reached
        self.retry_after = retry_after


class ChannelDown(Exception):
    """The channel cannot go on; `final` means that only a config change helps (a bad token)."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a probe found; `facts` go into `channels.status`."""

    ok: bool
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Inbox(Protocol):
    """Where a channel offers what it received; implemented by intake."""

    async def offer(self, messages: Sequence[InboundMessage]) -> None:
        """Return when all messages are in the journal: only then may the channel acknowledge them."""
        ...


class Channel(Protocol):
    """One account of one channel.

    Attributes:
        channel, account: which one.
        capabilities: what delivery needs to know.
        connected: set while the account receives; `identity` is known then.
    """

    channel: str
    account: str
    capabilities: Capabilities
    connected: asyncio.Event

    @property
    def identity(self) -> SelfIdentity | None:
        """Return who the bot is, while it is connected."""
        ...

    @property
    def credential(self) -> Secret | None:
        """Return the account's main secret: two accounts with the same one do not both start."""
        ...

    async def run(self, inbox: Inbox) -> None:
        """Connect and receive until cancelled. Raises ChannelDown; the supervisor restarts it with back-off."""
        ...

    async def send(self, target: ReplyTarget, message: OutboundMessage) -> Receipt:
        """Send one chunk. Raises SendFailed."""
        ...

    async def typing(self, target: ReplyTarget) -> None:
        """Show that an answer is being written; best effort, never raises."""
        ...

    async def fetch(self, media: MediaRef, *, limit: int) -> bytes:
        """Fetch media of an admitted message, at most `limit` bytes. Raises SendFailed."""
        ...

    async def probe(self) -> ProbeResult:
        """Ask the service who we are."""
        ...
