"""Runs exec cases: a described machine, a line, rules; and what `decide` must answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from openclaw.policy.what.exec_decide import decide
from openclaw.policy.what.exec_model import AllowEntry, Ask, Decision, ExecRequest, ExecRules, SafeBinProfile, Security
from openclaw.policy.what.paths import parts_of
from openclaw.security.policy_cases.result import CaseResult

_MAX_LINKS: Final = 40


class DescribedWorld:
    """A file system that exists only as the `world` of a case file."""

    def __init__(self, world: Mapping[str, Any], platform: str = "linux") -> None:
        self.home: str = world.get("home", "/")
        self.platform = platform
        self._executables = frozenset(world.get("executables", ()))
        self._links: Mapping[str, str] = world.get("symlinks", {})
        self._resolved: dict[str, str] = {}

    def is_executable_file(self, path: str) -> bool:
        """Tell whether a path leads to one of the executables."""
        return self.realpath(path) in self._executables

    def realpath(self, path: str) -> str:
        """Follow the described links in every part of a path."""
        if path not in self._resolved:
            self._resolved[path] = self._follow(path)
        return self._resolved[path]

    def _follow(self, path: str) -> str:
        current = "/" + "/".join(parts_of(path))
        for _ in range(_MAX_LINKS):
            parts = parts_of(current)
            for count in range(1, len(parts) + 1):
                name = "/" + "/".join(parts[:count])
                target = self._links.get(name)
                if target is not None:
                    base = target if target.startswith("/") else f"{name.rpartition('/')[0]}/{target}"
                    current = "/" + "/".join(parts_of("/".join((base, *parts[count:]))))
                    break
            else:
                return current
        return current


def run_case(case: Mapping[str, Any], base_config: Mapping[str, Any]) -> CaseResult:
    """Run one exec case.

    Args:
        case: one entry of the case file.
        base_config: the head of the case file: `world`, and `defaults` that lie under every case.

    Returns:
        The decision, and the pins where the case states them; `why` stands in the trail.
    """
    facts = {**base_config.get("defaults", {}), **case}
    world = DescribedWorld(case.get("world", base_config.get("world", {})), facts.get("platform", "linux"))
    decision = decide(request_of(facts, base_config.get("world", {})), rules_of(facts), world)
    expected: dict[str, Any] = {"expect": case["expect"]}
    got: dict[str, Any] = {"expect": str(decision.decision)}
    if "pins" in case:
        expected["pins"] = list(case["pins"])
        got["pins"] = _pins(decision)
    return CaseResult.compare(str(case["id"]), expected, got, (decision.reason,))


def request_of(facts: Mapping[str, Any], world: Mapping[str, Any]) -> ExecRequest:
    """Return the request that a case describes."""
    argv = facts.get("argv")
    return ExecRequest(
        command=facts.get("command", ""),
        argv=None if argv is None else tuple(argv),
        cwd=facts.get("cwd", world.get("home", "/")),
        path=tuple(facts.get("path", world.get("path", ()))),
    )


def rules_of(facts: Mapping[str, Any]) -> ExecRules:
    """Return the rules that a case describes; an allowlist holds patterns or entries."""
    return ExecRules(
        security=Security(facts.get("security", "allowlist")),
        ask=Ask(facts.get("ask", "on-miss")),
        allowlist=tuple(map(_entry, facts.get("allowlist", ()))),
        safe_bins=frozenset(facts.get("safeBins", ())),
        trusted_dirs=frozenset({"/bin", "/usr/bin", *facts.get("safeBinTrustedDirs", ())}),
        safe_bin_profiles={name: profile_of(raw) for name, raw in facts.get("safeBinProfiles", {}).items()},
        skill_bins=dict(facts.get("skillBins", {})),
        auto_allow_skills=bool(facts.get("autoAllowSkills", False)),
        strict_inline_eval=bool(facts.get("strictInlineEval", True)),
    )


def profile_of(raw: Mapping[str, Any]) -> SafeBinProfile:
    """Return a profile written as `tools.exec.safeBinProfiles` has it (exec.md 2.6)."""
    return SafeBinProfile.custom(
        operands=(raw.get("minPositional", 0), raw.get("maxPositional", 0)),
        value_flags=raw.get("allowedValueFlags", ()),
        denied_flags=raw.get("deniedFlags", ()),
    )


def _entry(raw: str | Mapping[str, Any]) -> AllowEntry:
    if isinstance(raw, str):
        return AllowEntry(raw)
    args = raw.get("args")
    usable = isinstance(args, Sequence) and not isinstance(args, str) and all(isinstance(word, str) for word in args)
    return AllowEntry(
        raw["pattern"], tuple(args) if usable and args is not None else None, void=args is not None and not usable
    )


def _pins(decision: Decision) -> list[str]:
    """Return the paths that will be executed, taken from the plan itself."""
    if decision.plan is None:
        return []
    if decision.plan.script is None:
        return [argv[0] for step in decision.plan.steps for argv in step.commands]
    return list(decision.plan.pins)
