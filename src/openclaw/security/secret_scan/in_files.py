"""Secrets in the other files of the state directory, and the map of those made to hold them (config.md 2.3)."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from openclaw.config import dotenv
from openclaw.security.secret_scan.model import Kind, PlainSecret
from openclaw.security.state_tree import Tree, read_below
from openclaw.system.environment import is_secret_name
from openclaw.system.redaction import Redactor

LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one file that are looked at."""
SHOWN_LINES: Final = 5
_MIN_SECRET: Final = 8
_PROFILE_FIELDS: Final = ("key", "token", "access", "refresh")

CREDENTIAL_FILES: Final = (
    "credentials/oauth.json",
    "credentials/github-copilot.token.json",
    "credentials/whatsapp/*/creds.json",
    "credentials/whatsapp/*/creds.json.bak",
    "identity/device.json",
    "identity/device-auth.json",
    "devices/paired.json",
    "nodes/paired.json",
    "node.json",
    "exec-approvals.json",
    "gateway/tls/gateway-key.pem",
    "agents/*/agent/auth.json",
    "secrets.json",
)
"""Files of the state directory that hold secrets by design, as patterns."""
_WRITTEN: Final = (
    ("agents/*/sessions/*.jsonl*", Kind.TRANSCRIPT),
    ("sessions/*.jsonl", Kind.TRANSCRIPT),
    ("cron/runs/*.jsonl", Kind.TRANSCRIPT),
    ("cron/jobs.json", Kind.TRANSCRIPT),
    ("cron/jobs.json.bak", Kind.TRANSCRIPT),
    ("subagents/runs.json", Kind.TRANSCRIPT),
    ("logs/*", Kind.LOG),
)
"""Files that people, models and tools write text into."""
AUTH_PROFILES: Final = "agents/*/agent/auth-profiles.json"


def matches(path: str, pattern: str) -> bool:
    """Tell whether a path fits a pattern, part by part."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def files_like(state: Tree, pattern: str) -> Iterator[str]:
    """Yield the regular files that fit a pattern."""
    for node in state.nodes.values():
        if node.kind == "file" and matches(node.path, pattern):
            yield node.path


def scan_env(state: Tree, redactor: Redactor) -> list[PlainSecret]:
    """Return the variables of `.env` that are secrets."""
    values = env_values(state)
    found = [name for name, text in values.items() if text and _is_secret(name, text, redactor)]
    return [PlainSecret(state.root / dotenv.NAME, name, Kind.ENV_FILE) for name in found]


def env_values(state: Tree) -> dict[str, str]:
    """Return the variables of `.env`, also where it is not private."""
    content = read_below(state.root, dotenv.NAME, limit=dotenv.MAX_BYTES)
    return dotenv.parse(content.decode("utf-8-sig", "replace")) if content is not None else {}


def _is_secret(name: str, text: str, redactor: Redactor) -> bool:
    return is_secret_name(name) or redactor.redact(text) != text


def scan_profiles(state: Tree) -> list[PlainSecret]:
    """Return the model credentials."""
    return [place for place, _ in profile_secrets(state)]


def profile_secrets(state: Tree) -> Iterator[tuple[PlainSecret, str]]:
    """Yield each model credential with its value, for finding copies of it elsewhere."""
    for path in files_like(state, AUTH_PROFILES):
        profiles = _object(_json(state, path)).get("profiles")
        for name, entry in _object(profiles).items():
            for field in _PROFILE_FIELDS:
                text = _object(entry).get(field)
                if isinstance(text, str) and text:
                    yield PlainSecret(state.root / path, f"profiles.{name}.{field}", Kind.AUTH_PROFILE), text


def _json(state: Tree, path: str) -> Any:
    content = read_below(state.root, path, limit=LIMIT)
    try:
        return json.loads(content) if content is not None else None
    except (ValueError, RecursionError):
        return None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def scan_stores(state: Tree) -> list[PlainSecret]:
    """Return the files that are made to hold secrets."""
    paths = dict.fromkeys(path for pattern in CREDENTIAL_FILES for path in files_like(state, pattern))
    return [PlainSecret(state.root / path, "", Kind.CREDENTIAL_FILE) for path in paths]


def scan_texts(state: Tree, redactor: Redactor) -> list[PlainSecret]:
    """Return the transcripts, job files and logs with secrets in them; lines are counted from 1."""
    found = []
    for pattern, kind in _WRITTEN:
        for path in files_like(state, pattern):
            lines = _lines(read_below(state.root, path, limit=LIMIT) or b"", redactor)
            if lines:
                found.append(PlainSecret(state.root / path, _named(lines), kind))
    return found


def _lines(content: bytes, redactor: Redactor) -> list[int]:
    return [
        number
        for number, line in enumerate(content.splitlines(), 1)
        if redactor.redact_counted(line.decode("utf-8", "replace"))[1]
    ]


def _named(lines: list[int]) -> str:
    more = f" and {len(lines) - SHOWN_LINES} more" if len(lines) > SHOWN_LINES else ""
    listed = ", ".join(map(str, lines[:SHOWN_LINES]))
    return f"line{'s' if len(lines) > 1 else ''} {listed}{more}"


def worth_finding(texts: Iterable[str]) -> frozenset[str]:
    """Return the values that are long enough to be looked for elsewhere."""
    return frozenset(text for text in texts if len(text) >= _MIN_SECRET)


def token_files(document: Any, root: Path) -> list[PlainSecret]:
    """Return the token files of channels that lie in the state directory."""
    found = []
    for parts, text in _paths(document, ()):
        path = Path(text)
        if path.is_absolute() and path.is_relative_to(root) and path.is_file():
            found.append(PlainSecret(path, "", Kind.CREDENTIAL_FILE, parts))
    return found


def _paths(value: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key in ("tokenFile", "serviceAccountFile"):
                yield (*at, key), item
            else:
                yield from _paths(item, (*at, key))
