from __future__ import annotations

import plistlib
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw.security.service.launchd import LaunchdService, is_ours, render
from openclaw.security.service.model import Definition, ServiceSpec
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, NotFound, Refused, Unavailable
from support.state_dirs import program


def spec(tmp_path: Path) -> ServiceSpec:
    state = tmp_path / ".openclaw"
    return ServiceSpec(None, ("/opt/openclaw", "gateway", "run"), {"HOME": str(tmp_path)}, state, state / "logs")


def scripted(tmp_path: Path, answers: str = "") -> tuple[LaunchdService, Path]:
    log = tmp_path / "calls"
    launchctl = program(tmp_path / "launchctl", f'echo "$@" >> {log}\ncase "$*" in\n{answers}\n*) exit 0;;\nesac')
    return LaunchdService(spec(tmp_path), Environment({"HOME": str(tmp_path)}), launchctl=launchctl), log


def test_the_property_list_says_what_runs_and_that_it_stays(tmp_path: Path) -> None:
    found = plistlib.loads(render(spec(tmp_path)).encode())
    assert found["Label"] == "ai.openclaw.gateway"
    assert found["ProgramArguments"] == ["/opt/openclaw", "gateway", "run"]
    assert found["KeepAlive"] is True
    assert found["Umask"] == 0o077
    assert found["StandardErrorPath"].endswith("/logs/gateway.err.log")


@pytest.mark.parametrize("value", ["</string><key>x</key>", '"', "&amp;", "$(id)", "%n"])
def test_adv_I7_hostile_values_read_back_as_they_were(tmp_path: Path, value: str) -> None:
    hostile = replace(spec(tmp_path), argv=("/bin/x", value), environment={"A": value})
    found = plistlib.loads(render(hostile).encode())
    assert found["ProgramArguments"] == ["/bin/x", value]
    assert found["EnvironmentVariables"] == {"A": value}


@pytest.mark.parametrize("value", ["a\nb", "a\x00b", "a\x1bb"])
def test_adv_I7_control_characters_are_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(InvalidInput):
        render(replace(spec(tmp_path), argv=("/bin/x", value)))


def test_our_own_list_is_known_and_an_edited_one_is_not(tmp_path: Path) -> None:
    text = render(spec(tmp_path))
    assert is_ours(text)
    assert not is_ours(text.replace("/opt/openclaw", "/opt/evil"))
    assert not is_ours("no property list")


def test_a_profile_has_an_agent_of_its_own(tmp_path: Path) -> None:
    assert plistlib.loads(render(replace(spec(tmp_path), profile="work")).encode())["Label"] == "ai.openclaw.work"


def test_installing_loads_the_agent(tmp_path: Path) -> None:
    service, log = scripted(tmp_path)
    state = service.install()
    assert state.definition is Definition.CURRENT
    assert service.file.stat().st_mode & 0o777 == 0o600
    assert [line.split()[0] for line in log.read_text().splitlines() if line.split()[0] != "print"] == [
        "bootout",
        "bootstrap",
    ]


def test_an_edited_list_is_replaced_only_by_force(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path)
    service.file.parent.mkdir(parents=True)
    service.file.write_text("mine")
    with pytest.raises(Refused, match="--force"):
        service.install()
    service.install(force=True)
    assert service.file.with_name(service.file.name + ".bak").read_text() == "mine"


def test_the_process_is_read_from_launchd(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path, 'print*) printf "state = running\\n\\tpid = 91\\n";;')
    service.install()
    assert (service.status().pid, service.status().running) == (91, True)


def test_a_refusal_is_told_and_what_is_not_installed_is_not_started(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path, "bootstrap*) echo 'Bootstrap failed: 5' >&2; exit 5;;")
    for deed in (service.start, service.stop, service.restart):
        with pytest.raises(NotFound):
            deed()
    with pytest.raises(Unavailable, match="Bootstrap failed"):
        service.install()
    assert service.uninstall() is True
    assert service.uninstall() is False
