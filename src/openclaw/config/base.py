"""What every config model is made of.

Conventions that callers may rely on:

* An attribute is the snake_case form of its camelCase key (`gateway.auth.allowTailscale` is
  `config.gateway.auth.allow_tailscale`). The one exception is `agents.list`, which is `config.agents.entries`.
* An absent value is None, unless the schema itself gives a default (bold in config.md 3). Lists and maps too are None
  when absent, so that absent, empty and `["*"]` stay apart; a JSON null is a fault everywhere.
* An absent closed block is its empty instance, so `config.gateway.auth.token` never fails. Blocks whose presence
  counts (`agents.list[].heartbeat`) or that have required keys (`bindings[].match.peer`) are None when absent. Whether
  a key was written at all is told by `"key" in block.model_fields_set` (snake_case).
* Lists are tuples, maps are read-only by agreement, models are frozen.
* A secret is a `Secret` or, when a reference object was written, a `SecretRef` (config.md 1.11); `config/secrets.py`
  resolves it. Ids that may be written as numbers are always text here.
* The text below an attribute is its description in the reference, the JSON Schema and the form of the Control UI.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, Strict
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, core_schema

from openclaw.system.secret import Secret

T = TypeVar("T")
BlockT = TypeVar("BlockT", bound="Block")


class Block(BaseModel):
    """A closed object of the config: unknown keys, nulls and coercions are refused."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        protected_namespaces=(),
        defer_build=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    extra_values: ClassVar[Any] = None
    """What any further key may hold, where a block takes further keys."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Build this block alone, and the blocks inside it when a document has them (most have few of them).

        The None is taken out of `X | None`: it stands for absence, and a written null is a fault.
        """
        if getattr(_building, "outer", None) is not None:
            return core_schema.no_info_plain_validator_function(Inner(cls))
        _building.outer = cls
        try:
            schema = handler(source)
        finally:
            _building.outer = None
        for field in _fields_of(schema).values():
            inner = field["schema"]
            if inner["type"] == "default" and inner["schema"]["type"] == "nullable":
                inner["schema"] = inner["schema"]["schema"]
        return schema


_building: Final = threading.local()
"""`outer` is the block whose validator this thread builds; what it holds is built later."""


class Inner:
    """Validates a block inside another one. Its faults become those of the outer block, with their places."""

    __slots__ = ("model",)

    def __init__(self, model: type[Block]) -> None:
        self.model = model

    def __call__(self, value: Any) -> Block:
        """Return the block that the value states."""
        return self.model.model_validate(value)


def _fields_of(schema: Any) -> dict[str, Any]:
    """Return the model-fields of a core schema, below whatever wraps them."""
    while isinstance(schema, dict):
        if schema.get("type") == "model-fields":
            fields: dict[str, Any] = schema["fields"]
            return fields
        schema = schema.get("schema")
    return {}


class OpenBlock(Block):
    """An object that drops unknown keys silently; only where the original does so (config.md 1.6)."""

    model_config = ConfigDict(extra="ignore")


@cache
def _blank(model: type[Block]) -> Block:
    return model.model_construct()


def blank(model: type[BlockT]) -> BlockT:
    """Return the shared instance of an absent block: every attribute at its default, no key set."""
    return cast("BlockT", _blank(model))


def block(model: type[Block]) -> Any:
    """Declare a block that is its empty instance when absent."""
    return Field(default_factory=partial(_blank, model))


@dataclass(frozen=True, slots=True)
class Sensitive:
    """Marks a leaf for the redactor. `secret` hides the whole text, `url` its user information and query values."""

    kind: Literal["secret", "url"]


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A reference to a secret that lies elsewhere (config.md 1.11).

    Attributes:
        source: where: a variable, a file, a program's output or the system keyring.
        id: variable or keyring entry.
        path: the file.
        pointer: JSON pointer into the file.
        command: argv of the program.
        timeout_ms: time the program has.
        service: keyring service.
    """

    source: Literal["env", "file", "exec", "keyring"]
    id: str = ""
    path: str = ""
    pointer: str | None = None
    command: tuple[str, ...] = ()
    timeout_ms: int = 5000
    service: str = "openclaw"


MAX_EXEC_TIMEOUT_MS: Final = 30_000
_REF_KEYS: Final[Mapping[str, frozenset[str]]] = {
    "env": frozenset({"id"}),
    "file": frozenset({"path", "pointer"}),
    "exec": frozenset({"command", "timeoutMs"}),
    "keyring": frozenset({"service", "id"}),
}


def read_ref(value: Mapping[str, Any]) -> SecretRef:
    """Return the reference that an object of the config states.

    Raises:
        ValueError: with what is wrong, for people.
    """
    source = value.get("source")
    if not isinstance(source, str) or source not in _REF_KEYS:
        raise ValueError('a secret reference needs "source": one of env, file, exec, keyring')
    unknown = sorted(set(value) - _REF_KEYS[source] - {"source", "provider"})
    if unknown:
        raise ValueError(f'a secret reference with source "{source}" has no key "{unknown[0]}"')
    for key in ("id", "path", "pointer", "service", "provider"):
        if key in value and (not isinstance(value[key], str) or not value[key].strip()):
            raise ValueError(f'"{key}" of a secret reference must be non-blank text')
    match source:
        case "env":
            return SecretRef("env", id=_need(value, "id"))
        case "file":
            return SecretRef("file", path=_need(value, "path"), pointer=value.get("pointer"))
        case "exec":
            return SecretRef("exec", command=_command(value), timeout_ms=_timeout(value))
        case _:
            return SecretRef("keyring", id=_need(value, "id"), service=value.get("service", "openclaw"))


def _need(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise ValueError(f'a secret reference with source "{value["source"]}" needs "{key}"')  # noqa: TRY004  # one error type
    return found


def _command(value: Mapping[str, Any]) -> tuple[str, ...]:
    command = value.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        raise ValueError('a secret reference with source "exec" needs "command": a list of texts')
    if not command[0].startswith("/"):
        raise ValueError('the "command" of a secret reference must start with an absolute path')
    return tuple(command)


def _timeout(value: Mapping[str, Any]) -> int:
    timeout = value.get("timeoutMs", 5000)
    if not isinstance(timeout, int) or isinstance(timeout, bool) or not 0 < timeout <= MAX_EXEC_TIMEOUT_MS:
        raise ValueError(f'"timeoutMs" of a secret reference must be 1 to {MAX_EXEC_TIMEOUT_MS}')
    return timeout


def _read_secret(value: Any) -> Secret | SecretRef:
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping):
        try:
            return read_ref(value)
        except ValueError as error:
            raise PydanticCustomError("secret_ref", "{why}", {"why": str(error)}) from None
    raise PydanticCustomError("string_type", "must be text or a secret reference object")


class _SecretType:
    """Builds the validator of a secret leaf and its JSON Schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_secret)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "required": ["source"],
                    "properties": {"source": {"enum": list(_REF_KEYS)}},
                },
            ]
        }


class _IdType:
    """Builds the validator of a text or number that is an id: numbers become text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        number = core_schema.union_schema(
            [core_schema.int_schema(strict=True), core_schema.float_schema(strict=True, allow_inf_nan=False)]
        )
        return core_schema.union_schema(
            [core_schema.str_schema(strict=True), core_schema.no_info_after_validator_function(str, number)]
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "number"}]}


class _ServiceAccountType(_SecretType):
    """A secret that may also be written as the JSON object itself."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_service_account)


def _read_service_account(value: Any) -> Secret | SecretRef:
    if isinstance(value, Mapping) and "source" not in value:
        return Secret(json.dumps(value))
    return _read_secret(value)


SecretText: TypeAlias = Annotated[Secret | SecretRef, _SecretType(), Sensitive("secret")]
"""A secret leaf: plain text (kept as a Secret) or a reference object."""
ServiceAccount: TypeAlias = Annotated[Secret | SecretRef, _ServiceAccountType(), Sensitive("secret")]
"""A Google service account: JSON text, the object itself, or a reference object."""
UrlText: TypeAlias = Annotated[str, Sensitive("url")]
"""A URL that may hold user information or a secret query."""
IdText: TypeAlias = Annotated[str, _IdType()]
"""An id written as text or number; always text here."""

Seq: TypeAlias = Annotated[tuple[T, ...], Strict(strict=False)]
"""A list; a tuple here."""
Texts: TypeAlias = Annotated[tuple[str, ...], Strict(strict=False)]
Ids: TypeAlias = Annotated[tuple[IdText, ...], Strict(strict=False)]
Secrets: TypeAlias = Mapping[str, SecretText]
"""A map of secret texts, such as headers or variables."""

Positive: TypeAlias = Annotated[int, Field(gt=0)]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Hour: TypeAlias = Annotated[int, Field(ge=0, le=23)]
Port: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
PositiveNumber: TypeAlias = Annotated[float, Field(gt=0)]
CountNumber: TypeAlias = Annotated[float, Field(ge=0)]
Ratio: TypeAlias = Annotated[float, Field(ge=0, le=1)]
NonEmpty: TypeAlias = Annotated[str, Field(min_length=1)]
HexColor: TypeAlias = Annotated[str, Field(pattern=r"^#?[0-9a-fA-F]{6}$")]
AccountId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""An account id takes part in file names (advisory K17)."""
RequestTimeoutMs: TypeAlias = Annotated[int, Field(ge=1000, le=120_000)]
Free: TypeAlias = Mapping[str, Any]
"""An object whose keys are somebody else's."""
NumberOrText: TypeAlias = str | int | float

DmPolicy: TypeAlias = Literal["pairing", "allowlist", "open", "disabled"]
GroupPolicy: TypeAlias = Literal["open", "disabled", "allowlist"]
Decision: TypeAlias = Literal["allow", "deny"]
ThinkingLevel: TypeAlias = Literal["off", "minimal", "low", "medium", "high", "xhigh"]
TypingMode: TypeAlias = Literal["never", "instant", "thinking", "message"]
LogLevel: TypeAlias = Literal["silent", "fatal", "error", "warn", "info", "debug", "trace"]
InstallSource: TypeAlias = Literal["npm", "archive", "path"]
TailscaleMode: TypeAlias = Literal["off", "serve", "funnel"]
