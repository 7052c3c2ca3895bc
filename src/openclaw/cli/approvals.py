"""`openclaw approvals`: which commands a host may run without asking (exec.md 2.10). The local file by default.

A change of the local file is in the ledger too, which has one writer: the gateway makes the change while it runs.
"""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.ledgered import myself, own_ledger
from openclaw.cli.output import print_error, print_json, print_line, print_table
from openclaw.cli.rpc import Rpc, RpcOptions, own_gateway, rpc_options
from openclaw.system.errors import InvalidInput, NotFound

CallableT = TypeVar("CallableT", bound=Callable[..., Any])
Document = dict[str, Any]


class ApprovalsPlace(Protocol):
    """A file of approvals, here or behind the gateway."""

    def get(self) -> Document:
        """Return `{path, exists, hash, file}`."""
        ...

    def set(self, file: Document, base_hash: str | None) -> Document:
        """Replace the file, when it is still the one with that hash."""
        ...


class _Remote:
    """The file of the gateway's host, or of a node, through the gateway."""

    def __init__(self, rpc: Rpc, node: str | None) -> None:
        self._rpc = rpc
        self._prefix = "exec.approvals" if node is None else "exec.approvals.node"
        self._node: Document = {} if node is None else {"nodeId": node}

    def get(self) -> Document:
        found: Document = self._rpc.call(f"{self._prefix}.get", self._node or None)
        return found

    def set(self, file: Document, base_hash: str | None) -> Document:
        found: Document = self._rpc.call(f"{self._prefix}.set", {**self._node, "file": file, "baseHash": base_hash})
        return found


class _Local:
    """The file of this machine."""

    def __init__(self, context: CliContext, options: RpcOptions) -> None:
        from openclaw.config.view import view_config
        from openclaw.state.exec_approvals import ExecApprovalsFile
        from openclaw.system.clock import SystemClock

        self._context = context
        self._options = dataclasses.replace(options, url=None)
        self._layout = context.own_state()
        self._clock = SystemClock()
        view_config(self._layout, context.environment)
        self._file = ExecApprovalsFile(self._layout.exec_approvals, self._clock, redact=str)

    def get(self) -> Document:
        return self._file.get()

    def set(self, file: Document, base_hash: str | None) -> Document:
        from openclaw.state.gateway_lock import gateway_owner

        if gateway_owner(self._layout) is not None:
            return _Remote(own_gateway(self._context, self._options), None).set(file, base_hash)
        return self._recorded(file, base_hash)

    def _recorded(self, file: Document, base_hash: str | None) -> Document:
        """Change the file as the ledger's only writer."""
        from openclaw.state.exec_approvals_change import FileChange

        with own_ledger(self._layout) as ledger:

            def told(change: FileChange) -> None:
                ledger.record(change.entry(myself()))

            return self._file.set(file, base_hash, told=told)


def place_options(function: CallableT) -> CallableT:
    """Add the options that choose the file."""
    function = click.option("--node", metavar="NODE", help="The file of this node, through the gateway.")(function)
    return click.option("--gateway", is_flag=True, help="The file of the gateway's machine, through the gateway.")(
        function
    )


def _place(context: CliContext, options: RpcOptions, *, gateway: bool, node: str | None) -> ApprovalsPlace:
    if gateway and node is not None:
        raise InvalidInput("--gateway and --node exclude each other")
    if gateway or node is not None:
        return _Remote(Rpc(context, options), node)
    return _Local(context, options)


@click.group(cls=Group)
def approvals() -> None:
    """Show and edit which commands may run on a host without asking.

    They count for commands outside of a sandbox. Who answers what asks is in the web chat and in chats with buttons.
    """


@approvals.command(epilog=epilog("openclaw approvals get", "openclaw approvals get --gateway --json"))
@place_options
@rpc_options()
@json_option
@click.pass_obj
def get(context: CliContext, gateway: bool, node: str | None, rpc: RpcOptions, as_json: bool) -> None:
    """Show the file."""
    _show(context, _place(context, rpc, gateway=gateway, node=node).get(), as_json=as_json)


@approvals.command("set", epilog=epilog("openclaw approvals set --file approvals.json", "... | openclaw approvals set"))
@click.option("--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="The new file. Default: stdin.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read stdin, as without --file.")
@place_options
@rpc_options()
@json_option
@click.pass_obj
def replace(
    context: CliContext,
    file: Path | None,
    from_stdin: bool,
    gateway: bool,
    node: str | None,
    rpc: RpcOptions,
    as_json: bool,
) -> None:
    """Replace the whole file by a JSON document; also the way to mend a broken one."""
    from openclaw.config.json5 import loads, read_bytes

    if file is not None and from_stdin:
        raise InvalidInput("--file and --stdin exclude each other")
    try:
        content = file.read_bytes() if file is not None else sys.stdin.buffer.read()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error
    document = loads(read_bytes(content))
    if not isinstance(document, dict):
        raise InvalidInput("the approvals must be a JSON object")
    place = _place(context, rpc, gateway=gateway, node=node)
    _show(context, place.set(document, place.get()["hash"]), as_json=as_json)


@approvals.group(cls=Group)
def allowlist() -> None:
    """Add and remove patterns of programs that may run without asking."""


@allowlist.command(epilog=epilog("openclaw approvals allowlist add /usr/bin/rg", "... add '~/bin/*' --agent main"))
@click.argument("pattern")
@click.option("--agent", default="*", show_default=True, help="For this agent; * is every agent.")
@place_options
@rpc_options()
@json_option
@click.pass_obj
def add(
    context: CliContext, pattern: str, agent: str, gateway: bool, node: str | None, rpc: RpcOptions, as_json: bool
) -> None:
    """Allow programs whose path matches PATTERN, with any arguments."""
    place = _place(context, rpc, gateway=gateway, node=node)
    found = place.get()
    document = _sound(found)
    entries = _entries(document, agent)
    if _index(entries, pattern) is not None:
        _tell(found, f"{pattern} is on the list already.", as_json=as_json)
        return
    entries.append({"pattern": pattern})
    _tell(place.set(document, found["hash"]), f"Added {pattern} for agent {agent}.", as_json=as_json)


@allowlist.command(epilog=epilog("openclaw approvals allowlist remove /usr/bin/rg"))
@click.argument("pattern")
@click.option("--agent", default="*", show_default=True, help="For this agent; * is every agent.")
@place_options
@rpc_options()
@json_option
@click.pass_obj
def remove(
    context: CliContext, pattern: str, agent: str, gateway: bool, node: str | None, rpc: RpcOptions, as_json: bool
) -> None:
    """Take PATTERN off the list."""
    place = _place(context, rpc, gateway=gateway, node=node)
    found = place.get()
    document = _sound(found)
    entries = _entries(document, agent)
    index = _index(entries, pattern)
    if index is None:
        raise NotFound(f"{pattern} is not on the list of agent {agent}; see: {context.command} approvals get")
    del entries[index]
    _tell(place.set(document, found["hash"]), f"Removed {pattern} for agent {agent}.", as_json=as_json)


def _sound(found: Mapping[str, Any]) -> Document:
    """Return a copy of the document that may be changed.

    Raises:
        InvalidInput: the file is not understood, and an edit would throw away what it holds.
    """
    if found.get("fault"):
        raise InvalidInput(str(found["fault"]))
    document: Document = copy.deepcopy(found["file"])
    return document


def _entries(document: Document, agent: str) -> list[Document]:
    row = document.setdefault("agents", {}).setdefault(agent, {})
    entries: list[Document] = row.setdefault("allowlist", [])
    return entries


def _index(entries: list[Document], pattern: str) -> int | None:
    wanted = pattern.strip().lower()
    plain = ((number, entry) for number, entry in enumerate(entries) if entry.get("args") is None)
    return next((number for number, entry in plain if str(entry.get("pattern", "")).strip().lower() == wanted), None)


def _tell(found: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_line(text)


def _show(context: CliContext, found: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    if found.get("fault"):
        print_error(f"warning: {found['fault']}")
    file: Mapping[str, Any] = found["file"]
    agents: Mapping[str, Any] = file.get("agents") or {}
    defaults = ", ".join(f"{name}={value}" for name, value in (file.get("defaults") or {}).items())
    rows = [
        ("Path", context.shown(found["path"])),
        ("Exists", "yes" if found["exists"] else "no"),
        ("Hash", str(found["hash"])[:16]),
        ("Defaults", defaults or "-"),
        ("Agents", ", ".join(agents) or "-"),
    ]
    print_table(None, ("Field", "Value"), rows, color=context.color)
    listed = [
        (agent, str(entry.get("pattern")), str(entry.get("lastUsedCommand") or "-"))
        for agent, row in agents.items()
        for entry in row.get("allowlist") or ()
    ]
    print_line()
    print_table("Allowlist", ("Agent", "Pattern", "Last used for"), listed, color=context.color, empty="empty.")
