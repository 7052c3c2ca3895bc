"""What only `--deep` looks at: ports, the machine, and that all of it stays within limits."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from openclaw.security.audit.deep import look_deep
from openclaw.security.audit.deep_facts import Deep, Listener
from openclaw.security.audit.disk import look_at_disk
from openclaw.security.audit.look import Looker
from openclaw.security.audit.machine import listeners_beyond_loopback, machine_addresses
from support.audit import AuditHome, plugin, skill
from support.process import free_port


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    made.config({"gateway": {"port": free_port()}})
    return made


def deep(home: AuditHome) -> Deep:
    reading, looker = home.reading(), Looker()
    return look_deep(reading, look_at_disk(reading, looker), looker, frozenset(), limit_ms=500)


@pytest.fixture
def listener() -> Iterator[tuple[int, str]]:
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1], "0.0.0.0"


def test_a_port_beyond_loopback_is_found(listener: tuple[int, str]) -> None:
    port, address = listener
    assert list(listeners_beyond_loopback(frozenset({port}))) == [Listener(port, address)]
    assert list(listeners_beyond_loopback(frozenset())) == []


@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.2.1"])
def test_a_port_on_loopback_is_as_it_should_be(address: str) -> None:
    with socket.create_server((address, 0)) as server:
        assert list(listeners_beyond_loopback(frozenset({server.getsockname()[1]}))) == []


def test_a_devtools_port_that_is_open_is_critical(home: AuditHome, listener: tuple[int, str]) -> None:
    port = listener[0]
    home.config(
        {"gateway": {"port": free_port()}, "browser": {"profiles": {"work": {"cdpPort": port, "color": "#FF0000"}}}}
    )
    (found,) = home.found("browser.control_port_exposed", deep=True)
    assert (found.severity, found.detail) == ("critical", f"port {port} listens on 0.0.0.0.")
    assert home.found("browser.control_port_exposed", deep=True, compat=True) == []


def test_control_ports_follow_the_gateways_port(home: AuditHome, listener: tuple[int, str]) -> None:
    home.config({"gateway": {"port": listener[0] - 2}})
    assert len(home.found("browser.control_port_exposed", deep=True)) == 1


def test_this_machine_has_a_loopback_address() -> None:
    assert "127.0.0.1" in machine_addresses()


def test_a_sandbox_that_is_asked_for_and_works_is_nothing_to_report(home: AuditHome) -> None:
    assert shutil.which("bwrap"), "these tests need bubblewrap"
    home.config({"gateway": {"port": free_port()}, "agents": {"defaults": {"sandbox": {"mode": "all"}}}})
    assert home.found("environment.not_ready", deep=True) == []


def test_a_sandbox_that_cannot_work_here_is_told(home: AuditHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home.home))
    boxed = {"agents": {"defaults": {"sandbox": {"mode": "all"}}}}
    home.config({"gateway": {"port": free_port()}, **boxed})
    found = home.found("environment.not_ready", deep=True)
    if found:  # a machine may have another back end at a fixed place
        assert [item.severity for item in found] == ["warn"]
        assert "no back end works here" in found[0].detail
    home.config({"gateway": {"port": free_port()}})
    assert home.found("environment.not_ready", deep=True) == []


def test_every_plugin_and_skill_is_scanned_once(home: AuditHome) -> None:
    plugin(home, "one", index__js="eval(x)")
    plugin(home, "two")
    skill(home, "skills/three", run__py="eval(x)")
    skill(home, "workspace/skills/four")
    found = deep(home)
    assert [(scan.kind, scan.name, len(scan.hits)) for scan in found.scans] == [
        ("plugin", "one", 1),
        ("plugin", "two", 0),
        ("skill", "demo", 1),
        ("skill", "demo", 0),
    ]


def test_a_skill_that_no_loader_takes_is_scanned_for_the_default_report_only(home: AuditHome) -> None:
    home.file("skills/raw/SKILL.md", "no head\n")
    home.file("skills/raw/run.js", "eval(x)")
    assert len(home.found("skills.code_safety", deep=True)) == 1
    assert home.found("skills.code_safety", deep=True, compat=True) == []


def test_a_plugin_entry_is_read_even_below_a_hidden_folder(home: AuditHome) -> None:
    plugin(home, package='{"openclaw": {"extensions": ["./node_modules/x/index.js"]}}')
    home.file("extensions/demo/node_modules/x/index.js", "eval(x)")
    ids = {item.check_id for item in home.report(deep=True).findings}
    assert {"plugins.code_safety", "plugins.code_safety.entry_path"} <= ids


@pytest.mark.parametrize("entry", ["../other/index.js", "/etc/passwd", "a/../../b.js"])
def test_an_entry_that_leads_out_is_told_and_not_read(home: AuditHome, entry: str) -> None:
    plugin(home, package=f'{{"openclaw": {{"extensions": ["{entry}"]}}}}')
    home.file("extensions/b.js", "eval(x)")
    ids = [item.check_id for item in home.report(deep=True).findings]
    assert "plugins.code_safety.entry_escape" in ids
    assert "plugins.code_safety" not in ids


def test_a_plugin_folder_that_others_may_write_is_also_a_door(home: AuditHome) -> None:
    plugin(home)
    (home.state / "extensions/demo").chmod(0o777)
    assert [item.severity for item in home.found("fs.code_folder.writable")] == ["critical"]


def test_fifty_plugins_are_all_read(home: AuditHome) -> None:
    for number in range(50):
        plugin(home, f"p{number}", index__js="const a = 1;\n" * 2000, lib__py="x = 1\n" * 2000)
    reading, looker = home.reading(), Looker()
    disk = look_at_disk(reading, looker)
    found = look_deep(reading, disk, looker, frozenset(), limit_ms=300)
    assert len(found.scans) == 50
