"""Resolving secret references (config.md 1.11). An unresolved reference is an error; no other place is tried (O7)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from openclaw.config.base import SecretRef
from openclaw.config.read_file import OddFile, read_regular, why
from openclaw.system.environment import Environment, controls_runtime, is_secret_name
from openclaw.system.errors import InvalidInput, MissingExtra, Unavailable
from openclaw.system.secret import Secret

MAX_FILE_BYTES: Final = 64 * 1024
MAX_OUTPUT_BYTES: Final = 64 * 1024

Keyring = Callable[[str, str], str | None]
"""Looks up (service, id); None when there is no such entry."""


def system_keyring(service: str, identity: str) -> str | None:
    """Return an entry of the system keyring.

    Raises:
        MissingExtra: no keyring library is installed.
        Unavailable: the machine has no keyring, or it is locked.
    """
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise MissingExtra("a secret reference to the keyring", "keyring") from None
    try:
        return keyring.get_password(service, identity)
    except KeyringError as error:
        raise Unavailable(f"the keyring of this machine did not answer: {error}", code="keyring") from None


class SecretResolver:
    """Resolves the references of one load of the config; each at most once.

    Resolving reads files and may run a program: call it from a thread where the event loop must not wait.
    """

    def __init__(self, environment: Environment, *, keyring: Keyring = system_keyring) -> None:
        self._environment = environment
        self._keyring = keyring
        self._found: dict[SecretRef, Secret] = {}

    def resolve(self, value: Secret | SecretRef | None, path: str) -> Secret | None:
        """Return the secret of a leaf; None when the leaf is absent.

        Args:
            value: the leaf of a typed section.
            path: its dotted path, for the message.

        Raises:
            InvalidInput: the reference leads to nothing usable; the message names the path, never a value.
            Unavailable: the program or keyring did not answer.
        """
        if not isinstance(value, SecretRef):
            return value
        if value not in self._found:
            self._found[value] = Secret(self._read(value, path))
        return self._found[value]

    def _read(self, reference: SecretRef, path: str) -> str:
        match reference.source:
            case "env":
                text = self._environment.get(reference.id)
                if text is None:
                    raise _bad(path, f"the variable {reference.id} is unset or blank")
                return text
            case "file":
                return self._file(reference, path)
            case "exec":
                return self._exec(reference, path)
            case "keyring":
                found = self._keyring(reference.service, reference.id)
                if not found:
                    raise _bad(path, f'the keyring has no entry "{reference.id}" of service "{reference.service}"')
                return found

    def _file(self, reference: SecretRef, path: str) -> str:
        place = self._environment.expand(reference.path)
        if not place.is_absolute():
            raise _bad(path, "the path of a secret file must be absolute or begin with ~")
        text = _without_newline(_private_text(place, path))
        if reference.pointer is not None:
            text = _pointed(text, reference.pointer, path)
        if not text.strip():
            raise _bad(path, f"{place} holds nothing")
        return text

    def _exec(self, reference: SecretRef, path: str) -> str:
        program = Path(reference.command[0])
        check_program(program, path)
        try:
            process = subprocess.Popen(
                list(reference.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=plain_environment(self._environment),
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"{path}: {program} does not start", code="secret-unresolved") from error
        output = _collect(process, reference.timeout_ms / 1000, path, program)
        text = _without_newline(output.decode("utf-8", "replace"))
        if process.returncode != 0:
            raise Unavailable(f"{path}: {program} ended with status {process.returncode}", code="secret-unresolved")
        if not text.strip():
            raise _bad(path, f"{program} printed nothing")
        return text


def plain_environment(environment: Environment) -> dict[str, str]:
    """Return the variables that a program of the config gets: those of the process that are no secrets."""
    return {
        name: text
        for name, text in environment.values.items()
        if name not in environment.origins and not is_secret_name(name) and not controls_runtime(name)
    }


def _collect(process: subprocess.Popen[bytes], seconds: float, path: str, program: Path) -> bytes:
    """Return the first 64 KiB of output; the rest is read and dropped so that the program can end."""
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise Unavailable(f"{path}: {program} took longer than {seconds:g} s", code="secret-unresolved") from None
    return output[:MAX_OUTPUT_BYTES]


def _bad(path: str, why: str) -> InvalidInput:
    return InvalidInput(f"{path}: {why}", code="secret-unresolved")


def _without_newline(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _private_text(place: Path, path: str) -> str:
    try:
        content, found = read_regular(place, MAX_FILE_BYTES)
    except (OSError, OddFile) as error:
        raise _bad(path, f"{place}: {why(error)}") from error
    if found.st_uid != os.geteuid():
        raise _bad(path, f"{place} must belong to you")
    if found.st_mode & 0o077:
        raise _bad(path, f"{place} may be opened by others; run: chmod 600 {place}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _bad(path, f"{place} is not UTF-8 text") from None


def _pointed(text: str, pointer: str, path: str) -> str:
    """Return the text that a JSON pointer names inside a JSON text (RFC 6901)."""
    try:
        value: Any = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise _bad(path, "the secret file is not JSON, so a pointer leads nowhere") from None
    if not pointer.startswith("/"):
        raise _bad(path, "a JSON pointer begins with /")
    for part in pointer[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            raise _bad(path, f"the pointer {pointer} leads nowhere")
    if not isinstance(value, str):
        raise _bad(path, f"the pointer {pointer} does not lead to text")
    return value


def check_program(program: Path, path: str) -> None:
    """Refuse a program that others could have put in place.

    Raises:
        InvalidInput: it, or a link on the way, is not owned by the user or root, or may be changed by others.
    """
    try:
        real = program.resolve(strict=True)
        found = real.stat()
    except (OSError, RuntimeError) as error:
        raise _bad(path, f"{program} does not exist") from error
    if not stat.S_ISREG(found.st_mode) or not os.access(real, os.X_OK):
        raise _bad(path, f"{program} is not a program")
    if found.st_uid not in {0, os.geteuid()} or found.st_mode & 0o022:
        raise _bad(path, f"{program} must belong to you or root and not be writable by others")
