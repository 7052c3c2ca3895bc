"""The smallest change that turns an answer round: edits are tried with the deciding functions, never guessed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from openclaw.policy.diff import PolicyDiff, diff_policies
from openclaw.security.explain.answer import Answer, Flip
from openclaw.security.explain.edits import Edit, edits_for
from openclaw.security.explain.world import World
from openclaw.system.errors import OpenClawError

Ask = Callable[[World], Awaitable[Answer]]
"""A question, ready to be put to any world."""

MAX_TRIES: Final = 120
MAX_WEIGHED: Final = 8
_SHOWN: Final = 5


async def answered(world: World, ask: Ask, *, search: bool = True) -> Answer:
    """Return the answer to a question, with the smallest change that would turn it round.

    Args:
        world: the config and the machine as they are.
        ask: the question.
        search: whether to look for a change.
    """
    answer = await ask(world)
    if not search:
        return answer
    return replace(answer, flip=await find_flip(world, ask, answer), searched=True)


async def find_flip(world: World, ask: Ask, answer: Answer) -> Flip | None:
    """Return the verified change that changes least beside the answer; None when no single change turns it round."""
    best: tuple[int, int, int] | None = None
    found: Flip | None = None
    tried = weighed = 0
    edits = sorted(enumerate(edits_for(world, answer)), key=lambda pair: (pair[1].cost, pair[0]))
    for order, edit in edits:
        if tried >= MAX_TRIES or weighed >= MAX_WEIGHED:
            break
        tried += 1
        turned = await _turned(world, ask, answer, edit)
        if turned is None:
            continue
        again, difference = turned
        weighed += 1
        weight = (difference.weight, edit.cost, order)
        if best is None or weight < best:
            best = weight
            widens = difference.widened[:_SHOWN]
            found = Flip(edit.key, edit.change, edit.command, again.outcome, widens)
    return found


async def _turned(world: World, ask: Ask, answer: Answer, edit: Edit) -> tuple[Answer, PolicyDiff] | None:
    """Return the answer after an edit and what else the edit changes; None when it does not turn the answer round."""
    try:
        changed = edit.apply(world)
        again = await ask(changed)
    except OpenClawError:
        return None
    if not answer.turned_by(again):
        return None
    return again, diff_policies(world.policy, changed.policy)
