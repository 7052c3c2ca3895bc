"""The file `exec-approvals.json` of an execution host: load, read for decisions, edit under a lock (exec.md 2.1, 2.10).

What the file means is decided in `exec_approvals_doc`; this module is its disk. The socket token never leaves it.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from openclaw.policy.what.exec_model import Persistable
from openclaw.state.exec_approvals_change import FileChange, differences
from openclaw.state.exec_approvals_doc import (
    Document,
    HostRules,
    UsedEntry,
    faults,
    host_rules,
    normalise,
    parse,
    with_entries,
    with_uses,
)
from openclaw.state.files import read_text, write_json
from openclaw.state.locks import flock
from openclaw.system.clock import Clock
from openclaw.system.errors import Conflict, InvalidInput, OpenClawError, Unavailable

log = logging.getLogger(__name__)

SIZE_LIMIT: Final = 4 * 1024 * 1024
_RETRY: Final = "re-run exec.approvals.get and retry"


class ExecApprovalsFile:
    """The approvals file of this machine. Every method blocks; call it on a thread where latency counts.

    Args:
        path: where it lies.
        clock: gives the times of use.
        redact: masks secrets in stored commands.
    """

    def __init__(self, path: Path, clock: Clock, *, redact: Callable[[str], str]) -> None:
        self._path = path
        self._clock = clock
        self._redact = redact
        self._cache: tuple[str, HostRules] | None = None
        self._told: str | None = None

    def rules(self) -> HostRules:
        """Return what the file says now. A file that is not understood denies everything and is reported loudly."""
        try:
            text = read_text(self._path, limit=SIZE_LIMIT)
            if self._cache is not None and text is not None and self._cache[0] == text:
                return self._cache[1]
            found = host_rules(normalise(parse(text)))
        except (ValueError, OpenClawError) as error:
            return HostRules(fault=self._report(str(error)))
        self._told = None
        self._cache = (text, found) if text is not None else None
        return found

    def get(self) -> dict[str, Any]:
        """Return `{path, exists, hash, file}` without the socket token; the file is made when it is missing.

        A file that is not understood comes back as an empty one with `fault`, so that it can be replaced by `set`.

        Raises:
            Unavailable: it cannot be read or made.
        """
        with self._locked():
            text = read_text(self._path, limit=SIZE_LIMIT)
            if text is None:
                self._write({"version": 1, "agents": {}}, None)
                text = read_text(self._path, limit=SIZE_LIMIT) or ""
        answer = {"path": str(self._path), "exists": True, "hash": revision(text)}
        try:
            return {**answer, "file": _without_token(self._understood(text))}
        except Unavailable as error:
            return {**answer, "file": {"version": 1, "agents": {}}, "fault": error.message}

    def set(
        self, file: object, base_hash: str | None, *, told: Callable[[FileChange], None] | None = None
    ) -> dict[str, Any]:
        """Replace the file and return it as `get` does; what the caller leaves out of `socket` is kept.

        Args:
            file: the new document.
            base_hash: revision that the caller has read; needed when there is a file.
            told: is given what changed, once it is stored.

        Raises:
            InvalidInput: the document has faults, or the base hash is missing.
            Conflict: the file has changed since the caller read it.
            Unavailable: it cannot be written.
        """
        wrong = faults(file)
        if wrong or not isinstance(file, Mapping):
            raise InvalidInput(f"exec approvals: {'; '.join(wrong[:3])}", details={"issues": wrong})
        with self._locked():
            text = read_text(self._path, limit=SIZE_LIMIT)
            if text is not None and not base_hash:
                raise InvalidInput(f"exec approvals base hash required; {_RETRY}", code="base-hash-required")
            if base_hash and base_hash != revision(text):
                raise Conflict(f"exec approvals changed since last load; {_RETRY}", code="base-hash-mismatch")
            before = self._stored(text)
            self._write(dict(file), before.get("socket"))
        answer = self.get()
        if told is not None:
            told(FileChange(revision(text), answer["hash"], differences(before, answer["file"])))
        return answer

    def record_use(self, used: Iterable[UsedEntry], *, command: str) -> None:
        """Mark entries as used; a file that cannot be written is reported and changes nothing for the command."""
        rows = tuple(used)
        if rows:
            self._edit(
                lambda document: with_uses(document, rows, command=self._redact(command), now_ms=self._clock.now_ms())
            )

    def allow_always(self, agent_id: str, found: Iterable[Persistable], *, command: str) -> bool:
        """Add entries for an agent; return whether they are stored."""
        rows = tuple(found)
        return bool(rows) and self._edit(
            lambda document: with_entries(
                document, agent_id, rows, command=self._redact(command), now_ms=self._clock.now_ms()
            )
        )

    def _edit(self, change: Callable[[Document], Document]) -> bool:
        try:
            with self._locked():
                text = read_text(self._path, limit=SIZE_LIMIT)
                document = self._understood(text)
                self._write(change(document), document.get("socket"))
        except OpenClawError as error:
            log.warning("exec approvals were not updated: %s", error)
            return False
        return True

    def _understood(self, text: str | None) -> Document:
        try:
            return normalise(parse(text))
        except ValueError as error:
            raise Unavailable(self._report(str(error)), code="exec-approvals-broken") from None

    def _report(self, why: str) -> str:
        message = (
            f"{self._path} is not usable ({why}); every command on this host is denied until it is mended: "
            "openclaw approvals set --file F"
        )
        if self._told != message:
            self._told = message
            log.error("%s", message)
        return message

    def _stored(self, text: str | None) -> Document:
        """Return the document that is about to be replaced; one that is not understood holds nothing."""
        try:
            return normalise(parse(text))
        except ValueError:
            return {}

    def _write(self, document: Document, socket: object) -> None:
        """Store a document; blank socket fields keep their value or are made."""
        result = normalise(document)
        kept = dict(socket) if isinstance(socket, Mapping) else {}
        given = result.get("socket")
        result["socket"] = {
            "path": str(self._path.with_suffix(".sock")),
            "token": base64.urlsafe_b64encode(secrets.token_bytes(24)).decode().rstrip("="),
            **kept,
            **(given if isinstance(given, Mapping) else {}),
        }
        write_json(self._path, {"version": 1, **{key: row for key, row in result.items() if key != "version"}})

    def _locked(self) -> AbstractContextManager[int]:
        return flock(self._path.with_name(self._path.name + ".flock"))


def revision(text: str | None) -> str:
    """Return the revision hash of a file's raw text; that of an absent file is of the empty text."""
    return hashlib.sha256((text or "").encode("utf-8", "surrogatepass")).hexdigest()


def _without_token(document: Document) -> Document:
    shown = copy.deepcopy(document)
    socket = shown.get("socket")
    if isinstance(socket, dict):
        socket.pop("token", None)
    return shown
