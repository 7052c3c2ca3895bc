"""What `--explain` says of a check id, and the reference page that is made from the same facts."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from openclaw.security.audit.model import Rule, Since, Topic
from openclaw.security.audit.run import all_checks
from openclaw.system.errors import NotFound

_TOPICS: Final = {
    Topic.ACCESS: "Who may talk, and what they reach",
    Topic.NETWORK: "Network exposure",
    Topic.BROWSER: "Browser control",
    Topic.DISK: "Files",
    Topic.PLUGINS: "Plugins and skills",
    Topic.MODELS: "Models",
    Topic.TOOLS: "Tools and sandboxes",
    Topic.OTHER: "The audit itself and the rest",
}
_SINCE: Final = {
    Since.SEED: "2026.2.9, the seed",
    Since.LATER: "later versions of the original",
    Since.OURS: "this system",
}
_SHOWN: Final = 80
_HEAD: Final = """\
# Audit checks

Every finding of `openclaw security audit`, in the order of the report. This page is made from the code
(`openclaw.security.audit.explain`); `openclaw security audit --explain CHECK_ID` prints one entry.

Parts in angle brackets stand for a channel, provider or number. "Since" says where a check comes from: only checks of
the seed are part of `--compat 2026.2.9`.
"""


def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of the report."""
    return tuple(rule for one in all_checks() for rule in one.rules)


def find_rule(check_id: str) -> Rule:
    """Return the rule of a check id; an exact one before one with placeholders.

    Raises:
        NotFound: there is none; the message names the nearest ids.
    """
    known = rules()
    wanted = check_id.strip()
    found = next((rule for rule in known if rule.id == wanted), None)
    found = found or next((rule for rule in known if rule.covers(wanted)), None)
    if found is not None:
        return found
    near = difflib.get_close_matches(wanted, [rule.id for rule in known], n=3, cutoff=0.5)
    hint = f"; did you mean {', '.join(near)}?" if near else "; docs/security/audit-checks.md lists them all"
    raise NotFound(f"no check is called {wanted[:_SHOWN]!r}{hint}")


def describe(rule: Rule) -> dict[str, object]:
    """Return the facts of a rule as JSON."""
    return {
        "checkId": rule.id,
        "severities": [severity.value for severity in rule.severities],
        "title": rule.title,
        "topic": _TOPICS[rule.topic],
        "condition": rule.when,
        "attack": rule.attack,
        "remediation": rule.remedy or None,
        "fix": rule.fix,
        "deep": rule.deep,
        "since": rule.since.value,
    }


def explain_sections(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield headings and texts for people."""
    severities = " or ".join(severity.value for severity in rule.severities)
    yield "Severity", f"{severities}{' (only with --deep)' if rule.deep else ''}"
    yield "What it means", rule.when
    yield "How it is attacked", rule.attack
    yield "How to mend it", rule.remedy or "Nothing has to be done; it is good to know."
    yield "Can --fix do it", rule.fix or "No."
    yield "Since", _SINCE[rule.since]


def reference_page() -> str:
    """Return the reference of all checks as Markdown."""
    parts = [_HEAD]
    by_topic: dict[Topic, list[Rule]] = {topic: [] for topic in Topic}
    for rule in rules():
        by_topic[rule.topic].append(rule)
    for topic, listed in by_topic.items():
        parts.append(f"## {_TOPICS[topic]}\n")
        parts += [_entry(rule) for rule in listed]
    return "\n".join(parts)


def _entry(rule: Rule) -> str:
    rows = [f"- **{heading}:** {_plain(text)}" for heading, text in explain_sections(rule)]
    return "\n".join([f"### `{rule.id}`\n", f"{_plain(rule.title)}.\n", *rows, ""])


def _plain(text: str) -> str:
    """Return a text in which Markdown sees no markup."""
    for mark in ("\\", "*", "_", "<", "`"):
        text = text.replace(mark, f"\\{mark}")
    return text
