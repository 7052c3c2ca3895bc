"""The first half of the load pipeline: from the bytes to a plain document (config.md 1.2, steps 1 to 6 and 12).

It needs no schema and loads none, so commands that only look something up start fast. Whether the document is valid is
the second half's business (`openclaw.config.load`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from openclaw.config import dotenv, env_block
from openclaw.config.expand import expand_home
from openclaw.config.includes import Included, resolve_includes
from openclaw.config.issues import Issue, fault
from openclaw.config.json5 import MAX_BYTES, Json5Error, loads, read_bytes
from openclaw.config.legacy import find_legacy
from openclaw.config.read_file import OddFile, read_regular, why
from openclaw.config.source import Source
from openclaw.config.substitute import all_references, substitute
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment


@dataclass(frozen=True, slots=True)
class Plain:
    """A config as plain values.

    Attributes:
        document: values after includes, substitution and `~` expansion; None when a stage failed.
        authored: values after includes only; references are still there. None when that failed.
        environment: the environment with `<state>/.env` and the `env` block below it.
        source: the file as it was read.
        issues: the faults of the stage that failed.
        warnings: what is odd but valid so far.
        legacy_only: the faults are older keys and nothing else.
    """

    document: dict[str, Any] | None
    authored: Any
    environment: Environment
    source: Source
    issues: tuple[Issue, ...] = ()
    warnings: tuple[Issue, ...] = ()
    legacy_only: bool = False


def read_plain(layout: StateLayout, environment: Environment) -> Plain:
    """Read the config of a state directory as far as no schema is needed. Raises nothing for whatever it holds."""
    try:
        content = read_main(layout.config)
    except Json5Error as error:
        source = Source(path=layout.config, exists=True, files=(layout.config,))
        return Plain(None, None, environment, source, (fault((), str(error)),))
    return evaluate_plain(content, layout, environment)


def read_main(path: Path) -> bytes | None:
    """Return the bytes of the main file; None when it is absent.

    Raises:
        Json5Error: it cannot be read, or is no regular file, or too large.
    """
    try:
        return read_regular(path, MAX_BYTES, follow=True)[0]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, OddFile) as error:
        raise Json5Error(f"{path} cannot be read: {why(error)}") from error


def evaluate_plain(
    content: bytes | None,
    layout: StateLayout,
    environment: Environment,
    *,
    overlay: Mapping[Path, bytes] | None = None,
) -> Plain:
    """Return what a main file with these bytes says; None stands for an absent file.

    Args:
        content: bytes of the main file.
        layout: where the file and the state are.
        environment: the process environment.
        overlay: contents that stand for included files on the disk, by resolved path.
    """
    return _Reading(layout, environment, overlay or {}).run(content)


class _Reading:
    """One pass through the stages."""

    def __init__(self, layout: StateLayout, environment: Environment, overlay: Mapping[Path, bytes]) -> None:
        self._overlay = overlay
        self._layout = layout
        self._environment = environment
        self._warnings: list[Issue] = []
        self._source = Source(path=layout.config)
        self._authored: Any = None

    def run(self, content: bytes | None) -> Plain:
        exists = content is not None
        content = content or b""
        digest = hashlib.sha256(content).hexdigest() if exists else ""
        watched = (self._layout.config, self._layout.root / dotenv.NAME)
        self._source = Source(self._layout.config, exists, hash=digest, revision_hash=digest, files=watched)
        try:
            raw = read_bytes(content) if exists else "{}"
            parsed = loads(raw)
        except Json5Error as error:
            return self._stop([replace(fault((), str(error)), line=error.line, column=error.column)])
        self._source = replace(self._source, raw=raw if exists else "", parsed=parsed)
        if not isinstance(parsed, dict):
            return self._stop([fault((), "the config must be an object")])
        included = self._include(parsed, content, exists=exists)
        if included.issues:
            return self._stop(included.issues)
        return self._understood(included.value)

    def _include(self, parsed: Any, content: bytes, *, exists: bool) -> Included:
        roots = self._environment.paths("OPENCLAW_INCLUDE_ROOTS")
        included = resolve_includes(parsed, self._layout.config, content, roots, self._overlay)
        revision = included.revision_hash() if exists else ""
        files = (*dict.fromkeys(included.files), self._layout.root / dotenv.NAME)
        names = frozenset(all_references(included.value))
        self._source = replace(self._source, revision_hash=revision, files=files, references=names)
        return included

    def _understood(self, value: Any) -> Plain:
        if not isinstance(value, dict):
            return self._stop([fault((), "the config must be an object")])
        self._authored = value
        self._read_variables(value)
        document, issues = substitute(value, self._environment)
        if issues:
            return self._stop(issues)
        legacy = find_legacy(document)
        if legacy:
            return replace(self._stop(legacy), legacy_only=True)
        return replace(self._stop([]), document=expand_home(document, self._environment))

    def _read_variables(self, value: Any) -> None:
        variables, warnings = dotenv.read_state_env(self._layout.root)
        kept = {name: text for name, text in variables.items() if env_block.refused(name) is None}
        self._warnings += warnings
        self._warnings += [
            fault((), f"{name} of .env {env_block.refused(name)}") for name in variables if name not in kept
        ]
        self._environment = self._environment.below(kept, dotenv.NAME)
        self._environment, warnings = env_block.apply_env(value, self._environment)
        self._warnings += warnings

    def _stop(self, issues: list[Issue]) -> Plain:
        return Plain(None, self._authored, self._environment, self._source, tuple(issues), tuple(self._warnings))
