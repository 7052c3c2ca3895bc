"""The answer of admission: what happens to an event, why, and what the caller has to do (channels.md 0)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from openclaw.policy.verdict import Verdict
from openclaw.policy.what.labels import Source
from openclaw.policy.who.lists import Match


class Decision(StrEnum):
    """What happens to an event."""

    DELIVER = "deliver"
    DROP = "drop"
    PAIR = "pair"
    BUFFER = "buffer"


class Pairing(StrEnum):
    """What the list of waiting requests says."""

    NEW = "new"
    REPEAT = "repeat"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Effects:
    """What follows from the answer; the caller does it.

    Attributes:
        pairing: state of the sender's request; only NEW sends a code, drawn under the store's lock.
        pairing_id: id that the request is stored under.
        history_key: where the pending history of this group is kept.
        mention: a mention, reply or bypass satisfied the mention gate.
        config_admits_as_group: a direct chat that the config lists as a group: it has a group's session.
        author_admitted: a buffered author alone would have been delivered with a mention; otherwise the words are
            untrusted context.
    """

    pairing: Pairing | None = None
    pairing_id: str = ""
    history_key: str | None = None
    mention: bool = False
    config_admits_as_group: bool = False
    author_admitted: bool = False


NO_EFFECTS: Final = Effects()


@dataclass(frozen=True, slots=True)
class Admission(Verdict[Decision]):
    """The answer.

    Attributes:
        command_authorized: a control command from this sender here would be obeyed now; only ever true on delivery.
        sender_is_owner: by id, and only on delivery (channels.md 3.1).
        admitted_by: how the words are classed; None when they were not taken at all.
        matched: by what the sender was recognised.
        effects: what the caller does.
    """

    command_authorized: bool = False
    sender_is_owner: bool = False
    admitted_by: Source | None = None
    matched: Match = Match.NONE
    effects: Effects = field(default=NO_EFFECTS)

    @property
    def decision(self) -> Decision:
        """Return what happens."""
        return self.outcome
