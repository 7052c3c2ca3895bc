"""Walks the ledger's chain and names the first record that does not hold (guard.md 4)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw.state.files import read_json, read_text
from openclaw.state.ledger import GENESIS, HEAD, canonical, digest, ledger_files
from openclaw.system.errors import InvalidInput

_ANCHOR_LIMIT = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The outcome of a walk.

    Attributes:
        ok: every record holds and the head agrees.
        records: how many were read.
        fault: what is wrong with the first bad record: `edited`, `broken-chain`, `out-of-order`, `unreadable`,
            `truncated`, `rolled-back`, or None.
        where: file and line of that record.
    """

    ok: bool
    records: int
    fault: str | None = None
    where: str | None = None


def verify_ledger(folder: Path, *, anchors: Sequence[Mapping[str, Any]] = ()) -> LedgerCheck:
    """Check every record, the head file, and the anchors kept elsewhere.

    Args:
        folder: the ledger folder.
        anchors: each `{seq, line}`, noted outside the state directory at some earlier time.
    """
    seq, prev = 0, GENESIS
    anchored: dict[int, str] = {}
    for path, number, line in _lines(folder):
        where = f"{path.name}:{number}"
        record = _parse(line)
        fault = "unreadable" if record is None else _fault(record, seq + 1, prev)
        if record is None or fault is not None:
            return LedgerCheck(ok=False, records=seq, fault=fault, where=where)
        seq, prev = seq + 1, digest(line)
        anchored[seq] = prev
    for source, name in ((read_json(folder / HEAD), HEAD), *((anchor, "anchor") for anchor in anchors)):
        if source is None:
            continue
        fault = _anchor_fault(source, seq, anchored, name)
        if fault is not None:
            return LedgerCheck(ok=False, records=seq, fault=fault, where=name)
    return LedgerCheck(ok=True, records=seq)


def read_anchors(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Return the anchors of a file: a copy of HEAD, or the lines that `logging.ledger.anchor.file` has gathered.

    A last line without its end was cut while it was written, and does not count.

    Raises:
        InvalidInput: it holds something else.
        Unavailable: it cannot be read.
    """
    text = read_text(path, limit=_ANCHOR_LIMIT)
    lines = (text or "").split("\n")
    found = [_parse(line) for line in lines if line.strip()]
    if len(found) > 1 and lines[-1] and found[-1] is None:
        found.pop()
    anchors = [one for one in found if one is not None and isinstance(one.get("seq"), int)]
    if not anchors or len(anchors) != len(found) or not all(isinstance(one.get("line"), str) for one in anchors):
        raise InvalidInput(f"{path} is no anchor: it must hold copies of the ledger's HEAD, with seq and line")
    return tuple(anchors)


def _anchor_fault(source: Mapping[str, Any], seq: int, lines: Mapping[int, str], name: str) -> str | None:
    wanted = source.get("seq")
    if not isinstance(wanted, int) or wanted < 0:
        return "unreadable"
    if wanted > seq:
        return "truncated" if name == HEAD else "rolled-back"
    if wanted and lines.get(wanted) != source.get("line"):
        return "edited" if name == HEAD else "rolled-back"
    return None


def _fault(record: Mapping[str, Any], seq: int, prev: str) -> str | None:
    body = {name: value for name, value in record.items() if name != "hash"}
    if record.get("hash") != digest(canonical(body)):
        return "edited"
    if record.get("seq") != seq:
        return "out-of-order"
    if record.get("prev") != prev:
        return "broken-chain"
    return None


def _lines(folder: Path) -> Iterator[tuple[Path, int, str]]:
    for path in ledger_files(folder):
        text = read_text(path, limit=2**40) or ""
        for number, line in enumerate(text.split("\n")[:-1] if text.endswith("\n") else text.split("\n"), start=1):
            yield path, number, line


def _parse(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
