"""HTTP on the same port: what is public, what a page may do, paths, bodies, headers, the Control UI (gateway.md 4)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.gateway.http.paths import read_target
from openclaw.gateway.http.router import Access, Route, json_answer
from openclaw.policy.who.client_address import AddressPolicy
from openclaw.policy.who.gateway_policy import ControlUiPolicy, GatewayPolicy
from openclaw.protocol.peer import HttpRequest, HttpResponse
from support.gateway import TOKEN, TestGateway, running_gateway

BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}
LIMIT = 1000


class Deeds:
    """An endpoint that changes something."""

    def __init__(self) -> None:
        self.done: list[bytes] = []

    async def act(self, request: HttpRequest) -> HttpResponse:
        self.done.append(await request.read(LIMIT))
        return json_answer(200, {"ok": True})

    async def stream(self, request: HttpRequest) -> HttpResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"
            yield b"data: 2\n\n"

        return HttpResponse(200, pieces(), content_type="text/event-stream")

    async def crash(self, request: HttpRequest) -> HttpResponse:
        raise KeyError(request.path)

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("/deeds", ("POST",), Access.BEARER, self.act),
            Route("/deeds/", ("POST", "GET"), Access.BEARER, self.act),
            Route("/stream", ("GET",), Access.BEARER, self.stream),
            Route("/crash", ("GET",), Access.BEARER, self.crash),
        )


@pytest.fixture
def page(tmp_path: Path) -> Path:
    root = tmp_path / "page"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>the page</title>")
    (root / "app.js").write_text("export {};")
    (root / "assets" / "x.css").write_text("a{}")
    (root / "notes.md").write_text("not served")
    (tmp_path / "secret.txt").write_text("canary")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    return root


@contextlib.asynccontextmanager
async def served(
    tmp_path: Path, page: Path, policy: GatewayPolicy | None = None
) -> AsyncIterator[tuple[TestGateway, Deeds, aiohttp.ClientSession]]:
    deeds = Deeds()
    async with (
        running_gateway(tmp_path, routes=deeds.routes(), ui_root=page, policy=policy) as gateway,
        aiohttp.ClientSession() as session,
    ):
        yield gateway, deeds, session


async def raw(gateway: TestGateway, text: str) -> bytes:
    """Send bytes as they are and return the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(text.encode("latin-1"))
    async with asyncio.timeout(10):
        answer = await reader.read(4096)
    writer.close()
    return answer


@pytest.mark.asyncio
async def test_probes_tell_strangers_booleans_only(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page) as (gateway, _, session):
        for path, body in (
            ("/health", {"ok": True, "status": "live"}),
            ("/healthz", {"ok": True, "status": "live"}),
            ("/ready", {"ready": True}),
            ("/readyz", {"ready": True}),
            ("/startup", {"ok": True, "status": "started"}),
            ("/startupz", {"ok": True, "status": "started"}),
        ):
            async with session.get(gateway.http + path) as answer:
                assert (answer.status, await answer.json()) == (200, body)
                assert answer.headers["Cache-Control"] == "no-store"
            async with session.head(gateway.http + path) as answer:
                assert (answer.status, await answer.read()) == (200, b"")
            async with session.post(gateway.http + path) as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        async with session.get(gateway.http + "/readyz", headers=BEARER) as answer:
            known = await answer.json()
            assert set(known) == {"ready", "failing", "uptimeMs"}
        async with session.get(gateway.http + "/readyz", headers={"Authorization": "Bearer wrong"}) as answer:
            assert answer.status == 401


@pytest.mark.asyncio
async def test_not_ready_is_503(tmp_path: Path, page: Path) -> None:
    async with (
        running_gateway(tmp_path, ui_root=page, failing=lambda: ["channels"]) as gateway,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(gateway.http + "/readyz") as answer:
            assert (answer.status, await answer.json()) == (503, {"ready": False})
        async with session.get(gateway.http + "/readyz", headers=BEARER) as answer:
            assert (await answer.json())["failing"] == ["channels"]


@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "127.0.0.1"}])
@pytest.mark.asyncio
async def test_adv_A10_without_the_secret_only_the_public_list_answers(
    tmp_path: Path, page: Path, headers: dict[str, str]
) -> None:
    public = {"/health", "/healthz", "/ready", "/readyz", "/startup", "/startupz"}
    async with served(tmp_path, page) as (gateway, deeds, session):
        for route in gateway.app.router.routes:
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
                async with session.request(method, gateway.http + route.path, headers={**headers, **JSON}) as answer:
                    if route.path in public and method in ("GET", "HEAD"):
                        assert answer.status == 200
                    else:
                        assert answer.status in (401, 405), (method, route.path, answer.status)
        assert deeds.done == []
        for path in ("/v1/models", "/v1/chat/completions", "/tools/invoke", "/hooks/wake", "/avatar/main"):
            async with session.get(gateway.http + path) as answer:
                assert answer.status == 404
        for path in ("/__openclaw__/canvas/", "/__openclaw__/a2ui/", "/api/x", "/ui", "/ui/x"):
            async with session.get(gateway.http + path) as answer:
                assert answer.status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({**BEARER, **JSON}, 200),
        ({**BEARER, "Content-Type": "application/json; charset=utf-8"}, 200),
        (JSON, 401),
        ({**JSON, "Authorization": f"Basic {TOKEN}"}, 401),
        ({**JSON, "Authorization": "Bearer "}, 401),
        ({**JSON, "Cookie": f"token={TOKEN}"}, 401),
        ({**BEARER, "Content-Type": "text/plain"}, 415),
        ({**BEARER, "Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({**BEARER, **JSON, "Origin": "https://evil.example"}, 403),
        ({**BEARER, **JSON, "Origin": "null"}, 403),
        ({**BEARER, **JSON, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**BEARER, **JSON, "Sec-Fetch-Site": "same-origin"}, 200),
        ({**BEARER, **JSON, "Content-Encoding": "gzip"}, 415),
    ],
)
@pytest.mark.asyncio
async def test_adv_A9_a_page_from_elsewhere_changes_nothing(
    tmp_path: Path, page: Path, headers: dict[str, str], status: int
) -> None:
    async with served(tmp_path, page) as (gateway, deeds, session):
        async with session.post(f"{gateway.http}/deeds", data=b"{}", headers=headers) as answer:
            assert answer.status == status
            assert not any(name.lower().startswith("access-control") for name in answer.headers)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert len(deeds.done) == (1 if status == 200 else 0)


@pytest.mark.asyncio
async def test_an_own_page_may(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page) as (gateway, _, session):
        own = {**BEARER, **JSON, "Origin": gateway.http}
        async with session.post(f"{gateway.http}/deeds", data=b"{}", headers=own) as answer:
            assert answer.status == 200
        host = f"rebound.example:{gateway.port}"
        rebound = {**BEARER, **JSON, "Origin": f"http://{host}", "Host": host}
        async with session.post(f"{gateway.http}/deeds", data=b"{}", headers=rebound) as answer:
            assert answer.status == 403


@pytest.mark.asyncio
async def test_wrong_bearers_are_throttled(tmp_path: Path, page: Path) -> None:
    away = {"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer wrong", **JSON}
    async with served(tmp_path, page) as (gateway, _, session):
        seen = []
        for _ in range(12):
            async with session.post(f"{gateway.http}/deeds", data=b"{}", headers=away) as answer:
                seen.append((answer.status, answer.headers.get("Retry-After")))
        assert [status for status, _ in seen] == [401] * 10 + [429] * 2
        assert 1 <= int(seen[-1][1] or 0) <= 300
        async with session.post(f"{gateway.http}/deeds", data=b"{}", headers={**away, **BEARER}) as answer:
            assert answer.status == 429
        async with session.get(f"{gateway.http}/readyz", headers={**away, **BEARER}) as answer:
            assert answer.status == 429


@pytest.mark.asyncio
async def test_too_much_body_is_413_and_the_connection_ends(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page) as (gateway, deeds, session):
        for body in (b"x" * (LIMIT + 1), b"x" * 200_000):
            async with session.post(f"{gateway.http}/deeds", data=body, headers={**BEARER, **JSON}) as answer:
                assert answer.status == 413
                assert answer.headers["Connection"] == "close"

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield b"x" * 100

        async with session.post(f"{gateway.http}/deeds", data=endless(), headers={**BEARER, **JSON}) as answer:
            assert answer.status == 413
        assert deeds.done == []
        async with session.post(f"{gateway.http}/deeds", data=b"x" * LIMIT, headers={**BEARER, **JSON}) as answer:
            assert answer.status == 200


@pytest.mark.asyncio
async def test_the_secret_is_checked_before_the_body_is_read(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page) as (gateway, _, _session):
        head = (
            "POST /deeds HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
        )
        assert (await raw(gateway, head)).startswith(b"HTTP/1.1 401 ")


@pytest.mark.asyncio
async def test_a_late_body_is_408(tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.gateway.transport.requests.BODY_SECONDS", 0.05)
    async with served(tmp_path, page) as (gateway, _, _session):
        head = (
            f"POST /deeds HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
        )
        assert (await raw(gateway, head)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.asyncio
async def test_streams_and_crashes(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page) as (gateway, _, session):
        async with session.get(f"{gateway.http}/stream", headers=BEARER) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            assert await answer.text() == "data: 1\n\ndata: 2\n\n"
        async with session.get(f"{gateway.http}/crash", headers=BEARER) as answer:
            assert (answer.status, await answer.text()) == (500, "Internal Server Error")


PROTECTED = [
    "/deeds",
    "/deeds/",
    "/%64eeds",
    "/deeds%2f",
    "/deeds%2Fx",
    "//deeds",
    "/./deeds",
    "/x/../deeds",
    "/x/%2e%2e/deeds",
    "/x/%252e%252e/deeds",
    "/deeds;x",
    "/deeds%00",
    "/deeds%5c",
    "/deeds\\x",
    "/deeds?x=/../",
    "/DEEDS",
    "/deeds#x",
]


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.asyncio
async def test_adv_E12_no_spelling_of_a_path_slips_past_its_guard(tmp_path: Path, page: Path, path: str) -> None:
    async with served(tmp_path, page) as (gateway, deeds, _session):
        for method in ("GET", "POST"):
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            status = (await raw(gateway, head + "Content-Length: 2\r\n\r\n{}")).split(b" ")[1]
            assert status in (b"400", b"401", b"404", b"405") or (status == b"200" and path in ("/deeds;x", "/DEEDS"))
        assert deeds.done == []


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="/.%25efc\\;ab?#\x00é", max_size=24))
def test_a_target_that_is_read_reads_the_same_again(text: str) -> None:
    found = read_target("/" + text)
    if found is None:
        return
    assert "%2" not in found.path.lower() or "%" not in found.path
    assert not {".", ".."} & set(found.path.split("/"))
    assert "//" not in found.path
    again = (
        read_target(found.path) if found.path.isascii() and "?" not in found.path and "#" not in found.path else found
    )
    assert again is not None
    assert again.path == found.path


@pytest.mark.parametrize(
    "text",
    [
        "GET http://127.0.0.1/health HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
@pytest.mark.asyncio
async def test_malformed_requests_are_400_in_one_line(tmp_path: Path, page: Path, text: str) -> None:
    async with served(tmp_path, page) as (gateway, _, _session):
        answer = await raw(gateway, text)
        assert answer.split(b" ")[1] == b"400", answer
        assert b"X-Content-Type-Options: nosniff" in answer
        assert b"Traceback" not in answer
        assert b"aiohttp" not in answer.lower()
        assert b"python" not in answer.lower()


# The Control UI


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/", "text/html", "the page"),
        ("/index.html", "text/html", "the page"),
        ("/chat", "text/html", "the page"),
        ("/chat/deep", "text/html", "the page"),
        ("/app.js", "text/javascript", "export"),
        ("/assets/x.css", "text/css", "a{}"),
        ("/chat/assets/x.css", "text/css", "a{}"),
        ("/notes.md", "text/html", "the page"),
    ],
)
@pytest.mark.asyncio
async def test_the_page_and_its_files(tmp_path: Path, page: Path, path: str, kind: str, body: str) -> None:
    async with served(tmp_path, page) as (gateway, _, session), session.get(gateway.http + path) as answer:
        assert answer.status == 200
        assert answer.content_type == kind
        assert body in await answer.text()
        assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.asyncio
async def test_adv_N1_N9_the_page_runs_no_inline_script_and_is_framed_by_nobody(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page) as (gateway, _, session):
        for path in ("/", "/chat", "/app.js"):
            async with session.get(gateway.http + path) as answer:
                policy = answer.headers["Content-Security-Policy"]
                rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
                assert rules["default-src"] == rules["frame-ancestors"] == rules["object-src"] == "'none'"
                assert rules["script-src"] == rules["style-src"] == "'self'"
                own = f"127.0.0.1:{gateway.port}"
                assert rules["connect-src"] == f"'self' ws://{own} wss://{own}"
                assert rules["img-src"] == "'self' data: blob:"
                assert answer.headers["X-Frame-Options"] == "DENY"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert "Permissions-Policy" in answer.headers
        for host in ("a;script-src *", "x' 'unsafe-inline", "evil;b", "", "a\tb"):
            answer_bytes = await raw(gateway, f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
            assert b"connect-src 'self'\r\n" in answer_bytes
            assert b"script-src *" not in answer_bytes


@pytest.mark.asyncio
async def test_adv_N5_a_stranger_learns_no_version_id_or_path(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page) as (gateway, _, session):
        for path in ("/", "/health", "/ready", "/startup", "/nothing.js", "/deeds"):
            async with session.get(gateway.http + path) as answer:
                seen = f"{answer.headers} {await answer.text()}".lower()
                for private in ("2026.11", "aiohttp", "python", str(tmp_path).lower(), "main"):
                    assert private not in seen


@pytest.mark.parametrize(
    "path", ["/link.txt", "/missing.js", "/assets/missing.css", "/ui", "/ui/", "/%2e%2e/secret.txt"]
)
@pytest.mark.asyncio
async def test_nothing_outside_the_page_is_served(tmp_path: Path, page: Path, path: str) -> None:
    async with served(tmp_path, page) as (gateway, _, _session):
        answer = await raw(gateway, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert answer.split(b" ")[1] in (b"400", b"404")
        assert b"canary" not in answer


def with_ui(**switches: Any) -> GatewayPolicy:
    return GatewayPolicy(run_mode="local", has_token=True, control_ui=ControlUiPolicy(**switches))


@pytest.mark.asyncio
async def test_a_base_path_holds_everything(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page, with_ui(base_path="/claw")) as (gateway, _, session):
        async with session.get(f"{gateway.http}/claw?x=1", allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/claw/?x=1")
        for path, status in (("/claw/", 200), ("/claw/app.js", 200), ("/claw/ui", 200), ("/", 404), ("/clawed", 404)):
            async with session.get(gateway.http + path) as answer:
                assert answer.status == status
        async with session.get(gateway.http + "/healthz") as answer:
            assert answer.status == 200


@pytest.mark.asyncio
async def test_the_page_can_be_off_or_missing_and_is_only_read(tmp_path: Path, page: Path) -> None:
    off, nowhere = with_ui(enabled=False), tmp_path / "nowhere"
    async with served(tmp_path, page, off) as (gateway, _, session), session.get(gateway.http + "/") as answer:
        assert (answer.status, await answer.text()) == (404, "Not Found")
    async with served(tmp_path, nowhere) as (gateway, _, session), session.get(gateway.http + "/") as answer:
        assert answer.status == 503
    async with served(tmp_path, page) as (gateway, _, session), session.post(gateway.http + "/chat") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.asyncio
async def test_adv_A26_a_token_in_the_query_opens_nothing(tmp_path: Path, page: Path) -> None:
    async with served(tmp_path, page) as (gateway, _, session):
        async with session.post(f"{gateway.http}/deeds?token={TOKEN}", data=b"{}", headers=JSON) as answer:
            assert answer.status == 401
        policy = GatewayPolicy(run_mode="local", has_token=True, address=AddressPolicy(trusted_proxies=("127.0.0.1",)))
        gateway.door.current = policy
        async with session.get(f"{gateway.http}/readyz?token={TOKEN}") as answer:
            assert await answer.json() == {"ready": True}
