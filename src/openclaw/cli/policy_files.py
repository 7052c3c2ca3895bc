"""Case files of `openclaw policy test`: reading, telling their kind, laying the live config below a case."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openclaw.system.errors import InvalidInput, OpenClawError

if TYPE_CHECKING:
    from openclaw.security.policy_cases.result import CaseResult

KINDS: Final = ("access", "tool-policy", "session-keys", "exec", "paths", "ssrf")
_HEAD_MARKS: Final = {"catalogue": "tool-policy", "world": "exec", "base": "paths", "dns": "ssrf"}
_CASE_MARKS: Final = (
    (("op",), "session-keys"),
    (("url",), "ssrf"),
    (("tool", "path"), "paths"),
    (("command",), "exec"),
    (("argv",), "exec"),
    (("message", "expected"), "access"),
    (("input",), "tool-policy"),
)
_EXEC_KEYS: Final = ("security", "ask", "safeBins", "safeBinTrustedDirs", "safeBinProfiles", "strictInlineEval")


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A file of cases.

    Attributes:
        path: the file.
        kind: what it is about.
        head: what stands beside the cases.
        cases: the cases.
    """

    path: Path
    kind: str
    head: Mapping[str, Any]
    cases: Sequence[Mapping[str, Any]]


def read_cases(path: Path, kind: str | None) -> CaseFile:
    """Read a case file: an object with `cases`, or a bare list of them; JSON or JSON5.

    Raises:
        InvalidInput: it cannot be read, holds no cases, or does not tell what it is about.
    """
    from openclaw.config.json5 import Json5Error, loads, read_bytes

    try:
        found = loads(read_bytes(path.read_bytes()))
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except Json5Error as error:
        where = f" at line {error.line} column {error.column}" if error.line else ""
        raise InvalidInput(f"{path}: {error}{where}") from error
    cases = found.get("cases") if isinstance(found, dict) else found
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise InvalidInput(f"{path} holds no cases: it must be a list of objects, or an object with such a list, cases")
    head = {key: value for key, value in found.items() if key != "cases"} if isinstance(found, dict) else {}
    chosen = kind or _guess(head, cases, path)
    if chosen is None:
        raise InvalidInput(f"{path} does not tell what it is about; say --kind {'|'.join(KINDS)}")
    return CaseFile(path, chosen, head, cases)


def _guess(head: Mapping[str, Any], cases: Sequence[Mapping[str, Any]], path: Path) -> str | None:
    name = str(head.get("format", "")).partition("-cases/")[0]
    if name in KINDS:
        return name
    first = cases[0] if cases else {}
    by_case = (kind for keys, kind in _CASE_MARKS if all(key in first for key in keys))
    by_head = (kind for key, kind in _HEAD_MARKS.items() if key in head)
    by_name = (kind for kind in KINDS if kind in {path.stem, path.parent.name})
    return next((kind for kinds in (by_head, by_case, by_name) for kind in kinds), None)


def run_one(file: CaseFile, case: Mapping[str, Any], live: Mapping[str, Any] | None) -> CaseResult:
    """Run one case; one that cannot be run has failed, and says why."""
    from openclaw.security.policy_cases.result import CaseResult

    runner = importlib.import_module(f"openclaw.security.policy_cases.{file.kind.replace('-', '_')}").run_case
    try:
        placed = case if live is None else with_config(file.kind, case, file.head, live)
        found: CaseResult = runner(placed, None if file.kind == "access" else file.head)
    except OpenClawError as error:
        why = error.message
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        why = f"the case is malformed ({type(error).__name__}: {error})"
    else:
        return found
    return CaseResult(str(case.get("id", "?")), ok=False, expected=_expected(case), got={"error": why})


def _expected(case: Mapping[str, Any]) -> Mapping[str, Any]:
    found = case.get("expected", case.get("expect", {}))
    return found if isinstance(found, Mapping) else {"expect": found}


def with_config(
    kind: str, case: Mapping[str, Any], head: Mapping[str, Any], live: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the case with the live config laid below what it states itself.

    Path cases depend on no config and stay as they are.
    """
    match kind:
        case "access":
            return {**case, "config": below(live, case.get("config") or {})}
        case "tool-policy" | "session-keys":
            given = case["input"]
            own = given.get("config") or head.get("config") or {}
            return {**case, "input": {**given, "config": below(live, own)}}
        case "exec":
            block = (live.get("tools") or {}).get("exec") or {}
            return {**{key: block[key] for key in _EXEC_KEYS if key in block}, **(head.get("defaults") or {}), **case}
        case "ssrf":
            fetch = ((live.get("tools") or {}).get("web") or {}).get("fetch") or {}
            own = case.get("policy") or (head.get("defaults") or {}).get("policy") or {}
            return {**case, "policy": below(fetch.get("ssrfPolicy") or {}, own)}
        case _:
            return case


def below(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `over` laid over `base`: objects key by key, anything else replaced."""
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        merged[key] = below(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return merged
