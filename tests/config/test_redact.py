from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest

from openclaw.config.base import Block
from openclaw.config.json5 import loads
from openclaw.config.model import Config, Source
from openclaw.config.redact import SENTINEL, redact_url, redact_value, redacted, restore_text, restore_value
from openclaw.config.registry import CHANNELS, SECTIONS, channel_model, section_type
from openclaw.config.walk import fields, mark_of, members
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput
from support.configs import faults
from support.every_secret import secret_paths

CANARY = "canary-hunter2-canary"


def planted(path: tuple[str | int, ...], value: Any) -> Any:
    for step in reversed(path):
        value = [value] if step == 0 else {step: value}
    return value


SECRETS = secret_paths()


def test_the_schema_marks_what_the_spec_names() -> None:
    marked = {".".join(map(str, path)) for path, kind in SECRETS if kind == "secret"}
    assert marked >= {
        "gateway.auth.token",
        "gateway.auth.password",
        "gateway.remote.token",
        "hooks.token",
        "hooks.gmail.pushToken",
        "env.K_NAME",
        "env.vars.k",
        "skills.entries.k.env.k",
        "skills.entries.k.apiKey",
        "models.providers.k.apiKey",
        "models.providers.k.headers.k",
        "tools.web.search.apiKey",
        "talk.apiKey",
        "messages.tts.elevenlabs.apiKey",
        "channels.telegram.botToken",
        "channels.telegram.webhookSecret",
        "channels.telegram.accounts.k.botToken",
        "channels.slack.signingSecret",
        "channels.discord.pluralkit.token",
        "channels.msteams.appPassword",
        "channels.bluebubbles.password",
        "channels.googlechat.serviceAccount",
        "diagnostics.otel.headers.k",
    }
    urls = {".".join(map(str, path)) for path, kind in SECRETS if kind == "url"}
    assert urls >= {
        "browser.cdpUrl",
        "browser.profiles.k.cdpUrl",
        "channels.telegram.proxy",
        "models.providers.k.baseUrl",
    }


def test_no_leaf_with_the_name_of_a_secret_is_left_unmarked() -> None:
    def unmarked(annotation: Any, at: str) -> Iterator[str]:
        for member in members(annotation):
            if isinstance(member, type) and issubclass(member, Block):
                for key, field in fields(member):
                    lower = key.lower()
                    named = any(word in lower for word in ("token", "password", "secret", "apikey"))
                    harmless = lower.endswith(("tokens", "file", "readonly", "floor", "tokensfield"))
                    text = str in members(field.annotation) or any(
                        get_args(m) and get_args(m)[0] is str for m in members(field.annotation)
                    )
                    if named and not harmless and text and mark_of(field.annotation, field.metadata) is None:
                        yield f"{at}.{key}"
                    yield from unmarked(field.annotation, f"{at}.{key}")
            elif get_origin(member) is not None and get_args(member):
                yield from unmarked(get_args(member)[-1 if get_origin(member) is not tuple else 0], f"{at}.*")

    assert [path for key in SECTIONS for path in unmarked(section_type(key), key)] == []
    assert [path for name in CHANNELS for path in unmarked(channel_model(name), name)] == []


@pytest.mark.parametrize(
    ("path", "kind"), SECRETS, ids=lambda value: value if isinstance(value, str) else ".".join(map(str, value))
)
def test_adv_O2_a_canary_in_a_secret_field_is_in_no_view(path: tuple[str | int, ...], kind: str) -> None:
    value = CANARY if kind == "secret" else f"https://user:{CANARY}@host.example/path?key={CANARY}"
    document = planted(path, value)
    raw = json.dumps(document, indent=2)
    views = redacted(Source(exists=True, raw=raw, parsed=document), document, Environment({}))
    assert CANARY not in json.dumps([views.config, views.parsed]) + str(views.raw)
    assert SENTINEL in json.dumps(views.config)
    assert SENTINEL in str(views.raw)
    assert restore_value(views.parsed, document) == document
    assert loads(restore_text(str(views.raw), document)) == document


def test_adv_O2_secrets_of_undescribed_places_are_known_by_their_names() -> None:
    document = {
        "plugins": {
            "entries": {
                "x": {
                    "config": {
                        "apiKey": CANARY,
                        "api_key": CANARY,
                        "botToken": CANARY,
                        "passwords": [CANARY, CANARY],
                        "clientSecret": {"deep": [CANARY]},
                        "inner": {"PASSWORD": CANARY},
                    }
                }
            }
        },
        "channels": {"foochat": {"token": CANARY}},
        "nonsense": {"secret": CANARY},
    }
    assert CANARY not in json.dumps(redact_value(document))


def test_what_is_no_secret_stays_visible() -> None:
    document = {
        "agents": {"defaults": {"contextTokens": 5, "compaction": {"reserveTokensFloor": 7}}},
        "models": {
            "providers": {"p": {"baseUrl": "https://h/v1", "models": [{"id": "m", "name": "n", "maxTokens": 9}]}}
        },
        "channels": {"telegram": {"tokenFile": "/run/t", "botToken": {"source": "env", "id": "TOKEN_NAME"}}},
        "gateway": {"auth": {"token": "${GW_TOKEN}", "mode": "token", "password": ""}},
        "plugins": {"entries": {"x": {"config": {"maxTokens": 3, "secretPath": "/x", "useToken": True, "name": "n"}}}},
        "auth": {"profiles": {"a:b": {"provider": "a", "mode": "api_key"}}},
    }
    assert redact_value(document) == document


def test_a_mix_of_reference_and_text_is_masked() -> None:
    document = {"models": {"providers": {"p": {"headers": {"Authorization": "Bearer ${X} " + CANARY}}}}}
    assert CANARY not in json.dumps(redact_value(document))


def test_a_secret_variable_is_masked_wherever_the_config_put_it() -> None:
    authored = {"messages": {"responsePrefix": "[${MY_TOKEN}] ${GREETING}"}}
    effective = {"messages": {"responsePrefix": f"[{CANARY}] hello"}}
    source = Source(
        exists=True, raw=json.dumps(authored), parsed=authored, references=frozenset({"MY_TOKEN", "GREETING"})
    )
    views = redacted(source, effective, Environment({"MY_TOKEN": CANARY, "GREETING": "hello"}))
    assert views.config["messages"]["responsePrefix"] == f"[{SENTINEL}] hello"
    assert views.parsed == authored


def test_the_text_keeps_its_form_and_hides_shadowed_values_and_comments() -> None:
    raw = (
        "{ // old token: " + CANARY + "\n"
        "  gateway: { auth: { token: '" + CANARY + "', /* y */ token: \"" + CANARY + '2" } },\n'
        "  ui: { assistant: { name: 'http://x' } }, // end\n}\n"
    )
    source = Source(exists=True, raw=raw, parsed=loads(raw))
    views = redacted(source, None, Environment({}), redact_text=lambda text: text.replace(CANARY, "***"))
    assert views.raw == (
        "{ // old token: ***\n"
        f'  gateway: {{ auth: {{ token: "{SENTINEL}", /* y */ token: "{SENTINEL}" }} }},\n'
        "  ui: { assistant: { name: 'http://x' } }, // end\n}\n"
    )
    assert views.config is None


def test_a_text_that_cannot_be_read_is_not_shown() -> None:
    broken = Source(exists=True, raw="{ token: '" + CANARY, parsed={})
    assert redacted(broken, None, Environment({})).raw is None
    assert redacted(Source(), {}, Environment({})).raw == ""
    assert redacted(Source(exists=True, raw="{" + " " * (3 << 20) + "}"), {}, Environment({})).raw is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/path", "https://host/path"),
        ("https://u:p@host:8/path", f"https://{SENTINEL}@host:8/path"),
        ("https://token@host", f"https://{SENTINEL}@host"),
        ("wss://h/?a=1&b=&c", f"wss://h/?a={SENTINEL}&b&{SENTINEL}"),
        ("${PROXY_URL}", "${PROXY_URL}"),
        ("http://[bad", SENTINEL),
    ],
)
def test_urls_lose_user_information_and_query_values(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_masked_values_are_put_back_from_the_authored_text() -> None:
    stored = {"gateway": {"auth": {"token": "${GW_TOKEN}x"}}, "hooks": {"mappings": []}, "env": {"A": CANARY}}
    incoming = "{ gateway: { auth: { token: '" + SENTINEL + "' }, port: 5 }, /* c */ env: { A: '" + SENTINEL + "' } }"
    restored = restore_text(incoming, stored)
    assert "/* c */" in restored
    assert loads(restored) == {"gateway": {"auth": {"token": "${GW_TOKEN}x"}, "port": 5}, "env": {"A": CANARY}}
    assert restore_value({"env": {"A": SENTINEL}}, stored) == {"env": {"A": CANARY}}


@pytest.mark.parametrize(
    "incoming",
    [
        {"gateway": {"auth": {"password": SENTINEL}}},
        {"gateway": {"auth": {"token": f"x{SENTINEL}"}}},
        {"env": {"OTHER": SENTINEL}},
        {"env": {"OBJECT": SENTINEL}},
        {"ui": {"assistant": {"name": f"https://{SENTINEL}@host"}}},
    ],
)
def test_a_mask_without_a_stored_value_is_refused(incoming: Any) -> None:
    stored = {"gateway": {"auth": {"token": CANARY}}, "env": {"OBJECT": {"source": "env", "id": "X"}}}
    for attempt in (lambda: restore_value(incoming, stored), lambda: restore_text(json.dumps(incoming), stored)):
        with pytest.raises(InvalidInput, match="masked") as caught:
            attempt()
        assert CANARY not in str(caught.value)


def test_a_masked_config_is_still_readable_by_the_schema() -> None:
    document = {"gateway": {"auth": {"token": CANARY}}, "channels": {"telegram": {"botToken": CANARY}}}
    assert faults(redact_value(document)) == {}
    assert Config.from_document(redact_value(document)).gateway.auth.token is not None
