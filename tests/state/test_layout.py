from __future__ import annotations

from pathlib import Path

import pytest

from openclaw.state.layout import StateLayout
from openclaw.state.pairing import PairingStore
from openclaw.system.environment import Environment
from support.time import FakeClock


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (None, "home/.openclaw/credentials"),
        ("", "home/.openclaw/credentials"),
        ("~/keys", "home/keys"),
        ("{root}/elsewhere", "elsewhere"),
    ],
)
def test_credentials_lie_where_the_environment_says(tmp_path: Path, stated: str | None, expected: str) -> None:
    values = {"HOME": str(tmp_path / "home")}
    if stated is not None:
        values["OPENCLAW_OAUTH_DIR"] = stated.replace("{root}", str(tmp_path))
    layout = StateLayout.resolve(Environment(values))
    assert layout.credentials == tmp_path / expected
    assert layout.root == tmp_path / "home/.openclaw"


def test_without_an_environment_they_lie_in_the_state_directory(tmp_path: Path) -> None:
    assert StateLayout.at(tmp_path).credentials == tmp_path / "credentials"


def test_pairing_follows_the_credentials_folder(tmp_path: Path) -> None:
    values = {"HOME": str(tmp_path), "OPENCLAW_OAUTH_DIR": str(tmp_path / "keys")}
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys/telegram-allowFrom.json").write_text('{"version": 1, "allowFrom": ["7"]}')
    view = PairingStore(StateLayout.resolve(Environment(values)), FakeClock()).view("telegram", None)
    assert list(view.allow_from) == ["7"]
