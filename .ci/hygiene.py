"""Checks that no linter makes: secrets, index addresses, machine paths, and blanket ignores in tracked files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

FORBIDDEN = {
    "a package index address": re.compile(
        r"(files\.python" r"hosted\.org|pypi\.(org|python)|registry\.npm" r"js\.org|deb\.debian\.org)", re.IGNORECASE
    ),
    "a machine path": re.compile(r"/(work|root|home/[a-z]+)/(main|shared|\.pyenv|\.library)\b"),
    "a blanket ignore": re.compile(r"(# type: ignore(?!\[)|# noqa(?!: [A-Z]))"),
}
TEXT = {".py", ".md", ".toml", ".lock", ".txt", ".json", ".js", ".css", ".html", ".yml", ".cfg", ".sh", ""}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, check=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name]


def texts(paths: list[Path]) -> list[str]:
    faults = []
    for path in paths:
        if path.suffix not in TEXT or not path.is_file() or path == Path(".ci/hygiene.py"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            faults += [f"{path}:{number}: {what}" for what, pattern in FORBIDDEN.items() if pattern.search(line)]
    return faults


def secrets(paths: list[Path]) -> list[str]:
    """Scan all tracked files; what the baseline knows as false alarms does not count."""
    found = subprocess.run(
        [Path(sys.executable).with_name("detect-secrets"), "scan", "--all-files", *map(str, paths)],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    baseline = json.loads(Path(".secrets.baseline").read_text(encoding="utf-8"))["results"]
    known = {(name, row["hashed_secret"]) for name, rows in baseline.items() for row in rows}
    return [
        f"{name}:{row['line_number']}: looks like a secret ({row['type']})"
        for name, rows in json.loads(found)["results"].items()
        for row in rows
        if (name, row["hashed_secret"]) not in known
    ]


def main() -> int:
    paths = tracked()
    scanned = [path for path in paths if path.suffix != ".lock" and path.name != ".secrets.baseline"]
    faults = texts(paths) + secrets(scanned)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
