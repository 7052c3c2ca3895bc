"""`talk`: spoken conversation (config.md 3.16)."""

from collections.abc import Mapping

from openclaw.config.base import Block, SecretText


class Talk(Block):
    """Spoken conversation."""

    voice_id: str | None = None
    """Voice. Default: ELEVENLABS_VOICE_ID."""
    voice_aliases: Mapping[str, str] | None = None
    """Names for voices. Default: none."""
    model_id: str | None = None
    """Speech model. Default: the client's."""
    output_format: str | None = None
    """Audio format. Default: the client's."""
    api_key: SecretText | None = None
    """API key. Default: ELEVENLABS_API_KEY."""
    interrupt_on_speech: bool | None = None
    """Stop talking when the user talks. Default: true."""
