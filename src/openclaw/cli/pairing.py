"""`openclaw pairing`: who waits for access, and letting them in (channels.md 1.5). Needs no running gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import print_error, print_json, print_line, print_table, visible
from openclaw.system.errors import InvalidInput, NotFound, OpenClawError

if TYPE_CHECKING:
    from openclaw.policy.who.dm_pairing import PairingRequest
    from openclaw.state.pairing import PairingStore

ID_LABELS: Final[Mapping[str, str]] = {
    "telegram": "telegramUserId",
    "discord": "discordUserId",
    "slack": "slackUserId",
    "signal": "signalNumber",
    "imessage": "imessageSenderId",
    "whatsapp": "whatsappSenderId",
    "bluebubbles": "bluebubblesSenderId",
    "msteams": "msteamsUserId",
}
_PLUGIN_CHANNEL: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
APPROVED_NOTICE: Final = "openclaw: you have been let in. Send me a message to begin."


@click.group(cls=Group)
def pairing() -> None:
    """List and approve people who asked to talk to the bot. A request ends by itself after an hour."""


@pairing.command(
    "list", epilog=epilog("openclaw pairing list telegram", "openclaw pairing list telegram --account work --json")
)
@click.argument("channel", required=False)
@click.option("--channel", "named", metavar="CHANNEL", help="The channel, when it is not an argument.")
@click.option("--account", help="Only requests to this account.")
@json_option
@click.pass_obj
def list_requests(
    context: CliContext, channel: str | None, named: str | None, account: str | None, as_json: bool
) -> None:
    """Show who waits in a CHANNEL, with the codes, oldest first."""
    wanted = _channel(channel or named)
    requests = _store(context).pending(wanted, account)
    if as_json:
        from openclaw.state.pairing_json import write_request

        print_json({"channel": wanted, "requests": [write_request(request) for request in requests]})
        return
    print_table(
        None,
        ("Code", ID_LABELS.get(wanted, "senderId"), "Meta", "Requested"),
        [_row(request) for request in requests],
        color=context.color,
        empty=f"No pending {wanted} pairing requests.",
    )


def _row(request: PairingRequest) -> tuple[str, str, str, str]:
    from openclaw.state.pairing_json import write_request

    wire = write_request(request)
    meta = wire.get("meta")
    return wire["code"], wire["id"], json.dumps(meta, ensure_ascii=False) if meta else "", wire["createdAt"]


@pairing.command(
    epilog=epilog("openclaw pairing approve telegram ABCD2345", "openclaw pairing approve ABCD2345 --channel telegram")
)
@click.argument("arguments", nargs=-1, required=True, metavar="[CHANNEL] CODE")
@click.option("--channel", "named", metavar="CHANNEL", help="The channel, when only the code is an argument.")
@click.option("--account", help="Only a request to this account.")
@click.option("--notify", is_flag=True, help="Tell the person, through the running gateway.")
@json_option
@click.pass_obj
def approve(
    context: CliContext, arguments: tuple[str, ...], named: str | None, account: str | None, notify: bool, as_json: bool
) -> None:
    """Let in the person who was given CODE. It counts at once; capitals do not matter."""
    channel, code = _channel_and_code(arguments, named)
    request = _approved(context, channel, code, account)
    if request is None:
        raise NotFound(f"No pending pairing request found for code: {visible(code)}")
    notified = _notify(context, channel, request) if notify else None
    hint = _owner_hint(context, channel, request)
    if as_json:
        answer: dict[str, Any] = {"ok": True, "channel": channel, "id": request.id, "account": request.account}
        print_json(answer | ({} if notified is None else {"notified": notified}))
        return
    print_line(f"Approved {channel} sender {visible(request.id)}.")
    if hint:
        print_line("Nobody is the owner yet. To make this person the owner, who may use every command:")
        print_line(f"  {hint}")


def _approved(context: CliContext, channel: str, code: str, account: str | None) -> PairingRequest | None:
    """Approve, with a record in the ledger: ours while no gateway runs, else by the gateway, which sees the file."""
    from openclaw.cli.ledgered import myself, own_ledger
    from openclaw.state.gateway_lock import gateway_owner
    from openclaw.state.pairing_change import change_of

    store = _store(context)
    if gateway_owner(context.layout) is not None:
        return store.approve(channel, code, account)
    with own_ledger(context.layout) as ledger:
        request = store.approve(channel, code, account)
        if request is not None:
            name = store.allow_file(channel, request.account)
            entry = change_of(name, frozenset(), frozenset((request.id,)), myself())
            if entry is not None:
                ledger.record(entry)
        return request


def _store(context: CliContext) -> PairingStore:
    from openclaw.config.view import view_config
    from openclaw.state.pairing import PairingStore
    from openclaw.system.clock import SystemClock

    layout = context.own_state()
    view_config(layout, context.environment)
    return PairingStore(layout, SystemClock())


def _channel(text: str | None) -> str:
    """Return a channel id.

    Raises:
        InvalidInput: none is named, or it cannot be one.
    """
    if not text:
        raise InvalidInput(f"name a channel: {', '.join(ID_LABELS)}, or that of a plugin")
    channel = text.strip().lower()
    if channel not in ID_LABELS and not _PLUGIN_CHANNEL.fullmatch(channel):
        raise InvalidInput(f"{visible(text)!r} is no channel; channels are {', '.join(ID_LABELS)}, or those of plugins")
    return channel


def _channel_and_code(arguments: tuple[str, ...], named: str | None) -> tuple[str, str]:
    if len(arguments) == 2 and named is None:
        return _channel(arguments[0]), arguments[1]
    if len(arguments) == 1 and named is not None:
        return _channel(named), arguments[0]
    raise InvalidInput("give a channel and a code: openclaw pairing approve telegram CODE")


def _owner_hint(context: CliContext, channel: str, request: PairingRequest) -> str | None:
    """Return the command that would make the person the owner; None when there is one."""
    import shlex

    from openclaw.config.view import view_config

    commands = view_config(context.layout, context.environment).config.get("commands") or {}
    owners = [entry for entry in commands.get("ownerAllowFrom") or () if str(entry).strip() != "*"]
    if owners:
        return None
    value = shlex.quote(json.dumps([f"{channel}:{request.id}"]))
    return f"{context.command} config set commands.ownerAllowFrom {value}"


def _notify(context: CliContext, channel: str, request: PairingRequest) -> bool:
    """Tell the person; a failure is a warning."""
    import uuid

    from openclaw.cli.rpc import Rpc, RpcOptions

    try:
        Rpc(context, RpcOptions()).call(
            "send",
            {
                "channel": channel,
                "to": request.id,
                "accountId": request.account,
                "message": APPROVED_NOTICE,
                "idempotencyKey": str(uuid.uuid4()),
            },
        )
    except OpenClawError as error:
        print_error(f"warning: the person was not told: {error.message}")
        return False
    return True
