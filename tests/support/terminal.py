"""The real program on a terminal of its own, answered like a person would."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from pathlib import Path

from support.cli import Home

QUESTION_SECONDS = 30.0


class Terminal:
    """Starts a command on a pseudo-terminal; `answer` waits for a question before it types."""

    def __init__(self, home: Home, *arguments: str) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(home.path)
            environment = {**home.environment(), "TERM": "dumb", "COLUMNS": "100", "NO_COLOR": "1"}
            os.execve(sys.executable, [sys.executable, "-m", "openclaw", *arguments], environment)
        self._seen = 0
        self.text = ""

    def answer(self, question: str, typed: str) -> None:
        """Type a line once the question has been asked."""
        self._until(question)
        os.write(self._fd, f"{typed}\n".encode())

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
        self.text += piece.decode("utf-8", "replace")
        return bool(piece)


def lines_of(path: Path) -> list[str]:
    """Return the lines of a text file."""
    return path.read_text(encoding="utf-8").splitlines()
