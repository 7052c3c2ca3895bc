"""What the code scan looks for, by kind of file (audit.md 7).

The patterns run in a linear-time engine over bytes: no file can make them slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import re2

from openclaw.security.audit.deep_facts import CodeHit

SCRIPTS: Final = frozenset({".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".jsx", ".tsx"})
PYTHON: Final = frozenset({".py", ".pyw"})
_COMMON_PORTS: Final = frozenset({b"80", b"443", b"8080", b"8443", b"3000"})
_EXFILTRATION: Final = "reads files next to a network call"
_HARVESTING: Final = "reads environment variables next to a network call"


def _compiled(text: str) -> Any:
    return re2.compile(text.encode())


@dataclass(frozen=True, slots=True)
class Pattern:
    """One rule.

    Attributes:
        rule: its id.
        message: what it means.
        whole: finds it in a file.
        line: finds it within one line.
        critical: how bad it is.
        beside: what the file must hold as well; None for nothing.
        by_line: it counts within one line only.
        port: its group is a port, and common ones mean nothing.
        seed: the seed version has it.
    """

    rule: str
    message: str
    whole: Any
    line: Any
    critical: bool = False
    beside: Any = None
    by_line: bool = False
    port: bool = False
    seed: bool = True


def _rule(
    rule: str,
    message: str,
    text: str,
    *,
    critical: bool = False,
    beside: str | None = None,
    by_line: bool = False,
    port: bool = False,
    seed: bool = False,
) -> Pattern:
    return Pattern(
        rule,
        message,
        whole=_compiled(text),
        line=_compiled(text.replace(r"\s", r"[ \t\r\f\v]")),
        critical=critical,
        beside=None if beside is None else _compiled(beside),
        by_line=by_line,
        port=port,
        seed=seed,
    )


_MINING: Final = r"(?i)stratum\+tcp|stratum\+ssl|coinhive|cryptonight|xmrig"
_NETWORK: Final = r"(?i)\bfetch\b|\bpost\b|http\.request"
_PYTHON_NETWORK: Final = r"\b(?:requests|httpx|aiohttp|urllib|socket|http\.client|smtplib|ftplib)\b"
_BASE64: Final = "[A-Za-z0-9+/=]{200}[A-Za-z0-9+/=]*"

_SCRIPT_RULES: Final = (
    _rule(
        "dangerous-exec",
        "starts a program",
        r"\b(?:exec|execSync|spawn|spawnSync|execFile|execFileSync)\s*\(",
        critical=True,
        beside="child_process",
        by_line=True,
        seed=True,
    ),
    _rule(
        "dynamic-code-execution",
        "runs text as code",
        r"\beval\s*\(|new\s+Function\s*\(",
        critical=True,
        by_line=True,
        seed=True,
    ),
    _rule("crypto-mining", "names a mining service", _MINING, critical=True, by_line=True, seed=True),
    _rule(
        "suspicious-network",
        "opens a WebSocket on an unusual port",
        r"""new\s+WebSocket\s*\(\s*["']wss?://[^"'\n]*:(\d+)""",
        by_line=True,
        port=True,
        seed=True,
    ),
    _rule("potential-exfiltration", _EXFILTRATION, "readFileSync|readFile", beside=_NETWORK, seed=True),
    _rule("obfuscated-code", "hides text in hex escapes", r"(?:\\x[0-9a-fA-F]{2}){6}", seed=True),
    _rule(
        "obfuscated-code",
        "decodes a long base64 text",
        rf"""(?:atob|Buffer\.from)\s*\(\s*["']{_BASE64}["']""",
        seed=True,
    ),
    _rule("env-harvesting", _HARVESTING, r"process\.env", critical=True, beside=_NETWORK, seed=True),
)

_PYTHON_RULES: Final = (
    _rule(
        "dangerous-exec",
        "starts a program",
        r"\bsubprocess\.(?:run|call|check_call|check_output|Popen|getoutput|getstatusoutput)\b|\bos\.(?:system|popen|"
        r"exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?)\b|\bpty\.spawn\b|\bcreate_subprocess_(?:exec|shell)\b",
        critical=True,
        by_line=True,
    ),
    _rule(
        "dynamic-code-execution",
        "runs text or data as code",
        r"(?:^|[^\w.])(?:eval|exec|compile)\s*\(|\b(?:marshal|c?[pP]ickle|dill|shelve)\.(?:loads?|Unpickler|open)\b|"
        r"\byaml\.(?:unsafe_load|load)\s*\(",
        critical=True,
        by_line=True,
    ),
    _rule("crypto-mining", "names a mining service", _MINING, critical=True, by_line=True),
    _rule(
        "potential-exfiltration",
        _EXFILTRATION,
        r"(?:^|[^\w.])open\s*\(|\.read_(?:text|bytes)\s*\(",
        beside=_PYTHON_NETWORK,
    ),
    _rule(
        "env-harvesting",
        _HARVESTING,
        r"\bos\.(?:environ|environb|getenv)\b",
        critical=True,
        beside=_PYTHON_NETWORK,
    ),
    _rule(
        "obfuscated-code",
        "hides text in escapes or base64",
        r"""(?:b64decode|b85decode|a85decode|b32decode|unhexlify|fromhex|decompress)\s*\(\s*b?["'][A-Za-z0-9+/=_-]{200}|"""
        r"""(?:\\x[0-9a-fA-F]{2}){6}""",
    ),
)

_SKILL_RULES: Final = (
    _rule(
        "literal-secret",
        "holds something that looks like a key",
        r"\b(?:sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20}|gh[pousr]_[A-Za-z0-9]{30}|xox[abprs]-[A-Za-z0-9-]{10}|AKIA[0-9A-Z]{16}|"
        r"AIza[0-9A-Za-z_-]{30}|\d{8,10}:[A-Za-z0-9_-]{35})|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
        critical=True,
        by_line=True,
    ),
    _rule(
        "shell-pipe-to-shell",
        "pipes a download into a shell",
        r"\b(?:curl|wget)\b[^|\n]{0,500}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b",
        critical=True,
        by_line=True,
    ),
    _rule(
        "secret-exfiltration",
        "sends variables away",
        r"(?i)\b(?:curl|wget|fetch|post)\b[^\n]{0,500}\$\{?[A-Z_]{0,60}(?:KEY|TOKEN|SECRET|PASSWORD)",
        critical=True,
        by_line=True,
    ),
    _rule(
        "destructive-delete",
        "deletes a whole tree",
        r"""(?m)\brm\s+-[a-zA-Z]*[rR][a-zA-Z]*\s+(?:-\w+\s+)?["']?(?:/|\$HOME|\$\{HOME\}|~|\.)/?["']?(?:\s|$)""",
        by_line=True,
    ),
    _rule("unsafe-permissions", "opens files for everybody", r"\bchmod\s+(?:-\w+\s+)?0?777\b", by_line=True),
)


def rules_for(name: str) -> tuple[Pattern, ...]:
    """Return the rules for a file by its name; none for files that are not read."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    if suffix in SCRIPTS:
        return _SCRIPT_RULES
    if suffix in PYTHON:
        return _PYTHON_RULES
    return _SKILL_RULES if name.lower() == "skill.md" else ()


def scan_content(content: bytes, file: str, patterns: tuple[Pattern, ...]) -> Iterator[CodeHit]:
    """Yield what a file matches, each rule once; the line is the first one that matches, else 1.

    Args:
        content: the file.
        file: its name for people.
        patterns: the rules for it.
    """
    for pattern in patterns:
        if pattern.beside is not None and pattern.beside.search(content) is None:
            continue
        at = _first_line(pattern, content)
        if at is None and (pattern.by_line or pattern.whole.search(content) is None):
            continue
        yield CodeHit(pattern.rule, pattern.critical, pattern.message, file, at or 1, pattern.seed)


def _first_line(pattern: Pattern, content: bytes) -> int | None:
    """Return the first line that matches by itself."""
    start = 0
    while (found := pattern.line.search(content, start)) is not None:
        at = found.start() + (content[found.start() : found.start() + 1] == b"\n")
        if not pattern.port or found.group(1) not in _COMMON_PORTS:
            return content.count(b"\n", 0, at) + 1
        end = content.find(b"\n", found.end())  # of a line only the first address counts
        if end < 0:
            return None
        start = end + 1
    return None
