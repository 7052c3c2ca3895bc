"""`openclaw policy`: asks the policy kernel what it says of case files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import print_json, print_line
from openclaw.cli.policy_files import KINDS, CaseFile, read_cases, run_one

if TYPE_CHECKING:
    from openclaw.security.policy_cases.result import CaseResult


@click.group(cls=Group)
def policy() -> None:
    """Test the policy: who may talk to the bot, where it may act, what it may touch."""


@policy.command(
    epilog=epilog(
        "openclaw policy test access.json",
        "openclaw policy test --kind exec my-commands.json --json",
        "openclaw policy test --config who-may-write-to-me.json     under the live config",
    )
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE...")
@click.option("--kind", type=click.Choice(KINDS), help="What the files hold. Default: told by the file itself.")
@click.option("--config", "with_config", is_flag=True, help="Lay the live config below that of each case.")
@json_option
@click.pass_obj
def test(context: CliContext, files: tuple[Path, ...], kind: str | None, with_config: bool, as_json: bool) -> int:
    """Run case files. Prints a line per failing case and the counts; exit code 1 when one fails."""
    live = _live(context) if with_config else None
    passed = 0
    failures: list[dict[str, Any]] = []
    for path in files:
        cases = read_cases(path, kind)
        for case in cases.cases:
            result = run_one(cases, case, live)
            if result.ok:
                passed += 1
                continue
            failures.append(_failure(cases, result))
            if not as_json:
                print_line(_line(failures[-1]))
    if as_json:
        print_json({"ok": not failures, "passed": passed, "failed": len(failures), "failures": failures})
    else:
        print_line(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


def _live(context: CliContext) -> Mapping[str, Any]:
    from openclaw.config.load import load_config

    return dict(load_config(context.own_state(), context.environment).document)


def _failure(cases: CaseFile, result: CaseResult) -> dict[str, Any]:
    return {
        "file": str(cases.path),
        "kind": cases.kind,
        "id": result.id,
        "expected": dict(result.expected),
        "got": dict(result.got),
        "trail": [dict(reason.as_dict()) for reason in result.trail],
    }


def _line(failure: Mapping[str, Any]) -> str:
    from openclaw.cli.local import shown_json

    trail = " > ".join(_step(step) for step in failure["trail"]) or "no reason given"
    expected, got = shown_json(failure["expected"]), shown_json(failure["got"])
    return f"FAIL {failure['kind']} {failure['id']}: expected {expected}, got {got}; because {trail}"


def _step(reason: Mapping[str, str]) -> str:
    return reason["rule"] + (f" ({reason['key']})" if reason.get("key") else "")
