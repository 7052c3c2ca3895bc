"""What rules of reach say, word for word: paths, URLs, host names, environments of children, redaction."""

from __future__ import annotations

import dataclasses
from itertools import product

import pytest

from openclaw.policy.names import wildcard_match
from openclaw.policy.patterns import MAX_PATTERN_LENGTH, MAX_PATTERNS, PatternWarning, compile_pattern, compile_patterns
from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.what import addresses, hostnames, paths
from openclaw.policy.what import child_environment as env
from openclaw.policy.what.paths import (
    Access,
    FileRoots,
    Mount,
    StateParts,
    Why,
    judge_path,
    judge_state_part,
    refuse_path,
)
from openclaw.policy.what.redact import mask, redact
from openclaw.policy.what.urls import Journey, UrlPolicy, UrlVerdict, follow, judge_addresses, judge_url
from support.answers import asked, check_answers, sealed

# Paths


def test_paths_word_for_word() -> None:
    state = StateParts.at(
        "/home/u/.openclaw",
        workspaces=(
            "/home/u/.openclaw/workspace",
            "/home/u/.openclaw/agents/main/files",
            "/home/u/.openclaw/agents/main/sessions",
            "/home/u/.openclaw/agents/main/qmd",
            "/home/u/.openclaw",
            "/srv",
            "/home/u/.openclaw/credentials",
        ),
        files=("/etc/openclaw.json",),
    )
    mounts = (Mount("/workspace", "/srv/work"), Mount("/agent", "/srv/agent", writable=False))
    bounds = {
        "bounded": FileRoots("/srv/work", "/home/u", mounts=mounts, state=state),
        "read only": FileRoots("/srv/work", "/home/u", writable=False),
        "open": FileRoots("/home/u", "/home/u", bounded=False, state=state),
        "in the state": FileRoots("/home/u/.openclaw/workspace", "/home/u", state=state),
        "at the root": FileRoots("/", "/", bounded=False),
    }
    texts = (
        *(
            "a",
            "a/b",
            "./a",
            "a/",
            "a/.",
            "a/..",
            ".",
            "..",
            "../x",
            "/",
            "",
            " ",
            "~",
            "~/x",
            "~/.openclaw/x",
            "~root/x",
            "/srv/work/a",
            "/srv/workx",
            "/workspace/a",
            "/workspace",
            "/agent/a",
        ),
        *(
            "/home/u/.openclaw/openclaw.json",
            "/home/u/.openclaw/workspace/a",
            "/home/u/.openclaw/workspace",
            "/home/u/.openclaw/agents/main/files/x",
            "/home/u/.openclaw/agents/main/sessions/x",
        ),
        *(
            "/home/u/.openclaw/exec-approvals.json",
            "/home/u/.openclaw/credentials/x",
            "/home/u/.openclaw",
            "/home/u/.openclaw/media/x",
            "/home/u/.openclaw/skills/x",
            "/etc/openclaw.json",
            "/proc/1",
            "/dev/null",
            "/sys/x",
            "/etc/passwd",
            "/run/x",
        ),
        *(
            "a\0b",
            "a\nb",
            "a\x7fb",
            "\ud800",
            "x" * 4096,
            "x" * 4097,
            "\u00e4" * 2049,
            "$HOME/x",
            "@a",
            "file:///x",
            "a//b",
            "\\a",
            "a" * 300 + "\t",
            "b" * 301,
        ),
    )
    answers: list[tuple[object, object]] = []
    for (name, roots), text, access in product(bounds.items(), texts, Access):
        answers.append(((name, text[:40], access), judge_path(text, access, roots)))
    for why, (name, roots) in product(Why, bounds.items()):
        answers.append(((why, name), refuse_path(why, "some\tpath", roots)))
    parts: tuple[tuple[str, ...], ...] = (
        (),
        ("openclaw.json",),
        ("workspace",),
        ("workspace", "a"),
        ("agents",),
        ("agents", "main"),
        ("agents", "main", "agent"),
        ("agents", "main", "qmd", "x"),
        ("agents", "main", "files", "x"),
        ("agents", "main", "sessions", "x"),
        ("media", "x"),
        ("sandboxes", "x"),
        ("logs",),
    )
    answers += [((one, access), judge_state_part(one, access, state)) for one, access in product(parts, Access)]
    answers.append(("state", state))
    answers += asked(paths.parts_of, "/", "", "/a/b", "a/../b", "/../a", "//a//b/", "/a/./b")
    answers += asked(paths.shown, "plain", "a\tb", "x" * 300, "x" * 301, "\u200b", "\u00e4")
    answers += asked(paths.short, *product(("/home/u/x", "/home/u", "/home/ux", "/srv", "/"), ("/home/u", "/")))
    check_answers("paths", answers)


# URLs


def test_urls_word_for_word() -> None:
    policies = {
        "nothing": UrlPolicy(),
        "private": UrlPolicy.of(allow_private=True, key="own.key"),
        "names": UrlPolicy.of(
            allowed_hostnames=(
                " Box.local ",
                "10.0.0.1",
                "::1",
                "[fe80::1]",
                "a b",
                "localhost",
                "a.localhost",
                "metadata.google.internal",
            )
        ),
        "only": UrlPolicy.of(hostname_allowlist=("*.Example.com", "exact.org", " ", "*.", "bad host", "*")),
    }
    texts = (
        *(
            "http://example.com",
            "https://Example.com/a?b#c",
            "HTTP://a.example.com:80/x",
            "https://exact.org:443",
            "https://exact.org:8443/",
            "ftp://x",
            "http:/x",
            "//x",
            "x",
            "",
            "http://",
            "http:///x",
        ),
        *(
            "http://user@x.org",
            "http://u:p@x.org",
            "http://x.org:22",
            "http://x.org:0",
            "http://x.org:65535",
            "http://x.org:65536",
            "http://x.org:",
            "http://x.org:a",
            "http://x.org:00080",
            "http://x.org:99999999999999999",
        ),
        *(
            "http://127.0.0.1",
            "http://10.0.0.1",
            "http://169.254.169.254/latest",
            "http://[::1]",
            "http://[fe80::1]/",
            "http://[::ffff:10.0.0.1]",
            "http://8.8.8.8",
            "http://[2606:4700::1111]",
            "http://192.0.2.1",
            "http://224.0.0.1",
            "http://0.0.0.0",
        ),
        *(
            "http://0x7f.1",
            "http://2130706433",
            "http://0177.0.0.1",
            "http://127.1",
            "http://1.2.3.4.5",
            "http://localhost",
            "http://a.localhost",
            "http://box.local",
            "http://x.internal",
            "http://metadata",
            "http://metadata.google.internal",
            "http://metadata.x",
            "http://instance-data",
            "http://localhost.localdomain",
        ),
        *(
            "http://x y",
            "http://x\\y",
            "http://x\ty",
            "http://\u00fcber.de",
            "http://xn--ber-goa.de",
            "http://ex%61mple.com",
            "http://example.com.",
            "http://a..b",
            "http://-a.com",
            "http://" + "a" * 64 + ".com",
            "http://x.org/" + "a" * 2035,
            "http://x.org/" + "a" * 2036,
            "http://[::1",
            "http://[x]",
            "http://x?y",
            "http://x#y",
        ),
    )
    answers: list[tuple[object, object]] = []
    for (name, policy), text in product(policies.items(), texts):
        found = judge_url(text, policy)
        target = found.target
        more = None if target is None else (target.url, target.origin, target.needs_lookup)
        answers.append(((name, text[:40]), (found, found.why, more)))
        if target is None or not target.needs_lookup:
            continue
        for resolved in (
            (),
            ("8.8.8.8",),
            ("8.8.8.8", "10.0.0.1"),
            ("10.0.0.1",),
            ("127.0.0.1",),
            ("::1",),
            ("169.254.169.254",),
            ("fe80::1",),
            ("x",),
            ("192.0.2.1",),
            ("100.64.0.1",),
            ("fd00::1",),
            ("224.0.0.1",),
            ("fd00:ec2::254",),
        ):
            found = judge_addresses(target, resolved, policy)
            answers.append(((name, target.host, resolved), found))
    answers.extend(policies.items())
    check_answers("urls", answers)


def test_redirects_word_for_word() -> None:
    policy = UrlPolicy()
    start = judge_url("https://a.example/x?y", policy).target
    assert start is not None
    places = (
        None,
        "",
        " ",
        "/z",
        "x?y",
        "https://a.example/x?y",
        "https://a.example:443/x?y#f",
        "http://a.example/",
        "https://b.example/",
        "//b.example/q",
        "http://10.0.0.1",
        "ht!tp://x",
        "http://[",
        "a b",
        "ftp://x",
        "?n",
    )
    answers: list[tuple[object, object]] = []
    for method, status, place, secret, left in product(
        ("GET", "POST", "HEAD"), (301, 303, 307, 308), places, (True, False), (2, 0)
    ):
        found = follow(Journey.begin(start, left, method), status, place, policy, has_credentials=secret)
        answers.append(((method, status, place, secret, left), found))
    step = follow(Journey.begin(start, 3), 302, "https://b.example/", policy, has_credentials=True)
    assert isinstance(step, Journey)
    back = follow(step, 302, "https://a.example/x?y", policy, has_credentials=True)
    again = follow(step, 302, "https://b.example/", policy, has_credentials=True)
    down = follow(step, 302, "http://b.example/2", policy, has_credentials=True)
    same = follow(step, 307, "https://b.example/3", policy, has_credentials=True)
    answers += [("back", back), ("again", again), ("down without secrets", down), ("stays bare", same)]
    check_answers("redirects", answers)
    assert Journey.begin(start, 1).method == "GET"
    assert isinstance(back, UrlVerdict)


def test_hosts_word_for_word() -> None:
    texts = (
        *(
            "Example.COM",
            "example.com.",
            "example.com..",
            ".com",
            "a..b",
            "-a.com",
            "a-.com",
            "a_b.com",
            "\u00fcber.de",
            "\u00dcBER.de",
            "xn--ber-goa.de",
            "xn--a",
            "xn--ber-goa",
            "XN--BER-GOA.de",
            "xn--\u00fc",
        ),
        *(
            "a" * 63,
            "a" * 64,
            ".".join([*["a" * 63] * 3, "a" * 61]),
            ".".join([*["a" * 63] * 3, "a" * 62]),
            "example.com%2e",
            "\u00fc" + "a" * 53,
            "\u00fc" + "a" * 54,
            "\u00fc" + "a" * 55,
            "\u00fc" + "a" * 56,
            "\u00fc" + "a" * 57,
            ".".join(["a" * 49] * 5),
            ".".join(["a" * 50] * 5),
            "\u00fc" * 60,
            "ex%61mple.com",
            "%zz",
            "a%2fb",
            "a%00b",
            "\uff45\uff58.com",
            "a\u3002b",
            "a\u200bb",
            "[::1]",
            "[::ffff:1.2.3.4]",
            "[x]",
            "::1",
            "1.2.3.4",
        ),
        *(
            "0x7f.1",
            "0177.1",
            "2130706433",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.4a",
            "",
            " ",
            "a b",
            "a/b",
            "a:b",
            "\u0301a",
            "a\u0301",
            "\u212a",
            "\u00df",
            "256.1.1.1",
            "01.2.3.4",
            "0x.1",
            "xn--80ak6aa92e.com",
            "\u0660.com",
            "\u00c5\u00e4" + "x" * 61,
            "\u2488com",
        ),
    )
    answers: list[tuple[object, object]] = []
    for read in (hostnames.plain_host, hostnames.is_legacy_address):
        answers += [((read.__name__, text[:40]), read(text)) for text in texts]
    numbers = (
        "0.0.0.0",
        "10.0.0.0",
        "10.255.255.255",
        "11.0.0.0",
        "127.0.0.1",
        "100.64.0.0",
        "100.127.255.255",
        "100.128.0.0",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.0",
        "172.32.0.0",
        "192.168.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "8.8.8.8",
        "100.100.100.200",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::a00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:a00:1::",
        "2002:808:808::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2606:4700::1",
        "::a00:1",
        "::808:808",
        "3fff::1",
        "5f00::1",
    )
    for text in (*numbers, "x", "1", " 1.2.3.4", "fe80::1%1", ""):
        found = addresses.parse_address(text)
        answers.append((("class", text), None if found is None else addresses.classify(found)))
    check_answers("hosts", answers)


# Environment


def test_environments_word_for_word() -> None:
    names = (
        "PATH",
        "path",
        "LANG",
        "TZ",
        "TERM",
        "LC_ALL",
        "LC_",
        "FOO",
        "foo",
        "MY_TOKEN",
        "API_KEY",
        "KEYS",
        "LD_PRELOAD",
        "ld_x",
        "OPENCLAW_X",
        "NODE_OPTIONS",
        "HOME",
        "AWS_X",
        "GIT_CONFIG_COUNT",
        "PAGER",
        "GIT_PAGER",
        "MANPAGER",
        "1A",
        "A-B",
        "",
        "A" * 70,
        "A*",
        "A?",
        "BASH_FUNC_x",
        "\u00c4",
        "SHELL",
        "USER",
        "passwd",
    )
    answers: list[tuple[object, object]] = []
    answers += [(("refusal", name), env.refusal_of(name)) for name in names]
    answers += [(("secret", name), env.is_secret_name(name)) for name in names]
    rules = env.EnvironmentRules.of(
        ("FOO", "A*", "A?", "MY_TOKEN", "PATH", "HOME", "LD_X", "1A", "LANG"),
        ("BAR", "A*", "B?", "MY_TOKEN", "PATH", "LD_X", "HOME", "1A"),
    )
    answers.append(("rules", (rules, rules.findings)))
    for name, value in product(names, ("", "cat", "x", "a\0b")):
        found = env.judge_overrides({name: value}, rules)
        answers.append(((name, value), (found, found.error)))
    answers.append(("several", env.judge_overrides({"FOO": "1", "LANG": "C", "NOPE": "x", "PATH": "y"}, rules)))
    answers.append(("none", env.judge_overrides({}, rules)))
    host = dict.fromkeys((*names, "BAR", "LOGNAME", "TMPDIR", "SECRET"), "v")
    answers.append(
        (
            "built",
            env.build_environment(
                host,
                rules,
                path=("/a", "/b"),
                shell="/bin/sh",
                skills={"KEY": "k", "LD_X": "no", "FOO": "skill"},
                accepted={"FOO": "call"},
            ),
        )
    )
    answers.append(("bare", env.build_environment({}, env.EnvironmentRules(), path=(), shell="/bin/sh")))
    answers.append(("path", env.child_path("/a:b::/c:/a", prepend=("/z", "rel", ""), login_path="/l:/c")))
    answers.append(("path alone", env.child_path("/a")))
    check_answers("environments", answers)


# Redaction


def test_redaction_word_for_word() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    key = f"-----BEGIN {'RSA '}PRIVATE KEY-----\nAAAA\nBBBB\n-----END {'RSA '}PRIVATE KEY-----"
    texts = (
        *(
            "nothing",
            "",
            f"{'ghp'}_{letters}",
            f"x {'sk'}-{letters} y {'sk'}-{letters}",
            f"token={letters}",
            f"https://u:{letters[:9]}@host/x",
            f"?api_key={letters}&x=1",
            f"Authorization: {'Bearer'} {letters}",
            f'"password": "{letters}"',
        ),
        *(
            key,
            f"{key} and {key}",
            f"{key} and {'sk'}-{letters}",
            key.partition("-----END")[0],
            key.replace("\n", " "),
            f"{'AKIA'}ABCDEFGHIJKLMNOP",
            f"{'akia'}abcdefghijklmnop",
            f"12345678:{letters}",
            "***",
            f"token={'abcdef'}\u2026wxyz",
            "token=abcdef-wxyz1",
            "token=abcdefgwxyz",
            f"token=*** token={letters}",
        ),
        "my secret-value-123 and secret-value-123",
        'line "q\u00fc" value',
        "100%25 q%C3%BC",
    )
    secrets = ("secret-value-123", "q\u00fc", "secret", "a b/c", "a+b\ud800")
    answers: list[tuple[object, object]] = []
    answers += asked(mask, "", "x" * 17, "x" * 18, letters)
    for number, text in enumerate(texts):
        found = redact(text)
        answers.append(((number, "shapes"), (sealed(found.text), found.count)))
        known = redact(text, secrets=secrets, shapes=False)
        answers.append(((number, "known"), (sealed(known.text), known.count)))
    own = compile_patterns(("val(ue)", "nothing", "l.ne"))
    for number, text in enumerate(texts):
        found = redact(text, secrets=secrets, patterns=own.patterns)
        answers.append(((number, "own"), (sealed(found.text), found.count)))
    answers += [
        (text, redact(text, secrets=secrets, shapes=False))
        for text in ("a%20b%2Fc", "a b/c", "a%2Bb%3F", "q%C3%BC", "q\\u00fc")
    ]
    check_answers("redaction", answers)


# Patterns and names


def test_patterns_word_for_word() -> None:
    sources = (
        "a",
        "",
        " ",
        "(",
        "a(?=b)",
        "x" * MAX_PATTERN_LENGTH,
        "x" * (MAX_PATTERN_LENGTH + 1),
        "\\u00e4",
        "\\\\u00e4",
        "\ud800",
        "(a)(b)?",
        "a|b",
        "a.b",
        "(?s)a.b",
        "[",
        "*",
        "(a)|(b)",
        "(a)(b)(x)?",
        "()",
        "x" * 90 + "(",
    )
    texts = ("a", "A", "b", "ab", "a\nb", "\u00e4", "\ud800a", "xx", "")
    answers: list[tuple[object, object]] = []
    for source, fold, whole in product(sources, (True, False), (True, False)):
        found = compile_pattern(source, ignore_case=fold, dot_all=whole)
        if isinstance(found, PatternWarning):
            answers.append(((source[:20], fold, whole), found))
            continue
        answers.append(((source[:20], fold, whole), [(found.found_in(text), found.spans(text)) for text in texts]))
    plain = compile_pattern("A.b")
    assert not isinstance(plain, PatternWarning)
    answers.append(("by default", [plain.found_in(text) for text in ("a-b", "a\nb")]))
    several = compile_patterns(("a.b", "(", *("x",) * MAX_PATTERNS), ignore_case=False, dot_all=True)
    answers.append(("several", (len(several.patterns), several.warnings)))
    answers.append(
        (
            "first",
            [None if (hit := several.first_in(text)) is None else hit.source for text in ("a\nb", "A\nb", "x", "q")],
        )
    )
    folded = compile_patterns(("a.b",))
    answers.append(("several by default", [folded.first_in(text) is not None for text in ("A-B", "a\nb")]))
    check_answers("patterns", answers)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("a*b*c", "a-b-c", True),
        ("a*bb*c", "abbc", True),
        ("a*b*b*c", "abc", False),
        ("ab*ba", "aba", False),
        ("*ab*ab*", "abab", True),
        ("*ab*ab*", "aab", False),
        ("*aba*", "ababa", True),
        ("*aba*aba*", "ababa", False),
        ("x*y*yz", "xyz", False),
        ("x*y*yz", "xyyz", True),
        ("**", "", True),
        ("*a", "ba", True),
        ("a*", "ab", True),
        ("a", "ab", False),
        ("a*ca*a", "acaa", True),
        ("a*ca*a", "aca", False),
        ("*b*a*", "ab", False),
    ],
)
def test_a_part_is_found_after_the_one_before_it(pattern: str, name: str, matches: bool) -> None:
    assert wildcard_match(pattern, name) is matches


def test_verdicts_word_for_word() -> None:
    bare: Verdict[Outcome] = Verdict(Outcome.DENY)
    assert bare.decided_by == Reason("deny")
    assert Reason("a", "k", "d").as_dict() == {"rule": "a", "key": "k", "detail": "d"}
    assert Reason("a").as_dict() == {"rule": "a"}
    assert Verdict(Outcome.ALLOW, (Reason("a"), Reason("b"))).decided_by == Reason("b")
    assert [field.name for field in dataclasses.fields(Reason)] == ["rule", "key", "detail"]
