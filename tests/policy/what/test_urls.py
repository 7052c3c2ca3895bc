"""The URL guard: shared cases, every spelling of a private address, exceptions, redirects."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.addresses import AddressClass, classify, parse_address
from openclaw.policy.what.hostnames import plain_host
from openclaw.policy.what.urls import Journey, Target, UrlPolicy, UrlVerdict, follow, judge_addresses, judge_url
from openclaw.security.policy_cases.ssrf import run_case
from support.shared import shared_cases, shared_json

NONE = UrlPolicy()


def cases() -> list[dict[str, Any]]:
    return shared_cases("ssrf", "cases.json")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_the_shared_url_cases(case: dict[str, Any]) -> None:
    result = run_case(case, shared_json("ssrf", "cases.json"))
    assert result.ok, result
    assert result.trail[-1].rule == case["why"]


def why(url: str, policy: UrlPolicy = NONE) -> str:
    return judge_url(url, policy).why


def resolved(url: str, *answers: str, policy: UrlPolicy = NONE) -> str:
    target = judge_url(url, policy).target
    assert target is not None
    return judge_addresses(target, answers, policy).why


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://example.com", "http://example.com/"),
        (" HTTPS://Example.COM:443/A?b#c ", "https://example.com/A?b"),
        ("http://example.com:080/", "http://example.com/"),
        ("http://example.com:/x", "http://example.com/x"),
        ("http://example.com...", "http://example.com/"),
        ("http://example.com?x=/@:", "http://example.com/?x=/@:"),
        ("http://example.com/a@b", "http://example.com/a@b"),
        ("http://ex%61mple.com/", "http://example.com/"),
        ("http://ｅｘａｍｐｌｅ．com/", "http://example.com/"),
        ("http://example。com/", "http://example.com/"),
        ("http://exam\u00adple.com/", "http://example.com/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
        ("http://faß.de/", "http://xn--fa-hia.de/"),
        ("http://a_b.example/", "http://a_b.example/"),
        ("http://[2606:2800:0220:1::1]:8080/", "http://[2606:2800:220:1::1]:8080/"),
        ("http://93.184.216.34/", "http://93.184.216.34/"),
    ],
)
def test_a_url_is_brought_into_one_plain_form(url: str, plain: str) -> None:
    verdict = judge_url(url, NONE)
    assert verdict.target is not None
    assert verdict.target.url == plain
    assert judge_url(plain, NONE).target == verdict.target


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "malformed"), ("example.com", "malformed"), ("//example.com", "malformed"),
        ("http:/example.com", "malformed"), ("http:example.com", "malformed"), ("http://", "malformed"),
        ("http:///x", "malformed"), ("http://a b/", "malformed"), ("http://a\tb/", "malformed"),
        ("http://a\\@b/", "malformed"), ("http://a/\n", "public"), ("http://a/\nb", "malformed"),
        ("http://a/\x00", "malformed"), ("http://a/" + "x" * 2050, "malformed"), ("http://a:b/", "malformed"),
        ("http://a:1:2/", "malformed"), ("http://[::1/", "malformed"), ("http://::1/", "malformed"),
        ("http://[1.2.3.4]/", "malformed"), ("http://[fe80::1%25eth0]/", "malformed"),
        ("http://[::1]x/", "malformed"), ("http://a%00b/", "malformed"), ("http://a%ff/", "malformed"),
        ("http://a%2fb/", "malformed"), ("http://a%40b/", "malformed"), ("http://%5B::1%5D/", "malformed"),
        ("http://a..b/", "malformed"), ("http://./", "malformed"), ("http://xn--a/", "malformed"),
        ("http://xn--localhost-/", "malformed"), ("http://\ud800/", "malformed"),
        ("http://" + "a" * 64 + "/", "malformed"), ("http://" + "ä" * 2000 + "/", "malformed"),
        ("http://a\u200db.example/", "malformed"), ("ftp://a/", "scheme"), ("file:///x", "scheme"),
        ("javascript://a/", "scheme"), ("ws://a/", "scheme"), ("data:text/html,x", "malformed"),
        ("http://u@a/", "userinfo"), ("http://@a/", "userinfo"), ("http://u:p@a/", "userinfo"),
        ("http://a.example@127.0.0.1/", "userinfo"), ("http://a:0/", "port"), ("http://a:22/", "port"),
        ("http://a:65536/", "port"), ("http://a:6667/", "port"), ("http://a:65535/", "public"),
        ("http://a:99999999999999999/", "malformed"),
    ],
)  # fmt: skip
def test_what_is_no_usable_web_address_is_refused_by_name(url: str, expected: str) -> None:
    assert why(url) == expected


BLOCKED = """
localhost LOCALHOST localhost. localhost... LocalHost.LocalDomain a.localhost x.local db.internal
metadata.google.internal METADATA.google.INTERNAL. l%6fcalhost ｌｏｃａｌｈｏｓｔ loc\u00adalhost ⓛocalhost localhost。
ſome.local a.LOCAL
"""


@pytest.mark.parametrize("host", BLOCKED.split())
def test_adv_L9_spellings_of_a_blocked_name_are_one_name(host: str) -> None:
    assert why(f"http://{host}/") == "hostname"
    assert judge_url(f"http://{host}/", NONE).reasons[-1].detail.startswith("Blocked hostname: ")


NOTATIONS = """
2130706433 0x7f000001 0x7f.0.0.1 017700000001 0177.0.0.1 127.1 127.0.1 127.0.0.01 0 00.0.0.0 127.0.0.1.1
256.1.1.1 1.2.3 0x 93.184.216.0x22 8.8.8.8. 1572395042 １２７．1 127.0.0.0x1.
"""


@pytest.mark.parametrize("host", NOTATIONS.split())
def test_other_notations_of_an_address_are_refused_also_public_ones(host: str) -> None:
    assert why(f"http://{host}/") == ("public" if host == "8.8.8.8." else "legacy-ip")


PRIVATE = """
127.0.0.1 127.0.0.1. ①②⑦.0.0.1 １２７.０.０.１ 127。0。0。1 %31%32%37.0.0.1 [::1] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1]
[::FFFF:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [2002:7f00:1::] [::] 0.0.0.0 [2606:4700::5efe:10.0.0.1]
[2606:4700::200:5efe:192.168.0.1] [fd00::1] [fe80::1] [ff02::1] [2001:db8::1]
"""


@pytest.mark.parametrize("host", PRIVATE.split())
def test_adv_L2_private_addresses_are_known_in_every_spelling(host: str) -> None:
    assert why(f"http://{host}/") == "private-ip"
    assert judge_url(f"http://{host}/", NONE).reasons[-1].detail == "Blocked: private/internal IP address"


SPECIAL = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
255.255.255.255/32 ::/128 ::1/128 64:ff9b:1::/48 100::/64 2001::/32 2001:2::/48 2001:10::/28 2001:db8::/32
3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8 4000::/3 1000::/4
"""
PUBLIC = """
1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255
198.20.0.0 223.255.255.255 2600::1 2001:200::1 2001:4860:4860::8888 2a00::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1
2002:101:101::1 2606:4700::5efe:1.1.1.1
"""


@pytest.mark.parametrize("block", SPECIAL.split())
def test_adv_L2_first_and_last_address_of_every_special_block_are_refused(block: str) -> None:
    net = ipaddress.ip_network(block)
    for number in (int(net.network_address), int(net.broadcast_address)):
        assert classify(type(net.network_address)(number)) is not AddressClass.PUBLIC


@pytest.mark.parametrize("text", PUBLIC.split())
def test_addresses_just_outside_are_public(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert classify(address) is AddressClass.PUBLIC


@given(st.ip_addresses())
def test_adv_L2_whatever_the_standard_registry_calls_not_global_is_refused(address: Any) -> None:
    if not address.is_global or address.is_multicast or address.is_private:
        embedded = getattr(address, "ipv4_mapped", None)
        assert classify(address) is not AddressClass.PUBLIC or (embedded is not None and embedded.is_global)


EMBEDDINGS = (
    "{v4}",
    "[::ffff:{v4}]",
    "[::{v4}]",
    "[64:ff9b::{v4}]",
    "[2002:{hex}::1]",
    "[2a00::5efe:{v4}]",
    "[::ffff:{hex}]",
)


@given(st.sampled_from(SPECIAL.split()[:16]), st.integers(min_value=0), st.sampled_from(EMBEDDINGS))
def test_adv_L2_no_form_of_a_private_address_is_ever_allowed(block: str, pick: int, form: str) -> None:
    net = ipaddress.IPv4Network(block)
    number = int(net.network_address) + pick % net.num_addresses
    v4 = str(ipaddress.IPv4Address(number))
    host = form.format(v4=v4, hex=f"{number >> 16:x}:{number & 0xFFFF:x}")
    assert judge_url(f"http://{host}/", NONE).outcome is Outcome.DENY
    assert resolved("http://name.example/", host.strip("[]")) == "resolved-private-ip"


@given(st.text() | st.text(alphabet="htp:/@[]%.0123456789axfF\\#? localhost。１"))
def test_judging_never_raises_and_an_allowed_host_is_plain(text: str) -> None:
    verdict = judge_url(text, NONE)
    assert verdict.reasons
    if verdict.target is not None:
        host = verdict.target.host
        assert host.isascii()
        assert host == host.lower()
        assert host.rstrip(".") == host
        assert plain_host(f"[{host}]" if ":" in host else host) == host
        assert judge_url(verdict.target.url, NONE).target == verdict.target


# -- look-ups and exceptions -----------------------------------------------------------------------


def test_adv_L3_every_answer_must_pass_and_only_they_are_connected_to() -> None:
    target = judge_url("http://a.example/", NONE).target
    assert target is not None
    verdict = judge_addresses(target, ("1.1.1.1", "2600::1", "1.1.1.1"), NONE)
    assert verdict.addresses == ("1.1.1.1", "2600::1")
    assert resolved("http://a.example/", "1.1.1.1", "10.0.0.1") == "resolved-private-ip"
    assert resolved("http://a.example/", "1.1.1.1", "nonsense") == "resolved-private-ip"
    assert resolved("http://a.example/", "fe80::1%eth0") == "resolved-private-ip"
    assert resolved("http://a.example/") == "unresolvable"


EXACT = UrlPolicy.of(
    allowed_hostnames=[
        "Svc.Example.",
        "localhost",
        "127.0.0.1",
        "169.254.169.254",
        "metadata.google.internal",
    ]
)
BROAD = UrlPolicy.of(allow_private=True)


@pytest.mark.parametrize(
    ("url", "answers", "policy", "expected"),
    [
        ("http://svc.example/", ["10.0.0.1"], EXACT, "policy"),
        ("http://svc.example/", ["1.1.1.1"], EXACT, "public"),
        ("http://svc.example/", ["127.0.0.1"], EXACT, "resolved-private-ip"),
        ("http://svc.example/", ["169.254.1.1"], EXACT, "resolved-private-ip"),
        ("http://svc.example/", ["169.254.169.254"], EXACT, "metadata"),
        ("http://sub.svc.example/", ["10.0.0.1"], EXACT, "resolved-private-ip"),
        ("http://other.example/", ["10.0.0.1"], EXACT, "resolved-private-ip"),
        ("http://localhost/", ["127.0.0.1", "::1"], EXACT, "policy"),
        ("http://a.example/", ["10.0.0.1"], BROAD, "policy"),
        ("http://a.example/", ["127.0.0.1"], BROAD, "policy"),
        ("http://a.example/", ["::ffff:10.0.0.1"], BROAD, "policy"),
        ("http://a.example/", ["169.254.169.254"], BROAD, "metadata"),
        ("http://a.example/", ["fd00:ec2::254"], BROAD, "metadata"),
        ("http://a.example/", ["100.100.100.200"], BROAD, "metadata"),
        ("http://a.example/", ["64:ff9b::a9fe:a9fe"], BROAD, "metadata"),
        ("http://a.example/", ["0.0.0.0"], BROAD, "resolved-private-ip"),
        ("http://a.example/", ["224.0.0.1"], BROAD, "resolved-private-ip"),
        ("http://metadata.example/", ["10.0.0.1"], BROAD, "resolved-private-ip"),
        ("http://metadata.example/", ["1.1.1.1"], NONE, "public"),
    ],
)
def test_exceptions_lift_what_they_name_and_never_metadata(
    url: str, answers: list[str], policy: UrlPolicy, expected: str
) -> None:
    assert resolved(url, *answers, policy=policy) == expected


@pytest.mark.parametrize(
    ("url", "policy", "expected"),
    [
        ("http://127.0.0.1/", EXACT, "policy"),
        ("http://127.0.0.2/", EXACT, "private-ip"),
        ("http://169.254.169.254/", EXACT, "metadata"),
        ("http://169.254.169.254/", BROAD, "metadata"),
        ("http://169.254.169.254/", NONE, "private-ip"),
        ("http://metadata.google.internal/", EXACT, "hostname"),
        ("http://metadata.google.internal/", BROAD, "hostname"),
        ("http://localhost/", BROAD, "hostname"),
        ("http://192.168.1.1/", BROAD, "policy"),
        ("http://0x7f000001/", BROAD, "legacy-ip"),
        ("http://[fd00::1]/", UrlPolicy.of(allowed_hostnames=["fd00::1"]), "policy"),
        ("http://[fd00::1]/", UrlPolicy.of(allowed_hostnames=["[FD00:0::1]"]), "policy"),
        ("http://[fd00::2]/", UrlPolicy.of(allowed_hostnames=["fd00::1"]), "private-ip"),
    ],
)
def test_exceptions_for_literals_and_blocked_names(url: str, policy: UrlPolicy, expected: str) -> None:
    assert why(url, policy) == expected


@pytest.mark.parametrize(
    ("patterns", "host", "allowed"),
    [
        (["example.com"], "example.com", True), (["example.com"], "a.example.com", False),
        (["*.example.com"], "a.example.com", True), (["*.example.com"], "example.com", False),
        (["*.example.com"], "evil-example.com", False), (["*.example.com"], "example.com.evil", False),
        (["EXAMPLE.com."], "example.com", True), (["bad host"], "example.com", False), ([], "example.com", True),
    ],
)  # fmt: skip
def test_adv_L5_a_host_list_matches_exactly_or_by_whole_labels(patterns: list[str], host: str, allowed: bool) -> None:
    policy = UrlPolicy.of(hostname_allowlist=patterns)
    assert why(f"http://{host}/", policy) == ("public" if allowed else "hostname")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("dev.localhost", "policy"), ("localhost", "policy"), ("localhost.example", "resolved-private-ip")],
)
def test_a_named_exception_covers_loopback_only_for_names_of_it(host: str, expected: str) -> None:
    policy = UrlPolicy.of(allowed_hostnames=[host])
    assert resolved(f"http://{host}/", "127.0.0.1", policy=policy) == expected


def test_a_refusal_names_the_key_and_no_part_of_the_url() -> None:
    verdict = judge_url("http://10.0.0.1/secret?token=canary", UrlPolicy(key="browser.ssrfPolicy"))
    assert verdict.reasons[-1].key == "browser.ssrfPolicy"
    assert "canary" not in verdict.reasons[-1].detail


# -- redirects -------------------------------------------------------------------------------------


def begin(url: str, method: str = "GET", left: int = 3) -> Journey:
    target = judge_url(url, NONE).target
    assert target is not None
    return Journey.begin(target, left, method)


def after(journey: Journey, location: str | None, status: int = 302, *, has_credentials: bool = False) -> Journey | str:
    following = follow(journey, status, location, NONE, has_credentials=has_credentials)
    return following.why if isinstance(following, UrlVerdict) else following


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://127.0.0.1/", "private-ip"), ("http://169.254.169.254/latest", "private-ip"),
        ("file:///etc/passwd", "scheme"), ("//localhost/", "hostname"), ("http://u:p@a.example/", "userinfo"),
        ("\\\\evil\\x", "redirect-location"), ("", "redirect-location"), (None, "redirect-location"),
        ("http://a.example/r", "redirect-loop"), ("/r#x", "redirect-loop"), ("gopher://x/", "scheme"),
        ("http://[::1]/", "private-ip"), ("http://a.example:22/", "port"), ("javascript:alert(1)", "malformed"),
        ("http://[x", "malformed"),
    ],
)  # fmt: skip
def test_adv_L4_every_hop_is_judged_like_a_first_url(location: str | None, expected: str) -> None:
    assert after(begin("http://a.example/r"), location) == expected


def test_adv_L4_hops_are_counted_and_relative_locations_resolved() -> None:
    journey: Journey | str = begin("https://a.example/d/r?q")
    for location, url in (
        ("x", "https://a.example/d/x"),
        ("?y", "https://a.example/d/x?y"),
        ("//b.example", "https://b.example/"),
    ):
        assert isinstance(journey, Journey)
        journey = after(journey, location)
        assert isinstance(journey, Journey)
        assert journey.target.url == url
    assert isinstance(journey, Journey)
    assert after(journey, "/z") == "redirect-limit"


@pytest.mark.parametrize(
    ("location", "carries"),
    [
        ("/x", True),
        ("https://a.example:443/x", True),
        ("https://b.example/", False),
        ("https://a.example:8443/", False),
    ],
)
def test_adv_L5_credentials_stay_with_their_origin(location: str, carries: bool) -> None:
    journey = after(begin("https://a.example/"), location, has_credentials=True)
    assert isinstance(journey, Journey)
    assert journey.carries is carries


def test_adv_L5_credentials_do_not_come_back_after_a_detour() -> None:
    journey = after(begin("https://a.example/"), "https://b.example/")
    assert isinstance(journey, Journey)
    back = after(journey, "https://a.example/x")
    assert isinstance(back, Journey)
    assert not back.carries


def test_adv_L4_https_is_not_left_with_credentials() -> None:
    assert after(begin("https://a.example/"), "http://a.example/", has_credentials=True) == "redirect-downgrade"
    assert isinstance(after(begin("https://a.example/"), "http://a.example/"), Journey)


@pytest.mark.parametrize(
    ("method", "status", "location", "expected"),
    [
        ("POST", 301, "/x", "GET"), ("POST", 303, "/x", "GET"), ("POST", 307, "/x", "POST"),
        ("POST", 308, "/x", "POST"), ("POST", 307, "https://b.example/", "GET"), ("HEAD", 302, "/x", "HEAD"),
        ("GET", 307, "/x", "GET"),
    ],
)  # fmt: skip
def test_the_method_after_a_redirect(method: str, status: int, location: str, expected: str) -> None:
    journey = after(begin("https://a.example/", method), location, status)
    assert isinstance(journey, Journey)
    assert journey.method == expected


def test_a_rebinding_name_is_judged_at_each_hop() -> None:
    case = {
        "id": "rebind",
        "url": "http://flip.example/",
        "redirects": ["/again"],
        "dns": {"flip.example": [["1.1.1.1"], ["127.0.0.1"]]},
        "expect": "refused",
    }
    assert run_case(case, {"defaults": {"maxRedirects": 3}}).ok


def test_targets_with_equal_origin_differ_by_resource_only() -> None:
    assert Target("http", "a", 80, "/x").origin == Target("http", "a", 80, "/y").origin
