"""Builds a Telegram account from its config (channels.md 5)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from openclaw.channels.registry import ChannelTools
from openclaw.channels.telegram.api import DEFAULT_ROOT, ApiSettings
from openclaw.channels.telegram.channel import TelegramChannel, TelegramSettings
from openclaw.channels.telegram.webhook import WebhookSettings
from openclaw.config.channels.telegram import TelegramAccount
from openclaw.state.files import read_text
from openclaw.system.errors import ConfigInvalid
from openclaw.system.secret import Secret

DEFAULT_ACCOUNT: Final = "default"
TOKEN_VARIABLE: Final = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - a variable's name


def build(account: str, tools: ChannelTools) -> TelegramChannel | None:
    """Return the channel of an account, or None when it has no token.

    Raises:
        ConfigInvalid: the token file cannot be read, `apiRoot` holds a token, or a secret is unresolved.
    """
    found = tools.config.channels.account("telegram", account)
    config = found if isinstance(found, TelegramAccount) else None
    token = _token(account, config, tools)
    if token is None:
        return None
    api = ApiSettings(
        token=token,
        root=_root(config),
        timeout=float(config.timeout_seconds) if config is not None and config.timeout_seconds else 500.0,
        proxy=config.proxy if config is not None else None,
    )
    settings = TelegramSettings(
        account=account,
        api=api,
        link_preview=config is None or config.link_preview is not False,
        commands=tuple(tools.commands("telegram", account)),
        webhook=_webhook(config, tools),
    )
    return TelegramChannel(settings, tools.layout.telegram_offset(account), tools.clock, tools.webhooks)


def _token(account: str, config: TelegramAccount | None, tools: ChannelTools) -> Secret | None:
    """Return the token: the account's file, then its value, then (default account) the environment's."""
    if config is not None and config.token_file:
        return _from_file(Path(config.token_file))
    if config is not None and config.bot_token is not None:
        return tools.secrets.resolve(config.bot_token, "channels.telegram.botToken")
    text = tools.config.environment.get(TOKEN_VARIABLE) if account == DEFAULT_ACCOUNT else None
    return Secret(text.strip()) if text else None


def _from_file(path: Path) -> Secret:
    text = read_text(path, limit=64 * 1024)
    if text is None or not text.strip():
        raise ConfigInvalid(f"channels.telegram.tokenFile: {path} is missing or empty")
    return Secret(text.strip())


def _root(config: TelegramAccount | None) -> str:
    root = ((config.api_root if config is not None else None) or DEFAULT_ROOT).removesuffix("/")
    if "/bot" in root:
        raise ConfigInvalid("channels.telegram.apiRoot: give the server alone, without /bot<token>")
    if not root.startswith(("http://", "https://")):
        raise ConfigInvalid("channels.telegram.apiRoot: must begin with https:// or http://")
    return root


def _webhook(config: TelegramAccount | None, tools: ChannelTools) -> WebhookSettings | None:
    if config is None or not config.webhook_url:
        return None
    secret = tools.secrets.resolve(config.webhook_secret, "channels.telegram.webhookSecret")
    if secret is None:
        raise ConfigInvalid("channels.telegram.webhookSecret is needed with webhookUrl")
    return WebhookSettings(
        url=config.webhook_url,
        secret=secret,
        host=config.webhook_host or "127.0.0.1",
        port=config.webhook_port or 8787,
        path=config.webhook_path or "/telegram-webhook",
    )
