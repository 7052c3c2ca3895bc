"""`openclaw doctor`: what is wrong here, and mending it with your consent (config.md 5.1)."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_json, print_line, visible
from openclaw.cli.text import block

if TYPE_CHECKING:
    from openclaw.security.doctor.context import DoctorOptions
    from openclaw.security.doctor.model import Finding
    from openclaw.security.doctor.run import Outcome, Treated

TOKEN_CHECK = "gateway.token"  # noqa: S105 - the id of a check
_COLORS = {"error": "red", "warn": "yellow", "note": "cyan"}


@dataclass(frozen=True, slots=True)
class Consent:
    """What may be repaired without asking, and whether there is somebody to ask.

    Attributes:
        fix: every safe repair.
        everything: every repair.
        token: the new gateway token that was asked for.
        ask: a person sits at the terminal.
    """

    fix: bool
    everything: bool
    token: bool
    ask: bool

    def __call__(self, finding: Finding) -> bool:
        """Tell whether a repair, which was shown, is made."""
        assert finding.repair is not None
        if self.everything or (self.fix and finding.repair.safe) or (self.token and finding.check == TOKEN_CHECK):
            return True
        return self.ask and click.confirm(f"  {finding.title}: {_first(finding)}?", default=finding.repair.safe)


@click.command(
    epilog=epilog(
        "openclaw doctor",
        "openclaw doctor --fix                       make every safe repair, also without a terminal",
        "openclaw doctor --generate-gateway-token",
        "openclaw doctor --non-interactive --json",
    )
)
@click.option("--fix", "--repair", "fix", is_flag=True, help="Make every safe repair without asking.")
@click.option("--yes", is_flag=True, help="Make every repair without asking, also of services.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing.")
@click.option("--generate-gateway-token", "generate", is_flag=True, help="Write a new random gateway token.")
@click.option("--force", is_flag=True, help="Replace a service definition that was changed by hand.")
@click.option("--deep", is_flag=True, help="Look for other gateways on this machine too.")
@click.option("--no-workspace-suggestions", is_flag=True, help="Leave out tips for the workspace.")
@json_option
@click.pass_obj
def doctor(
    context: CliContext,
    fix: bool,
    yes: bool,
    non_interactive: bool,
    generate: bool,
    force: bool,
    deep: bool,
    no_workspace_suggestions: bool,
    as_json: bool,
) -> int:
    """Look for what is wrong, and offer to mend it. Every repair is shown before it is made.

    Without a terminal nothing is repaired unless --fix or --yes is given. Exit code 0, also when something is wrong; 1
    when a repair that was agreed to failed.
    """
    from openclaw.security.doctor.context import DoctorOptions
    from openclaw.security.doctor.gather import Gatherer
    from openclaw.security.doctor.run import Doctor
    from openclaw.state.layout import StateLayout
    from openclaw.system.clock import SystemClock

    ask = sys.stdin.isatty() and sys.stdout.isatty() and not (non_interactive or as_json)
    options = DoctorOptions(
        deep=deep,
        force=force,
        generate_token=generate,
        suggest=not no_workspace_suggestions,
        quick=non_interactive or as_json,
        shell=_login_shell(),
    )
    environment = context.environment
    gatherer = Gatherer(lambda: StateLayout.resolve(environment), environment, SystemClock(), options)
    page = _Page(color=context.color, quiet=as_json)
    consent = Consent(fix=fix, everything=yes, token=generate, ask=ask)
    outcome = Doctor(gatherer.gather, show=page.show, accept=consent).run()
    made = _made_token(outcome) if generate else True
    if as_json:
        found = outcome.as_json()
        print_json({**found, "ok": found["ok"] and made})
    else:
        page.close(outcome, options, context.command)
    return 0 if made and not outcome.failed else 1


def _login_shell() -> str:
    """Return the name of the login shell's program; the SHELL variable is not believed."""
    import os
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_shell.rpartition("/")[2]
    except KeyError:
        return ""


def _made_token(outcome: Outcome) -> bool:
    return any(one.finding.check == TOKEN_CHECK and one.status.value == "done" for one in outcome.treated)


def _first(finding: Finding) -> str:
    assert finding.repair is not None
    lines = finding.repair.describe()
    more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
    return visible(lines[0]) + more if lines else finding.message


class _Page:
    """Prints findings as they come, in boxes by title, and what became of each repair."""

    def __init__(self, *, color: bool, quiet: bool) -> None:
        self._color = color
        self._quiet = quiet
        self._title = ""
        self._repairing = False

    def show(self, shown: Finding | Treated) -> None:
        """Print a finding or what became of a repair."""
        from openclaw.security.doctor.model import Finding

        if self._quiet:
            return
        if isinstance(shown, Finding):
            self._finding(shown)
        else:
            self._treated(shown)

    def _finding(self, finding: Finding) -> None:
        self._repairing = False
        if finding.title != self._title:
            print_line(f"\n{self._style(finding.title, bold=True)}")
            self._title = finding.title
        word = finding.level.value
        _print(f"  {self._style(f'{word:<5}', fg=_COLORS[word])}  ", finding.message)
        if finding.hint:
            _print(" " * 9, finding.hint)
        if finding.repair is not None:
            for line in finding.repair.describe():
                _print(" " * 9 + "repair: ", line)

    def _treated(self, treated: Treated) -> None:
        if not self._repairing:
            print_line(f"\n{self._style('Repairs', bold=True)}")
            self._title, self._repairing = "", True
        word = {"done": "done", "failed": "FAILED", "declined": "left"}[treated.status.value]
        color = {"done": "green", "failed": "red", "declined": "yellow"}[treated.status.value]
        _print(f"  {self._style(f'{word:<6}', fg=color)} ", _first(treated.finding))
        for line in treated.told:
            _print(" " * 9, line)

    def close(self, outcome: Outcome, options: DoctorOptions, command: str) -> None:
        """Print the summary, and what to do next."""
        counts = outcome.as_json()["summary"]
        wrong = counts["error"] + counts["warn"]
        done = sum(1 for one in outcome.treated if one.status.value == "done")
        left = [one for one in outcome.treated if one.status.value == "declined"]
        said = f"{wrong} thing{'' if wrong == 1 else 's'} to look at" if wrong else "Nothing is wrong"
        print_line(f"\n{said}." + (f" {done} repair{'' if done == 1 else 's'} made." if done else ""))
        if left:
            safe = any(one.finding.repair is not None and one.finding.repair.safe for one in left)
            flags = "--fix" if safe else "--yes"
            deep = " --deep" if options.deep else ""
            print_line(f"To repair what can be: {command} doctor {flags}{deep}")

    def _style(self, text: str, *, fg: str | None = None, bold: bool = False) -> str:
        return click.style(text, fg=fg, bold=bold) if self._color else text


def _print(head: str, text: str) -> None:
    print_line(block(head, text))
