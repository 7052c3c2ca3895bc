"""Questions on a terminal, drawn by questionary, which is loaded when the first one is asked (stack.md 3).

Ctrl-C and Ctrl-D end the command: nothing of the answers given so far is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from openclaw.cli.context import CliContext
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret

if TYPE_CHECKING:
    from questionary import Question

Row = tuple[str, str]
"""What an answer is called in the program, and how people read it."""

Check = Callable[[str], str | None]
"""Says what is wrong with a typed answer, or None."""

_PLAIN: Final = {"color_depth": "DEPTH_1_BIT"}
"""The one-bit colour depth of the library beneath, whose names are strings too."""


def select(title: str, rows: Sequence[Row], default: str) -> str:
    """Let a person choose one row with the arrow keys; returns its id."""
    import questionary

    choices = [questionary.Choice(label, value=one) for one, label in rows]
    return str(_asked(questionary.select(title, choices, default=default, **_looks())))


def many(title: str, rows: Sequence[Row], chosen: Iterable[str] = ()) -> list[str]:
    """Let a person tick rows; returns their ids in the order of the rows."""
    import questionary

    ticked = set(chosen)
    choices = [questionary.Choice(label, value=one, checked=one in ticked) for one, label in rows]
    return [str(one) for one in _asked(questionary.checkbox(title, choices, **_looks()))]


def confirm(question: str, *, default: bool) -> bool:
    """Ask for yes or no; Enter takes the default. The letter alone changes nothing: a typed `y` waits for Enter."""
    import questionary

    return bool(_asked(questionary.confirm(question, default=default, auto_enter=False, **_looks())))


def text(question: str, default: str = "", *, fault: Check | None = None) -> str:
    """Ask for a line of text without blanks around it.

    Args:
        question: what is asked.
        default: stands in the line and can be changed there.
        fault: says what is wrong with an answer; it is shown and asked again.
    """
    import questionary

    return str(_asked(questionary.text(question, default, validate=_validator(fault), **_looks()))).strip()


def secret(question: str, *, fault: Check | None = None) -> Secret | None:
    """Ask for a secret, which is never shown; nothing typed is None."""
    import questionary

    typed = str(_asked(questionary.password(question, validate=_validator(fault), **_looks()))).strip()
    return Secret(typed) if typed else None


def needed(typed: str) -> str | None:
    """Say that an answer is needed when none was typed."""
    return None if typed else "An answer is needed here."


def _validator(fault: Check | None) -> Callable[[str], bool | str]:
    def check(typed: str) -> bool | str:
        reason = fault(typed.strip()) if fault is not None else None
        return True if reason is None else reason

    return check


def _looks() -> dict[str, Any]:
    """Return the settings of all questions: without colours where those are not wanted."""
    return {} if _colored() else dict(_PLAIN)


def _colored() -> bool:
    frame = click.get_current_context(silent=True)
    return frame is not None and isinstance(frame.obj, CliContext) and frame.obj.color


def _asked(question: Question) -> Any:
    """Show a question and return the answer.

    Raises:
        InvalidInput: no terminal is there.
        KeyboardInterrupt: Ctrl-C.
        EOFError: Ctrl-D, or the terminal went away.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InvalidInput("this question needs a terminal; for scripts there are flags, see --help")
    sys.stdout.flush()
    return question.unsafe_ask()
