"""`openclaw security`: the audit (audit.md 1, 2). The work is in `openclaw.security.audit`, loaded at the call."""

from __future__ import annotations

import contextlib
import gc
import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import console, print_error, print_json, print_line
from openclaw.system.errors import ConfigInvalid, InvalidInput

if TYPE_CHECKING:
    from openclaw.security.audit.fix import FixResult
    from openclaw.security.audit.model import Finding
    from openclaw.security.audit.report import Report

log = logging.getLogger(__name__)

FOUND: Final = 3
"""Exit code when findings of the asked severity are left (config.md 4.1)."""
_STYLES: Final = {"critical": "bold red", "warn": "bold yellow", "info": "bold"}


class SecurityGroup(Group):
    """Shows its help, and fails, when no command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """End with status 1 after the help."""
        if not args:
            click.echo(ctx.get_help())
            ctx.exit(1)
        return super().parse_args(ctx, args)


@click.group(cls=SecurityGroup)
def security() -> None:
    """Look for what others could use against you, and mend it."""


@security.command(
    epilog=epilog(
        "openclaw security audit",
        "openclaw security audit --deep",
        "openclaw security audit --fix --dry-run",
        "openclaw security audit --explain gateway.bind_no_auth",
        "openclaw security audit --json --fail-on critical",
    )
)
@click.option(
    "--deep", is_flag=True, help="Also ask the running gateway, read the code of plugins and skills, and look at ports."
)
@click.option("--fix", is_flag=True, help="Mend what can be mended without harm, then report.")
@click.option("--dry-run", is_flag=True, help="With --fix: show what would be changed.")
@json_option
@click.option("--sarif", is_flag=True, help="Print SARIF 2.1.0, for code-scanning services.")
@click.option("--fail-on", type=click.Choice(["warn", "critical"]), help="Exit with 3 when such a finding is left.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Findings that are accepted, with reason and last day; exit with 3 when another one of warn or worse is left.",
)
@click.option("--compat", type=click.Choice(["2026.2.9"]), help="Print only what that version of the original reports.")
@click.option("--explain", metavar="CHECK_ID", help="Say what a finding means, how it is attacked and mended.")
@click.pass_obj
def audit(
    context: CliContext,
    *,
    deep: bool,
    fix: bool,
    dry_run: bool,
    as_json: bool,
    sarif: bool,
    fail_on: str | None,
    baseline: Path | None,
    compat: str | None,
    explain: str | None,
) -> int:
    """Look at config, state and (with --deep) code and gateway. Changes nothing without --fix."""
    if explain is not None:
        return _explain(explain, as_json=as_json)
    if dry_run and not fix:
        raise InvalidInput("--dry-run goes with --fix")
    if as_json and sarif:
        raise InvalidInput("choose one of --json and --sarif")
    try:
        with _uncollected():
            return _audit(context, deep, fix, dry_run, as_json, sarif, fail_on, baseline, compat)
    except ConfigInvalid:
        if not as_json:
            print_error("No report: the config must be valid first. openclaw doctor --fix mends what it can.")
        raise


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Put off the collection of garbage: while so much is imported it would cost a tenth of the whole run."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _audit(
    context: CliContext,
    deep: bool,
    fix: bool,
    dry_run: bool,
    as_json: bool,
    sarif: bool,
    fail_on: str | None,
    baseline: Path | None,
    compat: str | None,
) -> int:
    from openclaw.security.audit.baseline import read_baseline
    from openclaw.security.audit.gather import gather
    from openclaw.security.audit.run import audit as run_audit

    accepted = read_baseline(baseline) if baseline is not None else None
    fixed = _fix(context, dry_run=dry_run) if fix else None
    gathered = gather(context.layout, context.environment, deep=deep)
    report = run_audit(gathered, now_ms=time.time_ns() // 1_000_000, compat=compat is not None, baseline=accepted)
    if sarif:
        from openclaw.security.audit.sarif import to_sarif

        print_json(to_sarif(report, context.layout.config))
    elif as_json:
        print_json({"fix": fixed.as_dict(), "report": report.as_dict()} if fixed is not None else report.as_dict())
    else:
        _print(context, report, fixed, asked=fix)
    return _exit_code(report, fail_on or ("warn" if baseline is not None else None))


def _exit_code(report: Report, fail_on: str | None) -> int:
    from openclaw.security.audit.model import Severity

    return FOUND if fail_on is not None and report.reaches(Severity(fail_on)) else 0


def _fix(context: CliContext, *, dry_run: bool) -> FixResult | None:
    """Mend what can be mended; None when the fixer itself failed.

    Raises:
        ConfigInvalid: nothing is mended then.
    """
    from openclaw.security.audit.fix import apply_plan, make_plan
    from openclaw.security.audit.look import Looker
    from openclaw.security.audit.reading import read
    from openclaw.security.audit.stores import read_stores

    looker = Looker()
    reading = read(context.layout, context.environment, looker)
    try:
        plan = make_plan(reading, read_stores(reading, (), looker), looker)
        return apply_plan(plan, context.environment, dry_run=dry_run)
    except Exception:
        log.exception("the fixer failed")
        return None


def _print(context: CliContext, report: Report, fixed: FixResult | None, *, asked: bool) -> None:
    from openclaw.security.audit.text import fix_block, report_text

    mended = list(fix_block(fixed, context.shown)) if asked else []
    if console_wanted(context):
        _draw(context, report, mended, asked=asked)
    else:
        click.echo(report_text(report, context.command, mended, fixed=asked), nl=False)


def console_wanted(context: CliContext) -> bool:
    """Tell whether the report is drawn for a terminal, at its width."""
    import sys

    return context.color or sys.stdout.isatty()


def _draw(context: CliContext, report: Report, mended: Iterable[str], *, asked: bool) -> None:
    from rich.text import Text

    from openclaw.security.audit.text import head_lines, sections

    out = console(color=context.color)
    head, *rest = head_lines(report, context.command, fixed=asked)
    out.print(Text(head, "bold"))
    for line in (*rest, *mended):
        out.print(Text(line, "dim" if line[:1] != " " else ""))
    for severity, findings in sections(report):
        out.print()
        out.print(Text(f"{severity.upper()} ({len(findings)})", _STYLES[severity]))
        for finding in findings:
            _draw_finding(out, finding)
    fixable = sum(finding.fixable for finding in report.findings)
    out.print()
    if fixable and not asked:
        out.print(Text(f"{fixable} of these can be mended: {context.command} security audit --fix --dry-run", "bold"))
    out.print(Text(f"What a line means: {context.command} security audit --explain CHECK_ID", "dim"))


def _draw_finding(out: Any, finding: Finding) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out.print(Text.assemble((finding.title, "bold"), "  ", (finding.check_id, "dim")))
    out.print(Padding(Text(finding.detail), (0, 0, 0, 2), expand=False))
    if finding.remediation:
        out.print(Padding(Text.assemble(("Fix: ", "green"), finding.remediation), (0, 0, 0, 2), expand=False))


def _explain(check_id: str, *, as_json: bool) -> int:
    from openclaw.security.audit.explain import describe, explain_sections, find_rule

    rule = find_rule(check_id)
    if as_json:
        print_json(describe(rule))
        return 0
    print_line(f"{rule.id}: {rule.title}")
    for heading, text in explain_sections(rule):
        print_line()
        print_line(heading)
        print_line(f"  {text}")
    return 0
