"""The real program on a terminal of its own, answered like a person would."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from pathlib import Path

from support.cli import Home

QUESTION_SECONDS = 30.0
ROWS, COLUMNS = 50, 100
DOWN, UP, ENTER, SPACE, CTRL_C, CTRL_D, CLEAR_LINE = "\x1b[B", "\x1b[A", "\r", " ", "\x03", "\x04", "\x15"
WHERE_IS_THE_CURSOR, AT_THE_BOTTOM = b"\x1b[6n", f"\x1b[{ROWS};1R".encode()
STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")


class Terminal:
    """Starts a command on a pseudo-terminal; `answer` and `press` wait for a question before they type.

    Attributes:
        text: what was printed, without the sequences that steer the cursor.
        raw: what was printed, as it came.
    """

    def __init__(self, home: Home, *arguments: str, **variables: str) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(home.path)
            environment = {**home.environment(), "TERM": "xterm-256color", "NO_COLOR": "1", **variables}
            environment = {name: value for name, value in environment.items() if value}
            os.execve(sys.executable, [sys.executable, "-m", "openclaw", *arguments], environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._seen = 0
        self.raw = ""

    @property
    def text(self) -> str:
        return STEERING.sub("", self.raw)

    def answer(self, question: str, typed: str) -> None:
        """Type a line once the question has been asked."""
        self.press(question, *typed, ENTER)

    def retype(self, question: str, typed: str) -> None:
        """Replace the answer that is proposed."""
        self.press(question, CLEAR_LINE, *typed, ENTER)

    def choose(self, question: str, down: int = 0) -> None:
        """Take the row that lies so many below the proposed one (above it when negative)."""
        self.press(question, *[DOWN if down > 0 else UP] * abs(down), ENTER)

    def press(self, question: str, *keys: str) -> None:
        """Press keys once the question has been asked."""
        self._until(question)
        os.write(self._fd, "".join(keys).encode())

    def finish(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _until(self, question: str) -> None:
        deadline = time.monotonic() + QUESTION_SECONDS
        while question not in self.text[self._seen :]:
            assert time.monotonic() < deadline, f"{question!r} was not asked:\n{self.text}"
            assert self._read(), f"{question!r} was not asked before the end:\n{self.text}"
        self._seen = self.text.index(question, self._seen) + len(question)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._fd], [], [], QUESTION_SECONDS)
        if not ready:
            raise AssertionError(f"nothing more was printed:\n{self.text}")
        try:
            piece = os.read(self._fd, 65536)
        except OSError:
            return False
        self.raw += piece.decode("utf-8", "replace")
        if WHERE_IS_THE_CURSOR in piece:
            os.write(self._fd, AT_THE_BOTTOM)
        return bool(piece)


def lines_of(path: Path) -> list[str]:
    """Return the lines of a text file."""
    return path.read_text(encoding="utf-8").splitlines()
