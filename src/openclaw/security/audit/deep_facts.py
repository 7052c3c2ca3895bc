"""What only `--deep` gathers: code, the running gateway, ports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class CodeHit:
    """One line of code that a scan rule matched."""

    rule: str
    critical: bool
    message: str
    file: str
    line: int
    seed: bool = True


@dataclass(frozen=True, slots=True)
class CodeScan:
    """What reading the code of a plugin or skill came to.

    Attributes:
        kind: `plugin` or `skill`.
        name: its name.
        root: its folder.
        hits: what was found.
        files: how many files were read.
        failed: why something could not be read; "" when all could.
        cut: why the scan stopped early; "" when it did not.
        hidden_entries: entries that lead through `node_modules` or a dot folder.
        escaping_entries: entries that lead out of the folder.
        broken_package: its `package.json` cannot be understood.
        seed: whether the seed would look at it.
    """

    kind: str
    name: str
    root: Path
    hits: tuple[CodeHit, ...] = ()
    files: int = 0
    failed: str = ""
    cut: str = ""
    hidden_entries: tuple[str, ...] = ()
    escaping_entries: tuple[str, ...] = ()
    broken_package: bool = False
    seed: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """What asking the running gateway came to."""

    url: str
    ok: bool
    error: str | None = None
    close: tuple[int, str] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the `gateway` object of the report."""
        close = None if self.close is None else {"code": self.close[0], "reason": self.close[1]}
        return {"attempted": True, "url": self.url, "ok": self.ok, "error": self.error, "close": close}


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that something on this machine listens on beyond loopback."""

    port: int
    address: str


@dataclass(frozen=True, slots=True)
class Deep:
    """What only `--deep` looks at.

    Attributes:
        scans: code of plugins and skills.
        extensions_failed: why the plugin folders could not be listed; "" when they could.
        probe: the running gateway.
        listeners: ports beyond loopback.
        missing: what the machine lacks for the config, with the key that asks for it.
    """

    scans: tuple[CodeScan, ...] = ()
    extensions_failed: str = ""
    probe: Probe | None = None
    listeners: tuple[Listener, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
