"""`agents.*.sandbox`: where an agent's commands run and what they reach (config.md 3.8, 3.17)."""

from collections.abc import Mapping
from typing import Literal

from openclaw.config.base import Block, Count, NumberOrText, Positive, PositiveNumber, Secrets, Texts, block


class Ulimit(Block):
    """A resource limit in two steps."""

    soft: Count | None = None
    """Limit that a process may raise itself."""
    hard: Count | None = None
    """Limit that it may not pass."""


class SandboxDocker(Block):
    """The container."""

    image: str | None = None
    """Image. Default: openclaw-sandbox:bookworm-slim."""
    container_prefix: str | None = None
    """Beginning of container names. Default: openclaw-sbx-."""
    workdir: str | None = None
    """Working directory inside. Default: /workspace."""
    read_only_root: bool | None = None
    """Mount the image read-only. Default: true."""
    tmpfs: Texts | None = None
    """Folders in memory. Default: /tmp, /var/tmp, /run."""
    network: str | None = None
    """Network. Default: none."""
    user: str | None = None
    """User inside as uid:gid. Default: the image's or the workspace's owner."""
    cap_drop: Texts | None = None
    """Capabilities taken away. Default: ALL."""
    env: Secrets | None = None
    """Variables inside; the agent's are laid over the general ones. Default: LANG=C.UTF-8."""
    setup_command: str | None = None
    """Shell line run once after the container was made."""
    pids_limit: Positive | None = None
    """Processes at most."""
    memory: NumberOrText | None = None
    """Memory at most, in bytes or with a unit."""
    memory_swap: NumberOrText | None = None
    """Memory and swap at most."""
    cpus: PositiveNumber | None = None
    """Processor share."""
    ulimits: Mapping[str, NumberOrText | Ulimit] | None = None
    """Resource limits by name."""
    seccomp_profile: str | None = None
    """Seccomp profile file."""
    apparmor_profile: str | None = None
    """AppArmor profile name."""
    dns: Texts | None = None
    """Name servers."""
    extra_hosts: Texts | None = None
    """Further host entries as host:ip."""
    binds: Texts | None = None
    """Mounts as host:container[:mode]; the general and the agent's are joined."""
    dangerously_allow_container_namespace_join: bool | None = None
    """Let it share another container's namespaces. Default: false."""
    dangerously_allow_external_bind_sources: bool | None = None
    """Let mounts come from outside the workspace. Default: false."""
    dangerously_allow_reserved_container_targets: bool | None = None
    """Let mounts cover the sandbox's own folders. Default: false."""


class SandboxBrowser(Block):
    """A browser in a container of its own."""

    enabled: bool | None = None
    """Offer it. Default: false."""
    image: str | None = None
    """Image. Default: openclaw-sandbox-browser:bookworm-slim."""
    container_prefix: str | None = None
    """Beginning of container names. Default: openclaw-sbx-browser-."""
    network: str | None = None
    """Network. Default: a network of its own."""
    cdp_port: Positive | None = None
    """Debugging port inside. Default: 9222."""
    vnc_port: Positive | None = None
    """VNC port inside. Default: 5900."""
    no_vnc_port: Positive | None = None
    """noVNC port inside. Default: 6080."""
    headless: bool | None = None
    """Run without a screen. Default: false."""
    enable_no_vnc: bool | None = None
    """Offer a view in the browser. Default: true."""
    allow_host_control: bool | None = None
    """Let sandboxed sessions use the host's browser. Default: false."""
    auto_start: bool | None = None
    """Start it when it is needed. Default: true."""
    auto_start_timeout_ms: Positive | None = None
    """Time for that in milliseconds. Default: 12000."""


class SandboxPrune(Block):
    """Removal of unused sandboxes."""

    idle_hours: Count | None = None
    """Hours without use; 0 switches it off. Default: 24."""
    max_age_days: Count | None = None
    """Age in days; 0 switches it off. Default: 7."""


class Sandbox(Block):
    """Where an agent's commands run and what they reach."""

    mode: Literal["off", "non-main", "all"] | None = None
    """Which sessions are sandboxed. Default: off."""
    backend: Literal["auto", "docker", "bwrap", "seatbelt"] | None = None
    """What makes the sandbox. Default: auto, the best that is there."""
    scope: Literal["session", "agent", "shared"] | None = None
    """Who shares a sandbox. Default: agent."""
    per_session: bool | None = None
    """Older form of scope: true is session, false is shared; used when scope is unset."""
    workspace_access: Literal["none", "ro", "rw"] | None = None
    """The agent's workspace inside: absent, read-only, or writable. Default: none."""
    workspace_root: str | None = None
    """Folder of the sandboxes' own workspaces. Default: <state>/sandboxes."""
    session_tools_visibility: Literal["spawned", "all"] | None = None
    """Sessions that sandboxed session tools see. Default: spawned."""
    docker: SandboxDocker = block(SandboxDocker)
    """The container. An agent's own block is ignored when the scope is shared."""
    browser: SandboxBrowser = block(SandboxBrowser)
    """A browser in a container. An agent's own block is ignored when the scope is shared."""
    prune: SandboxPrune = block(SandboxPrune)
    """Removal of unused sandboxes. An agent's own block is ignored when the scope is shared."""
