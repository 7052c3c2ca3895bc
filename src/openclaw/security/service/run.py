"""Calls the service manager's program: a fixed path, argv only, an environment without secrets (advisories I8, I10)."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.system.errors import Unavailable

SECONDS: Final = 60.0
_DIRECTORIES: Final = ("/usr/bin", "/bin")
_DETAIL: Final = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What the program printed; `code` None means that it could not be run or took too long."""

    code: int | None
    out: str
    error: str

    @property
    def ok(self) -> bool:
        """Return whether it ended well."""
        return self.code == 0


def find(name: str) -> Path | None:
    """Return a system program, which is looked for in the system's own directories only."""
    return next((path for folder in _DIRECTORIES if (path := Path(folder) / name).is_file()), None)


def run(program: Path | None, arguments: Sequence[str], environment: Mapping[str, str]) -> Answer:
    """Run a program to its end; it reads nothing and inherits no variable."""
    if program is None:
        return Answer(None, "", "the program is not installed")
    try:
        done = subprocess.run(
            [str(program), *arguments],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, "", f"it took longer than {SECONDS:g} seconds")
    except OSError as error:
        return Answer(None, "", (error.strerror or str(error)).lower())
    return Answer(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def expect(answer: Answer, deed: str, advice: str) -> None:
    """Raise when a program did not do what it was asked.

    Raises:
        Unavailable: with what it said, and advice.
    """
    if not answer.ok:
        said = " ".join((answer.error or answer.out).split())[:_DETAIL] or f"status {answer.code}"
        raise Unavailable(f"cannot {deed}: {said}. {advice}", code="service-failed")
