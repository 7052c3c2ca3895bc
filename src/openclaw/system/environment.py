"""The one table of environment variables, and the only reader of the process environment.

The environment is read once (`Environment.from_os`) and passed on. Values of the config's `env` block and of
`<state>/.env` are laid below it by `Environment.below`, which never touches the process (config.md 1.5, advisory I3).
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

TRUE_WORDS: Final = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS: Final = frozenset({"0", "false", "no", "off"})

Kind = Literal["text", "path", "int", "flag", "list"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable that openclaw reads.

    Attributes:
        name: the variable.
        meaning: one sentence for the reference.
        kind: how the text is read; `flag` takes true/1/yes/on, `list` is separated like PATH.
        default: what counts when it is unset, for people.
        secret: its value is never shown.
        aliases: older names, read when the name itself is unset.
    """

    name: str
    meaning: str
    kind: Kind = "text"
    default: str = ""
    secret: bool = False
    aliases: tuple[str, ...] = ()


def _secret(name: str, meaning: str, *aliases: str) -> Variable:
    return Variable(name, meaning, secret=True, aliases=aliases)


def _flag(name: str, meaning: str) -> Variable:
    return Variable(name, meaning, kind="flag", default="off")


_PLACES: Final = (
    Variable("HOME", "Home directory of the user.", kind="path"),
    Variable("USERPROFILE", "Home directory when HOME is unset.", kind="path"),
    Variable("OPENCLAW_HOME", "Stands in for the home directory everywhere.", kind="path", default="HOME"),
    Variable(
        "OPENCLAW_STATE_DIR", "State directory.", kind="path", default="~/.openclaw", aliases=("CLAWDBOT_STATE_DIR",)
    ),
    Variable(
        "OPENCLAW_CONFIG_PATH",
        "Config file.",
        kind="path",
        default="<state>/openclaw.json",
        aliases=("CLAWDBOT_CONFIG_PATH",),
    ),
    Variable("OPENCLAW_PROFILE", "Profile name; set by --profile and --dev."),
    Variable(
        "OPENCLAW_INCLUDE_ROOTS", "Folders beside the config's own that $include may read.", kind="list", default="none"
    ),
    Variable("OPENCLAW_OAUTH_DIR", "Credentials directory.", kind="path", default="<state>/credentials"),
    Variable(
        "OPENCLAW_AGENT_DIR",
        "Agent directory of the default agent.",
        kind="path",
        default="<state>/agents/<id>/agent",
        aliases=("PI_CODING_AGENT_DIR",),
    ),
    Variable("OPENCLAW_BUNDLED_PLUGINS_DIR", "Folder of bundled plugins.", kind="path"),
    Variable("OPENCLAW_BUNDLED_SKILLS_DIR", "Folder of bundled skills.", kind="path"),
    Variable("OPENCLAW_BUNDLED_HOOKS_DIR", "Folder of bundled hooks.", kind="path"),
    Variable("OPENCLAW_TTS_PREFS", "Speech preference file.", kind="path", default="<state>/settings/tts.json"),
)

_GATEWAY: Final = (
    Variable(
        "OPENCLAW_GATEWAY_PORT",
        "Gateway port; wins over gateway.port.",
        kind="int",
        default="18789",
        aliases=("CLAWDBOT_GATEWAY_PORT",),
    ),
    _secret("OPENCLAW_GATEWAY_TOKEN", "Shared token when gateway.auth.token is unset.", "CLAWDBOT_GATEWAY_TOKEN"),
    _secret(
        "OPENCLAW_GATEWAY_PASSWORD", "Shared password when gateway.auth.password is unset.", "CLAWDBOT_GATEWAY_PASSWORD"
    ),
    _flag("OPENCLAW_NIX_MODE", "The config is managed elsewhere: no migration, no installs."),
    Variable("OPENCLAW_CONFIG_CACHE_MS", "How long a loaded config is reused.", kind="int", default="200"),
    _flag("OPENCLAW_DISABLE_CONFIG_CACHE", "Read the config anew each time."),
    Variable("OPENCLAW_SESSION_CACHE_TTL_MS", "How long a session store is reused.", kind="int", default="45000"),
    _flag("OPENCLAW_ALLOW_MULTI_GATEWAY", "Do not take the gateway lock."),
    _flag("OPENCLAW_ALLOW_INSECURE_PRIVATE_WS", "Let clients send secrets over ws:// inside private networks."),
    Variable("OPENCLAW_HANDSHAKE_TIMEOUT_MS", "Time for a connection to log in.", kind="int", default="10000"),
    _flag("OPENCLAW_SKIP_CHANNELS", "Start no channel."),
    _flag("OPENCLAW_SKIP_PROVIDERS", "Older name of OPENCLAW_SKIP_CHANNELS."),
    _flag("OPENCLAW_SKIP_CRON", "Start no scheduler."),
    _flag("OPENCLAW_SKIP_CANVAS_HOST", "Serve no canvas."),
    _flag("OPENCLAW_SKIP_BROWSER_CONTROL_SERVER", "Start no browser control server."),
    _flag("OPENCLAW_SKIP_GMAIL_WATCHER", "Start no mail watcher."),
    _flag("OPENCLAW_DISABLE_BONJOUR", "Announce nothing in the local network."),
    Variable("OPENCLAW_MDNS_HOSTNAME", "Host name that is announced.", default="host name"),
    Variable("OPENCLAW_WIDE_AREA_DOMAIN", "Domain of the wide-area discovery zone."),
    Variable("OPENCLAW_SSH_PORT", "SSH port that full announcements name.", kind="int", default="22"),
    Variable("OPENCLAW_CLI_PATH", "Program path that full announcements name.", kind="path"),
    Variable("OPENCLAW_PREPEND_PATH", "Directories that a sandbox puts before PATH.", kind="list"),
    Variable("OPENCLAW_NODE_EXEC_HOST", "`app` makes a node run commands through its companion app only."),
    Variable("OPENCLAW_NODE_EXEC_FALLBACK", "Off forbids a node to run commands itself.", kind="flag", default="on"),
    Variable(
        "OPENCLAW_BASH_PENDING_MAX_OUTPUT_CHARS", "Output kept per stream of a run.", kind="int", default="200000"
    ),
    Variable("PI_BASH_MAX_OUTPUT_CHARS", "Output kept of a run.", kind="int", default="200000"),
    Variable("PI_BASH_YIELD_MS", "Time before a run goes to the background.", kind="int", default="10000"),
    Variable("PI_BASH_JOB_TTL_MS", "Time that finished runs are kept.", kind="int", default="1800000"),
)

_DEBUG: Final = (
    _flag("OPENCLAW_LOAD_SHELL_ENV", "Import expected variables from the login shell."),
    Variable("OPENCLAW_SHELL_ENV_TIMEOUT_MS", "Time for that import.", kind="int", default="15000"),
    _flag("OPENCLAW_RAW_STREAM", "Write the raw model stream to a file."),
    Variable("OPENCLAW_RAW_STREAM_PATH", "That file.", kind="path", default="<state>/logs/raw-stream.jsonl"),
    _flag("OPENCLAW_CACHE_TRACE", "Write model-cache traces."),
    Variable("OPENCLAW_CACHE_TRACE_FILE", "File of the traces.", kind="path", default="<state>/logs/cache-trace.jsonl"),
    _flag("OPENCLAW_CACHE_TRACE_MESSAGES", "Traces hold messages."),
    _flag("OPENCLAW_CACHE_TRACE_PROMPT", "Traces hold the prompt."),
    _flag("OPENCLAW_CACHE_TRACE_SYSTEM", "Traces hold the system prompt."),
    _flag("OPENCLAW_ANTHROPIC_PAYLOAD_LOG", "Write requests to Anthropic to a file."),
    Variable("OPENCLAW_ANTHROPIC_PAYLOAD_LOG_FILE", "That file.", kind="path"),
    Variable("OTEL_EXPORTER_OTLP_ENDPOINT", "Collector when diagnostics.otel.endpoint is unset."),
    Variable("OTEL_SERVICE_NAME", "Service name of exported telemetry.", default="openclaw"),
)

_CREDENTIALS: Final = (
    _secret("TELEGRAM_BOT_TOKEN", "Bot token of the default Telegram account."),
    _secret("DISCORD_BOT_TOKEN", "Bot token of the default Discord account."),
    _secret("SLACK_BOT_TOKEN", "Bot token of the default Slack account."),
    _secret("SLACK_APP_TOKEN", "App token of the default Slack account."),
    _secret("GOOGLE_CHAT_SERVICE_ACCOUNT", "Service account (JSON) of the default Google Chat account."),
    Variable("GOOGLE_CHAT_SERVICE_ACCOUNT_FILE", "File of that service account.", kind="path"),
    Variable("MSTEAMS_APP_ID", "Teams application id."),
    _secret("MSTEAMS_APP_PASSWORD", "Teams application password."),
    Variable("MSTEAMS_TENANT_ID", "Teams tenant id."),
    _secret("MATTERMOST_BOT_TOKEN", "Bot token of the default Mattermost account."),
    Variable("MATTERMOST_URL", "Server of the default Mattermost account."),
    _secret("OPENAI_API_KEY", "OpenAI key."),
    _secret("ANTHROPIC_API_KEY", "Anthropic key."),
    _secret("ANTHROPIC_OAUTH_TOKEN", "Anthropic OAuth token."),
    _secret("GEMINI_API_KEY", "Google Gemini key."),
    _secret("ZAI_API_KEY", "Z.AI key."),
    _secret("OPENROUTER_API_KEY", "OpenRouter key."),
    _secret("AI_GATEWAY_API_KEY", "AI gateway key."),
    _secret("MINIMAX_API_KEY", "MiniMax key."),
    _secret("SYNTHETIC_API_KEY", "Synthetic key."),
    _secret("ELEVENLABS_API_KEY", "ElevenLabs key."),
    Variable("ELEVENLABS_VOICE_ID", "Voice when talk.voiceId is unset.", aliases=("SAG_VOICE_ID",)),
    _secret("BRAVE_API_KEY", "Brave search key when tools.web.search.apiKey is unset."),
    _secret("PERPLEXITY_API_KEY", "Perplexity search key."),
    _secret("XAI_API_KEY", "Grok search key."),
)

_MACHINE: Final = (
    Variable("PATH", "Where programs are searched.", kind="list"),
    Variable("LANG", "Locale handed to commands."),
    Variable("TZ", "Time zone handed to commands."),
    Variable("TERM", "Terminal type."),
    Variable("NO_COLOR", "Any value switches colours off."),
    Variable("FORCE_COLOR", "Any value but 0 keeps colours where the output is no terminal."),
    Variable("EDITOR", "Editor for `config edit`.", aliases=("VISUAL",)),
    Variable("XDG_RUNTIME_DIR", "Runtime folder of the user's services.", kind="path"),
    Variable("XDG_CONFIG_HOME", "Folder of the user's service files.", kind="path", default="~/.config"),
    Variable("XDG_DATA_HOME", "Data folder of the user.", kind="path", default="~/.local/share"),
    Variable("HTTP_PROXY", "Proxy for http requests.", aliases=("http_proxy",)),
    Variable("HTTPS_PROXY", "Proxy for https requests.", aliases=("https_proxy",)),
    Variable("NO_PROXY", "Hosts reached without a proxy.", aliases=("no_proxy",)),
)

VARIABLES: Final = (*_PLACES, *_GATEWAY, *_DEBUG, *_CREDENTIALS, *_MACHINE)
"""Every variable that openclaw reads by name. The reference is generated from it."""

BY_NAME: Final[Mapping[str, Variable]] = MappingProxyType({row.name: row for row in VARIABLES})

SHELL_IMPORT: Final = (
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_OAUTH_TOKEN",
    "GEMINI_API_KEY",
    "ZAI_API_KEY",
    "OPENROUTER_API_KEY",
    "AI_GATEWAY_API_KEY",
    "MINIMAX_API_KEY",
    "SYNTHETIC_API_KEY",
    "ELEVENLABS_API_KEY",
    "TELEGRAM_BOT_TOKEN",
    "DISCORD_BOT_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "OPENCLAW_GATEWAY_TOKEN",
    "OPENCLAW_GATEWAY_PASSWORD",
)
"""The names that a login-shell import may bring in (config.md 1.5)."""


PROCESS_ONLY: Final = frozenset(
    {
        "HOME",
        "USERPROFILE",
        "PATH",
        "OPENCLAW_HOME",
        "OPENCLAW_STATE_DIR",
        "OPENCLAW_CONFIG_PATH",
        "OPENCLAW_PROFILE",
        "OPENCLAW_INCLUDE_ROOTS",
        "OPENCLAW_BUNDLED_PLUGINS_DIR",
        "OPENCLAW_BUNDLED_SKILLS_DIR",
        "OPENCLAW_BUNDLED_HOOKS_DIR",
        "OPENCLAW_ALLOW_INSECURE_PRIVATE_WS",
        "CLAWDBOT_STATE_DIR",
        "CLAWDBOT_CONFIG_PATH",
    }
)
"""Names that count only when the process itself has them: a file that they point to must not set them."""

_RUNTIME_PREFIXES: Final = (
    "LD_",
    "DYLD_",
    "PYTHON",
    "NODE_",
    "NPM_CONFIG_",
    "PERL5",
    "PERLLIB",
    "RUBY",
    "GIT_",
    "BASH_",
    "CARGO_",
    "RUSTUP_",
    "PIP_",
    "UV_",
    "GLIBC_",
    "MALLOC_",
    "JAVA_TOOL_",
)
_RUNTIME_NAMES: Final = frozenset(
    {
        "ENV",
        "IFS",
        "PS4",
        "SHELL",
        "SHELLOPTS",
        "BASHOPTS",
        "PROMPT_COMMAND",
        "CDPATH",
        "CLASSPATH",
        "_JAVA_OPTIONS",
        "HGRCPATH",
        "MAKEFLAGS",
        "CC",
        "CXX",
        "CLOUDSDK_PYTHON",
        "GCONV_PATH",
        "HOSTALIASES",
        "LOCALDOMAIN",
        "RES_OPTIONS",
        "SSLKEYLOGFILE",
    }
)


def controls_runtime(name: str) -> bool:
    """Tell whether a variable steers loaders, interpreters or shells, so that no config may set it (advisory I3)."""
    upper = name.upper()
    return upper in _RUNTIME_NAMES or upper.startswith(_RUNTIME_PREFIXES)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable's value must never be shown: marked so in the table, or named like a secret."""
    row = BY_NAME.get(name)
    if row is not None:
        return row.secret
    upper = name.upper()
    return any(word in upper for word in ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "PRIVATE_KEY"))


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment as it was read, never changed.

    Attributes:
        values: name to text. Names are kept as they are; nothing is filtered.
        home: the effective home directory (config.md 2.1).
        origins: where a value that is not the process's own came from, by name (`.env` or `env` of the config).
    """

    values: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))
        object.__setattr__(self, "origins", MappingProxyType(dict(self.origins)))
        object.__setattr__(self, "home", _home(self.values))

    @classmethod
    def from_os(cls) -> Environment:
        """Read the process environment. The only place that does."""
        return cls(dict(os.environ))

    def __repr__(self) -> str:
        return f"Environment({len(self.values)} variables)"

    def get(self, name: str) -> str | None:
        """Return a value, under its own name or an older one; unset and blank are both None."""
        row = BY_NAME.get(name)
        for candidate in (name, *(row.aliases if row else ())):
            value = self.values.get(candidate)
            if value is not None and value.strip():
                return value
        return None

    def truthy(self, name: str) -> bool:
        """Tell whether a flag is switched on; any other text than true, 1, yes, on is off."""
        value = self.get(name)
        return value is not None and value.strip().lower() in TRUE_WORDS

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None when it is unset or no number."""
        value = self.get(name)
        if value is None:
            return None
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() else None

    def paths(self, name: str) -> tuple[Path, ...]:
        """Return the absolute folders of a list variable, `~` expanded; relative entries are dropped."""
        found = (self.expand(part) for part in (self.get(name) or "").split(os.pathsep) if part.strip())
        return tuple(path for path in found if path.is_absolute())

    def expand(self, text: str) -> Path:
        """Return `text` as a path with a leading `~` or `~/` replaced by the home directory."""
        if text == "~" or text.startswith(("~/", "~\\")):
            return self.home / text[2:]
        return Path(text)

    def below(self, values: Mapping[str, str], origin: str) -> Environment:
        """Return this environment with `values` added where a name is missing or blank here.

        Args:
            values: names and texts; blank ones are skipped.
            origin: where they come from, for `env:` start lines and the audit.
        """
        added = {name: text for name, text in values.items() if text.strip() and not self.values.get(name, "").strip()}
        if not added:
            return self
        return Environment({**self.values, **added}, {**self.origins, **dict.fromkeys(added, origin)})


def _home(values: Mapping[str, str]) -> Path:
    """Return OPENCLAW_HOME, else HOME, else USERPROFILE, else what the user database says."""
    plain = next((values[name] for name in ("HOME", "USERPROFILE") if values.get(name, "").strip()), None)
    base = Path(plain) if plain else Path(pwd.getpwuid(os.getuid()).pw_dir)
    chosen = values.get("OPENCLAW_HOME", "").strip()
    if not chosen:
        return base
    if chosen == "~" or chosen.startswith(("~/", "~\\")):
        return base / chosen[2:]
    return Path(chosen)
