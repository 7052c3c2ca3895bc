"""The commands as data: where each lives and what it does, and the root help made from that. Imports nothing."""

from __future__ import annotations

from typing import Final

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("openclaw.cli.up:up", "Start openclaw: make state and config if there are none, then run the gateway."),
    "onboard": ("openclaw.cli.onboard:onboard", "Set everything up by answering questions, or by flags."),
    "configure": ("openclaw.cli.configure:configure", "Change one part of the setup by answering questions."),
    "setup": ("openclaw.cli.setup:setup", "Name the agent's workspace and make it."),
    "gateway": ("openclaw.cli.gateway:gateway", "Run the gateway, ask how it is, or call one of its methods."),
    "service": ("openclaw.cli.service:service", "Run the gateway as a service of this machine."),
    "status": ("openclaw.cli.status:status", "Show gateway, channels, sessions and agents at a glance."),
    "health": ("openclaw.cli.health:health", "Ask the running gateway for its health."),
    "agent": ("openclaw.cli.agent:agent", "Run one turn of the agent."),
    "sessions": ("openclaw.cli.sessions:sessions", "List conversations."),
    "pairing": ("openclaw.cli.pairing:pairing", "List and approve people who asked to talk to the bot."),
    "devices": ("openclaw.cli.devices:devices", "List, approve and revoke paired devices."),
    "approvals": ("openclaw.cli.approvals:approvals", "Show and edit which commands may run without asking."),
    "doctor": ("openclaw.cli.doctor:doctor", "Look for what is wrong here, and offer to mend it."),
    "config": ("openclaw.cli.config:config", "Read, change and check the configuration."),
    "backup": ("openclaw.cli.backup:backup", "Make, check and put back a backup."),
    "secrets": ("openclaw.cli.secrets:secrets", "Find secrets that lie in plain text, and move them."),
    "logs": ("openclaw.cli.logs:logs", "Show or follow the gateway's log."),
    "policy": ("openclaw.cli.policy:policy", "Test the policy against case files."),
    "security": ("openclaw.cli.security:security", "Look for what others could use against you, and mend it."),
    "explain": ("openclaw.cli.explain:explain", "Say what the policy would allow whom, why, and what would change it."),
    "sandbox": ("openclaw.cli.sandbox:sandbox", "Explain where a session's tools run."),
    "ledger": ("openclaw.cli.ledger:ledger", "Check the record of decisions for tampering."),
    "verify": ("openclaw.cli.verify:verify", "Check what this product claims, on the functions that it ships."),
    "reset": ("openclaw.cli.setup:reset", "Remove config, credentials and sessions, or everything."),
    "uninstall": ("openclaw.cli.uninstall:uninstall", "Take service, state and workspaces away."),
    "completion": ("openclaw.cli.completion:completion", "Print the completion script of a shell."),
    "help": ("openclaw.cli.help:help_command", "Show the help of a command."),
}
"""Name to (module:attribute, help), in the order of `--help`."""

ALIASES: Final = {"exec-approvals": "approvals"}

OPTIONS: Final = (
    ("--dev", "Use the profile 'dev' and port 19001."),
    ("--profile NAME", "Use a state directory of its own: ~/.openclaw-NAME."),
    ("--no-color", "Print without colours."),
    ("-V, --version", "Print the version."),
    ("-h, --help", "Show this help."),
)
"""The options that stand before the command."""

EXAMPLES: Final = (
    ("openclaw up", "start, and print the web chat's address"),
    ("openclaw pairing approve telegram CODE", "let somebody talk to the bot"),
    ('openclaw agent -m "run ls"', "one turn from the terminal"),
    ("openclaw config set channels.telegram.botToken", "set a secret; it is asked for"),
    ("openclaw status --json", "one JSON document, for scripts"),
)

SUMMARY: Final = "A gateway between your chat apps and an AI agent with real tools, that keeps you in control."


def root_help() -> str:
    """Return the text of `openclaw --help`, without loading any command."""
    blocks = [
        "Usage: openclaw [OPTIONS] COMMAND [ARGS]...",
        f"  {SUMMARY}",
        _section("Options", OPTIONS),
        _section("Commands", [(name, text) for name, (_, text) in COMMANDS.items()]),
        _section("Examples", EXAMPLES),
        "Help of one command: openclaw COMMAND --help",
    ]
    return "\n\n".join(blocks) + "\n"


def _section(title: str, rows: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join([f"{title}:", *(f"  {name:<{width}}  {text}" for name, text in rows)])
