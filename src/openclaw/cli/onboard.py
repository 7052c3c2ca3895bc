"""`openclaw onboard`: from nothing to a safe, working gateway (config.md 5.2)."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.onboard_flags import Flags, answers_of, onboarding_flags
from openclaw.cli.output import print_error, print_json, print_line
from openclaw.cli.text import block
from openclaw.system.errors import InvalidInput, OpenClawError, Refused

if TYPE_CHECKING:
    from openclaw.security.onboarding.answers import Answers
    from openclaw.security.onboarding.setup import Done, Setup
    from openclaw.tools.sandbox.backend import Probe


@click.command(
    epilog=epilog(
        "openclaw onboard",
        "openclaw onboard --non-interactive --accept-risk --anthropic-api-key - < key.txt",
        "openclaw onboard --non-interactive --accept-risk --mode remote --remote-url wss://host:18789 --remote-token -",
        "openclaw onboard --non-interactive --accept-risk --auth-choice skip --install-daemon --json",
    )
)
@click.option("--non-interactive", is_flag=True, help="Ask nothing; the flags decide.")
@click.option("--accept-risk", is_flag=True, help="You know that an agent with tools can do harm.")
@onboarding_flags
@json_option
@click.pass_obj
def onboard(context: CliContext, /, non_interactive: bool, accept_risk: bool, as_json: bool, **values: Any) -> None:
    """Set everything up: model, gateway, channels, sandbox, service. Run it again to change what you said.

    The model and the bot are tried out by a real request before anything is written. A key given as "-" is read from
    stdin; one on the command line itself can be seen by others on this machine.
    """
    flags = Flags(values)
    interactive = not non_interactive and not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    if not interactive and not accept_risk:
        raise InvalidInput(
            "an agent with tools can do harm; add --accept-risk (and --non-interactive) once you have thought about it"
        )
    run_onboarding(context, flags, interactive=interactive, accepted=accept_risk, as_json=as_json)


def run_onboarding(context: CliContext, flags: Flags, *, interactive: bool, accepted: bool, as_json: bool) -> None:
    """Ask or read the answers, do what they say, and tell what comes next."""
    from openclaw.security.onboarding.checks import try_sandbox

    context.own_state()
    if interactive and not accepted:
        _acknowledge()
    if flags["do_reset"]:
        _start_over(context, interactive=interactive)
    probe = try_sandbox(context.environment)
    setup = _setup(context, probe)
    if interactive and setup.exists and not flags["do_reset"]:
        kept = _existing(context)
        if kept == "keep":
            _finish(context, flags, None, _Page(context, as_json, probe), interactive=True)
            return
        if kept == "reset":
            _start_over(context, interactive=True)
            setup = _setup(context, probe)
    page = _Page(context, as_json, probe)
    answers = _asked(context, flags, setup, probe) if interactive else _given(context, flags, setup, probe, page)
    done = setup.apply(answers)
    page.made(done, answers)
    _finish(context, flags, answers, page, interactive=interactive)


def _setup(context: CliContext, probe: Probe) -> Setup:
    from openclaw.security.onboarding.setup import Setup

    try:
        return Setup(context.layout, context.environment, sandboxed=probe.usable)
    except InvalidInput:
        print_error(f"The config has faults; mend it first: {context.command} doctor")
        raise


def _acknowledge() -> None:
    from openclaw.cli.onboard_ask import RISK
    from openclaw.cli.questions import confirm

    print_line(block("", RISK))
    if not confirm("Go on?", default=False):
        raise Refused("cancelled; nothing was changed")


def _existing(context: CliContext) -> str:
    from openclaw.cli.questions import select

    print_line(f"\nThere is a config already: {context.shown(context.layout.config)}")
    rows = [("keep", "Keep it as it is"), ("modify", "Change it"), ("reset", "Start over")]
    return select("What is to become of it?", rows, "modify")


def _start_over(context: CliContext, *, interactive: bool) -> None:
    from openclaw.cli.questions import confirm, select
    from openclaw.security.onboarding.reset import reset

    scope: Any = "config+creds+sessions"
    if interactive:
        rows = [
            ("config", "The config"),
            ("config+creds+sessions", "Config, credentials and sessions"),
            ("full", "Everything: the state directory and the workspaces"),
        ]
        scope = select("What is to be removed?", rows, "config")
        if not confirm("Remove it now? It does not come back.", default=False):
            raise Refused("cancelled; nothing was changed")
    for path in reset(scope, context.layout, context.environment):
        print_error(f"removed {context.shown(path)}")


def _given(context: CliContext, flags: Flags, setup: Setup, probe: Probe, page: _Page) -> Answers:
    """Return the answers of the flags, after model and bot were tried out.

    Raises:
        Refused: one of them does not work; nothing is written.
    """
    from openclaw.security.onboarding.checks import try_model, try_telegram

    answers = _with_defaults(answers_of(flags, sandboxed=probe.usable), context, setup)
    preview = setup.preview(answers)
    if answers.model is not None and not flags["skip_model_check"]:
        tried = try_model(answers.model, preview, context.layout, context.environment)
        if not tried.ok:
            raise Refused(f"{tried.message} Nothing is written; --skip-model-check sets it up untried.")
        page.say(tried.message)
    if answers.telegram is not None:
        tried = try_telegram(answers.telegram, preview, context.layout, context.environment)
        if not tried.ok:
            raise Refused(f"{tried.message} Nothing is written; --skip-channels leaves the bot out.")
        page.say(tried.message)
    return answers


def _with_defaults(answers: Answers, context: CliContext, setup: Setup) -> Answers:
    """Fill in the workspace, which the config is to state."""
    from openclaw.config.places import agent_workspace, default_agent

    if answers.workspace is not None or answers.mode == "remote":
        return answers
    document = setup.document
    place = agent_workspace(document, default_agent(document), context.layout, context.environment)
    return replace(answers, workspace=place)


def _asked(context: CliContext, flags: Flags, setup: Setup, probe: Probe) -> Answers:
    from openclaw.cli import onboard_ask as ask
    from openclaw.cli.questions import select
    from openclaw.security.onboarding.answers import Answers, GatewayAnswer

    rows = [("quickstart", "Quick: safe defaults, few questions"), ("advanced", "Ask me everything")]
    flow = flags["flow"] or select("How much do you want to decide?", rows, "quickstart")
    thorough = flow != "quickstart"
    places = [("local", "On this machine"), ("remote", "On another machine, which I use from here")]
    mode = flags["mode"] or (select("Where does the gateway run?", places, "local") if thorough else "local")
    if mode == "remote":
        return Answers(mode="remote", remote=ask.ask_remote())
    workspace = flags["workspace"] or (ask.ask_workspace(context, setup) if thorough else None)
    model = ask.ask_model(context, setup)
    gateway = ask.ask_gateway(setup) if thorough else GatewayAnswer()
    telegram = None if flags["skip_channels"] else ask.ask_telegram(context, setup)
    now = setup.current.agents.defaults.sandbox.mode or "all"
    sandbox = ask.ask_sandbox(probe, now=now) if thorough else None
    answers = Answers(workspace=workspace, model=model, gateway=gateway, telegram=telegram, sandbox=sandbox)
    return _with_defaults(answers, context, setup)


def _finish(context: CliContext, flags: Flags, answers: Answers | None, page: _Page, *, interactive: bool) -> None:
    """Install the service when asked, wait for the gateway, and say what comes next."""
    from openclaw.cli.onboard_service import install_service, wait_for_gateway

    remote = answers is not None and answers.mode == "remote"
    wanted = _wants_service(flags, interactive=interactive and not remote)
    installed = False
    if wanted and not remote:
        try:
            page.say(install_service(context))
            installed = True
        except OpenClawError as error:
            page.warn(f"The service was not installed: {error.message}")
    running = False
    if not remote and not flags["skip_health"]:
        running, said = wait_for_gateway(context, patient=installed)
        page.say(said)
    page.close(flags, answers, installed=installed, running=running)


def _wants_service(flags: Flags, *, interactive: bool) -> bool:
    from openclaw.cli.questions import confirm

    if flags["skip_daemon"] or flags["no_install_daemon"]:
        return False
    if flags["install_daemon"]:
        return True
    return interactive and confirm("Install the gateway as a service, so that it always runs?", default=True)


@dataclass(slots=True)
class _Page:
    """Tells how it goes: on stdout for people, on stderr for scripts, whose stdout is one document."""

    context: CliContext
    as_json: bool
    probe: Probe

    def say(self, text: str) -> None:
        """Print a line of progress."""
        (print_error if self.as_json else print_line)(block("", text))

    def warn(self, text: str) -> None:
        """Print a warning."""
        print_error(block("", f"warning: {text}"))

    def made(self, done: Done, answers: Answers) -> None:
        """Say what was written."""
        self.say(f"Wrote {self.context.shown(self.context.layout.config)}.")
        if answers.mode == "remote":
            return
        files = f" ({', '.join(done.created)})" if done.created else ""
        self.say(f"The agent works in {self.context.shown(done.workspace)}{files}.")
        if self.probe.usable:
            self.say(f"The sandbox works here: {self.probe.detail}")
        else:
            self.say(f"No sandbox works here: {self.probe.detail} Commands of the agent wait for your yes.")

    def close(self, flags: Flags, answers: Answers | None, *, installed: bool, running: bool) -> None:
        """Print the summary of the audit and the next command, or the document for scripts."""
        from openclaw.cli.onboard_service import audit_summary

        if self.as_json:
            print_json(self._document(flags, answers, installed=installed))
            return
        remote = answers is not None and answers.mode == "remote"
        if not remote:
            print_line()
            for line in audit_summary(self.context):
                print_line(block("", line) if not line.startswith(" ") else block("  ", line.strip()))
        command = self.context.command
        if remote:
            print_line(f"\nNext: {command} health")
        elif running:
            print_line(f"\nNext: {command} status")
        else:
            print_line(
                f"\nNext: {command} up"
                + ("" if flags["skip_ui"] else "     starts the gateway and shows the web chat's address")
            )

    def _document(self, flags: Flags, answers: Answers | None, *, installed: bool) -> dict[str, Any]:
        """Return the summary for scripts (config.md 5.2)."""
        from openclaw.config.view import view_config

        shown = view_config(self.context.layout, self.context.environment).config
        gateway = shown.get("gateway") or {}
        document: dict[str, Any] = {
            "mode": gateway.get("mode"),
            "workspace": ((shown.get("agents") or {}).get("defaults") or {}).get("workspace"),
            "authChoice": _choice_name(flags, answers),
            "gateway": {
                "port": gateway.get("port"),
                "bind": gateway.get("bind"),
                "authMode": (gateway.get("auth") or {}).get("mode"),
                "tailscaleMode": (gateway.get("tailscale") or {}).get("mode") or "off",
            },
            "installDaemon": installed,
            "skipSkills": bool(flags["skip_skills"]),
            "skipHealth": bool(flags["skip_health"]),
        }
        if flags["daemon_runtime"]:
            document["daemonRuntime"] = flags["daemon_runtime"]
        return document


def _choice_name(flags: Flags, answers: Answers | None) -> str:
    from openclaw.cli.onboard_flags import auth_choice

    return "skip" if answers is None or answers.model is None else auth_choice(flags)
