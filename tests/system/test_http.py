"""The outbound client against real servers on loopback: pinning, redirects, credentials, bounds."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from openclaw.policy.what.urls import UrlPolicy
from openclaw.system.errors import OpenClawError, Refused, Unavailable
from openclaw.system.http import Fetched, HttpClient, Limits, SystemResolver
from openclaw.system.http_body import read_body

OPEN = UrlPolicy.of(allow_private=True)
Handler = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


class Site:
    """A server on loopback that answers raw bytes by path and remembers what it was asked."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.routes: dict[str, bytes | Handler] = {}
        self.port = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = next(
                (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0
            )
            body = (await reader.readexactly(length)).decode()
            self.requests.append(head + body)
            answer = self.routes.get(head.split(" ")[1], b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            if isinstance(answer, bytes):
                writer.write(answer)
            else:
                await answer(head, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    made = Site()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


class Names:
    """A resolver with fixed answers; of several lists the next one is given at each look-up."""

    def __init__(self, **names: Sequence[Sequence[str]]) -> None:
        self.names = {name.replace("_", "."): list(answers) for name, answers in names.items()}
        self.asked: list[str] = []

    async def lookup(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self.names.get(host, [()])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def ok(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()


async def refused(act: Awaitable[Fetched]) -> str:
    with pytest.raises(OpenClawError) as caught:
        await act
    return str(caught.value.details.get("why", caught.value.code))


@pytest.mark.asyncio
async def test_an_answer_comes_back_whatever_its_status_is() -> None:
    async with site() as server:
        server.routes["/a?q=1"] = ok(
            b"body", "Content-Type: Text/Plain; charset=utf-8", "X-A: 1", "X-A: 2", status="418 x"
        )
        got = await HttpClient(OPEN).fetch(server.url("/a?q=1#fragment"), headers={"X-Key": "k"})
    assert (got.status, got.body, got.content_type, got.headers["x-a"], got.truncated) == (
        418,
        b"body",
        "text/plain",
        "1",
        False,
    )
    assert got.url == server.url("/a?q=1")
    assert "X-Key: k" in server.requests[0]
    assert "User-Agent: openclaw" in server.requests[0]
    assert "Cookie" not in server.requests[0]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://me.test:{port}/",
    ],
)
async def test_adv_L1_an_internal_address_sees_no_request(url: str) -> None:
    async with site() as server:
        client = HttpClient(resolver=Names(me_test=[["127.0.0.1"]]))
        with pytest.raises(Refused, match="Blocked"):
            await client.fetch(url.format(port=server.port))
        assert (await client.judge(url.format(port=server.port))).outcome == "deny"
    assert server.requests == []


@pytest.mark.asyncio
async def test_adv_L3_a_name_is_looked_up_once_per_hop_and_only_the_judged_address_is_connected_to() -> None:
    names = Names(flip_test=[["127.0.0.1"], ["169.254.169.254"]])
    async with site() as server:
        server.routes["/"] = ok(b"first")
        client = HttpClient(OPEN, resolver=names)
        got = await client.fetch(server.url("/", "flip.test"))
        assert got.body == b"first"
        assert f"Host: flip.test:{server.port}" in server.requests[0]
        assert await refused(client.fetch(server.url("/", "flip.test"))) == "metadata"
    assert names.asked == ["flip.test", "flip.test"]
    assert len(server.requests) == 1


@pytest.mark.asyncio
async def test_adv_L4_each_hop_of_a_redirect_is_judged() -> None:
    names = Names(in_test=[["127.0.0.1"]], out_test=[["10.0.0.1"]])
    exact = UrlPolicy.of(allow_private=True, hostname_allowlist=["in.test", "127.0.0.1"])
    async with site() as server:
        client = HttpClient(exact, resolver=names)
        for path, location in (("/1", "/2"), ("/2", "/3"), ("/3", "/4"), ("/4", "/5")):
            server.routes[path] = redirect(location)
        server.routes["/5"] = ok(b"end")
        server.routes["/loop"] = redirect("/loop")
        for number, location in enumerate(("http://out.test/", "http://169.254.169.254/", "file:///etc/passwd", "")):
            server.routes[f"/bad{number}"] = redirect(location)
        assert (await client.fetch(server.url("/2", "in.test"))).body == b"end"
        assert await refused(client.fetch(server.url("/1", "in.test"))) == "redirect-limit"
        assert await refused(client.fetch(server.url("/loop", "in.test"))) == "redirect-loop"
        expected = ["hostname", "hostname", "scheme", "redirect-location"]
        assert [await refused(client.fetch(server.url(f"/bad{number}", "in.test"))) for number in range(4)] == expected


@pytest.mark.asyncio
async def test_adv_L5_no_header_or_body_of_the_caller_reaches_another_origin() -> None:
    names = Names(one_test=[["127.0.0.1"]], two_test=[["127.0.0.1"]])
    headers = {
        "Authorization": "Bearer canary",
        "X-Api-Key": "canary",
        "Cookie": "canary",
        "Accept": "text/html",
        "Host": "x",
    }
    async with site() as server:
        server.routes["/go"] = redirect(server.url("/there", "two.test"), 307)
        server.routes["/same"] = redirect("/here", 307)
        server.routes["/there"] = server.routes["/here"] = ok(b"")
        client = HttpClient(OPEN, resolver=names)
        await client.fetch(server.url("/go", "one.test"), method="POST", headers=headers, body=b"canary-body")
        await client.fetch(server.url("/same", "one.test"), method="POST", headers=headers, body=b"canary-body")
    first, other, _, same = server.requests
    assert first.count("canary") == same.count("canary") == 4
    assert "Host: one.test" in first
    assert "canary" not in other
    assert other.startswith("GET /there")
    assert "Accept: text/html" in other
    assert same.startswith("POST /here")


@pytest.mark.asyncio
async def test_adv_L10_a_body_is_cut_or_refused_at_the_limit_on_every_status() -> None:
    async def endless(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Error\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with site() as server:
        server.routes["/"] = endless
        client = HttpClient(OPEN)
        got = await client.fetch(server.url("/"), limits=Limits(max_bytes=100_000))
        assert (got.status, len(got.body), got.truncated) == (500, 100_000, True)
        limits = Limits(max_bytes=1000, on_excess="refuse")
        assert await refused(client.fetch(server.url("/"), limits=limits)) == "size"


@pytest.mark.asyncio
async def test_adv_K13_a_compressed_bomb_is_cut_by_its_unpacked_size() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    async with site() as server:
        server.routes["/bomb"] = ok(bomb, "content-encoding: gzip")
        server.routes["/odd"] = ok(b"x", "content-encoding: br")
        server.routes["/bad"] = ok(b"\x1f\x8b broken", "content-encoding: gzip")
        client = HttpClient(OPEN)
        got = await client.fetch(server.url("/bomb"), limits=Limits(max_bytes=10_000))
        assert (len(got.body), got.truncated) == (10_000, True)
        for path in ("/odd", "/bad"):
            with pytest.raises(Unavailable, match="compression"):
                await client.fetch(server.url(path))


@pytest.mark.asyncio
@pytest.mark.parametrize("stage", ["nothing", "header", "body"])
async def test_adv_L10_a_slow_answer_ends_at_the_deadline(stage: str) -> None:
    async def slow(head: str, writer: asyncio.StreamWriter) -> None:
        if stage == "body":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            if stage != "nothing":
                writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with site() as server:
        server.routes["/"] = slow
        with pytest.raises(Unavailable, match=r"did not answer within|Cannot fetch"):
            await HttpClient(OPEN).fetch(server.url("/"), limits=Limits(total_seconds=0.3, idle_seconds=0.2))


@pytest.mark.asyncio
async def test_adv_L10_too_many_or_too_long_headers_are_refused() -> None:
    async with site() as server:
        server.routes["/many"] = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(500)) + b"\r\n"
        server.routes["/long"] = b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n"
        for path in ("/many", "/long"):
            with pytest.raises(Unavailable):
                await HttpClient(OPEN).fetch(server.url(path))


@pytest.mark.asyncio
async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site() as server, site() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url(""))
        server.routes["/"] = ok(b"direct")
        assert (await HttpClient(OPEN).fetch(server.url("/"))).body == b"direct"
    assert proxy.requests == []


@pytest.mark.asyncio
async def test_adv_O1_no_error_holds_the_path_of_the_url() -> None:
    async with site() as server:
        port = server.port
    client = HttpClient(OPEN, resolver=Names())
    for url in (
        f"http://127.0.0.1:{port}/bot1:canary/x?token=canary",
        "http://nowhere.test/canary",
        "http://169.254.169.254/canary",
    ):
        with pytest.raises(OpenClawError) as caught:
            await client.fetch(url)
        assert "canary" not in str(caught.value) + str(caught.value.details)
        assert str(caught.value)


@pytest.mark.asyncio
async def test_the_machines_resolver_answers_with_plain_addresses_or_nothing() -> None:
    resolver = SystemResolver()
    assert "127.0.0.1" in await resolver.lookup("localhost", 80)
    assert await resolver.lookup("nowhere.invalid", 80) == ()
    assert await resolver.lookup("a" * 70 + ".example", 80) == ()


async def chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.asyncio
@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", b"hello" * 100),
        ("gzip", gzip.compress(b"hello" * 100, mtime=0)),
        ("GZIP", gzip.compress(b"hello" * 50, mtime=0) * 2 + b"\0\0"),
        ("deflate", zlib.compress(b"hello" * 100)),
        ("deflate", zlib.compress(b"hello" * 100)[2:-4]),
    ],
)
async def test_bodies_unpack_from_any_split(encoding: str, packed: bytes, size: int) -> None:
    assert await read_body(chunks(packed, size), encoding, 10_000) == (b"hello" * 100, False)
    assert await read_body(chunks(packed, size), encoding, 500) == (b"hello" * 100, False)
    assert await read_body(chunks(packed, size), encoding, 499) == ((b"hello" * 100)[:499], True)


def test_importing_the_client_does_not_import_aiohttp() -> None:
    code = "import sys, openclaw.system.http; sys.exit('aiohttp' in sys.modules or 'yarl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
