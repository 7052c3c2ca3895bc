"""`openclaw explain`: may this happen, why, and what would change it; with --matrix, who has what altogether."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_json, print_line, visible
from openclaw.cli.text import block
from openclaw.system.errors import InvalidInput

if TYPE_CHECKING:
    from openclaw.security.explain.answer import Answer
    from openclaw.security.explain.flips import Ask
    from openclaw.security.explain.messages import Message
    from openclaw.security.explain.world import World
    from openclaw.tools.contract import RunContext


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks.

    Attributes:
        message: a message, where a channel is named.
        session, agent: a session without a message.
        tool, line, url, path, method: single questions about it.
        write: the path is to be written.
        elevated: the command asks for elevation.
        scopes: of the client that would call the method.
        role: its role.
    """

    message: Message | None
    session: str | None
    agent: str | None
    tool: str | None
    line: str | None
    url: str | None
    path: str | None
    write: bool
    elevated: bool
    method: str | None
    scopes: tuple[str, ...]
    role: str

    def run_of(self, world: World) -> RunContext | None:
        """Return the run that the questions are about."""
        from openclaw.security.explain import messages, runs

        if self.message is not None:
            return messages.hear(world, self.message).run
        return runs.session_run(world, self.session, self.agent)

    def questions(self, world: World) -> list[tuple[Ask, bool]]:
        """Return the questions in order, each with whether a change is looked for."""
        from openclaw.security.explain import deeds, messages, runs

        found: list[tuple[Ask, bool]] = []
        runs_at_all = self.run_of(world) is not None
        if self.message is not None:
            found += [
                (partial(messages.admission, message=self.message), True),
                (partial(messages.session, message=self.message), False),
            ]
            if runs_at_all:
                found.append((partial(messages.commands, message=self.message), True))
        if runs_at_all and (self.message is not None or self.session is not None or not self._single):
            found += [
                (partial(runs.sandbox, run_of=self.run_of), True),
                (partial(runs.tools, run_of=self.run_of), False),
                (partial(runs.execution, run_of=self.run_of), False),
                (partial(runs.elevated, run_of=self.run_of), True),
            ]
        if self.tool is not None:
            found.append((partial(runs.tool, run_of=self.run_of, name=self.tool), True))
        if self.line is not None:
            asked = True if self.elevated else None
            found.append((partial(deeds.command, run_of=self.run_of, line=self.line, elevated=asked), True))
        if self.url is not None:
            found.append((partial(deeds.url, text=self.url), True))
        if self.path is not None:
            found.append((partial(deeds.path, run_of=self.run_of, text=self.path, write=self.write), True))
        if self.method is not None:
            found.append((partial(deeds.scope, method=self.method, scopes=self.scopes, role=self.role), True))
        return found

    @property
    def _single(self) -> bool:
        return any(one is not None for one in (self.tool, self.line, self.url, self.path, self.method))


@click.command(
    epilog=epilog(
        "openclaw explain --channel telegram --sender 7",
        "openclaw explain --channel telegram --sender 7 --chat -100 --group --mention",
        "openclaw explain --session agent:main:main",
        'openclaw explain --command "git push" --agent main',
        "openclaw explain --url http://10.0.0.5/ --path ~/.ssh/id_ed25519",
        "openclaw explain --scope config.set --scopes operator.read,operator.write",
        "openclaw explain --matrix",
    )
)
@click.option("--channel", help="A message on this channel.")
@click.option("--sender", metavar="ID", help="Who sends it, by the id of the platform.")
@click.option("--username", help="What the sender calls himself there.")
@click.option("--name", help="The sender's display name.")
@click.option("--account", help="Account of the channel.")
@click.option("--chat", metavar="ID", help="The group or room; without it a direct chat.")
@click.option("--chat-name", help="Name of the room.")
@click.option("--group", is_flag=True, help="It is sent in a group or room.")
@click.option("--guild", metavar="ID", help="Discord server of the room.")
@click.option("--team", metavar="ID", help="Team of the room.")
@click.option("--topic", metavar="ID", help="Forum topic.")
@click.option("--mention", is_flag=True, help="It mentions the bot.")
@click.option("--text", default="hello", help="What is written.")
@click.option("--session", metavar="KEY", help="A session instead of a message.")
@click.option("--agent", metavar="ID", help="The agent, for a session or a command.")
@click.option("--tool", help="Would this tool be offered?")
@click.option("--command", "line", help="Would this command line run, ask or be refused?")
@click.option("--elevated", is_flag=True, help="The command asks to leave the sandbox.")
@click.option("--url", help="Would this URL be fetched?")
@click.option("--path", help="Would the file tools open this path?")
@click.option("--write", is_flag=True, help="To write it.")
@click.option("--scope", "method", metavar="METHOD", help="May a client call this method?")
@click.option("--scopes", default="", help="Scopes of that client, with commas between.")
@click.option("--role", type=click.Choice(["operator", "node"]), default="operator", help="Role of that client.")
@click.option("--matrix", "whole", is_flag=True, help="Who has what in the whole config, strangers included.")
@json_option
@click.pass_obj
def explain(context: CliContext, /, whole: bool, as_json: bool, **asked: Any) -> None:
    """Answer what the policy would say, by the functions that say it at run time; nothing is sent or changed.

    Each answer names the rules that led to it with their config keys, and the smallest change that was tried and turns
    it round.
    """
    from openclaw.security.explain.world import World

    world = World.of_disk(context.own_state(), context.environment)
    if whole:
        from openclaw.cli.explain_matrix import show_matrix

        show_matrix(context, world, as_json=as_json)
        return
    questions = _asked(asked).questions(world)
    answers = asyncio.run(_answer(world, questions))
    if as_json:
        print_json({"answers": [answer.as_dict() for answer in answers]})
        return
    for number, answer in enumerate(answers):
        if number:
            print_line()
        _tell(answer)


def _asked(given: dict[str, Any]) -> Asked:
    from openclaw.security.explain.messages import Message

    channel = given["channel"]
    lonely = [name for name in ("sender", "chat", "username", "account") if given[name]]
    if channel is None and lonely:
        raise InvalidInput(f"--{lonely[0]} needs --channel, such as --channel telegram")
    if channel is None and given["method"] is None and not _anything(given):
        raise InvalidInput("ask something: --channel, --session, --command, --url, --path, --scope or --matrix")
    message = None
    if channel is not None:
        message = Message(
            channel=channel,
            sender=given["sender"] or "",
            account=given["account"],
            username=given["username"],
            name=given["name"],
            chat=given["chat"],
            group=given["group"],
            chat_name=given["chat_name"],
            guild=given["guild"],
            team=given["team"],
            topic=given["topic"],
            mention=given["mention"],
            text=given["text"],
        )
    return Asked(
        message=message,
        session=given["session"],
        agent=given["agent"],
        tool=given["tool"],
        line=given["line"],
        url=given["url"],
        path=given["path"],
        write=given["write"],
        elevated=given["elevated"],
        method=given["method"],
        scopes=tuple(text.strip() for text in given["scopes"].split(",") if text.strip()),
        role=given["role"],
    )


def _anything(given: dict[str, Any]) -> bool:
    return any(given[name] is not None for name in ("session", "agent", "tool", "line", "url", "path"))


async def _answer(world: World, questions: Sequence[tuple[Ask, bool]]) -> list[Answer]:
    from openclaw.security.explain.flips import answered

    return [await answered(world, ask, search=search) for ask, search in questions]


# For people


def _tell(answer: Answer) -> None:
    from openclaw.security.explain.answer import NO_FLIP

    print_line(visible(answer.question))
    print_line(block("  ", answer.outcome))
    for number, reason in enumerate(answer.trail, 1):
        key = f"  [{reason.key}]" if reason.key else ""
        detail = f": {reason.detail}" if reason.detail else ""
        print_line(block(f"  {number}. ", f"{reason.rule}{key}{detail}"))
    if not answer.searched:
        return
    flip = answer.flip
    if flip is None:
        print_line(f"  change: {NO_FLIP}")
        return
    print_line(block("  change: ", f"{flip.key}: {flip.change}; then: {flip.outcome}"))
    if flip.command:
        print_line(f"          {visible(flip.command)}")
    for text in flip.widens:
        print_line(block("          admits: ", text))
