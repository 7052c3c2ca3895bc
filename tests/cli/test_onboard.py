from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from openclaw.cli.onboard_flags import Flags, auth_choice, expiry, model_of
from openclaw.cli.questions import confirm
from openclaw.security.onboarding.checks import try_sandbox
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret
from support.cli import Cli, Home
from support.model_server import Answer, model_server
from support.served import served
from support.state_dirs import original_state, program, snapshot
from support.telegram_server import TOKEN, telegram_server
from support.terminal import CLEAR_LINE, CTRL_C, CTRL_D, DOWN, ENTER, SPACE, Terminal

QUIET = ("--non-interactive", "--accept-risk")
KEY = "canary-model-key-0123456789abcdef"
UP_TO_THE_LAST = -1


def test_without_accepting_the_risk_nothing_happens(cli: Cli) -> None:
    answer = cli("onboard", "--non-interactive")
    assert answer.code == 1
    assert "--accept-risk" in answer.err
    assert not cli.home.state.exists()


def test_a_script_gets_a_safe_config_and_one_document(cli: Cli) -> None:
    answer = cli("onboard", *QUIET, "--json")
    assert answer.code == 0, answer.err
    assert answer.json == {
        "mode": "local",
        "workspace": str(cli.home.state / "workspace"),
        "authChoice": "skip",
        "gateway": {"port": 18789, "bind": "loopback", "authMode": "token", "tailscaleMode": "off"},
        "installDaemon": False,
        "skipSkills": False,
        "skipHealth": False,
    }
    assert cli("config", "validate").code == 0
    assert cli.home.read_config()["gateway"]["auth"]["token"] not in answer.out + answer.err


def test_the_end_names_the_next_command_and_what_the_audit_says(cli: Cli) -> None:
    out = cli("onboard", *QUIET).out
    assert "Security audit: 0 critical" in out
    assert out.rstrip().splitlines()[-1].startswith("Next: openclaw up")
    assert max(map(len, out.splitlines())) <= 100


def custom(url: str) -> tuple[str, ...]:
    return (
        "--auth-choice",
        "custom-api-key",
        "--custom-base-url",
        url,
        "--custom-model-id",
        "m1",
        "--custom-api-key",
        "-",
    )


def test_a_model_is_tried_and_its_key_is_read_from_stdin(cli: Cli) -> None:
    with served(model_server) as server:
        answer = cli("onboard", *QUIET, *custom(server.base_url), stdin=f"{KEY}\n")
        assert answer.code == 0, answer.err
        assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert "custom/m1 answered in" in answer.out
    assert KEY not in answer.out + answer.err + cli.home.config.read_text()
    profiles = json.loads((cli.home.state / "agents/main/agent/auth-profiles.json").read_text())["profiles"]
    assert profiles["custom:default"]["key"] == KEY


def test_a_model_that_refuses_the_key_stops_everything_and_can_be_set_up_untried(cli: Cli) -> None:
    with served(model_server) as server:
        server.default = Answer(status=401)
        answer = cli("onboard", *QUIET, *custom(server.base_url), stdin=KEY)
        assert answer.code == 1
        assert "--skip-model-check" in answer.err
        assert KEY not in answer.out + answer.err
        assert not cli.home.config.exists()
        untried = cli("onboard", *QUIET, *custom(server.base_url), "--skip-model-check", stdin=KEY)
        assert untried.code == 0
        assert len(server.requests) == 1


def test_a_bot_is_tried_before_it_is_written(cli: Cli) -> None:
    with served(telegram_server) as server:
        cli.home.write_config({"channels": {"telegram": {"apiRoot": server.root}}})
        server.fail("getMe", 401, "Unauthorized")
        refused = cli("onboard", *QUIET, "--telegram-token", TOKEN)
        assert refused.code == 1
        assert TOKEN not in refused.err
        assert "botToken" not in cli.home.config.read_text()
        accepted = cli("onboard", *QUIET, "--telegram-token", TOKEN)
        assert accepted.code == 0
        assert "@clawbot" in accepted.out
    telegram = cli.home.read_config()["channels"]["telegram"]
    assert (telegram["botToken"], telegram["dmPolicy"]) == (TOKEN, "pairing")


def test_a_remote_gateway_is_written_down(cli: Cli) -> None:
    answer = cli(
        "onboard", *QUIET, "--mode", "remote", "--remote-url", "wss://host:1", "--remote-token", "-", stdin=KEY
    )
    assert answer.code == 0
    assert cli.home.read_config()["gateway"] == {"mode": "remote", "remote": {"url": "wss://host:1", "token": KEY}}
    assert "Next: openclaw health" in answer.out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--mode", "remote"), "--remote-url"),
        (("--gateway-auth", "password"), "--gateway-password"),
        (("--tailscale", "funnel"), "--gateway-password"),
        (("--gateway-bind", "custom"), "--gateway-custom-host"),
        (("--auth-choice", "openai-api-key"), "--openai-api-key"),
        (("--openai-api-key", "a", "--zai-api-key", "b"), "--auth-choice"),
        (("--auth-choice", "token", "--token", "x", "--token-expires-in", "soon"), "--token-expires-in"),
        (("--auth-choice", "ollama"), "--model"),
        (("--auth-choice", "custom-api-key", "--custom-model-id", "m"), "--custom-base-url"),
        (("--gateway-port", "0"), "--gateway-port"),
    ],
)
def test_flags_that_lack_something_are_refused_and_nothing_is_written(
    cli: Cli, flags: tuple[str, ...], words: str
) -> None:
    answer = cli("onboard", *QUIET, *flags)
    assert answer.code == 1
    assert words in answer.err
    assert not cli.home.config.exists()


def test_a_second_run_keeps_what_it_is_not_told(cli: Cli) -> None:
    cli("onboard", *QUIET, "--gateway-port", "4000")
    token = cli.home.read_config()["gateway"]["auth"]["token"]
    cli("onboard", *QUIET, "--gateway-bind", "lan")
    gateway = cli.home.read_config()["gateway"]
    assert (gateway["port"], gateway["bind"], gateway["auth"]["token"]) == (4000, "lan", token)


def test_reset_starts_over(cli: Cli) -> None:
    original_state(cli.home.state)
    assert cli("onboard", *QUIET, "--reset").code == 0
    assert "channels" not in cli.home.read_config()
    assert not (cli.home.state / "credentials/telegram-allowFrom.json").exists()
    assert (cli.home.state / "agents/main/agent/auth-profiles.json").exists()


def test_an_invalid_config_points_to_doctor(cli: Cli) -> None:
    cli.home.write_config("{ bogus: 1 }")
    answer = cli("onboard", *QUIET)
    assert answer.code == 1
    assert "openclaw doctor" in answer.err


def test_a_service_that_cannot_be_installed_is_a_warning(cli: Cli) -> None:
    answer = cli("onboard", *QUIET, "--install-daemon", "--json")
    assert answer.code == 0
    if not answer.json["installDaemon"]:
        assert "The service was not installed" in answer.err.replace("\n", " ")


def flags(**values: Any) -> Flags:
    return Flags(values)


def test_one_key_says_how_to_log_in(cli: Cli) -> None:
    assert auth_choice(flags(gemini_api_key=Secret("x"))) == "gemini-api-key"
    assert auth_choice(flags()) == "skip"
    assert auth_choice(flags(auth_choice="apiKey", gemini_api_key=Secret("x"))) == "apiKey"


@pytest.mark.parametrize(
    ("given", "ref"),
    [
        ({"openai_api_key": Secret("k")}, "openai/gpt-5.2"),
        ({"openai_api_key": Secret("k"), "model": "gpt-9"}, "openai/gpt-9"),
        ({"openai_api_key": Secret("k"), "model": "openai/gpt-9"}, "openai/gpt-9"),
        ({"openrouter_api_key": Secret("k"), "model": "meta/llama"}, "openrouter/meta/llama"),
        ({"token": Secret("t"), "auth_choice": "token"}, "anthropic/claude-opus-4-6"),
        ({"auth_choice": "ollama", "model": "llama3"}, "ollama/llama3"),
    ],
)
def test_a_model_is_proposed_or_named(given: dict[str, Any], ref: str) -> None:
    found = model_of(flags(**given))
    assert found is not None
    assert found.ref == ref


def test_times_are_read(cli: Cli) -> None:
    assert expiry(None) is None
    assert (expiry("1h") or 0) < (expiry("1d") or 0) < (expiry("1y") or 0)
    with pytest.raises(InvalidInput):
        expiry("tomorrow")


# On a terminal


def test_a_newcomer_gets_there_with_a_few_answers(home: Home) -> None:
    terminal = Terminal(home, "onboard")
    terminal.answer("Go on?", "y")
    terminal.choose("How much do you want to decide?")
    terminal.choose("Which model is to answer?", UP_TO_THE_LAST)
    terminal.answer("Connect a Telegram bot?", "n")
    terminal.answer("Install the gateway as a service", "n")
    assert terminal.finish() == 0, terminal.text
    assert home.read_config()["gateway"]["bind"] == "loopback"
    assert "Next: openclaw up" in terminal.text


def test_declining_the_risk_changes_nothing(home: Home) -> None:
    terminal = Terminal(home, "onboard")
    terminal.press("Go on?", ENTER)  # no is what is proposed
    assert terminal.finish() == 1
    assert not home.state.exists()


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["ctrl-c", "ctrl-d"])
def test_leaving_in_the_middle_writes_nothing(home: Home, key: str) -> None:
    terminal = Terminal(home, "onboard", "--accept-risk")
    terminal.choose("How much do you want to decide?", 1)
    terminal.choose("Where does the gateway run?")
    terminal.press("Workspace of the agent", CLEAR_LINE, key)
    assert terminal.finish() == 130, terminal.text
    assert terminal.text.rstrip().endswith("stopped")
    assert "Traceback" not in terminal.text
    assert not home.state.exists()


def test_leaving_a_choice_or_a_key_writes_nothing(home: Home) -> None:
    home.write_config({})
    before = snapshot(home.state)
    for section, question in (("gateway", "Where does the gateway run?"), ("web", "Key of Brave Search")):
        terminal = Terminal(home, "configure", "--section", section)
        terminal.press(question, CTRL_C)
        assert terminal.finish() == 130, terminal.text
        assert snapshot(home.state) == before


def test_everything_can_be_decided_and_a_key_is_never_shown(home: Home) -> None:
    home.write_config({"gateway": {"mode": "local", "port": 4000}})
    sandboxed = try_sandbox(Environment.from_os()).usable
    with served(model_server) as server:
        server.script(Answer(status=401))
        terminal = Terminal(home, "onboard", "--accept-risk")
        terminal.choose("What is to become of it?")  # change the config that is there
        terminal.choose("How much do you want to decide?", 1)
        terminal.choose("Where does the gateway run?")
        terminal.retype("Workspace of the agent", "~/claw")
        for first in (True, False):  # the first try is refused
            terminal.choose("Which model is to answer? (", UP_TO_THE_LAST - 1)
            terminal.answer("Key (not shown)", KEY)
            terminal.answer("Address", server.base_url)
            terminal.choose("Which protocol does it speak?")
            terminal.answer("Model:", "m1")
            if first:
                terminal.answer("Keep it anyway?", "n")
        terminal.retype("Port: 4000", "70000")
        terminal.retype("A port is a number from 1 to 65535.", "4002")
        terminal.choose("Who may reach the gateway?")
        terminal.choose("What opens it?")
        terminal.choose("Publish it through Tailscale?")
        terminal.answer("Connect a Telegram bot?", "n")
        if sandboxed:
            terminal.choose("Which sessions run in the sandbox?", 1)
        terminal.answer("Install the gateway as a service", "n")
        assert terminal.finish() == 0, terminal.text
    assert KEY not in terminal.text
    config = home.read_config()
    assert config["gateway"]["port"] == 4002
    assert config["agents"]["defaults"]["model"]["primary"] == "custom/m1"
    assert config["agents"]["defaults"]["sandbox"]["mode"] == ("non-main" if sandboxed else "off")
    assert config["agents"]["defaults"]["workspace"] == "~/claw"
    assert (home.path / "claw/AGENTS.md").is_file()


def test_configure_changes_the_parts_that_are_ticked(home: Home) -> None:
    home.write_config({"gateway": {"mode": "local", "port": 4000, "auth": {"mode": "token", "token": "t" * 30}}})
    terminal = Terminal(home, "configure")
    terminal.press("Which parts?", DOWN, DOWN, SPACE, DOWN, SPACE, ENTER)  # web and gateway
    terminal.answer("Key of Brave Search", KEY)
    terminal.choose("Where does the gateway run?")
    terminal.retype("Port: 4000", "4001")
    terminal.choose("Who may reach the gateway?", 3)
    terminal.answer("IP address:", "here")
    terminal.retype("This is no IP address", "127.0.0.1")
    terminal.choose("What opens it?")
    terminal.choose("Publish it through Tailscale?")
    assert terminal.finish() == 0, terminal.text
    config = home.read_config()
    assert (config["gateway"]["port"], config["tools"]["web"]["search"]["apiKey"]) == (4001, KEY)
    assert (config["gateway"]["bind"], config["gateway"]["customBindHost"]) == ("custom", "127.0.0.1")
    assert KEY not in terminal.text


COLOR = re.compile(r"\x1b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]")


@pytest.mark.parametrize(
    ("arguments", "variables", "colored"),
    [((), {"NO_COLOR": ""}, True), ((), {"NO_COLOR": "1"}, False), (("--no-color",), {"NO_COLOR": ""}, False)],
    ids=["colors", "NO_COLOR", "--no-color"],
)
def test_questions_have_colors_only_where_those_are_wanted(
    home: Home, arguments: tuple[str, ...], variables: dict[str, str], colored: bool
) -> None:
    terminal = Terminal(home, *arguments, "onboard", **variables)
    terminal.answer("Go on?", "n")
    assert terminal.finish() == 1
    assert bool(COLOR.search(terminal.raw)) is colored


def test_a_question_without_a_terminal_is_refused(cli: Cli) -> None:
    with pytest.raises(InvalidInput, match="needs a terminal"):
        confirm("Go on?", default=True)


def test_configure_needs_a_terminal(cli: Cli) -> None:
    answer = cli("configure", "--section", "model")
    assert answer.code == 1
    assert "config set" in answer.err


# setup, reset


def test_setup_names_the_workspace_and_makes_it(cli: Cli) -> None:
    answer = cli("setup", "--workspace", "claw", "--json")
    assert answer.code == 0
    assert answer.json["workspace"] == str(cli.home.path / "claw")
    assert cli.home.read_config()["agents"]["defaults"]["workspace"] == "~/claw"
    assert (cli.home.state / "agents/main/sessions").is_dir()
    assert "AGENTS.md" in answer.json["created"]


def test_reset_lists_asks_and_removes(cli: Cli) -> None:
    original_state(cli.home.state)
    before = snapshot(cli.home.state)
    assert "would remove" in cli("reset", "--scope", "full", "--dry-run").out
    assert cli("reset", "--scope", "config").code == 1
    assert cli("reset", "--yes").code == 1
    assert snapshot(cli.home.state) == before
    answer = cli("reset", "--scope", "config", "--yes", "--non-interactive", "--json")
    assert answer.json["removed"] == [str(cli.home.config)]
    assert not cli.home.config.exists()
    assert "nothing to remove" in cli("reset", "--scope", "config", "--yes").out


# service


def test_the_service_commands_tell_what_is_wrong_here(cli: Cli, tmp_path: Path) -> None:
    cli.home.write_config({})
    assert "ExecStart=" in cli("service", "install", "--print").out
    assert cli("service", "status").code == 0
    for command in ("start", "stop", "restart"):
        answer = cli("service", command)
        assert answer.code == 1
        assert "service install" in answer.err
    assert cli("service", "uninstall", "--json").json == {"ok": True, "removed": False}


def test_the_service_is_installed_through_systemctl(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.home.write_config({})
    systemctl = program(tmp_path / "systemctl", 'case "$*" in *show\\ *) echo ActiveState=active;; esac; exit 0')
    monkeypatch.setattr("openclaw.security.service.systemd.find", lambda _: systemctl)
    answer = cli("service", "install", "--port", "19000", "--json")
    assert answer.code == 0, answer.err
    unit = Path(answer.json["file"]).read_text()
    assert '"--port" "19000"' in unit
    assert answer.json["service"]["runtime"]["status"] == "running"
    assert cli("service", "restart").out == "The service was restarted.\n"
    assert cli("service", "uninstall").out == "Removed the service.\n"


def test_configure_sets_what_skills_have_today(home: Home) -> None:
    home.write_config({"skills": {"entries": {"weather": {"enabled": False}}}})
    (home.path / "more").mkdir()
    terminal = Terminal(home, "configure", "--section", "skills")
    terminal.choose("What about the skills?")
    terminal.choose("Which skill?")
    terminal.answer("Offer the skill weather?", "y")
    terminal.answer("Key of weather (not shown", KEY)
    terminal.choose("What else about the skills? (", -3)  # from the last row to the first
    terminal.choose("Which skill? (", 1)
    terminal.answer("Name of the skill:", "__proto__")
    terminal.retype("reserved", "notes")
    terminal.answer("Offer the skill notes?", "n")
    terminal.choose("What else about the skills? (", -2)
    terminal.choose("Which bundled skills are offered?", 1)
    terminal.answer("Their names", "one, two")
    terminal.choose("What else about the skills? (", -1)
    terminal.answer("One more folder", "~/nowhere")
    terminal.retype("no such folder", "~/more")
    terminal.choose("What else about the skills? (")
    assert terminal.finish() == 0, terminal.text
    assert KEY not in terminal.text
    assert home.read_config()["skills"] == {
        "entries": {"weather": {"enabled": True, "apiKey": KEY}, "notes": {"enabled": False}},
        "allowBundled": ["one", "two"],
        "load": {"extraDirs": ["~/more"]},
    }
