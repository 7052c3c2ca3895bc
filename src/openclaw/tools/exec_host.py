"""exec on the gateway host: environment, decision, direct run or a request for approval (exec.md 1.4, 2.4 to 2.8)."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.child_environment import build_environment, child_path, judge_overrides
from openclaw.policy.what.exec_decide import decide
from openclaw.policy.what.exec_interpreters import interpreter_of
from openclaw.policy.what.exec_model import Ask, Decision, ExecRequest, ExecRules, Plan, Security
from openclaw.policy.what.exec_plan import SHELL
from openclaw.policy.what.exec_programs import names_of
from openclaw.policy.where.exec_host import ElevatedLevel, ExecRoute
from openclaw.state.exec_approvals_doc import EffectiveRules, UsedEntry, effective, elevated_full
from openclaw.system.child_output import BoundedText
from openclaw.system.errors import InvalidInput, Refused, Unavailable
from openclaw.system.executables import HostWorld, trusted_directories
from openclaw.system.processes import Launch, OutputSink, Process, Step, start_process
from openclaw.tools.contract import RunContext
from openclaw.tools.exec_params import ExecParams
from openclaw.tools.exec_run import Start
from openclaw.tools.exec_settings import ExecParts, ExecPolicyView

BLANK: Final = "Provide a command to start."


@dataclass(frozen=True, slots=True)
class HostCall:
    """One command on the host, as it was asked for.

    Attributes:
        run: the turn.
        command: the exact text.
        cwd: absolute directory.
        route: where and how strictly.
        view: what decides about the agent's commands.
        accepted: variables that the call adds.
        env: the whole environment of the children.
        path: directories of PATH.
        terminal: whether a pseudo-terminal is wanted.
        warnings: texts before the result.
    """

    run: RunContext
    command: str
    cwd: str
    route: ExecRoute
    view: ExecPolicyView
    accepted: Mapping[str, str]
    env: Mapping[str, str]
    path: tuple[str, ...]
    terminal: bool = False
    warnings: tuple[str, ...] = ()


class HostJudge:
    """Prepares and judges commands on the gateway host; runs nothing."""

    def __init__(self, parts: ExecParts) -> None:
        self._parts = parts
        self._world = HostWorld(str(parts.places.home))

    async def prepare(
        self, run: RunContext, params: ExecParams, view: ExecPolicyView, route: ExecRoute, warnings: tuple[str, ...]
    ) -> HostCall:
        """Return the call with its directory and environment.

        Raises:
            Refused: a variable that the call sets is not allowed.
            Unavailable: no directory to run in exists.
        """
        settings = view.settings
        overrides = judge_overrides(params.env or {}, settings.environment)
        if overrides.outcome is not Outcome.ALLOW:
            reason = overrides.reasons[-1]
            raise Refused(overrides.error, code="env-refused", details={"rule": reason.rule, "key": reason.key})
        cwd, warning = host_cwd(run, params.workdir, self._parts.places.home)
        values = self._parts.environment.values
        path = child_path(
            values.get("PATH", ""), prepend=settings.path_prepend, login_path=await self._parts.login_path.get()
        )
        return HostCall(
            run=run,
            command=params.command,
            cwd=cwd,
            route=route,
            view=view,
            accepted=overrides.accepted,
            env=build_environment(
                values, settings.environment, path=path, shell=self._parts.shell(), accepted=overrides.accepted
            ),
            path=path,
            terminal=params.pty,
            warnings=(*warnings, warning) if warning else warnings,
        )

    def effective(self, run: RunContext, route: ExecRoute) -> EffectiveRules:
        """Return what config and approvals file say together, as of now."""
        rules = self._parts.approvals_file.rules()
        join = elevated_full if route.elevated is ElevatedLevel.FULL else effective
        return join(rules, run.agent_id, security=route.security, ask=route.ask)

    async def judge(self, call: HostCall, found: EffectiveRules) -> Decision:
        """Return the kernel's answer for a call under some rules; it looks at the disk now."""
        request = ExecRequest(command=call.command, cwd=call.cwd, path=call.path)
        return await asyncio.to_thread(decide, request, rules_of(call.view, found), self._world)

    async def satisfied(self, call: HostCall, found: EffectiveRules) -> Decision | None:
        """Return the answer if allowlist or safe bins cover the whole line, whatever `ask` says; else None."""
        decision = await self.judge(call, replace(found, security=Security.ALLOWLIST, ask=Ask.OFF))
        return decision if decision.decision is Outcome.ALLOW else None


def rules_of(view: ExecPolicyView, found: EffectiveRules) -> ExecRules:
    """Return the rules of a call; only directories that the administrator alone can change hold safe bins."""
    trusted, _ = trusted_directories(view.settings.extra_trusted_dirs)
    return replace(
        view.settings.rules,
        trusted_dirs=trusted,
        skill_bins=view.skill_bins,
        security=found.security,
        ask=found.ask,
        allowlist=found.allowlist,
        auto_allow_skills=found.auto_allow_skills,
    )


def host_cwd(run: RunContext, workdir: str | None, home: Path) -> tuple[str, str | None]:
    """Return the directory to run in and a warning when it is not the one that was asked for.

    Raises:
        Unavailable: neither exists.
    """
    default = str(run.workspace)
    if workdir is not None and workdir.strip():
        asked = str(home / workdir[2:]) if workdir == "~" or workdir.startswith("~/") else workdir
        path = os.path.normpath(os.path.join(default, asked))  # noqa: PTH118 - text only, the kernel has the last word
        if _is_directory(path):
            return path, None
        return default, f'Warning: workdir "{workdir}" is unavailable; using "{default}".'
    if not _is_directory(default):
        raise Unavailable(f"The workspace {default} does not exist.", code="workspace-missing")
    return default, None


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(path).st_mode)  # noqa: PTH116 - a NUL in the text must not raise
    except (OSError, ValueError):
        return False


def refusal_of(decision: Decision, fault: str | None = None) -> Refused | InvalidInput:
    """Return the tool error of a call that is denied without asking; `fault` is what is wrong with the host's file."""
    reason = decision.reason
    details = {"rule": decision.why, "key": reason.key}
    if decision.why == "invalid-command":
        return InvalidInput(BLANK, code="invalid-command", details=details)
    if decision.why == "security-deny":
        why = f"; {fault}" if fault is not None else ""
        return Refused(f"exec denied: host=gateway security=deny{why}", code="exec-denied", details=details)
    return Refused("exec denied: allowlist miss", code="exec-denied", details=details)


def used_entries(decision: Decision) -> tuple[UsedEntry, ...]:
    """Return the allowlist entries that covered a line, each once, with the program that it covered."""
    found: dict[tuple[str, str, str], UsedEntry] = {}
    for segment in decision.segments:
        for entry in segment.entries:
            found.setdefault((entry.agent, entry.id, entry.pattern), UsedEntry(entry, segment.realpath or segment.path))
    return tuple(found.values())


def typing_refusal(decision: Decision, security: Security) -> str | None:
    """Return why nothing may be typed into a program that was allowed for one line only (exec.md 1.6)."""
    if security is Security.FULL:
        return None
    if not decision.segments:
        return "the line was approved as a whole and may be a shell"
    for segment in decision.segments:
        programs = [names_of(path, os.path.realpath(path)) for _, path in segment.commands]
        if not programs or any(interpreter_of(names) is not None for names in programs):
            return "the program is a shell or interpreter that was approved for one line only"
    return None


def text_start(parts: ExecParts, call: HostCall, cwd: str | int) -> Start:
    """Return what starts the original text with the user's shell; where no pseudo-terminal can be had, with pipes."""

    async def start(output: BoundedText, sink: OutputSink) -> Process:
        argv = [parts.shell(), "-c", call.command]
        if call.terminal:
            try:
                launch = Launch.of(argv, env=call.env, cwd=cwd, terminal=True)
                return await start_process(launch, sink=sink, output=output, clock=parts.clock)
            except OSError as error:
                output.append(f"Warning: no pseudo-terminal is available ({error.strerror}); running without one.\n")
        launch = Launch.of(argv, env=call.env, cwd=cwd)
        return await start_process(launch, sink=sink, output=output, clock=parts.clock)

    return start


def plan_start(parts: ExecParts, call: HostCall, plan: Plan) -> Start:
    """Return what starts a plan: programs by their absolute paths, or a script that was rendered anew."""
    env = {**call.env, "PATH": ":".join(plan.path)}
    steps = tuple(Step(step.op, step.commands) for step in plan.steps)
    if plan.script is not None:
        steps = (Step("", ((SHELL, "-c", plan.script),)),)
    single = len(steps) == 1 and len(steps[0].commands) == 1
    launch = Launch(steps, env=env, cwd=call.cwd, terminal=call.terminal and single)

    async def start(output: BoundedText, sink: OutputSink) -> Process:
        return await start_process(launch, sink=sink, output=output, clock=parts.clock)

    return start
