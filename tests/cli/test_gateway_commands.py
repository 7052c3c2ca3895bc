"""The commands that ask a gateway, against a real one; and what they say when there is none."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from openclaw.cli.context import CliContext
from openclaw.cli.logs import read_line
from openclaw.cli.rpc import Rpc, RpcOptions, Session, is_quick
from openclaw.cli.target import gateway_target
from openclaw.gateway.listen import own_addresses
from openclaw.protocol.client_target import Target
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret
from support.cli import TOKEN, Answer, Cli, Home, Running, started

pytestmark = pytest.mark.e2e


def asked(gateway: Running, *arguments: str) -> Answer:
    return gateway.home.program(*arguments)


# health, status


def test_health_has_the_documented_shape(gateway: Running) -> None:
    found = asked(gateway, "health", "--json").json
    assert found["ok"] is True
    keys = {"ok", "ts", "durationMs", "channels", "channelOrder", "channelLabels", "heartbeatSeconds", "defaultAgentId"}
    assert keys | {"agents", "sessions"} <= set(found)
    assert asked(gateway, "gateway", "health", "--json").json["ok"] is True
    assert asked(gateway, "health").out.startswith("Gateway: ok (")


STATUS = {
    "heartbeat", "channelSummary", "queuedSystemEvents", "sessions", "os", "update", "updateChannel",
    "updateChannelSource", "memory", "memoryPlugin", "gateway", "gatewayService", "nodeService", "agents",
    "securityAudit",
}  # fmt: skip
STATUS_GATEWAY = {"mode", "url", "urlSource", "misconfigured", "reachable", "connectLatencyMs", "self", "error"}


def test_status_has_the_same_shape_up_and_down(gateway: Running, cli: Cli) -> None:
    up, down = asked(gateway, "status", "--json").json, cli("status", "--json").json
    for found in (up, down):
        assert set(found) == STATUS
        assert set(found["gateway"]) == STATUS_GATEWAY
        assert set(found["agents"]) == {"defaultId", "agents", "totalSessions", "bootstrapPendingCount"}
        assert set(found["sessions"]) == {"paths", "count", "defaults", "recent", "byAgent"}
        assert set(found["heartbeat"]) == {"defaultAgentId", "agents"}
    assert up["gateway"] | {"connectLatencyMs": 0, "self": 0} == {
        "mode": "local",
        "url": f"ws://127.0.0.1:{gateway.port}",
        "urlSource": "local gateway",
        "misconfigured": False,
        "reachable": True,
        "connectLatencyMs": 0,
        "self": 0,
        "error": None,
    }
    assert down["gateway"]["reachable"] is False
    assert "cannot reach the gateway" in down["gateway"]["error"]


def test_status_for_people_exits_0_up_and_down(gateway: Running, cli: Cli) -> None:
    up = asked(gateway, "status")
    assert (up.code, up.err) == (0, "")
    assert f"ws://127.0.0.1:{gateway.port}" in up.out
    down = cli("status")
    assert down.code == 0
    assert "does not answer" in down.out


def test_deep_status_adds_the_health(gateway: Running) -> None:
    found = asked(gateway, "status", "--deep", "--json").json
    assert set(found) == STATUS | {"health", "lastHeartbeat"}
    assert found["health"]["ok"] is True
    assert set(found["securityAudit"]) >= {"ts", "summary", "findings"}
    assert "see: openclaw security audit" in asked(gateway, "status", "--deep").out


def test_all_adds_the_agents_with_their_stores(cli: Cli) -> None:
    cli.home.write_config({"agents": {"list": [{"id": "main"}, {"id": "work"}]}})
    (cli.home.state / "workspace-work").mkdir()
    (cli.home.state / "workspace-work" / "BOOTSTRAP.md").write_text("hello")
    lines = cli("status", "--all").out.splitlines()
    assert [line.split()[:3] for line in lines[-2:]] == [["main", "(default)", "done"], ["work", "pending", "0"]]
    assert lines[-1].endswith("~/.openclaw/agents/work/sessions/sessions.json")


def test_sessions_are_counted_from_the_disk_while_nothing_runs(cli: Cli) -> None:
    folder = cli.home.state / "agents/main/sessions"
    folder.mkdir(parents=True)
    cli.home.state.chmod(0o700)
    (folder / "sessions.json").write_text(json.dumps({"agent:main:main": {"sessionId": "a", "updatedAt": 5}}))
    found = cli("status", "--json").json
    assert (found["sessions"]["count"], found["agents"]["totalSessions"]) == (1, 1)
    (folder / "sessions.json").write_text("{")
    assert cli("status").code == 0


# gateway status


def test_gateway_status_has_the_documented_shape(gateway: Running, cli: Cli) -> None:
    up, down = asked(gateway, "gateway", "status", "--json").json, cli("gateway", "status", "--json").json
    for found in (up, down):
        assert set(found) == {"service", "config", "gateway", "port", "extraServices", "rpc"}
        assert set(found["service"]) >= {"label", "loaded", "loadedText", "notLoadedText", "command", "runtime"}
        assert set(found["gateway"]) == {"bindMode", "bindHost", "port", "portSource", "probeUrl", "probeNote"}
        assert set(found["port"]) == {"port", "status", "listeners", "hints"}
    assert up["rpc"] == {"ok": True, "url": f"ws://127.0.0.1:{gateway.port}"}
    assert (up["service"]["runtime"]["status"], up["port"]["status"]) == ("running", "busy")
    assert (down["rpc"]["ok"], down["service"]["runtime"]["status"]) == (False, "stopped")
    assert "rpc" not in cli("gateway", "status", "--no-probe", "--json").json


def test_gateway_status_exits_0_and_says_how_to_start(cli: Cli) -> None:
    answer = cli("gateway", "status")
    assert answer.code == 0
    assert "Start it with: openclaw up" in answer.out


def test_gateway_status_names_the_faults_of_the_config(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"nothing": 1}})
    found = cli("gateway", "status", "--json").json
    assert found["config"]["cli"]["valid"] is False
    assert found["config"]["cli"]["issues"][0]["path"] == "gateway"
    assert "invalid" in cli("gateway", "status", "--no-probe").out


# gateway call


def test_a_method_is_called_with_json5_parameters(gateway: Running) -> None:
    answer = asked(gateway, "gateway", "call", "sessions.list", "--params", "{limit: 1,}")
    assert answer.out.startswith("Gateway call: sessions.list\n{")
    assert asked(gateway, "gateway", "call", "sessions.list", "--json").json["count"] >= 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no.such.method",), "Gateway call failed: Error: unknown method: no.such.method"),
        (("health", "--params", "{"), "--params is not JSON5"),
        (("health", "--params", "[1]"), "--params must be an object"),
        (("sessions.list", "--params", "{limit: 'x'}"), "Gateway call failed: Error:"),
        (("health", "--timeout", "0"), "--timeout"),
    ],
)
def test_a_call_that_fails_is_one_line_and_exit_1(gateway: Running, arguments: tuple[str, ...], said: str) -> None:
    answer = asked(gateway, "gateway", "call", *arguments)
    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err


def test_options_belong_to_the_sub_command(gateway: Running) -> None:
    wrong = asked(gateway, "gateway", "call", "health", "--token", "a-wrong-token-of-some-length")
    assert wrong.code == 1
    assert "unauthorized" in wrong.err
    elsewhere = asked(gateway, "gateway", "call", "health", "--url", "ws://127.0.0.1:9", "--token", "x" * 24)
    assert "127.0.0.1:9" in elsewhere.err


@pytest.mark.parametrize("command", [("health",), ("logs",), ("devices", "list"), ("gateway", "call", "health")])
def test_url_demands_explicit_credentials(gateway: Running, command: tuple[str, ...]) -> None:
    answer = asked(gateway, *command, "--url", f"ws://127.0.0.1:{gateway.port}")
    assert answer.code == 1
    assert "gateway url override requires explicit credentials" in answer.err


def test_url_with_a_token_reaches_it(gateway: Running) -> None:
    token = gateway.home.read_config()["gateway"]["auth"]["token"]
    assert asked(gateway, "health", "--url", f"ws://localhost:{gateway.port}", "--token", token).code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("health",),
        ("logs",),
        ("devices", "list"),
        ("agent", "-m", "x"),
        ("gateway", "call", "health"),
        ("approvals", "get", "--gateway"),
    ],
)
def test_a_gateway_that_is_down_is_told_with_what_was_tried_and_the_fix(cli: Cli, command: tuple[str, ...]) -> None:
    cli.home.write_config({"gateway": {"mode": "local", "port": 9, "auth": {"token": TOKEN}}})
    answer = cli(*command)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.splitlines() == [
        "openclaw: Gateway call failed: Error: cannot reach the gateway at 127.0.0.1:9: connection refused",
        "  Gateway target: ws://127.0.0.1:9",
        "  Source: local gateway",
        "  Config: ~/.openclaw/openclaw.json",
        "  Bind: loopback",
        "  Start it with: openclaw up",
    ]


def test_adv_A21_clear_text_to_another_machine_is_refused_before_connecting(cli: Cli) -> None:
    answer = cli("health", "--url", "ws://192.0.2.1:1", "--token", TOKEN)
    assert answer.code == 1
    assert "refusing ws:// to 192.0.2.1" in answer.err


# agent


def test_one_turn_is_run_and_its_answer_printed(gateway: Running) -> None:
    answer = asked(gateway, "agent", "-m", "hello")
    assert (answer.code, answer.err) == (0, "")
    assert "offline model" in answer.out
    found = asked(gateway, "agent", "-m", "hello", "--agent", "main", "--json").json
    assert (found["status"], set(found)) == ("ok", {"runId", "status", "summary", "result"})
    session = found["result"]["meta"]["agentMeta"]["sessionId"]
    again = asked(gateway, "agent", "--session-id", session, "-m", "hello", "--json").json
    assert again["result"]["meta"]["agentMeta"]["sessionId"] == session


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--message"),
        (("-m", "  "), "--message"),
        (("-m", "x", "--agent", "nobody"), "unknown agent id"),
        (("-m", "x", "--session-id", "nothing"), "session"),
        (("-m", "x", "--session-id", "a", "--session-key", "b"), "exclude each other"),
        (("-m", "x", "--deliver"), "--deliver needs --channel and --to"),
        (("-m", "x", "--thinking", "very"), "--thinking"),
    ],
)
def test_a_turn_that_cannot_be_run_is_one_message(gateway: Running, arguments: tuple[str, ...], said: str) -> None:
    answer = asked(gateway, "agent", *arguments)
    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err


# devices


def test_devices_are_listed_without_their_tokens(gateway: Running) -> None:
    found = asked(gateway, "devices", "list", "--json").json
    assert set(found) == {"pending", "paired"}
    assert asked(gateway, "devices", "list").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("approve", "no-such-request"),
        ("reject", "no-such-request"),
        ("remove", "no-such-device"),
        ("rotate", "--device", "x", "--role", "operator"),
        ("revoke", "--device", "x", "--role", "node"),
    ],
)
def test_what_is_unknown_is_refused(gateway: Running, arguments: tuple[str, ...]) -> None:
    answer = asked(gateway, "devices", *arguments, "--json")
    assert answer.code == 1
    assert "unknown" in answer.json["error"]["message"]


def own_address() -> str:
    """Return an address of this machine that is not loopback, where it has one."""
    found = (text for text in own_addresses() if "." in text and not text.startswith("127."))
    return next(found, "127.0.0.1")


def test_from_beyond_loopback_a_device_is_let_in_by_the_owner_and_cut_off_again(home: Home) -> None:
    address = own_address()
    home.write_config({"gateway": {"mode": "local", "bind": "lan", "auth": {"token": TOKEN}}})
    other = Home(home.path / "other")
    other.path.mkdir()
    with started(home) as running:
        remote = {"url": f"ws://{address}:{running.port}", "token": TOKEN}
        other.write_config({"gateway": {"mode": "remote", "remote": remote}})
        first = other.program("health")
        if address == "127.0.0.1":
            assert first.code == 0
            return
        assert first.code == 1
        assert "openclaw devices approve " in first.err
        assert TOKEN not in first.err
        request = first.err.split("openclaw devices approve ")[1].split()[0]
        assert home.program("devices", "list").out.count(request) == 1
        assert home.program("devices", "approve", request).out.startswith("Approved ")
        assert other.program("health").code == 0
        (paired,) = json.loads(home.program("devices", "list", "--json").out)["paired"]
        assert all("token" not in one for one in paired["tokens"])
        device = paired["deviceId"]
        rotated = json.loads(home.program("devices", "rotate", "--device", device, "--role", "operator", "--json").out)
        assert "token" not in rotated
        assert home.program("devices", "revoke", "--device", device, "--role", "operator").code == 0
        assert other.program("health").code == 1
        assert home.program("devices", "remove", device).out.startswith("Removed ")
        again = other.program("health")
        request = again.err.split("openclaw devices approve ")[1].split()[0]
        assert home.program("devices", "reject", request).code == 0


# logs


def test_logs_are_shown_in_three_forms(gateway: Running) -> None:
    asked(gateway, "health")
    lines = [json.loads(line) for line in asked(gateway, "logs", "--json", "--limit", "5").out.splitlines()]
    assert lines[0]["type"] == "meta"
    assert lines[0]["file"].startswith(str(gateway.home.state / "logs"))
    assert {line["type"] for line in lines} <= {"meta", "notice", "log"}
    last = next(line for line in reversed(lines) if line["type"] == "log")
    assert {"time", "level", "subsystem", "message", "raw"} <= set(last)
    plain = asked(gateway, "logs", "--plain").out.splitlines()
    assert plain[0].startswith("Log file: ")
    assert plain[-1][:4].isdigit()
    short = asked(gateway, "logs", "--limit", "3").out
    assert "Log tail truncated (increase --max-bytes)." in short


def test_following_ends_quietly_with_ctrl_c(gateway: Running) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "openclaw", "logs", "--follow", "--interval", "50", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=gateway.home.environment(),
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["type"] == "meta"
    asked(gateway, "gateway", "call", "a.method.to.be.seen.in.the.log")
    while "disconnected" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")


def test_an_unreachable_gateway_is_an_error_line_with_json(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"port": 9, "auth": {"token": TOKEN}}})
    answer = cli("logs", "--json")
    assert answer.code == 1
    (line,) = answer.out.splitlines()
    assert json.loads(line)["type"] == "error"


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        ("", None),
        ("[]", None),
        ('{"0": "x"}', None),
        (
            '{"0":"hello","1":{"a":1},"_meta":{"logLevelName":"WARN","name":"openclaw","date":"d"}}',
            {"time": "d", "level": "warn", "message": 'hello {"a": 1}'},
        ),
        (
            r'{"0":"{\"subsystem\":\"gateway/ws\"}","1":"in","2":5,"time":"t","_meta":{"logLevelName":"INFO",'
            r'"name":"{\"subsystem\":\"gateway/ws\"}"}}',
            {"time": "t", "level": "info", "subsystem": "gateway/ws", "message": "in 5"},
        ),
    ],
)
def test_log_lines_are_read_by_their_documented_fields(raw: str, record: Any) -> None:
    assert read_line(raw) == record


# which gateway


def target(cli: Cli, config: Any, **flags: str) -> Target:
    cli.home.write_config(config)
    return gateway_target(CliContext.build(), **flags)


def test_the_local_gateway_is_asked_with_its_own_secret(cli: Cli) -> None:
    found = target(cli, {"gateway": {"port": 5, "auth": {"token": TOKEN}}})
    assert (found.url, found.token, found.password) == ("ws://127.0.0.1:5", Secret(TOKEN), None)
    assert is_quick(found)
    by_password = target(cli, {"gateway": {"auth": {"mode": "password", "token": "x" * 24, "password": "p" * 12}}})
    assert (by_password.token, by_password.password) == (None, Secret("p" * 12))


def test_the_config_wins_over_the_environment_and_a_flag_over_both(cli: Cli) -> None:
    cli.set_variable("OPENCLAW_GATEWAY_TOKEN", "from-the-environment-000")
    assert target(cli, {}).token == Secret("from-the-environment-000")
    assert target(cli, {"gateway": {"auth": {"token": TOKEN}}}).token == Secret(TOKEN)
    assert target(cli, {"gateway": {"auth": {"token": TOKEN}}}, token="from-a-flag-000000000000").token == Secret(
        "from-a-flag-000000000000"
    )


def test_references_lead_to_the_secret_and_a_broken_one_to_an_error(cli: Cli) -> None:
    cli.set_variable("MY_TOKEN", TOKEN)
    assert target(cli, {"gateway": {"auth": {"token": "${MY_TOKEN}"}}}).token == Secret(TOKEN)
    assert target(cli, {"gateway": {"auth": {"token": {"source": "env", "id": "MY_TOKEN"}}}}).token == Secret(TOKEN)
    with pytest.raises(InvalidInput, match=r"gateway\.auth\.token"):
        target(cli, {"gateway": {"auth": {"token": {"source": "env", "id": "NOT_SET"}}}})
    with pytest.raises(InvalidInput, match=r"gateway\.auth\.token"):
        target(cli, {"gateway": {"auth": {"token": {"source": "nowhere"}}}})


def test_remote_mode_takes_the_remote_address_and_secret_alone(cli: Cli) -> None:
    remote = {"url": "wss://gate.example:1", "token": "r" * 24, "tlsFingerprint": "SHA256:" + "ab" * 32}
    found = target(cli, {"gateway": {"mode": "remote", "remote": remote, "auth": {"token": TOKEN}}})
    assert (found.url, found.token, found.fingerprint) == ("wss://gate.example:1", Secret("r" * 24), "ab" * 32)
    assert not is_quick(found)
    with pytest.raises(InvalidInput, match=r"gateway\.remote\.url"):
        target(cli, {"gateway": {"mode": "remote"}})


def test_the_port_is_that_of_the_variable_the_running_process_the_config_or_the_default(cli: Cli) -> None:
    import os

    assert target(cli, {}).url.endswith(":18789")
    assert target(cli, {"gateway": {"port": 5}}).url.endswith(":5")
    lock = cli.home.state / "gateway.lock"
    lock.write_text(json.dumps({"pid": os.getpid(), "port": 6}))
    assert target(cli, {"gateway": {"port": 5}}).url.endswith(":6")
    for text in ("", "[]", json.dumps({"pid": 2**22 + 1, "port": 6}), json.dumps({"pid": os.getpid(), "port": "x"})):
        lock.write_text(text)
        assert target(cli, {"gateway": {"port": 5}}).url.endswith(":5")
    cli.set_variable("OPENCLAW_GATEWAY_PORT", "7")
    assert target(cli, {"gateway": {"port": 5}}).url.endswith(":7")


def test_a_config_with_faults_still_leads_to_the_gateway(cli: Cli) -> None:
    assert target(cli, {"gateway": {"port": 5, "nothing": 1, "auth": {"token": TOKEN}}}).url.endswith(":5")
    assert target(cli, "{ broken").url.endswith(":18789")


def test_bind_decides_the_local_address(cli: Cli) -> None:
    assert target(cli, {"gateway": {"bind": "lan"}}).url == "ws://127.0.0.1:18789"
    assert target(cli, {"gateway": {"bind": "custom", "customBindHost": "::1"}}).url == "ws://[::1]:18789"
    assert target(cli, {"gateway": {"bind": "tailnet"}}).url.startswith("ws://")


def test_a_gateway_with_its_own_certificate_is_pinned_and_reached(home: Home) -> None:
    home.write_config({"gateway": {"tls": {"enabled": True}}})
    before = home.program("health")
    assert before.code == 1
    assert "certificate" in before.err
    with started(home) as running:
        assert running.told["url"].startswith("https://")
        assert home.program("health").code == 0
        assert home.program("logs", "--limit", "1").code == 0
        assert json.loads(home.program("gateway", "status", "--json").out)["rpc"]["ok"] is True
        assert json.loads(home.program("devices", "list", "--json").out)["paired"] == []
        certificate = home.state / "gateway/tls/gateway-cert.pem"
        certificate.write_text(certificate.read_text().replace("A", "B", 3))
        assert home.program("health").code == 1


def test_a_session_without_connection_cannot_be_used_by_accident(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"port": 9, "auth": {"token": TOKEN}}})
    session = Rpc(CliContext.build(environment=Environment({"HOME": str(cli.home.path)})), RpcOptions()).session(())
    assert isinstance(session, Session)
    with pytest.raises(AssertionError):
        session.call("health")
