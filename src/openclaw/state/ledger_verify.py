"""Walks the ledger's chain and names the first record that does not hold (guard.md 4)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw.state.files import read_json, read_text
from openclaw.state.ledger import GENESIS, HEAD, canonical, digest, ledger_files


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


def verify_ledger(folder: Path, *, anchor: Mapping[str, Any] | None = None) -> LedgerCheck:
    """Check every record, the head file, and an anchor kept elsewhere when one is given.

    Args:
        folder: the ledger folder.
        anchor: `{seq, line}` noted outside the state directory at some earlier time.
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
    for source, name in ((read_json(folder / HEAD), HEAD), (anchor, "anchor")):
        if source is None:
            continue
        fault = _anchor_fault(source, seq, anchored, name)
        if fault is not None:
            return LedgerCheck(ok=False, records=seq, fault=fault, where=name)
    return LedgerCheck(ok=True, records=seq)


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
