"""Masks secrets in text: values this process knows, then the shapes of known keys, then the user's own patterns.

The second net, not the first: a secret that is typed as one never becomes text (config.md 6.5, advisories O1, O8, O10).
Every built-in pattern takes time linear in the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import quote

MASK: Final = "***"
SHORT: Final = 18
"""Texts below this length are masked whole; of longer ones the first 6 and the last 4 characters stay."""


class Spans(Protocol):
    """A pattern of the user: `openclaw.policy.patterns.UserPattern`."""

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Return where the pattern matches, in order and without overlap."""
        ...


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text with what was found in it masked, and how many places that were."""

    text: str
    count: int = 0


_SECRET_WORD: Final = r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD)"  # noqa: S105 - a pattern, not a password
_JSON_NAMES: Final = r"(?:apiKey|token|secret|password|passwd|accessToken|refreshToken)"
_TOKEN: Final = r"[A-Za-z0-9._\-+=]"  # noqa: S105 - a pattern, not a password


def _row(triggers: str, pattern: str, *, ignore_case: bool = True) -> tuple[tuple[str, ...], re.Pattern[str]]:
    """Return a known shape: lower-case texts of which it needs one to match, and the regex whose group is masked."""
    return tuple(triggers.split()), re.compile(pattern, re.IGNORECASE if ignore_case else 0)


_BEGIN_KEY: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----", re.IGNORECASE)
_END_KEY: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----", re.IGNORECASE)
BUILT_INS: Final = (
    _row("key token secret passw", rf"\b[A-Z0-9_]*{_SECRET_WORD}\b\s*[=:]\s*[\"']?([^\s\"'\\]+)"),
    _row("key token secret passw", rf'"{_JSON_NAMES}"\s*:\s*"([^"]+)"'),
    _row("key token secret passw", rf'\\"{_JSON_NAMES}\\"\s*:\s*\\"([^"\\]+)'),
    _row("--", r"--(?:api[-_]?key|token|secret|password|passwd)\s+[\"']?([^\s\"']+)"),
    _row("authorization", rf"Authorization\s*[:=]\s*Bearer\s+({_TOKEN}+)"),
    _row("authorization", r"Authorization\s*[:=]\s*Basic\s+([A-Za-z0-9+/=]{8,})"),
    _row("bearer", rf"\bBearer\s+({_TOKEN}{{18,}})(?!{_TOKEN})"),
    (("-----begin",), _BEGIN_KEY),
    _row("sk-", r"\b(sk-[A-Za-z0-9_-]{8,})\b"),
    _row("ghp_", r"\b(ghp_[A-Za-z0-9]{20,})\b"),
    _row("github_pat_", r"\b(github_pat_[A-Za-z0-9_]{20,})\b"),
    _row("xox", r"\b(xox[baprs]-[A-Za-z0-9-]{10,})\b"),
    _row("xapp-", r"\b(xapp-[A-Za-z0-9-]{10,})\b"),
    _row("gsk_", r"\b(gsk_[A-Za-z0-9_-]{10,})\b"),
    _row("aiza", r"\b(AIza[0-9A-Za-z\-_]{20,})\b"),
    _row("pplx-", r"\b(pplx-[A-Za-z0-9_-]{10,})\b"),
    _row("npm_", r"\b(npm_[A-Za-z0-9]{10,})\b"),
    _row("bot", r"bot(\d{6,}(?::|%3A)[A-Za-z0-9_-]{20,})"),
    _row(":", r"\b(\d{6,}:[A-Za-z0-9_-]{20,})\b"),
    _row("://", r"://([^\s/?#@\"'<>]+)@"),
    _row("=", rf"[?&;](?:[A-Z0-9_\-.]*(?:{_SECRET_WORD}|SIGNATURE)|sig|code)=([^&\s\"'#<>]+)"),
    _row("akia asia", r"\b((?:AKIA|ASIA)[A-Z0-9]{16})\b", ignore_case=False),
    _row("gho_ ghu_ ghs_ ghr_", r"\b(gh[ousr]_[A-Za-z0-9]{20,})\b"),
    _row("glpat-", r"\b(glpat-[A-Za-z0-9_-]{20,})"),
    _row("k_live_", r"\b([sr]k_live_[A-Za-z0-9]{16,})\b"),
    _row("sg.", r"\b(SG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})", ignore_case=False),
    _row("hf_", r"\b(hf_[A-Za-z0-9]{20,})\b"),
    _row("ya29.", r"\b(ya29\.[A-Za-z0-9_-]{20,})"),
    _row("eyj", r"\b(eyJ[A-Za-z0-9_-]{4,600}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*)", ignore_case=False),
)
"""The known shapes in the order in which they are applied; each sees what the one before left."""
_BY_TRIGGER: Final = tuple((trigger, regex) for triggers, regex in BUILT_INS for trigger in triggers)


def mask(text: str) -> str:
    """Return what stands in the place of a secret."""
    return MASK if len(text) < SHORT else f"{text[:6]}…{text[-4:]}"


def redact(text: str, *, secrets: Iterable[str] = (), patterns: Sequence[Spans] = (), shapes: bool = True) -> Redaction:
    """Mask secrets in a text.

    Args:
        text: any text.
        secrets: values that this process has resolved; masked in their plain, JSON and URL forms.
        patterns: the user's own, applied last.
        shapes: whether built-in and user patterns are applied at all.
    """
    text, count = _mask_known(text, frozenset(secrets))
    if not shapes:
        return Redaction(text, count)
    lowered = text.lower()
    for regex in dict.fromkeys(regex for trigger, regex in _BY_TRIGGER if trigger in lowered):
        if regex is _BEGIN_KEY:
            text, count = _mask_private_keys(text, count)
            continue
        found = [match.span(1) for match in regex.finditer(text) if not _is_masked(match.group(1))]
        if found:
            text, count = _mask_spans(text, found), count + len(found)
    for pattern in patterns:
        spans = pattern.spans(text)
        if spans:
            text, count = _mask_spans(text, spans), count + len(spans)
    return Redaction(text, count)


def _is_masked(text: str) -> bool:
    """Tell whether an earlier pattern has been here, so that a mask is not masked again."""
    return text == MASK or (len(text) == 11 and text[6] == "…")


def _mask_spans(text: str, spans: Sequence[tuple[int, int]]) -> str:
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces += (text[at:start], mask(text[start:end]))
        at = end
    return "".join((*pieces, text[at:]))


def _mask_private_keys(text: str, count: int) -> tuple[str, int]:
    """Keep the frame of each private key that has lines; one whose end is missing is masked to the end of the text."""
    pieces: list[str] = []
    at = 0
    while begin := _BEGIN_KEY.search(text, at):
        end = _END_KEY.search(text, begin.end())
        stop = end.end() if end else len(text)
        framed = "\n" in text[begin.end() : stop]
        lines = (begin.group(), "…redacted…", *([end.group()] if end else []))
        pieces += (text[at : begin.start()], "\n".join(lines) if framed else MASK)
        at, count = stop, count + 1
    return "".join((*pieces, text[at:])), count


def _mask_known(text: str, secrets: frozenset[str]) -> tuple[str, int]:
    count = 0
    for form, masked in _forms(secrets):
        if form in text:
            count += text.count(form)
            text = text.replace(form, masked)
    return text, count


@lru_cache(maxsize=8)
def _forms(secrets: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Return every form of every secret with its mask, the longest first, so that none is cut by a shorter one."""
    forms: dict[str, str] = {}
    for secret in secrets:
        for form in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], _in_url(secret)):
            forms.setdefault(form, mask(secret))
    return tuple(sorted(forms.items(), key=lambda item: len(item[0]), reverse=True))


def _in_url(secret: str) -> str:
    return quote(secret, safe="", errors="replace")
