"""exec inside the sandbox: the jail of the session, its environment, its directory (exec.md 1.2, 4.5, 4.10)."""

from __future__ import annotations

import asyncio
import posixpath
import stat
from dataclasses import dataclass, replace
from typing import Final

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.child_environment import MARKER, child_path
from openclaw.policy.what.exec_model import ExecSettings
from openclaw.policy.what.paths import Access, judge_path
from openclaw.policy.where.sandbox_mode import SandboxBackend
from openclaw.system.child_output import BoundedText
from openclaw.system.errors import InvalidInput, NotFound
from openclaw.system.files import GuardedFiles, refusal
from openclaw.system.processes import OutputSink, Process
from openclaw.tools.contract import ToolContext, ToolResult
from openclaw.tools.exec_params import ExecParams
from openclaw.tools.exec_run import ExecRunner, RunSpec
from openclaw.tools.exec_settings import ExecParts
from openclaw.tools.sandbox.backend import Jail
from openclaw.tools.sandbox.bwrap_args import DEFAULT_PATH
from openclaw.tools.sandbox.settings import ENV_NAME
from openclaw.tools.sandbox.workspace import AGENT_MOUNT

PREPEND: Final = "OPENCLAW_PREPEND_PATH"
_PREFIX: Final = f'export PATH="${{{PREPEND}}}:$PATH"; unset {PREPEND}; '
_VISIBLE: Final = ("/usr/", "/bin", "/sbin")


@dataclass(frozen=True, slots=True)
class InsideCwd:
    """The working directory inside, and a warning when it is not the one that was asked for."""

    path: str
    warning: str | None = None


class SandboxExec:
    """Runs commands in the jail of their session. When that cannot be made, nothing runs."""

    def __init__(self, parts: ExecParts, runner: ExecRunner) -> None:
        self._parts = parts
        self._runner = runner

    async def run(self, ctx: ToolContext, params: ExecParams, settings: ExecSettings, spec: RunSpec) -> ToolResult:
        """Run one command.

        Raises:
            Unavailable: the sandbox cannot be made.
            ConfigInvalid: the config asks it to hold something that is refused.
            Refused: the working directory lies outside.
            InvalidInput: a variable has no usable name.
        """
        places = self._parts.places
        backend = await self._parts.sandboxes.choose(self._wanted(ctx), places.jail_settings(ctx.run))
        jail = await places.jail(ctx.run)
        cwd = await asyncio.to_thread(inside_cwd, ctx.files, jail, params.workdir)
        env = self._environment(jail, params, settings)
        script = (_PREFIX if PREPEND in env else "") + params.command
        warnings = (*spec.warnings, cwd.warning) if cwd.warning else spec.warnings

        async def start(output: BoundedText, sink: OutputSink) -> Process:
            return await backend.start(jail, script, cwd=cwd.path, env=env, output=output, sink=sink)

        ran = {"backend": backend.name, "network": "none"}
        final = replace(spec, cwd=cwd.path, warnings=warnings, ran=ran)
        return await self._runner.run(ctx.run, final, start, ctx.progress)

    def _wanted(self, ctx: ToolContext) -> SandboxBackend:
        return self._parts.places.sandbox_settings(ctx.run).backend

    def _environment(self, jail: Jail, params: ExecParams, settings: ExecSettings) -> dict[str, str]:
        """Return PATH, HOME, the jail's variables and the call's; nothing of the gateway's own (advisories I1, I10)."""
        given = dict(params.env or {})
        for name in given:
            if not ENV_NAME.fullmatch(name):
                raise InvalidInput(f"Environment variable {name[:64]!r} is not a usable name.", code="env-name")
        host_path = self._parts.environment.values.get("PATH", "")
        visible = [folder for folder in child_path(host_path) if f"{folder}/".startswith(_VISIBLE)]
        env = {"PATH": ":".join(visible) or DEFAULT_PATH, "HOME": jail.workdir, **jail.env, **given}
        prepend = child_path("", prepend=settings.path_prepend)
        if prepend:
            env[PREPEND] = ":".join(prepend)
        return {**env, MARKER[0]: MARKER[1]}


def inside_cwd(files: GuardedFiles, jail: Jail, workdir: str | None) -> InsideCwd:
    """Return the directory inside that a `workdir` means; one that does not exist is replaced by the workspace.

    Raises:
        Refused: it lies outside the sandbox, or a link leads there.
    """
    if workdir is None or not workdir.strip():
        return InsideCwd(jail.workdir)
    verdict = judge_path(workdir, Access.READ, files.roots)
    if verdict.outcome is not Outcome.ALLOW or verdict.place is None:
        raise refusal(verdict, workdir)
    place = verdict.place
    try:
        is_directory = stat.S_ISDIR(files.stat(workdir).st_mode)
    except NotFound:
        is_directory = False
    if not is_directory:
        return InsideCwd(jail.workdir, f'Warning: workdir "{place.shown}" is unavailable; using "{jail.workdir}".')
    base = jail.workdir if place.root == str(jail.mounts[0].source) else AGENT_MOUNT
    return InsideCwd(posixpath.join(base, *place.parts))
