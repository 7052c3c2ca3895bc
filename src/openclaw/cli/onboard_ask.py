"""The questions of onboarding and configure. Each returns an answer; nothing is written here."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from openclaw.cli.context import CliContext
from openclaw.cli.output import print_line
from openclaw.cli.questions import confirm, needed, secret, select, text
from openclaw.cli.text import block
from openclaw.system.errors import OpenClawError
from openclaw.system.secret import Secret

if TYPE_CHECKING:
    from openclaw.security.onboarding.answers import BindMode, GatewayAnswer, ModelAnswer, RemoteAnswer, SandboxChoice
    from openclaw.security.onboarding.setup import Setup
    from openclaw.tools.sandbox.backend import Probe

RISK = (
    "openclaw connects an AI agent to your chat apps and gives it tools: files, commands, the web. Whoever may write "
    "to it, and whatever it reads, can try to talk it into things. It starts closed: only this machine reaches it, "
    "nobody may write to it until you let them in, and commands run in a sandbox or wait for your yes. Open it step "
    "by step, and no further than you need."
)

WIRES: Final = (("openai", "As OpenAI does"), ("anthropic", "As Anthropic does"))
LARGEST_PORT: Final = 65535


def ask_model(context: CliContext, setup: Setup) -> ModelAnswer | None:
    """Ask for a model and a key until a real request works, or the person leaves it."""
    from openclaw.cli.onboard_flags import build_model
    from openclaw.security.onboarding.providers import CHOICES, SKIP, choice_of

    while True:
        rows = [*((one.id, one.label) for one in CHOICES), (SKIP, "None for now: a built-in offline model answers")]
        choice = choice_of(select("Which model is to answer?", rows, "apiKey"))
        if choice is None:
            return None
        key = secret("Key (not shown):") if choice.kind != "none" else None
        if key is None and choice.kind != "none" and choice.needs != "address":
            print_line("No key was given.")
            continue
        extra: dict[str, Any] = {}
        if choice.needs == "address":
            extra["base_url"] = text("Address (http:// or https://):", fault=needed)
            extra["wire"] = select("Which protocol does it speak?", WIRES, "openai")
        extra["model"] = text("Model:", choice.model or "", fault=needed)
        try:
            answer = build_model(choice, key, **extra)
        except OpenClawError as error:
            print_line(error.message)
            continue
        if _is_kept(context, setup, answer):
            return answer


def _is_kept(context: CliContext, setup: Setup, answer: ModelAnswer) -> bool:
    """Try a model out; a person may keep one that did not answer."""
    from openclaw.security.onboarding.answers import Answers
    from openclaw.security.onboarding.checks import try_model

    print_line(f"Asking {answer.ref} …")
    tried = try_model(answer, setup.preview(Answers(model=answer)), context.layout, context.environment)
    print_line(block("  ", tried.message))
    return tried.ok or confirm("Keep it anyway?", default=False)


def ask_gateway(setup: Setup) -> GatewayAnswer:
    """Ask how the gateway listens and what opens it."""
    from openclaw.security.onboarding.answers import GatewayAnswer

    gateway = setup.current.gateway
    port = int(text("Port:", str(gateway.port or 18789), fault=_port_fault))
    rows = [
        ("loopback", "This machine only (recommended)"),
        ("tailnet", "My Tailscale network"),
        ("lan", "Everybody in the local network"),
        ("custom", "One address"),
    ]
    known = gateway.bind if gateway.bind in dict(rows) else "loopback"
    bind = cast("BindMode", select("Who may reach the gateway?", rows, str(known)))
    host = text("IP address:", gateway.custom_bind_host or "", fault=_address_fault) if bind == "custom" else None
    kind = select("What opens it?", [("token", "A random token (recommended)"), ("password", "A password")], "token")
    password = secret("Password (not shown):", fault=needed) if kind == "password" else None
    shown = [
        ("off", "No"),
        ("serve", "Inside my tailnet (serve)"),
        ("funnel", "On the internet (funnel; needs a password)"),
    ]
    tailscale = select("Publish it through Tailscale?", shown, gateway.tailscale.mode or "off")
    if tailscale == "funnel" and password is None:
        password = secret("Funnel needs a password (not shown):", fault=needed)
    return GatewayAnswer(
        port=port,
        bind=bind,
        custom_host=host,
        auth="password" if password is not None else "token",
        password=password,
        tailscale=cast("Any", tailscale),
    )


def ask_remote() -> RemoteAnswer:
    """Ask for a gateway elsewhere."""
    from openclaw.security.onboarding.answers import RemoteAnswer

    url = text("Address of the gateway (wss://…):", fault=_socket_fault)
    return RemoteAnswer(url, secret("Its token (not shown; nothing for none):"))


def ask_workspace(context: CliContext, setup: Setup) -> Path:
    """Ask where the agent works."""
    from openclaw.config.places import agent_workspace, default_agent

    document = setup.document
    known = agent_workspace(document, default_agent(document), context.layout, context.environment)
    typed = text("Workspace of the agent:", context.shown(known), fault=needed)
    return context.environment.expand(typed).absolute()


def ask_telegram(context: CliContext, setup: Setup) -> Secret | None:
    """Ask for a bot token until Telegram knows it, or the person leaves it."""
    from openclaw.security.onboarding.answers import Answers
    from openclaw.security.onboarding.checks import try_telegram

    if not confirm("Connect a Telegram bot? (@BotFather makes one and gives a token)", default=False):
        return None
    while True:
        token = secret("Bot token (not shown; nothing to leave it):")
        if token is None:
            return None
        tried = try_telegram(token, setup.preview(Answers(telegram=token)), context.layout, context.environment)
        print_line(block("  ", tried.message))
        if tried.ok or confirm("Keep it anyway?", default=False):
            print_line("Nobody may write to it yet: a first message brings a code, which you approve.")
            return token


def ask_sandbox(probe: Probe, *, now: str) -> SandboxChoice:
    """Ask which sessions are sandboxed; only what works here is offered."""
    if not probe.usable:
        print_line(block("", f"No sandbox works here: {probe.detail}"))
        print_line("So commands of the agent wait for your yes, unless you put them on the allowlist.")
        return "off"
    rows = [
        ("all", "All sessions (recommended)"),
        ("non-main", "All but my own main session"),
        ("off", "None: commands run on this machine, after your yes"),
    ]
    print_line(block("", f"The sandbox works here: {probe.detail}"))
    return cast(
        "SandboxChoice", select("Which sessions run in the sandbox?", rows, now if now in dict(rows) else "all")
    )


def _port_fault(typed: str) -> str | None:
    known = typed.isascii() and typed.isdigit() and 1 <= int(typed[:6]) <= LARGEST_PORT
    return None if known else f"A port is a number from 1 to {LARGEST_PORT}."


def _address_fault(typed: str) -> str | None:
    try:
        ipaddress.ip_address(typed)
    except ValueError:
        return "This is no IP address; one looks like 192.168.1.10."
    return None


def _socket_fault(typed: str) -> str | None:
    known = typed.startswith(("wss://", "ws://")) and typed.partition("://")[2] != ""
    return None if known else "The address of a gateway starts with wss:// (or ws://)."
