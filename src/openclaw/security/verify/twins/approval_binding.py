"""Managers of approvals that let an allowance be used for more than it covers."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from openclaw.security.verify.model import Twin
from openclaw.tools.approvals import GRANT_SECONDS, Approvals, Coverage, Pending, Resolution


class _Replays(Approvals):
    """Keeps an allowance after it was used."""

    def redeem(self, approval_id: str, coverage: Coverage) -> None:
        kept = dict(self._grants)
        super().redeem(approval_id, coverage)
        self._grants.update(kept)


class _Blind(Approvals):
    """Does not compare everything that was shown."""

    def _unseen(self, granted: Coverage, about: Coverage) -> Coverage:
        raise NotImplementedError

    def redeem(self, approval_id: str, coverage: Coverage) -> None:
        granted = self._grants.get(approval_id)
        super().redeem(approval_id, coverage if granted is None else self._unseen(granted[0], coverage))


class _NoDirectory(_Blind):
    def _unseen(self, granted: Coverage, about: Coverage) -> Coverage:
        return replace(about, files=replace(about.files, cwd=granted.files.cwd))


class _NoEnvironment(_Blind):
    def _unseen(self, granted: Coverage, about: Coverage) -> Coverage:
        return replace(about, env=granted.env)


class _TrimmedCommand(_Blind):
    def _unseen(self, granted: Coverage, about: Coverage) -> Coverage:
        same = granted.subject.strip() == about.subject.strip()
        return replace(about, subject=granted.subject) if same else about


class _NamesOnly(_Blind):
    def _unseen(self, granted: Coverage, about: Coverage) -> Coverage:
        same = [one and one.path for one in granted.files.programs] == [
            one and one.path for one in about.files.programs
        ]
        return replace(about, files=replace(about.files, programs=granted.files.programs)) if same else about


class _NoDeadline(Approvals):
    """Lets an allowance be used whenever."""

    def redeem(self, approval_id: str, coverage: Coverage) -> None:
        if approval_id in self._grants:
            granted, _ = self._grants[approval_id]
            self._grants[approval_id] = (granted, self._clock.now_ms())
        super().redeem(approval_id, coverage)


class _DenyIsAnAnswer(Approvals):
    """Makes an allowance of any decision."""

    def _finish(self, pending: Pending, resolution: Resolution) -> None:
        super()._finish(pending, resolution)
        if pending.coverage is not None:
            self._grants.setdefault(pending.id, (pending.coverage, resolution.ts + 1000 * GRANT_SECONDS))


TWINS: Final = (
    Twin("an allowance is used twice", _Replays),
    Twin("the working directory is not compared", _NoDirectory),
    Twin("the environment is not compared", _NoEnvironment),
    Twin("the command is compared without its blanks", _TrimmedCommand),
    Twin("a program is compared by its name only", _NamesOnly),
    Twin("an allowance never grows old", _NoDeadline),
    Twin("a denial allows as well", _DenyIsAnAnswer),
)
