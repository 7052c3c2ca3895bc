"""Runs path cases: builds the tree of a case, lets the guarded files act on it, and looks at what happened."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from openclaw.policy.verdict import Reason
from openclaw.policy.what.paths import FileRoots, Mount
from openclaw.security.policy_cases.result import CaseResult
from openclaw.system.errors import NotFound, OpenClawError, Refused
from openclaw.system.files import GuardedFiles

RACE_ROUNDS: Final = 300
_PLACES: Final = ("ws", "out", "agent")


def run_case(case: Mapping[str, Any], base_config: Mapping[str, Any]) -> CaseResult:
    """Run one path case.

    Args:
        case: one entry of the case file.
        base_config: the head of the case file: `base` with `dirs`, `files`, `home` and `write_body`.

    Returns:
        What happened, in the words of the case: `expect`, and `effect` when the case states one.
    """
    top = Path(tempfile.mkdtemp(prefix="openclaw-case-"))
    try:
        return _Run(case, base_config.get("base", base_config), top).result()
    finally:
        shutil.rmtree(top, ignore_errors=True)


class _Run:
    """One case in a directory of its own."""

    def __init__(self, case: Mapping[str, Any], base: Mapping[str, Any], top: Path) -> None:
        self._places = {f"{{{name}}}": str(top / name) for name in _PLACES}
        self._case = self._filled(case)
        self._base = self._filled(base)
        for folder in (*self._places.values(), *self._base.get("dirs", ())):
            Path(folder).mkdir(parents=True, exist_ok=True)
        for path, text in self._base.get("files", {}).items():
            _write(path, text)
        for step in self._case.get("setup", ()):
            _set_up(step)
        self._files = GuardedFiles(self._roots())

    def result(self) -> CaseResult:
        case = self._case
        race = case.get("race")
        outcomes = self._raced(race) if race else [self._once()]
        expected: dict[str, Any] = {"expect": case["expect"]}
        expect, trail = outcomes[-1]
        got: dict[str, Any] = {"expect": expect}
        if case["expect"] == "never-leaks":
            got["expect"] = "leaked" if any(expect == "leaked" for expect, _ in outcomes) else "never-leaks"
        for effect in _effects(case):
            expected[effect] = True
            got[effect] = self._holds(effect)
        return CaseResult.compare(str(case["id"]), expected, got, (trail,))

    def _roots(self) -> FileRoots:
        """Return the bounds of the case's session; `apply_patch` is bounded also where nothing else is."""
        mode = self._case.get("mode", "bounded")
        workspace, home = self._places["{ws}"], str(self._base.get("home", self._places["{out}"]))
        mounts: tuple[Mount, ...] = ()
        if mode != "open":
            mounts = (Mount("/workspace", workspace),)
        if mode == "sandbox-ro":
            mounts = (*mounts, Mount("/agent", self._places["{agent}"], writable=False))
        patch_only = str(self._case["tool"]).startswith("apply_patch") and self._case.get("workspaceOnly", True)
        return FileRoots(
            cwd=workspace, home=home, bounded=mode != "open" or patch_only, mounts=mounts, writable=mode != "sandbox-ro"
        )

    def _once(self) -> tuple[str, Reason]:
        try:
            content = self._act()
        except NotFound as error:
            return "not-found", Reason("not-found", detail=error.message)
        except Refused as error:
            return "refused", Reason(str(error.details.get("why", error.code)), error.details.get("key"), error.message)
        except OpenClawError as error:
            return error.code, Reason(error.code, detail=error.message)
        if content is not None and any(text in content for text in self._secrets()):
            return "leaked", Reason("leaked", detail="The answer holds the text that it must never return.")
        return "allowed", Reason("open" if self._case.get("mode") == "open" else "inside")

    def _act(self) -> str | None:
        path, body = self._case["path"], str(self._base.get("write_body", "NEW")).encode()
        match self._case["tool"]:
            case "read":
                return self._files.read_bytes(path).decode(errors="replace")
            case "write" | "apply_patch:add":
                self._files.write(path, body)
            case "edit":
                self._files.read_bytes(path)
                self._files.write(path, body)
            case "apply_patch:delete":
                self._files.delete(path)
            case "apply_patch:move":
                self._files.move(path, self._case["move_to"])
            case tool:
                raise Refused(f"This runner knows no tool {tool!r}.", code="unknown-tool")
        return None

    def _secrets(self) -> list[str]:
        prefix = "never-returns:"
        return [effect.removeprefix(prefix) for effect in _effects(self._case) if effect.startswith(prefix)]

    def _raced(self, race: Any) -> list[tuple[str, Reason]]:
        """Act many times while another thread keeps changing the tree as the case says, and once at rest."""
        asked = race.get("rounds", race.get("iterations")) if isinstance(race, Mapping) else None
        rounds = asked if isinstance(asked, int) else RACE_ROUNDS
        steps = list(_steps(race))
        stop = threading.Event()
        thread = threading.Thread(target=_flip, args=(stop, steps or [_swap_parent(self._case, self._places)]))
        thread.start()
        try:
            outcomes = [self._once() for _ in range(max(1, min(rounds, 20_000)))]
        finally:
            stop.set()
            thread.join()
        return [*outcomes, self._once()]

    def _holds(self, effect: str) -> bool:
        kind, rest = effect.split(":", 1)
        if kind == "absent":
            return not os.path.lexists(rest)
        if kind == "content":
            path, text = rest.split("=", 1)
            return Path(path).is_file() and Path(path).read_text(encoding="utf-8") == text
        return kind == "never-returns"

    def _filled(self, value: Any) -> Any:
        """Replace the placeholders in every string."""
        if isinstance(value, str):
            for name, path in self._places.items():
                value = value.replace(name, path)
            return value
        if isinstance(value, Mapping):
            return {self._filled(key): self._filled(item) for key, item in value.items()}
        if isinstance(value, Sequence):
            return [self._filled(item) for item in value]
        return value


def _effects(case: Mapping[str, Any]) -> list[str]:
    effect = case.get("effect", [])
    return [effect] if isinstance(effect, str) else list(effect)


def _write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def _set_up(step: Sequence[str]) -> None:
    match list(step):
        case ["mkdir", path]:
            Path(path).mkdir(parents=True, exist_ok=True)
        case ["write", path, text]:
            _write(path, text)
        case ["symlink", target, link]:
            Path(link).symlink_to(target)
        case ["hardlink", source, target]:
            Path(target).hardlink_to(source)
        case ["fifo", path]:
            os.mkfifo(path)
        case ["remove", path]:
            _remove(path)
        case ["rename", source, target]:
            Path(source).rename(target)


def _steps(race: Any) -> Iterator[Callable[[], None]]:
    """Return the changes that a race alternates: every list of it that begins with the name of a set-up step."""
    if isinstance(race, Mapping):
        for value in race.values():
            yield from _steps(value)
    elif isinstance(race, Sequence) and not isinstance(race, str):
        if race and isinstance(race[0], str):
            yield lambda: _replace(race)
        else:
            for value in race:
                yield from _steps(value)


def _replace(step: Sequence[str]) -> None:
    """Take a set-up step in a race: what has the name already makes way."""
    if step[0] in {"mkdir", "write", "fifo"}:
        _remove(step[1])
    elif step[0] in {"symlink", "hardlink"}:
        _remove(step[2])
    _set_up(step)


def _remove(path: str) -> None:
    if os.path.lexists(path):
        if Path(path).is_dir() and not Path(path).is_symlink():
            shutil.rmtree(path)
        else:
            Path(path).unlink()


def _swap_parent(case: Mapping[str, Any], places: Mapping[str, str]) -> Callable[[], None]:
    """Without stated steps, the directory above the path turns into a link to the outside and back."""
    first = str(case["path"]).removeprefix(places["{ws}"]).strip("/").split("/")[0]
    name, spare = Path(places["{ws}"], first), Path(places["{ws}"], f".{first}.spare")

    def swap() -> None:
        if name.is_symlink():
            name.unlink()
            spare.rename(name)
        else:
            name.rename(spare)
            name.symlink_to(places["{out}"])

    return swap


def _flip(stop: threading.Event, steps: Sequence[Callable[[], None]]) -> None:
    while True:  # at least once, however late the thread begins
        for step in steps:
            with contextlib.suppress(OSError):
                step()
        if stop.is_set():
            return
