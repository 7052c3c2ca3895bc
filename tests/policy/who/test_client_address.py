"""Where a client is: gateway.md 2.2, advisories A12, A14, A15, A17."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.who.client_address import (
    AddressPolicy,
    ClientAddress,
    HttpFacts,
    Via,
    admit_request,
    in_networks,
    is_loopback,
    parse_address,
    resolve_client,
    split_host,
)

TRUSTED = AddressPolicy(trusted_proxies=("127.0.0.1", "10.0.0.0/8"))
PLAIN = AddressPolicy()


def client(
    peer: str, policy: AddressPolicy = PLAIN, *, host: str = "localhost:18789", serve: bool = False, **headers: str
) -> ClientAddress:
    pairs = [("Host", host), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return resolve_client(HttpFacts.read(peer, pairs), policy, serve_verified=serve)


@pytest.mark.parametrize(
    "text", ["0.0.0.0", "::", "", "localhost", "::ffff:10.0.0.1", "128.0.0.1", "127.0.0.1:80", "x"]
)
def test_adv_A12_wildcards_and_names_are_no_loopback_address(text: str) -> None:
    assert not is_loopback(text)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", " ::1 ", "0:0:0:0:0:0:0:1"])
def test_loopback_addresses_in_every_spelling(text: str) -> None:
    assert is_loopback(text)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("localhost", ("localhost", None)),
        ("LocalHost:80", ("localhost", 80)),
        ("[::1]:18789", ("::1", 18789)),
        ("[::1]", ("::1", None)),
        ("[::ffff:127.0.0.1]:1", ("::ffff:127.0.0.1", 1)),
        ("::1", None),
        ("[127.0.0.1]", None),
        ("[::1%lo]:1", None),
        ("[::1]x", None),
        ("[::1]x80", None),
        ("[::1", None),
        ("a.example:", None),
        ("a.example:0", None),
        ("a.example:65536", None),
        ("a.example:٣", None),
        ("a.example:00080", ("a.example", 80)),
        ("a.example:000080", None),
        ("a.example:00080000", None),
        ("user@localhost", None),
        ("localhost/..", None),
        ("localhost, evil.example", None),
        ("", None),
        (None, None),
        ("héllo", None),
    ],
)
def test_host_headers_are_read_strictly(header: str | None, expected: tuple[str, int | None] | None) -> None:
    assert split_host(header) == expected


@pytest.mark.parametrize(
    ("address", "entries", "expected"),
    [
        ("10.1.2.3", ("10.0.0.0/8",), True),
        ("::ffff:10.1.2.3", ("10.0.0.0/8",), True),
        ("10.1.2.3", ("::ffff:10.0.0.0/104",), True),
        ("10.1.2.3", ("10.1.2.3",), True),
        ("10.1.2.3", ("10.1.2.4", "proxy.example", "", "10.0.0.0/99", "*"), False),
        ("10.1.2.3", ("::FFFF:0:0/96",), True),
        ("fd00::5", ("fd00::/8",), True),
        ("fd00::5", ("FD00::/96",), True),
        ("FD00::5", ("fd00::5",), True),
        ("fd00::1:0:5", ("fd00::/96",), False),
        ("10.1.2.3", ("10.1.2.9/24",), True),
        ("fe80::5%eth0", ("fe80::/10",), True),
        ("11.0.0.1", ("10.0.0.0/8",), False),
        ("junk", ("0.0.0.0/0",), False),
        ("::1", ("0.0.0.0/0",), False),
    ],
)
def test_trusted_proxies_are_addresses_and_ranges(address: str, entries: tuple[str, ...], *, expected: bool) -> None:
    assert in_networks(address, entries) == expected


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:18789", "127.0.0.1:18789", "[::1]:18789"])
def test_a_direct_loopback_client_is_local(peer: str, host: str) -> None:
    found = client(peer, host=host)
    assert found.is_local
    assert found.stored_ip is None


@pytest.mark.parametrize(
    "host", ["evil.example", "machine.tail1234.ts.net", "localhost.evil.example", "127.0.0.2", "0.0.0.0", "localhost."]
)
def test_a_foreign_host_name_is_not_local(host: str) -> None:
    assert client("127.0.0.1", host=host).locality.decided_by.rule == "local.host"


def test_a_request_without_unlisted_proxy_is_heard() -> None:
    for found in (client("9.9.9.9"), client("127.0.0.1", TRUSTED, X_Forwarded_For="9.9.9.9")):
        assert admit_request(found, has_shared_secret=False).outcome is Outcome.ALLOW


def test_two_host_headers_are_none() -> None:
    facts = HttpFacts.read("127.0.0.1", [("Host", "localhost"), ("host", "localhost")])
    assert not resolve_client(facts, PLAIN).is_local


def test_a_serve_host_counts_only_when_serve_is_proved() -> None:
    assert not resolve_client(HttpFacts("127.0.0.1", "m.tail.ts.net"), PLAIN).is_local
    assert not client("127.0.0.1", host="m.tail.ts.net").is_local
    assert client("127.0.0.1", host="m.tail.ts.net", serve=True).is_local


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host", "x-forwarded-proto", "Forwarded", "X-Forwarded-Anything"],
)
def test_adv_A15_any_proxy_header_from_an_unlisted_peer_takes_locality_away(name: str) -> None:
    facts = HttpFacts.read("127.0.0.1", [("Host", "localhost"), (name, "127.0.0.1")])
    found = resolve_client(facts, PLAIN)
    assert not found.is_local
    assert found.via is Via.UNTRUSTED_PROXY
    assert found.stored_ip is None
    assert admit_request(found, has_shared_secret=True).outcome is Outcome.ALLOW
    assert admit_request(found, has_shared_secret=False).outcome is Outcome.DENY


@pytest.mark.parametrize(
    ("peer", "forwarded", "client_ip", "local"),
    [
        ("127.0.0.1", "9.9.9.9", "9.9.9.9", False),
        ("127.0.0.1", "127.0.0.1, 9.9.9.9", "9.9.9.9", False),
        ("127.0.0.1", "9.9.9.9, 127.0.0.1", "9.9.9.9", False),
        ("127.0.0.1", "9.9.9.9, 10.0.0.7, 127.0.0.1", "9.9.9.9", False),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", True),
        ("10.0.0.7", "::1", "::1", True),
        ("10.0.0.7", "[::1]:5000", "::1", True),
        ("10.0.0.7", "8.8.8.8:443", "8.8.8.8", False),
        ("10.0.0.7", "2001:db8::1", "2001:db8::1", False),
        ("127.0.0.1", "::ffff:9.9.9.9", "9.9.9.9", False),
        ("127.0.0.1", "junk", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1, junk", "127.0.0.1", False),
        ("127.0.0.1", "junk, 127.0.0.1", "127.0.0.1", False),
        ("127.0.0.1", "unknown", "127.0.0.1", False),
        ("127.0.0.1", "", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1,", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1:x", "127.0.0.1", False),
        ("127.0.0.1", "[::1", "127.0.0.1", False),
        ("127.0.0.1", "[9.9.9.9]", "127.0.0.1", False),
        ("127.0.0.1", "::1%lo", "127.0.0.1", False),
        ("9.9.9.9", "127.0.0.1", "9.9.9.9", False),
    ],
)
def test_adv_A14_the_rightmost_untrusted_hop_is_the_client(
    peer: str, forwarded: str, client_ip: str, *, local: bool
) -> None:
    found = client(peer, TRUSTED, X_Forwarded_For=forwarded)
    assert (found.client_ip, found.is_local) == (client_ip, local)


def test_adv_A14_several_forwarded_headers_are_one_list() -> None:
    pairs = [("Host", "localhost"), ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-For", "9.9.9.9")]
    assert resolve_client(HttpFacts.read("127.0.0.1", pairs), TRUSTED).client_ip == "9.9.9.9"


def test_a_list_of_hops_is_bounded() -> None:
    found = client("127.0.0.1", TRUSTED, X_Forwarded_For=", ".join(["127.0.0.1"] * 65))
    assert not found.known


def test_real_ip_counts_only_without_a_forwarded_list() -> None:
    assert client("127.0.0.1", TRUSTED, X_Real_IP="127.0.0.1").is_local
    assert client("127.0.0.1", TRUSTED, X_Real_IP="9.9.9.9").client_ip == "9.9.9.9"
    for unreadable in ("junk", "", "9.9.9.9, 8.8.8.8", "[::1"):
        found = client("127.0.0.1", TRUSTED, X_Real_IP=unreadable)
        assert (found.known, found.client_ip) == (False, "127.0.0.1")
    both = client("127.0.0.1", TRUSTED, X_Real_IP="127.0.0.1", X_Forwarded_For="9.9.9.9")
    assert both.client_ip == "9.9.9.9"
    off = client("127.0.0.1", AddressPolicy(("127.0.0.1",), allow_real_ip=False), X_Real_IP="127.0.0.1")
    assert not off.is_local
    twice = HttpFacts.read("127.0.0.1", [("Host", "localhost"), ("X-Real-IP", "127.0.0.1"), ("X-Real-IP", "127.0.0.1")])
    assert not resolve_client(twice, TRUSTED).known


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto"])
def test_a_trusted_proxy_that_names_no_client_makes_nobody_local(name: str) -> None:
    facts = HttpFacts.read("127.0.0.1", [("Host", "localhost"), (name, "for=127.0.0.1")])
    found = resolve_client(facts, TRUSTED)
    assert found.locality.decided_by.rule == "local.unknown-client"
    assert found.stored_ip is None


def test_the_address_of_a_device_is_that_of_its_client() -> None:
    assert client("9.9.9.9").stored_ip == "9.9.9.9"
    assert client("127.0.0.1", TRUSTED, X_Forwarded_For="9.9.9.9").stored_ip == "9.9.9.9"
    assert client("127.0.0.1", host="evil.example").stored_ip is None


def test_the_own_tailnet_address_is_local_when_host_names_it() -> None:
    policy = AddressPolicy(own_tailnet=frozenset({"100.64.0.9"}), tailnet_name="Box.tail1.ts.net.")
    assert client("100.64.0.9", policy, host="100.64.0.9:18789").is_local
    assert client("100.64.0.9", policy, host="box.tail1.ts.net").is_local
    assert client("100.64.0.9", replace(policy, tailnet_name="box"), host="BOX:18789").is_local
    assert not client("100.64.0.9", replace(policy, tailnet_name=None), host="box.tail1.ts.net").is_local
    assert not client("100.64.0.9", policy, host="localhost").is_local
    assert not client("100.64.0.9", policy, host="other.tail1.ts.net").is_local
    assert not client("100.64.0.8", policy, host="100.64.0.9").is_local
    assert not client("100.64.0.9", policy, host="100.64.0.9", X_Forwarded_For="100.64.0.9").is_local


@pytest.mark.parametrize("peer", ["", "unix", "/run/x.sock", "999.1.1.1"])
def test_a_peer_without_an_address_is_not_local(peer: str) -> None:
    found = client(peer)
    assert not found.is_local
    assert found.remote == ""


HEADER = st.sampled_from(["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host", "Host", "Origin"])
VALUE = st.sampled_from(["127.0.0.1", "::1", "localhost", "9.9.9.9", "junk", "127.0.0.1, 9.9.9.9", "", "10.0.0.1"])


@given(st.sampled_from(["127.0.0.1", "::1", "9.9.9.9", "10.0.0.1", ""]), st.lists(st.tuples(HEADER, VALUE), max_size=5))
@settings(max_examples=200)
def test_adv_A17_headers_of_an_unlisted_peer_never_add_locality(peer: str, pairs: list[tuple[str, str]]) -> None:
    without = [(name, value) for name, value in pairs if name in ("Host", "Origin")]
    claimed = resolve_client(HttpFacts.read(peer, pairs), PLAIN)
    bare = resolve_client(HttpFacts.read(peer, without), PLAIN)
    assert bare.is_local or not claimed.is_local
    assert claimed.client_ip == bare.client_ip


@given(st.text(max_size=40), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=4))
@settings(max_examples=200)
def test_no_input_raises(peer: str, pairs: list[tuple[str, str]]) -> None:
    for policy in (PLAIN, TRUSTED, AddressPolicy((peer,))):
        found = resolve_client(HttpFacts.read(peer, pairs), policy)
        assert found.locality.reasons
    split_host(peer)
    parse_address(peer)
