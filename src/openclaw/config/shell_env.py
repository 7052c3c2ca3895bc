"""Import of expected variables from the login shell (config.md 1.5). Off unless asked for (advisory I6)."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from openclaw.config.env_block import shell_block
from openclaw.config.issues import Issue, fault
from openclaw.system.environment import SHELL_IMPORT, Environment

SHELLS: Final = Path("/etc/shells")
MAX_OUTPUT: Final = 1024 * 1024
DEFAULT_TIMEOUT_MS: Final = 15_000


def timeout_ms(document: Mapping[str, Any], environment: Environment) -> int:
    """Return how long the shell may take."""
    stated = shell_block(document).get("timeoutMs")
    if isinstance(stated, int):
        return stated
    return environment.integer("OPENCLAW_SHELL_ENV_TIMEOUT_MS") or DEFAULT_TIMEOUT_MS


def login_shell(shells: Path = SHELLS) -> str | None:
    """Return the user's shell from the user database if the system lists it; `$SHELL` is never asked."""
    entry = pwd.getpwuid(os.getuid())
    try:
        listed = {line.strip() for line in shells.read_text(encoding="utf-8").splitlines() if line.startswith("/")}
    except (OSError, UnicodeDecodeError):
        return None
    return entry.pw_shell if entry.pw_shell in listed else None


def import_shell_env(shell: str | None, environment: Environment, limit_ms: int) -> tuple[dict[str, str], list[Issue]]:
    """Return the expected variables that the login shell sets, and a warning when it could not be asked."""
    if shell is None:
        return {}, [fault(("env", "shellEnv"), "the login shell is not in /etc/shells; nothing is imported")]
    try:
        process = subprocess.Popen(
            [shell, "-l", "-c", "env -0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=str(environment.home) if environment.home.is_dir() else "/",
            env={"HOME": str(environment.home), "PATH": "/usr/local/bin:/usr/bin:/bin", "TERM": "dumb"},
            start_new_session=True,
        )
    except OSError:
        return {}, [fault(("env", "shellEnv"), "the login shell does not start; nothing is imported")]
    try:
        output, _ = process.communicate(timeout=limit_ms / 1000)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return {}, [fault(("env", "shellEnv"), f"the login shell took longer than {limit_ms} ms; nothing is imported")]
    return _expected(output[:MAX_OUTPUT]), []


def _expected(output: bytes) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in output.decode("utf-8", "replace").split("\0"))
    return {name: value for name, mark, value in pairs if mark and name in SHELL_IMPORT and value.strip()}
