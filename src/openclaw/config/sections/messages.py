"""`messages`: prefixes, mentions, queueing, acknowledgement and speech (config.md 3.4)."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from openclaw.config.base import (
    Block,
    Count,
    Positive,
    Ratio,
    RequestTimeoutMs,
    SecretText,
    Texts,
    UrlText,
    block,
)

QueueMode: TypeAlias = Literal["steer", "followup", "collect", "steer-backlog", "steer+backlog", "queue", "interrupt"]


class GroupChat(Block):
    """Groups: what counts as a mention and how much is remembered."""

    mention_patterns: Texts | None = None
    """Patterns that count as a mention. Default: made from the agent's name and emoji."""
    history_limit: Positive | None = None
    """Group messages given as context. Default: 50."""


class QueueByChannel(Block):
    """Queue mode by channel."""

    whatsapp: QueueMode | None = None
    """On WhatsApp."""
    telegram: QueueMode | None = None
    """On Telegram."""
    discord: QueueMode | None = None
    """On Discord."""
    slack: QueueMode | None = None
    """On Slack."""
    mattermost: QueueMode | None = None
    """On Mattermost."""
    signal: QueueMode | None = None
    """On Signal."""
    imessage: QueueMode | None = None
    """On iMessage."""
    msteams: QueueMode | None = None
    """On Microsoft Teams."""
    webchat: QueueMode | None = None
    """In the web chat."""


class MessageQueue(Block):
    """What happens to messages that come while the agent works."""

    mode: QueueMode | None = None
    """How they reach the agent; `queue` is the older name of `steer`. Default: collect."""
    by_channel: QueueByChannel = block(QueueByChannel)
    """The mode by channel."""
    debounce_ms: Count | None = None
    """Quiet time in milliseconds before a queued turn. Default: 1000."""
    debounce_ms_by_channel: Mapping[str, Count] | None = None
    """That time by channel id."""
    cap: Positive | None = None
    """Messages kept. Default: 20."""
    drop: Literal["old", "new", "summarize"] | None = None
    """What gives way when the queue is full. Default: summarize."""


class InboundBatch(Block):
    """Joining of quick messages of one sender."""

    debounce_ms: Count | None = None
    """Quiet time in milliseconds. Default: 0, no joining."""
    by_channel: Mapping[str, Count] | None = None
    """That time by channel id."""


class TtsModelOverrides(Block):
    """What a reply's own directives may change."""

    enabled: bool | None = None
    """Heed directives at all. Default: true."""
    allow_text: bool | None = None
    """Other text to speak. Default: true."""
    allow_provider: bool | None = None
    """The engine. Default: true."""
    allow_voice: bool | None = None
    """The voice. Default: true."""
    allow_model_id: bool | None = None
    """The speech model. Default: true."""
    allow_voice_settings: bool | None = None
    """Settings of the voice. Default: true."""
    allow_normalization: bool | None = None
    """Reading of numbers and the like. Default: true."""
    allow_seed: bool | None = None
    """The seed. Default: true."""


class ElevenLabsVoice(Block):
    """Settings of an ElevenLabs voice."""

    stability: Ratio | None = None
    """Evenness, 0 to 1."""
    similarity_boost: Ratio | None = None
    """Closeness to the original, 0 to 1."""
    style: Ratio | None = None
    """Exaggeration, 0 to 1."""
    use_speaker_boost: bool | None = None
    """Strengthen the likeness."""
    speed: Annotated[float, Field(ge=0.5, le=2)] | None = None
    """Pace, 0.5 to 2."""


class ElevenLabs(Block):
    """The ElevenLabs engine."""

    api_key: SecretText | None = None
    """API key. Default: ELEVENLABS_API_KEY."""
    base_url: UrlText | None = None
    """API address."""
    voice_id: str | None = None
    """Voice."""
    model_id: str | None = None
    """Speech model. Default: eleven_multilingual_v2."""
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] | None = None
    """Seed for repeatable output."""
    apply_text_normalization: Literal["auto", "on", "off"] | None = None
    """Reading of numbers and the like."""
    language_code: str | None = None
    """Language."""
    voice_settings: ElevenLabsVoice = block(ElevenLabsVoice)
    """Settings of the voice."""


class OpenAiSpeech(Block):
    """The OpenAI engine."""

    api_key: SecretText | None = None
    """API key. Default: OPENAI_API_KEY."""
    model: str | None = None
    """Speech model. Default: gpt-4o-mini-tts."""
    voice: str | None = None
    """Voice. Default: alloy."""


class EdgeSpeech(Block):
    """The Edge engine, which needs no key."""

    enabled: bool | None = None
    """Offer it. Default: true."""
    voice: str | None = None
    """Voice. Default: en-US-MichelleNeural."""
    lang: str | None = None
    """Language. Default: en-US."""
    output_format: str | None = None
    """Audio format. Default: audio-24khz-48kbitrate-mono-mp3."""
    pitch: str | None = None
    """Pitch, for example +5%."""
    rate: str | None = None
    """Pace, for example -10%."""
    volume: str | None = None
    """Loudness."""
    save_subtitles: bool | None = None
    """Keep subtitles beside the audio."""
    proxy: UrlText | None = None
    """Proxy for its requests."""
    timeout_ms: RequestTimeoutMs | None = None
    """Time for a request in milliseconds."""


class Tts(Block):
    """Spoken replies."""

    auto: Literal["off", "always", "inbound", "tagged"] | None = None
    """When replies are spoken: never, always, after voice messages, or when the reply asks for it. Default: off."""
    enabled: bool | None = None
    """Older form of `auto`; refused until migrated."""
    mode: Literal["final", "all"] | None = None
    """Speak the final reply only, or text between tool calls too. Default: final."""
    provider: Literal["elevenlabs", "openai", "edge"] | None = None
    """Engine. Default: the user's preference, else the first one that has a key, else edge."""
    summary_model: str | None = None
    """Model that shortens long replies. Default: the agent's."""
    model_overrides: TtsModelOverrides = block(TtsModelOverrides)
    """What a reply's own directives may change."""
    elevenlabs: ElevenLabs = block(ElevenLabs)
    """The ElevenLabs engine."""
    openai: OpenAiSpeech = block(OpenAiSpeech)
    """The OpenAI engine."""
    edge: EdgeSpeech = block(EdgeSpeech)
    """The Edge engine."""
    prefs_path: str | None = None
    """File of the users' preferences. Default: <state>/settings/tts.json."""
    max_text_length: Annotated[int, Field(ge=1)] | None = None
    """Characters spoken at most. Default: 4096."""
    timeout_ms: RequestTimeoutMs | None = None
    """Time for a request in milliseconds. Default: 30000."""


class Messages(Block):
    """Prefixes, mentions, queueing, acknowledgement and speech."""

    message_prefix: str | None = None
    """Older form of channels.whatsapp.messagePrefix."""
    response_prefix: str | None = None
    """Text before each reply; `auto` is the agent's name in brackets, empty text ends the inheritance."""
    group_chat: GroupChat = block(GroupChat)
    """Groups."""
    queue: MessageQueue = block(MessageQueue)
    """Messages that come while the agent works."""
    inbound: InboundBatch = block(InboundBatch)
    """Joining of quick messages."""
    ack_reaction: str | None = None
    """Reaction on receipt; empty text means none. Default: the agent's emoji, else eyes."""
    ack_reaction_scope: Literal["group-mentions", "group-all", "direct", "all"] | None = None
    """Which messages get it. Default: group-mentions."""
    remove_ack_after_reply: bool | None = None
    """Take the reaction away after the reply. Default: false."""
    tts: Tts = block(Tts)
    """Spoken replies."""
