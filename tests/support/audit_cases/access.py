"""Cases of who may talk and what they reach."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from support.audit import AuditHome, Case, plugin

OPEN: dict[str, Any] = {"dmPolicy": "open", "allowFrom": ["*"]}
OPEN_DM: dict[str, Any] = {"policy": "open", "allowFrom": ["*"]}
BOXED: dict[str, Any] = {"defaults": {"sandbox": {"mode": "all"}}}


def telegram(loaded: bool = False, **keys: Any) -> dict[str, Any]:
    plugins = {"plugins": {"entries": {"telegram": {"enabled": True}}}} if loaded else {}
    return {"channels": {"telegram": {"botToken": "1:x", **keys}}, **plugins}


def discord(loaded: bool = False, **keys: Any) -> dict[str, Any]:
    plugins = {"plugins": {"entries": {"discord": {"enabled": True}}}} if loaded else {}
    return {"channels": {"discord": {"token": "x", **keys}}, **plugins}


def slack(**keys: Any) -> dict[str, Any]:
    section = {"botToken": "xoxb", "appToken": "xapp", **keys}
    return {"channels": {"slack": section}, "plugins": {"entries": {"slack": {"enabled": True}}}}


def store(channel: str, *people: str) -> Callable[[AuditHome], object]:
    text = json.dumps({"version": 1, "allowFrom": list(people)})
    return lambda home: home.file(f"credentials/{channel}-allowFrom.json", text)


ELEVATED = (
    Case(
        "tools.elevated.allowFrom.telegram.wildcard",
        "critical",
        {"tools": {"elevated": {"allowFrom": {"telegram": [" * "]}}}},
        {"tools": {"elevated": {"enabled": False, "allowFrom": {"telegram": ["*"]}}}},
        seed=True,
    ),
    Case(
        "tools.elevated.allowFrom.telegram.large",
        "warn",
        {"tools": {"elevated": {"allowFrom": {"telegram": [1] * 26}}}},
        {"tools": {"elevated": {"allowFrom": {"telegram": [*range(25), " "]}}}},
        seed=True,
    ),
    Case(
        "tools.elevated.allowFrom.telegram.not_a_sender",
        "warn",
        {"tools": {"elevated": {"allowFrom": {"telegram": ["-100123"]}}}},
        {"tools": {"elevated": {"allowFrom": {"telegram": ["123"]}}}},
    ),
    Case(
        "tools.elevated.allowFrom.whatsapp.not_a_sender",
        "warn",
        {"tools": {"elevated": {"allowFrom": {"whatsapp": ["123@g.us"]}}}},
        {"tools": {"elevated": {"allowFrom": {"whatsapp": ["+123"]}}}},
    ),
)

EXPOSURE = (
    Case(
        "security.exposure.open_groups_with_elevated",
        "critical",
        telegram(groupPolicy="open"),
        {**telegram(groupPolicy="open"), "tools": {"elevated": {"enabled": False}}},
        seed=True,
        says="channels.telegram.groupPolicy",
    ),
    Case(
        "security.exposure.open_groups_with_elevated",
        "critical",
        {"channels": {"defaults": {"groupPolicy": "open"}, "telegram": {"botToken": "1:x"}}},
        telegram(accounts={"a": {"botToken": "2:x"}}),
        seed=True,
        says="lets nobody in",
    ),
    Case(
        "security.exposure.open_groups_with_runtime_or_fs",
        "critical",
        telegram(**OPEN),
        {**telegram(**OPEN), "agents": BOXED},
        says="exec",
    ),
    Case(
        "security.exposure.open_groups_with_runtime_or_fs",
        "warn",
        {**telegram(groupPolicy="open"), "tools": {"deny": ["group:runtime"]}},
        {**telegram(groupPolicy="open"), "tools": {"deny": ["group:runtime"], "fs": {"workspaceOnly": True}}},
    ),
    Case(
        "security.exposure.open_groups_with_runtime_or_fs",
        "critical",
        telegram(groups={"-1": {"groupPolicy": "open"}}),
        telegram(groups={"-1": {"groupPolicy": "allowlist"}}),
        says="channels.telegram.groups.-1.groupPolicy",
    ),
    Case(
        "security.exposure.open_groups_with_control_plane_tools",
        "critical",
        {**telegram(**OPEN), "agents": BOXED, "tools": {"sandbox": {"tools": {"allow": ["cron"], "deny": []}}}},
        {**telegram(**OPEN), "tools": {"deny": ["cron", "gateway", "nodes"]}},
        says="cron",
    ),
    Case(
        "security.exposure.open_channels_with_exec",
        "warn",
        {**telegram(**OPEN), "tools": {"exec": {"security": "allowlist"}}},
        {**telegram(**OPEN), "tools": {"exec": {"security": "deny"}}},
    ),
    Case(
        "security.exposure.open_channels_with_exec",
        "critical",
        {**telegram(**OPEN), "agents": {"list": [{"id": "a", "tools": {"exec": {"security": "full"}}}]}},
        {**telegram(), "tools": {"exec": {"security": "full"}}},
    ),
    Case(
        "security.trust_model.multi_user_heuristic",
        "warn",
        telegram(groupPolicy="allowlist", groups={"-1": {}}),
        telegram(groups={"-1": {}}),
    ),
    Case(
        "security.trust_model.multi_user_heuristic",
        "warn",
        telegram(accounts={"a": {"groupAllowFrom": ["*"]}}),
        telegram(accounts={"a": {"groupAllowFrom": ["1"]}}),
    ),
    Case(
        "security.trust_model.group_scope_main",
        "warn",
        {**telegram(groups={"-1": {}}), "session": {"scope": "global"}},
        {**telegram(), "session": {"scope": "global"}},
    ),
    Case(
        "security.trust_model.cross_agent_session_access_default",
        "info",
        {
            "agents": {"list": [{"id": "a", "default": True}, {"id": "b"}]},
            "tools": {"sessions": {"visibility": "all"}, "agentToAgent": {"enabled": True}},
        },
        {
            "agents": {"list": [{"id": "a", "default": True}, {"id": "b"}]},
            "tools": {"sessions": {"visibility": "all"}, "agentToAgent": {"enabled": True, "allow": ["a"]}},
        },
    ),
    Case(
        "security.trust_model.cross_agent_session_access_default",
        "warn",
        {
            **telegram(**OPEN),
            "agents": {"list": [{"id": "a", "default": True}, {"id": "b"}]},
            "tools": {"sessions": {"visibility": "all"}, "agentToAgent": {"enabled": True}},
        },
    ),
)

CHANNELS = (
    Case("channels.telegram.dm.open", "critical", telegram(loaded=True, **OPEN), telegram(loaded=True), seed=True),
    Case("channels.telegram.dm.open", "critical", telegram(**OPEN), telegram(enabled=False, **OPEN)),
    Case(
        "channels.lax.dm.open_invalid",
        "warn",
        {"channels": {"lax": {"dmPolicy": "open"}}, "plugins": {"allow": ["lax"]}},
        {"channels": {"lax": {"dmPolicy": "open", "allowFrom": ["*"]}}, "plugins": {"allow": ["lax"]}},
        setup=lambda home: plugin(home, "lax", channel="lax"),
    ),
    Case(
        "channels.telegram.dm.disabled",
        "info",
        telegram(loaded=True, dmPolicy="disabled"),
        telegram(loaded=True, dmPolicy="pairing"),
        seed=True,
    ),
    Case(
        "channels.telegram.dm.scope_main_multiuser",
        "warn",
        telegram(loaded=True, allowFrom=["tg:1"]),
        {**telegram(loaded=True, allowFrom=["tg:1"]), "session": {"dmScope": "per-channel-peer"}},
        setup=store("telegram", "2"),
        seed=True,
    ),
    Case(
        "channels.telegram.dm.scope_main_multiuser",
        "warn",
        telegram(loaded=True, allowFrom=["telegram:1", "2"]),
        telegram(loaded=True, allowFrom=["telegram:1", "tg:1", 1]),
        setup=store("telegram", "1"),
        seed=True,
    ),
    Case(
        "channels.telegram.warning.1",
        "critical",
        telegram(loaded=True, groupPolicy="open", groupAllowFrom=["1"]),
        telegram(loaded=True, groupPolicy="allowlist", groupAllowFrom=["1"]),
        seed=True,
    ),
    Case(
        "channels.discord.warning.1",
        "critical",
        {"plugins": {"entries": {"discord": {"enabled": True}}}},
        discord(loaded=True),
        env={"DISCORD_BOT_TOKEN": "x"},
        seed=True,
    ),
    Case(
        "channels.googlechat.warning.3",
        "warn",
        {
            "channels": {"googlechat": {"serviceAccountFile": "/x.json", "dm": OPEN_DM}},
            "plugins": {"entries": {"googlechat": {"enabled": True}}},
        },
        {
            "channels": {"googlechat": {"serviceAccountFile": "/x.json"}},
            "plugins": {"entries": {"googlechat": {"enabled": True}}},
        },
        seed=True,
    ),
    Case("channels.telegram.groups.open", "critical", telegram(groupPolicy="open"), telegram()),
    Case(
        "channels.telegram.groups.open",
        "critical",
        telegram(loaded=True, accounts={"a": {"botToken": "2:x"}, "b": {"botToken": "3:x", "groupPolicy": "open"}}),
        telegram(loaded=True, accounts={"a": {"botToken": "2:x"}, "b": {"botToken": "3:x", "enabled": False}}),
    ),
    Case(
        "channels.discord.commands.native.unrestricted",
        "critical",
        {**discord(loaded=True, guilds={"1": {}}), "commands": {"useAccessGroups": False}},
        {**discord(loaded=True, guilds={"1": {"users": ["1"]}}), "commands": {"useAccessGroups": False}},
        seed=True,
    ),
    Case(
        "channels.discord.commands.native.no_allowlists",
        "warn",
        discord(loaded=True, guilds={"1": {}}),
        discord(loaded=True, guilds={"1": {}}, dm={"allowFrom": ["1"]}),
        seed=True,
    ),
    Case(
        "channels.discord.commands.native.no_allowlists",
        "warn",
        discord(loaded=True, guilds={"1": {}}),
        {**discord(loaded=True, guilds={"1": {}}), "commands": {"native": False, "nativeSkills": False}},
        seed=True,
    ),
    Case(
        "channels.slack.commands.slash.useAccessGroups_off",
        "critical",
        {**slack(slashCommand={"enabled": True}), "commands": {"useAccessGroups": False}},
        {**slack(), "commands": {"useAccessGroups": False}},
        seed=True,
    ),
    Case(
        "channels.slack.commands.slash.no_allowlists",
        "warn",
        slack(commands={"native": True}),
        slack(commands={"native": True}, channels={"C1": {"users": ["U1"]}}),
        seed=True,
    ),
    Case(
        "channels.telegram.groups.allowFrom.wildcard",
        "critical",
        telegram(loaded=True, groups={"*": {}}, groupAllowFrom=["*"]),
        telegram(loaded=True, groups={"*": {}}, groupAllowFrom=["1"]),
        seed=True,
    ),
    Case(
        "channels.telegram.groups.allowFrom.missing",
        "critical",
        telegram(loaded=True, groups={"-1": {}}),
        telegram(loaded=True, groups={"-1": {"topics": {"7": {"allowFrom": [1]}}}}),
        seed=True,
    ),
    Case(
        "channels.telegram.groups.allowFrom.missing",
        "critical",
        telegram(loaded=True, groups={"-1": {}}),
        {**telegram(loaded=True, groups={"-1": {}}), "commands": {"text": False}},
        seed=True,
    ),
    Case(
        "channels.telegram.allowFrom.invalid_entries",
        "warn",
        telegram(allowFrom=["@someone"]),
        telegram(allowFrom=["tg:12", 34, "-100"]),
        says="@someone",
    ),
    Case(
        "channels.discord.allowlisted_groups.broad_members",
        "warn",
        discord(guilds={"1": {}}),
        discord(guilds={"1": {"channels": {"2": {"users": ["3"]}}}}),
    ),
    Case(
        "channels.telegram.allowFrom.not_an_id", "warn", telegram(allowFrom=["@someone"]), telegram(allowFrom=["tg:12"])
    ),
    Case(
        "channels.slack.allowFrom.not_an_id",
        "warn",
        slack(dm={"allowFrom": ["someone@example.org"]}),
        slack(dm={"allowFrom": ["U0123ABC"]}),
    ),
    Case(
        "channels.telegram.debug_output_in_groups",
        "warn",
        telegram(groups={"-1": {"allowDebugOutput": True}}),
        telegram(groups={"-1": {"allowDebugOutput": False}}),
    ),
    Case(
        "channels.telegram.tools_by_sender.name_key",
        "warn",
        telegram(groups={"-1": {"toolsBySender": {"alice": {"allow": ["exec"]}}}}),
        telegram(groups={"-1": {"toolsBySender": {"id:5": {"allow": ["exec"]}, "77": {}, "*": {}}}}),
        says="alice",
    ),
    Case(
        "bindings.unknown_agent",
        "warn",
        {"agents": {"list": [{"id": "a"}]}, "bindings": [{"agentId": "b", "match": {"channel": "telegram"}}]},
        {"agents": {"list": [{"id": "a"}]}, "bindings": [{"agentId": "A", "match": {"channel": "telegram"}}]},
    ),
    Case(
        "config.widened_since_seed",
        "warn",
        telegram(**OPEN, accounts={"a": {"botToken": "2:x"}}),
        telegram(**OPEN, accounts={"a": {"botToken": "2:x", "dmPolicy": "pairing"}}),
        says="channels.telegram.accounts.a",
    ),
)

CASES = (*ELEVATED, *EXPOSURE, *CHANNELS)
