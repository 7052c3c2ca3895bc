"""This machine's own device key and its device tokens: `identity/device.json` and `device-auth.json` (gateway.md 1.5).

The CLI, the node host and the gateway sign with this key. The files are those of the original, so that both can use
them.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openclaw.state.files import read_json, write_json
from openclaw.state.layout import StateLayout
from openclaw.state.locks import flock
from openclaw.system.clock import Clock
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VERSION: Final = 1


class DeviceIdentity:
    """A device key. Its private part never leaves this object.

    Attributes:
        device_id: lower-case hex SHA-256 of the raw public key.
        public_key: the raw public key, base64url without padding, as `connect` carries it.
    """

    __slots__ = ("_key", "device_id", "public_key")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        raw = key.public_key().public_bytes_raw()
        self.device_id = hashlib.sha256(raw).hexdigest()
        self.public_key = _base64url(raw)

    def sign(self, text: str) -> str:
        """Return the signature of a text, base64url without padding."""
        return _base64url(self._key.sign(text.encode("utf-8")))

    def __repr__(self) -> str:
        return f"DeviceIdentity({self.device_id[:12]}…)"


def load_identity(layout: StateLayout, clock: Clock) -> DeviceIdentity:
    """Return this machine's device key, making it at the first use.

    A wrong `deviceId` in the file is rewritten from the key.

    Raises:
        InvalidInput: the file is there but holds no Ed25519 key; it is not overwritten.
        Unavailable: the disk refuses.
    """
    path = layout.identity / "device.json"
    sound = read_identity(layout)
    if sound is not None:
        return sound
    with flock(layout.identity / "device.json.flock"):
        found = _read(path)
        if found is not None:
            identity, stored = found
            if stored.get("deviceId") != identity.device_id:
                write_json(path, {**stored, "deviceId": identity.device_id})
            return identity
        return _make(path, clock)


def read_identity(layout: StateLayout) -> DeviceIdentity | None:
    """Return this machine's device key without making or mending anything; None when there is no sound file.

    Raises:
        InvalidInput: the file is there but holds no Ed25519 key.
    """
    found = _read(layout.identity / "device.json")
    if found is None or found[1].get("deviceId") != found[0].device_id:
        return None
    return found[0]


def _read(path: Path) -> tuple[DeviceIdentity, dict[str, Any]] | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    stored = read_json(path)
    if stored is None:
        return None
    pem = stored.get("privateKeyPem") if isinstance(stored, dict) else None
    try:
        key = load_pem_private_key(pem.encode("ascii"), password=None) if isinstance(pem, str) else None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInput(
            f"{path} holds no Ed25519 device key; move it away to get a new one (this device must then pair again)",
            code="state-corrupt",
        )
    return DeviceIdentity(key), stored


def _make(path: Path, clock: Clock) -> DeviceIdentity:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    identity = DeviceIdentity(key)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_json(
        path,
        {
            "version": VERSION,
            "deviceId": identity.device_id,
            "publicKeyPem": public.decode("ascii"),
            "privateKeyPem": private.decode("ascii"),
            "createdAtMs": clock.now_ms(),
        },
    )
    return identity


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A device token that a gateway gave this machine.

    Attributes:
        token: its text.
        role: role that it is for.
        scopes: scopes that it covers.
        updated_at_ms: when it came.
    """

    token: Secret
    role: str
    scopes: tuple[str, ...]
    updated_at_ms: int


class DeviceAuth:
    """The device tokens of this machine, by role. Those of another device id are not ours and are ignored."""

    def __init__(self, layout: StateLayout, clock: Clock, device_id: str) -> None:
        self._path = layout.identity / "device-auth.json"
        self._lock = layout.identity / "device-auth.json.flock"
        self._clock = clock
        self._device_id = device_id

    def get(self, role: str) -> StoredToken | None:
        """Return the token of a role; None when there is none, or the file is corrupt."""
        return self._tokens().get(role)

    def put(self, role: str, token: str, scopes: tuple[str, ...]) -> None:
        """Keep a token that `hello-ok` brought.

        Raises:
            Unavailable: the disk refuses.
        """
        entry = StoredToken(Secret(token), role, tuple(sorted(set(scopes))), self._clock.now_ms())
        with flock(self._lock):
            self._write({**self._tokens(), role: entry})

    def delete(self, role: str) -> None:
        """Forget the token of a role, because a gateway refused it."""
        with flock(self._lock):
            kept = {name: entry for name, entry in self._tokens().items() if name != role}
            if len(kept) != len(self._tokens()):
                self._write(kept)

    def _tokens(self) -> dict[str, StoredToken]:
        try:
            stored = read_json(self._path)
        except InvalidInput:
            return {}
        if not isinstance(stored, dict) or stored.get("deviceId") != self._device_id:
            return {}
        tokens = stored.get("tokens")
        if not isinstance(tokens, dict):
            return {}
        read = {role: _read_token(role, item) for role, item in tokens.items()}
        return {role: entry for role, entry in read.items() if entry is not None}

    def _write(self, tokens: dict[str, StoredToken]) -> None:
        wire = {
            role: {
                "token": entry.token.reveal(),
                "role": role,
                "scopes": list(entry.scopes),
                "updatedAtMs": entry.updated_at_ms,
            }
            for role, entry in tokens.items()
        }
        write_json(self._path, {"version": VERSION, "deviceId": self._device_id, "tokens": wire})


def _read_token(role: str, item: object) -> StoredToken | None:
    if not isinstance(item, dict) or not isinstance(item.get("token"), str) or not item["token"]:
        return None
    scopes, updated = item.get("scopes"), item.get("updatedAtMs")
    return StoredToken(
        token=Secret(item["token"]),
        role=role,
        scopes=tuple(text for text in scopes if isinstance(text, str)) if isinstance(scopes, list) else (),
        updated_at_ms=updated if isinstance(updated, int) else 0,
    )


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
