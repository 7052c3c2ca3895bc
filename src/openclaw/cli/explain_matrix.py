"""The matrix of `openclaw explain`, as tables that fit a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from openclaw.cli.context import CliContext
from openclaw.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from openclaw.security.explain.matrix import Line
    from openclaw.security.explain.world import World

LEGEND: Final = (
    "Box: the tools run in a sandbox. Host exec: any = any command on this machine, unasked; listed =",
    "allowlisted ones, unasked; asks = after a person agreed; sandbox = commands stay in the sandbox.",
    "Tools: all or some of a group, - where this build has none. Strangers: people whom no list names.",
)
_SHORT: Final = {"runtime": "run", "sessions": "sess", "memory": "mem", "automation": "auto", "messaging": "msg"}
_WORDS: Final = (
    ("listed sender ", "listed "),
    ("listed senders ", "listed "),
    ("paired senders", "paired"),
    ("operators with admin scope", "operators (admin)"),
    ("clients with write scope", "clients (write)"),
    ("direct messages", "direct"),
)
"""Shorter words, for columns."""


def show_matrix(context: CliContext, world: World, *, as_json: bool) -> None:
    """Print who has what in the whole config, strangers included."""
    from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
    from openclaw.security.explain.matrix import matrix
    from openclaw.security.explain.widening import started_by_variables
    from openclaw.tools.catalogue import TOOLS

    catalogue = Catalogue.of(CatalogueTool(tool.name, owner_only=tool.owner_only) for tool in TOOLS)
    lines = matrix(world.policy, catalogue, started_by_variables(context.environment))
    if as_json:
        print_json({"rows": [line.as_dict() for line in lines]})
        return
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(_title(line), []).append(line)
    for title, members in groups.items():
        _show(title, members, color=context.color)
    for text in LEGEND:
        print_line(text)


def _title(line: Line) -> str:
    if line.channel in ("", "webchat"):
        return "gateway"
    return f"{line.channel}, account {line.account}" if line.account != "default" else line.channel


def _show(title: str, lines: Sequence[Line], *, color: bool) -> None:
    """Print one channel account: who reaches what, then with which tools; equal rows are one."""
    rows = _merged(lines)
    access = [(str(number), who, where, *cells) for number, ((who, where, *cells), _) in enumerate(rows, 1)]
    columns = ("#", "Who", "Where", "Reaches", "Session", "Box", "Host exec", "Elev", "Cmds")
    print_table(title, columns, access, color=color)
    tools: dict[tuple[str, ...], list[int]] = {}
    names: Sequence[str] = ()
    for number, (_, line) in enumerate(rows, 1):
        if line.tools:
            names = [_SHORT.get(name, name) for name, _ in line.tools]
            tools.setdefault(tuple(cell.word for _, cell in line.tools), []).append(number)
    if tools:
        table = [(_ranges(numbers), *words) for words, numbers in tools.items()]
        print_table(None, (f"tools of {title} #", *names), table, color=color)
    print_line()


_Alike = tuple[str, tuple[str, ...]]
"""People, or places, and everything that is shown of them."""


def _merged(lines: Sequence[Line]) -> list[tuple[tuple[str, ...], Line]]:
    """Return the rows with a line of each: equal ones for several places, then for several people, are one."""
    places: dict[_Alike, dict[str, None]] = {}
    first: dict[_Alike, Line] = {}
    for line in lines:
        alike = (_short(line.who), (*_cells(line), *(cell.word for _, cell in line.tools)))
        places.setdefault(alike, {})[_short(line.where)] = None
        first.setdefault(alike, line)
    people: dict[_Alike, list[str]] = {}
    shown: dict[_Alike, Line] = {}
    for (who, cells), where in places.items():
        same = (", ".join(where), cells)
        people.setdefault(same, []).append(who)
        shown.setdefault(same, first[who, cells])
    return [((", ".join(people[same]), same[0], *_cells(line)), line) for same, line in shown.items()]


def _cells(line: Line) -> tuple[str, ...]:
    how = {"yes": line.agent, "on mention": f"{line.agent} (mention)"}.get(line.reaches, line.reaches)
    session = line.session.removeprefix(f"agent:{line.agent}:").removeprefix(f"{line.channel}:")
    return (
        how,
        session or "-",
        line.sandbox or "-",
        line.exec.replace(", ", "+") or "-",
        _yes(line, has=line.elevated),
        _yes(line, has=line.commands),
    )


def _yes(line: Line, *, has: bool) -> str:
    if not line.agent:
        return "-"
    return "yes" if has else "no"


def _short(text: str) -> str:
    for long, word in _WORDS:
        text = text.replace(long, word)
    return text


def _ranges(numbers: Sequence[int]) -> str:
    """Return numbers in order, runs of them with a dash: `1-3, 5`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
