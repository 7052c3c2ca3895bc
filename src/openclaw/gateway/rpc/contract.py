"""What an RPC method is: a function with typed parameters. The dispatcher does the rest, once.

A method body never touches sockets, JSON or permissions: scopes are in `policy/where/scopes.py`, the envelope and the
errors in the dispatcher. A method that has its answer at once is a plain function, one that waits a coroutine function.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from openclaw.protocol.codec import UnsetType
from openclaw.protocol.errors import RpcError, invalid_params
from openclaw.protocol.frames import RequestFrame, success
from openclaw.protocol.problems import explain

if TYPE_CHECKING:
    from openclaw.gateway.connections import Connection
    from openclaw.gateway.services import Services

DEADLINE_SECONDS: Final = 60.0
IGNORES_UNKNOWN_SINCE: Final = 4
"""From this protocol on, newer clients add keys that we do not know (gateway.md 3)."""

Text = Annotated[str, StringConstraints(min_length=1)]
"""A non-empty string: `NES` of the specification."""


class Params(BaseModel):
    """Base of RPC parameters: closed, camelCase outside, snake_case inside, nothing coerced."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        defer_build=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )


class NoParams(Params):
    """A method without parameters."""


class OpenParams(Params):
    """Parameters of a method that ignores what it does not know, on every protocol."""

    model_config = ConfigDict(extra="ignore")


MethodFunction = Callable[["Call", Any], Any | Awaitable[Any]]


class CallFailed(RpcError):
    """A failed answer that carries a payload as well (gateway.md 1.1)."""

    def __init__(self, error: RpcError, payload: Any) -> None:
        super().__init__(
            error.rpc_code,
            error.message,
            error.details,
            retryable=error.retryable,
            retry_after_ms=error.retry_after_ms,
        )
        self.payload = payload


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one client.

    Attributes:
        services: what the methods work with.
        connection: who calls: its peer, scopes and socket.
        method: name of the method.
        request_id: the client's id of the request.
    """

    services: Services
    connection: Connection
    method: str
    request_id: str

    def accepted(self, payload: Any) -> None:
        """Send a first answer now; the returned value becomes the second one with the same id."""
        self.connection.send(success(self.request_id, payload))


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the gateway.

    Attributes:
        name: name on the wire; its scope is the row of that name in `policy/where/scopes.py`.
        params: parameter model.
        run: the function.
        deadline: seconds that it may take; None when it bounds itself.
        ends_with_client: cancelled when the client goes away; others run to their end.
    """

    name: str
    params: type[Params]
    run: MethodFunction
    deadline: float | None = DEADLINE_SECONDS
    ends_with_client: bool = False

    def read(self, frame: RequestFrame, protocol: int) -> Params:
        """Return the parameters of a request.

        Raises:
            RpcError: they violate the model; the message lists every fault (gateway.md 1.2).
        """
        raw = b"{}" if isinstance(frame.params, UnsetType) else bytes(frame.params)
        try:
            return self.params.model_validate_json(
                b"{}" if raw == b"null" else raw,
                extra="ignore" if protocol >= IGNORES_UNKNOWN_SINCE else None,
            )
        except ValidationError as error:
            raise invalid_params(self.name, explain(error)) from None


def rpc(
    name: str,
    params: type[Params] = NoParams,
    *,
    deadline: float | None = DEADLINE_SECONDS,
    ends_with_client: bool = False,
) -> Callable[[MethodFunction], Method]:
    """Attach facts to a method's function. Nothing is registered: `METHODS` of each family says what exists."""

    def attach(function: MethodFunction) -> Method:
        return Method(name, params, function, deadline, ends_with_client)

    return attach
