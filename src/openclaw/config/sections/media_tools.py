"""`tools.media`: understanding of images, audio and video (config.md 3.11)."""

from typing import Literal, TypeAlias

from openclaw.config.base import Block, Positive, Secrets, Seq, Texts, UrlText, block
from openclaw.config.shapes import DeepgramOptions, ProviderOptions, ScopeRules

MediaKind: TypeAlias = Literal["image", "audio", "video"]


class MediaModel(Block):
    """A model or program that understands media."""

    provider: str | None = None
    """Provider."""
    model: str | None = None
    """Model."""
    capabilities: Seq[MediaKind] | None = None
    """What it understands."""
    type: Literal["provider", "cli"] | None = None
    """A provider's model or a program."""
    command: str | None = None
    """The program."""
    args: Texts | None = None
    """Its arguments."""
    prompt: str | None = None
    """What it is asked."""
    max_chars: Positive | None = None
    """Characters kept of its answer."""
    max_bytes: Positive | None = None
    """Size of one file in bytes."""
    timeout_seconds: Positive | None = None
    """Time it has in seconds."""
    language: str | None = None
    """Language of the media."""
    provider_options: ProviderOptions | None = None
    """Options by provider."""
    deepgram: DeepgramOptions = block(DeepgramOptions)
    """Options of Deepgram."""
    base_url: UrlText | None = None
    """API address."""
    headers: Secrets | None = None
    """Further request headers."""
    profile: str | None = None
    """Credential to use."""
    preferred_profile: str | None = None
    """Credential to try first."""


class MediaAttachments(Block):
    """Which attachments of a message are looked at."""

    mode: Literal["first", "all"] | None = None
    """One or all. Default: first."""
    max_attachments: Positive | None = None
    """How many at most."""
    prefer: Literal["first", "last", "path", "url"] | None = None
    """Which come first."""


class MediaUnderstanding(Block):
    """Understanding of one kind of media."""

    enabled: bool | None = None
    """Do it. Default: true when there are models."""
    scope: ScopeRules | None = None
    """Where it is done."""
    max_bytes: Positive | None = None
    """Size of one file in bytes. Default: 10 MiB for images, 20 for audio, 50 for video."""
    max_chars: Positive | None = None
    """Characters kept of a description. Default: 500, no limit for audio."""
    prompt: str | None = None
    """What the model is asked."""
    timeout_seconds: Positive | None = None
    """Time in seconds. Default: 60, 120 for video."""
    language: str | None = None
    """Language of the media."""
    provider_options: ProviderOptions | None = None
    """Options by provider."""
    deepgram: DeepgramOptions = block(DeepgramOptions)
    """Options of Deepgram."""
    base_url: UrlText | None = None
    """API address."""
    headers: Secrets | None = None
    """Further request headers."""
    attachments: MediaAttachments = block(MediaAttachments)
    """Which attachments are looked at."""
    models: Seq[MediaModel] | None = None
    """Models, tried in order."""


class MediaTools(Block):
    """Understanding of images, audio and video."""

    models: Seq[MediaModel] | None = None
    """Models for all three. Default: none."""
    concurrency: Positive | None = None
    """Files at a time. Default: 2."""
    image: MediaUnderstanding = block(MediaUnderstanding)
    """Images."""
    audio: MediaUnderstanding = block(MediaUnderstanding)
    """Audio."""
    video: MediaUnderstanding = block(MediaUnderstanding)
    """Video."""
