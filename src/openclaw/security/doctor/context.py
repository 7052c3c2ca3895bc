"""The facts that doctor's checks look at. Nothing here reads anything, and nothing holds a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from openclaw.config.load import Loaded
from openclaw.config.plain import Plain
from openclaw.policy.snapshot import Policy
from openclaw.security.service.model import OtherService, ServiceManager, ServiceState
from openclaw.security.state_tree import Tree
from openclaw.state.gateway_lock import GatewayOwner
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.tools.sandbox.select import BackendReport

DiskState = Literal["encrypted", "plain", "unknown"]


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What was asked for.

    Attributes:
        deep: look for further gateways on this machine too.
        force: replace service definitions that were edited by hand.
        generate_token: make a new gateway token, whether there is one or not.
        suggest: give tips for the workspace.
        quick: ask the gateway for a short time only.
        shell: name of the login shell's program, for completion.
    """

    deep: bool = False
    force: bool = False
    generate_token: bool = False
    suggest: bool = True
    quick: bool = False
    shell: str = ""


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """One stored model credential, without the credential.

    Attributes:
        id, provider, type: as stored.
        usable: it is whole and of a known type.
        expires_ms: when it ends; None means never.
        blocked_until_ms: until when it rests.
        disabled_reason: why it rests longer.
    """

    id: str
    provider: str
    type: str
    usable: bool
    expires_ms: int | None = None
    blocked_until_ms: int | None = None
    disabled_reason: str | None = None


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session of a store.

    Attributes:
        key: its key.
        session_id: its id; empty when the entry has none.
        transcript: the transcript is there.
        lines: lines of the transcript, counted up to two; None when it is not there.
    """

    key: str
    session_id: str
    transcript: bool
    lines: int | None = None


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """One agent on the disk.

    Attributes:
        id: its id.
        is_default: it takes what no binding claims.
        workspace: its workspace, which `workspace_exists`, may be a git repository, hold a memory file, and still hold
            the first-run file.
        agent_dir: folder of its credentials.
        store: its `sessions.json`.
        profiles: stored credentials.
        profiles_fault: why they cannot be read.
        sessions: the most recent sessions, newest first.
        main: its main session, when the store has it.
        sessions_fault: why the store cannot be read.
        skills: skills in the workspace.
    """

    id: str
    is_default: bool
    workspace: Path
    agent_dir: Path
    store: Path
    workspace_exists: bool = False
    workspace_git: bool = False
    workspace_memory: bool = False
    workspace_first_run: bool = False
    profiles: tuple[ProfileFacts, ...] = ()
    profiles_fault: str | None = None
    sessions: tuple[SessionFacts, ...] = ()
    main: SessionFacts | None = None
    sessions_fault: str | None = None
    skills: int = 0


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What is known of the machine.

    Attributes:
        uid: effective user id.
        user: its name.
        login_users: people who can log in here.
        disk: whether the disk under the state is encrypted, as far as that can be told.
        read_only: the disk under the state cannot be written.
        has_git: git is installed.
        completion: completion of the shell is set up; None for an unknown shell.
    """

    uid: int
    user: str
    login_users: tuple[str, ...] = ()
    disk: DiskState = "unknown"
    read_only: bool = False
    has_git: bool = False
    completion: bool | None = None


@dataclass(frozen=True, slots=True)
class LegacyFacts:
    """What older releases left behind.

    Attributes:
        state_dirs: directories under older names that are real directories, not links.
        config_file: config under an older name in the state directory.
        other_homes: state directories of other users of this machine.
        oauth: providers of `credentials/oauth.json` that no agent has a profile of.
        oauth_fault: why that file cannot be read.
        whatsapp: loose WhatsApp files in `credentials`.
    """

    state_dirs: tuple[Path, ...] = ()
    config_file: Path | None = None
    other_homes: tuple[Path, ...] = ()
    oauth: tuple[str, ...] = ()
    oauth_fault: str | None = None
    whatsapp: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """The gateway process.

    Attributes:
        owner: who holds the state directory.
        port: port that the config means.
        listener: who listens there, for people; None when nobody does.
        listener_pid: its process id, where that can be told.
        answers: it answered; None when it was not asked.
        error: why it did not.
        channels: (channel, account, last error) of those in trouble.
    """

    owner: GatewayOwner | None = None
    port: int = 18789
    listener: str | None = None
    listener_pid: int | None = None
    answers: bool | None = None
    error: str | None = None
    channels: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """The service.

    Attributes:
        manager: the service manager; None where this build has none, then `fault` says why.
        state: what it says.
        lingers: services run without a login; None when that cannot be told.
        others: further gateways that would be started.
    """

    manager: ServiceManager | None = None
    state: ServiceState | None = None
    lingers: bool | None = None
    others: tuple[OtherService, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """An installed plugin: its folder and what is wrong with its manifest."""

    folder: str
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorContext:
    """All that the checks see.

    Attributes:
        options: what was asked for.
        layout: the state directory and the config file.
        environment: the process environment.
        now_ms: epoch milliseconds.
        loaded: the config, or its faults.
        plain: the config before the schema, or its faults.
        policy: the compiled config; None when it is invalid.
        state: what is in the state directory.
        config_files: mode and owner of the config file, its backups and includes, by path.
        faulty: (path, what is wrong) of stores that are no JSON.
        approved: how many people are approved, by (channel, account).
        agents: the agents on the disk.
    """

    options: DoctorOptions = field(default_factory=DoctorOptions)
    layout: StateLayout
    environment: Environment
    now_ms: int
    loaded: Loaded
    plain: Plain
    policy: Policy | None
    state: Tree
    config_files: Mapping[Path, tuple[int, int]] = field(default_factory=dict)
    faulty: tuple[tuple[str, str], ...] = ()
    approved: Mapping[tuple[str, str], int] = field(default_factory=dict)
    agents: tuple[AgentFacts, ...] = ()
    machine: MachineFacts = field(default_factory=lambda: MachineFacts(uid=0, user=""))
    legacy: LegacyFacts = field(default_factory=LegacyFacts)
    gateway: GatewayFacts = field(default_factory=GatewayFacts)
    service: ServiceFacts = field(default_factory=ServiceFacts)
    sandbox: tuple[BackendReport, ...] = ()
    plugins: tuple[PluginFacts, ...] = ()

    @property
    def document(self) -> Mapping[str, Any]:
        """Return the effective values of a valid config; empty otherwise."""
        return self.loaded.config.document if self.loaded.config is not None else {}

    @property
    def is_foreign(self) -> bool:
        """Tell whether the state directory belongs to somebody else, so that nothing in it may be touched."""
        return self.state.top is not None and self.state.top.uid != self.machine.uid

    @property
    def is_managed(self) -> bool:
        """Tell whether the config and its place are somebody else's business, so that nothing of them is repaired."""
        return self.environment.truthy("OPENCLAW_NIX_MODE")

    @property
    def command(self) -> str:
        """Return how this program is called again with the same profile, for hints."""
        profile = self.environment.get("OPENCLAW_PROFILE")
        return f"openclaw --profile {profile}" if profile and profile != "default" else "openclaw"

    def shown(self, path: Path | str) -> str:
        """Return a path as people are shown it, with `~` for the home directory."""
        text, home = str(path), str(self.environment.home).rstrip("/")
        return f"~{text[len(home) :]}" if home and (text == home or text.startswith(f"{home}/")) else text
