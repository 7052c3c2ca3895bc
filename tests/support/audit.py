"""State directories to audit, and what an audit of them says."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.fix import FixResult, apply_plan, make_plan
from openclaw.security.audit.gather import gather
from openclaw.security.audit.look import Looker
from openclaw.security.audit.model import Finding
from openclaw.security.audit.reading import Reading, read
from openclaw.security.audit.report import Report
from openclaw.security.audit.run import audit
from openclaw.security.audit.stores import read_stores
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment

SECRET = "k7Qm2vX9bT4nR8wL5cZ1hJ6dF3sA0pGy"
BASE: Mapping[str, Any] = {"gateway": {"auth": {"token": SECRET}, "trustedProxies": []}}
"""A config that yields nothing but infos."""
NOW_MS = 1_800_000_000_000
NOBODY = 65534


def merged(base: Any, over: Any) -> Any:
    """Return `over` laid over `base`, object by object; a key that is None is taken away."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    joined = {**base, **{key: merged(base.get(key), item) for key, item in over.items()}}
    return {key: item for key, item in joined.items() if item is not None}


@dataclass
class AuditHome:
    """A home directory with a private state directory."""

    home: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.home / ".openclaw"

    @property
    def layout(self) -> StateLayout:
        return StateLayout.resolve(self.environment)

    @property
    def environment(self) -> Environment:
        return Environment({"HOME": str(self.home), **self.env})

    def config(self, over: Mapping[str, Any] | str | None = None) -> Path:
        """Write BASE with `over` merged in, or a text as it is."""
        text = over if isinstance(over, str) else json.dumps(merged(BASE, over or {}))
        return self.file("openclaw.json", text)

    def file(self, name: str, content: str | bytes = "{}", mode: int = 0o600) -> Path:
        """Write a private file below the state directory; missing folders are private too."""
        path = self.state / name
        self._make(path.parent)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def folder(self, name: str, mode: int = 0o700) -> Path:
        """Make a folder below the state directory, its missing parents private."""
        path = self.state / name
        self._make(path)
        path.chmod(mode)
        return path

    def _make(self, path: Path) -> None:
        for parent in (*reversed(path.parents), path):
            if parent.is_relative_to(self.state) and not parent.exists():
                parent.mkdir(mode=0o700)

    def reading(self) -> Reading:
        return read(self.layout, self.environment, Looker())

    def fix(self, *, dry_run: bool = False) -> FixResult:
        """Mend what can be mended, as `--fix` does."""
        looker, reading = Looker(), self.reading()
        plan = make_plan(reading, read_stores(reading, (), looker), looker)
        return apply_plan(plan, self.environment, dry_run=dry_run)

    def context(self, *, deep: bool = False) -> AuditContext:
        return gather(self.layout, self.environment, deep=deep, limit_ms=2000)

    def report(self, *, deep: bool = False, compat: bool = False) -> Report:
        return audit(self.context(deep=deep), now_ms=NOW_MS, compat=compat)

    def found(self, check_id: str, *, deep: bool = False, compat: bool = False) -> list[Finding]:
        """Return the findings with an id."""
        return [item for item in self.report(deep=deep, compat=compat).findings if item.check_id == check_id]

    def ids(self, *, compat: bool = False) -> list[str]:
        """Return all check ids, in order."""
        return [item.check_id for item in self.report(compat=compat).findings]


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a folder that every user can reach."""
    with tempfile.TemporaryDirectory(prefix="openclaw-audit-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def powerless(work: Callable[[], Any], root: Path) -> Any:
    """Return what `work` returns (as JSON) when modes count: the superuser gives `root` away and becomes nobody."""
    if os.geteuid() != 0:
        return work()
    for path in (root, *root.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(write, json.dumps(work()).encode())
        finally:
            if sys.exc_info()[0] is not None:
                traceback.print_exc()
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    assert text, "the child failed; stderr says why"
    return json.loads(text)


Setup = Callable[[AuditHome], object]


@dataclass(frozen=True)
class Case:
    """One rule with a config that it reports and one that it does not.

    Attributes:
        id: concrete check id.
        severity: what is expected.
        config: laid over BASE.
        clean: a config as near as possible that is clean; None for BASE itself, False where there is none.
        setup: files beside the config.
        clean_setup: files beside the clean config; None for the same as `setup`.
        env: environment variables.
        deep: needs `--deep`.
        seed: whether the compatible report has it too.
        says: a text that the detail holds.
    """

    id: str
    severity: str
    config: Mapping[str, Any] | str = field(default_factory=dict)
    clean: Mapping[str, Any] | str | bool | None = None
    setup: Setup | None = None
    clean_setup: Setup | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    deep: bool = False
    seed: bool = False
    says: str = ""

    def dirty(self, root: Path) -> AuditHome:
        """Return the state directory that is reported."""
        return self._made(root, self.config, self.setup)

    def tidy(self, root: Path) -> AuditHome:
        """Return the state directory that is not."""
        config = {} if self.clean is None or isinstance(self.clean, bool) else self.clean
        return self._made(root, config, self.clean_setup or self.setup)

    def _made(self, root: Path, config: Mapping[str, Any] | str, setup: Setup | None) -> AuditHome:
        home = AuditHome(root, dict(self.env))
        home.state.mkdir(parents=True, mode=0o700)
        home.config(config)
        if setup is not None:
            setup(home)
        return home


def plugin(
    home: AuditHome,
    name: str = "demo",
    package: str = "{}",
    channel: str | None = None,
    folder: str | None = None,
    **files: str,
) -> None:
    """Make a plugin folder, by default an installed one; `__` in the names of files stands for a dot."""
    base = folder or f"extensions/{name}"
    manifest = {"id": name, "configSchema": {"type": "object"}, "channels": [channel] if channel else []}
    home.file(f"{base}/openclaw.plugin.json", json.dumps(manifest))
    home.file(f"{base}/package.json", package)
    for file, text in files.items():
        home.file(f"{base}/{file.replace('__', '.')}", text)


def skill(home: AuditHome, folder: str = "skills/demo", text: str = "Do it.", **files: str) -> None:
    """Install a skill folder."""
    home.file(f"{folder}/SKILL.md", f"---\nname: demo\ndescription: a demo\n---\n{text}\n")
    for file, content in files.items():
        home.file(f"{folder}/{file.replace('__', '.')}", content)
