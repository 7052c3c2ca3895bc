"""The embedded model `offline/demo`: needs no network and no key, so that a newcomer sees the whole way work at once.

It turns a line `run <command>`, `read <path>` or `fetch <url>` into one tool call, shows what the gate said, and
explains itself otherwise (agent.md 4.4).
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from openclaw.agent.contract import ModelEvent, ModelRef, ModelRequest, Stop, TextDelta, ToolCallEnd, Usage
from openclaw.system.secret import Secret

OFFLINE: Final = ModelRef(provider="offline", model="demo", api="offline", context_window=200_000)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One word that the model understands."""

    word: str
    tool: str
    argument: str
    example: str
    meaning: str


_RULES: Final = (
    _Rule("run", "exec", "command", "run echo hello", "runs a command"),
    _Rule("read", "read", "path", "read AGENTS.md", "shows a file of the workspace"),
    _Rule("fetch", "web_fetch", "url", "fetch https://example.org", "fetches a page"),
)
_LINE: Final = re.compile(r"^(?:[^\n]{0,400}?: )?(run|read|fetch)[ \t]+(\S[^\n]*)$", re.IGNORECASE)
_HEADER: Final = re.compile(r"^\[[^\]\n]{1,400}\] ?")
_OURS: Final = re.compile(r"^(?:\[(?:from:|message_id:|Replying to|Quoting|Forwarded from)|<<<|System:|> |<media:)")
_CURRENT: Final = "[Current message"
_SHOWN: Final = 6_000


class OfflineModel:
    """Implements `ModelClient` without a network."""

    async def stream(self, request: ModelRequest, credential: Secret | None) -> AsyncIterator[ModelEvent]:  # noqa: ARG002 - the port's shape
        """Answer the last message of the request."""
        events = _answer(request)
        for event in events:
            yield event
        yield Usage(input=_size(request), output=sum(len(e.text) // 4 for e in events if isinstance(e, TextDelta)))
        yield Stop("toolUse" if isinstance(events[-1], ToolCallEnd) else "stop")


def _answer(request: ModelRequest) -> list[ModelEvent]:
    last = request.messages[-1] if request.messages else {}
    if last.get("role") == "toolResult":
        return [TextDelta(_report(last))]
    text = _text(last)
    offered = {tool.name for tool in request.tools}
    found = _wanted(text)
    if found is None:
        outcome = _system_lines(text)
        return [TextDelta(outcome or _explanation(offered))]
    rule, argument = found
    if rule.tool not in offered:
        return [TextDelta(_not_offered(rule))]
    return [ToolCallEnd(f"offline_{uuid.uuid4().hex[:12]}", rule.tool, {rule.argument: argument})]


def _wanted(text: str) -> tuple[_Rule, str] | None:
    """Return the rule and argument of the current message's first line that is one; quotes and history do not count."""
    at = text.rfind(_CURRENT)
    lines = text[at:].splitlines()[1:] if at >= 0 else text.splitlines()
    header = True
    for line in lines:
        if _OURS.match(line):
            if line.startswith(("System:", "> ", "<media:")):
                continue
            return None
        said = _HEADER.sub("", line, count=1) if header else line
        header = header and not said.strip()
        found = _LINE.match(said.strip())
        if found:
            rule = next(rule for rule in _RULES if rule.word == found[1].lower())
            return rule, found[2].strip().strip("`")
    return None


def _system_lines(text: str) -> str:
    """Return what system events report, for a turn that they started; empty for any other turn."""
    lines = text.strip().splitlines()
    if not lines or not lines[0].startswith("System:"):
        return ""
    told: list[str] = []
    for is_quote, group in itertools.groupby(lines, lambda line: line.startswith("> ")):
        if is_quote:
            told.append(_fenced(_shortened("\n".join(line.removeprefix("> ") for line in group))))
        else:
            told += [re.sub(r"^System: (?:\[[^\]]*\] )?", "", line) for line in group]
    return "\n".join(told)


def _fenced(text: str) -> str:
    """Return text as a code block that nothing inside can end."""
    longest = max((len(found) for found in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _report(result: Mapping[str, Any]) -> str:
    details = result.get("details")
    details = details if isinstance(details, Mapping) else {}
    name = str(result.get("toolName", "the tool"))
    text = _shortened(_text(result)) or "(no output)"
    if details.get("status") == "approval-pending":
        slug = details.get("approvalSlug") or details.get("approvalId") or "<id>"
        return (
            "The gate holds this until a person says yes. Nothing has run yet.\n\n"
            f"{text}\n\nApprove it in the Control UI, or send `/approve {slug} allow-once` from an approver's chat. "
            "The outcome will be told here."
        )
    if result.get("isError"):
        return f"The gate let nothing happen, or the tool failed. `{name}` said:\n\n{_fenced(text)}"
    return f"`{name}` was allowed and gave:\n\n{_fenced(text)}"


def _not_offered(rule: _Rule) -> str:
    return (
        f"`{rule.word}` needs the tool `{rule.tool}`, and the policy does not offer it in this chat. "
        "`openclaw sandbox explain` shows which rule and config key decided that."
    )


def _explanation(offered: set[str]) -> str:
    lines = [f"- `{rule.example}` {rule.meaning}" for rule in _RULES if rule.tool in offered]
    able = "\n".join(lines) or "(no tool is offered in this chat)"
    return (
        "I am the built-in offline model. I need no network and no key, and I only understand lines like these:\n\n"
        f"{able}\n\n"
        "Each of them goes through the same gate as any tool call of a real model, so you can try the policy with me. "
        "For a real model, put its key (for example ANTHROPIC_API_KEY or OPENAI_API_KEY) into "
        "`~/.openclaw/.env` and start openclaw again."
    )


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    blocks: Sequence[Any] = content if isinstance(content, Sequence) else ()
    return "\n".join(str(block.get("text", "")) for block in blocks if isinstance(block, Mapping) and "text" in block)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\n(cut here)"


def _size(request: ModelRequest) -> int:
    return (len(request.system) + sum(len(_text(message)) for message in request.messages)) // 4
