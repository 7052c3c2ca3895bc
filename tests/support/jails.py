"""Running commands in real bubblewrap jails."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from openclaw.system.child_output import BoundedText
from openclaw.system.processes import Exit
from openclaw.tools.sandbox.backend import Jail, Limits, Mount
from openclaw.tools.sandbox.bwrap import BwrapBackend, give_to_sandbox

ENV = {"PATH": "/usr/bin:/bin", "HOME": "/workspace"}


def backend() -> BwrapBackend:
    return BwrapBackend(machine=platform.machine(), uid=os.geteuid())


def jail_at(folder: Path, *mounts: Mount, limits: Limits | None = None) -> Jail:
    """Return a jail whose workspace is `folder`, inside a private directory as in real life."""
    folder.mkdir(mode=0o700, exist_ok=True)
    give_to_sandbox(folder, uid=os.geteuid())
    jail = Jail("test", "/workspace", (Mount(folder, "/workspace", writable=True), *mounts))
    return replace(jail, limits=limits) if limits else jail


async def run_in(jail: Jail, script: str, *, env: Mapping[str, str] = ENV, seconds: float = 30) -> tuple[Exit, str]:
    """Run a script to its end and return how it ended and what it wrote."""
    output = BoundedText()
    process = await backend().start(jail, script, cwd=jail.workdir, env=env, output=output)
    process.close_stdin()
    try:
        async with asyncio.timeout(seconds):
            status = await process.wait()
    finally:
        process.kill()
    return status, output.text()
