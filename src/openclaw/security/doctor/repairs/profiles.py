"""Model credentials that an older release kept elsewhere: `credentials/oauth.json` (config.md 2.3, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw.state.auth_profiles import provider_id, read_profiles
from openclaw.state.files import read_json, write_json
from openclaw.state.locks import file_lock
from openclaw.system.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ImportOAuth:
    """Takes the logins of the old file over as profiles of an agent; the old file stays for older programs.

    Attributes:
        source: `credentials/oauth.json`.
        profiles: `auth-profiles.json` of the default agent.
        providers: whose logins are taken over.
        shown: how people are shown the profiles.
    """

    source: Path
    profiles: Path
    providers: tuple[str, ...]
    shown: str
    safe: bool = True
    moves: bool = False

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"import {self.source} to {self.profiles}"

    def describe(self) -> tuple[str, ...]:
        """Return a line per provider."""
        return tuple(
            f"add the login of {provider} from {self.source.name} to {self.shown}" for provider in self.providers
        )

    def apply(self) -> tuple[str, ...]:
        """Add them; a profile that is there already wins."""
        import_oauth(self.source, self.profiles)
        return ()


def legacy_logins(source: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the logins of an `oauth.json` by provider: those that hold an access and a refresh token.

    Raises:
        InvalidInput: it is no JSON object; the message never holds its content.
        Unavailable: it cannot be read.
    """
    found = read_json(source)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidInput(f"{source} must hold a JSON object", code="state-corrupt")
    return {
        provider_id(name): entry
        for name, entry in found.items()
        if isinstance(entry, dict) and isinstance(entry.get("access"), str) and isinstance(entry.get("refresh"), str)
    }


def missing_logins(source: Path, profiles: Path) -> tuple[str, ...]:
    """Return the providers whose login no profile has yet.

    Raises:
        InvalidInput, Unavailable: one of the files cannot be read.
    """
    known = {store.provider for store in _credentials(profiles)}
    return tuple(name for name in legacy_logins(source) if name not in known)


def _credentials(profiles: Path) -> list[Any]:
    store = read_profiles(profiles)
    return [found for name in store.profile_ids if (found := store.credential(name)) is not None]


def import_oauth(source: Path, profiles: Path) -> tuple[str, ...]:
    """Add the logins of an old file to an agent's profiles and return the providers. Blocks: call it on a thread.

    Raises:
        InvalidInput, Unavailable: one of the files cannot be read or written.
        Conflict: another process holds the profiles.
    """
    if not missing_logins(source, profiles):
        return ()
    with file_lock(profiles):
        wanted = missing_logins(source, profiles)
        logins = legacy_logins(source)
        store = dict(read_profiles(profiles).raw)
        kept = store.get("profiles")
        added = {f"{name}:default": {**logins[name], "type": "oauth", "provider": name} for name in wanted}
        write_json(
            profiles,
            {
                **store,
                "version": store.get("version", 1),
                "profiles": {**added, **(kept if isinstance(kept, dict) else {})},
            },
        )
    return wanted
