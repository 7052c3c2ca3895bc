"""Which texts are control commands and abort words (channels.md 3.2). Whether they are obeyed is decided elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from openclaw.policy.who.commands_registry import CommandIndex, CommandSpec

ABORT_WORDS: Final = frozenset({"stop", "esc", "abort", "wait", "exit", "interrupt"})
"""A whole message that stops a run; it needs command authority like `/stop`."""

_NAME: Final = re.compile(r"/([^\s:@]+)(?:@(\S*[^\s:]))?(?:\s*:\s*|\s+|$)")
_BASH: Final = re.compile(r"!(?:\s+\S|(?:poll|stop)(?:\s|$))")


@dataclass(frozen=True, slots=True)
class ControlCommand:
    """A message that is one command.

    Attributes:
        spec: the command.
        arguments: the rest of its line.
    """

    spec: CommandSpec
    arguments: str = ""


def control_command(index: CommandIndex, text: str, bot_username: str | None = None) -> ControlCommand | None:
    """Return the command that a whole message is, or None.

    Only the first line counts. `/name: rest` reads as `/name rest`; `/name@bot` only when it names this bot.

    Args:
        index: the commands of this config.
        text: the raw text of the message.
        bot_username: own name on the channel, without `@`.
    """
    body = text.strip()
    if body.startswith("!"):
        return _shell_command(index, body)
    line = body.partition("\n")[0]
    named = _NAME.match(line)
    if named is None:
        return None
    suffix = named.group(2)
    if suffix is not None and (bot_username is None or suffix.lower() != _own_name(bot_username)):
        return None
    spec = index.by_name.get(named.group(1).lower())
    if spec is None:
        return None
    arguments = line[named.end() :].strip()
    if arguments and not spec.takes_arguments:
        return None
    return ControlCommand(spec, arguments)


def _own_name(username: str) -> str:
    return username.strip().removeprefix("@").lower()


def _shell_command(index: CommandIndex, body: str) -> ControlCommand | None:
    """Return the shell command of `! cmd`, `!poll` and `!stop`; the index has it while the config has it on."""
    spec = index.by_name.get("bash")
    if spec is None or not _BASH.match(body):
        return None
    return ControlCommand(spec, body[1:].strip())


def is_abort_word(text: str) -> bool:
    """Return whether a whole message is one of the bare words that stop a run."""
    return text.strip().lower() in ABORT_WORDS
