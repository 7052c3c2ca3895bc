"""From a command line to a running gateway: config, logging, policy, then the server. Parses nothing itself."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from openclaw.config.compile import compile_policy
from openclaw.config.compile.gateway import GatewayFlags, Machine, shared_secret
from openclaw.config.edit import ConfigEditor
from openclaw.config.live import LiveConfig
from openclaw.config.load import Loaded, read_config
from openclaw.config.model import Config, invalid
from openclaw.config.secrets import SecretResolver
from openclaw.gateway.household import GatewayHousehold, build_household
from openclaw.gateway.household_parts import HouseholdParts
from openclaw.gateway.server import ServePlan, run_gateway
from openclaw.gateway.tls import tls_context
from openclaw.policy.snapshot import Policy
from openclaw.policy.who.gateway_policy import AuthMode, StartFacts
from openclaw.state.files import check_config_owned, check_owned, private_dir
from openclaw.state.layout import StateLayout
from openclaw.system.clock import SystemClock
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError
from openclaw.system.logs import LogOptions, LogSystem, setup_logging
from openclaw.system.redaction import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """What the command line says.

    Attributes:
        flags: bind, port, auth and secrets; they win over config and environment.
        allow_unconfigured: start although `gateway.mode` is not `local`.
        verbose: debug messages on the console.
        command: how people call this program, with the profile.
        console: shows a line to the person who started it.
        on_listening: called with the address once the gateway answers.
    """

    flags: GatewayFlags = field(default_factory=GatewayFlags)
    allow_unconfigured: bool = False
    verbose: bool = False
    command: str = "openclaw"
    console: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: T201 - the default console
    on_listening: Callable[[Policy], None] = lambda _policy: None


class _Restarts:
    """Schedules an in-process restart: SIGUSR1 to ourselves after a delay, authorised from inside."""

    def __init__(self) -> None:
        self._scheduled = False

    def schedule(self, seconds: float) -> bool:
        """Restart after so many seconds."""
        self._scheduled = True
        asyncio.get_running_loop().call_later(max(0.0, seconds), os.kill, os.getpid(), signal.SIGUSR1)
        return True

    def take(self) -> bool:
        """Tell once whether the signal that came was scheduled here."""
        scheduled, self._scheduled = self._scheduled, False
        return scheduled


def serve(layout: StateLayout, environment: Environment, options: GatewayOptions) -> int:
    """Run a gateway on a state directory until it is told to stop; returns the exit code.

    Raises:
        OpenClawError: the state directory, config, secret, lock or address refuses; one clear line each.
    """
    check_owned(layout.root)
    private_dir(layout.root)
    os.umask(0o077)
    config = _config(layout, environment, options.console)
    redactor = Redactor(mode=config.logging.redact_sensitive or "tools", patterns=config.logging.redact_patterns or ())
    with setup_logging(_log_options(config, layout, verbose=options.verbose), redactor) as logs:
        plan = _plan(config, layout, environment, options, logs, redactor)
        return run_gateway(plan)


def _config(layout: StateLayout, environment: Environment, console: Callable[[str], None]) -> Config:
    """Load the config; one whose only faults are older keys is migrated first (config.md 1.6)."""
    loaded = _read(layout, environment)
    if loaded.config is None and loaded.legacy_only and not environment.truthy("OPENCLAW_NIX_MODE"):
        written, notes = ConfigEditor(layout, environment).migrate()
        for note in notes:
            console(f"config: {note}")
        return written.config
    return _valid(loaded, layout)


def _read(layout: StateLayout, environment: Environment) -> Loaded:
    """Read the config, once it is known that nobody else could have written it or a file that it includes."""
    check_config_owned(layout.config)
    loaded = read_config(layout, environment)
    for path in loaded.source.files:
        check_config_owned(path)
    return loaded


def _valid(loaded: Loaded, layout: StateLayout) -> Config:
    if loaded.config is None:
        raise invalid(loaded.issues, layout.config)
    return loaded.config


def _log_options(config: Config, layout: StateLayout, *, verbose: bool) -> LogOptions:
    block = config.logging
    plain = LogOptions(folder=layout.logs)
    return replace(
        plain,
        level=block.level or plain.level,
        console_level="debug" if verbose else block.console_level or "warn",
        style=block.console_style,
        file=Path(block.file) if block.file else None,
        max_file_bytes=block.max_file_bytes or plain.max_file_bytes,
        stamp=True,
    )


def _plan(
    config: Config,
    layout: StateLayout,
    environment: Environment,
    options: GatewayOptions,
    logs: LogSystem,
    redactor: Redactor,
) -> ServePlan:
    machine = Machine(host_name=socket.gethostname())
    clock = SystemClock()

    def compiled(found: Config, found_environment: Environment) -> Policy:
        return compile_policy(found, found_environment, flags=options.flags, machine=machine)

    policy = compiled(config, config.environment)

    def compiled_once(found: Config, found_environment: Environment) -> Policy:
        return policy if found is config else compiled(found, found_environment)

    restarts = _Restarts()
    first: list[Config] = [config]

    async def build() -> GatewayHousehold:
        current = first.pop() if first else _valid(await asyncio.to_thread(_read, layout, environment), layout)
        live: LiveConfig[Policy] = LiveConfig(current, layout, environment, compile=compiled_once)
        household = await build_household(
            HouseholdParts(
                live=live,
                layout=layout,
                environment=environment,
                clock=clock,
                flags=options.flags,
                logs=logs,
                redactor=redactor,
                command=options.command,
                restart=restarts.schedule,
                restart_scheduled=restarts.take,
            )
        )
        options.on_listening(live.policy)
        return household

    return ServePlan(
        layout=layout,
        environment=environment,
        clock=clock,
        policy=policy.gateway,
        port=policy.gateway.port,
        build=build,
        console=options.console,
        facts=StartFacts(
            allow_unconfigured=options.allow_unconfigured, unresolved=tuple(_unresolved(config, policy, options.flags))
        ),
        tls=tls_context(config.gateway, layout, environment),
        log_file=logs.path,
        renew=lambda: _plan(_valid(_read(layout, environment), layout), layout, environment, options, logs, redactor),
    )


def _unresolved(config: Config, policy: Policy, flags: GatewayFlags) -> Sequence[str]:
    """Return the path of the gateway's secret when it is a reference that leads nowhere."""
    mode = policy.gateway.auth_mode
    if mode is AuthMode.TRUSTED_PROXY:
        return ()
    place = shared_secret(config, config.environment, "password" if mode is AuthMode.PASSWORD else "token", flags)
    try:
        SecretResolver(config.environment).resolve(place.value, place.path)
    except OpenClawError as error:
        sys.stderr.write(f"openclaw: {error}\n")
        return (place.path,)
    return ()
