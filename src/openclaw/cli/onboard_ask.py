"""The questions of onboarding and configure. Each returns an answer; nothing is written here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from openclaw.cli.context import CliContext
from openclaw.cli.output import print_line
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


def pick(title: str, rows: list[tuple[str, str]], default: str) -> str:
    """Let a person choose one of several; returns its id. Rows are (id, label)."""
    print_line(f"\n{title}")
    for number, (_, label) in enumerate(rows, 1):
        print_line(f"  {number}. {label}")
    ids = [one for one, _ in rows]
    chosen = click.prompt("Number", type=click.IntRange(1, len(rows)), default=ids.index(default) + 1)
    return ids[int(chosen) - 1]


def ask_secret(text: str) -> Secret | None:
    """Ask for a secret without showing it; nothing typed is None."""
    typed = str(click.prompt(text, hide_input=True, default="", show_default=False)).strip()
    return Secret(typed) if typed else None


def ask_model(context: CliContext, setup: Setup) -> ModelAnswer | None:
    """Ask for a model and a key until a real request works, or the person leaves it."""
    from openclaw.cli.onboard_flags import build_model
    from openclaw.security.onboarding.providers import CHOICES, SKIP, choice_of

    while True:
        rows = [*((one.id, one.label) for one in CHOICES), (SKIP, "None for now: a built-in offline model answers")]
        choice = choice_of(pick("Which model is to answer?", rows, "apiKey"))
        if choice is None:
            return None
        secret = ask_secret("Key (not shown)") if choice.kind != "none" else None
        if secret is None and choice.kind != "none" and choice.needs != "address":
            print_line("No key was given.")
            continue
        extra: dict[str, Any] = {}
        if choice.needs == "address":
            extra["base_url"] = click.prompt("Address (http:// or https://)")
            extra["wire"] = click.prompt("Wire", type=click.Choice(["openai", "anthropic"]), default="openai")
        extra["model"] = click.prompt("Model", default=choice.model or None)
        try:
            answer = build_model(choice, secret, **extra)
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
    return tried.ok or click.confirm("Keep it anyway?", default=False)


def ask_gateway(setup: Setup) -> GatewayAnswer:
    """Ask how the gateway listens and what opens it."""
    from openclaw.security.onboarding.answers import GatewayAnswer

    gateway = setup.current.gateway
    port = int(click.prompt("Port", type=click.IntRange(1, 65535), default=gateway.port or 18789))
    rows = [
        ("loopback", "This machine only (recommended)"),
        ("tailnet", "My Tailscale network"),
        ("lan", "Everybody in the local network"),
        ("custom", "One address"),
    ]
    known = gateway.bind if gateway.bind in dict(rows) else "loopback"
    bind = cast("BindMode", pick("Who may reach the gateway?", rows, str(known)))
    host = str(click.prompt("IP address", default=gateway.custom_bind_host)) if bind == "custom" else None
    kind = pick("What opens it?", [("token", "A random token (recommended)"), ("password", "A password")], "token")
    password = ask_secret("Password (not shown)") if kind == "password" else None
    shown = [
        ("off", "No"),
        ("serve", "Inside my tailnet (serve)"),
        ("funnel", "On the internet (funnel; needs a password)"),
    ]
    tailscale = pick("Publish it through Tailscale?", shown, gateway.tailscale.mode or "off")
    if tailscale == "funnel" and password is None:
        password = ask_secret("Funnel needs a password (not shown)")
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

    url = str(click.prompt("Address of the gateway (wss://…)"))
    return RemoteAnswer(url, ask_secret("Its token (not shown; nothing for none)"))


def ask_workspace(context: CliContext, setup: Setup) -> Path:
    """Ask where the agent works."""
    from openclaw.config.places import agent_workspace, default_agent

    document = setup.document
    known = agent_workspace(document, default_agent(document), context.layout, context.environment)
    typed = str(click.prompt("Workspace of the agent", default=context.shown(known)))
    return context.environment.expand(typed).absolute()


def ask_telegram(context: CliContext, setup: Setup) -> Secret | None:
    """Ask for a bot token until Telegram knows it, or the person leaves it."""
    from openclaw.security.onboarding.answers import Answers
    from openclaw.security.onboarding.checks import try_telegram

    if not click.confirm("\nConnect a Telegram bot? (@BotFather makes one and gives a token)", default=False):
        return None
    while True:
        token = ask_secret("Bot token (not shown; nothing to leave it)")
        if token is None:
            return None
        tried = try_telegram(token, setup.preview(Answers(telegram=token)), context.layout, context.environment)
        print_line(block("  ", tried.message))
        if tried.ok or click.confirm("Keep it anyway?", default=False):
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
    return cast("SandboxChoice", pick("Which sessions run in the sandbox?", rows, now if now in dict(rows) else "all"))
