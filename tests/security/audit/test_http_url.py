"""URLs are read as browsers read them."""

from __future__ import annotations

import pytest

from openclaw.security.audit.http_url import HttpUrl, read_http_url


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port"),
    [
        ("http://127.0.0.1:9222", "http", "127.0.0.1", 9222),
        ("https://Example.COM", "https", "example.com", 443),
        ("http://example.com/a:b@c", "http", "example.com", 80),
        ("http://u:p@example.com:81/", "http", "example.com", 81),
        ("http://127.1", "http", "127.0.0.1", 80),
        ("http://0x7f.1/", "http", "127.0.0.1", 80),
        ("http://2130706433", "http", "127.0.0.1", 80),
        ("http://0177.0.0.1", "http", "127.0.0.1", 80),
        ("http:\\\\localhost\\x", "http", "localhost", 80),
        ("http:/localhost", "http", "localhost", 80),
        ("  http://lo\ncalhost ", "http", "localhost", 80),
        ("http://[::1]:9/x", "http", "::1", 9),
        ("http://[0:0:0:0:0:0:0:1]", "http", "::1", 80),
        ("http://host?x", "http", "host", 80),
        ("http://host#x", "http", "host", 80),
    ],
)
def test_a_url_says_where_it_leads(text: str, scheme: str, host: str, port: int) -> None:
    assert read_http_url(text) == HttpUrl(scheme, host, port)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "cannot be read"),
        ("127.0.0.1:9222", "cannot be read"),
        ("localhost:9222", "must be http or https, not localhost"),
        ("ftp://x", "must be http or https, not ftp"),
        ("ws://x", "must be http or https"),
        ("http://", "names no host"),
        ("http://x:70000", "has a bad port"),
        ("http://x:y", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("http://1.2.3.4.5", "names no host"),
        ("http://999.1.1.1", "names no host"),
    ],
)
def test_a_url_that_leads_nowhere_says_why(text: str, fault: str) -> None:
    found = read_http_url(text)
    assert isinstance(found, str)
    assert fault in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost", True),
        ("http://127.0.0.1", True),
        ("http://0.0.0.0", True),
        ("http://[::]", True),
        ("http://127.0.0.2", False),
        ("http://localhost.example", False),
    ],
)
def test_loopback_is_what_the_seed_took_for_it(text: str, expected: bool) -> None:
    found = read_http_url(text)
    assert isinstance(found, HttpUrl)
    assert found.is_loopback is expected
