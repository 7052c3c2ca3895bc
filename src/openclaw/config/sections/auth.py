"""`auth`: which model credentials exist and in what order they are tried (config.md 3.12). Holds no secrets."""

from collections.abc import Mapping
from typing import Literal

from openclaw.config.base import Block, PositiveNumber, Texts, block


class AuthProfile(Block):
    """What is known of one credential; the secret lies in the agent's auth-profiles.json."""

    provider: str
    """Model provider."""
    mode: Literal["api_key", "oauth", "token"]
    """Kind of credential."""
    email: str | None = None
    """Account it belongs to."""


class AuthCooldowns(Block):
    """How long a failing credential rests."""

    billing_backoff_hours: PositiveNumber | None = None
    """Hours after a billing failure. Default: 5."""
    billing_backoff_hours_by_provider: Mapping[str, PositiveNumber] | None = None
    """Those hours by provider."""
    billing_max_hours: PositiveNumber | None = None
    """Longest rest in hours. Default: 24."""
    failure_window_hours: PositiveNumber | None = None
    """Hours after which failures are forgotten. Default: 24."""


class Auth(Block):
    """Which model credentials exist and in what order they are tried."""

    profiles: Mapping[str, AuthProfile] | None = None
    """Credentials by id, `provider:name`."""
    order: Mapping[str, Texts] | None = None
    """Profile ids in order, by provider."""
    cooldowns: AuthCooldowns = block(AuthCooldowns)
    """How long a failing credential rests."""
    inherit_main: bool | None = None
    """Agents without credentials of their own use those of the agent `main`. Default: true."""
