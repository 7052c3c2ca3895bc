"""A described machine for exec tests, and short ways to ask about lines on it."""

from __future__ import annotations

from typing import Any

from openclaw.policy.what.exec_decide import decide
from openclaw.policy.what.exec_model import Decision
from openclaw.security.policy_cases.exec import DescribedWorld, request_of, rules_of

INTERPRETERS = (
    "bash",
    "dash",
    "zsh",
    "ksh",
    "python3",
    "node",
    "perl",
    "ruby",
    "php",
    "lua",
    "pwsh",
    "gawk",
    "R",
    "fish",
)
WORLD: dict[str, Any] = {
    "home": "/home/u",
    "path": ["/usr/local/bin", "/usr/bin", "/bin"],
    "executables": [
        *(f"/usr/bin/{name}" for name in INTERPRETERS),
        *(f"/usr/bin/{name}" for name in ("rg", "rm", "ls", "git", "find", "g++", "head", "tail", "cut", "uniq", "tr")),
        *(
            f"/usr/bin/{name}"
            for name in ("wc", "sort", "grep", "jq", "sed", "mawk", "env", "nice", "nohup", "timeout")
        ),
        *(
            f"/usr/bin/{name}"
            for name in ("stdbuf", "setsid", "time", "xargs", "sudo", "script", "flock", "ssh", "deno")
        ),
        *("/usr/local/bin/busybox", "/usr/local/bin/head", "/opt/x/ls", "/home/u/work/build.sh", "/home/u/work/rg"),
        *("/home/u/bin/wc", "/lib64/ld-linux-x86-64.so.2", "/opt/my tools/run it", "/usr/local/bin/himalaya"),
    ],
    "symlinks": {
        "/bin": "usr/bin",
        "/usr/bin/sh": "dash",
        "/usr/bin/awk": "mawk",
        "/usr/local/bin/bbsh": "busybox",
        "/usr/local/bin/ash": "busybox",
        "/home/u/bin/wrap": "/usr/bin/env",
        "/home/u/bin/shx": "/usr/bin/bash",
    },
}
EVERYTHING = ["/**"]


def ask(command: str, allowlist: list[Any] | None = None, **facts: Any) -> Decision:
    """Decide about a line on the described machine; facts are those of the shared cases."""
    facts = {
        "safeBins": ["cut", "uniq", "head", "tail", "tr", "wc"],
        "cwd": "/home/u/work",
        "path": ["/usr/bin", "/usr/local/bin"],
        **facts,
    }
    facts |= {"command": command, "allowlist": allowlist or []}
    return decide(request_of(facts, WORLD), rules_of(facts), DescribedWorld(WORLD, facts.get("platform", "linux")))


def why(command: str, allowlist: list[Any] | None = None, **facts: Any) -> str:
    """Return the reason code for a line; `strictInlineEval` is off unless stated, so that entries alone decide."""
    return ask(command, allowlist, **{"strictInlineEval": False, **facts}).why
