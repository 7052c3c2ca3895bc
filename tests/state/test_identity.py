"""This machine's own device key and tokens: gateway.md 1.5."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from openclaw.policy.verdict import Outcome
from openclaw.protocol.device_signature import Claim, Moment, SignedFields, check_device, text_v3
from openclaw.state.identity import DeviceAuth, load_identity, read_identity
from openclaw.state.layout import StateLayout
from openclaw.system.errors import InvalidInput
from support.time import FakeClock

NOW = 1_790_000_000_000


@pytest.fixture
def layout(tmp_path: Path) -> StateLayout:
    return StateLayout.at(tmp_path)


def stored(layout: StateLayout, name: str = "device.json") -> Any:
    return json.loads((layout.identity / name).read_text())


def test_the_key_is_made_once_and_its_file_is_that_of_the_original(layout: StateLayout) -> None:
    assert read_identity(layout) is None
    identity = load_identity(layout, FakeClock(NOW))
    assert load_identity(layout, FakeClock(NOW + 5)).device_id == identity.device_id
    found = read_identity(layout)
    assert found is not None
    assert found.public_key == identity.public_key
    file = stored(layout)
    assert (file["version"], file["deviceId"], file["createdAtMs"]) == (1, identity.device_id, NOW)
    assert file["publicKeyPem"].startswith("-----BEGIN PUBLIC KEY-----")
    assert file["privateKeyPem"].startswith("-----BEGIN PRIVATE KEY-----")
    path = layout.identity / "device.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.identity.stat().st_mode) == 0o700
    assert identity.device_id not in repr(identity)


def test_what_the_key_signs_is_accepted_by_a_gateway(layout: StateLayout) -> None:
    identity = load_identity(layout, FakeClock(NOW))
    fields = SignedFields(identity.device_id, "cli", "cli", "operator", (), NOW, nonce="n")
    claim = Claim(fields, identity.public_key, identity.sign(text_v3(fields)))
    assert check_device(claim, Moment(NOW, "n", 4, local=False)).outcome is Outcome.ALLOW


def test_a_wrong_device_id_is_rewritten_from_the_key(layout: StateLayout) -> None:
    identity = load_identity(layout, FakeClock(NOW))
    path = layout.identity / "device.json"
    path.write_text(json.dumps({**stored(layout), "deviceId": "wrong", "own": 1}))
    assert read_identity(layout) is None
    assert load_identity(layout, FakeClock(NOW)).device_id == identity.device_id
    assert stored(layout)["deviceId"] == identity.device_id
    assert stored(layout)["own"] == 1


X25519 = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"privateKeyPem": 5}', '{"privateKeyPem": "é"}', json.dumps({"privateKeyPem": X25519})],
)
def test_a_broken_key_file_is_an_error_and_is_not_overwritten(layout: StateLayout, content: str) -> None:
    layout.identity.mkdir(parents=True)
    path = layout.identity / "device.json"
    path.write_text(content)
    with pytest.raises(InvalidInput):
        load_identity(layout, FakeClock(NOW))
    assert path.read_text() == content


def test_tokens_are_kept_by_role(layout: StateLayout) -> None:
    auth = DeviceAuth(layout, FakeClock(NOW), "dev-a")
    assert auth.get("operator") is None
    auth.put("operator", "token-text-1", ("operator.write", "operator.read", "operator.read"))
    auth.put("node", "token-text-2", ())
    assert stored(layout, "device-auth.json") == {
        "version": 1,
        "deviceId": "dev-a",
        "tokens": {
            "operator": {
                "token": "token-text-1",
                "role": "operator",
                "scopes": ["operator.read", "operator.write"],
                "updatedAtMs": NOW,
            },
            "node": {"token": "token-text-2", "role": "node", "scopes": [], "updatedAtMs": NOW},
        },
    }
    found = auth.get("operator")
    assert found is not None
    assert found.token.reveal() == "token-text-1"
    assert "token-text-1" not in repr(found)
    auth.delete("operator")
    auth.delete("operator")
    assert auth.get("operator") is None
    assert auth.get("node") is not None


def test_tokens_of_another_device_are_not_ours(layout: StateLayout) -> None:
    DeviceAuth(layout, FakeClock(NOW), "dev-a").put("operator", "token-text-1", ())
    assert DeviceAuth(layout, FakeClock(NOW), "dev-b").get("operator") is None


@pytest.mark.parametrize(
    "content", ["", "[]", '{"deviceId":"dev-a"}', '{"deviceId":"dev-a","tokens":{"operator":{"token":5}}}']
)
def test_a_broken_token_file_holds_no_token(layout: StateLayout, content: str) -> None:
    layout.identity.mkdir(parents=True)
    (layout.identity / "device-auth.json").write_text(content)
    auth = DeviceAuth(layout, FakeClock(NOW), "dev-a")
    assert auth.get("operator") is None
    auth.put("operator", "token-text-1", ())
    assert auth.get("operator") is not None
