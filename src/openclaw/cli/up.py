"""`openclaw up`: from nothing to a running gateway with a web chat, safe by default (exec.md 1.2 item 4)."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from openclaw.cli.context import CliContext
from openclaw.cli.gateway_run import PORTS, gateway_flags, start_quickly, until_interrupted
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_error, print_json, print_line
from openclaw.system.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from openclaw.config.model import Config
    from openclaw.policy.snapshot import Policy
    from openclaw.system.secret import Secret
    from openclaw.tools.sandbox.backend import Probe


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `up` found or made.

    Attributes:
        config: the config to run.
        added: keys that were written, empty when nothing was.
        created: there was no config file before.
        sandbox: what the probe of the sandbox said; None when the config needed none.
    """

    config: Config
    added: tuple[str, ...] = ()
    created: bool = False
    sandbox: Probe | None = None


@click.command(epilog=epilog("openclaw up", "openclaw up --port 19000 --no-open", "openclaw --profile work up"))
@click.option("--port", type=PORTS, help="Port of the gateway; kept in the config when that is made now.")
@click.option("--no-open", is_flag=True, help="Do not open a browser, also on a desktop.")
@json_option
@click.pass_obj
def up(context: CliContext, port: int | None, no_open: bool, as_json: bool) -> int:
    """Start openclaw. Makes a private state directory and a safe config with a token when there are none.

    Works without any model key, by a built-in offline model. Ctrl-C stops it.
    """
    start_quickly()
    from openclaw.gateway.start import GatewayOptions, serve

    prepare_state(context)
    prepared = prepare_config(context, port)
    refuse_second(context, prepared.config)
    console = _Console(context, prepared, open_browser=not no_open and not as_json, as_json=as_json)
    options = GatewayOptions(
        flags=gateway_flags(port=port),
        command=context.command,
        console=console.line,
        on_listening=console.ready,
    )
    return until_interrupted(lambda: serve(context.layout, context.environment, options))


def prepare_state(context: CliContext) -> None:
    """Make the state directory, or take away what others may do with it.

    Raises:
        Unavailable: it belongs to somebody else, may be written by others, or cannot be made.
    """
    from openclaw.state.files import PRIVATE_DIR, private_dir

    root = private_dir(context.own_state().root)
    if stat.S_IMODE(root.stat().st_mode) & 0o077:
        root.chmod(PRIVATE_DIR)
        print_error(f"{context.shown(root)} could be read by others; it is private now")


def prepare_config(context: CliContext, port: int | None) -> Prepared:
    """Load the config, after writing what it lacks.

    Raises:
        ConfigInvalid: it has faults; nothing is written.
        InvalidInput: it says that the gateway runs elsewhere.
    """
    from openclaw.config.baseline import DEFAULT_PORT, TOKEN_BYTES, is_set_up, missing_parts
    from openclaw.config.edit import ConfigEditor
    from openclaw.config.issues import dotted
    from openclaw.config.load import read_config
    from openclaw.config.model import invalid

    editor = ConfigEditor(context.layout, context.environment)
    loaded = read_config(context.layout, context.environment)
    if loaded.config is None and loaded.legacy_only and not context.environment.truthy("OPENCLAW_NIX_MODE"):
        loaded = editor.migrate()[0].loaded
    if loaded.config is None:
        raise invalid(loaded.issues, context.layout.config)
    config = loaded.config
    if config.gateway.mode == "remote":
        raise InvalidInput(
            "gateway.mode is remote: the gateway of this config runs on another machine. To run one here: "
            f"{context.command} config set gateway.mode local"
        )
    document = dict(config.document)
    probe = None if is_set_up(document) else probe_sandbox(context)
    puts = missing_parts(
        document,
        secrets.token_hex(TOKEN_BYTES),
        sandboxed=probe is not None and probe.usable,
        has_secret=has_secret(config),
        port=port or DEFAULT_PORT,
    )
    if not puts:
        return Prepared(config, sandbox=probe)
    written = editor.change(puts)
    return Prepared(written.config, tuple(dotted(put.parts) for put in puts), not loaded.source.exists, probe)


def has_secret(config: Config) -> bool:
    """Tell whether the gateway can tell its callers apart already."""
    from openclaw.config.compile.gateway import auth_mode, shared_secret
    from openclaw.policy.who.gateway_policy import AuthMode

    mode = auth_mode(config, config.environment)
    if mode is AuthMode.TOKEN:
        return shared_secret(config, config.environment, "token").value is not None
    return True  # a password or proxy that is missing is the person's own choice to complete


def probe_sandbox(context: CliContext) -> Probe:
    """Try the sandboxes of this machine; the first that works, else what is wrong with the last."""
    import asyncio

    from openclaw.tools.sandbox.backend import Probe
    from openclaw.tools.sandbox.select import Sandboxes

    machine = Sandboxes.of_machine(uid=os.geteuid(), runtime_dir=context.environment.get("XDG_RUNTIME_DIR"))
    reports = asyncio.run(machine.report())
    found = [report.probe for report in reports]
    usable = next((probe for probe in found if probe.usable), None)
    return usable or (found[-1] if found else Probe(usable=False, detail="this build has no sandbox for this machine"))


def refuse_second(context: CliContext, config: Config) -> None:
    """Refuse to start beside a gateway that has this state directory, and say where that one is.

    Raises:
        Conflict: there is one.
    """
    from openclaw.config.compile.gateway import compile_gateway
    from openclaw.state.gateway_lock import gateway_owner

    owner = gateway_owner(context.layout)
    if owner is None or context.environment.truthy("OPENCLAW_ALLOW_MULTI_GATEWAY"):
        return
    policy = compile_gateway(config, config.environment)
    address = web_chat_address(
        port=owner.port or policy.port, tls=policy.tls, base=policy.control_ui.base_path, token=token_of(config)
    )
    raise Conflict(
        f"openclaw runs already (pid {owner.pid}); stop it with: {context.command} gateway stop",
        code="gateway-running",
        details={"notes": [f"Web chat: {address}"]},
    )


def token_of(config: Config) -> Secret | None:
    """Return the token that opens the gateway; None in other modes."""
    from openclaw.config.compile.gateway import auth_mode, shared_secret
    from openclaw.config.secrets import SecretResolver
    from openclaw.policy.who.gateway_policy import AuthMode

    if auth_mode(config, config.environment) is not AuthMode.TOKEN:
        return None
    place = shared_secret(config, config.environment, "token")
    return SecretResolver(config.environment).resolve(place.value, place.path)


def web_chat_address(*, port: int, tls: bool, base: str, token: Secret | None) -> str:
    """Return the address of the web chat. The token stands in the fragment, which no browser sends to a server."""
    from urllib.parse import quote

    fragment = "" if token is None else f"#token={quote(token.reveal(), safe='')}"
    return f"{'https' if tls else 'http'}://127.0.0.1:{port}{base}/{fragment}"


class _Console:
    """Shows the start to the person, or to a script as one JSON document once the gateway answers."""

    def __init__(self, context: CliContext, prepared: Prepared, *, open_browser: bool, as_json: bool) -> None:
        self._context = context
        self._prepared = prepared
        self._open_browser = open_browser
        self._as_json = as_json
        self._policy: Policy | None = None
        self._told = False
        if prepared.added and not as_json:
            self._say_what_was_made()

    def ready(self, policy: Policy) -> None:
        """Take the policy of the gateway, which listens with the next line."""
        self._policy = policy

    def line(self, text: str) -> None:
        """Show a line of the gateway; after the first one that says that it listens, where to go."""
        if self._as_json:
            print_error(text)
        else:
            print_line(text)
        if self._policy is not None and not self._told:
            self._told = True
            self._say_where(self._policy)
        sys.stdout.flush()

    def _say_what_was_made(self) -> None:
        context, prepared = self._context, self._prepared
        file = context.shown(context.layout.config)
        print_line(f"Made {file}." if prepared.created else f"Added to {file}: {', '.join(prepared.added)}.")
        probe = prepared.sandbox
        if probe is not None and probe.usable:
            print_line(f"Commands of the agent run in a sandbox ({probe.detail}).")
        elif probe is not None:
            print_line(f"No sandbox works here ({probe.detail}).")
            print_line("So commands of the agent wait for your yes, unless you put them on the allowlist.")

    def _say_where(self, policy: Policy) -> None:
        config, gateway = self._prepared.config, policy.gateway
        token = token_of(config)
        address = web_chat_address(port=gateway.port, tls=gateway.tls, base=gateway.control_ui.base_path, token=token)
        if self._as_json:
            print_json(
                {
                    "ok": True,
                    "url": address if gateway.control_ui.enabled else None,
                    "port": gateway.port,
                    "pid": os.getpid(),
                    "config": str(self._context.layout.config),
                    "created": self._prepared.created,
                    "added": list(self._prepared.added),
                    "sandbox": None if self._prepared.sandbox is None else self._prepared.sandbox.usable,
                }
            )
            return
        if gateway.control_ui.enabled:
            print_line(f"Web chat: {address}")
            if self._open_browser and sys.stdout.isatty():
                from openclaw.cli.browser import open_address

                open_address(self._context, address)
        print_line(f"Next: open that address and write `run uname -a`. {self._model_hint()}Ctrl-C stops openclaw.")

    def _model_hint(self) -> str:
        config = self._prepared.config
        keys = ("ANTHROPIC_API_KEY", "ANTHROPIC_OAUTH_TOKEN")
        if config.agents.defaults.model.primary or any(map(config.environment.get, keys)):
            return ""
        place = self._context.shown(self._context.layout.root / ".env")
        return f"A real model: put ANTHROPIC_API_KEY=... into {place} (others: docs/first-steps.md). "
