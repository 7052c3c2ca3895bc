"""The real program on a disk that takes nothing: a read-only mount, or a small file system that is full."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support.cli import Answer, Home

SIZE = 8 * 1024 * 1024
FILLER = "filler.bin"
ON_A_FULL_DISK = """
import os, shutil, subprocess, sys
content, home, result, free, timeout, *command = sys.argv[1:]
shutil.copytree(content, home, symlinks=True, dirs_exist_ok=True)
filler = os.open(os.path.join(home, "filler.bin"), os.O_WRONLY | os.O_CREAT, 0o600)
for size in (1 << 16, 1 << 12, 1):
    try:
        while True:
            os.write(filler, b"x" * size)
    except OSError:
        pass
os.ftruncate(filler, max(0, os.fstat(filler).st_size // 4096 - int(free)) * 4096)
os.close(filler)
try:
    code = subprocess.run(command, cwd=home, timeout=float(timeout)).returncode
finally:
    os.unlink(os.path.join(home, "filler.bin"))
    shutil.copytree(home, result, symlinks=True)
sys.exit(code)
"""


def read_only(home: Home, *arguments: str, stdin: str = "", timeout: float = 60, only: Path | None = None) -> Answer:
    """Run the program where the state directory (or `only`) is mounted read-only. Root is refused there too."""
    place = str(only or home.state)
    return _run(home, ["--ro-bind", place, place], [sys.executable, "-m", "openclaw", *arguments], stdin, timeout)


def full_disk(home: Home, *arguments: str, stdin: str = "", timeout: float = 60, free: int = 0) -> Answer:
    """Run the program in a home on a full file system; the home is afterwards as the program left it.

    Args:
        home: the home.
        arguments: the command.
        stdin: what it reads.
        timeout: seconds.
        free: pages of 4 KiB that are still free.
    """
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        content, result = Path(folder) / "content", Path(folder) / "result"
        shutil.copytree(home.path, content, symlinks=True)
        command = [sys.executable, "-m", "openclaw", *arguments]
        where = [str(content), str(home.path), str(result), str(free), str(timeout)]
        script = [sys.executable, "-c", ON_A_FULL_DISK, *where, *command]
        answer = _run(home, ["--size", str(SIZE), "--tmpfs", str(home.path)], script, stdin, timeout + 30)
        for path in home.path.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(result, home.path, symlinks=True, dirs_exist_ok=True)
    return answer


def _run(home: Home, mounts: list[str], command: list[str], stdin: str, timeout: float) -> Answer:
    done = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", *mounts, "--chdir", str(home.path), "--die-with-parent", "--", *command],
        input=stdin,
        capture_output=True,
        text=True,
        env=home.environment(),
        timeout=timeout,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)
