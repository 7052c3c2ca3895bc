"""Provider credentials of one agent, `auth-profiles.json`, and the rules of their order and cooldown (agent.md 4.2).

The rules are pure functions over a snapshot and a given time. A snapshot keeps the file's unknown fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from openclaw.state.files import read_json, write_json
from openclaw.state.locks import file_lock
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret

CredentialType = Literal["oauth", "token", "api_key"]
FailureReason = Literal["auth", "rate_limit", "billing", "timeout", "format", "other"]

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000

_SECRET_FIELD: Final[Mapping[str, str]] = MappingProxyType({"api_key": "key", "token": "token", "oauth": "access"})
_RANK: Final[Mapping[str, int]] = MappingProxyType({"oauth": 0, "token": 1, "api_key": 2})
_PROVIDER_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "z.ai": "zai",
        "z-ai": "zai",
        "opencode-zen": "opencode",
        "qwen": "qwen-portal",
        "kimi-code": "kimi-coding",
    }
)


def provider_id(text: str) -> str:
    """Return a provider id as everything compares it: lower-case, older names replaced (agent.md 4.1)."""
    lowered = text.strip().lower()
    return _PROVIDER_ALIASES.get(lowered, lowered)


@dataclass(frozen=True, slots=True)
class CooldownRules:
    """`auth.cooldowns` of the config, in hours."""

    billing_hours: float = 5.0
    billing_hours_by_provider: Mapping[str, float] = field(default_factory=dict)
    billing_max_hours: float = 24.0
    failure_window_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class Credential:
    """One usable profile.

    Attributes:
        profile_id: its id in the store.
        provider: normalised provider id.
        type: how it was obtained.
        secret: what goes to the provider.
        expires_ms: epoch milliseconds after which it is refused; None means never.
        email: whose it is, for people.
    """

    profile_id: str
    provider: str
    type: CredentialType
    secret: Secret
    expires_ms: int | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class ProfileHint:
    """What `auth.profiles` of the config says about a profile; never a secret."""

    provider: str
    mode: str


@dataclass(frozen=True, slots=True)
class ProfileStore:
    """A snapshot of `auth-profiles.json`; every change gives a new one."""

    raw: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"ProfileStore({', '.join(sorted(self._section('profiles')))})"

    def _section(self, name: str) -> Mapping[str, Any]:
        found = self.raw.get(name)
        return found if isinstance(found, dict) else {}

    def credential(self, profile_id: str) -> Credential | None:
        """Return a profile as a credential, or None when it is missing, blank or of an unknown type."""
        stored = self._section("profiles").get(profile_id)
        if not isinstance(stored, dict):
            return None
        kind = stored.get("type")
        secret = stored.get(_SECRET_FIELD.get(kind, "")) if isinstance(kind, str) else None
        provider = stored.get("provider")
        if not isinstance(secret, str) or not secret.strip() or not isinstance(provider, str):
            return None
        email = stored.get("email")
        return Credential(
            profile_id=profile_id,
            provider=provider_id(provider),
            type=cast("CredentialType", kind),
            secret=Secret(secret.strip()),
            expires_ms=_milliseconds(stored.get("expires")),
            email=email if isinstance(email, str) else None,
        )

    @property
    def profile_ids(self) -> tuple[str, ...]:
        """Return all profile ids in file order."""
        return tuple(self._section("profiles"))

    def stats(self, profile_id: str) -> Mapping[str, Any]:
        """Return the usage record of a profile; empty when it has none."""
        found = self._section("usageStats").get(profile_id)
        return found if isinstance(found, dict) else {}

    def stored_order(self, provider: str) -> tuple[str, ...]:
        """Return the order that the store itself gives for a provider; empty when it gives none."""
        for name, ids in self._section("order").items():
            if provider_id(name) == provider and isinstance(ids, list):
                return tuple(item for item in ids if isinstance(item, str))
        return ()

    def with_stats(self, profile_id: str, stats: Mapping[str, Any], *, good_for: str | None = None) -> ProfileStore:
        """Return a store with the usage record replaced and, for a success, `lastGood` of the provider set."""
        raw = {**self.raw, "version": self.raw.get("version", 1)}
        raw["usageStats"] = {**self._section("usageStats"), profile_id: dict(stats)}
        if good_for is not None:
            raw["lastGood"] = {**self._section("lastGood"), good_for: profile_id}
        return ProfileStore(raw)

    def over(self, parent: ProfileStore) -> ProfileStore:
        """Return this store with the parent's profiles underneath: `auth.inheritMain` (agent.md 2)."""
        profiles = {**parent._section("profiles"), **self._section("profiles")}
        stats = {**parent._section("usageStats"), **self._section("usageStats")}
        order = self._section("order") or parent._section("order")
        return ProfileStore({**parent.raw, **self.raw, "profiles": profiles, "usageStats": stats, "order": order})


def _milliseconds(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


# Rules


def blocked_until(stats: Mapping[str, Any], now_ms: int) -> int | None:
    """Return when a cooling or disabled profile may be used again, or None when it may be used now."""
    until = max((_milliseconds(stats.get(name)) or 0 for name in ("cooldownUntil", "disabledUntil")), default=0)
    return until if until > now_ms else None


def cooldown_ms(errors: int) -> int:
    """Return how long a profile rests after its `errors`-th failure in a row: 1, 5, 25, then 60 minutes."""
    if errors <= 0:
        return 0
    return int(min(HOUR_MS, MINUTE_MS * 5 ** min(errors - 1, 3)))


def billing_pause_ms(failures: int, provider: str, rules: CooldownRules) -> int:
    """Return how long a profile without credit rests: doubled with each failure, up to the configured cap."""
    hours = rules.billing_hours_by_provider.get(provider, rules.billing_hours)
    doubled = hours * 2.0 ** min(max(failures, 1) - 1, 16)
    return int(min(doubled, rules.billing_max_hours) * HOUR_MS)


def after_failure(
    stats: Mapping[str, Any], reason: FailureReason, provider: str, now_ms: int, rules: CooldownRules
) -> dict[str, Any]:
    """Return the usage record after a failed request.

    A record whose last failure is older than the window starts anew. Billing failures disable, all others cool down.
    """
    last = _milliseconds(stats.get("lastFailureAt"))
    stale = last is not None and now_ms - last > rules.failure_window_hours * HOUR_MS
    kept = {name: value for name, value in stats.items() if not stale or name == "lastUsed"}
    counts = dict(kept["failureCounts"]) if isinstance(kept.get("failureCounts"), dict) else {}
    counts[reason] = (_milliseconds(counts.get(reason)) or 0) + 1
    errors = (_milliseconds(kept.get("errorCount")) or 0) + 1
    record = {**kept, "errorCount": errors, "failureCounts": counts, "lastFailureAt": now_ms}
    if reason == "billing":
        record["disabledUntil"] = now_ms + billing_pause_ms(counts[reason], provider, rules)
        record["disabledReason"] = "billing"
    else:
        record["cooldownUntil"] = now_ms + cooldown_ms(errors)
    return record


def after_success(stats: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """Return the usage record after a good request: counters and pauses are gone."""
    spent = {"cooldownUntil", "disabledUntil", "disabledReason", "failureCounts", "errorCount"}
    return {**{name: value for name, value in stats.items() if name not in spent}, "errorCount": 0, "lastUsed": now_ms}


def eligible(
    credential: Credential | None, provider: str, hints: Mapping[str, ProfileHint], now_ms: int
) -> Credential | None:
    """Return the credential when it may serve a provider at all: right provider, not expired, not hidden by the config.

    A config `mode` that differs from the stored type hides a profile, except config `oauth` over a stored `token`.
    """
    if credential is None or not _serves(credential, provider, hints) or has_expired(credential, now_ms):
        return None
    return credential


def has_expired(credential: Credential, now_ms: int) -> bool:
    """Tell whether a credential is past its time. Nothing renews a login: no provider's token endpoint is known."""
    return credential.expires_ms is not None and credential.expires_ms <= now_ms


def expired(
    store: ProfileStore, provider: str, *, now_ms: int, hints: Mapping[str, ProfileHint] | None = None
) -> tuple[Credential, ...]:
    """Return the credentials of a provider that would serve it, had they not expired; the latest first."""
    found = [
        credential
        for name in store.profile_ids
        if (credential := store.credential(name)) is not None
        and _serves(credential, provider, hints or {})
        and has_expired(credential, now_ms)
    ]
    return tuple(sorted(found, key=lambda credential: -(credential.expires_ms or 0)))


def _serves(credential: Credential, provider: str, hints: Mapping[str, ProfileHint]) -> bool:
    hint = hints.get(credential.profile_id)
    if credential.provider != provider or hint is None:
        return credential.provider == provider
    fits = hint.mode == credential.type or (hint.mode == "oauth" and credential.type == "token")
    return fits and provider_id(hint.provider) == provider


def ordered(
    store: ProfileStore,
    provider: str,
    *,
    now_ms: int,
    hints: Mapping[str, ProfileHint] | None = None,
    config_order: Sequence[str] = (),
    pinned: str | None = None,
) -> tuple[Credential, ...]:
    """Return the credentials of a provider in the order in which they are tried (agent.md 4.2).

    The store's order comes before the config's. Without either: usable ones by type and then least recently used,
    cooling ones last, the soonest first. An explicit order is kept, cooling ones last. A pinned profile is first.
    """
    hints = hints or {}
    explicit = store.stored_order(provider) or tuple(config_order)
    named = tuple(name for name, hint in hints.items() if provider_id(hint.provider) == provider)
    candidates: Iterable[str] = explicit or named or store.profile_ids
    found = [
        credential
        for name in dict.fromkeys(candidates)
        if (credential := eligible(store.credential(name), provider, hints, now_ms)) is not None
    ]

    def waits(credential: Credential) -> int:
        return blocked_until(store.stats(credential.profile_id), now_ms) or 0

    def least_recent(credential: Credential) -> tuple[int, int]:
        return (_RANK[credential.type], _milliseconds(store.stats(credential.profile_id).get("lastUsed")) or 0)

    usable = [credential for credential in found if not waits(credential)]
    if not explicit:
        usable.sort(key=least_recent)
    cooling = sorted((credential for credential in found if waits(credential)), key=waits)
    chosen = [*usable, *cooling]
    chosen.sort(key=lambda credential: credential.profile_id != pinned)
    return tuple(chosen)


# The file


def read_profiles(path: Path) -> ProfileStore:
    """Read a store; a missing file is an empty one.

    Raises:
        InvalidInput: it is not a JSON object. The message never holds its content.
        Unavailable: it cannot be read.
    """
    stored = read_json(path)
    if stored is None:
        return ProfileStore()
    if not isinstance(stored, dict):
        raise InvalidInput(f"{path} must hold a JSON object", code="state-corrupt")
    return ProfileStore(stored)


def record_stats(path: Path, profile_id: str, stats: Mapping[str, Any], *, good_for: str | None = None) -> ProfileStore:
    """Write one usage record under the store's lock and return the store as it then is. Blocks: call it on a thread.

    A profile that is not in this file (an inherited one, or a key from the environment) still gets a record here.

    Raises:
        Conflict: another process holds the lock.
        InvalidInput, Unavailable: as `read_profiles` and the disk say.
    """
    with file_lock(path):
        store = read_profiles(path).with_stats(profile_id, stats, good_for=good_for)
        write_json(path, dict(store.raw))
        return store
