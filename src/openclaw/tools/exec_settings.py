"""What the exec and process tools need to know of the config and the machine, beside the decisions of the kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from openclaw.config.sections.agent_tools import ExecSettings as ExecBlock
from openclaw.policy.what.child_environment import EnvironmentRules
from openclaw.policy.what.elevated import ElevatedPolicy
from openclaw.policy.what.exec_model import ExecRules, SafeBinProfile
from openclaw.policy.what.safe_bins import DEFAULT_SAFE_BINS
from openclaw.policy.where.exec_host import ExecDefaults
from openclaw.state.exec_approvals import ExecApprovalsFile
from openclaw.state.ledger_port import LedgerPort
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import Unavailable
from openclaw.system.executables import trusted_directories, user_shell
from openclaw.system.processes import Launch, run_process
from openclaw.tools.approvals import Approvals
from openclaw.tools.places import Places
from openclaw.tools.processes import ProcessRegistry
from openclaw.tools.sandbox.select import Sandboxes

DEFAULT_YIELD_MS: Final = 10_000
MIN_YIELD_MS: Final = 10
MAX_YIELD_MS: Final = 120_000
DEFAULT_TIMEOUT_SEC: Final = 1800
DEFAULT_NOTICE_MS: Final = 10_000
LOGIN_PATH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class ExecSettings:
    """`tools.exec` of one agent, defaults filled in.

    Attributes:
        rules: what commands are judged by; `security`, `ask` and the allowlist are filled in for each call.
        environment: which variables a child may have.
        path_prepend: folders put before PATH.
        background_ms: wait before a command goes to the background; None means the environment's or the default.
        timeout_sec: life limit of a command.
        notice_ms: when a running approved command is announced; 0 means never.
        cleanup_ms: how long finished commands are kept; None means the environment's or the default.
        notify_on_exit: whether the end of a background command becomes an event.
    """

    rules: ExecRules = field(default_factory=ExecRules)
    environment: EnvironmentRules = field(default_factory=EnvironmentRules)
    path_prepend: tuple[str, ...] = ()
    background_ms: int | None = None
    timeout_sec: float = DEFAULT_TIMEOUT_SEC
    notice_ms: int = DEFAULT_NOTICE_MS
    cleanup_ms: int | None = None
    notify_on_exit: bool = True


def exec_settings(
    overall: ExecBlock,
    own: ExecBlock | None,
    *,
    notice_ms: int | None = None,
    skill_bins: Mapping[str, str] | None = None,
) -> ExecSettings:
    """Return the settings of an agent: its own value where it has one, else the global one, else the default.

    Args:
        overall: `tools.exec`.
        own: `agents.list[].tools.exec`.
        notice_ms: the agent's `approvalRunningNoticeMs`.
        skill_bins: programs that installed skills registered, by bare name.
    """

    def chosen(name: str) -> object:
        mine = getattr(own, name) if own is not None else None
        return mine if mine is not None else getattr(overall, name)

    blocks = [block for block in (own, overall) if block is not None]
    safe_bins = next((block.safe_bins for block in blocks if block.safe_bins is not None), None)
    trusted, _ = trusted_directories(_texts(chosen("safe_bin_trusted_dirs")))
    profiles = next((block.safe_bin_profiles for block in blocks if block.safe_bin_profiles is not None), {})
    return ExecSettings(
        rules=ExecRules(
            safe_bins=DEFAULT_SAFE_BINS if safe_bins is None else frozenset(safe_bins),
            trusted_dirs=trusted,
            safe_bin_profiles={
                name: SafeBinProfile(
                    min_positional=profile.min_positional or 0,
                    max_positional=profile.max_positional or 0,
                    value_flags=frozenset(profile.allowed_value_flags or ()),
                    flags=None,
                    denied_flags=frozenset(profile.denied_flags or ()),
                )
                for name, profile in profiles.items()
            },
            skill_bins=skill_bins or {},
            strict_inline_eval=chosen("strict_inline_eval") is not False,
        ),
        environment=EnvironmentRules.of(_texts(chosen("env_allow")), _texts(chosen("env_inherit"))),
        path_prepend=_texts(chosen("path_prepend")),
        background_ms=_number(chosen("background_ms")),
        timeout_sec=_number(chosen("timeout_sec")) or DEFAULT_TIMEOUT_SEC,
        notice_ms=DEFAULT_NOTICE_MS if notice_ms is None else notice_ms,
        cleanup_ms=_number(chosen("cleanup_ms")),
        notify_on_exit=chosen("notify_on_exit") is not False,
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, tuple | list) else ()


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


@dataclass(frozen=True, slots=True)
class ExecPolicyView:
    """What decides about an exec call, as of now: the parts of the policy snapshot that concern it.

    Attributes:
        configured: place and strictness of the agent (`RoutingPolicy.exec_for`).
        elevated: the gates of elevated exec (`ToolsPolicy.elevated`).
        settings: the agent's `tools.exec`.
    """

    configured: ExecDefaults
    elevated: ElevatedPolicy
    settings: ExecSettings


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
