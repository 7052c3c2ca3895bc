"""Labels: who could have chosen the words, and whom their leaving would harm (guard.md 1).

Every message, tool result, file written by a tool and summary carries a Label; a run carries the join of all that is
in its model context. Provenance is what is stored on disk; the label is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


class Integrity(IntEnum):
    """Who could have chosen the words; the join of several is the lowest."""

    UNTRUSTED = 0
    LOCAL = 1
    ALLOWED = 2
    OWNER = 3


class Confidentiality(IntEnum):
    """Whom the leaving of the words would harm; the join of several is the highest."""

    PUBLIC = 0
    PRIVATE = 1
    SECRET = 2


class Effect(StrEnum):
    """What a tool call can do to the world (guard.md 2). A tool that declares nothing has all of them."""

    READ = "read"
    WRITE = "write"
    EXEC_SANDBOX = "exec-sandbox"
    EXEC_HOST = "exec-host"
    EGRESS = "egress"
    SPEND = "spend"
    CONFIG = "config"
    DESTROY = "destroy"


class Source(StrEnum):
    """Where words came from: the `source` of a transcript line's provenance (agent.md 1.7)."""

    OWNER = "owner"
    ALLOWED = "allowed"
    PAIRED = "paired"
    STRANGER = "stranger"
    OPERATOR = "operator"
    MODEL = "model"
    TOOL = "tool"
    FILE = "file"
    WEB = "web"
    HOOK = "hook"
    CRON = "cron"
    SESSION = "session"
    SYSTEM = "system"


NEVER_COMMANDS: Final = frozenset(
    {Source.TOOL, Source.FILE, Source.WEB, Source.HOOK, Source.CRON, Source.SESSION, Source.STRANGER}
)
"""Text of these sources is never parsed for commands or directives (agent.md 1.7)."""

_INTEGRITY: Final[Mapping[Source, Integrity]] = {
    Source.OWNER: Integrity.OWNER,
    Source.OPERATOR: Integrity.OWNER,
    Source.SYSTEM: Integrity.OWNER,
    Source.ALLOWED: Integrity.ALLOWED,
    Source.PAIRED: Integrity.ALLOWED,
    Source.TOOL: Integrity.LOCAL,
    Source.FILE: Integrity.LOCAL,
    Source.MODEL: Integrity.OWNER,
    Source.STRANGER: Integrity.UNTRUSTED,
    Source.WEB: Integrity.UNTRUSTED,
    Source.HOOK: Integrity.UNTRUSTED,
    Source.CRON: Integrity.UNTRUSTED,
    Source.SESSION: Integrity.UNTRUSTED,
}
"""The model's own words add nothing of their own: their label is that of the context they were made from."""


@dataclass(frozen=True, slots=True)
class Label:
    """The pair of integrity and confidentiality."""

    integrity: Integrity = Integrity.OWNER
    confidentiality: Confidentiality = Confidentiality.PUBLIC

    def join(self, other: Label) -> Label:
        """Return the label of both together: lowest integrity, highest confidentiality."""
        return Label(
            integrity=min(self.integrity, other.integrity),
            confidentiality=max(self.confidentiality, other.confidentiality),
        )

    def as_dict(self) -> dict[str, str]:
        """Return the form that the ledger stores."""
        return {"integrity": self.integrity.name.lower(), "confidentiality": self.confidentiality.name.lower()}


CLEAN: Final = Label()
"""The neutral element of join: an empty context."""


def join_all(labels: Iterable[Label]) -> Label:
    """Return the join of all labels; of none, the clean label."""
    joined = CLEAN
    for label in labels:
        joined = joined.join(label)
    return joined


def label_of(source: Source, confidentiality: Confidentiality = Confidentiality.PUBLIC) -> Label:
    """Return the label that a source gives to its words (guard.md 1)."""
    return Label(integrity=_INTEGRITY[source], confidentiality=confidentiality)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one transcript line came from; set by the server from the connection or run, never from arguments.

    Attributes:
        source: the kind of origin.
        channel: channel id, where a chat was the origin.
        account_id: account of that channel.
        sender_id: id of the sender on that channel.
        session_key: the other session, when source is `session`.
        run_id: the run that made it.
        tool: the tool whose result it is.
    """

    source: Source
    channel: str | None = None
    account_id: str | None = None
    sender_id: str | None = None
    session_key: str | None = None
    run_id: str | None = None
    tool: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the stored form (camelCase, absent fields left out)."""
        pairs = (
            ("source", str(self.source)),
            ("channel", self.channel),
            ("accountId", self.account_id),
            ("senderId", self.sender_id),
            ("sessionKey", self.session_key),
            ("runId", self.run_id),
            ("tool", self.tool),
        )
        return {name: value for name, value in pairs if value is not None}

    @classmethod
    def from_json(cls, stored: object, *, fallback: Source = Source.STRANGER) -> Provenance:
        """Read the stored form; anything that is not one counts as `fallback` (agent.md 1.7)."""
        if not isinstance(stored, dict):
            return cls(source=fallback)

        def text(name: str) -> str | None:
            value = stored.get(name)
            return value if isinstance(value, str) else None

        named = stored.get("source")
        return cls(
            source=next((source for source in Source if source == named), fallback),
            channel=text("channel"),
            account_id=text("accountId"),
            sender_id=text("senderId"),
            session_key=text("sessionKey"),
            run_id=text("runId"),
            tool=text("tool"),
        )
