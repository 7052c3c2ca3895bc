from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keyring.backends.fail
import pytest

from openclaw.config.base import SecretRef
from openclaw.config.secrets import SecretResolver
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, MissingExtra, OpenClawError, Unavailable
from openclaw.system.secret import Secret


def resolver(
    tmp_path: Path, env: dict[str, str] | None = None, entries: dict[tuple[str, str], str] | None = None
) -> Any:
    found = entries or {}
    return SecretResolver(
        Environment({"HOME": str(tmp_path), **(env or {})}), keyring=lambda service, name: found.get((service, name))
    )


def private(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_plain_values_and_absence_pass_through(tmp_path: Path) -> None:
    assert resolver(tmp_path).resolve(None, "a.b") is None
    assert resolver(tmp_path).resolve(Secret("x"), "a.b") == Secret("x")


def test_a_variable_is_read(tmp_path: Path) -> None:
    found = resolver(tmp_path, {"TOKEN_NAME": "hunter2"}).resolve(SecretRef("env", id="TOKEN_NAME"), "a.b")
    assert found == Secret("hunter2")


@pytest.mark.parametrize("value", ["", "  "])
def test_adv_O7_an_unset_or_blank_variable_is_an_error_and_nothing_else_is_tried(tmp_path: Path, value: str) -> None:
    env = {"TOKEN_NAME": value, "OPENCLAW_GATEWAY_TOKEN": "other"}
    with pytest.raises(InvalidInput, match=r"gateway\.auth\.token: the variable TOKEN_NAME") as caught:
        resolver(tmp_path, env).resolve(SecretRef("env", id="TOKEN_NAME"), "gateway.auth.token")
    assert caught.value.code == "secret-unresolved"


def test_a_private_file_is_read_without_its_final_newline(tmp_path: Path) -> None:
    private(tmp_path / "token", "hunter2\r\n")
    assert resolver(tmp_path).resolve(SecretRef("file", path="~/token"), "a") == Secret("hunter2")
    private(tmp_path / "two", "a\n\n")
    assert resolver(tmp_path).resolve(SecretRef("file", path=str(tmp_path / "two")), "a") == Secret("a\n")


def test_a_pointer_leads_into_json(tmp_path: Path) -> None:
    private(tmp_path / "f", json.dumps({"a/b": [{"~": "hunter2"}], "n": 5}))
    ref = SecretRef("file", path="~/f", pointer="/a~1b/0/~0")
    assert resolver(tmp_path).resolve(ref, "a") == Secret("hunter2")
    for pointer in ("/missing", "/n", "a", "/a~1b/7"):
        with pytest.raises(InvalidInput, match="pointer"):
            resolver(tmp_path).resolve(SecretRef("file", path="~/f", pointer=pointer), "a")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    private(tmp_path / "token", "hunter2", mode)
    with pytest.raises(InvalidInput, match="chmod 600") as caught:
        resolver(tmp_path).resolve(SecretRef("file", path="~/token"), "a")
    assert "hunter2" not in str(caught.value)


def test_links_folders_large_and_missing_files_are_refused(tmp_path: Path) -> None:
    private(tmp_path / "real", "hunter2")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "folder").mkdir()
    private(tmp_path / "large", "x" * (65 * 1024))
    private(tmp_path / "empty", "\n")
    for name in ("link", "folder", "large", "empty", "missing"):
        with pytest.raises(InvalidInput):
            resolver(tmp_path).resolve(SecretRef("file", path=f"~/{name}"), "a")
    with pytest.raises(InvalidInput, match="absolute"):
        resolver(tmp_path).resolve(SecretRef("file", path="real"), "a")


def program(path: Path, body: str, mode: int = 0o700) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(mode)
    return str(path)


def test_a_program_gives_its_output_without_a_shell_and_without_secrets(tmp_path: Path) -> None:
    script = program(tmp_path / "get", 'printf "%s|%s|%s\\n" "$1" "$MY_TOKEN" "$PLAIN"')
    env = {"MY_TOKEN": "hunter2", "PLAIN": "p", "PATH": "/usr/bin:/bin", "LD_PRELOAD": ""}
    ref = SecretRef("exec", command=(script, "$(id); x"))
    assert resolver(tmp_path, env).resolve(ref, "a") == Secret("$(id); x||p")


def test_a_program_is_run_once_per_load(tmp_path: Path) -> None:
    script = program(tmp_path / "get", f"echo x >> {tmp_path}/runs; echo value")
    found = resolver(tmp_path, {"PATH": "/usr/bin:/bin"})
    ref = SecretRef("exec", command=(script,))
    assert found.resolve(ref, "a") == found.resolve(SecretRef("exec", command=(script,)), "b")
    assert (tmp_path / "runs").read_text() == "x\n"


@pytest.mark.parametrize(
    ("body", "kind"),
    [("echo hunter2; exit 3", Unavailable), ("sleep 30", Unavailable), ("true", InvalidInput), ("echo", InvalidInput)],
)
def test_failure_time_out_and_silence_are_errors_that_show_no_output(
    tmp_path: Path, body: str, kind: type[OpenClawError]
) -> None:
    ref = SecretRef("exec", command=(program(tmp_path / "get", body),), timeout_ms=300)
    with pytest.raises(kind) as caught:
        resolver(tmp_path, {"PATH": "/usr/bin:/bin"}).resolve(ref, "channels.telegram.botToken")
    assert "channels.telegram.botToken" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_only_the_first_64_kib_of_output_count(tmp_path: Path) -> None:
    script = program(tmp_path / "get", "head -c 200000 /dev/zero | tr '\\0' x")
    found = resolver(tmp_path, {"PATH": "/usr/bin:/bin"}).resolve(SecretRef("exec", command=(script,)), "a")
    assert len(found) == 64 * 1024


def test_a_program_that_others_may_change_is_not_run(tmp_path: Path) -> None:
    for command in (
        program(tmp_path / "shared", "echo x", 0o722),
        program(tmp_path / "plain", "echo x", 0o600),
        str(tmp_path),
        str(tmp_path / "missing"),
    ):
        with pytest.raises(InvalidInput):
            resolver(tmp_path).resolve(SecretRef("exec", command=(command,)), "a")


def test_the_keyring_is_asked_for_service_and_id(tmp_path: Path) -> None:
    found = resolver(tmp_path, entries={("openclaw", "t"): "one", ("other", "t"): "two"})
    assert found.resolve(SecretRef("keyring", id="t"), "a") == Secret("one")
    assert found.resolve(SecretRef("keyring", id="t", service="other"), "a") == Secret("two")
    with pytest.raises(InvalidInput, match="no entry"):
        found.resolve(SecretRef("keyring", id="missing"), "a")


def test_without_a_keyring_library_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtra):
        SecretResolver(Environment({"HOME": str(tmp_path)})).resolve(SecretRef("keyring", id="t"), "a")


def test_a_machine_without_a_keyring_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = keyring.backends.fail.Keyring()  # type: ignore[no-untyped-call]  # the library types no constructor
    monkeypatch.setattr("keyring.core._keyring_backend", absent)
    with pytest.raises(Unavailable, match="keyring of this machine"):
        SecretResolver(Environment({"HOME": str(tmp_path)})).resolve(SecretRef("keyring", id="t"), "a")
