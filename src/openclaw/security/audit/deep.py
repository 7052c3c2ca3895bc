"""What only `--deep` looks at: code, the running gateway, ports, and what the machine lacks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

from openclaw.config.read_file import why
from openclaw.security.audit.browser import control_ports
from openclaw.security.audit.deep_facts import CodeScan, Deep
from openclaw.security.audit.disk import Disk
from openclaw.security.audit.look import Kind, Looker
from openclaw.security.audit.machine import listeners_beyond_loopback
from openclaw.security.audit.probe import LIMIT_MS, probe_gateway
from openclaw.security.audit.reading import Reading, package_entries
from openclaw.security.audit.scanner import scan_folder
from openclaw.security.audit.skill_folders import installed_skills
from openclaw.security.audit.values import at

_PACKAGE_BYTES = 1024 * 1024


def look_deep(
    reading: Reading, disk: Disk, looker: Looker, own_addresses: frozenset[str], *, limit_ms: int = LIMIT_MS
) -> Deep:
    """Return what the code, the gateway and the machine say.

    Args:
        reading: the config.
        disk: the state directory.
        looker: looks at names.
        own_addresses: addresses of this machine.
        limit_ms: time for the gateway's answers.
    """
    plugins = [_scan_plugin(seen.path, looker) for seen in disk.plugins]
    skills = [_scan_skill(skill.name, skill.folder, loads=skill.loads) for skill in installed_skills(reading, looker)]
    return Deep(
        scans=(*plugins, *skills),
        extensions_failed=_unlisted(disk),
        probe=probe_gateway(reading, own_addresses, limit_ms=limit_ms),
        listeners=tuple(listeners_beyond_loopback(control_ports(reading))),
        missing=tuple(_missing(reading, disk)),
    )


def _unlisted(disk: Disk) -> str:
    if disk.extensions is None or disk.extensions.kind is not Kind.FOLDER:
        return ""
    try:
        with os.scandir(disk.extensions.path):
            return ""
    except OSError as error:
        return f"{disk.extensions.path}: {why(error)}"


def _scan_plugin(root: Path, looker: Looker) -> CodeScan:
    entries, understood = package_entries(looker.read(root / "package.json", _PACKAGE_BYTES))
    forced: list[Path] = []
    hidden: list[str] = []
    escaping: list[str] = []
    for entry in entries:
        path = Path(os.path.normpath(root / entry))
        if not path.is_relative_to(root):
            escaping.append(entry)
            continue
        if any(_is_hidden(part) for part in entry.replace("\\", "/").split("/")):
            hidden.append(entry)
        forced.append(path)
    found = scan_folder(root, forced)
    return CodeScan(
        kind="plugin",
        name=root.name,
        root=root,
        hits=tuple(found.hits),
        files=found.files + found.others,
        failed=found.failed,
        cut=found.cut,
        hidden_entries=tuple(hidden),
        escaping_entries=tuple(escaping),
        broken_package=not understood,
    )


def _is_hidden(part: str) -> bool:
    return part == "node_modules" or (part.startswith(".") and part not in (".", ".."))


def _scan_skill(name: str, folder: Path, *, loads: bool) -> CodeScan:
    found = scan_folder(folder)
    return CodeScan(
        kind="skill",
        name=name,
        root=folder,
        hits=tuple(found.hits),
        files=found.files + found.others,
        failed=found.failed,
        cut=found.cut,
        seed=loads,
    )


def _missing(reading: Reading, disk: Disk) -> Iterator[tuple[str, str]]:
    """Yield what the config needs and the machine does not give, with the place to mend it."""
    if disk.state is not None and not os.access(reading.layout.root, os.W_OK | os.X_OK):
        yield str(reading.layout.root), "the state directory cannot be written by this user."
    modes = [at(reading.document, "agents", "defaults", "sandbox", "mode")]
    modes += [at(entry, "sandbox", "mode") for entry in reading.agents]
    if any(mode not in (None, "off") for mode in modes):
        problem = asyncio.run(_sandbox_problem(reading))
        if problem:
            yield "agents.defaults.sandbox.backend", problem


async def _sandbox_problem(reading: Reading) -> str:
    from openclaw.tools.sandbox.select import Sandboxes

    machine = Sandboxes.of_machine(uid=os.getuid(), runtime_dir=reading.environment.get("XDG_RUNTIME_DIR"))
    reports = await machine.report()
    if any(report.probe.usable for report in reports):
        return ""
    why_not = (
        "; ".join(f"{report.name}: {report.probe.detail}" for report in reports) or "none is built for this system"
    )
    return f"a sandbox is switched on, but no back end works here ({why_not}); commands will be refused."
