"""What the audit reads of a config before any check looks at it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from openclaw.security.audit.reading import package_entries
from openclaw.system.errors import ConfigInvalid
from support.audit import AuditHome, plugin


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    return made


def test_includes_come_in_the_order_in_which_they_are_met(home: AuditHome) -> None:
    home.config('{"$include": ["./b.json", "c.json"], "logging": {"$include": "x/../d.json"}}')
    home.file("b.json", '{"gateway": {"$include": "./nested/e.json"}}')
    home.file("c.json")
    home.file("d.json")
    home.file("nested/e.json", '{"port": 1234}')
    names = [path.relative_to(home.state) for path in home.reading().includes]
    assert [str(name) for name in names] == ["b.json", "nested/e.json", "c.json", "d.json"]


def test_an_include_through_a_link_keeps_the_name_that_is_written(home: AuditHome) -> None:
    home.file("real.json", '{"gateway": {"port": 1234}}')
    (home.state / "linked.json").symlink_to("real.json")
    home.config('{"$include": "./linked.json"}')
    assert home.reading().includes == (home.state / "linked.json",)


@pytest.mark.parametrize(
    "include", ["./missing.json", "/etc/passwd", "../outside.json", "./self.json", "./broken.json", "./folder"]
)
def test_a_bad_include_is_one_clear_refusal(home: AuditHome, include: str) -> None:
    home.config(f'{{"$include": "{include}"}}')
    home.file("self.json", '{"$include": "./self.json"}')
    home.file("broken.json", "{")
    home.folder("folder")
    (home.home / "outside.json").write_text("{}")
    with pytest.raises(ConfigInvalid):
        home.reading()


def test_references_to_variables_are_kept_as_written(home: AuditHome) -> None:
    home.env["MY_TOKEN"] = "a-value-of-the-environment-0123456789"
    home.config('{"gateway": {"auth": {"token": "${MY_TOKEN}"}}}')
    found = home.reading()
    assert found.document["gateway"]["auth"]["token"] == home.env["MY_TOKEN"]
    assert found.authored["gateway"]["auth"]["token"] == "${MY_TOKEN}"


@pytest.mark.parametrize(
    ("agents", "expected"),
    [
        ([], ("main",)),
        ([{"id": "a"}, {"id": "b"}], ("a", "b")),
        ([{"id": "a"}, {"id": "b", "default": True}], ("b", "a")),
        ([{"id": "a"}, {"id": "b"}, {"id": "main"}], ("a", "b", "main")),
    ],
)
def test_the_agents_of_the_seed_start_with_the_default_one(
    home: AuditHome, agents: list[dict[str, object]], expected: tuple[str, ...]
) -> None:
    home.config({"agents": {"list": agents}} if agents else {})
    found = home.reading()
    assert found.seed_agents == expected
    assert found.default_agent == expected[0]


def test_a_default_agent_whose_id_is_not_in_its_normal_form_comes_twice(home: AuditHome) -> None:
    home.config({"agents": {"list": [{"id": "Main"}]}})
    assert home.reading().seed_agents == ("main", "main")


def test_the_credentials_folder_may_lie_elsewhere(home: AuditHome) -> None:
    home.config()
    assert home.reading().credentials == home.state / "credentials"
    home.env["OPENCLAW_OAUTH_DIR"] = "~/secrets"
    assert home.reading().credentials == home.home / "secrets"


def test_the_seed_reads_an_env_file_that_others_may_write(home: AuditHome) -> None:
    home.config()
    home.file(".env", "OPENCLAW_GATEWAY_TOKEN=from-the-file-of-the-state-0123456789\n", mode=0o666)
    found = home.reading()
    assert found.environment.get("OPENCLAW_GATEWAY_TOKEN") is None
    assert found.seed_environment.get("OPENCLAW_GATEWAY_TOKEN") == "from-the-file-of-the-state-0123456789"


def test_a_plugin_folder_with_code_and_no_manifest_is_refused(home: AuditHome) -> None:
    home.config()
    home.file("extensions/stray/index.js", "1")
    with pytest.raises(ConfigInvalid) as caught:
        home.reading()
    assert "extensions/stray/openclaw.plugin.json is missing" in str(caught.value)


@pytest.mark.parametrize("name", ["notes.txt", "index.js.bak", "package.json"])
def test_a_folder_without_code_is_no_plugin(home: AuditHome, name: str) -> None:
    home.config()
    home.file(f"extensions/stray/{name}")
    assert home.reading().document


def test_a_whole_plugin_is_read(home: AuditHome) -> None:
    home.config()
    plugin(home, index__js="1")
    assert home.reading().document


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, ((), True)),
        (b"{}", ((), True)),
        (b"{", ((), False)),
        (b"[1]", ((), False)),
        (b"\xff", ((), False)),
        (b"[" * 100_000, ((), False)),
        (b'{"openclaw": {"extensions": [" ./a.js ", "", 1, "b.js"]}}', (("./a.js", "b.js"), True)),
        (b'{"openclaw": {"extensions": "a.js"}}', ((), True)),
    ],
)
def test_entries_of_a_package(content: bytes | None, expected: tuple[tuple[str, ...], bool]) -> None:
    assert package_entries(content) == expected


def test_looking_never_waits_for_a_pipe(home: AuditHome) -> None:
    os.mkfifo(home.state / "pipe.json")
    home.config('{"$include": "./pipe.json"}')
    with pytest.raises(ConfigInvalid):
        home.reading()
