from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.reload_plan import RULES, Effect, changed_paths, effect_of, plan_reload
from openclaw.config.walk import spot_at


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("meta.lastTouchedAt", "nothing"),
        ("wizard.lastRunAt", "nothing"),
        ("ui.seamColor", "nothing"),
        ("gateway.remote.token", "nothing"),
        ("gateway.reload.mode", "nothing"),
        ("gateway.auth.token", "secret"),
        ("hooks.token", "secret"),
        ("channels.telegram.webhookSecret", "secret"),
        ("channels.slack.accounts.a.signingSecret", "secret"),
        ("gateway.trustedProxies", "policy"),
        ("gateway.controlUi.allowedOrigins", "policy"),
        ("gateway.nodes.denyCommands", "policy"),
        ("tools.deny", "policy"),
        ("agents.defaults.sandbox.mode", "policy"),
        ("channels.telegram.dmPolicy", "policy"),
        ("channels.telegram.groups.-1.requireMention", "policy"),
        ("channels.discord.accounts.a.guilds.g.users", "policy"),
        ("channels.defaults.groupPolicy", "policy"),
        ("security.audit.suppressions", "policy"),
        ("channels.telegram.botToken", "channel"),
        ("channels.telegram.accounts.a.proxy", "channel"),
        ("channels.telegram.enabled", "channel"),
        ("channels.foochat.anything", "channel"),
        ("web.enabled", "channel"),
        ("hooks.mappings", "service"),
        ("hooks.gmail.account", "service"),
        ("cron.enabled", "service"),
        ("browser.headless", "service"),
        ("agents.defaults.heartbeat.every", "service"),
        ("canvasHost.root", "service"),
        ("logging.level", "logging"),
        ("gateway.port", "restart"),
        ("gateway.bind", "restart"),
        ("gateway.customBindHost", "restart"),
        ("gateway.tls.enabled", "restart"),
        ("gateway.tailscale.mode", "restart"),
        ("gateway.mode", "restart"),
        ("canvasHost.port", "restart"),
        ("memory.backend", "restart"),
        ("memory.citations", "policy"),
        ("plugins.allow", "restart"),
        ("env.vars.A", "restart"),
        ("nodeHost.browserProxy.enabled", "restart"),
        ("somethingNew", "restart"),
        ("gateway.somethingNew", "restart"),
    ],
)
def test_each_key_has_the_effect_of_its_longest_prefix(path: str, effect: str) -> None:
    assert effect_of(tuple(path.split("."))) == effect


def test_the_table_names_keys_that_exist() -> None:
    for prefix, _ in RULES:
        places = {"channels": "telegram"}
        base = tuple(part for n, part in enumerate(prefix) if "accounts" not in prefix or n not in {2, 3})
        parts = tuple(places.get(str(base[n - 1]), "x") if part == "*" else part for n, part in enumerate(base))
        homes = ("telegram", "slack", "discord", "msteams", "googlechat", "whatsapp", "signal")
        candidates = [tuple(home if part == "telegram" else part for part in parts) for home in homes]
        assert any(spot_at(candidate) is not None for candidate in candidates), prefix


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({}, {}, set()),
        ({"a": 1}, {"a": 1}, set()),
        ({"a": 1}, {"a": 2}, {"a"}),
        ({"a": 1}, {"a": True}, {"a"}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"a"}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a.c"}),
        ({}, {"a": {"b": {"c": 1}, "d": {}}}, {"a.b.c", "a.d"}),
        ({"a": {"b": 1}}, {"a": 5}, {"a"}),
        ({}, {"channels": {"telegram": {"dmPolicy": "pairing"}}}, {"channels.telegram", "channels.telegram.dmPolicy"}),
    ],
)
def test_changes_are_found_leaf_by_leaf_and_lists_as_a_whole(before: Any, after: Any, paths: set[str]) -> None:
    assert {".".join(map(str, parts)) for parts in changed_paths(before, after)} == paths
    assert changed_paths(before, after) == changed_paths(after, before)


def test_a_plan_names_channels_accounts_and_services() -> None:
    plan = plan_reload(
        [
            ("channels", "telegram", "accounts", "alerts", "botToken"),
            ("channels", "signal", "httpUrl"),
            ("web", "enabled"),
            ("cron", "enabled"),
            ("agents", "defaults", "heartbeat", "every"),
            ("tools", "deny"),
        ]
    )
    assert plan.channels == {("telegram", "alerts"), ("signal", ""), ("whatsapp", "")}
    assert plan.services == {"cron", "heartbeat"}
    assert plan.has(Effect.POLICY)
    assert not plan.restart


def test_agents_that_change_may_change_heartbeats() -> None:
    plan = plan_reload([("agents", "list")])
    assert plan.services == {"heartbeat"}
    assert plan.has(Effect.POLICY)


@pytest.mark.parametrize(
    ("mode", "paths", "restart", "ignored"),
    [
        ("hybrid", ["gateway.port", "tools.deny"], True, 0),
        ("hybrid", ["tools.deny"], False, 0),
        ("hot", ["gateway.port", "tools.deny"], False, 1),
        ("restart", ["tools.deny"], True, 0),
        ("restart", ["meta.lastTouchedAt"], False, 0),
        ("off", ["gateway.port", "tools.deny"], False, 0),
    ],
)
def test_modes_keep_their_meaning(mode: Any, paths: list[str], restart: bool, ignored: int) -> None:
    plan = plan_reload([tuple(path.split(".")) for path in paths], mode)
    assert (plan.restart, len(plan.ignored)) == (restart, ignored)
    assert bool(plan.effects) == (mode != "off")


def test_adv_A19_secrets_are_swapped_in_hot_mode_too() -> None:
    assert plan_reload([("gateway", "auth", "token")], "hot").has(Effect.SECRET)
