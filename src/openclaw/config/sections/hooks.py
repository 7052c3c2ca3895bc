"""`hooks`: webhooks, mail and internal event hooks (config.md 3.13, 3.17)."""

from collections.abc import Mapping
from typing import Literal

from openclaw.config.base import (
    Block,
    InstallSource,
    OpenBlock,
    Positive,
    Secrets,
    SecretText,
    Seq,
    TailscaleMode,
    Texts,
    UrlText,
    block,
)


class HookMatch(OpenBlock):
    """What a mapping applies to. Unknown keys are dropped."""

    path: str | None = None
    """Path below hooks.path."""
    source: str | None = None
    """The payload's `source`."""


class HookTransform(Block):
    """A module that makes the message."""

    module: str
    """File below hooks.transformsDir."""
    export: str | None = None
    """Name of its function. Default: the default export."""


class HookMapping(Block):
    """What becomes of a request."""

    id: str | None = None
    """Id. Default: made up."""
    match: HookMatch = block(HookMatch)
    """What the mapping applies to. Default: anything."""
    action: Literal["wake", "agent"] | None = None
    """Wake the main session or run an agent. Default: agent."""
    wake_mode: Literal["now", "next-heartbeat"] | None = None
    """When a wake takes place. Default: now."""
    name: str | None = None
    """Name for people."""
    session_key: str | None = None
    """Session key, with placeholders. Default: made up."""
    message_template: str | None = None
    """Message, with placeholders such as {{path[0].x}}."""
    text_template: str | None = None
    """Text of a wake, with placeholders."""
    deliver: bool | None = None
    """Send the answer. Default: true."""
    allow_unsafe_external_content: bool | None = None
    """Leave out the wrapper that marks the content as untrusted. Default: false."""
    channel: Literal["last", "whatsapp", "telegram", "discord", "slack", "signal", "imessage", "msteams"] | None = None
    """Where the answer goes. Default: last."""
    to: str | None = None
    """Recipient."""
    model: str | None = None
    """Model."""
    thinking: str | None = None
    """Thinking level."""
    timeout_seconds: Positive | None = None
    """Time for the run in seconds."""
    transform: HookTransform | None = None
    """A module that makes the message."""


class GmailServe(Block):
    """The listener for mail notices."""

    bind: str | None = None
    """Address. Default: 127.0.0.1."""
    port: Positive | None = None
    """Port. Default: 8788."""
    path: str | None = None
    """Path. Default: /gmail-pubsub."""


class GmailTailscale(Block):
    """Exposure of the mail listener."""

    mode: TailscaleMode | None = None
    """Kind. Default: off."""
    path: str | None = None
    """Path."""
    target: str | None = None
    """What is exposed."""


class GmailHook(Block):
    """Watching of a Gmail account."""

    account: str | None = None
    """The account."""
    label: str | None = None
    """Label that is watched. Default: INBOX."""
    topic: str | None = None
    """Pub/Sub topic. Default: gog-gmail-watch."""
    subscription: str | None = None
    """Pub/Sub subscription. Default: gog-gmail-watch-push."""
    push_token: SecretText | None = None
    """Secret that notices carry."""
    hook_url: UrlText | None = None
    """Where notices are handed on."""
    include_body: bool | None = None
    """Read the mail's text. Default: true."""
    max_bytes: Positive | None = None
    """Bytes of text that are read. Default: 20000."""
    renew_every_minutes: Positive | None = None
    """Minutes between renewals of the watch. Default: 720."""
    allow_unsafe_external_content: bool | None = None
    """Leave out the wrapper that marks the content as untrusted. Default: false."""
    serve: GmailServe = block(GmailServe)
    """The listener."""
    tailscale: GmailTailscale = block(GmailTailscale)
    """Exposure of the listener."""
    model: str | None = None
    """Model."""
    thinking: Literal["off", "minimal", "low", "medium", "high"] | None = None
    """Thinking level."""


class InternalHandler(Block):
    """A function that hears of an event."""

    event: str
    """The event."""
    module: str
    """Its file."""
    export: str | None = None
    """Its name. Default: the default export."""


class InternalHookEntry(Block):
    """Settings of one internal hook."""

    enabled: bool | None = None
    """Run it."""
    env: Secrets | None = None
    """Variables that it sees."""


class InternalHookLoad(Block):
    """Where internal hooks are looked for."""

    extra_dirs: Texts | None = None
    """Further folders. Default: none."""


class HookInstall(Block):
    """Where an installed hook came from; written by the command line."""

    source: InstallSource
    """Kind of source."""
    spec: str | None = None
    """What was asked for."""
    source_path: str | None = None
    """Path that it was copied from."""
    install_path: str | None = None
    """Where it lies."""
    version: str | None = None
    """Version."""
    installed_at: str | None = None
    """When."""
    hooks: Texts | None = None
    """Hooks that it brought."""


class InternalHooks(Block):
    """Hooks inside the gateway."""

    enabled: bool | None = None
    """Run them. Default: false."""
    handlers: Seq[InternalHandler] | None = None
    """Functions by event. Default: none."""
    entries: Mapping[str, InternalHookEntry] | None = None
    """Settings by hook. Default: none."""
    load: InternalHookLoad = block(InternalHookLoad)
    """Where they are looked for."""
    installs: Mapping[str, HookInstall] | None = None
    """What was installed."""


class Hooks(Block):
    """Webhooks, mail and internal event hooks."""

    enabled: bool | None = None
    """Serve webhooks. Default: false."""
    path: str | None = None
    """Path on the gateway port. Default: /hooks."""
    token: SecretText | None = None
    """Secret that requests carry; needed when webhooks are served."""
    max_body_bytes: Positive | None = None
    """Size of a request in bytes. Default: 262144."""
    presets: Texts | None = None
    """Built-in mappings, such as gmail. Default: none."""
    transforms_dir: str | None = None
    """Folder of transform modules. Default: the config file's."""
    mappings: Seq[HookMapping] | None = None
    """What becomes of requests; ordered. Default: none."""
    allow_request_session_key: bool | None = None
    """A request may name its session. Default: false."""
    allowed_session_key_prefixes: Texts | None = None
    """Beginnings that such a session key may have. Default: hook:."""
    default_session_key: str | None = None
    """Session of requests that name none. Default: one for each."""
    allowed_agent_ids: Texts | None = None
    """Agents that requests may name; an empty list is none. Default: all."""
    gmail: GmailHook = block(GmailHook)
    """Watching of a Gmail account."""
    internal: InternalHooks = block(InternalHooks)
    """Hooks inside the gateway."""
