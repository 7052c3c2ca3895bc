"""What a person is shown before deciding on a command, and how their answer is read (exec.md 2.8, 2.9).

Pure text. Nothing is cut in silence, and no character of a command can hide, reorder or imitate another (advisories
H2, H3): the shown form can be read back to the exact command. Channels and the Control UI lay it out and do not shorten
it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

ApprovalDecision = Literal["allow-once", "allow-always", "deny"]
DECISIONS: Final[tuple[ApprovalDecision, ...]] = ("allow-once", "allow-always", "deny")

_ALIASES: Final[dict[str, ApprovalDecision]] = {
    "allow": "allow-once",
    "once": "allow-once",
    "allow-once": "allow-once",
    "allowonce": "allow-once",
    "always": "allow-always",
    "allow-always": "allow-always",
    "allowalways": "allow-always",
    "deny": "deny",
    "reject": "deny",
    "block": "deny",
}

APPROVE_USAGE: Final = "Usage: /approve <id> allow-once|allow-always|deny"

_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_INVISIBLE: Final = frozenset(
    (
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        *range(0x180B, 0x1810),
        *range(0xFE00, 0xFE10),
        *range(0xE0100, 0xE01F0),
    )
)
"""Characters with no picture of their own that Unicode does not class as format characters."""

MIN_SHOWN: Final = 64
"""A shortened command always shows at least this many characters of each end."""
_FACT_WIDTH: Final = 200


@dataclass(frozen=True, slots=True)
class SegmentView:
    """One program of the command: the words as they were understood, and the file that would run."""

    words: tuple[str, ...]
    path: str | None


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """Everything that a prompt states about a request.

    Attributes:
        command: the exact text.
        cwd, host, agent_id, session_key, node_id: where it would run and for whom.
        security, ask: the effective knobs.
        why: reason code of the decision that asks (`allowlist-miss`, `parse:redirection`).
        segments: the parsed programs; empty when the line did not parse.
        env_names: names that the call adds to the environment.
        allow_always: whether "always" can be kept for this command.
    """

    command: str
    cwd: str | None = None
    host: str | None = None
    agent_id: str | None = None
    session_key: str | None = None
    node_id: str | None = None
    security: str | None = None
    ask: str | None = None
    why: str | None = None
    segments: tuple[SegmentView, ...] = ()
    env_names: tuple[str, ...] = ()
    allow_always: bool = True


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt for one surface.

    Attributes:
        text: what to show.
        complete: whether the whole command is in it.
        decisions: the answers to offer, in order; "always" only when the whole text is shown and can be kept.
        whole: the whole shown form of the command, to be offered when `complete` is False.
    """

    text: str
    complete: bool
    decisions: tuple[ApprovalDecision, ...]
    whole: str


def shown(text: str) -> str:
    r"""Return `text` on lines of its own with every character that could mislead written as `\u{HEX}`.

    Escaped are control, format, unassigned and invisible characters, white space other than a plain space, spaces at
    either end, and a backslash that would read as such an escape. A line break is shown escaped and then broken, once
    per run, so that blank lines cannot push a part out of view.
    """
    shown_text = _escaped(text)
    return _break_lines(shown_text)


def one_line(text: str) -> str:
    """Return `text` like `shown`, but on a single line."""
    return _escaped(text)


def _escaped(text: str) -> str:
    start = len(text) - len(text.lstrip(" "))
    end = len(text.rstrip(" "))
    parts = []
    for index, char in enumerate(text):
        at_the_edge = index < start or index >= end
        if _misleads(char) or (char == " " and at_the_edge) or (char == "\\" and text.startswith("u{", index + 1)):
            parts.append(f"\\u{{{ord(char):X}}}")
        else:
            parts.append(char)
    return "".join(parts)


def _misleads(char: str) -> bool:
    if " " < char < "\x7f":
        return False
    category = unicodedata.category(char)
    if category in _HIDDEN_CATEGORIES:
        return True
    return (category == "Zs" and char != " ") or ord(char) in _INVISIBLE


def _break_lines(escaped: str) -> str:
    newline = "\\u{A}"
    pieces = escaped.split(newline)
    lines = [pieces[0]]
    for piece in pieces[1:]:
        lines[-1] += newline
        if piece:
            lines.append(piece)
    return "\n".join(lines)


def digest16(command: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of the exact command."""
    return hashlib.sha256(command.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def code(text: str) -> str:
    """Return shown text as inline code, or in a fence that nothing inside can close."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    if longest == 0 and "\n" not in text:
        return f"`{text}`"
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def shorten(command: str, room: int) -> tuple[str, bool]:
    """Return the shown form of a command within about `room` characters, and whether it is whole.

    A shortened one has head and tail, and between them the full length and the digest.
    """
    whole = shown(command)
    if len(whole) <= room:
        return whole, True
    note = f"\n[… {len(command)} characters in all, the middle is not shown, SHA-256 {digest16(command)} …]\n"
    each = max(MIN_SHOWN, (room - len(note)) // 2)
    if 2 * each >= len(whole):
        return whole, True
    return whole[:each] + note + whole[-each:], False


def _facts(view: ApprovalView, width: int | None = None) -> list[str]:
    lines = []
    pairs = (
        ("CWD", view.cwd),
        ("Host", view.host),
        ("Node", view.node_id),
        ("Agent", view.agent_id),
        ("Session", view.session_key),
        ("Security", view.security),
        ("Ask", view.ask),
        ("Why", view.why),
    )
    lines += [f"{name}: {_fit(one_line(value), width)}" for name, value in pairs if value]
    if view.env_names:
        lines.append("Environment: " + _fit(", ".join(one_line(name) for name in view.env_names), width))
    return lines


def _fit(text: str, width: int | None) -> str:
    if width is None or len(text) <= width:
        return text
    return f"{text[: width // 2]}[… {len(text)} characters in all …]{text[-(width // 2) :]}"


def _programs(view: ApprovalView) -> list[str]:
    lines = []
    for number, segment in enumerate(view.segments, start=1):
        words = " ".join(quoted(word) for word in segment.words)
        path = one_line(segment.path) if segment.path else "no such program"
        lines.append(f"Runs {number}: {path} — {words}")
    return lines


def quoted(word: str) -> str:
    """Return one word of a command so that its borders are visible."""
    escaped = one_line(word)
    if escaped and all(char.isalnum() or char in "-_./=:,+@%^" for char in escaped):
        return escaped
    return "'" + escaped.replace("'", "'\\''") + "'"


def prompt(view: ApprovalView, approval_id: str, *, expires_in_s: int, limit: int | None = None) -> Prompt:
    """Return the request text for a chat or page.

    Args:
        view: what is asked.
        approval_id: full id; the text names it so that it can be answered.
        expires_in_s: seconds left.
        limit: characters that one message of the surface may have; None means no limit.
    """
    whole = shown(view.command)
    facts = _facts(view)
    text, complete = _lay_out(view, approval_id, expires_in_s, (whole, True), facts + _programs(view))
    if limit is not None and len(text) > limit:
        facts = _facts(view, _FACT_WIDTH)
        if view.segments:
            facts.append(f"Runs: {len(view.segments)} programs, listed with the whole text")
        frame, _ = _lay_out(view, approval_id, expires_in_s, ("", False), facts)
        text, complete = _lay_out(
            view, approval_id, expires_in_s, shorten(view.command, max(0, limit - len(frame) - 16)), facts
        )
    return Prompt(text=text, complete=complete, decisions=_offered(view, complete=complete), whole=whole)


def _offered(view: ApprovalView, *, complete: bool) -> tuple[ApprovalDecision, ...]:
    return DECISIONS if view.allow_always and complete else ("allow-once", "deny")


def _lay_out(
    view: ApprovalView, approval_id: str, expires_in_s: int, command: tuple[str, bool], facts: list[str]
) -> tuple[str, bool]:
    body, complete = command
    choices = "|".join(_offered(view, complete=complete))
    lines = [
        "🔒 Exec approval required",
        f"ID: {approval_id}",
        f"Command: {code(body)}" if "\n" not in body and "`" not in body else f"Command:\n{code(body)}",
        *facts,
        f"Expires in: {expires_in_s}s",
        f"Reply with: /approve {approval_id} {choices}",
    ]
    return "\n".join(lines), complete


def resolved_text(approval_id: str, decision: ApprovalDecision, resolved_by: str | None) -> str:
    """Return the notice that a request was decided."""
    by = f" by {one_line(resolved_by)}" if resolved_by else ""
    mark = "⛔" if decision == "deny" else "✅"
    return f"{mark} Exec approval {decision}{by}. ID: {approval_id}"


def expired_text(approval_id: str) -> str:
    """Return the notice that nobody decided in time."""
    return f"⏱️ Exec approval expired. ID: {approval_id}"


@dataclass(frozen=True, slots=True)
class ApproveArguments:
    """A read `/approve`: an id or its unique prefix, and the decision."""

    approval_id: str
    decision: ApprovalDecision


def decision_of(word: str) -> ApprovalDecision | None:
    """Return the decision that a word stands for, any spelling; None when it is none."""
    return _ALIASES.get(word.strip().lower())


def parse_approve(arguments: str) -> ApproveArguments | None:
    """Read what follows `/approve`: id and decision in either order. None means: answer with `APPROVE_USAGE`."""
    words = arguments.split()
    if len(words) != 2:
        return None
    first, second = (decision_of(word) for word in words)
    if first is None and second is not None:
        return ApproveArguments(words[0], second)
    if first is not None and second is None:
        return ApproveArguments(words[1], first)
    return None
