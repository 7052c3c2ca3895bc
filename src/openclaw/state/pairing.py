"""The pairing store on disk: who waits and who was approved, per channel and account (channels.md 1.2, 1.3).

Reads are cheap enough for every message: a file is parsed again only when it changed. Every change is decided anew
under the lock of its file, since another process may have been faster. The decisions are `policy/who/dm_pairing.py`.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT, normalise_account_id
from openclaw.policy.who.dm_pairing import (
    CODE_ALPHABET,
    CODE_LENGTH,
    PairingRequest,
    Upsert,
    UpsertVerdict,
    add_allowed,
    allowed_ids,
    approve,
    channel_file_key,
    live,
    normalise_store_id,
    remove_allowed,
    upsert,
)
from openclaw.policy.who.facts import StoreView
from openclaw.state.files import read_json, write_json
from openclaw.state.layout import StateLayout
from openclaw.state.locks import directory_lock
from openclaw.state.pairing_json import read_request, write_request
from openclaw.state.stamps import Stamp, stamp_of
from openclaw.system.clock import Clock
from openclaw.system.errors import InvalidInput, Unavailable

log = logging.getLogger(__name__)

VERSION: Final = 1


def draw_code() -> str:
    """Return a random pairing code (advisory D6)."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


class PairingStore:
    """The files `credentials/<channel>-pairing.json` and `<channel>[-<account>]-allowFrom.json`."""

    def __init__(self, layout: StateLayout, clock: Clock, *, draw: Callable[[], str] = draw_code) -> None:
        self._folder = layout.credentials
        self._clock = clock
        self._draw = draw
        self._cache: dict[Path, tuple[Stamp, Any]] = {}

    # Reading

    def view(self, channel: str, account: str | None) -> StoreView:
        """Return what admission may know: approved ids and live requests of this channel and account.

        A file that is missing, corrupt or unreadable approves nobody.
        """
        key = channel_file_key(channel)
        if key is None:
            return StoreView()
        scope = normalise_account_id(account)
        requests = live(self._requests(key, channel), self._clock.now_ms())
        return StoreView(
            allow_from=allowed_ids(channel, self._entries(key, scope)),
            requests=tuple(request for request in requests if request.account == scope),
        )

    def allowed(self, channel: str, account: str | None = None) -> tuple[str, ...]:
        """Return the approved ids of a channel and account."""
        return self.view(_checked(channel), account).allow_from

    def pending(self, channel: str, account: str | None = None) -> tuple[PairingRequest, ...]:
        """Return the live requests of a channel, oldest first; of every account when none is named.

        Raises:
            InvalidInput: the channel id cannot name a file.
        """
        key = _file_key(channel)
        found = live(self._requests(key, channel), self._clock.now_ms())
        scope = None if account is None else normalise_account_id(account)
        return tuple(
            sorted(
                (request for request in found if scope in (None, request.account)),
                key=lambda request: (request.created_ms or 0, request.id),
            )
        )

    def allow_file(self, channel: str, account: str | None) -> str:
        """Return the name of the file with the approved ids of a channel and account.

        Raises:
            InvalidInput: the channel id cannot name a file.
        """
        return self._allow_path(_file_key(channel), normalise_account_id(account)).name

    # Changing

    def request(
        self, channel: str, account: str | None, sender: str, meta: Iterable[tuple[str, object]] = ()
    ) -> UpsertVerdict:
        """Record that a sender asks for admission; only when `CREATED` is the code to be sent.

        Raises:
            InvalidInput: the channel id cannot name a file.
            Conflict: another process holds the store.
            Unavailable: the disk refuses.
        """
        key = _file_key(channel)
        path = self._pairing_path(key)
        facts = tuple(meta)
        with directory_lock(path):
            before = self._requests(key, channel, strict=True)
            verdict = upsert(
                before,
                channel=channel,
                account=account,
                sender=sender,
                meta=facts,
                candidates=self._codes(),
                now_ms=self._clock.now_ms(),
            )
            if verdict.outcome not in (Upsert.INVALID, Upsert.NO_CODE) and verdict.requests != before:
                self._write_requests(path, verdict.requests)
        if verdict.outcome is Upsert.NO_CODE:
            raise Unavailable("no unused pairing code was found; try again", code="pairing-no-code")
        return verdict

    def approve(self, channel: str, code: str, account: str | None = None) -> PairingRequest | None:
        """Admit the sender whose code this is; None when no live request has it, whatever the reason.

        The request goes first, then the id is added: a crash between loses the request and never admits twice.

        Raises:
            InvalidInput: the channel id cannot name a file.
            Conflict: another process holds the store.
            Unavailable: the disk refuses.
        """
        key = _file_key(channel)
        path = self._pairing_path(key)
        with directory_lock(path):
            before = self._requests(key, channel, strict=True)
            verdict = approve(before, code=code, now_ms=self._clock.now_ms(), account=account)
            if verdict.request is None:
                return None
            self._write_requests(path, verdict.requests)
        self.add(channel, verdict.request.account, verdict.request.id)
        return verdict.request

    def add(self, channel: str, account: str | None, entry: str) -> bool:
        """Approve an id; returns whether it was new.

        Raises:
            InvalidInput: the entry is blank or a wildcard, or the channel id cannot name a file.
            Conflict: another process holds the store.
            Unavailable: the disk refuses.
        """
        if not normalise_store_id(channel, entry):
            raise InvalidInput(f"{entry!r} cannot be approved: the pairing store holds ids, and no wildcard")
        return self._change_allowed(channel, account, lambda entries: add_allowed(channel, entries, entry))

    def remove(self, channel: str, account: str | None, entry: str) -> bool:
        """Take an approved id out; returns whether it was there.

        Raises:
            InvalidInput: the channel id cannot name a file.
            Conflict: another process holds the store.
            Unavailable: the disk refuses.
        """
        return self._change_allowed(channel, account, lambda entries: remove_allowed(channel, entries, entry))

    def _change_allowed(
        self, channel: str, account: str | None, change: Callable[[tuple[str, ...]], tuple[str, ...]]
    ) -> bool:
        key = _file_key(channel)
        scope = normalise_account_id(account)
        path = self._allow_path(key, scope)
        with directory_lock(path):
            before = allowed_ids(channel, self._entries(key, scope, strict=True))
            after = change(before)
            if set(after) == set(before):
                return False
            document: dict[str, Any] = {"version": VERSION, "allowFrom": list(after)}
            write_json(path, document | _marker(key, scope))
        return True

    # Files

    def _pairing_path(self, key: str) -> Path:
        return self._folder / f"{key}-pairing.json"

    def _allow_path(self, key: str, scope: str) -> Path:
        middle = "" if scope == DEFAULT_ACCOUNT else f"-{scope}"
        return self._folder / f"{key}{middle}-allowFrom.json"

    def _codes(self) -> Iterator[str]:
        while True:
            yield self._draw()

    def _requests(self, key: str, channel: str, *, strict: bool = False) -> tuple[PairingRequest, ...]:
        document = self._document(self._pairing_path(key), strict=strict)
        items = document.get("requests")
        if not isinstance(items, list):
            return ()
        read = (read_request(channel, item) for item in items)
        return tuple(request for request in read if request is not None)

    def _entries(self, key: str, scope: str, *, strict: bool = False) -> tuple[str, ...]:
        document = self._document(self._allow_path(key, scope), strict=strict)
        if not _belongs(document, key, scope):
            if strict and document:
                raise InvalidInput(
                    f"{self._allow_path(key, scope).name} belongs to another channel or account; rename the account"
                )
            return ()
        items = document.get("allowFrom")
        if not isinstance(items, list):
            return ()
        return tuple(str(item) for item in items if isinstance(item, str | int) and not isinstance(item, bool))

    def _document(self, path: Path, *, strict: bool) -> Mapping[str, Any]:
        """Return a file's object, from memory when the file did not change; empty when there is nothing readable.

        With `strict` (before a change, under the lock) a corrupt file is put aside instead of overwritten, and one
        that cannot be read is an error.
        """
        stamp = stamp_of(path)
        if stamp is None:
            self._cache.pop(path, None)
            return {}
        known = self._cache.get(path)
        if known is not None and known[0] == stamp and not strict:
            found: Mapping[str, Any] = known[1]
            return found
        try:
            value = read_json(path)
        except Unavailable as error:
            if strict:
                raise
            log.warning("%s; it counts as empty", error)
            return {}
        except InvalidInput as error:
            log.warning("%s; it counts as empty", error)
            if strict:
                with contextlib.suppress(OSError):
                    path.replace(path.with_name(path.name + ".corrupt"))
            value = {}
        document = value if isinstance(value, dict) else {}
        self._cache[path] = (stamp, document)
        return document

    def _write_requests(self, path: Path, requests: Iterable[PairingRequest]) -> None:
        write_json(path, {"version": VERSION, "requests": [write_request(request) for request in requests]})


def _checked(channel: str) -> str:
    _file_key(channel)
    return channel


def _file_key(channel: str) -> str:
    key = channel_file_key(channel)
    if key is None:
        raise InvalidInput("invalid pairing channel")
    return key


def _marker(key: str, scope: str) -> dict[str, str]:
    """Return the fields that tell files apart whose names could mean two things: `a-b` and account `b` of `a`."""
    return {"channel": key, "accountId": scope} if "-" in key else {}


def _belongs(document: Mapping[str, Any], key: str, scope: str) -> bool:
    """Tell whether an allow file is that of this channel and account.

    Names are ambiguous only where a channel id holds a dash. Our files of such channels say whose they are; a file of
    the original does not, and only has the default account.
    """
    owner = {name: document[name] for name in ("channel", "accountId") if name in document}
    if owner:
        return owner == {"channel": key, "accountId": scope}
    return "-" not in key or scope == DEFAULT_ACCOUNT
