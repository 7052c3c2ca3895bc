"""Stores beside the config: what they say, and that a broken one is an absent one with a word about it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from openclaw.security.audit.look import Looker
from openclaw.security.audit.stores import Node, Stores, read_stores
from support.audit import AuditHome, plugin


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    made.config()
    return made


def stores(home: AuditHome, looker: Looker | None = None) -> Stores:
    folders = tuple(sorted((home.state / "extensions").glob("*")))
    return read_stores(home.reading(), folders, looker or Looker())


def test_nothing_there_is_nothing_stored(home: AuditHome) -> None:
    assert stores(home) == Stores()


@pytest.mark.parametrize(
    ("channel", "account", "expected"),
    [
        ("telegram", None, ("1", "2")),
        ("telegram", "default", ("1", "2")),
        ("telegram", "Work", ("3",)),
        ("telegram", "other", ()),
        ("slack", None, ()),
    ],
)
def test_each_account_has_its_own_store(
    home: AuditHome, channel: str, account: str | None, expected: tuple[str, ...]
) -> None:
    home.file("credentials/telegram-allowFrom.json", '{"version": 1, "allowFrom": [1, " 2 ", ""]}')
    home.file("credentials/telegram-work-allowFrom.json", '{"version": 1, "allowFrom": ["3"]}')
    assert stores(home).approved(channel, account) == expected


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"allowFrom": "*"}', '{"allowFrom": null}', "[" * 200_000, "\xff"]
)
def test_a_broken_store_names_nobody(home: AuditHome, text: str) -> None:
    home.file("credentials/telegram-allowFrom.json", text.encode("latin-1"))
    home.file("exec-approvals.json", text.encode("latin-1"))
    home.file("devices/paired.json", text.encode("latin-1"))
    found = stores(home)
    assert found.approved("telegram") == ()
    assert found.nodes == ()
    assert home.ids()


def test_a_store_that_cannot_be_understood_is_told(home: AuditHome) -> None:
    path = home.file("exec-approvals.json", "{")
    looker = Looker()
    stores(home, looker)
    assert looker.troubles == {path: "is not JSON"}
    assert str(path) in home.found("fs.not_examined")[0].detail


def test_links_and_pipes_in_the_credentials_folder_are_not_stores(home: AuditHome) -> None:
    folder = home.folder("credentials")
    real = home.home / "elsewhere.json"
    real.write_text('{"allowFrom": ["*"]}')
    (folder / "telegram-allowFrom.json").symlink_to(real)
    os.mkfifo(folder / "slack-allowFrom.json")
    assert stores(home).allow_from == {}


@pytest.mark.parametrize(
    ("content", "linked"),
    [('{"noiseKey": 1}', True), ("{}", True), ("1", False), ("", False), ("{", False), ("not json", False)],
)
def test_whatsapp_is_linked_when_its_login_is_there(home: AuditHome, content: str, linked: bool) -> None:
    home.file("credentials/whatsapp/default/creds.json", content)
    assert (stores(home).linked == frozenset({"default"})) is linked


def test_whatsapp_logins_of_accounts_and_elsewhere(home: AuditHome) -> None:
    home.config({"channels": {"whatsapp": {"accounts": {"Work": {}, "own": {"authDir": "~/own"}, "none": {}}}}})
    home.file("credentials/whatsapp/work/creds.json", "{}")
    (home.home / "own").mkdir()
    (home.home / "own" / "creds.json").write_text("{}")
    assert stores(home).linked == frozenset({"Work", "own"})


def test_paired_nodes_and_their_commands(home: AuditHome) -> None:
    devices = {
        "a" * 40: {"role": "node", "commands": ["camera.snap", 1]},
        "b" * 40: {"roles": ["operator", "node"], "displayName": "Phone"},
        "c" * 40: {"role": "operator"},
        "d" * 40: None,
    }
    home.file("devices/paired.json", json.dumps(devices))
    assert stores(home).nodes == (Node("a" * 12, ("camera.snap",)), Node("Phone", ()))


def test_packages_of_plugins(home: AuditHome) -> None:
    plugin(home, "good", package='{"version": "1"}')
    plugin(home, "bad", package="{")
    plugin(home, "odd", package="[]")
    found = stores(home)
    assert found.packages == {"good": {"version": "1"}, "bad": None, "odd": None}
    assert found.plugin_ids == ("bad", "good", "odd")


def test_a_thousand_stores_do_not_make_it_slow(home: AuditHome) -> None:
    for number in range(1000):
        home.file(f"credentials/c{number:04}-allowFrom.json", '{"allowFrom": ["1"]}')
    assert len(stores(home).allow_from) == 500
