"""Cases of the gateway's own rules."""

from __future__ import annotations

import json
from typing import Any

from support.audit import SECRET, AuditHome, Case

LAN: dict[str, Any] = {"bind": "lan", "controlUi": {"allowedOrigins": ["https://claw.example.org"]}}
SHORT = "x" * 23
ENOUGH = "x" * 24


def gateway(**keys: Any) -> dict[str, Any]:
    return {"gateway": keys}


def auth(**keys: Any) -> dict[str, Any]:
    return gateway(auth={"token": None, **keys})


def hooks(**keys: Any) -> dict[str, Any]:
    return {"hooks": {"enabled": True, "token": "h" * 30, **keys}}


def proxied(**keys: Any) -> dict[str, Any]:
    block = {"userHeader": "x-user", "allowUsers": ["me@example.org"], **keys}
    return gateway(auth={"token": None, "mode": "trusted-proxy", "trustedProxy": block}, trustedProxies=["10.0.0.2"])


TWO = {"agents": {"list": [{"id": "main", "default": True}, {"id": "work"}]}}


def paired_node(home: AuditHome) -> None:
    record = {"deviceId": "ab" * 32, "roles": ["node"], "displayName": "desk", "commands": ["browser.proxy"]}
    home.file("devices/paired.json", json.dumps({"ab" * 32: record}))


GATEWAY = (
    Case("gateway.bind_no_auth", "critical", gateway(bind="lan", auth={"token": None}), gateway(bind="lan"), seed=True),
    Case(
        "gateway.bind_no_auth", "critical", gateway(bind="auto", auth={"token": "  "}), gateway(bind="auto"), seed=True
    ),
    Case(
        "gateway.bind_no_auth",
        "critical",
        gateway(bind="tailnet", tailscale={"mode": "serve"}, auth={"token": None}),
        gateway(bind="tailnet", auth={"token": {"source": "file", "path": "/nowhere/token"}}),
        seed=True,
    ),
    Case(
        "gateway.trusted_proxies_missing", "warn", gateway(trustedProxies=None), gateway(trustedProxies=[]), seed=True
    ),
    Case(
        "gateway.trusted_proxies_missing",
        "warn",
        gateway(trustedProxies=None),
        gateway(trustedProxies=None, controlUi={"enabled": False}),
        seed=True,
    ),
    Case("gateway.loopback_no_auth", "critical", auth(), gateway(controlUi={"enabled": True}), seed=True),
    Case(
        "gateway.loopback_no_auth", "critical", auth(mode="password"), auth(mode="password", password=ENOUGH), seed=True
    ),
    Case(
        "gateway.loopback_no_auth",
        "critical",
        gateway(auth={"token": None, "mode": "password"}, tailscale={"mode": "serve"}),
        gateway(auth={"token": None}, tailscale={"mode": "serve"}),
        seed=True,
    ),
    Case(
        "gateway.tailscale_funnel",
        "critical",
        gateway(tailscale={"mode": "funnel"}),
        gateway(tailscale={"mode": "serve"}),
        seed=True,
    ),
    Case(
        "gateway.tailscale_serve",
        "info",
        gateway(tailscale={"mode": "serve"}),
        gateway(tailscale={"mode": "off"}),
        seed=True,
    ),
    Case(
        "gateway.control_ui.insecure_auth",
        "critical",
        gateway(controlUi={"allowInsecureAuth": True}),
        gateway(controlUi={"allowInsecureAuth": False}),
        seed=True,
    ),
    Case(
        "gateway.control_ui.device_auth_disabled",
        "critical",
        gateway(controlUi={"dangerouslyDisableDeviceAuth": True}),
        gateway(controlUi={"dangerouslyDisableDeviceAuth": False}),
        seed=True,
    ),
    Case("gateway.token_too_short", "warn", auth(token=f" {SHORT} "), auth(token=f" {ENOUGH} "), seed=True, says="23"),
    Case("gateway.token_too_short", "warn", auth(), env={"OPENCLAW_GATEWAY_TOKEN": SHORT}, seed=True),
    Case(
        "gateway.token_too_short", "warn", auth(), auth(mode="password"), env={"CLAWDBOT_GATEWAY_TOKEN": "a"}, seed=True
    ),
)

DOORS = (
    Case(
        "gateway.tools_invoke_http.dangerous_allow",
        "warn",
        gateway(tools={"allow": ["group:runtime"]}),
        gateway(tools={"allow": ["read"]}),
        says="exec",
    ),
    Case("gateway.tools_invoke_http.dangerous_allow", "critical", gateway(**LAN, tools={"allow": ["cron"]})),
    Case(
        "gateway.tools_invoke_http.dangerous_allow",
        "critical",
        gateway(tailscale={"mode": "funnel"}, tools={"allow": ["*"]}),
    ),
    Case(
        "gateway.env_token_overrides_config",
        "warn",
        {},
        gateway(mode="remote", remote={"url": "wss://far.example"}),
        env={"OPENCLAW_GATEWAY_TOKEN": "y" * 30},
    ),
    Case(
        "gateway.env_token_overrides_config",
        "warn",
        {},
        auth(token="${OPENCLAW_GATEWAY_TOKEN}"),
        env={"OPENCLAW_GATEWAY_TOKEN": "y" * 30},
    ),
    Case("gateway.control_ui.allowed_origins_required", "critical", gateway(bind="lan"), gateway(**LAN)),
    Case(
        "gateway.control_ui.allowed_origins_required",
        "critical",
        gateway(bind="lan", controlUi={"allowedOrigins": []}),
        gateway(bind="lan", controlUi={"enabled": False}),
    ),
    Case(
        "gateway.control_ui.allowed_origins_wildcard",
        "warn",
        gateway(controlUi={"allowedOrigins": ["*"]}),
        gateway(controlUi={"allowedOrigins": ["https://a.example"]}),
    ),
    Case(
        "gateway.control_ui.allowed_origins_wildcard",
        "critical",
        gateway(bind="lan", controlUi={"allowedOrigins": ["*"]}),
        gateway(**LAN),
    ),
    Case(
        "gateway.control_ui.host_header_origin_fallback",
        "warn",
        gateway(controlUi={"dangerouslyAllowHostHeaderOriginFallback": True}),
        gateway(controlUi={"dangerouslyAllowHostHeaderOriginFallback": False}),
    ),
    Case(
        "gateway.control_ui.host_header_origin_fallback",
        "critical",
        gateway(bind="lan", controlUi={"dangerouslyAllowHostHeaderOriginFallback": True}),
    ),
    Case(
        "gateway.real_ip_fallback_enabled",
        "warn",
        gateway(allowRealIpFallback=True),
        gateway(allowRealIpFallback=False),
    ),
    Case("gateway.real_ip_fallback_enabled", "critical", gateway(**LAN, allowRealIpFallback=True)),
    Case(
        "gateway.real_ip_fallback_enabled",
        "critical",
        {"gateway": {**proxied()["gateway"], "allowRealIpFallback": True}},
        proxied(),
    ),
    Case("gateway.token_placeholder_value", "critical", auth(token="undefined"), auth(token="undefined" + ENOUGH)),
    Case("gateway.token_placeholder_value", "critical", auth(token="  "), auth()),
    Case(
        "gateway.password_placeholder_value", "critical", auth(mode="password", password="NULL"), auth(mode="password")
    ),
    Case(
        "gateway.password_too_short",
        "warn",
        auth(password=SHORT),
        auth(password=ENOUGH),
        says="23",
    ),
    Case("gateway.password_too_short", "warn", auth(password="a"), auth(mode="password", password="null")),
    Case(
        "gateway.auth_no_rate_limit",
        "warn",
        auth(token=SECRET, rateLimit={"maxAttempts": 101}),
        auth(token=SECRET, rateLimit={"maxAttempts": 100}),
    ),
    Case(
        "gateway.auth_no_rate_limit",
        "warn",
        auth(token=SECRET, rateLimit={"lockoutMs": 9999}),
        auth(token=SECRET, rateLimit={"lockoutMs": 10000}),
    ),
    Case("gateway.http.no_auth", "warn", auth(), {}),
    Case("gateway.http.no_auth", "critical", gateway(auth={"token": None}, tailscale={"mode": "serve"}), proxied()),
    Case(
        "gateway.http.session_key_override_enabled",
        "info",
        gateway(http={"endpoints": {"responses": {"enabled": True}}}),
        gateway(http={"endpoints": {"responses": {"enabled": False}}}),
    ),
)

PROXY = (
    Case("gateway.trusted_proxy_auth", "critical", proxied(), {}),
    Case(
        "gateway.trusted_proxy_no_proxies",
        "critical",
        {"gateway": {**proxied()["gateway"], "trustedProxies": []}},
        proxied(),
    ),
    Case("gateway.trusted_proxy_no_user_header", "critical", proxied(userHeader=" "), proxied()),
    Case("gateway.trusted_proxy_allow_loopback", "warn", proxied(allowLoopback=True), proxied(allowLoopback=False)),
    Case("gateway.trusted_proxy_no_allowlist", "warn", proxied(allowUsers=[]), proxied()),
)

REACH = (
    Case("config.agent_roster.invalid_default_count", "warn", {"agents": {"list": [{"id": "a"}, {"id": "b"}]}}, TWO),
    Case(
        "config.agent_roster.invalid_default_count",
        "warn",
        {"agents": {"list": [{"id": "a", "default": True}, {"id": "b", "default": True}]}},
        {"agents": {"list": [{"id": "a"}]}},
    ),
    Case(
        "discovery.mdns_full_mode",
        "warn",
        {"discovery": {"mdns": {"mode": "full"}}},
        {"discovery": {"mdns": {"mode": "minimal"}}},
    ),
    Case("discovery.mdns_full_mode", "critical", {**gateway(**LAN), "discovery": {"mdns": {"mode": "full"}}}),
    Case(
        "config.insecure_or_dangerous_flags",
        "warn",
        {"tools": {"fs": {"workspaceOnly": False}}},
        {"tools": {"fs": {"workspaceOnly": True}}},
        says="tools.fs.workspaceOnly=false",
    ),
    Case(
        "config.insecure_or_dangerous_flags",
        "warn",
        hooks(mappings=[{"match": {"path": "x"}, "allowUnsafeExternalContent": True}]),
        hooks(mappings=[{"match": {"path": "x"}}]),
        says="hooks.mappings.0.allowUnsafeExternalContent",
    ),
    Case(
        "config.insecure_or_dangerous_flags",
        "warn",
        {"agents": {"list": [{"id": "a", "sandbox": {"docker": {"dangerouslyAllowExternalBindSources": True}}}]}},
        {"agents": {"list": [{"id": "a", "sandbox": {"docker": {"dangerouslyAllowExternalBindSources": False}}}]}},
        says="agents.list.0.sandbox.docker.dangerouslyAllowExternalBindSources",
    ),
    Case(
        "gateway.nodes.allow_commands_dangerous",
        "warn",
        gateway(nodes={"allowCommands": ["camera.snap"]}),
        gateway(nodes={"allowCommands": ["camera.snap"], "denyCommands": ["camera.snap"]}),
    ),
    Case("gateway.nodes.allow_commands_dangerous", "critical", gateway(**LAN, nodes={"allowCommands": ["sms.send"]})),
    Case(
        "gateway.nodes.deny_commands_ineffective",
        "warn",
        gateway(nodes={"denyCommands": ["camera.*"]}),
        gateway(nodes={"denyCommands": ["system.run"]}),
    ),
    Case(
        "gateway.nodes.deny_commands_ineffective",
        "warn",
        gateway(nodes={"denyCommands": ["no.such.command"]}),
        gateway(nodes={"denyCommands": []}),
    ),
    Case(
        "gateway.remote_plaintext_url",
        "critical",
        gateway(remote={"url": "ws://198.51.100.7:18789"}),
        gateway(remote={"url": "wss://198.51.100.7:18789"}),
        says="198.51.100.7",
    ),
    Case(
        "gateway.remote_plaintext_url",
        "critical",
        gateway(remote={"url": "http://far.example"}),
        gateway(remote={"url": "ws://127.0.0.1:18789"}),
    ),
    Case(
        "gateway.remote_token_without_local_secret",
        "warn",
        gateway(auth={"token": None}, remote={"token": SECRET}),
        gateway(remote={"token": SECRET}),
    ),
    Case(
        "gateway.tailscale_with_trusted_proxies",
        "warn",
        gateway(tailscale={"mode": "serve"}, trustedProxies=["10.0.0.2"]),
        gateway(tailscale={"mode": "serve"}, trustedProxies=["10.0.0.2"], auth={"allowTailscale": False}),
    ),
)

BROWSER = (
    Case(
        "browser.control_invalid_config",
        "warn",
        {"browser": {"enabled": False, "cdpUrl": "ws://127.0.0.1:9222"}},
        {"browser": {"cdpUrl": "http://127.0.0.1:9222"}},
        seed=True,
    ),
    Case(
        "browser.remote_cdp_http",
        "warn",
        {"browser": {"cdpUrl": "http://10.0.0.9:9222"}},
        {"browser": {"cdpUrl": "https://10.0.0.9:9222"}},
        seed=True,
    ),
    Case(
        "browser.remote_cdp_http",
        "warn",
        {"browser": {"profiles": {"far": {"cdpUrl": "http://far.example", "color": "#112233"}}}},
        {"browser": {"enabled": False, "profiles": {"far": {"cdpUrl": "http://far.example", "color": "#112233"}}}},
        seed=True,
    ),
    Case("browser.control_no_auth", "critical", auth(), {}, deep=True),
    Case(
        "browser.remote_cdp_private_host",
        "warn",
        {"browser": {"cdpUrl": "https://10.0.0.9", "ssrfPolicy": {"dangerouslyAllowPrivateNetwork": True}}},
        {"browser": {"cdpUrl": "https://93.184.216.34", "ssrfPolicy": {"dangerouslyAllowPrivateNetwork": True}}},
        deep=True,
    ),
    Case(
        "browser.node_proxy_exposed",
        "warn",
        gateway(**LAN),
        gateway(**LAN, nodes={"browser": {"mode": "off"}}),
        setup=paired_node,
        says="desk",
    ),
)

HOOKS = (
    Case("hooks.token_too_short", "warn", hooks(token=SHORT), hooks(token=ENOUGH), seed=True),
    Case("hooks.token_reuse_gateway_token", "warn", hooks(token=f" {SECRET} "), hooks(), seed=True),
    Case(
        "hooks.token_reuse_gateway_token",
        "warn",
        {**auth(mode="password", password=SECRET), **hooks(token=SECRET)},
        {**auth(mode="password", password=SECRET), **hooks()},
    ),
    Case("hooks.path_root", "critical", hooks(path=" / "), hooks(path="/hooks"), seed=True),
    Case("hooks.allowed_agent_ids_unrestricted", "warn", {**hooks(), **TWO}, {**hooks(allowedAgentIds=[]), **TWO}),
    Case(
        "hooks.allowed_agent_ids_unrestricted",
        "critical",
        {**hooks(allowedAgentIds=["*"]), **TWO, **gateway(**LAN)},
        hooks(),
    ),
    Case(
        "hooks.request_session_key_enabled",
        "warn",
        hooks(allowRequestSessionKey=True),
        hooks(allowRequestSessionKey=False),
    ),
    Case("hooks.request_session_key_enabled", "critical", {**hooks(allowRequestSessionKey=True), **gateway(**LAN)}),
    Case(
        "hooks.request_session_key_prefixes_missing",
        "warn",
        hooks(allowRequestSessionKey=True, allowedSessionKeyPrefixes=[]),
        hooks(allowRequestSessionKey=True),
    ),
    Case(
        "hooks.request_session_key_prefixes_missing",
        "warn",
        hooks(allowRequestSessionKey=True, allowedSessionKeyPrefixes=["hook:", " "]),
        hooks(allowRequestSessionKey=True, allowedSessionKeyPrefixes=["hook:"]),
    ),
    Case(
        "hooks.request_session_key_prefixes_missing",
        "critical",
        {**hooks(allowRequestSessionKey=True, allowedSessionKeyPrefixes=[]), **gateway(**LAN)},
    ),
)

CASES = (*GATEWAY, *DOORS, *PROXY, *REACH, *BROWSER, *HOOKS)
