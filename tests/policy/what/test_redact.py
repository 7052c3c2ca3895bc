"""Secrets in text: every known shape is masked, ordinary text is left alone, and no text takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.policy.patterns import compile_patterns
from openclaw.policy.what.redact import Redaction, mask, redact
from openclaw.system.redaction import Redactor
from openclaw.system.secret import Secret

X20 = "abcDEF0123456789wxyz"
KEYS = {
    "openai": f"sk-{X20}",
    "github": f"ghp_{X20}",
    "github-fine": f"github_pat_{X20}",
    "slack-bot": f"xoxb-{X20}",
    "slack-user": f"xoxp-{X20}",
    "slack-app": f"xapp-1-{X20}",
    "groq": f"gsk_{X20}",
    "google": f"AIza{X20}12",
    "perplexity": f"pplx-{X20}",
    "npm": f"npm_{X20}",
    "telegram": f"123456789:AA{X20}",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "aws-temp": "ASIAIOSFODNN7EXAMPLE",
    "github-app": f"ghs_{X20}",
    "github-oauth": f"gho_{X20}",
    "gitlab": f"glpat-{X20}",
    "stripe": f"sk_live_{X20}",
    "stripe-r": f"rk_live_{X20}",
    "sendgrid": f"SG.{X20}.{X20}",
    "huggingface": f"hf_{X20}",
    "google-oauth": f"ya29.{X20}",
    "jwt": f"eyJhbGciOiJ9.{X20}.{X20}",
    "jwt-unsigned": f"eyJhbGciOiJub25lIn0.{X20}.",
}


@pytest.mark.parametrize("name", sorted(KEYS))
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "say {} now",
        "({})",
        '"{}"',
        "x={}",
        "curl -H 'X: {}' https://h/",
        "a\n{}\nb",
    ],
)
def test_adv_O10_known_keys_are_masked_wherever_they_stand(name: str, around: str) -> None:
    key = KEYS[name]
    found = redact(around.format(key))
    assert key not in found.text
    assert key[6:-4] not in found.text
    assert found.count >= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OPENAI_API_KEY=abc", "OPENAI_API_KEY=***"),
        ("my_token : abc", "my_token : ***"),
        ("PASSWORD='abc d'", "PASSWORD='*** d'"),
        ("db_passwd: abcdefghijklmnopqrst", "db_passwd: abcdef…qrst"),
        ('client_secret="x"', 'client_secret="***"'),
        ('{"apiKey": "abc", "n": 1}', '{"apiKey": "***", "n": 1}'),
        ('{"accessToken":"a b"}', '{"accessToken":"***"}'),
        ('{\\"password\\": \\"abc\\"}', '{\\"password\\": \\"***\\"}'),
        ("x --token abc y", "x --token *** y"),
        ("--api-key 'abc'", "--api-key '***'"),
        ("--apikey abc", "--apikey ***"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("authorization=bearer abc.d", "authorization=bearer ***"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: Basic ***"),
        ("Bearer short", "Bearer short"),
        (f"Bearer {X20}", "Bearer abcDEF…wxyz"),
        ("https://u:p@h/x", "https://***@h/x"),
        ("https://tok@h", "https://***@h"),
        ("https://h/x?a=1&api_key=v&b=2", "https://h/x?a=1&api_key=***"),
        ("https://h/?code=v#f", "https://h/?code=***#f"),
        ("https://h/?sig=v&key=w", "https://h/?sig=***&key=***"),
        ("https://h/?X-Amz-Signature=v", "https://h/?X-Amz-Signature=***"),
        (f"https://api.telegram.org/bot12345678:{X20}/getMe", "https://api.telegram.org/bot123456…wxyz/getMe"),
        (f"https://api.telegram.org/file/bot12345678%3A{X20}/x", "https://api.telegram.org/file/bot123456…wxyz/x"),
    ],
)
def test_named_values_are_masked_and_the_rest_stays(text: str, expected: str) -> None:
    assert redact(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gateway listening on ws://127.0.0.1:18789",
        "tokens 12 cost 3",
        "tokenizer",
        "monkey business",
        "ask-me-anything",
        "12:30:45 ok",
        "agent:main:main",
        "git commit 0123456789abcdef0123456789abcdef01234567",
        "keyboard layout",
        "passwords are bad",
        "see https://example.com/a?b=c&d=e",
        "AKIA",
        "SG.x.y",
        "bearer of news",
        "mailto:a@b.example",
        "é ü 漢字",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text).text == text


@pytest.mark.parametrize(("text", "expected"), [("a" * 17, "***"), ("abcdef" + "x" * 12, "abcdef…xxxx"), ("", "***")])
def test_short_texts_are_masked_whole(text: str, expected: str) -> None:
    assert mask(text) == expected


PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIcanary\nmore\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a {PEM} b", "a -----BEGIN RSA PRIVATE KEY-----\n…redacted…\n-----END RSA PRIVATE KEY----- b"),
        (PEM.replace("\n", "\\n"), "***"),
        (PEM.split("-----END", maxsplit=1)[0], "-----BEGIN RSA PRIVATE KEY-----\n…redacted…"),
        ("-----BEGIN PRIVATE KEY-----canary", "***"),
        ("-----BEGIN CERTIFICATE-----\nfine", "-----BEGIN CERTIFICATE-----\nfine"),
    ],
)
def test_private_keys_keep_their_frame_only(text: str, expected: str) -> None:
    assert redact(text).text == expected
    assert redact(f"{text}\n{text}").text.count("canary") == 0


def test_known_secrets_are_masked_in_plain_json_and_url_form() -> None:
    secret = 'p"a/s s\\wörd-long-enough'
    for form in (
        secret,
        'p\\"a/s s\\\\wörd-long-enough',
        'p\\"a/s s\\\\w\\u00f6rd-long-enough',
        "p%22a%2Fs%20s%5Cw%C3%B6rd-long-enough",
    ):
        found = redact(f"x {form} y", secrets=[secret], shapes=False)
        assert found.text == f"x {mask(secret)} y"
        assert found.count == 1


def test_of_two_known_secrets_the_longer_is_masked_first() -> None:
    assert redact("abcdefgh-ijklmnop", secrets=["abcdefgh", "abcdefgh-ijklmnop"], shapes=False).text == "***"


def test_user_patterns_add_to_the_built_ins_and_mask_their_last_group() -> None:
    patterns = compile_patterns([r"ticket-(\d+)", r"(a)(b)?", "[", r"(?=x)"])
    assert len(patterns.warnings) == 2
    found = redact("ticket-12345 sk-abcdefghijk ab a", patterns=patterns.patterns)
    assert found.text == "ticket-*** *** a*** ***"


HOSTILE = [
    "eyJa-" * 20_000, "eyJaaaa." * 20_000, "a" * 200_000, "KEY " * 50_000, "_" * 200_000, "1" * 200_000,
    "://" * 60_000, "&key" * 50_000, "-----BEGIN PRIVATE KEY-----" * 8_000,
    "-----END X PRIVATE KEY-----" + "-----BEGIN A PRIVATE KEY-----" * 7_000, "xoxb" + "-" * 200_000,
    "--token " + " " * 200_000, "bot1" * 50_000, "SG." * 60_000, "token:" * 30_000, "?" + "-" * 200_000,
    '"token"' * 30_000, "sk-" * 60_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:12] for text in HOSTILE])
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    redact(text, patterns=compile_patterns([r"(a+)+$"]).patterns)
    assert time.process_time() - started < 1.5


@given(st.text(), st.lists(st.text(min_size=8, max_size=20), max_size=3))
def test_redaction_never_raises_and_leaves_no_known_secret(text: str, secrets: list[str]) -> None:
    joined = text.join(secrets)
    found = redact(joined, secrets=secrets)
    assert not any(
        secret in found.text for secret in secrets if len(secret) >= 8 and "*" not in secret and "…" not in secret
    )
    assert redact(found.text).text is not None


# -- the object that everybody holds ---------------------------------------------------------------


def test_the_redactor_knows_what_this_process_resolved() -> None:
    canary = "canary-" + "0123456789-planted"
    redactor = Redactor()
    assert redactor.redact(canary) == canary
    Secret(canary)
    assert canary not in redactor.redact(f"x{canary}y")


def test_off_ends_patterns_for_what_is_shown_and_for_nothing_else() -> None:
    redactor = Redactor(mode="off", secrets=lambda: ["planted-secret"])
    text = f"planted-secret {KEYS['openai']}"
    assert redactor.redact_shown(text) == f"*** {KEYS['openai']}"
    assert KEYS["openai"] not in redactor.redact(text)
    redactor.configure(mode="tools", patterns=["/hush-(\\w+)/gi", "hush2", "("])
    assert redactor.redact_shown(text + " HUSH-abc HUSH2") == "*** sk-abc…wxyz HUSH-*** ***"
    assert len(redactor.warnings) == 1
    assert "redactPatterns" in redactor.warnings[0]


def test_adv_O6_exports_state_how_many_places_were_masked() -> None:
    redactor = Redactor(secrets=list)
    assert redactor.redact_counted(f"{KEYS['openai']} {KEYS['github']} ok")[1] == 2
    value = {"a": [KEYS["openai"], 1, None, {"token": f"Bearer {X20}"}], "b": ("x",)}
    assert redactor.redact_value(value) == {"a": ["sk-abc…wxyz", 1, None, {"token": "Bearer abcDEF…wxyz"}], "b": ["x"]}
    deep: list[object] = []
    for _ in range(100):
        deep = [deep]
    assert "…" in str(redactor.redact_value(deep))


@pytest.mark.parametrize("text", [f"{'akia'}iosfodnn7example", f"{'sg'}.{X20}.{X20}", f"{'EYJ'}hbGciOiJ9.{X20}.{X20}"])
def test_shapes_that_are_written_in_one_letter_case_are_masked_in_that_only(text: str) -> None:
    assert redact(f"a {text} b") == Redaction(f"a {text} b", 0)


def test_every_place_of_every_known_secret_is_counted() -> None:
    found = redact("one-secret, two-secret and one-secret", secrets=("one-secret", "two-secret"), shapes=False)
    assert (found.text, found.count) == ("***, *** and ***", 3)
