"""The other checks: a clean state says nothing, a fault says what and how to mend it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from openclaw.security.doctor.context import (
    DoctorContext,
    DoctorOptions,
    GatewayFacts,
    MachineFacts,
    PluginFacts,
    ServiceFacts,
)
from openclaw.security.doctor.facts_gateway import gateway_facts
from openclaw.security.doctor.model import Finding, Level
from openclaw.security.doctor.registry import CHECKS
from openclaw.security.doctor.run import examine
from openclaw.security.service.model import Definition, OtherService, ServiceState
from openclaw.security.service.spec import service_spec
from openclaw.security.service.systemd import SystemdService
from openclaw.state.gateway_lock import GatewayOwner
from openclaw.state.layout import StateLayout
from openclaw.tools.sandbox.backend import Probe
from openclaw.tools.sandbox.select import BackendReport
from support.state_dirs import CONFIG, NOW_MS, PROFILES, canaries, context_of, environment_of, original_state, put

BASE: dict[str, Any] = {
    "gateway": {
        "mode": "local",
        "auth": {"mode": "token", "token": "a-token-of-some-length-0123"},
        "trustedProxies": [],
    },
    "session": {"dmScope": "per-channel-peer"},
    "agents": {"defaults": {"model": {"primary": "offline/demo"}}},
}


def context(home: Path, config: Any = None, options: DoctorOptions | None = None, **more: str) -> DoctorContext:
    put(home, ".openclaw/openclaw.json", BASE if config is None else config)
    (home / ".openclaw").chmod(0o700)
    return context_of(home, options, **more)


def of(found: DoctorContext, check: str) -> list[Finding]:
    return [one for one in examine(found) if one.check == check]


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            known = result.get(key)
            result[key] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def test_every_check_has_an_id_of_its_own_and_a_sentence() -> None:
    assert len({one.id for one in CHECKS}) == len(CHECKS)
    assert all(one.body.__doc__ for one in CHECKS)


def test_a_safe_config_has_no_faults(tmp_path: Path) -> None:
    levels = {
        one.check: one.level for one in examine(context(tmp_path)) if not one.check.startswith(("host.", "state."))
    }
    assert Level.ERROR not in levels.values()
    assert {check for check, level in levels.items() if level is Level.WARN} == set()


def test_nothing_that_is_found_holds_a_secret(tmp_path: Path) -> None:
    original_state(tmp_path / ".openclaw")
    text = repr(examine(context_of(tmp_path))) + repr(context_of(tmp_path).agents)
    for secret in canaries():
        assert secret not in text


# Config


def test_a_missing_config_points_to_onboarding(tmp_path: Path) -> None:
    assert "onboard" in (of(context_of(tmp_path), "config.missing")[0].hint or "")


def test_an_unset_mode_is_told(tmp_path: Path) -> None:
    assert "gateway.mode" in of(context(tmp_path, {}), "config.missing")[0].message


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"plugins": {"deny": ["telegram"]}}, "plugins.deny"),
        ({"plugins": {"entries": {"telegram": {"enabled": False}}}}, "stays off"),
    ],
)
def test_a_channel_that_is_switched_off_elsewhere_is_told(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    found = of(context(tmp_path, merged(BASE, {"channels": {"telegram": {}}}, more)), "config.channels")
    assert words in found[0].message


def test_a_channel_that_this_build_lacks_is_told(tmp_path: Path) -> None:
    found = of(
        context(tmp_path, merged(BASE, {"channels": {"signal": {}, "telegram": {"enabled": False}}})), "config.channels"
    )
    assert [one.message.partition(" ")[0] for one in found] == ["channels.signal"]


def test_a_provider_that_stands_in_for_a_built_in_one_is_told_without_its_address(tmp_path: Path) -> None:
    provider = {"baseUrl": "https://user:canary-password@other.example/v1", "models": []}
    found = of(context(tmp_path, merged(BASE, {"models": {"providers": {"openai": provider}}})), "config.providers")
    assert "openai" in found[0].message
    assert "canary" not in found[0].message
    own = {"baseUrl": "https://api.openai.com/v1/", "models": []}
    assert of(context(tmp_path, merged(BASE, {"models": {"providers": {"openai": own}}})), "config.providers") == []


def test_odd_but_valid_config_is_told(tmp_path: Path) -> None:
    binding = {"agentId": "nobody", "match": {"channel": "telegram"}}
    config = merged(BASE, {"agents": {"list": [{"id": "main"}]}, "bindings": [binding]})
    assert "bindings" in of(context(tmp_path, config), "config.warnings")[0].message


def test_secrets_in_the_config_are_counted(tmp_path: Path) -> None:
    assert "1 secret" in of(context(tmp_path), "secrets.plain")[0].message
    reference = merged(BASE, {"gateway": {"auth": {"token": "${TOKEN}"}}})
    assert of(context(tmp_path, reference, TOKEN="x"), "secrets.plain") == []


# Auth


@pytest.mark.parametrize("auth", [{}, {"mode": "token"}, {"mode": "password"}, {"mode": "token", "token": " "}])
def test_a_gateway_without_a_secret_gets_a_token(tmp_path: Path, auth: dict[str, Any]) -> None:
    found = context(tmp_path, {"gateway": {"mode": "local", "auth": auth}})
    finding = of(found, "gateway.token")[0]
    assert finding.level is Level.ERROR
    assert finding.repair is not None
    finding.repair.apply()
    after = context_of(tmp_path)
    assert after.policy is not None
    assert after.policy.gateway.has_shared_secret
    token = after.document["gateway"]["auth"]["token"]
    assert len(token) == 48
    assert token not in repr(finding)
    assert of(after, "gateway.token") == []


def test_a_new_token_can_be_asked_for(tmp_path: Path) -> None:
    options = DoctorOptions(generate_token=True, quick=True)
    finding = of(context(tmp_path, options=options), "gateway.token")[0]
    assert finding.repair is not None
    finding.repair.apply()
    assert context_of(tmp_path).document["gateway"]["auth"]["token"] != BASE["gateway"]["auth"]["token"]


def test_a_token_cannot_be_made_for_an_invalid_config(tmp_path: Path) -> None:
    found = context(tmp_path, {"gateway": {"port": "x"}}, DoctorOptions(generate_token=True, quick=True))
    assert of(found, "gateway.token")[0].level is Level.ERROR


@pytest.mark.parametrize("gateway", [{"mode": "remote", "remote": {"url": "wss://x"}}, {}])
def test_a_remote_or_unset_gateway_gets_no_token(tmp_path: Path, gateway: dict[str, Any]) -> None:
    assert of(context(tmp_path, {"gateway": gateway}), "gateway.token") == []


def test_credentials_that_end_rest_or_are_odd_are_told(tmp_path: Path) -> None:
    put(
        tmp_path,
        ".openclaw/agents/main/agent/auth-profiles.json",
        {
            "profiles": {
                "a:gone": {"type": "oauth", "provider": "a", "access": "canary-a", "expires": NOW_MS - 1},
                "b:soon": {"type": "token", "provider": "b", "token": "canary-b", "expires": NOW_MS + 3_600_000},
                "c:fine": {"type": "api_key", "provider": "c", "key": "canary-c"},
                "d:odd": {"type": "strange", "provider": "d"},
                "anthropic:claude-cli": {"type": "oauth", "provider": "anthropic", "access": "canary-e"},
            },
            "usageStats": {"c:fine": {"disabledUntil": NOW_MS + 600_000, "disabledReason": "billing"}},
        },
    )
    found = [one.message for one in of(context(tmp_path), "auth.profiles")]
    assert [text.partition("profile ")[2].split(" ")[0] for text in found] == [
        "a:gone",
        "b:soon",
        "c:fine",
        "d:odd",
        "anthropic:claude-cli",
    ]
    assert "has expired; a login is not renewed by itself" in found[0]
    assert "expires in 1 h" in found[1]
    assert "billing" in found[2]
    assert "canary" not in "".join(found)


def test_credentials_that_are_no_json_are_told(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw/agents/main/agent/auth-profiles.json", '{"x": "canary')
    finding = of(context(tmp_path), "auth.profiles")[0]
    assert finding.level is Level.ERROR
    assert "canary" not in finding.message


def test_without_any_key_the_offline_model_is_named(tmp_path: Path) -> None:
    plain = {"gateway": BASE["gateway"]}
    assert of(context(tmp_path, plain), "models.none")
    assert of(context(tmp_path, plain, OPENAI_API_KEY="x"), "models.none") == []
    put(tmp_path, ".openclaw/agents/main/agent/auth-profiles.json", PROFILES)
    assert of(context(tmp_path, plain), "models.none") == []


def test_a_config_that_is_managed_elsewhere_gets_no_repair(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw/agents/main/sessions/sessions.json", {})
    (tmp_path / ".openclaw/credentials").mkdir(mode=0o700)
    found = context(tmp_path, {"gateway": {"mode": "local"}, "bridge": {}}, None, OPENCLAW_NIX_MODE="1")
    listed = examine(found)
    assert "managed elsewhere" in next(one.message for one in listed if one.check == "config.shape")
    assert [one.check for one in listed if one.repair is not None] == []
    put(tmp_path, ".openclaw/openclaw.json", {"gateway": {"mode": "local"}})
    assert "managed" in of(context_of(tmp_path, None, OPENCLAW_NIX_MODE="1"), "gateway.token")[0].message


# What runs


def test_a_sandbox_that_does_not_work_is_an_error(tmp_path: Path) -> None:
    config = merged(BASE, {"agents": {"defaults": {"sandbox": {"mode": "all"}}}})
    found = context(tmp_path, config)
    broken = replace(found, sandbox=(BackendReport("bwrap", Probe(usable=False, detail="no user namespaces")),))
    finding = of(broken, "sandbox.backend")[0]
    assert finding.level is Level.ERROR
    assert "no user namespaces" in finding.message
    working = replace(found, sandbox=(BackendReport("bwrap", Probe(usable=True, detail="works")),))
    assert of(working, "sandbox.backend") == []


def test_a_back_end_that_this_build_lacks_is_an_error(tmp_path: Path) -> None:
    config = merged(BASE, {"agents": {"defaults": {"sandbox": {"mode": "non-main", "backend": "seatbelt"}}}})
    assert "seatbelt" in of(context(tmp_path, config), "sandbox.backend")[0].message


def test_container_settings_of_an_agent_in_a_shared_sandbox_are_told(tmp_path: Path) -> None:
    sandbox = {"scope": "shared", "docker": {"image": "x"}, "prune": {"idleHours": 1}}
    config = merged(BASE, {"agents": {"list": [{"id": "main", "sandbox": sandbox}]}})
    message = of(context(tmp_path, config), "sandbox.overrides")[0].message
    assert "agents.list.0.sandbox.docker" in message
    assert "prune" in message


def service(home: Path, definition: Definition, *, running: bool = False, **more: Any) -> ServiceFacts:
    environment = environment_of(home)
    manager = SystemdService(service_spec(StateLayout.at(home / ".openclaw"), environment), environment)
    state = ServiceState("systemd", "u", manager.file, definition, running=running, detail="inactive (dead)")
    return ServiceFacts(manager, state, **more)


@pytest.mark.parametrize(
    ("definition", "level", "offers"),
    [
        (Definition.ABSENT, Level.NOTE, False),
        (Definition.OUTDATED, Level.WARN, True),
        (Definition.EDITED, Level.WARN, False),
        (Definition.CURRENT, None, False),
    ],
)
def test_a_service_definition_is_judged(
    tmp_path: Path, definition: Definition, level: Level | None, offers: bool
) -> None:
    found = of(replace(context(tmp_path), service=service(tmp_path, definition)), "service.definition")
    assert [one.level for one in found] == ([] if level is None else [level])
    assert [one.repair is not None for one in found] == ([] if level is None else [offers])
    if offers:
        assert found[0].repair is not None
        assert not found[0].repair.safe


def test_an_edited_service_is_rewritten_by_force_alone(tmp_path: Path) -> None:
    found = context(tmp_path, options=DoctorOptions(force=True, quick=True))
    finding = of(replace(found, service=service(tmp_path, Definition.EDITED)), "service.definition")[0]
    assert finding.repair is not None
    assert finding.repair.safe


def test_other_gateways_lingering_and_a_stopped_service_are_told(tmp_path: Path) -> None:
    facts = service(
        tmp_path,
        Definition.CURRENT,
        lingers=False,
        others=(OtherService(Path("/etc/systemd/system/clawdbot.service")),),
    )
    found = replace(context(tmp_path), service=facts, gateway=GatewayFacts())
    assert "clawdbot" in of(found, "service.others")[0].message
    linger, start = of(found, "service.linger")[0], of(found, "gateway.health")[0]
    assert linger.repair is not None
    assert "enable-linger" in linger.repair.describe()[0]
    assert start.repair is not None
    assert (linger.repair.safe, start.repair.safe) == (False, False)


def test_a_machine_without_a_service_manager_is_told(tmp_path: Path) -> None:
    found = replace(context(tmp_path), service=ServiceFacts(fault="this build installs no service on plan9"))
    assert "plan9" in of(found, "service.definition")[0].message


def test_the_gateway_is_told_as_it_is(tmp_path: Path) -> None:
    found, owner = context(tmp_path), GatewayOwner(pid=5, port=18789)
    calm = replace(found, service=ServiceFacts())
    assert "does not run" in of(replace(calm, gateway=GatewayFacts()), "gateway.health")[0].message
    taken = replace(calm, gateway=GatewayFacts(listener="nginx, pid 9"))
    assert "nginx" in of(taken, "gateway.health")[0].message
    silent = replace(calm, gateway=GatewayFacts(owner, answers=False, error="refused."))
    assert of(silent, "gateway.health")[0].level is Level.WARN
    well = replace(calm, gateway=GatewayFacts(owner, answers=True, channels=(("telegram", "default", "401"),)))
    assert of(well, "gateway.health")[0].level is Level.NOTE
    assert "telegram (default): 401" in of(well, "gateway.channels")[0].message


def test_adv_A22_a_stranger_on_the_port_is_never_asked_with_our_secret(tmp_path: Path) -> None:
    """Only the process that holds the lock and listens itself gets the token."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as squatter:
        squatter.settimeout(0.2)
        port = squatter.getsockname()[1]
        found = context(tmp_path, merged(BASE, {"gateway": {"port": port}}))
        assert found.gateway.answers is None
        facts = gateway_facts(found.layout, found.environment, found.loaded.config, found.policy, quick=True)
        assert facts.answers is None
        with pytest.raises(TimeoutError):
            squatter.accept()


# Exposure


@pytest.mark.parametrize(
    ("gateway", "level"),
    [({"bind": "lan"}, Level.WARN), ({"bind": "lan", "auth": {"mode": "password"}}, Level.ERROR), ({}, None)],
)
def test_a_gateway_that_others_reach_is_told(tmp_path: Path, gateway: dict[str, Any], level: Level | None) -> None:
    found = of(context(tmp_path, merged(BASE, {"gateway": gateway})), "security.bind")
    assert [one.level for one in found] == ([] if level is None else [level])


def test_a_funnel_is_told(tmp_path: Path) -> None:
    config = merged(BASE, {"gateway": {"auth": {"password": "x" * 24}, "tailscale": {"mode": "funnel"}}})
    assert "internet" in of(context(tmp_path, config), "security.bind")[0].message


@pytest.mark.parametrize(
    ("telegram", "words"),
    [
        ({"dmPolicy": "open", "allowFrom": ["*"]}, "anybody may write"),
        ({"dmPolicy": "disabled"}, "switched off"),
        ({"dmPolicy": "allowlist"}, "the list is empty"),
        ({"groupPolicy": "open"}, "any group"),
        ({"dmPolicy": "allowlist", "allowFrom": ["1"]}, None),
        ({"enabled": False, "dmPolicy": "open", "allowFrom": ["*"]}, None),
    ],
)
def test_who_may_talk_is_told_per_channel(tmp_path: Path, telegram: dict[str, Any], words: str | None) -> None:
    found = of(context(tmp_path, merged(BASE, {"channels": {"telegram": telegram}})), "security.channels")
    assert len(found) == (0 if words is None else 1)
    assert words is None or words in found[0].message


def test_an_allowlist_with_approved_people_is_not_locked(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw/credentials/telegram-allowFrom.json", {"version": 1, "allowFrom": ["7"]})
    config = merged(BASE, {"channels": {"telegram": {"dmPolicy": "allowlist"}}})
    assert of(context(tmp_path, config), "security.channels") == []


def test_several_people_in_one_session_are_told(tmp_path: Path) -> None:
    config = merged(
        BASE,
        {"session": {"dmScope": "main"}, "channels": {"telegram": {"dmPolicy": "allowlist", "allowFrom": ["1", "2"]}}},
    )
    assert "share one session" in of(context(tmp_path, config), "security.channels")[0].message


def test_only_accounts_that_the_config_names_are_told(tmp_path: Path) -> None:
    account = {"dmPolicy": "open", "allowFrom": ["*"]}
    config = merged(BASE, {"channels": {"telegram": {"dmPolicy": "disabled", "accounts": {"work": account}}}})
    messages = [one.message for one in of(context(tmp_path, config), "security.channels")]
    assert messages == ["telegram (work): anybody may write to the bot in private."]


# The machine, skills, workspace


def test_the_hints_about_the_machine_are_never_repairs(tmp_path: Path) -> None:
    machine = MachineFacts(uid=0, user="root", login_users=("ann", "bob", "root"), disk="plain")
    found = [one for one in examine(replace(context(tmp_path), machine=machine)) if one.check.startswith("host.")]
    assert {one.check for one in found} == {"host.root", "host.users", "host.disk"}
    assert all(one.repair is None for one in found)


def test_a_person_alone_on_an_encrypted_disk_is_left_in_peace(tmp_path: Path) -> None:
    machine = MachineFacts(uid=1000, user="ann", login_users=("ann",), disk="encrypted")
    found = examine(replace(context(tmp_path), machine=machine))
    assert [one for one in found if one.check.startswith("host.")] == []


@pytest.mark.parametrize(("model", "words"), [("nonsense/x", "unknown"), ("openai/gpt-5.2", None)])
def test_the_model_of_the_mail_hook_must_exist(tmp_path: Path, model: str, words: str | None) -> None:
    config = merged(BASE, {"hooks": {"gmail": {"model": model}}})
    found = of(context(tmp_path, config), "hooks.gmail_model")
    assert len(found) == (0 if words is None else 1)
    assert words is None or words in found[0].message


def test_the_model_of_the_mail_hook_must_be_allowed(tmp_path: Path) -> None:
    models = {"models": {"openai/gpt-5.2": {}}, "model": {"primary": "openai/gpt-5.2"}}
    config = merged(BASE, {"agents": {"defaults": models}, "hooks": {"gmail": {"model": "anthropic/claude-opus-4-6"}}})
    assert "not allowed" in of(context(tmp_path, config), "hooks.gmail_model")[0].message


def test_plugins_and_skills_are_counted_and_broken_ones_named(tmp_path: Path) -> None:
    put(tmp_path, ".openclaw/workspace/skills/one/SKILL.md", "x")
    found = replace(context(tmp_path), plugins=(PluginFacts("fine"), PluginFacts("broken", "it is no JSON.")))
    messages = [one.message for one in of(found, "plugins.state")]
    assert messages == ["1 skill in the workspaces, 2 installed plugins.", "Plugin broken: it is no JSON."]


def test_tips_for_the_workspace_can_be_left_out(tmp_path: Path) -> None:
    (tmp_path / ".openclaw/workspace").mkdir(parents=True)
    assert of(context(tmp_path), "workspace.tips")
    assert of(context(tmp_path, options=DoctorOptions(suggest=False, quick=True)), "workspace.tips") == []


def test_completion_is_a_tip_for_shells_that_have_it(tmp_path: Path) -> None:
    options = DoctorOptions(shell="zsh", quick=True)
    assert "zsh" in of(context(tmp_path, options=options), "shell.completion")[0].message
    put(tmp_path, ".zshrc", 'eval "$(openclaw completion zsh)"')
    assert of(context(tmp_path, options=options), "shell.completion") == []
    assert of(context(tmp_path, options=DoctorOptions(shell="tcsh", quick=True)), "shell.completion") == []


def test_the_config_of_the_original_is_read_as_it_is(tmp_path: Path) -> None:
    found = context(tmp_path, CONFIG)
    assert found.loaded.config is not None
    assert of(found, "config.invalid") == []
