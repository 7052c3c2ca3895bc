"""Error objects: gateway.md 1.2."""

from __future__ import annotations

import pytest

from openclaw.policy.where.scopes import Scope, authorize
from openclaw.policy.who.connect_refusals import Refusal
from openclaw.protocol.errors import (
    ErrorCode,
    RpcError,
    connect_refusal,
    invalid_params,
    missing_scope,
    scope_refusal,
    to_rpc,
    unavailable,
    unknown_method,
)
from openclaw.system.errors import (
    ConfigInvalid,
    Conflict,
    InvalidInput,
    MissingExtra,
    NotFound,
    OpenClawError,
    Refused,
    StartRefused,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("m"), ErrorCode.INVALID_REQUEST),
        (NotFound("m"), ErrorCode.INVALID_REQUEST),
        (ConfigInvalid("m", details={"issues": []}), ErrorCode.INVALID_REQUEST),
        (Conflict("m"), ErrorCode.INVALID_REQUEST),
        (Refused("m"), ErrorCode.INVALID_REQUEST),
        (Unavailable("m"), ErrorCode.UNAVAILABLE),
        (StartRefused("m"), ErrorCode.UNAVAILABLE),
        (OpenClawError("m"), ErrorCode.UNAVAILABLE),
        (MissingExtra("x", "y"), ErrorCode.UNAVAILABLE),
    ],
)
def test_each_kind_of_error_has_a_code(error: OpenClawError, code: ErrorCode) -> None:
    wire = to_rpc(error).as_wire()
    assert wire["code"] == code
    assert wire["message"] == error.message
    assert wire.get("details", {}) == error.details


def test_a_defect_tells_nothing_of_itself() -> None:
    wire = to_rpc(KeyError("secret-text")).as_wire()
    assert wire["code"] == "UNAVAILABLE"
    assert "secret-text" not in str(wire)


def test_an_rpc_error_stays_what_it_is() -> None:
    error = RpcError(ErrorCode.APPROVAL_NOT_FOUND, "gone")
    assert to_rpc(error) is error
    assert error.code == "APPROVAL_NOT_FOUND"


def test_only_unavailable_says_that_a_retry_may_work() -> None:
    assert to_rpc(Unavailable("m")).as_wire()["retryable"] is True
    assert "retryable" not in to_rpc(InvalidInput("m")).as_wire()
    assert unavailable("m", retry_after_ms=7).as_wire()["retryAfterMs"] == 7


def test_a_missing_scope_has_the_form_of_the_protocol() -> None:
    old = missing_scope(3, Scope.ADMIN).as_wire()
    assert old == {"code": "INVALID_REQUEST", "message": "missing scope: operator.admin"}
    new = missing_scope(4, Scope.ADMIN).as_wire()
    assert new == {
        "code": "FORBIDDEN",
        "message": "missing scope: operator.admin",
        "details": {
            "code": "MISSING_SCOPE",
            "missingScope": "operator.admin",
            "requiredScopes": ["operator.admin"],
        },
    }


def test_a_refused_call_becomes_an_error() -> None:
    assert scope_refusal(4, authorize("config.set", "operator", ())).rpc_code is ErrorCode.FORBIDDEN
    assert scope_refusal(4, authorize("health", "node", ())).as_wire() == {
        "code": "INVALID_REQUEST",
        "message": "unauthorized role: node",
    }


def test_a_refused_connect_becomes_an_error() -> None:
    wire = connect_refusal(Refusal("NOT_PAIRED", "pairing required", {"code": "X"}), {"requestId": "r"}).as_wire()
    assert wire == {"code": "NOT_PAIRED", "message": "pairing required", "details": {"code": "X", "requestId": "r"}}


def test_texts_that_clients_match_on() -> None:
    assert unknown_method("x.y").message == "unknown method: x.y"
    assert invalid_params("cron.add", "must be object").message == "invalid cron.add params: must be object"
