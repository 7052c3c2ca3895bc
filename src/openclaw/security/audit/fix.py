"""`--fix`: what the security page promises and nothing more, as a plan that can be shown first (audit.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openclaw.config.edit import ConfigEditor, Put
from openclaw.security.audit.look import Kind, Looker
from openclaw.security.audit.model import printable
from openclaw.security.audit.modes import Action, Target, set_mode
from openclaw.security.audit.reading import Reading
from openclaw.security.audit.stores import Stores
from openclaw.security.audit.values import at, entries, items, mapping
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError

_CHANNELS: Final = ("telegram", "whatsapp", "discord", "signal", "imessage", "slack", "msteams")


@dataclass(frozen=True, slots=True)
class Change:
    """One edit of the config and the words for it."""

    put: Put
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done: edits of the config first, then modes, in order."""

    layout: StateLayout
    changes: tuple[Change, ...]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class FixResult:
    """What was done.

    Attributes:
        layout: where.
        changes: the edits that were made, in words.
        actions: what became of each mode.
        errors: what could not be done.
        written: the config was written.
        dry_run: nothing was changed.
    """

    layout: StateLayout
    changes: tuple[str, ...]
    actions: tuple[Action, ...]
    errors: tuple[str, ...] = ()
    written: bool = False
    dry_run: bool = False

    @property
    def did_nothing(self) -> bool:
        """Return whether there was nothing to mend and nothing went wrong."""
        return not self.errors and not self.changes and not any(one.ok or one.planned for one in self.actions)

    def lines(self, shown: Callable[[Path], str]) -> Iterator[str]:
        """Yield the FIX block for people (audit.md 2.2); `shown` says how a path is shown."""
        yield from map(printable, self.changes)
        for one in self.actions:
            command = f"chmod {one.target.mode:o} {printable(shown(one.target.path))}"
            if one.skipped is not None:
                yield f"skip {command} ({one.skipped})"
            elif one.error is not None:
                yield f"{command} failed: {one.error}"
            else:
                yield command
        yield from (printable(f"error: {text}") for text in self.errors)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form (audit.md 2.1); `dryRun` and `planned` are ours."""
        return {
            "ok": not self.errors,
            "stateDir": str(self.layout.root),
            "configPath": str(self.layout.config),
            "configWritten": self.written,
            **({"dryRun": True} if self.dry_run else {}),
            "changes": list(self.changes),
            "actions": [one.as_dict() for one in self.actions],
            "errors": list(self.errors),
        }


def make_plan(reading: Reading, stores: Stores, looker: Looker) -> Plan:
    """Return what there is to mend.

    Args:
        reading: the config.
        stores: for the approved WhatsApp senders.
        looker: lists the credentials folder.
    """
    return Plan(reading.layout, tuple(_changes(reading, stores)), tuple(_targets(reading, looker)))


def _changes(reading: Reading, stores: Stores) -> Iterator[Change]:
    document = reading.document
    if at(document, "logging", "redactSensitive") == "off":
        yield Change(Put(("logging", "redactSensitive"), "tools"), 'logging.redactSensitive=off -> "tools"')
    opened: list[tuple[str, ...]] = []
    for channel in _CHANNELS:
        section = at(document, "channels", channel)
        blocks: list[tuple[tuple[str, ...], Any]] = [((), section)]
        blocks += [(("accounts", name), own) for name, own in items(at(section, "accounts"))]
        for below, block in blocks:
            if at(block, "groupPolicy") == "open":
                parts = ("channels", channel, *below, "groupPolicy")
                yield Change(Put(parts, "allowlist"), f"{'.'.join(parts)}=open -> allowlist")
                if channel == "whatsapp":
                    opened.append(below)
    approved = [entry for entry in stores.approved("whatsapp") if entry != "*"]
    for below in opened if approved else ():
        block = mapping(at(document, "channels", "whatsapp", *below))
        if not entries(block.get("allowFrom")) and not entries(block.get("groupAllowFrom")):
            parts = ("channels", "whatsapp", *below, "groupAllowFrom")
            yield Change(Put(parts, approved), f"{'.'.join(parts)}=pairing-store")


def _targets(reading: Reading, looker: Looker) -> Iterator[Target]:
    root, config, credentials = reading.layout.root, reading.layout.config, reading.credentials
    yield Target(root, root, 0o700, folder=True)
    yield Target(config, config.parent, 0o600, folder=False)
    for path in reading.includes:
        above = config.parent if path.is_relative_to(config.parent) else path.parent
        yield Target(path, above, 0o600, folder=False)
    above = root if credentials.is_relative_to(root) else credentials.parent
    yield Target(credentials, above, 0o700, folder=True)
    seen = looker.look(credentials)
    if seen is not None and seen.kind is Kind.FOLDER:
        for item in looker.folder(credentials):
            if item.kind is Kind.FILE and item.path.name.endswith(".json"):
                yield Target(item.path, above, 0o600, folder=False)
    for agent in reading.seed_agents:
        home = root / "agents" / agent
        yield Target(home, root, 0o700, folder=True)
        yield Target(home / "agent", root, 0o700, folder=True)
        yield Target(home / "agent" / "auth-profiles.json", root, 0o600, folder=False)
        yield Target(home / "sessions", root, 0o700, folder=True)
        yield Target(home / "sessions" / "sessions.json", root, 0o600, folder=False)


def apply_plan(plan: Plan, environment: Environment, *, dry_run: bool = False) -> FixResult:
    """Do what the plan says; a part that cannot be done is an error in the result, and the rest goes on.

    Args:
        plan: what to do.
        environment: the process environment, for the editor.
        dry_run: change nothing, and say what would be changed.
    """
    done: list[str] = [change.text for change in plan.changes]
    errors: list[str] = []
    if plan.changes and not dry_run:
        done, errors = _edit(plan, environment)
    return FixResult(
        layout=plan.layout,
        changes=tuple(done),
        actions=tuple(set_mode(target, dry_run=dry_run) for target in plan.targets),
        errors=tuple(errors),
        written=bool(done) and not dry_run,
        dry_run=dry_run,
    )


def _edit(plan: Plan, environment: Environment) -> tuple[list[str], list[str]]:
    """Make all edits in one write; when that is refused, each by itself, so that one refusal does not stop the rest."""
    editor = ConfigEditor(plan.layout, environment)
    try:
        editor.change([change.put for change in plan.changes])
    except OpenClawError as error:
        if len(plan.changes) == 1:
            return [], [_refused(plan.changes[0], error)]
    else:
        return [change.text for change in plan.changes], []
    done: list[str] = []
    errors: list[str] = []
    for change in plan.changes:
        try:
            editor.change([change.put])
        except OpenClawError as error:
            errors.append(_refused(change, error))
        else:
            done.append(change.text)
    return done, errors


def _refused(change: Change, error: OpenClawError) -> str:
    return f"writeConfigFile failed: {change.text}: {error.message}"
