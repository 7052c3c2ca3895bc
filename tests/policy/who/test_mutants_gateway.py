"""What the gateway's door says, word for word: addresses, origins, identities, the start, a connect, its throttle."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.who import client_address as net
from openclaw.policy.who import connect_refusals as refusals
from openclaw.policy.who import rate_limit as rate
from openclaw.policy.who.client_address import AddressPolicy, ClientAddress, HttpFacts, Locality, Via
from openclaw.policy.who.connect_facts import ConnectFacts, DeviceClaim, Shared
from openclaw.policy.who.connect_refusals import DeviceProof, Sent
from openclaw.policy.who.device_pairing import Need
from openclaw.policy.who.device_records import Ask, DeviceFacts, PairedDevice, TokenEntry
from openclaw.policy.who.gateway_auth import credential_class, decide_connect, requested_scopes
from openclaw.policy.who.gateway_policy import (
    AuthMode,
    Bind,
    ControlUiPolicy,
    GatewayPolicy,
    HooksDoor,
    StartFacts,
    TailscaleMode,
    start_refusals,
)
from openclaw.policy.who.origin import Origin, OriginPolicy, judge_origin
from openclaw.policy.who.proxy_identity import TrustedProxyPolicy, judge_serve, judge_trusted_proxy, serve_lookup
from openclaw.policy.who.rate_limit import Book, Client, Credential, Limits
from support.answers import asked, check_answers

YES, NO = Verdict(Outcome.ALLOW, (Reason("yes"),)), Verdict(Outcome.DENY, (Reason("tailscale_user_missing"),))
FACTS = DeviceFacts("device", "key")


def test_addresses_and_hosts() -> None:
    texts = (
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "fe80::1%eth0",
        " 10.0.0.1 ",
        "0.0.0.0",
        "::",
        "",
        "localhost",
        "1.2.3",
        "FE80::1",
        "127.1.2.3",
    )
    answers: list[tuple[object, object]] = []
    for read in (net.parse_address, net.is_loopback, net.is_loopback_name):
        answers += [((read.__name__, text), str(read(text))) for text in texts]
    hosts = (
        *(
            None,
            "",
            " Host ",
            "host:80",
            "host:",
            "host:0",
            "host:65535",
            "host:65536",
            "host:655350",
            "host:8a",
            "host:\u0661",
        ),
        *(
            "[::1]",
            "[::1]:80",
            "[::1]x",
            "[::1",
            "[1.2.3.4]",
            "[fe80::1%1]",
            "a/b",
            "a\\b",
            "a@b",
            "a?b",
            "a#b",
            "a%b",
            "a,b",
            "a b",
            "a\tb",
            "h\u00f6st",
            ":80",
            "[::1]:",
        ),
    )
    answers += asked(net.split_host, *hosts)
    entries = (
        "10.0.0.0/8",
        " 192.0.2.1 ",
        "::ffff:10.1.0.0/112",
        "::/0",
        "::ffff:0:0/95",
        "x",
        "10.0.0.0/99",
        "fe80::/10",
        "10.9.9.9/8",
    )
    addresses = ("10.1.2.3", "192.0.2.1", "::ffff:10.1.0.7", "fe80::5", "", "x", "11.0.0.1")
    answers += [((one, entry), net.in_networks(one, (entry,))) for one, entry in product(addresses, entries)]
    check_answers("addresses", answers)


def test_clients_word_for_word() -> None:
    policy = AddressPolicy(
        ("10.0.0.0/8",), own_tailnet=frozenset({"100.64.0.1", "fd7a::1"}), tailnet_name="Box.tail.ts.net."
    )
    peers = ("127.0.0.1", "10.0.0.1", "192.0.2.1", "100.64.0.1", "::ffff:127.0.0.1", "", "x")
    hosts = (None, "localhost:1", "127.0.0.1", "[::1]", "box.tail.ts.net", "100.64.0.1", "evil.example", "a b")
    forwards: tuple[tuple[tuple[str, ...], tuple[str, ...], bool], ...] = (
        ((), (), False),
        ((), (), True),
        ((), ("127.0.0.1",), True),
        ((), ("10.0.0.9", "10.0.0.8"), True),
        (("127.0.0.1",), (), True),
        (("203.0.113.7, 10.0.0.2", "10.0.0.3"), (), True),
        (("10.0.0.5, 10.0.0.6",), (), True),
        (("unknown, 10.0.0.1",), (), True),
        (("[::1]:443", "1.2.3.4:80"), (), True),
        (("1.2.3.4:x",), (), True),
        (("::1%lo",), (), True),
        ((", ".join(["1.1.1.1"] * 64),), (), True),
        ((", ".join(["1.1.1.1"] * 65),), (), True),
    )
    answers: list[tuple[object, object]] = []
    for peer, host, (many, single, proxied), served in product(peers, hosts, forwards, (False, True)):
        facts = HttpFacts(peer, host, many, single, proxied)
        found = net.resolve_client(facts, policy, serve_verified=served)
        answers.append(((peer, host, many[:1], single, proxied, served), (found, found.is_local, found.stored_ip)))
        if host is None:
            answers += [
                ((peer, many[:1], secret), net.admit_request(found, has_shared_secret=secret))
                for secret in (True, False)
            ]
            bare = net.resolve_client(facts, replace(policy, allow_real_ip=False, tailnet_name=None))
            answers.append(((peer, many[:1], single, "no real ip"), bare))
    headers = [("HOST", "a"), (" Host ", "b"), ("X-Forwarded-For", "1"), ("x-forwarded-for", "2"), ("X-Real-IP", "3")]
    answers += [("read", HttpFacts.read("peer", headers)), ("read one", HttpFacts.read("peer", headers[:1]))]
    answers += [
        (("proxied", name), HttpFacts.read("peer", [(name, "x")]).proxied)
        for name in ("Forwarded", "X-Real-Ip", "X-Forwarded-Prefix", "Via", "X-Forwarded")
    ]
    check_answers("clients", answers)


def test_origins_word_for_word() -> None:
    policy = OriginPolicy(
        ("https://Ui.example ", "app://x", "*", "plain.example"), own_names=frozenset({"box", "box.tail.ts.net."})
    )
    origins = (
        *(
            None,
            "",
            "null",
            "http://localhost:5173",
            "http://127.0.0.1",
            "https://ui.example",
            "http://ui.example:18789",
            "app://x",
        ),
        *(
            "http://box",
            "http://box.local:18789",
            "http://box.tail.ts.net",
            "http://192.168.1.5:18789",
            "http://evil.example",
            "http://evil.example/x",
        ),
        *("ftp://box", "plain.example", "*", "http://box:80", "https://box:443", "http://x.local"),
    )
    hosts = (
        None,
        "localhost:18789",
        "box",
        "box:18789",
        "box.local:18789",
        "box.tail.ts.net",
        "192.168.1.5:18789",
        "evil.example",
        "ui.example:18789",
        "x.local",
    )
    answers: list[tuple[object, object]] = []
    for origin, host, (client, mode), fallback in product(
        origins, hosts, (("cli", "cli"), ("openclaw-control-ui", "ui"), ("x", "webchat")), (False, True)
    ):
        rules = replace(policy, host_header_fallback=fallback)
        found = judge_origin(origin, host, client_id=client, client_mode=mode, policy=rules)
        answers.append(((origin, host, client, fallback), found))
    check_answers("origins", answers)


def test_identities_of_proxies_word_for_word() -> None:
    whole = {
        "tailscale-user-login": " ann@x ",
        "x-forwarded-for": "100.1.2.3, 1.1.1.1",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "h",
    }
    answers: list[tuple[object, object]] = []
    for peer in ("127.0.0.1", "10.0.0.1"):
        for gone in (None, *whole):
            headers = {name: value for name, value in whole.items() if name != gone}
            answers.append(((peer, gone), serve_lookup(peer, headers)))
        answers.append(((peer, "blank"), serve_lookup(peer, {**whole, "x-forwarded-proto": " "})))
        answers.append(((peer, "unreadable"), serve_lookup(peer, {**whole, "x-forwarded-for": "x, 100.1.2.3"})))
    answers += asked(judge_serve, *product(("ann@x", " ANN@X", "bob", " "), (None, " ", "Ann@x ")))
    rules = TrustedProxyPolicy(" X-User ", (" X-Proof ",), ("ann",))
    sent: tuple[dict[str, str], ...] = (
        {},
        {"x-proof": " "},
        {"x-proof": "1"},
        {"x-proof": "1", "x-user": " "},
        {"x-proof": "1", "x-user": " ann "},
        {"x-proof": "1", "x-user": "bob"},
    )
    for peer, headers, local, users in product(
        ("10.0.0.1", "127.0.0.1", "192.0.2.1"), sent, (False, True), (("ann",), ())
    ):
        policy = replace(rules, allow_loopback=local, allow_users=users)
        answers.append(
            ((peer, headers, local, users), judge_trusted_proxy(peer, headers, policy, ("10.0.0.0/8", "127.0.0.1")))
        )
    answers.append(
        ("no header named", judge_trusted_proxy("10.0.0.1", {"": "ann"}, TrustedProxyPolicy(), ("10.0.0.1",)))
    )
    check_answers("proxy-identities", answers)


def test_why_a_gateway_does_not_start() -> None:
    answers: list[tuple[object, object]] = []
    for bind, mode, token, tailscale in product(Bind, AuthMode, (False, True), TailscaleMode):
        policy = GatewayPolicy(run_mode="local", bind=bind, auth_mode=mode, has_token=token, tailscale=tailscale)
        answers.append(((bind, mode, token, tailscale), [reason.rule for reason in start_refusals(policy)]))
        answers.append(
            ((bind, mode, token, "elsewhere"), start_refusals(policy, StartFacts(addresses=("127.0.0.1", "192.0.2.1"))))
        )
    whole = GatewayPolicy(run_mode="local", has_token=True)
    proxies = AddressPolicy(("10.0.0.1",))
    changed = {
        "as it should be": whole,
        "no mode": replace(whole, run_mode=None),
        "remote": replace(whole, run_mode="remote"),
        "no token": replace(whole, has_token=False, has_remote_secret=True),
        "identities instead": replace(whole, has_token=False, allow_tailscale=True),
        "no password": replace(whole, auth_mode=AuthMode.PASSWORD, has_remote_secret=True),
        "custom nowhere": replace(whole, bind=Bind.CUSTOM),
        "custom here": replace(whole, bind=Bind.CUSTOM, custom_host="127.0.0.1", has_token=False),
        "custom there": replace(whole, bind=Bind.CUSTOM, custom_host="10.0.0.2", has_token=False),
        "custom name": replace(whole, bind=Bind.CUSTOM, custom_host="localhost"),
        "proxy": replace(
            whole,
            auth_mode=AuthMode.TRUSTED_PROXY,
            has_token=False,
            bind=Bind.LAN,
            address=proxies,
            trusted_proxy=TrustedProxyPolicy("x"),
        ),
        "proxy unnamed": replace(
            whole, auth_mode=AuthMode.TRUSTED_PROXY, address=proxies, trusted_proxy=TrustedProxyPolicy()
        ),
        "hooks": replace(whole, hooks=HooksDoor(enabled=True, path=" / ")),
        "hooks off": replace(whole, hooks=HooksDoor(path="/")),
        "hooks on": replace(whole, hooks=HooksDoor(enabled=True, has_token=True)),
        "tls": replace(whole, tls=True),
    }
    for name, policy in changed.items():
        for given in (
            None,
            StartFacts(
                allow_unconfigured=True, tls_problem="it is old", unresolved=("gateway.auth.token", "hooks.token")
            ),
        ):
            answers += [((name, given is None), reason) for reason in start_refusals(policy, given)]
        answers.append(((name, "binds"), (policy.binds_loopback, policy.has_shared_secret)))
    check_answers("start-refusals", answers)


def _claim(
    *, proof: bool = True, known: bool = True, live: bool = True, key: str = "key", field: str = "token"
) -> DeviceClaim:
    entries = {
        role: TokenEntry(role, "text", ("operator.read",), 1, revoked_at_ms=None if live else 2)
        for role in ("operator", "node")
    }
    record = PairedDevice(
        replace(FACTS, public_key=key), ("operator", "node"), ("operator.read",), ("system.which",), entries
    )
    checked = DeviceProof(
        Outcome.ALLOW if proof else Outcome.DENY, (Reason("proof"),), "device signature invalid", "CODE", "why"
    )
    return DeviceClaim(
        FACTS,
        checked,
        record if known else None,
        token_matches=field == "token",
        device_token_matches=field == "device",
    )


def test_connects_word_for_word() -> None:
    devices = (
        None,
        _claim(),
        _claim(proof=False),
        _claim(known=False, field=""),
        _claim(live=False),
        _claim(key="other"),
        _claim(field="device"),
        _claim(field=""),
    )
    sents = (
        Sent(),
        Sent(token=True),
        Sent(password=True),
        Sent(device_token=True),
        Sent(bootstrap=True),
        Sent(token=True, device_token=True),
    )
    doors = (
        GatewayPolicy(has_token=True),
        GatewayPolicy(),
        GatewayPolicy(auth_mode=AuthMode.PASSWORD, has_password=True, auto_approve_local=False),
        GatewayPolicy(allow_tailscale=True, control_ui=ControlUiPolicy(allow_insecure_auth=True)),
        GatewayPolicy(has_token=True, control_ui=ControlUiPolicy(disable_device_auth=True)),
        GatewayPolicy(auth_mode=AuthMode.TRUSTED_PROXY),
    )
    here = ClientAddress("127.0.0.1", "127.0.0.1", Via.DIRECT, known=True, locality=Verdict(Locality.LOCAL))
    there = ClientAddress("192.0.2.1", "192.0.2.1", Via.DIRECT, known=True)
    clients = (
        ("cli", "cli", "operator"),
        ("openclaw-control-ui", "ui", "operator"),
        ("gateway-client", "backend", "operator"),
        ("node-host", "node", "node"),
        ("x", "x", "root"),
    )
    answers: list[tuple[object, object]] = []
    for (client, mode, role), (number, policy), shared, (which, device) in product(
        clients, enumerate(doors), Shared, enumerate(devices)
    ):
        for sent, address, scopes in zip(
            sents,
            (here, there) * 3,
            (None, (), ("operator.read",), ("operator.admin", "x"), ("operator.read",), None),
            strict=True,
        ):
            facts = ConnectFacts(
                client,
                mode,
                3 if scopes is None else 4,
                role,
                scopes,
                Verdict(Origin.OWN if mode == "ui" else Origin.ABSENT, (Reason("origin"),)),
                address,
                sent,
                shared,
                commands=("system.which", "camera.snap") if device is not None and device.matches else (),
                device=device,
            )
            answers.append(((client, number, shared, which, sent), decide_connect(facts, policy)))
    base = ConnectFacts(
        "cli",
        "cli",
        4,
        "operator",
        ("operator.read",),
        Verdict(Origin.ABSENT, (Reason("o"),)),
        here,
        Sent(token=True),
        Shared.MATCHED,
        device=_claim(known=False),
    )
    locked = rate.Permit(Outcome.DENY, (Reason("rate.locked"),), retry_after_ms=5)
    for name, facts in {
        "from elsewhere": replace(base, origin=Verdict(Origin.REFUSED, (Reason("origin.not-allowed", "k", "why"),))),
        "a listed page": replace(base, origin=Verdict(Origin.LISTED, (Reason("origin.listed"),))),
        "locked out": replace(base, throttle=locked),
        "locked out without device": replace(base, throttle=locked, device=None),
        "in time": replace(base, throttle=rate.Permit(Outcome.ALLOW, (Reason("rate.ok"),))),
        "identity": replace(base, shared=Shared.NOT_COMPARED, sent=Sent(), tailscale=YES),
        "no identity": replace(base, shared=Shared.NOT_COMPARED, sent=Sent(), tailscale=NO, device=None),
        "by proxy": replace(base, shared=Shared.NOT_COMPARED, sent=Sent(), proxy=YES),
        "not by proxy": replace(
            base,
            shared=Shared.NOT_COMPARED,
            sent=Sent(),
            proxy=Verdict(Outcome.DENY, (Reason("trusted_proxy_user_missing"),)),
        ),
        "new commands": replace(
            base, role="node", scopes=(), device=_claim(), commands=("system.which", "camera.snap")
        ),
        "system commands": replace(base, role="node", scopes=(), device=_claim(), commands=("system.run",)),
        "no new commands": replace(base, role="node", scopes=(), device=_claim(), commands=("system.which",)),
        "more scopes": replace(base, scopes=("operator.admin",), device=_claim()),
    }.items():
        answers += [((name, number), decide_connect(facts, policy)) for number, policy in enumerate(doors)]
    check_answers("connects", answers)


def test_what_a_connect_asks_for() -> None:
    answers = asked(
        requested_scopes, *product(("operator", "node"), (None, (), ("operator.read", "x", "operator.read")), (3, 4))
    )
    answers += asked(credential_class, *(Sent(*given) for given in product((False, True), repeat=4)))
    answers += [((given, "kind"), (Sent(*given).kind, Sent(*given).any)) for given in product((False, True), repeat=4)]
    check_answers("connect-asks", answers)


def test_refusals_word_for_word() -> None:
    reasons = (
        *(
            "token_missing",
            "token_mismatch",
            "token_missing_config",
            "password_missing",
            "password_mismatch",
            "password_missing_config",
        ),
        *(
            "tailscale_user_missing",
            "tailscale_proxy_missing",
            "tailscale_whois_failed",
            "tailscale_user_mismatch",
            "device_token_mismatch",
        ),
        *("scope_mismatch", "bootstrap_token_invalid", "rate_limited", "trusted_proxy_no_identity", "made_up"),
    )
    answers: list[tuple[object, object]] = []
    for reason, client, sent, device in product(
        reasons,
        ("cli", "openclaw-control-ui", "openclaw-probe", "openclaw-tui", "x"),
        (Sent(), Sent(token=True), Sent(token=True, device_token=True)),
        (False, True),
    ):
        answers.append(
            (
                (reason, client, sent, device),
                refusals.unauthorized(reason, client, sent, has_device=device, retry_after_ms=7),
            )
        )
    answers += [
        ("origin", refusals.origin_refused("why")),
        ("ui", refusals.control_ui_needs_device()),
        ("device", refusals.device_required()),
        ("role", refusals.invalid_role()),
    ]
    answers.append(("default wait", refusals.unauthorized("rate_limited", "cli", Sent(), has_device=False)))
    ask = Ask(FACTS, "operator", ("operator.read",))
    revoked = TokenEntry("node", "text", (), 1, revoked_at_ms=2)
    known = PairedDevice(FACTS, ("operator", "node"), ("operator.write",), tokens={"node": revoked})
    answers += [
        ((need, device is None, request), refusals.pairing_required(need, ask, device, request))
        for need, device, request in product(Need, (None, known), (None, "r1"))
    ]
    long = refusals.Refusal("X", "\u00e4" * 100)
    answers.append(("cut", (len(long.close_reason), refusals.Refusal("X", "short").close_reason)))
    check_answers("connect-refusals", answers)


def _address(ip: str, *, via: Via = Via.DIRECT, local: bool = False) -> ClientAddress:
    return ClientAddress(ip, ip, via, known=True, locality=Verdict(Locality.LOCAL if local else Locality.REMOTE))


def test_clients_that_are_throttled_together() -> None:
    addresses = [
        _address("10.0.0.1"),
        _address("2001:db8:1:2:3::4"),
        _address("::1", local=True),
        _address("127.0.0.1", local=True),
        _address("x"),
        _address("10.0.0.1", via=Via.UNTRUSTED_PROXY, local=True),
    ]
    answers: list[tuple[object, object]] = []
    for address, origin in product(addresses, (False, True)):
        answers.append(((address.client_ip, address.via, origin), rate.client_key(address, has_origin=origin)))
        for limits in (Limits(), Limits(exempt_loopback=False)):
            exempt = rate.is_exempt(address, has_origin=origin, limits=limits)
            answers.append(((address.client_ip, origin, limits), exempt))
    answers += [((address.client_ip, "no origin"), rate.client_key(address)) for address in addresses]
    check_answers("throttle-keys", answers)


def test_a_throttle_step_by_step() -> None:
    limits = Limits(max_attempts=3, window_ms=1_000, lockout_ms=5_000)
    scripts: dict[str, list[tuple[int, Credential, Any, Any]]] = {
        "all wrong": [(at, Credential.SHARED, True, None) for at in (0, 10, 20, 30, 40, 5_019, 5_020, 5_021)],
        "right at last": [
            (0, Credential.SHARED, True, None),
            (1, Credential.SHARED, True, None),
            (2, Credential.SHARED, False, Credential.SHARED),
            (3, Credential.SHARED, True, None),
        ],
        "another class": [(at, Credential.DEVICE_TOKEN, True, None) for at in (0, 1, 2, 3)]
        + [(4, Credential.HOOK, True, None), (5, Credential.SHARED, True, None)],
        "out of the window": [
            (0, Credential.SHARED, True, None),
            (1, Credential.SHARED, True, None),
            (1_000, Credential.SHARED, True, None),
            (1_001, Credential.SHARED, True, None),
        ],
        "never settled": [(at, Credential.SHARED, None, None) for at in (0, 1, 2, 3, 1_000, 1_003)],
        "wrong beside right": [
            (0, Credential.HOOK, True, Credential.SHARED),
            (1, Credential.HOOK, False, Credential.HOOK),
            (2, Credential.SHARED, False, None),
        ],
    }
    answers: list[tuple[object, object]] = []
    for exempt, (name, script) in product((False, True), scripts.items()):
        book = Book()
        for at, credential, failed, proved in script:
            book, permit = rate.reserve(book, "client", credential, at, limits, exempt=exempt)
            if failed is not None:
                book = rate.settle(book, permit, at, limits, failed=failed, proved=proved)
            answers.append(((name, exempt, at), (permit, book)))
    slow = Book()
    for at in range(14):
        slow, permit = rate.reserve(slow, "client", Credential.SHARED, at, limits, exempt=True)
        answers.append((("slow", at), (permit.outcome, permit.wait_ms, permit.retry_after_ms, permit.decided_by)))
    check_answers("throttle", answers)


def test_a_permit_of_another_book_changes_nothing() -> None:
    book, permit = rate.reserve(Book(), "client", Credential.SHARED, 0, Limits())
    assert rate.settle(Book(), permit, 0, Limits(), failed=True) == Book()
    refused = replace(permit, number=0)
    assert rate.settle(book, refused, 0, Limits(), failed=True) is book
    gone = rate.settle(book, permit, 0, Limits(), failed=False)
    assert gone.clients == {}
    assert Client().locked_until(Credential.HOOK) == 0
