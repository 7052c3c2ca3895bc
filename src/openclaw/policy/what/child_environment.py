"""What a child process on a host may find in its environment: built from scratch, by lists of what is allowed.

The names in a child are a subset of the base, the accepted overrides and the variables of the run's skills
(exec.md 1.4, advisories I2, I3, I10, O9).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from openclaw.policy.verdict import Outcome, Reason

ALLOW_KEY: Final = "tools.exec.envAllow"
INHERIT_KEY: Final = "tools.exec.envInherit"
MARKER: Final = ("OPENCLAW_SHELL", "exec")
"""Set in every child, so that scripts can tell."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET_NAME: Final = re.compile(r"[A-Z0-9_]*(KEY|TOKEN|SECRET|PASSWORD|PASSWD)")
_BASE_NAMES: Final = frozenset({"HOME", "USER", "LOGNAME", "LANG", "TZ", "TERM", "TMPDIR"})
_OPEN_NAMES: Final = frozenset({"LANG", "TZ", "TERM"})
_OWN_PREFIXES: Final = ("OPENCLAW_", "CLAWDBOT_", "MOLTBOT_", "MOLDBOT_")
_PAGERS: Final = frozenset({"PAGER", "GIT_PAGER"})

_FORBIDDEN_PREFIXES: Final = ("LD_", "DYLD_", "BASH_FUNC_", "LUA_INIT")
FORBIDDEN: Final = frozenset(
    {
        *(
            "NODE_OPTIONS",
            "NODE_PATH",
            "PYTHONPATH",
            "PYTHONHOME",
            "RUBYLIB",
            "PERL5LIB",
            "BASH_ENV",
            "ENV",
            "GCONV_PATH",
        ),
        *("IFS", "SSLKEYLOGFILE", "BASHOPTS", "SHELLOPTS", "PS4", "KSH_ENV", "SHELL", "FPATH", "GLIBC_TUNABLES"),
        *(
            "PERL5OPT",
            "RUBYOPT",
            "RUBYSHELL",
            "PYTHONBREAKPOINT",
            "NODE_REDIRECT_WARNINGS",
            "NODE_REPL_EXTERNAL_MODULE",
        ),
        *("NODE_V8_COVERAGE", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "MAVEN_OPTS"),
        *(
            "GRADLE_OPTS",
            "DOTNET_STARTUP_HOOKS",
            "DOTNET_ADDITIONAL_DEPS",
            "CORECLR_PROFILER",
            "BROWSER",
            "HOSTALIASES",
        ),
        *("SUDO_ASKPASS", "MAKE", "MAKEFLAGS", "MFLAGS", "CC", "CXX", "CPP", "RUSTC", "RUSTC_WRAPPER"),
        *("CMAKE_C_COMPILER", "CMAKE_CXX_COMPILER", "CMAKE_TOOLCHAIN_FILE", "CONFIG_SHELL", "CONFIG_SITE", "VIMINIT"),
        *("EXINIT", "EMACSLOADPATH", "HGRCPATH", "R_PROFILE", "R_ENVIRON", "ERL_FLAGS", "TCLLIBPATH"),
        *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_EXEC_PATH", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"),
        *("GIT_TEMPLATE_DIR", "GIT_EXTERNAL_DIFF", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR", "GIT_SSL_NO_VERIFY"),
        *("GIT_ALLOW_PROTOCOL",),
    }
)
"""Names that change what a program loads or runs; refused from every source."""

_OVERRIDE_PREFIXES: Final = ("GIT_CONFIG_", "NPM_CONFIG_", "CARGO_REGISTRIES_", "TF_VAR_", "AWS_")
OVERRIDE_ONLY: Final = frozenset(
    {
        *("HOME", "ZDOTDIR", "PROMPT_COMMAND", "HISTFILE", "PAGER", "MANPAGER", "GIT_PAGER", "EDITOR", "VISUAL"),
        *("SUDO_EDITOR", "LESSOPEN", "LESSCLOSE", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_PROXY_COMMAND", "GIT_ASKPASS"),
        *("SSH_ASKPASS", "SSH_AUTH_SOCK", "PERL5DB", "OPENSSL_CONF", "OPENSSL_ENGINES", "PYTHONSTARTUP"),
        *("PYTHONUSERBASE", "VIRTUAL_ENV", "WGETRC", "CURL_HOME", "CLASSPATH", "CFLAGS", "LDFLAGS", "GOFLAGS", "PHPRC"),
        *("GEM_HOME", "GEM_PATH", "BUNDLE_GEMFILE", "KUBECONFIG", "DOCKER_HOST", "DOCKER_CONTEXT", "HTTP_PROXY"),
        *("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
        *("CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "NODE_TLS_REJECT_UNAUTHORIZED", "PIP_INDEX_URL"),
        *("PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "UV_INDEX_URL", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
        *("XDG_RUNTIME_DIR", "GH_TOKEN", "GITHUB_TOKEN", "NPM_TOKEN", "DATABASE_URL", "GOOGLE_APPLICATION_CREDENTIALS"),
    }
)
"""Names that a call may not set, although a child may inherit them."""


@dataclass(frozen=True, slots=True)
class EnvironmentRules:
    """The two lists of the config, with what they may not name taken out.

    Attributes:
        allow: names that a call may set, beside the open ones.
        inherit: names that a child takes from the gateway.
        findings: entries that count for nothing, and secrets that are handed on; for load warnings and the audit.
    """

    allow: frozenset[str] = frozenset()
    inherit: frozenset[str] = frozenset()
    findings: tuple[Reason, ...] = ()

    @classmethod
    def of(cls, allow: Iterable[str] = (), inherit: Iterable[str] = ()) -> EnvironmentRules:
        """Return the rules for `tools.exec.envAllow` and `tools.exec.envInherit`."""
        findings: list[Reason] = []
        allowed = {name for name in allow if _keep(_fault_of_allow(name), ALLOW_KEY, findings)}
        inherited = {name for name in inherit if _keep(_fault_of_inherit(name), INHERIT_KEY, findings)}
        findings += [
            Reason("env.secret-inherited", INHERIT_KEY, f"{name} is named like a secret and reaches every child.")
            for name in sorted(inherited)
            if is_secret_name(name)
        ]
        return cls(frozenset(allowed), frozenset(inherited), tuple(findings))


@dataclass(frozen=True, slots=True)
class OverrideVerdict:
    """Whether the `env` parameter of a call is accepted as a whole, and what it then sets."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    accepted: Mapping[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """Return the text of the refusal; empty when accepted."""
        return "" if self.outcome is Outcome.ALLOW else self.reasons[-1].detail


def refusal_of(name: str) -> Reason | None:
    """Return why no source at all may set a variable: it steers loaders or shells, or belongs to openclaw."""
    upper = name.upper()
    if _NAME.fullmatch(name) is None:
        return Reason("env.malformed", None, f"Environment variable {name[:64]!r} is not a usable name.")
    if upper == "PATH":
        detail = "Security Violation: Custom 'PATH' variable is forbidden during host execution."
        return Reason("env.path", "tools.exec.pathPrepend", detail)
    if upper in FORBIDDEN or upper.startswith((*_FORBIDDEN_PREFIXES, *_OWN_PREFIXES)):
        return _forbidden(name)
    return None


def judge_overrides(overrides: Mapping[str, str], rules: EnvironmentRules) -> OverrideVerdict:
    """Judge the `env` parameter of a call on a host; one refused name refuses the call.

    Args:
        overrides: as the call gave it.
        rules: the lists of the config.
    """
    accepted: dict[str, str] = {}
    for name, value in overrides.items():
        if name in _PAGERS and value in {"", "cat"}:
            accepted[name] = ""
            continue
        fault = _fault_of_override(name, value, rules)
        if fault is not None:
            return OverrideVerdict(Outcome.DENY, (fault,))
        accepted[name] = value
    return OverrideVerdict(Outcome.ALLOW, (Reason("env.accepted", ALLOW_KEY),), accepted)


def build_environment(
    host: Mapping[str, str],
    rules: EnvironmentRules,
    *,
    path: Sequence[str],
    shell: str,
    skills: Mapping[str, str] | None = None,
    accepted: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the whole environment of a child on a host.

    Args:
        host: the gateway's own environment, of which only listed names pass.
        rules: the lists of the config.
        path: directories of PATH, from `child_path`.
        shell: the shell of exec.md 1.3.
        skills: variables of the skills of this run.
        accepted: overrides that `judge_overrides` accepted.
    """
    passed = {
        name: value
        for name, value in host.items()
        if (name in _BASE_NAMES or name.startswith("LC_") or name in rules.inherit) and refusal_of(name) is None
    }
    ours = {name: value for name, value in (skills or {}).items() if refusal_of(name) is None}
    return {**passed, **ours, **(accepted or {}), "PATH": ":".join(path), "SHELL": shell, MARKER[0]: MARKER[1]}


def child_path(host_path: str, *, prepend: Sequence[str] = (), login_path: str = "") -> tuple[str, ...]:
    """Return the directories of a child's PATH: `pathPrepend`, the login shell's, then the gateway's own.

    Relative and empty entries are dropped, and of equal ones the first stays.
    """
    entries = (*prepend, *login_path.split(":"), *host_path.split(":"))
    return tuple(dict.fromkeys(entry for entry in entries if entry.startswith("/")))


def is_secret_name(name: str) -> bool:
    """Tell whether a variable is named like those whose values the logs mask (config.md 6.5, pattern 1)."""
    return _SECRET_NAME.fullmatch(name.upper()) is not None


def _fault_of_override(name: str, value: str, rules: EnvironmentRules) -> Reason | None:
    upper = name.upper()
    fault = refusal_of(name)
    if fault is not None and fault.rule != "env.malformed":
        return fault
    if upper in OVERRIDE_ONLY or upper.startswith(_OVERRIDE_PREFIXES) or is_secret_name(name):
        return _forbidden(name)
    listed = name in _OPEN_NAMES or name.startswith("LC_") or name in rules.allow
    if fault is not None or not listed:
        shown = name if _NAME.fullmatch(name) else repr(name[:64])[1:-1]
        return Reason("env.unlisted", ALLOW_KEY, f"Environment variable '{shown}' is not in {ALLOW_KEY}.")
    if "\0" in value:
        return Reason("env.malformed", None, f"The value of environment variable '{name}' holds a NUL character.")
    return None


def _forbidden(name: str) -> Reason:
    detail = f"Security Violation: Environment variable '{name}' is forbidden during host execution."
    return Reason("env.forbidden", None, detail)


def _fault_of_allow(name: str) -> Reason | None:
    if "*" in name or "?" in name:
        return Reason("env.wildcard", None, f"{name} is a wildcard; only exact names count.")
    upper = name.upper()
    if upper in OVERRIDE_ONLY or upper.startswith(_OVERRIDE_PREFIXES) or is_secret_name(name):
        return _forbidden(name)
    return refusal_of(name)


def _fault_of_inherit(name: str) -> Reason | None:
    if "*" in name or "?" in name:
        return Reason("env.wildcard", None, f"{name} is a wildcard; only exact names count.")
    return refusal_of(name)


def _keep(fault: Reason | None, key: str, findings: list[Reason]) -> bool:
    if fault is not None:
        findings.append(Reason(fault.rule, key, fault.detail))
    return fault is None
