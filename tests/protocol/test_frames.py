"""Envelopes: gateway.md 1.1, 1.2, 1.8."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.protocol.errors import ErrorCode, RpcError
from openclaw.protocol.frames import (
    BadFrame,
    EncodedEvent,
    EventFrame,
    RequestFrame,
    ResponseFrame,
    failure,
    read_request,
    read_server_frame,
    success,
)
from openclaw.system.secret import Secret

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def request(**fields: object) -> bytes:
    return json.dumps({"type": "req", "id": "1", "method": "health", **fields}).encode()


def bad(data: bytes | str) -> BadFrame:
    frame = read_request(data)
    assert isinstance(frame, BadFrame)
    return frame


@pytest.mark.parametrize("as_text", [False, True])
def test_a_request_is_read_from_text_and_binary(*, as_text: bool) -> None:
    data = request(params={"a": [1]}, traceparent="t", expectedProfileId="p")
    frame = read_request(data.decode() if as_text else data)
    assert isinstance(frame, RequestFrame)
    assert (frame.id, frame.method, frame.arguments()) == ("1", "health", {"a": [1]})


def test_absent_params_are_an_empty_object() -> None:
    frame = read_request(request())
    assert isinstance(frame, RequestFrame)
    assert frame.arguments() == {}


@pytest.mark.parametrize("params", [None, [], "x", 1, True])
def test_params_of_another_kind_are_a_fault_of_the_method(params: object) -> None:
    frame = read_request(request(params=params))
    assert isinstance(frame, RequestFrame)
    with pytest.raises(RpcError, match=r"^invalid health params: must be object$"):
        frame.arguments()


def test_params_are_not_read_before_they_are_asked_for() -> None:
    frame = read_request(b'{"type":"req","id":"1","method":"x","params":{"n":1e999}}')
    assert isinstance(frame, RequestFrame)
    with pytest.raises(RpcError, match=r"^invalid x params: must be readable JSON"):
        frame.arguments()


@pytest.mark.parametrize(
    ("data", "answer_to", "why"),
    [
        (request(extra=1), "1", "at root: unexpected property 'extra'"),
        (b'{"type":"req","id":"7"}', "7", "must have required property 'method'"),
        (b'{"type":"req","method":"x"}', "invalid", "must have required property 'id'"),
        (
            b"{}",
            "invalid",
            "; ".join(f"must have required property '{name}'" for name in ("type", "id", "method")),
        ),
        (request(id=""), "invalid", "at /id: must NOT have fewer than 1 characters"),
        (request(id=5), "invalid", "at /id: must be string"),
        (request(method=""), "1", "at /method: must NOT have fewer than 1 characters"),
        (request(method=None), "1", "at /method: must be string"),
        (request(type="res"), "1", "at /type: must be equal to constant"),
        (request(traceparent="x" * 129), "1", "at /traceparent: must NOT have more than 128 characters"),
        (request(expectedProfileId=""), "1", "at /expectedProfileId: must NOT have fewer than 1 characters"),
        (request(id="x" * 513), "invalid", "at /id: must NOT have more than 512 characters"),
        (
            request(a=1, b=2, method=7),
            "1",
            "at root: unexpected property 'a'; at root: unexpected property 'b'; at /method: must be string",
        ),
        (b"[]", "invalid", "must be object"),
        (b"null", "invalid", "must be object"),
        (b'"req"', "invalid", "must be object"),
    ],
)
def test_every_fault_of_a_frame_has_a_clause(data: bytes, answer_to: str, why: str) -> None:
    frame = bad(data)
    assert (frame.is_json, frame.id, frame.why) == (True, answer_to, why)
    error = frame.as_error()
    assert error.rpc_code is ErrorCode.INVALID_REQUEST
    assert error.message == f"invalid request frame: {why}"


@pytest.mark.parametrize(
    "data",
    [b"", b"nope", b"{", b"\xff\xfe", b'{"type":"req"} x', '{"id":"\\ud800"}', b"[" * 200_000 + b"]" * 200_000],
)
def test_what_is_no_json_is_told_apart(data: bytes | str) -> None:
    assert not bad(data).is_json


def test_a_deep_nest_inside_params_is_no_json_and_no_crash() -> None:
    deep = b'{"type":"req","id":"1","method":"x","params":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    assert not bad(deep).is_json


def test_a_fault_text_is_bounded_and_printable() -> None:
    frame = bad(request(**{f"k{n}\n": 1 for n in range(100)}, **{"x" * 9999: 1}))
    assert "\n" not in frame.why
    assert len(frame.why) < 1500
    assert frame.why.endswith("and 89 more")


@given(st.binary(max_size=60) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=200)
def test_no_bytes_raise(data: bytes) -> None:
    assert isinstance(read_request(data), BadFrame | RequestFrame)


@given(JSON_VALUES)
@settings(max_examples=100)
def test_what_we_send_reads_back(payload: object) -> None:
    answer = read_server_frame(success("1", payload))
    assert answer == ResponseFrame(id="1", ok=True, payload=payload)
    event = EncodedEvent("chat", payload, state_version={"presence": 1, "health": 2})
    for seq in (None, 7):
        read = read_server_frame(event.frame(seq))
        assert read == EventFrame(event="chat", payload=payload, seq=seq, state_version={"presence": 1, "health": 2})
        assert json.loads(event.frame(seq))["type"] == "event"


def test_a_null_payload_is_sent() -> None:
    assert json.loads(success("1", None)) == {"type": "res", "id": "1", "ok": True, "payload": None}


def test_a_failure_may_carry_a_payload() -> None:
    error = RpcError(ErrorCode.UNAVAILABLE, "no", {"a": 1}, retryable=True, retry_after_ms=5)
    wire = {"code": "UNAVAILABLE", "message": "no", "details": {"a": 1}, "retryable": True, "retryAfterMs": 5}
    assert json.loads(failure("1", error)) == {"type": "res", "id": "1", "ok": False, "error": wire}
    assert json.loads(failure("1", error, {"ok": False}))["payload"] == {"ok": False}


def test_an_event_without_payload_or_number() -> None:
    event = EncodedEvent("tick")
    assert event.frame() == b'{"type":"event","event":"tick"}'
    assert event.frame(1) == b'{"type":"event","event":"tick","seq":1}'
    assert event.size == len(event.frame())


def test_a_secret_is_never_written() -> None:
    with pytest.raises(TypeError, match="Secret is not written"):
        success("1", {"token": Secret("some-secret-text")})
    with pytest.raises(TypeError):
        EncodedEvent("x", [Secret("some-secret-text")])


@pytest.mark.parametrize("data", [b"", b"{}", b'{"type":"req","id":"1","method":"x"}', b'{"type":"cancel","id":"1"}'])
def test_a_client_ignores_what_is_neither_answer_nor_event(data: bytes) -> None:
    assert read_server_frame(data) is None


def test_a_client_reads_what_a_newer_gateway_adds() -> None:
    frame = read_server_frame(b'{"type":"res","id":"1","ok":false,"error":{"code":"X","message":"m"},"new":1}')
    assert isinstance(frame, ResponseFrame)
    assert frame.error == {"code": "X", "message": "m"}
