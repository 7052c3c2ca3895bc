"""Device identity on the wire: gateway.md 1.5."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.protocol.device_signature import (
    Claim,
    Moment,
    SignedFields,
    check_device,
    decode_base64,
    device_id_of,
    encode_base64url,
    normalise_public_key,
    text_v1,
    text_v2,
    text_v3,
)

NOW = 1_790_000_000_000
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = KEY.public_key().public_bytes_raw()
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
FIELDS = SignedFields(
    device_id=device_id_of(RAW),
    client_id="cli",
    client_mode="cli",
    role="operator",
    scopes=("operator.admin", "operator.pairing"),
    signed_at_ms=NOW,
    token="shared",
    nonce="nonce-1",
    platform=" Linux ",
    device_family="LINUX",
)
MOMENT = Moment(now_ms=NOW, nonce="nonce-1", protocol=4, local=False)


def sign(text: str) -> str:
    return encode_base64url(KEY.sign(text.encode()))


def signed(fields: SignedFields = FIELDS, text: str | None = None, *, key: str | None = None) -> Claim:
    return Claim(fields, key or encode_base64url(RAW), sign(text if text is not None else text_v3(fields)))


def test_the_signed_texts() -> None:
    common = f"{FIELDS.device_id}|cli|cli|operator|operator.admin,operator.pairing|{NOW}|shared"
    assert text_v1(FIELDS) == f"v1|{common}"
    assert text_v2(FIELDS) == f"v2|{common}|nonce-1"
    assert text_v3(FIELDS) == f"v3|{common}|nonce-1|linux|linux"
    bare = replace(FIELDS, scopes=(), token="", platform="", device_family="")
    assert text_v3(bare) == f"v3|{FIELDS.device_id}|cli|cli|operator||{NOW}||nonce-1||"


def test_only_ascii_letters_of_metadata_are_folded() -> None:
    assert text_v3(replace(FIELDS, platform="ÄbC")).endswith("|Äbc|linux")


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize(("text", "version"), [(text_v2(FIELDS), "v2"), (text_v3(FIELDS), "v3")])
def test_version_and_protocol_are_independent(text: str, version: str, protocol: int) -> None:
    proof = check_device(signed(text=text), replace(MOMENT, protocol=protocol))
    assert (proof.outcome, proof.version) == (Outcome.ALLOW, version)


@pytest.mark.parametrize("key", [encode_base64url(RAW), base64.b64encode(RAW).decode(), PEM, PEM.replace("\n", "\r\n")])
def test_a_key_comes_raw_or_as_pem(key: str) -> None:
    assert check_device(signed(key=key), MOMENT).outcome is Outcome.ALLOW
    assert normalise_public_key(key) == encode_base64url(RAW)


def test_a_signature_may_be_plain_base64() -> None:
    claim = signed()
    raw = decode_base64(claim.signature)
    assert raw is not None
    assert check_device(replace(claim, signature=base64.b64encode(raw).decode()), MOMENT).outcome is Outcome.ALLOW


SHORT = encode_base64url(RAW[:31])
X25519 = X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
NO_NONCE = replace(FIELDS, nonce="")


@pytest.mark.parametrize(
    ("claim", "moment", "message", "code", "reason"),
    [
        (
            signed(replace(FIELDS, device_id="0" * 64)),
            MOMENT,
            "device identity mismatch",
            "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            "device-id-mismatch",
        ),
        (signed(key="!!!"), MOMENT, "device identity mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH", "device-id-mismatch"),
        (
            signed(key=X25519.decode()),
            MOMENT,
            "device identity mismatch",
            "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            "device-id-mismatch",
        ),
        (
            signed(key="-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"),
            MOMENT,
            "device identity mismatch",
            "DEVICE_AUTH_DEVICE_ID_MISMATCH",
            "device-id-mismatch",
        ),
        (
            signed(),
            replace(MOMENT, now_ms=NOW + 120_001),
            "device signature expired",
            "DEVICE_AUTH_SIGNATURE_EXPIRED",
            "device-signature-stale",
        ),
        (
            signed(),
            replace(MOMENT, now_ms=NOW - 120_001),
            "device signature expired",
            "DEVICE_AUTH_SIGNATURE_EXPIRED",
            "device-signature-stale",
        ),
        (
            signed(),
            replace(MOMENT, protocol=3, now_ms=NOW + 600_001),
            "device signature expired",
            "DEVICE_AUTH_SIGNATURE_EXPIRED",
            "device-signature-stale",
        ),
        (
            signed(NO_NONCE, text_v1(NO_NONCE)),
            MOMENT,
            "device nonce required",
            "DEVICE_AUTH_NONCE_REQUIRED",
            "device-nonce-missing",
        ),
        (
            signed(NO_NONCE, text_v1(NO_NONCE)),
            replace(MOMENT, local=True),
            "device nonce required",
            "DEVICE_AUTH_NONCE_REQUIRED",
            "device-nonce-missing",
        ),
        (
            signed(NO_NONCE, text_v1(NO_NONCE)),
            replace(MOMENT, protocol=3),
            "device nonce required",
            "DEVICE_AUTH_NONCE_REQUIRED",
            "device-nonce-missing",
        ),
        (
            signed(),
            replace(MOMENT, nonce="nonce-2"),
            "device nonce mismatch",
            "DEVICE_AUTH_NONCE_MISMATCH",
            "device-nonce-mismatch",
        ),
        (
            signed(text="anything"),
            MOMENT,
            "device signature invalid",
            "DEVICE_AUTH_SIGNATURE_INVALID",
            "device-signature",
        ),
        (
            signed(text=text_v1(FIELDS)),
            replace(MOMENT, protocol=3, local=True),
            "device signature invalid",
            "DEVICE_AUTH_SIGNATURE_INVALID",
            "device-signature",
        ),
        (
            replace(signed(), signature="short"),
            MOMENT,
            "device signature invalid",
            "DEVICE_AUTH_SIGNATURE_INVALID",
            "device-signature",
        ),
        (
            signed(replace(FIELDS, device_id=device_id_of(RAW[:31])), key=SHORT),
            MOMENT,
            "device public key invalid",
            "DEVICE_AUTH_PUBLIC_KEY_INVALID",
            "device-public-key",
        ),
    ],
)
def test_each_failed_check_has_its_answer(claim: Claim, moment: Moment, message: str, code: str, reason: str) -> None:
    proof = check_device(claim, moment)
    assert proof.outcome is Outcome.DENY
    assert (proof.message, proof.code, proof.reason) == (message, code, reason)


def test_checks_come_in_order() -> None:
    wrong = replace(signed(), signature="x")
    late = replace(MOMENT, now_ms=NOW + 10**9, nonce="other")
    assert check_device(replace(wrong, public_key="!"), late).message == "device identity mismatch"
    assert check_device(wrong, late).message == "device signature expired"
    assert check_device(wrong, replace(MOMENT, nonce="other")).message == "device nonce mismatch"


def test_the_window_is_inclusive() -> None:
    for protocol, skew in ((4, 120_000), (3, 600_000)):
        for sign_of in (1, -1):
            moment = replace(MOMENT, protocol=protocol, now_ms=NOW + sign_of * skew)
            assert check_device(signed(), moment).outcome is Outcome.ALLOW


def test_an_old_local_client_without_challenge_signs_v1() -> None:
    moment = replace(MOMENT, protocol=3, local=True)
    assert check_device(signed(NO_NONCE, text_v1(NO_NONCE)), moment).version == "v1"
    assert check_device(signed(NO_NONCE, text_v2(NO_NONCE)), moment).outcome is Outcome.DENY


CHANGES = st.sampled_from(
    ["client_id", "client_mode", "role", "token", "nonce", "platform", "device_family", "scopes", "signed_at_ms"]
)


@given(CHANGES)
@settings(max_examples=30)
def test_every_signed_field_is_bound(name: str) -> None:
    changed: dict[str, object] = {"scopes": ("operator.admin",), "signed_at_ms": NOW + 1}
    other = replace(FIELDS, **{name: changed.get(name, "changed")})  # type: ignore[arg-type]  # one field of its own type
    proof = check_device(Claim(other, encode_base64url(RAW), sign(text_v3(FIELDS))), MOMENT)
    assert proof.outcome is Outcome.DENY


@given(st.binary(max_size=70))
def test_base64_reads_back_in_every_form(data: bytes) -> None:
    for text in (encode_base64url(data), base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
        assert decode_base64(text) == data


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100)
def test_no_claim_raises(key: str, signature: str) -> None:
    assert check_device(Claim(FIELDS, key, signature), MOMENT).outcome is Outcome.DENY
    assert check_device(Claim(FIELDS, encode_base64url(RAW), signature), MOMENT).outcome is Outcome.DENY
