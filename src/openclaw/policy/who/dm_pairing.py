"""DM pairing: the list of waiting requests and of approved senders, as values (channels.md 1.2, 1.3; advisories D1-D7).

Nothing is read or written here, no code is drawn and no time is taken: the store does that under its lock and asks
these functions. Approvals belong to one channel and account and admit to direct chats only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from openclaw.policy.verdict import Reason, Verdict
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT, normalise_account_id

CODE_ALPHABET: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_LENGTH: Final = 8
CODE_TRIES: Final = 500
TTL_MS: Final = 3_600_000
MAX_PENDING: Final = 3
MAX_ID_LENGTH: Final = 256
MAX_META: Final = 16
MAX_META_LENGTH: Final = 256
WILDCARD: Final = "*"

_PREFIXES: Final = {
    "telegram": ("telegram:", "tg:"),
    "discord": ("discord:", "user:"),
    "slack": ("slack:", "user:"),
    "signal": ("signal:",),
    "msteams": ("msteams:", "user:"),
    "bluebubbles": ("bluebubbles:",),
}
_FILE_UNSAFE: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]')
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ().-]{4,}")


class Upsert(StrEnum):
    """What asking for admission did."""

    CREATED = "created"
    REPEATED = "repeated"
    FULL = "full"
    NO_CODE = "no-code"
    INVALID = "invalid"


class Approval(StrEnum):
    """What entering a code did."""

    APPROVED = "approved"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PairingRequest:
    """One sender who waits.

    Attributes:
        id: the sender's immutable id, normalised for the channel.
        code: what the owner enters; shown to the sender and the owner only.
        created_ms: when the code was made; None when the file does not say: then it is expired.
        last_seen_ms: when the sender last wrote.
        account: account of the channel that the sender wrote to.
        meta: what the channel says of the sender, for people; chosen by the sender.
    """

    id: str
    code: str = field(repr=False)
    created_ms: int | None
    last_seen_ms: int
    account: str = DEFAULT_ACCOUNT
    meta: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class UpsertVerdict(Verdict[Upsert]):
    """The result of asking.

    Attributes:
        requests: the list afterwards; the same one when nothing is to be written.
        request: the sender's request, when one exists now.
    """

    requests: tuple[PairingRequest, ...] = ()
    request: PairingRequest | None = None


@dataclass(frozen=True, slots=True)
class ApprovalVerdict(Verdict[Approval]):
    """The result of entering a code: the list without the request, and whom to admit."""

    requests: tuple[PairingRequest, ...] = ()
    request: PairingRequest | None = None


def channel_file_key(channel: str) -> str | None:
    """Return what a channel's files are named after (channels.md 1.3); None when the id cannot name a file."""
    key = _FILE_UNSAFE.sub("_", channel.strip().lower()).replace("..", "_")
    return None if key in ("", "_", ".") or len(key) > 64 else key


def normalise_store_id(channel: str, entry: str) -> str:
    """Return an id as the allow file keeps it; empty when it can admit nobody: blank, too long, or a wildcard."""
    text = entry.strip()
    kind = channel.strip().lower()
    for prefix in _PREFIXES.get(kind, ()):
        if text.lower().startswith(prefix):
            text = text[len(prefix) :].strip()
            break
    if kind == "bluebubbles":
        text = _handle(text)
    if text == WILDCARD or len(text) > MAX_ID_LENGTH or not text.isprintable():
        return ""
    return text


def _handle(text: str) -> str:
    """Return an iMessage handle in one form: mail address in lower case, phone number as E.164."""
    if "@" in text:
        return text.lower()
    if _PHONE.fullmatch(text):
        return "+" + "".join(char for char in text if char.isdigit())
    return text


def normalise_code(text: str) -> str:
    """Return a code as it is compared: trimmed, upper-case; empty when it cannot be one."""
    code = text.strip().upper()
    return code if len(code) == CODE_LENGTH and all(char in CODE_ALPHABET for char in code) else ""


def normalise_meta(meta: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Return meta values as text, trimmed, without empty ones, bounded; the account is kept apart."""
    found: dict[str, str] = {}
    for name, value in meta:
        if value is None or name == "accountId":
            continue
        text = str(value).strip()[:MAX_META_LENGTH]
        if text and len(found) < MAX_META:
            found[name[:64]] = text
    return tuple(found.items())


def is_live(request: PairingRequest, now_ms: int) -> bool:
    """Tell whether a request still counts: not older than one hour, and neither undated nor from a far future."""
    if request.created_ms is None:
        return False
    return -TTL_MS <= now_ms - request.created_ms <= TTL_MS


def live(requests: Iterable[PairingRequest], now_ms: int) -> tuple[PairingRequest, ...]:
    """Return the requests that still count, in the order of the file."""
    return tuple(request for request in requests if is_live(request, now_ms))


def upsert(
    requests: Iterable[PairingRequest],
    *,
    channel: str,
    account: str | None,
    sender: str,
    meta: Iterable[tuple[str, object]],
    candidates: Iterable[str],
    now_ms: int,
) -> UpsertVerdict:
    """Record that a sender asks for admission (channels.md 1.2).

    A sender who already waits is refreshed, which prolongs nothing. At most three wait per channel and account. Expired
    requests are dropped from the list in every case.

    Args:
        requests: all requests of the channel, of every account.
        channel: the channel.
        account: account that was written to.
        sender: id of the sender.
        meta: facts for people.
        candidates: codes drawn at random; the first that is not in use is taken, at most 500 are looked at.
        now_ms: the time.
    """
    kept = live(requests, now_ms)
    scope = normalise_account_id(account)
    wanted = normalise_store_id(channel, sender)
    if not wanted:
        reason = Reason("dm.no-sender-id", detail="the sender has no id that could be approved")
        return UpsertVerdict(Upsert.INVALID, (reason,), requests=kept)
    facts = normalise_meta(meta)
    mine = [request for request in kept if request.account == scope]
    known = next((request for request in mine if request.id == wanted), None)
    if known is not None:
        seen = replace(known, last_seen_ms=now_ms, meta=facts or known.meta)
        after = tuple(seen if request is known else request for request in kept)
        return UpsertVerdict(Upsert.REPEATED, (Reason("dm.pairing.repeat"),), requests=after, request=seen)
    if len(mine) >= MAX_PENDING:
        latest = sorted(mine, key=lambda request: request.last_seen_ms, reverse=True)[:MAX_PENDING]
        after = tuple(request for request in kept if request.account != scope or request in latest)
        reason = Reason("dm.pairing.full", detail=f"{MAX_PENDING} requests of this account wait already")
        return UpsertVerdict(Upsert.FULL, (reason,), requests=after)
    code = _unused(candidates, {request.code for request in kept})
    if code is None:
        reason = Reason("dm.pairing.no-code", detail="no unused code was drawn")
        return UpsertVerdict(Upsert.NO_CODE, (reason,), requests=kept)
    made = PairingRequest(wanted, code, now_ms, now_ms, scope, facts)
    return UpsertVerdict(Upsert.CREATED, (Reason("dm.pairing.new"),), requests=(*kept, made), request=made)


def _unused(candidates: Iterable[str], taken: set[str]) -> str | None:
    for tried, candidate in enumerate(candidates):
        if tried == CODE_TRIES:
            return None
        code = normalise_code(candidate)
        if code and code not in taken:
            return code
    return None


def approve(
    requests: Iterable[PairingRequest], *, code: str, now_ms: int, account: str | None = None
) -> ApprovalVerdict:
    """Take the request that a code names out of the list.

    Unknown, expired and used codes are not told apart (advisory D6).

    Args:
        requests: all requests of the channel.
        code: as typed.
        now_ms: the time.
        account: consider requests of this account only.
    """
    kept = live(requests, now_ms)
    wanted = normalise_code(code)
    scope = None if account is None else normalise_account_id(account)
    found = (
        next((request for request in kept if request.code == wanted and scope in (None, request.account)), None)
        if wanted
        else None
    )
    if found is None:
        return ApprovalVerdict(Approval.UNKNOWN, (Reason("dm.pairing.unknown-code"),), requests=kept)
    after = tuple(request for request in kept if request is not found)
    return ApprovalVerdict(Approval.APPROVED, (Reason("dm.pairing.approved"),), requests=after, request=found)


def allowed_ids(channel: str, entries: Iterable[str]) -> tuple[str, ...]:
    """Return the approved ids of an allow file, normalised and once each; wildcards are ignored (channels.md 1.1)."""
    found = dict.fromkeys(normalise_store_id(channel, entry) for entry in entries)
    return tuple(entry for entry in found if entry)


def add_allowed(channel: str, entries: Iterable[str], entry: str) -> tuple[str, ...]:
    """Return the approved ids with one more; one that is no id, a wildcard among them, changes nothing."""
    return allowed_ids(channel, (*entries, entry))


def remove_allowed(channel: str, entries: Iterable[str], entry: str) -> tuple[str, ...]:
    """Return the approved ids without one."""
    gone = normalise_store_id(channel, entry)
    return tuple(known for known in allowed_ids(channel, entries) if known != gone)
