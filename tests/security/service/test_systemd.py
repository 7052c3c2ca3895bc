from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.security.service.model import Definition, ServiceSpec
from openclaw.security.service.systemd import SystemdService, is_ours, quote, render, unit_name
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, NotFound, Refused, Unavailable
from support.state_dirs import program

SPEC = ServiceSpec(
    profile=None,
    argv=("/opt/claw bin/openclaw", "gateway", "run", "--port", "19000"),
    environment={"HOME": "/home/me", "OPENCLAW_STATE_DIR": "/home/me/.openclaw"},
    folder=Path("/home/me/.openclaw"),
    logs=Path("/home/me/.openclaw/logs"),
)
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')


def words(value: str, *, command: bool) -> list[str]:
    """Read quoted words as systemd does: C escapes, then %% and, in command lines, $$."""
    found = [re.sub(r"\\(.)", r"\1", word).replace("%%", "%") for word in _WORD.findall(value)]
    return [word.replace("$$", "$") for word in found] if command else found


def setting(unit: str, name: str) -> list[str]:
    return [line.partition("=")[2] for line in unit.splitlines() if line.startswith(f"{name}=")]


def scripted(tmp_path: Path, answers: str = "", *, spec: ServiceSpec = SPEC) -> tuple[SystemdService, Path]:
    """A service manager whose systemctl notes what it is told, and the environment that it is given."""
    log = tmp_path / "calls"
    script = f'echo "$@" >> {log}\nenv > {tmp_path}/environment\ncase "$*" in\n{answers}\n*) exit 0;;\nesac'
    systemctl = program(tmp_path / "systemctl", script)
    loginctl = program(tmp_path / "loginctl", f'echo "$@" >> {log}; echo Linger=no')
    environment = Environment({"HOME": str(tmp_path), "OPENCLAW_GATEWAY_TOKEN": "canary-token-in-the-environment"})
    return SystemdService(spec, environment, systemctl=systemctl, loginctl=loginctl), log


def test_the_unit_starts_the_program_in_the_state_directory_and_never_gives_up() -> None:
    unit = render(SPEC)
    assert words(setting(unit, "ExecStart")[0], command=True) == list(SPEC.argv)
    assert setting(unit, "WorkingDirectory") == ["/home/me/.openclaw"]
    assert setting(unit, "Restart") == ["always"]
    assert setting(unit, "StartLimitIntervalSec") == ["0"]
    assert setting(unit, "UMask") == ["0077"]


def test_a_profile_has_a_unit_of_its_own() -> None:
    assert unit_name(None) == "openclaw-gateway"
    assert unit_name("work") == "openclaw-gateway-work"
    assert "(profile work)" in render(replace(SPEC, profile="work"))


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=("C", "Z"))).filter(str.isprintable))
def test_adv_I7_a_word_reads_back_as_it_was(text: str) -> None:
    assert words(quote(text, command=True), command=True) == [text]
    assert words(quote(f"NAME={text}"), command=False) == [f"NAME={text}"]


@pytest.mark.parametrize("text", ["a\nExecStartPre=/bin/evil", "a\rb", "a\0b", "a\x1bb", "a\u2028b", "\ud800"])
def test_adv_I7_control_characters_are_refused(text: str) -> None:
    for spec in (
        replace(SPEC, argv=("/bin/x", text)),
        replace(SPEC, environment={"A": text}),
        replace(SPEC, folder=Path("/x") / text.replace("\0", "")) if "\0" not in text else replace(SPEC, argv=(text,)),
    ):
        with pytest.raises(InvalidInput):
            render(spec)


@pytest.mark.parametrize("folder", ["/home/me/x ", "/home/me/x\\"])
def test_adv_I7_a_working_directory_that_cannot_be_written_down_is_refused(folder: str) -> None:
    with pytest.raises(InvalidInput):
        render(replace(SPEC, folder=Path(folder)))


@pytest.mark.parametrize("value", ['%h" "evil', "$(id)", "`id`", "a;b", "%n", "\\", '"', "${HOME}"])
def test_adv_I7_a_hostile_value_stays_one_word(value: str) -> None:
    unit = render(replace(SPEC, argv=("/bin/x", value), environment={"A": value}))
    assert words(setting(unit, "ExecStart")[0], command=True) == ["/bin/x", value]
    assert words(setting(unit, "Environment")[0], command=False) == [f"A={value}"]
    assert len(setting(unit, "ExecStart")) == 1


def test_systemd_itself_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "openclaw-gateway.service"
    unit.write_text(render(replace(SPEC, argv=("/bin/echo", 'a "b" %h $x \\'), folder=tmp_path)))
    analyze = shutil.which("systemd-analyze")
    if analyze is None:  # a machine without systemd: the reader above stands in for it
        assert words(setting(unit.read_text(), "ExecStart")[0], command=True)[0] == "/bin/echo"
        return
    done = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if unit.name in line and "RestartSteps" not in line]
    assert [line for line in complaints if "RestartMaxDelaySec" not in line] == []


def test_our_own_unit_is_known_by_its_digest_and_an_edited_one_is_not() -> None:
    unit = render(SPEC)
    assert is_ours(unit)
    assert is_ours(render(replace(SPEC, argv=("/bin/older",))))
    assert not is_ours(unit.replace("UMask=0077", "UMask=0022"))
    assert not is_ours("[Service]\nExecStart=/bin/x\n")


def test_installing_writes_a_private_unit_and_starts_it(tmp_path: Path) -> None:
    service, log = scripted(tmp_path)
    assert service.status().definition is Definition.ABSENT
    service.install()
    assert service.file == tmp_path / ".config/systemd/user/openclaw-gateway.service"
    assert service.file.stat().st_mode & 0o777 == 0o600
    calls = log.read_text().splitlines()
    verbs = [line.split()[2] for line in calls]
    assert [verb for verb in verbs if verb != "show"] == ["show-environment", "daemon-reload", "enable", "restart"]
    assert service.status().definition is Definition.CURRENT


def test_adv_I10_the_helper_gets_no_variable_of_ours(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path)
    service.status()
    given = (tmp_path / "environment").read_text()
    assert "canary" not in given
    assert {line.partition("=")[0] for line in given.splitlines()} <= {
        "PATH",
        "LC_ALL",
        "HOME",
        "XDG_RUNTIME_DIR",
        "DBUS_SESSION_BUS_ADDRESS",
        "PWD",
        "SHLVL",
        "_",
    }


def test_installing_twice_changes_nothing(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path)
    service.install()
    before = service.file.read_text()
    service.install()
    assert service.file.read_text() == before
    assert not service.file.with_name(service.file.name + ".bak").exists()


def test_an_older_unit_of_ours_is_replaced_and_kept_aside(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path)
    service.file.parent.mkdir(parents=True)
    older = render(replace(SPEC, argv=("/opt/older", "gateway", "run")))
    service.file.write_text(older)
    assert service.status().definition is Definition.OUTDATED
    service.install()
    assert service.file.with_name(service.file.name + ".bak").read_text() == older


def test_an_edited_unit_is_replaced_only_by_force(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path)
    service.file.parent.mkdir(parents=True)
    service.file.write_text("[Service]\nExecStart=/bin/mine\n")
    with pytest.raises(Refused, match="--force"):
        service.install()
    assert "mine" in service.file.read_text()
    service.install(force=True)
    assert "mine" in service.file.with_name(service.file.name + ".bak").read_text()


def test_without_a_systemd_of_the_user_nothing_is_written(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path, '*) echo "Failed to connect to bus" >&2; exit 1;;')
    with pytest.raises(Unavailable, match=r"Failed to connect to bus.*openclaw gateway run"):
        service.install()
    assert not service.file.exists()
    assert service.status().detail == "Failed to connect to bus"


def test_a_link_in_place_of_the_unit_is_replaced_not_followed(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path)
    target = tmp_path / "precious"
    target.write_text("precious")
    service.file.parent.mkdir(parents=True)
    service.file.symlink_to(target)
    service.install(force=True)
    assert target.read_text() == "precious"
    assert not service.file.is_symlink()
    service.file.unlink()
    service.file.symlink_to(target)
    assert service.uninstall()
    assert target.read_text() == "precious"


def test_the_state_of_the_unit_is_read_from_systemd(tmp_path: Path) -> None:
    facts = "ActiveState=active\\nSubState=running\\nMainPID=77\\nUnitFileState=enabled"
    service, _ = scripted(tmp_path, f"*show\\ *) printf '{facts}';;")
    state = service.status()
    assert (state.running, state.enabled, state.pid, state.detail) == (True, True, 77, "active (running)")
    assert state.as_json(SPEC)["runtime"] == {"status": "running", "detail": "active (running)", "pid": 77}


def test_what_is_not_installed_is_not_started(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path)
    for deed in (service.start, service.stop, service.restart):
        with pytest.raises(NotFound, match="service install"):
            deed()
    assert service.uninstall() is False


def test_a_refusal_of_systemd_is_told(tmp_path: Path) -> None:
    service, _ = scripted(tmp_path, '*" restart "*) echo "Unit is masked" >&2; exit 1;;')
    with pytest.raises(Unavailable, match="Unit is masked"):
        service.install()


def test_lingering_is_asked_of_logind(tmp_path: Path) -> None:
    service, log = scripted(tmp_path)
    assert service.lingers("me") is False
    service.enable_linger("-evil")
    assert log.read_text().splitlines()[-1] == "enable-linger -- -evil"
