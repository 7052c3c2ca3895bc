"""The flags of `openclaw onboard`, and the answers that they give (config.md 5.2)."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret

if TYPE_CHECKING:
    from openclaw.security.onboarding.answers import Answers, GatewayAnswer, Mode, ModelAnswer
    from openclaw.security.onboarding.providers import AuthChoice

CallableT = TypeVar("CallableT", bound=Callable[..., Any])

KEY_FLAGS: Final = (
    "anthropic-api-key",
    "openai-api-key",
    "gemini-api-key",
    "openrouter-api-key",
    "ai-gateway-api-key",
    "zai-api-key",
    "minimax-api-key",
    "synthetic-api-key",
    "custom-api-key",
)
_AUTH_CHOICES: Final = (
    "apiKey",
    "token",
    "openai-api-key",
    "gemini-api-key",
    "openrouter-api-key",
    "ai-gateway-api-key",
    "zai-api-key",
    "minimax-api",
    "synthetic-api-key",
    "ollama",
    "custom-api-key",
    "skip",
)
_DURATION: Final = re.compile(r"(\d+)\s*([smhdwy])", re.IGNORECASE)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_STDIN: Final = "-"


class SecretText(click.ParamType[Secret]):
    """A secret on the command line; `-` reads it from stdin, so that it stands in no process list and no history."""

    name = "secret"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Secret:
        """Return the secret."""
        if isinstance(value, Secret):
            return value
        text = sys.stdin.readline().rstrip("\r\n") if value == _STDIN else str(value)
        if not text.strip():
            self.fail("is blank", param, ctx)
        return Secret(text.strip())


SECRET: Final = SecretText()


@dataclass(frozen=True, slots=True)
class Flags:
    """Every option of the command, by its name in Python."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)


def _options() -> list[Callable[[CallableT], CallableT]]:
    choice = click.Choice
    return [
        click.option("--mode", type=choice(["local", "remote"]), help="Run the gateway here, or use one elsewhere."),
        click.option("--flow", type=choice(["quickstart", "advanced", "manual"]), help="How much is asked."),
        click.option("--workspace", type=click.Path(path_type=Path, file_okay=False), help="The agent's directory."),
        click.option(
            "--reset", "do_reset", is_flag=True, help="Start over: remove config, credentials and sessions first."
        ),
        click.option("--auth-choice", type=choice(_AUTH_CHOICES), help="How to log in to the model."),
        *(click.option(f"--{name}", type=SECRET, metavar="KEY", help="Key; - reads stdin.") for name in KEY_FLAGS),
        click.option("--model", metavar="PROVIDER/MODEL", help="Default model; each login proposes one."),
        click.option("--custom-base-url", metavar="URL", help="Address of a server of your own."),
        click.option("--custom-model-id", metavar="ID", help="Its model."),
        click.option("--custom-provider-id", metavar="ID", help="What to call it. Default: custom."),
        click.option("--custom-compatibility", type=choice(["openai", "anthropic"]), help="The wire that it speaks."),
        click.option("--skip-model-check", is_flag=True, help="Do not try the model out."),
        click.option("--token", type=SECRET, help="Setup token of the model's provider (--auth-choice token)."),
        click.option("--token-provider", metavar="ID", help="That provider. Default: anthropic."),
        click.option("--token-profile-id", metavar="ID", help="Profile that keeps the token."),
        click.option("--token-expires-in", metavar="TIME", help="When it ends, such as 365d or 12h."),
        click.option("--gateway-port", type=click.IntRange(1, 65535), help="Port. Default: 18789."),
        click.option(
            "--gateway-bind", type=choice(["loopback", "auto", "lan", "tailnet", "custom"]), help="Addresses."
        ),
        click.option("--gateway-custom-host", metavar="IP", help="Address of --gateway-bind custom."),
        click.option("--gateway-auth", type=choice(["token", "password"]), help="What opens the gateway."),
        click.option("--gateway-token", type=SECRET, help="Its token; a random one is made otherwise."),
        click.option("--gateway-password", type=SECRET, help="Its password."),
        click.option("--remote-url", metavar="URL", help="The gateway elsewhere (ws:// or wss://)."),
        click.option("--remote-token", type=SECRET, help="Its token."),
        click.option("--tailscale", type=choice(["off", "serve", "funnel"]), help="Publish it through Tailscale."),
        click.option("--tailscale-reset-on-exit", is_flag=True, help="Undo that when the gateway stops."),
        click.option("--telegram-token", type=SECRET, help="Token of a Telegram bot."),
        click.option(
            "--sandbox", type=choice(["auto", "all", "non-main", "off"]), help="Which sessions are sandboxed."
        ),
        click.option("--install-daemon", is_flag=True, help="Install the gateway as a service."),
        click.option("--no-install-daemon", is_flag=True, help="Do not, and do not ask."),
        click.option("--skip-daemon", is_flag=True, help="The same as --no-install-daemon."),
        click.option(
            "--daemon-runtime", type=choice(["node", "bun"]), help="Accepted, and ignored: there is one runtime."
        ),
        click.option("--skip-channels", is_flag=True, help="Leave channels as they are."),
        click.option("--skip-skills", is_flag=True, help="Leave skills as they are."),
        click.option("--skip-health", is_flag=True, help="Do not wait for the gateway."),
        click.option("--skip-ui", is_flag=True, help="Do not point to the web chat."),
        click.option("--node-manager", type=choice(["npm", "pnpm", "bun"]), help="Accepted, and ignored."),
    ]


def onboarding_flags(function: CallableT) -> CallableT:
    """Add the options."""
    for option in reversed(_options()):
        function = option(function)
    return function


def answers_of(flags: Flags, *, sandboxed: bool) -> Answers:
    """Return the answers that the flags give.

    Args:
        flags: the options.
        sandboxed: a sandbox works on this machine.

    Raises:
        InvalidInput: they contradict each other, or something is missing.
    """
    from openclaw.security.onboarding.answers import Answers, RemoteAnswer

    mode: Mode = flags["mode"] or "local"
    if mode == "remote" and not flags["remote_url"]:
        raise InvalidInput("--mode remote needs --remote-url")
    workspace = flags["workspace"]
    return Answers(
        mode=mode,
        workspace=None if workspace is None else workspace.absolute(),
        model=model_of(flags),
        gateway=gateway_of(flags),
        telegram=None if flags["skip_channels"] else flags["telegram_token"],
        sandbox=sandbox_of(flags["sandbox"], sandboxed=sandboxed),
        remote=RemoteAnswer(flags["remote_url"], flags["remote_token"]) if mode == "remote" else None,
    )


def sandbox_of(wanted: str | None, *, sandboxed: bool) -> Any:
    """Return the sandbox mode that a flag asks for; None leaves that to the baseline.

    Raises:
        InvalidInput: a sandbox is asked for, and none works here.
    """
    if wanted in (None, "auto"):
        return None
    if wanted != "off" and not sandboxed:
        raise InvalidInput(f"--sandbox {wanted}: no sandbox works on this machine; see: openclaw doctor")
    return wanted


def gateway_of(flags: Flags) -> GatewayAnswer:
    """Return how the gateway listens."""
    from openclaw.security.onboarding.answers import GatewayAnswer

    password = flags["gateway_password"]
    return GatewayAnswer(
        port=flags["gateway_port"],
        bind=flags["gateway_bind"],
        custom_host=flags["gateway_custom_host"],
        auth=flags["gateway_auth"] or ("password" if password is not None else None),
        token=flags["gateway_token"],
        password=password,
        tailscale=flags["tailscale"],
        reset_on_exit=True if flags["tailscale_reset_on_exit"] else None,
    )


def auth_choice(flags: Flags) -> str:
    """Return the way to log in: as said, or as the one key that was given implies.

    Raises:
        InvalidInput: several keys are given, and no choice.
    """
    from openclaw.security.onboarding.providers import CHOICES, SKIP

    if flags["auth_choice"]:
        return str(flags["auth_choice"])
    given = [one.id for one in CHOICES if one.flag and flags[one.flag.replace("-", "_")] is not None]
    if len(given) > 1:
        raise InvalidInput(f"several keys are given ({', '.join(given)}); say which with --auth-choice")
    return given[0] if given else SKIP


def model_of(flags: Flags) -> ModelAnswer | None:
    """Return the model and how to log in; None when that is skipped.

    Raises:
        InvalidInput: a key, a model or an address is missing.
    """
    from openclaw.security.onboarding.providers import choice_of

    choice = choice_of(auth_choice(flags))
    if choice is None:
        return None
    secret = flags[choice.flag.replace("-", "_")] if choice.flag else None
    if secret is None and choice.kind != "none" and choice.needs != "address":
        raise InvalidInput(f"--auth-choice {choice.id} needs --{choice.flag}")
    return build_model(
        choice,
        secret,
        model=flags["custom_model_id"] or flags["model"],
        base_url=flags["custom_base_url"],
        provider=flags["custom_provider_id"] if choice.needs == "address" else flags["token_provider"],
        wire=flags["custom_compatibility"],
        profile=flags["token_profile_id"] or "",
        expires_ms=expiry(flags["token_expires_in"]),
    )


def build_model(
    choice: AuthChoice,
    secret: Secret | None,
    *,
    model: str | None = None,
    base_url: str | None = None,
    provider: str | None = None,
    wire: str | None = None,
    profile: str = "",
    expires_ms: int | None = None,
) -> ModelAnswer:
    """Return the answer of a choice.

    Raises:
        InvalidInput: a model or an address is missing, or the model is another provider's.
    """
    from openclaw.security.onboarding.answers import ModelAnswer
    from openclaw.security.onboarding.providers import WIRES
    from openclaw.state.auth_profiles import provider_id

    name = provider_id(provider or choice.provider)
    wanted = (model or "").strip()
    head, slash, tail = wanted.partition("/")
    if slash and provider_id(head) == name:
        wanted = tail
    wanted = wanted or choice.model
    if not wanted:
        raise InvalidInput(f"{choice.label}: name a model (--model or --custom-model-id)")
    if choice.needs == "address" and not (base_url or "").startswith(("http://", "https://")):
        raise InvalidInput("a server of your own needs its address (--custom-base-url http://… or https://…)")
    return ModelAnswer(
        provider=name,
        model=wanted,
        secret=secret,
        kind="token" if choice.kind == "token" else "api_key",
        profile=profile,
        expires_ms=expires_ms,
        base_url=base_url.rstrip("/") if choice.needs == "address" and base_url else None,
        api=WIRES[wire or "openai"] if choice.needs == "address" else None,
    )


def expiry(text: str | None) -> int | None:
    """Return when something ends, in epoch milliseconds.

    Raises:
        InvalidInput: it is no time such as 365d or 12h.
    """
    if not text:
        return None
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"--token-expires-in {text!r}: write a number with s, m, h, d, w or y")
    return int((time.time() + int(found[1]) * _SECONDS[found[2].lower()]) * 1000)
