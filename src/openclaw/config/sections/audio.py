"""`audio`: older form of the transcription settings (config.md 3.16)."""

from openclaw.config.base import Block, Positive, Texts


class AudioTranscription(Block):
    """A program that transcribes."""

    command: Texts
    """Program and arguments."""
    timeout_seconds: Positive | None = None
    """Time it has in seconds."""


class Audio(Block):
    """Older form of tools.media.audio."""

    transcription: AudioTranscription | None = None
    """A program that transcribes; doctor moves it to tools.media.audio.models."""
