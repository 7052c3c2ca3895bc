"""Asking the gateway: the options that such commands share, one call with the least scope, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from openclaw.cli.context import CliContext
from openclaw.cli.loopback import CallFailed, LoopbackClient
from openclaw.cli.target import document_of, gateway_target
from openclaw.policy.where.scopes import Scope, lacking, operation
from openclaw.protocol.client_target import LOCAL, Target
from openclaw.system.errors import InvalidInput, OpenClawError, Refused, Unavailable
from openclaw.version import VERSION

if TYPE_CHECKING:
    import asyncio

    from openclaw.protocol.client import ClientParts, GatewayClient

CallableT = TypeVar("CallableT", bound=Callable[..., Any])

DEFAULT_TIMEOUT_MS: Final = 10_000
OWNER_SCOPES: Final = (Scope.ADMIN.value, Scope.APPROVALS.value, Scope.PAIRING.value)


@dataclass(frozen=True, slots=True)
class RpcOptions:
    """How the gateway is reached.

    Attributes:
        url: address instead of the configured one.
        token, password: secret instead of the configured one.
        timeout_ms: time for one answer.
    """

    url: str | None = None
    token: str | None = None
    password: str | None = None
    timeout_ms: int = DEFAULT_TIMEOUT_MS


def rpc_options(timeout_ms: int = DEFAULT_TIMEOUT_MS) -> Callable[[CallableT], CallableT]:
    """Add `--url`, `--token`, `--password`, `--timeout`; the command is given one `rpc: RpcOptions`."""

    def decorate(function: CallableT) -> CallableT:
        def gathered(
            *args: Any, url: str | None, token: str | None, password: str | None, timeout: int, **kwargs: Any
        ) -> Any:
            return function(*args, rpc=RpcOptions(url, token, password, timeout), **kwargs)

        gathered.__doc__ = function.__doc__
        gathered.__name__ = function.__name__
        gathered.__dict__.update(function.__dict__)
        decorated: Any = gathered
        for option in (
            click.option(
                "--timeout", type=click.IntRange(1), default=timeout_ms, show_default=True, help="Milliseconds to wait."
            ),
            click.option("--password", help="Password of that gateway."),
            click.option("--token", help="Token of that gateway."),
            click.option("--url", metavar="WS_URL", help="Another gateway; needs --token or --password."),
        ):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


class Rpc:
    """Calls to one gateway. Each call states the least scope that its method needs.

    Args:
        context: the frame of the command.
        options: how it is reached.
    """

    def __init__(self, context: CliContext, options: RpcOptions) -> None:
        self._context = context
        self._seconds = options.timeout_ms / 1000
        self.target = gateway_target(context, url=options.url, token=options.token, password=options.password)

    def call(self, method: str, params: Mapping[str, Any] | None = None, *, seconds: float | None = None) -> Any:
        """Call one method and return its payload; of two answers the last one.

        Raises:
            OpenClawError: `Gateway call failed: …`.
        """
        with self.session((method,)) as session:
            return session.call(method, params, seconds=seconds)

    def session(self, methods: tuple[str, ...], *, scopes: tuple[Scope, ...] = ()) -> Session:
        """Return a connection for several calls.

        Args:
            methods: what will be called; each asks for its own scope.
            scopes: further ones, where what may be granted depends on what the caller holds.
        """
        needed = dict.fromkeys((*(operation(name).scope for name in methods), *scopes))
        return Session(self._context, self.target, tuple(scope.value for scope in needed), self._seconds)


class Session:
    """A connection for several calls; use it with `with`."""

    def __init__(self, context: CliContext, target: Target, scopes: tuple[str, ...], seconds: float) -> None:
        self._context = context
        self._target = target
        self._scopes = scopes
        self._seconds = seconds
        self._stack = ExitStack()
        self._quick: LoopbackClient | None = None
        self._full: GatewayClient | None = None
        self._runner: asyncio.Runner | None = None
        self.hello: Mapping[str, Any] = {}

    def __enter__(self) -> Session:
        """Connect and log in."""
        try:
            if is_quick(self._target):
                target = self._target
                self._quick = self._stack.enter_context(
                    LoopbackClient(target.url, token=target.token, password=target.password, scopes=self._scopes)
                )
                self.hello = self._quick.hello
            else:
                self._connect_fully()
        except OpenClawError as error:
            self._stack.close()
            raise call_failed(self._context, self._target, error) from None
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def call(self, method: str, params: Mapping[str, Any] | None = None, *, seconds: float | None = None) -> Any:
        """Call one method; see `Rpc.call`."""
        return list(self.answers(method, params, seconds=seconds))[-1]

    def answers(
        self, method: str, params: Mapping[str, Any] | None = None, *, seconds: float | None = None
    ) -> Iterator[Any]:
        """Call one method and yield its payloads."""
        limit = self._seconds if seconds is None else seconds
        try:
            if self._quick is not None:
                yield from self._quick.answers(method, params, seconds=limit)
            else:
                assert self._full is not None
                assert self._runner is not None
                yield self._runner.run(self._full.call(method, params, seconds=limit))
        except OpenClawError as error:
            raise call_failed(self._context, self._target, error) from None

    def _connect_fully(self) -> None:
        """Connect with everything: TLS, other machines, this machine's device key where one is asked for."""
        import asyncio

        from openclaw.gateway.listen import own_addresses
        from openclaw.protocol.client import ClientParts, GatewayClient, Introduction
        from openclaw.system.clock import SystemClock

        clock = SystemClock()
        scopes = self._scopes
        parts = ClientParts(environment=self._context.environment, clock=clock, own_addresses=own_addresses)
        if not (self._target.is_loopback and self._target.has_secret):
            parts, scopes = self._with_device(parts)
        introduction = Introduction(version=VERSION, scopes=scopes)
        runner = self._runner = self._stack.enter_context(asyncio.Runner())
        client = self._full = runner.run(GatewayClient.connect(self._target, introduction, parts))
        self._stack.callback(lambda: runner.run(client.close()))
        self.hello = client.hello

    def _with_device(self, parts: ClientParts) -> tuple[ClientParts, tuple[str, ...]]:
        """Add the device key, and the scopes to ask for: those of the calls when the device has them already.

        A new device asks for all that an owner's command line needs, once: raising its scopes later always takes
        somebody on the other side.
        """
        from openclaw.state.identity import DeviceAuth, load_identity

        layout = self._context.own_state()
        identity = load_identity(layout, parts.clock)
        tokens = DeviceAuth(layout, parts.clock, identity.device_id)
        kept = tokens.get("operator")
        covered = kept is not None and not lacking(kept.scopes, self._scopes)
        scopes = self._scopes if covered else tuple(dict.fromkeys((*OWNER_SCOPES, *self._scopes)))
        return replace(parts, signer=identity, tokens=tokens), scopes


def own_gateway(context: CliContext, options: RpcOptions) -> Rpc:
    """Return calls to the gateway that runs on this state directory.

    Raises:
        InvalidInput: the config names another gateway, so that the own one cannot be asked.
    """
    rpc = Rpc(context, options)
    if rpc.target.source != LOCAL:
        raise InvalidInput(
            "a gateway runs on this state directory, but gateway.mode is remote and names another one; "
            f"stop it first: {context.command} gateway stop"
        )
    return rpc


def is_quick(target: Target) -> bool:
    """Tell whether the own gateway is asked, in clear text on loopback and with its secret."""
    return target.url.startswith("ws:") and target.is_loopback and target.has_secret and target.fingerprint is None


def call_failed(context: CliContext, target: Target, error: OpenClawError) -> OpenClawError:
    """Return the error of a command whose call failed, with what was tried (config.md 4.1)."""
    from openclaw.config.plain import read_plain

    message = f"Gateway call failed: Error: {error.message}"
    if isinstance(error, CallFailed) or error.code not in ("gateway-unreachable", "gateway-disconnected"):
        kind = Refused if isinstance(error, Refused) else OpenClawError
        return kind(message, code=error.code, details=error.details)
    document = document_of(read_plain(context.layout, context.environment))
    gateway = document.get("gateway")
    bind = gateway.get("bind", "loopback") if isinstance(gateway, Mapping) else "loopback"
    notes = [
        f"Gateway target: {target.url}",
        f"Source: {target.source}",
        f"Config: {context.shown(context.layout.config)}",
        f"Bind: {bind}",
    ]
    if target.source == LOCAL and error.code == "gateway-unreachable":
        notes.append(f"Start it with: {context.command} up")
    return Unavailable(message, code=error.code, details={"notes": notes})
