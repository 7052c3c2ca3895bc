"""Moving plain secrets out of the config: to `.env`, to a private file, or to the keyring of the system.

The secret is at its new place before the config refers to it. When the config cannot be changed, the new place is as it
was before. Backups of the config lose the secret too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from openclaw.config import dotenv
from openclaw.config.edit import ConfigEditor
from openclaw.config.issues import Parts, dotted
from openclaw.config.load import Loaded
from openclaw.config.paths import get_value
from openclaw.config.plain import Plain, read_plain
from openclaw.config.text_edit import Change, Drop, Put
from openclaw.security.secret_scan.env_file import add_variables
from openclaw.security.secret_scan.model import MOVABLE, Kind, PlainSecret
from openclaw.security.secret_scan.scrub import scrub_backups
from openclaw.state.files import put_in_place, read_json, staged, write_private
from openclaw.state.layout import StateLayout
from openclaw.state.locks import flock
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, MissingExtra, Refused, Unavailable

Target = Literal["env", "file", "keyring"]
PREFIX: Final = "OPENCLAW_SECRET_"
SECRETS_FILE: Final = "secrets.json"
KEYRING_SERVICE: Final = "openclaw"
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[A-Z]+|[0-9]+")

KeyringSetter = Callable[[str, str, str], None]
"""Stores (service, id, value)."""


@dataclass(frozen=True, slots=True)
class Move:
    """One secret and where it goes; the value is not here.

    Attributes:
        secret: where it stands.
        target: what kind of place it goes to.
        name: variable, pointer or keyring entry.
        dropped: the config does not name it any more: variables of the `env` block become variables of `.env`.
    """

    secret: PlainSecret
    target: Target
    name: str
    dropped: bool = False

    @property
    def place(self) -> str:
        """Return where it goes, for people."""
        return {
            "env": f".env ({self.name})",
            "file": f"{SECRETS_FILE} ({self.name})",
            "keyring": f"keyring ({self.name})",
        }[self.target]

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"file": str(self.secret.file), "path": self.secret.path, "to": self.target, "name": self.name}


def plan_moves(found: Iterable[PlainSecret], plain: Plain, target: Target) -> list[Move]:
    """Return what can be moved out of the config, and under which name.

    Only leaves that the schema marks take a reference object; other texts can refer to a variable alone.

    Args:
        found: what the scan found.
        plain: the config as written.
        target: where to.
    """
    taken = {name for name, text in plain.environment.values.items() if text.strip()}
    moves = []
    for secret in found:
        if secret.kind not in MOVABLE or not secret.parts:
            continue
        own = _own_variable(secret.parts)
        if own is not None:
            moves.append(Move(secret, "env", own, dropped=True))
        elif target == "env" or secret.kind is not Kind.CONFIG:
            name = _free(PREFIX + snake(secret.parts), taken)
            taken.add(name)
            moves.append(Move(secret, "env", name))
        elif target == "file":
            moves.append(Move(secret, target, f"/{_escaped(secret.path)}"))
        else:
            moves.append(Move(secret, target, secret.path))
    return moves


def snake(parts: Parts) -> str:
    """Return a path as the name of a variable: `channels.telegram.botToken` is CHANNELS_TELEGRAM_BOT_TOKEN."""
    words = [word for part in parts for word in _WORD.findall(str(part))]
    return "_".join(words).upper() or "VALUE"


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else next(f"{name}_{n}" for n in range(2, 10_000) if f"{name}_{n}" not in taken)


def _own_variable(parts: Parts) -> str | None:
    """Return the variable that a leaf of the `env` block is."""
    if parts[0] != "env" or len(parts) not in (2, 3):
        return None
    inside = parts[1:] if parts[1] != "vars" else parts[2:]
    return str(inside[0]) if len(inside) == 1 else None


def _escaped(path: str) -> str:
    return path.replace("~", "~0").replace("/", "~1")


def set_in_keyring(service: str, identity: str, value: str) -> None:
    """Store an entry in the keyring of the system.

    Raises:
        MissingExtra: no keyring library is installed.
        Unavailable: the machine has no keyring, or it is locked.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise MissingExtra("moving a secret to the keyring", "keyring") from None
    try:
        keyring.set_password(service, identity, value)
    except KeyringError as error:
        raise Unavailable(f"the keyring of this machine did not take it: {error}", code="keyring") from None


class Mover:
    """Moves secrets of one state directory.

    Args:
        layout: the state directory.
        environment: the process environment.
        keyring: stores an entry.
    """

    def __init__(
        self, layout: StateLayout, environment: Environment, *, keyring: KeyringSetter = set_in_keyring
    ) -> None:
        self._layout = layout
        self._environment = environment
        self._keyring = keyring

    def apply(self, moves: Sequence[Move]) -> tuple[Move, ...]:
        """Make the moves, all or none, and return them.

        Raises:
            Refused: the config changed meanwhile, or `.env` may not be added to.
            InvalidInput: a value cannot be stored there.
            ConfigInvalid: the config would not be valid; nothing has changed.
            Unavailable: the disk refuses.
        """
        if not moves:
            return ()
        plain = read_plain(self._layout, self._environment)
        values = {move.secret.parts: _text(plain, move.secret.parts) for move in moves}
        root = self._layout.root
        with flock(root / f"{dotenv.NAME}.flock"), _Before(root / dotenv.NAME, root / SECRETS_FILE) as before:
            try:
                self._store(moves, values, plain)
                editor = ConfigEditor(self._layout, self._environment, approve=self._same(plain, moves))
                editor.change([self._change(move) for move in moves])
            except BaseException:
                before.come_back()
                raise
        references = {values[move.secret.parts]: self._reference(move) for move in moves}
        scrub_backups(tuple(path for path in plain.source.files if path.name != dotenv.NAME), references)
        return tuple(moves)

    def _store(self, moves: Sequence[Move], values: Mapping[Parts, str], plain: Plain) -> None:
        """Put the secrets at their new places."""
        variables: dict[str, str] = {}
        entries: dict[str, str] = {}
        for move in moves:
            value = values[move.secret.parts]
            if move.target == "env":
                if not (move.dropped and _wins_already(plain, move.name)):
                    variables.setdefault(move.name, value)
            elif move.target == "file":
                entries[move.secret.path] = value
            else:
                self._keyring(KEYRING_SERVICE, move.name, value)
        if variables:
            add_variables(self._layout.root / dotenv.NAME, variables)
        if entries:
            self._add_entries(self._layout.root / SECRETS_FILE, entries)

    def _add_entries(self, file: Path, entries: Mapping[str, str]) -> None:
        known = read_json(file)
        if known is not None and not isinstance(known, dict):
            raise InvalidInput(f"{file} must hold a JSON object", code="state-corrupt")
        write_private(file, json.dumps({**(known or {}), **entries}, indent=2, ensure_ascii=False) + "\n")

    def _change(self, move: Move) -> Change:
        if move.dropped:
            return Drop(move.secret.parts)
        return Put(move.secret.parts, self._reference(move))

    def _reference(self, move: Move) -> Any:
        if move.target == "env":
            return f"${{{move.name}}}"
        if move.target == "file":
            return {"source": "file", "path": str(self._layout.root / SECRETS_FILE), "pointer": move.name}
        return {"source": "keyring", "service": KEYRING_SERVICE, "id": move.name}

    def _same(self, plain: Plain, moves: Sequence[Move]) -> Callable[[Loaded], None]:
        """Return a check that every variable that the config refers to now has the value that stood there."""

        def check(loaded: Loaded) -> None:
            assert loaded.config is not None
            document = dict(loaded.config.document)
            for move in moves:
                if move.target != "env" or move.dropped:
                    continue
                now = get_value(document, move.secret.parts)[1]
                if now != get_value(plain.document, move.secret.parts)[1]:
                    raise Refused(
                        f"{move.secret.path}: {move.name} has another value in the environment; nothing was moved",
                        code="secret-move",
                    )

        return check


def _wins_already(plain: Plain, name: str) -> bool:
    """Tell whether a variable of the `env` block does not count, because the process or `.env` has it."""
    return bool(plain.environment.get(name)) and plain.environment.origins.get(name) in (None, dotenv.NAME)


def _text(plain: Plain, parts: Parts) -> str:
    found, value = get_value(plain.authored, parts)
    if found and isinstance(value, str) and value:
        return value
    if found and isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    raise Refused(f"{dotted(parts)} is not there any more; scan again", code="secret-move")


class _Before:
    """Files as they were, to come back without needing a free byte on the disk."""

    def __init__(self, *files: Path) -> None:
        self._absent = [file for file in files if not file.is_symlink() and not file.exists()]
        self._plain = [file for file in files if not file.is_symlink() and file.is_file()]
        self._aside: dict[Path, Path] = {}

    def __enter__(self) -> _Before:
        try:
            for file in self._plain:
                self._aside[file] = staged(file, file.read_bytes())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        for aside in self._aside.values():
            aside.unlink(missing_ok=True)

    def come_back(self) -> None:
        """Make all files what they were; one that is still that stays untouched."""
        for file in self._absent:
            file.unlink(missing_ok=True)
        for file, aside in list(self._aside.items()):
            if not file.is_file() or file.read_bytes() != aside.read_bytes():
                put_in_place(self._aside.pop(file), file)
