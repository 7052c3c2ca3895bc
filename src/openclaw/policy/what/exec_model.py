"""The words of exec decisions: what is asked, what the policy holds, and what comes out (exec.md 2.4, 2.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, Protocol

from openclaw.policy.verdict import Outcome, Reason
from openclaw.policy.what.child_environment import EnvironmentRules
from openclaw.policy.what.urls import UrlPolicy


class Security(StrEnum):
    """How much an exec host allows by itself, from nothing to everything."""

    DENY = "deny"
    ALLOWLIST = "allowlist"
    FULL = "full"

    def tighter(self, other: Security) -> Security:
        """Return the stricter of two."""
        order = list(Security)
        return order[min(order.index(self), order.index(other))]


class Ask(StrEnum):
    """When a human is asked, from never to always."""

    OFF = "off"
    ON_MISS = "on-miss"
    ALWAYS = "always"

    def tighter(self, other: Ask) -> Ask:
        """Return the stricter of two."""
        order = list(Ask)
        return order[max(order.index(self), order.index(other))]


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One entry of the exec allowlist.

    Attributes:
        pattern: absolute or `~` pattern of the program's path.
        args: the only words it covers; None covers any.
        id: the entry's id in its file, to mark it used.
        agent: the section it stands in: an agent id, or `*`.
        void: the stored `args` were unusable, so the entry matches nothing.
    """

    pattern: str
    args: tuple[str, ...] | None = None
    id: str = ""
    agent: str = "*"
    void: bool = False


@dataclass(frozen=True, slots=True)
class SafeBinProfile:
    """What a program may be given while it counts as touching its standard input only (exec.md 2.6).

    Attributes:
        min_positional, max_positional: number of operands; `-` is not counted.
        value_flags: options that take a value, with their dashes.
        flags: options without one; None lets every short option pass that is not in `denied_flags`.
        denied_flags: options that are refused whatever else says.
        optional_value_flags: long options whose value can only follow `=`.
        digits: whether `-5` is an option of its own.
    """

    min_positional: int = 0
    max_positional: int = 0
    value_flags: frozenset[str] = frozenset()
    flags: frozenset[str] | None = frozenset()
    denied_flags: frozenset[str] = frozenset()
    optional_value_flags: frozenset[str] = frozenset()
    digits: bool = False

    @classmethod
    def custom(
        cls, *, operands: tuple[int, int] = (0, 0), value_flags: Iterable[str] = (), denied_flags: Iterable[str] = ()
    ) -> SafeBinProfile:
        """Return a profile as `tools.exec.safeBinProfiles` writes it: long options must be listed, short ones not."""
        return cls(*operands, value_flags=frozenset(value_flags), flags=None, denied_flags=frozenset(denied_flags))


@dataclass(frozen=True, slots=True)
class ExecRules:
    """The effective rules for one call: config, session and host file already joined by the stricter side.

    Attributes:
        security, ask: the knobs of exec.md 2.2.
        allowlist: entries of `*` and then of the agent.
        safe_bins: names that may be safe bins.
        trusted_dirs: the only directories a safe bin may come from, checked by the caller to be root-owned.
        safe_bin_profiles: profiles of names that have none built in.
        skill_bins: bare name to the path that was registered when the operator installed the skill.
        auto_allow_skills: whether `skill_bins` count.
        strict_inline_eval: whether an allowlisted interpreter may only run script files.
    """

    security: Security = Security.DENY
    ask: Ask = Ask.ON_MISS
    allowlist: tuple[AllowEntry, ...] = ()
    safe_bins: frozenset[str] = frozenset()
    trusted_dirs: frozenset[str] = frozenset({"/bin", "/usr/bin"})
    safe_bin_profiles: Mapping[str, SafeBinProfile] = field(default_factory=dict)
    skill_bins: Mapping[str, str] = field(default_factory=dict)
    auto_allow_skills: bool = False
    strict_inline_eval: bool = True


@dataclass(frozen=True, slots=True)
class ExecSettings:
    """`tools.exec`, `tools.fs` of one agent over the global ones, defaults filled in.

    Attributes:
        rules: what a command is judged by. `security`, `ask`, the allowlist and skill programs differ by call, and the
            trusted directories are only the system's until the machine has checked `extra_trusted_dirs`.
        extra_trusted_dirs: `safeBinTrustedDirs` as configured.
        environment: which variables a child may have.
        path_prepend: directories put before PATH.
        background_ms: wait before a command goes to the background; None means the environment's or the default.
        timeout_sec: life limit of a command.
        cleanup_ms: how long finished commands are kept; None means the environment's or the default.
        running_notice_ms: when a running approved command is announced; 0 means never.
        notify_on_exit: whether the end of a background command becomes an event.
        workspace_only: whether file tools stay inside the workspace also without a sandbox.
        patch_workspace_only: whether `apply_patch` does.
    """

    rules: ExecRules = field(default_factory=ExecRules)
    extra_trusted_dirs: tuple[str, ...] = ()
    environment: EnvironmentRules = field(default_factory=EnvironmentRules)
    path_prepend: tuple[str, ...] = ()
    background_ms: int | None = None
    timeout_sec: int = 1800
    cleanup_ms: int | None = None
    running_notice_ms: int = 10_000
    notify_on_exit: bool = True
    workspace_only: bool = False
    patch_workspace_only: bool = True


@dataclass(frozen=True, slots=True)
class ExecPolicy:
    """What commands, file tools, fetches and logs may do, compiled from the config.

    Attributes:
        defaults: for agents that are not listed.
        agents: by normalised agent id.
        fetch: exceptions of `tools.web.fetch.ssrfPolicy`.
        browser: exceptions of `browser.ssrfPolicy`.
        mask_shown: whether patterns mask what is shown (`logging.redactSensitive`).
        mask_patterns: `logging.redactPatterns`.
    """

    defaults: ExecSettings = field(default_factory=ExecSettings)
    agents: Mapping[str, ExecSettings] = field(default_factory=dict)
    fetch: UrlPolicy = field(default_factory=UrlPolicy)
    browser: UrlPolicy = field(default_factory=UrlPolicy)
    mask_shown: bool = True
    mask_patterns: tuple[str, ...] = ()

    def for_agent(self, agent_id: str) -> ExecSettings:
        """Return the settings of an agent by its normalised id."""
        return self.agents.get(agent_id, self.defaults)


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """A command to judge: either a shell line or, from a node, an argv.

    Attributes:
        command: the line; ignored when `argv` is given.
        argv: the words of a single program.
        cwd: absolute working directory.
        path: directories that bare names are searched in; relative and empty ones are skipped.
    """

    command: str = ""
    argv: tuple[str, ...] | None = None
    cwd: str = "/"
    path: tuple[str, ...] = ()


class World(Protocol):
    """What the decision may see of a machine. Answers, never raises."""

    @property
    def home(self) -> str:
        """Return the home directory, absolute."""
        ...

    @property
    def platform(self) -> str:
        """Return `linux`, `darwin` or `windows`."""
        ...

    def is_executable_file(self, path: str) -> bool:
        """Tell whether an absolute path leads to a regular file that may be executed."""
        ...

    def realpath(self, path: str) -> str:
        """Return an absolute path with every link resolved."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a segment.

    Attributes:
        text: what a program would be given; of a dynamic word, the source without its quotes.
        source: as written.
        dynamic: a shell would expand it, so its value is not known here.
        tilde: it began with `~`, which `text` has expanded.
    """

    text: str
    source: str
    dynamic: bool = False
    tilde: bool = False


ChainOp = Literal["", "&&", "||", ";"]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Segments joined by pipes, and how they follow the pipeline before."""

    op: ChainOp
    members: tuple[tuple[Word, ...], ...]


@dataclass(frozen=True, slots=True)
class Persistable:
    """An entry that `allow-always` may write: this program with exactly these words."""

    pattern: str
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """One program of the line, judged.

    Attributes:
        words: its words as understood.
        satisfied: whether a rule covers it.
        why: `safe-bin`, `allowlist-match`, or the reason against it.
        path: the program's normalised path; None when it does not resolve.
        realpath: the file behind it.
        entries: allowlist entries that cover it and what it starts.
        commands: position of each command word (its own and those of unwrapped dispatchers) to absolute path.
        script: absolute path of the script file that an interpreter will run.
        persistable: what `allow-always` may store for it.
    """

    words: tuple[Word, ...]
    satisfied: bool
    why: str
    path: str | None = None
    realpath: str | None = None
    entries: tuple[AllowEntry, ...] = ()
    commands: tuple[tuple[int, str], ...] = ()
    script: str | None = None
    persistable: Persistable | None = None


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One pipeline of a plan: how it follows the step before, and the argv of each member, by absolute path."""

    op: ChainOp
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What runs instead of the text that was judged.

    Attributes:
        steps: pipelines to start without any shell; empty when a shell is needed.
        script: text for `/bin/sh -c` when an argument needs expansion; None otherwise.
        path: the PATH of the children.
        pins: absolute path of each top-level segment, in order.
    """

    steps: tuple[PlannedStep, ...]
    script: str | None
    path: tuple[str, ...]
    pins: tuple[str, ...]


KEYS: Final[Mapping[str, str]] = {
    "security-deny": "tools.exec.security",
    "security-full": "tools.exec.security",
    "ask-always": "tools.exec.ask",
    "safe-bin": "tools.exec.safeBins",
    "strict-inline-eval": "tools.exec.strictInlineEval",
}
_DETAILS: Final[Mapping[str, str]] = {
    "invalid-command": "The command is blank or holds a NUL character.",
    "security-deny": "Commands are switched off on this host (security is deny).",
    "ask-always": "A human is asked about every command (ask is always).",
    "security-full": "Every command is allowed on this host (security is full).",
    "allowlist-match": "Every program of the line is covered by the allowlist.",
    "safe-bin": "Every program of the line only reads its standard input.",
    "allowlist-miss": "A program of the line is not in the exec allowlist.",
    "unresolved": "A program of the line is not an executable file here.",
    "dispatcher": "A program of the line starts another program in a way that is not judged.",
    "strict-inline-eval": "An interpreter may only run a script file here, not code from its arguments or input.",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of `decide`.

    Attributes:
        decision: allow, ask or deny.
        why: a reason code of exec.md 2.6; `parse:<token>` when the line left the accepted grammar.
        segments: the programs of the line, judged; empty when the line was not read.
        matches: the entries to mark as used, each once.
        persistable: what `allow-always` may store; empty when it must act as allow-once.
        plan: what to run; only when an allowlist or safe bins allowed it.
    """

    decision: Outcome
    why: str
    segments: tuple[Segment, ...] = ()
    matches: tuple[AllowEntry, ...] = ()
    persistable: tuple[Persistable, ...] = ()
    plan: Plan | None = None

    @property
    def reason(self) -> Reason:
        """Return the deciding rule with the key that would change it."""
        if self.why.startswith("parse:"):
            detail = f"The line leaves the grammar that is judged here ({self.why.removeprefix('parse:')})."
            return Reason(self.why, "exec-approvals.json allowlist", detail)
        return Reason(self.why, KEYS.get(self.why, "exec-approvals.json allowlist"), _DETAILS.get(self.why, ""))
