"""Which pages may connect: gateway.md 2.4 step 1, advisories A7, A8."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.who.origin import CONTROL_UI, Origin, OriginPolicy, judge_origin

POLICY = OriginPolicy(
    allowed=("https://ui.example", " HTTPS://Mixed.Example:8443 ", "chrome-extension://abc", "*"),
    own_names=frozenset({"box", "box.tail1.ts.net", "LINUX."}),
)


def judge(origin: str | None, host: str | None, *, ui: bool = False, policy: OriginPolicy = POLICY) -> Origin:
    client_id, mode = (CONTROL_UI, "webchat") if ui else ("cli", "cli")
    return judge_origin(origin, host, client_id=client_id, client_mode=mode, policy=policy).outcome


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        ("http://localhost:18789", "localhost:18789", Origin.OWN),
        ("http://localhost:3000", "127.0.0.1:18789", Origin.OWN),
        ("http://[::1]:5173", "localhost:18789", Origin.OWN),
        ("http://192.168.1.5:18789", "192.168.1.5:18789", Origin.OWN),
        ("http://[fd00::5]:18789", "[fd00::5]:18789", Origin.OWN),
        ("http://box:18789", "box:18789", Origin.OWN),
        ("http://BOX.local:18789", "box.local:18789", Origin.OWN),
        ("http://linux:18789", "linux:18789", Origin.OWN),
        ("http://linux.local:18789", "linux.local:18789", Origin.OWN),
        ("https://box.tail1.ts.net", "box.tail1.ts.net", Origin.OWN),
        ("https://box.tail1.ts.net", "box.tail1.ts.net:443", Origin.OWN),
        ("https://box.tail1.ts.net", "box.tail1.ts.net:80", Origin.REFUSED),
        ("http://192.168.1.5:8080", "192.168.1.5:18789", Origin.REFUSED),
        ("https://ui.example", "127.0.0.1:18789", Origin.LISTED),
        ("HTTPS://UI.EXAMPLE", "127.0.0.1:18789", Origin.LISTED),
        ("https://mixed.example:8443", "whatever", Origin.LISTED),
        ("chrome-extension://abc", "127.0.0.1:18789", Origin.LISTED),
        ("http://ui.example:18789", "ui.example:18789", Origin.LISTED),
        ("https://ui.example:8443", "localhost", Origin.REFUSED),
        ("https://evil.example", "localhost:18789", Origin.REFUSED),
        ("http://evil.example:18789", "evil.example:18789", Origin.REFUSED),
        ("http://localhost.evil.example", "localhost:18789", Origin.REFUSED),
        ("http://evil.example", None, Origin.REFUSED),
        ("null", "localhost:18789", Origin.REFUSED),
        ("", "localhost:18789", Origin.REFUSED),
        ("*", "localhost:18789", Origin.REFUSED),
        ("file://", "localhost", Origin.REFUSED),
        ("http://localhost/path", "localhost", Origin.REFUSED),
        ("http://http://localhost", "localhost", Origin.REFUSED),
        ("http://user@localhost", "localhost", Origin.REFUSED),
        ("tauri://localhost", "localhost", Origin.REFUSED),
    ],
)
@pytest.mark.parametrize("ui", [False, True])
def test_a_page_is_admitted_when_it_is_ours_or_listed(
    origin: str, host: str | None, expected: Origin, *, ui: bool
) -> None:
    assert judge(origin, host, ui=ui) is expected


@pytest.mark.parametrize(
    ("client_id", "mode", "expected"),
    [
        (CONTROL_UI, "webchat", Origin.REFUSED),
        (CONTROL_UI, "ui", Origin.REFUSED),
        ("webchat-ui", "webchat", Origin.REFUSED),
        ("cli", "cli", Origin.ABSENT),
        ("node-host", "node", Origin.ABSENT),
    ],
)
def test_a_page_client_must_send_its_origin(client_id: str, mode: str, expected: Origin) -> None:
    found = judge_origin(None, "localhost", client_id=client_id, client_mode=mode, policy=POLICY)
    assert found.outcome is expected


def test_a_rebinding_page_passes_only_with_the_dangerous_switch() -> None:
    open_door = OriginPolicy(host_header_fallback=True)
    assert judge("http://evil.example", "evil.example", policy=OriginPolicy()) is Origin.REFUSED
    assert judge("http://evil.example", "evil.example", policy=open_door) is Origin.LISTED
    assert judge("http://evil.example", "localhost", policy=open_door) is Origin.REFUSED


@given(st.text(max_size=40), st.none() | st.text(max_size=40))
@settings(max_examples=200)
def test_an_empty_list_admits_only_own_pages(origin: str, host: str | None) -> None:
    assert judge(origin, host, policy=OriginPolicy(allowed=("*",))) in (Origin.REFUSED, Origin.OWN)


@given(st.sampled_from(["https://evil.example", "http://evil.example:18789", "null"]), st.text(max_size=30))
def test_adv_A8_a_foreign_origin_is_refused_whatever_the_host(origin: str, host: str) -> None:
    assert judge(origin, host) is Origin.REFUSED
    assert judge(origin, "evil.example:18789") is Origin.REFUSED
