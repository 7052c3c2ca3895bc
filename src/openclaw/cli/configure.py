"""`openclaw configure`: one part of the setup at a time (config.md 5.2)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog
from openclaw.cli.output import print_line
from openclaw.system.errors import InvalidInput

if TYPE_CHECKING:
    from openclaw.config.text_edit import Change
    from openclaw.security.onboarding.answers import Answers
    from openclaw.security.onboarding.setup import Setup
    from openclaw.tools.sandbox.backend import Probe

SECTIONS: Final = ("workspace", "model", "web", "gateway", "daemon", "channels", "skills", "sandbox", "health")


@click.command(epilog=epilog("openclaw configure", "openclaw configure --section model --section channels"))
@click.option("--section", "sections", multiple=True, type=click.Choice(SECTIONS), help="Only this part; repeatable.")
@click.pass_obj
def configure(context: CliContext, sections: tuple[str, ...]) -> None:
    """Change parts of the setup by answering questions. For scripts: openclaw config set, or onboard with flags."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("configure asks questions and needs a terminal; use: openclaw config set, or onboard")
    context.own_state()
    for section in sections or _chosen():
        print_line(f"\n{section.capitalize()}")
        _STEPS[section](context)
    print_line(f"\nNext: {context.command} doctor")


def _chosen() -> list[str]:
    from openclaw.cli.questions import many

    return many("Which parts? (space ticks one)", [(name, name.capitalize()) for name in SECTIONS])


def _setup(context: CliContext) -> tuple[Setup, Probe]:
    from openclaw.security.onboarding.checks import try_sandbox
    from openclaw.security.onboarding.setup import Setup

    probe = try_sandbox(context.environment)
    return Setup(context.layout, context.environment, sandboxed=probe.usable), probe


def _apply(context: CliContext, setup: Setup, answers: Answers) -> None:
    setup.apply(answers)
    print_line(f"Wrote {context.shown(context.layout.config)}. A running gateway applies what it can by itself.")


def _workspace(context: CliContext) -> None:
    from openclaw.cli.onboard_ask import ask_workspace
    from openclaw.security.onboarding.answers import Answers

    setup, _ = _setup(context)
    _apply(context, setup, Answers(workspace=ask_workspace(context, setup), command="configure"))


def _model(context: CliContext) -> None:
    from openclaw.cli.onboard_ask import ask_model
    from openclaw.security.onboarding.answers import Answers

    setup, _ = _setup(context)
    model = ask_model(context, setup)
    if model is None:
        print_line("The model stays as it is.")
    else:
        _apply(context, setup, Answers(model=model, command="configure"))


def _gateway(context: CliContext) -> None:
    from openclaw.cli.onboard_ask import ask_gateway, ask_remote
    from openclaw.cli.questions import select
    from openclaw.security.onboarding.answers import Answers

    setup, _ = _setup(context)
    places = [("local", "On this machine"), ("remote", "On another machine")]
    if select("Where does the gateway run?", places, setup.current.gateway.mode or "local") == "remote":
        _apply(context, setup, Answers(mode="remote", remote=ask_remote(), command="configure"))
    else:
        _apply(context, setup, Answers(gateway=ask_gateway(setup), command="configure"))


def _channels(context: CliContext) -> None:
    from openclaw.cli.onboard_ask import ask_telegram
    from openclaw.security.onboarding.answers import Answers

    setup, _ = _setup(context)
    token = ask_telegram(context, setup)
    if token is None:
        print_line("Channels stay as they are.")
    else:
        _apply(context, setup, Answers(telegram=token, command="configure"))


def _sandbox(context: CliContext) -> None:
    from openclaw.cli.onboard_ask import ask_sandbox
    from openclaw.security.onboarding.answers import Answers

    setup, probe = _setup(context)
    choice = ask_sandbox(probe, now=setup.current.agents.defaults.sandbox.mode or "all")
    _apply(context, setup, Answers(sandbox=choice, command="configure"))


def _web(context: CliContext) -> None:
    from openclaw.cli.questions import secret
    from openclaw.config.edit import ConfigEditor, Put

    key = secret("Key of Brave Search (not shown; nothing to leave it):")
    if key is None:
        print_line("Web search stays as it is.")
        return
    changes: list[Change] = [Put(("tools", "web", "search", "apiKey"), key.reveal())]
    ConfigEditor(context.layout, context.environment).change(changes)
    print_line(f"Wrote {context.shown(context.layout.config)}.")


def _skills(context: CliContext) -> None:
    from openclaw.cli.configure_skills import ask_skills
    from openclaw.config.edit import ConfigEditor

    setup, _ = _setup(context)
    changes = ask_skills(setup.current.skills, context.environment)
    if not changes:
        print_line("Skills stay as they are.")
        return
    ConfigEditor(context.layout, context.environment).change(changes)
    print_line(f"Wrote {context.shown(context.layout.config)}.")


def _daemon(context: CliContext) -> None:
    from openclaw.cli.onboard_service import install_service
    from openclaw.cli.questions import confirm

    if confirm("Install the gateway as a service, so that it always runs?", default=True):
        print_line(install_service(context))


def _health(context: CliContext) -> None:
    from openclaw.cli.onboard_service import wait_for_gateway

    print_line(wait_for_gateway(context, patient=False)[1])


_STEPS: Final[dict[str, Callable[[CliContext], None]]] = {
    "workspace": _workspace,
    "model": _model,
    "web": _web,
    "gateway": _gateway,
    "daemon": _daemon,
    "channels": _channels,
    "skills": _skills,
    "sandbox": _sandbox,
    "health": _health,
}
