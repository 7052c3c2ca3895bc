"""Device identity on the wire: the signed texts and the checks of a `connect` (gateway.md 1.5).

The id of a device is the hash of its key, so a device proves its id by signing. Knows nothing of stores or pairing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from openclaw.policy.verdict import Outcome, Reason
from openclaw.policy.who.connect_refusals import DeviceProof

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SKEW_MS: Final = {3: 600_000, 4: 120_000}
"""How far `signedAt` may be from our clock, by negotiated protocol."""
_BASE64: Final = re.compile(r"[A-Za-z0-9_+/-]*={0,2}")
_ASCII_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class SignedFields:
    """What a device signs, exactly as it was sent in the same request.

    Attributes:
        device_id: `device.id`.
        client_id, client_mode: from `client`.
        role: as sent, `operator` when absent.
        scopes: as sent, in order.
        signed_at_ms: `device.signedAt`.
        token: `auth.token`, else `auth.deviceToken`, else `auth.bootstrapToken`, else empty.
        nonce: `device.nonce`.
        platform, device_family: from `client`; empty when absent.
    """

    device_id: str
    client_id: str
    client_mode: str
    role: str
    scopes: tuple[str, ...]
    signed_at_ms: int
    token: str = ""
    nonce: str = ""
    platform: str = ""
    device_family: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A device's part of a `connect`.

    Attributes:
        fields: what it signed.
        public_key: as sent: base64url of the raw key, or PEM.
        signature: as sent.
    """

    fields: SignedFields
    public_key: str
    signature: str


@dataclass(frozen=True, slots=True)
class Moment:
    """What the checks compare with.

    Attributes:
        now_ms: our clock.
        nonce: the nonce of this connection.
        protocol: negotiated protocol.
        local: the client is on this machine.
    """

    now_ms: int
    nonce: str
    protocol: int
    local: bool


def text_v1(fields: SignedFields) -> str:
    """Return the oldest text: no nonce. Seed clients sign it when they got no challenge."""
    return "|".join(("v1", *_common(fields)))


def text_v2(fields: SignedFields) -> str:
    """Return the text with the nonce."""
    return "|".join(("v2", *_common(fields), fields.nonce))


def text_v3(fields: SignedFields) -> str:
    """Return the text with nonce, platform and device family."""
    return "|".join(("v3", *_common(fields), fields.nonce, _metadata(fields.platform), _metadata(fields.device_family)))


def _common(fields: SignedFields) -> tuple[str, ...]:
    return (
        fields.device_id,
        fields.client_id,
        fields.client_mode,
        fields.role,
        ",".join(fields.scopes),
        str(fields.signed_at_ms),
        fields.token,
    )


def _metadata(text: str) -> str:
    return text.strip().translate(_ASCII_LOWER)


def encode_base64url(data: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of base64 or base64url, padded or not; None when it is neither."""
    if not _BASE64.fullmatch(text):
        return None
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return None


def raw_public_key(text: str) -> bytes | None:
    """Return the raw bytes of a public key, given as base64url or as PEM; None when it is neither.

    The length is not checked: a caller that needs a usable key compares it with KEY_BYTES.
    """
    if "BEGIN" not in text:
        return decode_base64(text)
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(text.encode("utf-8", "replace"))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


def device_id_of(raw_key: bytes) -> str:
    """Return the id of a device: lower-case hex SHA-256 of its raw key."""
    return hashlib.sha256(raw_key).hexdigest()


def normalise_public_key(text: str) -> str | None:
    """Return a public key as stores keep it: base64url of 32 raw bytes; None when it is none."""
    raw = raw_public_key(text)
    return encode_base64url(raw) if raw is not None and len(raw) == KEY_BYTES else None


def check_device(claim: Claim, moment: Moment) -> DeviceProof:
    """Check a device's key and signature in the order of gateway.md 1.5.

    A key of another length than 32 bytes can verify nothing, so it is named as the fault instead of the signature.
    """
    fields = claim.fields
    raw = raw_public_key(claim.public_key)
    if raw is None or device_id_of(raw) != fields.device_id:
        return _refuse("device identity mismatch", "DEVICE_ID_MISMATCH", "device-id-mismatch")
    skew = SKEW_MS.get(moment.protocol, min(SKEW_MS.values()))
    if abs(moment.now_ms - fields.signed_at_ms) > skew:
        return _refuse("device signature expired", "SIGNATURE_EXPIRED", "device-signature-stale")
    may_omit = moment.local and moment.protocol == 3
    if not fields.nonce and not may_omit:
        return _refuse("device nonce required", "NONCE_REQUIRED", "device-nonce-missing")
    if fields.nonce and fields.nonce != moment.nonce:
        return _refuse("device nonce mismatch", "NONCE_MISMATCH", "device-nonce-mismatch")
    if len(raw) != KEY_BYTES:
        return _refuse("device public key invalid", "PUBLIC_KEY_INVALID", "device-public-key")
    version = _verified(raw, claim)
    if version is None:
        return _refuse("device signature invalid", "SIGNATURE_INVALID", "device-signature")
    return DeviceProof(Outcome.ALLOW, (Reason("device.signed", detail=version),), version=version)


def _refuse(message: str, code: str, reason: str) -> DeviceProof:
    full = f"DEVICE_AUTH_{code}"
    return DeviceProof(Outcome.DENY, (Reason(reason),), message=message, code=full, reason=reason)


def _verified(raw_key: bytes, claim: Claim) -> str | None:
    """Return the version of the text that the signature fits. Without a nonce only the oldest text is tried."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signature = decode_base64(claim.signature)
    if signature is None or len(signature) != SIGNATURE_BYTES:
        return None
    fields = claim.fields
    texts = (("v3", text_v3(fields)), ("v2", text_v2(fields))) if fields.nonce else (("v1", text_v1(fields)),)
    key = Ed25519PublicKey.from_public_bytes(raw_key)
    for version, text in texts:
        try:
            key.verify(signature, text.encode("utf-8", "surrogatepass"))
        except InvalidSignature:
            continue
        return version
    return None
