"""`tools` as far as an agent may set them for itself, and what the global block shares with that (config.md 3.11)."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from openclaw.config.base import Block, Count, Ids, Positive, Texts, block
from openclaw.config.shapes import ToolLists

ToolProfile: TypeAlias = Literal["minimal", "coding", "messaging", "full"]


class ProviderTools(ToolLists):
    """Tools for one provider or model."""

    profile: ToolProfile | None = None
    """Set of tools to begin with."""


class Elevated(Block):
    """Running on the host in spite of a sandbox."""

    enabled: bool | None = None
    """Offer it. Default: true."""
    allow_from: Mapping[str, Ids] | None = None
    """Who may, by channel id. Default: nobody."""


class ApplyPatch(Block):
    """The tool apply_patch."""

    enabled: bool | None = None
    """Offer it. Default: false."""
    allow_models: Texts | None = None
    """Models that get it. Default: all of OpenAI."""
    workspace_only: bool | None = None
    """Keep it inside the workspace. Default: true."""


class SafeBinProfile(Block):
    """What arguments a safe program may get."""

    min_positional: Count | None = None
    """Arguments that are no options, at least."""
    max_positional: Count | None = None
    """Arguments that are no options, at most."""
    allowed_value_flags: Texts | None = None
    """Options that may take a value."""
    denied_flags: Texts | None = None
    """Options that are refused."""


class ExecSettings(Block):
    """How commands run."""

    host: Literal["sandbox", "gateway", "node"] | None = None
    """Where. Default: sandbox."""
    security: Literal["deny", "allowlist", "full"] | None = None
    """Which. Default: deny for the sandbox, allowlist for gateway and node."""
    ask: Literal["off", "on-miss", "always"] | None = None
    """When a person is asked. Default: on-miss."""
    node: str | None = None
    """Id or name of the node when the host is `node`."""
    path_prepend: Texts | None = None
    """Folders put before PATH. Default: none."""
    safe_bins: Texts | None = None
    """Programs that may run without an entry as long as they only read their input.
    Default: cut, uniq, head, tail, tr, wc."""
    safe_bin_trusted_dirs: Texts | None = None
    """Folders whose programs count as those."""
    safe_bin_profiles: Mapping[str, SafeBinProfile] | None = None
    """What arguments such programs may get, by name."""
    strict_inline_eval: bool | None = None
    """Ask for code passed to an interpreter even when the interpreter is allowed. Default: true."""
    env_allow: Texts | None = None
    """Variables that a call may set. Default: none."""
    env_inherit: Texts | None = None
    """Variables of the gateway that commands see. Default: none."""
    background_ms: Positive | None = None
    """Milliseconds before a command goes to the background. Default: 10000."""
    timeout_sec: Positive | None = None
    """Seconds before a command is ended. Default: 1800."""
    cleanup_ms: Positive | None = None
    """Milliseconds that finished commands are kept. Default: 1800000."""
    notify_on_exit: bool | None = None
    """Tell the session when a background command ends. Default: true."""
    apply_patch: ApplyPatch = block(ApplyPatch)
    """The tool apply_patch."""


class AgentExecSettings(ExecSettings):
    """How an agent's commands run."""

    approval_running_notice_ms: Count | None = None
    """Milliseconds after which a running approved command is announced; 0 switches it off. Default: 10000."""


class FileTools(Block):
    """The file tools."""

    workspace_only: bool | None = None
    """Keep them inside the workspace. Default: false."""


class SandboxTools(Block):
    """Tools inside a sandbox."""

    tools: ToolLists = block(ToolLists)
    """Which are offered. Default: files, commands and sessions; never browser, canvas, nodes, cron, gateway or
    channels."""


class AgentTools(ToolLists):
    """What an agent may use."""

    profile: ToolProfile | None = None
    """Set of tools to begin with. Default: full."""
    by_provider: Mapping[str, ProviderTools] | None = None
    """Tools by `provider` or `provider/model`."""
    elevated: Elevated = block(Elevated)
    """Running on the host in spite of a sandbox."""
    exec: AgentExecSettings = block(AgentExecSettings)
    """How commands run."""
    fs: FileTools = block(FileTools)
    """The file tools."""
    sandbox: SandboxTools = block(SandboxTools)
    """Tools inside a sandbox."""
