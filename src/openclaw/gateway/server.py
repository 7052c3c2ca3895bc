"""Runs the gateway process: checks, lock, sockets, signals, goodbye (gateway.md 5). What it runs is built elsewhere."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import ssl
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from openclaw.gateway.app import GatewayApp
from openclaw.gateway.listen import Listening, bind_addresses, bind_sockets
from openclaw.policy.who.gateway_policy import GatewayPolicy, StartFacts, start_refusals
from openclaw.state.gateway_lock import WAIT_SECONDS, gateway_lock
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import StartRefused
from openclaw.system.tasks import race

log = logging.getLogger(__name__)

STOP_DRAIN_SECONDS: Final = 10.0
RESTART_DRAIN_SECONDS: Final = 30.0
FORCE_SECONDS: Final = 5.0
"""How long closing may take after the drain."""
SAME_SIGNAL_SECONDS: Final = 0.5
EXIT_FORCED: Final = 130


class Household(Protocol):
    """Everything that runs beside the sockets; built by the composition root."""

    @property
    def app(self) -> GatewayApp:
        """Return the gateway's part."""
        ...

    @property
    def model(self) -> str:
        """Return the model that the default agent asks first, for the start line."""
        ...

    async def start(self) -> None:
        """Start channels, scheduler and the like: the gateway listens already."""
        ...

    async def drain(self, seconds: float) -> None:
        """Take no new turns and wait for the running ones."""
        ...

    async def stop(self) -> None:
        """Stop everything; the sockets are closed afterwards."""
        ...

    def may_restart(self) -> bool:
        """Tell whether SIGUSR1 restarts: it was scheduled from inside, or `commands.restart` allows it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServePlan:
    """How the process runs.

    Attributes:
        layout: the state directory.
        environment: the environment.
        clock: the time.
        policy: the compiled `gateway` section at start.
        port: port after flags, environment and config.
        build: makes the household on the running loop; again after a restart.
        console: shows a line to the person who started it.
        facts: what is known beside the config for the start checks.
        tls: certificate, when TLS is on.
        log_file: shown at start.
        lock_wait: seconds to wait for a gateway that is going away.
        temp_root: parent of the original's lock folder; the system's when None.
        renew: makes the plan after a restart from the config as it is then; None keeps this one.
    """

    layout: StateLayout
    environment: Environment
    clock: Clock
    policy: GatewayPolicy
    port: int
    build: Callable[[], Awaitable[Household]]
    console: Callable[[str], None]
    facts: StartFacts = field(default_factory=StartFacts)
    tls: ssl.SSLContext | None = None
    log_file: Path | None = None
    lock_wait: float = WAIT_SECONDS
    temp_root: Path | None = None
    renew: Callable[[], ServePlan] | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the gateway ends."""

    restart: bool = False
    drain: float = STOP_DRAIN_SECONDS


class StopSignals:
    """Turns signals into the end of the gateway: TERM drains, INT stops at once, INT after that forces, USR1 restarts.

    Terminals and wrappers may deliver one key press twice: a signal within half a second of the first is the same one.
    """

    def __init__(self, may_restart: Callable[[], bool]) -> None:
        self._may_restart = may_restart
        self._loop = asyncio.get_running_loop()
        self._wanted: asyncio.Future[Stop] = self._loop.create_future()
        self._since = 0.0
        self._force = asyncio.Event()

    def __enter__(self) -> StopSignals:
        self._loop.add_signal_handler(signal.SIGTERM, self._end, Stop())
        self._loop.add_signal_handler(signal.SIGINT, self._end, Stop(drain=0.0), True)
        self._loop.add_signal_handler(signal.SIGUSR1, self._restart)
        return self

    def __exit__(self, *exc: object) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            self._loop.remove_signal_handler(number)

    async def wanted(self) -> Stop:
        """Wait for the first request."""
        return await asyncio.shield(self._wanted)

    async def forced(self) -> None:
        """Wait for the demand to wait for nothing."""
        await self._force.wait()

    def _end(self, stop: Stop, forces: bool = False) -> None:
        if not self._wanted.done():
            self._want(stop)
        elif forces and self._loop.time() - self._since > SAME_SIGNAL_SECONDS:
            self._force.set()

    def _restart(self) -> None:
        if not self._may_restart():
            log.warning("SIGUSR1 ignored: no restart was scheduled and commands.restart is not true")
        elif not self._wanted.done():
            self._want(Stop(restart=True, drain=RESTART_DRAIN_SECONDS))

    def _want(self, stop: Stop) -> None:
        self._since = self._loop.time()
        self._wanted.set_result(stop)


def run_gateway(plan: ServePlan) -> int:
    """Run the gateway until it is told to stop; returns the exit code.

    Raises:
        StartRefused: a start check fails, another gateway runs, or the address cannot be bound.
        Unavailable: the state directory refuses.
    """
    addresses = _checked(plan)
    with ExitStack() as held:
        listens: Callable[[int], None] | None = None
        if not plan.environment.truthy("OPENCLAW_ALLOW_MULTI_GATEWAY"):
            listens = held.enter_context(
                gateway_lock(
                    plan.layout,
                    port=plan.port,
                    now_ms=plan.clock.now_ms(),
                    wait=plan.lock_wait,
                    temp_root=plan.temp_root,
                )
            )
        port = noted = plan.port
        while True:
            scheme = "ws" if plan.tls is None else "wss"
            listening = bind_sockets(addresses, port, mode=plan.policy.bind.value, scheme=scheme)
            if listens is not None and listening.port != noted:
                listens(listening.port)
            port = noted = listening.port
            with _runner() as runner:
                code = runner.run(_serve(plan, listening))
            if code is not None:
                return code
            if plan.renew is not None:
                old, plan = plan, plan.renew()
                addresses = _checked(plan)
                port = port if plan.port == old.port else plan.port


def _checked(plan: ServePlan) -> tuple[str, ...]:
    """Return where to listen, once the start checks have passed for it."""
    addresses = bind_addresses(plan.policy)
    facts = plan.facts
    check_start(plan.policy, StartFacts(facts.allow_unconfigured, addresses, facts.tls_problem, facts.unresolved))
    return addresses


def check_start(policy: GatewayPolicy, facts: StartFacts) -> None:
    """Refuse to start a gateway that cannot tell its callers apart (gateway.md 2.1).

    Raises:
        StartRefused: with one line per reason.
    """
    refusals = start_refusals(policy, facts)
    if refusals:
        raise StartRefused(
            "\n".join(reason.detail for reason in refusals),
            code=refusals[0].rule.replace("start.", "start-"),
            details={"reasons": [dict(reason.as_dict()) for reason in refusals]},
        )


def _runner() -> asyncio.Runner:
    """Return a runner on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _serve(plan: ServePlan, listening: Listening) -> int | None:
    """Serve once; returns the exit code, or None to start anew."""
    try:
        household = await plan.build()
        await household.app.listen(listening.sockets, plan.tls)
    except BaseException:
        for sock in listening.sockets:
            sock.close()
        raise
    with StopSignals(household.may_restart) as signals:  # before the announcement: whoever reads it may stop us at once
        try:
            _announce(plan, listening, household.model)
            _collect_garbage_again()
            await race(household.start(), signals.wanted())
            stop = await signals.wanted()
        except BaseException:
            await _goodbye(household, Stop(drain=0.0))
            raise
        log.info("gateway %s", "restarting" if stop.restart else "stopping")
        whole = False

        async def leave() -> None:
            nonlocal whole
            await _goodbye(household, stop)
            whole = True

        await race(leave(), signals.forced())
        if not whole:
            plan.console("stopped at once; running turns were cut off")
            return EXIT_FORCED
    return None if stop.restart else 0


def _collect_garbage_again() -> None:
    """End what the command line did for a quick start; what start-up made stays, so it is not looked at again."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


async def _goodbye(household: Household, stop: Stop) -> None:
    if stop.drain > 0:
        try:
            async with asyncio.timeout(stop.drain + 1.0):
                await household.drain(stop.drain)
        except TimeoutError:
            log.warning("running turns did not end within %g seconds", stop.drain)
    try:
        async with asyncio.timeout(FORCE_SECONDS):
            await household.stop()
    except TimeoutError:
        log.warning("something did not stop within %g seconds", FORCE_SECONDS)
    await household.app.close(restarting=stop.restart)


def _announce(plan: ServePlan, listening: Listening, model: str) -> None:
    lines = [f"listening on {listening.url} (PID {os.getpid()})"]
    if plan.log_file is not None:
        lines.append(f"log file: {plan.log_file}")
    lines.append(f"agent model: {model}")
    for line in lines:
        plan.console(line)
