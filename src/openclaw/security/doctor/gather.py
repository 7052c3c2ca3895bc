"""Gathers the facts for doctor's checks. What cannot change during a run, or is costly, is gathered once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Final

from openclaw.config.catalog import MANIFEST, read_manifest
from openclaw.config.compile import compile_policy
from openclaw.config.load import Loaded, read_config
from openclaw.config.plain import Plain, read_plain
from openclaw.policy.snapshot import Policy
from openclaw.policy.where.sandbox_mode import SandboxMode
from openclaw.security.doctor.context import DoctorContext, DoctorOptions, PluginFacts, ServiceFacts
from openclaw.security.doctor.facts_agents import agent_facts
from openclaw.security.doctor.facts_gateway import gateway_facts
from openclaw.security.doctor.facts_legacy import legacy_facts
from openclaw.security.doctor.facts_machine import machine_facts
from openclaw.security.service.manager import gateway_service, other_services
from openclaw.security.service.systemd import SystemdService
from openclaw.security.state_tree import Tree, scan
from openclaw.state.files import read_json
from openclaw.state.layout import StateLayout
from openclaw.state.pairing import PairingStore
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError
from openclaw.tools.sandbox.select import BackendReport, Sandboxes

SHUT: Final = ("sandboxes", "extensions", "tools", "browser", "workspace")
"""Folders of the state directory that may be huge and whose content is not looked at."""

JSON_FOLDERS: Final = ("credentials", "devices", "identity", "nodes", "telegram", "settings", "subagents", "sandbox")
JSON_FILES: Final = ("exec-approvals.json", "cron/jobs.json", "node.json")
JSON_LIMIT: Final = 16 * 1024 * 1024


class Gatherer:
    """Gathers the facts of one installation, as often as it is asked.

    Args:
        layout: finds the state directory; it may move when a repair renames it.
        environment: the process environment.
        clock: the time.
        options: what was asked for.
    """

    def __init__(
        self, layout: Callable[[], StateLayout], environment: Environment, clock: Clock, options: DoctorOptions
    ) -> None:
        self._layout = layout
        self._environment = environment
        self._clock = clock
        self._options = options

    def gather(self) -> DoctorContext:
        """Return the facts as they are now. Blocks for seconds when the gateway or a sandbox is slow."""
        layout, environment = self._layout(), self._environment
        loaded, plain = read_config(layout, environment), read_plain(layout, environment)
        policy = _policy(loaded)
        state = scan(layout.root, skip=is_shut)
        document = loaded.config.document if loaded.config is not None else {}
        now = self._clock.now_ms()
        return DoctorContext(
            options=self._options,
            layout=layout,
            environment=environment,
            now_ms=now,
            loaded=loaded,
            plain=plain,
            policy=policy,
            state=state,
            config_files=_config_files(loaded, plain),
            faulty=_faulty(state),
            approved=_approved(layout, policy, self._clock),
            agents=agent_facts(document, layout, environment, state, now),
            machine=machine_facts(layout.root, environment, self._options.shell),
            legacy=legacy_facts(document, layout, environment, state),
            gateway=gateway_facts(layout, environment, loaded.config, policy, quick=self._options.quick),
            service=self._service(layout),
            sandbox=self._sandboxes if _wants_sandbox(policy) else (),
            plugins=_plugins(layout, state),
        )

    def _service(self, layout: StateLayout) -> ServiceFacts:
        try:
            manager = gateway_service(layout, self._environment)
        except OpenClawError as error:
            return ServiceFacts(fault=error.message)
        state = manager.status()
        lingers = manager.lingers(_user()) if isinstance(manager, SystemdService) and state.installed else None
        others = other_services(manager, self._environment) if self._options.deep else ()
        return ServiceFacts(manager, state, lingers, others)

    @cached_property
    def _sandboxes(self) -> tuple[BackendReport, ...]:
        runtime = self._environment.get("XDG_RUNTIME_DIR")
        return asyncio.run(Sandboxes.of_machine(uid=os.geteuid(), runtime_dir=runtime).report())


def is_shut(path: str) -> bool:
    """Tell whether a folder of the state directory is left shut."""
    first = path.partition("/")[0]
    return first in SHUT or first.startswith("workspace-")


def _policy(loaded: Loaded) -> Policy | None:
    if loaded.config is None:
        return None
    return compile_policy(loaded.config, loaded.config.environment)


def _wants_sandbox(policy: Policy | None) -> bool:
    if policy is None:
        return False
    sandbox = policy.routing.sandbox
    return any(one.mode is not SandboxMode.OFF for one in (sandbox.defaults, *sandbox.agents.values()))


def _config_files(loaded: Loaded, plain: Plain) -> dict[Path, tuple[int, int]]:
    """Return mode and owner of the config, its backups and its includes."""
    files = dict.fromkeys((*loaded.source.files, *plain.source.files))
    main = loaded.source.path
    if main is not None:
        files |= dict.fromkeys(main.with_name(f"{main.name}.bak{end}") for end in ("", ".1", ".2", ".3", ".4"))
    found = {}
    for path in files:
        try:
            seen = path.stat()
        except OSError:
            continue
        found[path] = (seen.st_mode & 0o7777, seen.st_uid)
    return found


def _faulty(state: Tree) -> tuple[tuple[str, str], ...]:
    """Return the small stores that are no JSON, with what is wrong; contents are never told."""
    stores = [node for folder in JSON_FOLDERS for node in state.children(folder) if node.name.endswith(".json")]
    stores += [node for name in JSON_FILES if (node := state.get(name)) is not None]
    found = []
    for node in stores:
        if node.kind == "file" and node.size <= JSON_LIMIT:
            try:
                read_json(state.root / node.path)
            except OpenClawError as error:
                found.append((node.path, error.message))
    return tuple(found)


def _approved(layout: StateLayout, policy: Policy | None, clock: Clock) -> dict[tuple[str, str], int]:
    store, found = PairingStore(layout, clock), {}
    for channel, access in policy.access.channels.items() if policy is not None else ():
        for name, account in access.accounts.items():
            if account.configured and not account.rules.operator:
                try:
                    found[channel, name] = len(store.allowed(channel, name))
                except OpenClawError:
                    continue
    return found


def _plugins(layout: StateLayout, state: Tree) -> tuple[PluginFacts, ...]:
    found = []
    for node in state.children("extensions"):
        if node.kind != "directory" or node.name.startswith("."):
            continue
        folder = layout.root / node.path
        try:
            if (folder / MANIFEST).exists():
                read_manifest(folder)
                found.append(PluginFacts(node.name))
            else:
                found.append(PluginFacts(node.name, f"it has no {MANIFEST}"))
        except ValueError as error:
            found.append(PluginFacts(node.name, str(error)))
    return tuple(found)


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
