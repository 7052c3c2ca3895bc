"""Where the tools of a run work: sandbox or host, which files, which jail. One object answers for all tools (J11)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.policy.verdict import Verdict
from openclaw.policy.what.paths import FileRoots, StateParts
from openclaw.policy.where.key_builders import main_session_key
from openclaw.policy.where.key_ids import GLOBAL_KEY
from openclaw.policy.where.sandbox_mode import Placement, SandboxPolicy, SandboxSettings, sandbox_status
from openclaw.policy.where.session_keys import canonical_key
from openclaw.state.layout import StateLayout
from openclaw.system.file_walk import Walker
from openclaw.system.files import GuardedFiles
from openclaw.tools.contract import RunContext
from openclaw.tools.sandbox.backend import Jail
from openclaw.tools.sandbox.binds import BindBounds
from openclaw.tools.sandbox.settings import JailSettings
from openclaw.tools.sandbox.workspace import (
    Workspace,
    file_roots,
    jail_for,
    prepare,
    stage_media,
    workspace_for,
)


@dataclass(frozen=True, slots=True)
class FileBounds:
    """What bounds the file tools of one agent beside its sandbox.

    Attributes:
        state: the protected state directory and the workspaces in it.
        workspace_only: `tools.fs.workspaceOnly` of the agent.
        workspaces: absolute workspaces of all agents; extra sandbox mounts may come from them.
    """

    state: StateParts
    workspace_only: bool = False
    workspaces: tuple[str, ...] = ()


class Places:
    """Answers where a run works, from the policy of the moment.

    Args:
        sandbox: the current sandbox policy.
        jails: the current contents of an agent's jail.
        bounds: the current file bounds of an agent.
        layout: where the state lies.
        home: the user's home directory.
        uid: effective user id of the gateway.
    """

    def __init__(
        self,
        *,
        sandbox: Callable[[], SandboxPolicy],
        jails: Callable[[str], JailSettings],
        bounds: Callable[[str], FileBounds],
        layout: StateLayout,
        home: Path,
        uid: int,
    ) -> None:
        self._sandbox = sandbox
        self._jails = jails
        self._bounds = bounds
        self._layout = layout
        self._uid = uid
        self._walker = Walker()
        self.home: Final = home

    def placement(self, run: RunContext) -> Verdict[Placement]:
        """Return whether the run is sandboxed, and by which rule."""
        return sandbox_status(self._sandbox(), run.agent_id, run.session_key, parent_sandboxed=run.parent_sandboxed)

    def is_sandboxed(self, run: RunContext) -> bool:
        """Return whether the run is sandboxed."""
        return self.placement(run).outcome is Placement.SANDBOX

    def is_main(self, run: RunContext) -> bool:
        """Return whether the run belongs to its agent's main session."""
        policy = self._sandbox()
        key = canonical_key(
            run.session_key, agent_id=run.agent_id, main_key=policy.main_key, global_scope=policy.global_scope
        )
        return key == (GLOBAL_KEY if policy.global_scope else main_session_key(run.agent_id, policy.main_key))

    def workspace(self, run: RunContext) -> Workspace:
        """Return the sandbox workspace that a sandboxed run has; nothing is made."""
        return workspace_for(
            self._sandbox().settings(run.agent_id),
            self._jails(run.agent_id),
            agent_id=run.agent_id,
            session_key=run.session_key,
            agent_workspace=run.workspace,
            sandboxes=self._layout.sandboxes,
            home=self.home,
        )

    async def files(self, run: RunContext) -> GuardedFiles:
        """Return the files that the run's tools may touch; the sandbox workspace is made when it is missing.

        Raises:
            Unavailable: it cannot be made.
        """
        bounds = self._bounds(run.agent_id)
        if self.is_sandboxed(run):
            workspace = self.workspace(run)
            await asyncio.to_thread(prepare, workspace, uid=self._uid)
            roots = file_roots(workspace, home=self.home, state=bounds.state)
        else:
            roots = FileRoots(
                cwd=str(run.workspace), home=str(self.home), bounded=bounds.workspace_only, state=bounds.state
            )
        return GuardedFiles(roots, walker=self._walker)

    async def jail(self, run: RunContext) -> Jail:
        """Return the jail of a sandboxed run, its workspace made.

        Raises:
            ConfigInvalid: the config asks for a mount or folder that is refused.
            Unavailable: the workspace cannot be made.
        """
        workspace, settings, bounds = self.workspace(run), self._jails(run.agent_id), self._bounds(run.agent_id)
        await asyncio.to_thread(prepare, workspace, uid=self._uid)
        return await asyncio.to_thread(jail_for, workspace, settings, self._bind_bounds(settings, bounds))

    def sandbox_settings(self, run: RunContext) -> SandboxSettings:
        """Return the sandbox settings of the run's agent."""
        return self._sandbox().settings(run.agent_id)

    def jail_settings(self, run: RunContext) -> JailSettings:
        """Return what the run's jail holds."""
        return self._jails(run.agent_id)

    async def stage_media(self, run: RunContext, sources: tuple[str, ...]) -> dict[str, str]:
        """Copy inbound media into a sandboxed run's workspace; return source to path inside (exec.md 4.3)."""
        workspace = self.workspace(run)
        await asyncio.to_thread(prepare, workspace, uid=self._uid)
        return await asyncio.to_thread(
            stage_media,
            sources,
            media=self._layout.media,
            active=workspace.active,
            state=self._bounds(run.agent_id).state,
            home=self.home,
        )

    def _bind_bounds(self, settings: JailSettings, bounds: FileBounds) -> BindBounds:
        return BindBounds(
            home=str(self.home),
            state=str(self._layout.root),
            roots=(*bounds.workspaces, str(self._layout.sandboxes)),
            workdir=settings.workdir,
            allow_external=settings.allow_external_binds,
            allow_reserved=settings.allow_reserved_targets,
        )
