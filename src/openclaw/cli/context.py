"""What every command is given: environment, places and output settings. Building it reads nothing from disk."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.state.files import check_owned
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment

PROFILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
DEV_PORT: Final = "19001"


class ProfileRefused(SystemExit):
    """A bad `--profile`: one line on stderr, exit code 2 (config.md 2.1)."""

    def __init__(self, message: str) -> None:
        sys.stderr.write(f"openclaw: {message}\n")
        super().__init__(2)


@dataclass(frozen=True, slots=True)
class CliContext:
    """The frame of one command.

    Attributes:
        environment: the process environment with the profile applied.
        layout: state directory and config file.
        color: whether colours may be printed.
    """

    environment: Environment
    layout: StateLayout
    color: bool

    @classmethod
    def build(
        cls,
        *,
        dev: bool = False,
        profile: str | None = None,
        no_color: bool = False,
        environment: Environment | None = None,
    ) -> CliContext:
        """Apply the global options.

        Raises:
            ProfileRefused: both options together, or a bad name.
        """
        found = environment or Environment.from_os()
        values = dict(found.values)
        if dev and profile is not None:
            raise ProfileRefused("--dev and --profile exclude each other")
        if profile is not None and not PROFILE_NAME.fullmatch(profile):
            raise ProfileRefused(f"--profile {profile!r}: use letters, digits, '-' and '_', at most 64")
        name = "dev" if dev else profile
        if name is not None and name != "default":
            values["OPENCLAW_PROFILE"] = name
        if dev and found.get("OPENCLAW_GATEWAY_PORT") is None:
            values["OPENCLAW_GATEWAY_PORT"] = DEV_PORT
        applied = Environment(values, found.origins)
        wanted = sys.stdout.isatty() or applied.get("FORCE_COLOR") not in (None, "0")
        color = wanted and not no_color and applied.get("NO_COLOR") is None
        return cls(environment=applied, layout=StateLayout.resolve(applied), color=color)

    @property
    def command(self) -> str:
        """Return how this program is called again with the same profile, for hints."""
        profile = self.environment.get("OPENCLAW_PROFILE")
        return f"openclaw --profile {profile}" if profile and profile != "default" else "openclaw"

    def own_state(self) -> StateLayout:
        """Return the layout, once it is known that nobody else could have written the state.

        Raises:
            Unavailable: the directory belongs to another user or may be written by others; the message says what to do.
        """
        check_owned(self.layout.root)
        return self.layout

    def shown(self, path: Path | str) -> str:
        """Return a path as people are shown it: with `~`, or `$OPENCLAW_HOME` when that is set, for the home."""
        text, home = str(path), str(self.environment.home)
        if text != home and not text.startswith(home.rstrip("/") + "/"):
            return text
        short = "$OPENCLAW_HOME" if self.environment.get("OPENCLAW_HOME") else "~"
        return short + text[len(home) :]
