"""What the exec and process tools need to know of the config and the machine, beside the decisions of the kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from openclaw.policy.snapshot import Policy
from openclaw.policy.what.elevated import ElevatedPolicy
from openclaw.policy.what.exec_model import ExecSettings
from openclaw.policy.where.exec_host import ExecDefaults
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.state.exec_approvals import ExecApprovalsFile
from openclaw.state.ledger_port import LedgerPort
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import Unavailable
from openclaw.system.executables import user_shell
from openclaw.system.processes import Launch, run_process
from openclaw.tools.approvals import Approvals
from openclaw.tools.places import Places
from openclaw.tools.processes import ProcessRegistry
from openclaw.tools.sandbox.select import Sandboxes

DEFAULT_YIELD_MS: Final = 10_000
MIN_YIELD_MS: Final = 10
MAX_YIELD_MS: Final = 120_000
LOGIN_PATH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ExecPolicyView:
    """What decides about an exec call, as of now: the parts of the policy snapshot that concern it.

    Attributes:
        configured: place and strictness of the agent (`RoutingPolicy.exec_for`).
        elevated: the gates of elevated exec (`ToolsPolicy.elevated`).
        settings: the agent's `tools.exec` (`ExecPolicy.for_agent`).
        skill_bins: programs that installed skills registered, by bare name.
    """

    configured: ExecDefaults
    elevated: ElevatedPolicy
    settings: ExecSettings
    skill_bins: Mapping[str, str] = field(default_factory=dict)


def exec_view(policy: Policy, agent_id: str) -> ExecPolicyView:
    """Return the parts of a policy that concern an agent's commands."""
    return ExecPolicyView(
        configured=policy.routing.exec_for(agent_id),
        elevated=policy.tools.elevated,
        settings=policy.exec.for_agent(normalise_agent_id(agent_id)),
    )


@dataclass(frozen=True, slots=True)
class ExecParts:
    """What the exec tools work with; built once by the composition root.

    Attributes:
        policy: what decides about an agent's calls, as of now.
        places: where runs work.
        sandboxes: the sandbox back ends.
        registry: the processes.
        approvals: requests that wait for a person.
        approvals_file: the host's approvals file.
        environment: the gateway's own environment.
        clock: time.
        ledger: the ledger.
        redact: masks secrets in texts that are logged or stored.
        login_path: PATH of the login shell; empty when that is off.
        shell: the shell for approved lines.
    """

    policy: Callable[[str], ExecPolicyView]
    places: Places
    sandboxes: Sandboxes
    registry: ProcessRegistry
    approvals: Approvals
    approvals_file: ExecApprovalsFile
    environment: Environment
    clock: Clock
    ledger: LedgerPort
    redact: Callable[[str], str]
    login_path: LoginPath
    shell: Callable[[], str] = user_shell

    def yield_ms(self, settings: ExecSettings, asked: float | None) -> int:
        """Return how long a call waits before its command goes to the background, in milliseconds."""
        configured = settings.background_ms or self.environment.integer("PI_BASH_YIELD_MS") or DEFAULT_YIELD_MS
        wanted = configured if asked is None else asked
        return round(max(MIN_YIELD_MS, min(wanted, MAX_YIELD_MS)))

    def keep_ms(self, settings: ExecSettings) -> int | None:
        """Return how long a finished command is kept, before clamping."""
        return settings.cleanup_ms or self.environment.integer("PI_BASH_JOB_TTL_MS")


class LoginPath:
    """PATH as the user's login shell sets it: asked once, when `env.shellEnv.enabled`, within five seconds.

    Args:
        enabled: whether it is asked at all.
        home: home directory of the shell.
        shell: which shell; never the `SHELL` variable's (advisories I6).
    """

    def __init__(self, *, enabled: bool, home: Path, shell: Callable[[], str] = user_shell) -> None:
        self._enabled = enabled
        self._home = home
        self._shell = shell
        self._found: str | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """Return the PATH, or nothing when it is off or the shell does not answer."""
        if not self._enabled:
            return ""
        async with self._lock:
            if self._found is None:
                self._found = await self._ask()
        return self._found

    async def _ask(self) -> str:
        env = {"HOME": str(self._home), "PATH": "/usr/local/bin:/usr/bin:/bin", "TERM": "dumb"}
        launch = Launch.of([self._shell(), "-l", "-c", 'printf "\\n%s" "$PATH"'], env=env, cwd="/")
        try:
            done = await run_process(launch, timeout_seconds=LOGIN_PATH_SECONDS, limit=65_536)
        except Unavailable:
            return ""
        return done.stdout.rsplit("\n", 1)[-1] if done.exit.ok and not done.timed_out else ""
