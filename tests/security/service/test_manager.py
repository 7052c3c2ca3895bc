from __future__ import annotations

from pathlib import Path

import pytest

from openclaw.security.service.launchd import LaunchdService
from openclaw.security.service.manager import other_services, service_for
from openclaw.security.service.run import run
from openclaw.security.service.spec import program as own_program
from openclaw.security.service.spec import service_spec
from openclaw.security.service.systemd import SystemdService
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput
from support.state_dirs import program, put

SECRETS = {
    "OPENCLAW_GATEWAY_TOKEN": "canary-a-0123456789",
    "OPENCLAW_GATEWAY_PASSWORD": "canary-b-0123456789",
    "ANTHROPIC_API_KEY": "canary-c-0123456789",
    "TELEGRAM_BOT_TOKEN": "canary-d-0123456789",
    "LD_PRELOAD": "canary-e-0123456789",
}


def test_a_secret_never_enters_a_service_definition(tmp_path: Path) -> None:
    environment = Environment({"HOME": str(tmp_path), "OPENCLAW_PROFILE": "work", **SECRETS})
    spec = service_spec(StateLayout.resolve(environment), environment)
    for platform in ("linux", "darwin"):
        manager = service_for(platform, spec, environment)
        assert manager is not None
        assert "canary" not in manager.render()
    assert spec.profile == "work"
    assert spec.environment["OPENCLAW_STATE_DIR"] == str(tmp_path / ".openclaw-work")


def test_the_port_is_passed_on_only_when_it_was_said(tmp_path: Path) -> None:
    plain = Environment({"HOME": str(tmp_path)})
    layout = StateLayout.resolve(plain)
    assert service_spec(layout, plain).argv[-2:] == ("gateway", "run")
    assert service_spec(layout, plain, port=19000).argv[-2:] == ("--port", "19000")
    said = Environment({"HOME": str(tmp_path), "OPENCLAW_GATEWAY_PORT": "19001"})
    assert service_spec(layout, said).argv[-2:] == ("--port", "19001")


def test_adv_I5_the_program_is_absolute_and_the_current_directory_is_not_searched() -> None:
    words = own_program()
    assert words[0].startswith("/")
    assert len(words) == 1 or words[1:] == ("-P", "-m", "openclaw")


def test_a_state_directory_with_a_control_character_is_refused(tmp_path: Path) -> None:
    environment = Environment({"HOME": str(tmp_path), "OPENCLAW_STATE_DIR": "/x\nExecStartPre=/bin/evil"})
    with pytest.raises(InvalidInput):
        service_spec(StateLayout.resolve(environment), environment)


def test_each_system_has_its_manager_and_others_have_none(tmp_path: Path) -> None:
    environment = Environment({"HOME": str(tmp_path)})
    spec = service_spec(StateLayout.resolve(environment), environment)
    assert isinstance(service_for("linux", spec, environment), SystemdService)
    assert isinstance(service_for("darwin", spec, environment), LaunchdService)
    assert service_for("win32", spec, environment) is None


def test_other_gateways_are_found_by_older_names_and_content(tmp_path: Path) -> None:
    environment = Environment({"HOME": str(tmp_path)})
    own = SystemdService(
        service_spec(StateLayout.resolve(environment), environment), environment, systemctl=program(tmp_path / "s", "")
    )
    units = ".config/systemd/user"
    put(tmp_path, f"{units}/openclaw-gateway.service", "own, openclaw gateway")
    put(tmp_path, f"{units}/clawdbot-gateway.service", "[Service]")
    put(tmp_path, f"{units}/mine.service", "ExecStart=/usr/bin/openclaw gateway run")
    put(tmp_path, f"{units}/nginx.service", "ExecStart=/usr/sbin/nginx")
    put(tmp_path, f"{units}/link.service", "x").unlink()
    (tmp_path / units / "link.service").symlink_to("/dev/zero")
    found = other_services(own, environment, system=(str(tmp_path / "none"),))
    assert [other.file.name for other in found] == ["clawdbot-gateway.service", "mine.service"]


def test_a_program_that_is_missing_or_fails_to_start_is_an_answer(tmp_path: Path) -> None:
    assert run(None, [], {}).code is None
    broken = tmp_path / "broken"
    broken.write_text("no program")
    broken.chmod(0o755)
    assert run(broken, [], {}).code is None
    assert run(program(tmp_path / "fails", "echo no >&2; exit 3"), [], {}).error == "no\n"
