"""The handshake's messages: the strict model of `connect`, negotiation and `hello-ok` (gateway.md 1.3-1.7).

The model is the union of what clients of both protocols send; a key in neither is refused. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from openclaw.policy.where.scopes import Role, Scope
from openclaw.policy.who.connect_refusals import Sent
from openclaw.protocol.device_signature import Claim, SignedFields
from openclaw.protocol.errors import RpcError, invalid_params, invalid_request
from openclaw.protocol.problems import explain

NEWEST: Final = 4
OLDEST: Final = 3
PROTOCOL_MISMATCH_CLOSE: Final = 1002
MAX_PAYLOAD: Final = 26_214_400
MAX_PAYLOAD_BEFORE_CONNECT: Final = 65_536
MAX_BUFFERED_BYTES: Final = 52_428_800
TICK_INTERVAL_MS: Final = 30_000
FIRST_REQUEST_ONLY: Final = "connect is only valid as the first request"
HANDSHAKE_FIRST: Final = "invalid handshake: first request must be connect"
BAD_FIRST_FRAME: Final = "invalid request frame"

ClientId: TypeAlias = Literal[
    "webchat-ui",
    "openclaw-control-ui",
    "webchat",
    "cli",
    "gateway-client",
    "openclaw-macos",
    "openclaw-ios",
    "openclaw-android",
    "node-host",
    "test",
    "fingerprint",
    "openclaw-probe",
    "openclaw-browser-copilot",
    "openclaw-tui",
    "openclaw-linux",
    "openclaw-watchos",
    "openclaw-worker",
]
ClientMode: TypeAlias = Literal["webchat", "cli", "ui", "backend", "node", "probe", "test"]
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Hidden: TypeAlias = Annotated[str | None, Field(repr=False)]


class _Null:
    """Stands for a JSON null, so that a null where text belongs is a fault and not an absent key."""


class Closed(BaseModel):
    """A closed object: unknown keys, nulls and coercions are refused."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _no_nulls(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            return {key: _Null() if item is None else item for key, item in value.items()}
        return value


class ClientInfo(Closed):
    """What a client says of itself."""

    id: ClientId
    mode: ClientMode
    version: Text
    platform: Text
    display_name: Text | None = None
    device_family: Text | None = None
    model_identifier: Text | None = None
    instance_id: Text | None = None
    build_id: Text | None = None
    """Sent by newer pages; ignored."""
    time_zone: Text | None = None
    """Sent by newer pages; ignored."""


class ConnectAuth(Closed):
    """The credentials of a connect. Kept as text, unseen in `repr`, and never among the secrets that we know."""

    token: Hidden = None
    password: Hidden = None
    device_token: Hidden = None
    bootstrap_token: Hidden = None
    approval_runtime_token: Hidden = None
    """Ignored."""
    agent_runtime_identity_token: Hidden = None
    """Ignored."""

    def sent(self) -> Sent:
        """Return which credentials came; an empty text is none."""
        return Sent(
            token=bool(self.token),
            password=bool(self.password),
            device_token=bool(self.device_token),
            bootstrap=bool(self.bootstrap_token),
        )

    def signed_token(self) -> str:
        """Return the text that the client signed with its device key (gateway.md 1.5)."""
        candidates = (self.token, self.device_token, self.bootstrap_token)
        return next((text for text in candidates if text is not None), "")


class ConnectDevice(Closed):
    """The device part of a connect."""

    id: Text
    public_key: Text
    signature: Text
    signed_at: Annotated[int, Field(ge=0, le=2**53)]
    nonce: Text | None = None


class ConnectParams(Closed):
    """The params of `connect`."""

    min_protocol: Annotated[int, Field(ge=1, le=2**31)]
    max_protocol: Annotated[int, Field(ge=1, le=2**31)]
    client: ClientInfo
    caps: list[Text] = []
    commands: list[Text] = []
    permissions: dict[str, bool] = {}
    path_env: str | None = None
    role: Text | None = None
    scopes: list[Text] | None = None
    auth: ConnectAuth = ConnectAuth()
    device: ConnectDevice | None = None
    locale: str | None = None
    user_agent: str | None = None
    model_catalog: Any = None
    """Ignored, like the next two."""
    computer_use: Any = None
    worker_runs: Any = None

    @classmethod
    def read(cls, arguments: Mapping[str, Any]) -> ConnectParams:
        """Validate what a client sent.

        Raises:
            RpcError: `invalid connect params: …` with every fault.
        """
        try:
            return cls.model_validate(dict(arguments))
        except ValidationError as error:
            raise invalid_params("connect", explain(error)) from None

    @property
    def asked_role(self) -> str:
        """Return the role, `operator` when none was sent."""
        return Role.OPERATOR.value if self.role is None else self.role

    def claim(self) -> Claim | None:
        """Return the device's claim as it was signed; None without a device."""
        if self.device is None:
            return None
        fields = SignedFields(
            device_id=self.device.id,
            client_id=self.client.id,
            client_mode=self.client.mode,
            role=self.asked_role,
            scopes=tuple(self.scopes or ()),
            signed_at_ms=self.device.signed_at,
            token=self.auth.signed_token(),
            nonce=self.device.nonce or "",
            platform=self.client.platform,
            device_family=self.client.device_family or "",
        )
        return Claim(fields, self.device.public_key, self.device.signature)


def negotiate(min_protocol: int, max_protocol: int) -> int:
    """Return the protocol that both sides speak: 4 if possible, else 3 (gateway.md 1.6).

    Raises:
        RpcError: neither; the socket is then closed with PROTOCOL_MISMATCH_CLOSE.
    """
    for protocol in (NEWEST, OLDEST):
        if min_protocol <= protocol <= max_protocol:
            return protocol
    details = {
        "code": "PROTOCOL_MISMATCH",
        "clientMinProtocol": min_protocol,
        "clientMaxProtocol": max_protocol,
        "expectedProtocol": NEWEST,
        "minimumProbeProtocol": OLDEST,
    }
    raise invalid_request("protocol mismatch", details)


def not_first() -> RpcError:
    """Return the error for a second `connect`."""
    return invalid_request(FIRST_REQUEST_ONLY)


def challenge(nonce: str, now_ms: int) -> dict[str, Any]:
    """Return the payload of the event that opens a connection."""
    return {"nonce": nonce, "ts": now_ms}


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A device token for `hello-ok`; the text leaves for the device that proved its key and for nobody else."""

    token: str = field(repr=False)
    issued_at_ms: int


@dataclass(frozen=True, slots=True)
class HelloOk:
    """What a successful connect is answered.

    Attributes:
        protocol: negotiated protocol.
        server_version: never empty.
        conn_id: id of the connection.
        methods, events: what this gateway offers.
        snapshot: presence, health, stateVersion, uptimeMs, sessionDefaults.
        config_path, state_dir: shown to admins only.
        role, scopes: what was granted.
        method: what opened the connection.
        issued: the device token, where there is one.
        canvas_url: base of the canvas host, when it is on.
    """

    protocol: int
    server_version: str
    conn_id: str
    methods: tuple[str, ...]
    events: tuple[str, ...]
    snapshot: Mapping[str, Any]
    role: Role
    scopes: tuple[Scope, ...]
    config_path: str | None = None
    state_dir: str | None = None
    method: str | None = None
    issued: IssuedToken | None = None
    canvas_url: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return the payload in the shape of the negotiated protocol (gateway.md 1.7)."""
        snapshot = dict(self.snapshot)
        if Scope.ADMIN in self.scopes:
            snapshot |= {"configPath": self.config_path, "stateDir": self.state_dir}
            snapshot = {key: value for key, value in snapshot.items() if value is not None}
        payload: dict[str, Any] = {
            "type": "hello-ok",
            "protocol": self.protocol,
            "server": {"version": self.server_version, "connId": self.conn_id},
            "features": {"methods": list(self.methods), "events": list(self.events)},
            "snapshot": snapshot,
            "policy": {
                "maxPayload": MAX_PAYLOAD,
                "maxBufferedBytes": MAX_BUFFERED_BYTES,
                "tickIntervalMs": TICK_INTERVAL_MS,
            },
        }
        if self.issued is not None or self.protocol >= NEWEST:
            payload["auth"] = self._auth()
        if self.canvas_url is not None:
            if self.protocol >= NEWEST:
                payload["pluginSurfaceUrls"] = {"canvas": self.canvas_url}
            else:
                payload["canvasHostUrl"] = self.canvas_url
        return payload

    def _auth(self) -> dict[str, Any]:
        auth: dict[str, Any] = {"role": self.role.value, "scopes": [scope.value for scope in self.scopes]}
        if self.protocol >= NEWEST and self.method is not None:
            auth["method"] = self.method
        if self.issued is not None:
            auth |= {"deviceToken": self.issued.token, "issuedAtMs": self.issued.issued_at_ms}
        return auth
