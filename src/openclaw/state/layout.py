"""Where everything lies below the state directory (config.md part 2). Paths only: nothing is created here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.system.environment import Environment

LEGACY_STATE_NAMES: Final = (".clawdbot", ".moltbot", ".moldbot")
LEGACY_CONFIG_NAMES: Final = ("clawdbot.json", "moltbot.json", "moldbot.json")
CONFIG_NAME: Final = "openclaw.json"


@dataclass(frozen=True, slots=True)
class StateLayout:
    """The paths of one state directory.

    Attributes:
        root: the state directory, absolute.
        config: the config file, which `OPENCLAW_CONFIG_PATH` may put elsewhere.
        credentials_dir: where `OPENCLAW_OAUTH_DIR` puts the credentials; None leaves them in the state directory.
    """

    root: Path
    config: Path
    credentials_dir: Path | None = None

    @classmethod
    def at(cls, root: Path) -> StateLayout:
        """Return the layout of a directory with the config file inside it."""
        return cls(root=root, config=root / CONFIG_NAME)

    @classmethod
    def resolve(cls, environment: Environment) -> StateLayout:
        """Return the layout that the environment asks for (config.md 2.1)."""
        root = _state_root(environment)
        elsewhere = environment.get("OPENCLAW_OAUTH_DIR")
        folder = _expanded(elsewhere, environment) if elsewhere else None
        return cls(root=root, config=_config_path(environment, root), credentials_dir=folder)

    @property
    def credentials(self) -> Path:
        """Channel credentials and pairing stores."""
        return self.credentials_dir or self.root / "credentials"

    @property
    def devices(self) -> Path:
        """`paired.json` and `pending.json` of device pairing."""
        return self.root / "devices"

    @property
    def identity(self) -> Path:
        """This machine's own device key and device tokens."""
        return self.root / "identity"

    @property
    def nodes(self) -> Path:
        """The older node-owned pairing store."""
        return self.root / "nodes"

    @property
    def exec_approvals(self) -> Path:
        """The host's exec approvals file."""
        return self.root / "exec-approvals.json"

    @property
    def journal(self) -> Path:
        """The SQLite in- and outbox."""
        return self.root / "journal" / "journal.sqlite"

    @property
    def tls_certificate(self) -> Path:
        """The gateway's own certificate, where the config names none."""
        return self.root / "gateway" / "tls" / "gateway-cert.pem"

    @property
    def ledger(self) -> Path:
        """The folder of the hash-chained decision log."""
        return self.root / "ledger"

    @property
    def logs(self) -> Path:
        """The folder of the rolling log files."""
        return self.root / "logs"

    @property
    def sandboxes(self) -> Path:
        """Default parent of sandbox workspaces."""
        return self.root / "sandboxes"

    @property
    def media(self) -> Path:
        """Inbound and outbound media files."""
        return self.root / "media"

    @property
    def gateway_lock(self) -> Path:
        """The file whose flock says which process owns this state."""
        return self.root / "gateway.lock"

    def agent_dir(self, agent_id: str) -> Path:
        """Return the default agent directory: auth profiles and model caches."""
        return self.root / "agents" / agent_id / "agent"

    def sessions_dir(self, agent_id: str) -> Path:
        """Return the folder of `sessions.json` and the transcripts."""
        return self.root / "agents" / agent_id / "sessions"

    def telegram_offset(self, account: str) -> Path:
        """Return the file of the last update id that is in the journal."""
        return self.root / "telegram" / f"update-offset-{account}.json"


def _state_root(environment: Environment) -> Path:
    explicit = environment.get("OPENCLAW_STATE_DIR")
    if explicit:
        return _expanded(explicit, environment)
    home = environment.home
    profile = environment.get("OPENCLAW_PROFILE")
    if profile and profile != "default":
        return home / f".openclaw-{profile}"
    current = home / ".openclaw"
    if current.exists():
        return current
    return next((home / name for name in LEGACY_STATE_NAMES if (home / name).exists()), current)


def _config_path(environment: Environment, root: Path) -> Path:
    explicit = environment.get("OPENCLAW_CONFIG_PATH")
    if explicit:
        return _expanded(explicit, environment)
    current = root / CONFIG_NAME
    if current.exists():
        return current
    return next((root / name for name in LEGACY_CONFIG_NAMES if (root / name).exists()), current)


def _expanded(text: str, environment: Environment) -> Path:
    if text == "~" or text.startswith("~/"):
        return environment.home / text[2:]
    path = Path(text)
    return path if path.is_absolute() else Path.cwd() / path
