"""Changes of the config: always valid, never silent, with the one before kept as a backup."""

from __future__ import annotations

from dataclasses import dataclass, field

from openclaw.config.edit import ConfigEditor
from openclaw.config.text_edit import Change, Put
from openclaw.config.write import backup_path
from openclaw.state.layout import StateLayout
from openclaw.system.clock import SystemClock, iso
from openclaw.system.environment import Environment
from openclaw.version import VERSION


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """Writes changes into the authored config.

    Attributes:
        layout, environment: whose config it is.
        changes: what is put and dropped; values are never shown.
        lines: what that comes to, for people.
        run_mode: `gateway.mode`, noted beside the time of the run.
    """

    layout: StateLayout
    environment: Environment
    changes: tuple[Change, ...] = field(repr=False)
    lines: tuple[str, ...]
    run_mode: str = "local"
    safe: bool = True
    moves: bool = False

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"config: {'; '.join(self.lines)}"

    def describe(self) -> tuple[str, ...]:
        """Return a line per change."""
        return self.lines

    def apply(self) -> tuple[str, ...]:
        """Write them, and note the run (config.md 5.1 row 21)."""
        editor = ConfigEditor(self.layout, self.environment)
        written = editor.change([*self.changes, *wizard_note("doctor", self.run_mode)])
        told = [f"the comments of {path.name} could not be kept" for path in written.rewritten]
        backups = [backup_path(path, 0) for path in written.files if backup_path(path, 0).exists()]
        return (*told, *(f"the one before is kept beside it as {path.name}" for path in backups))


def wizard_note(command: str, mode: str) -> list[Change]:
    """Return the note that a tool leaves in the config: when it ran last, which, and in what mode."""
    now = iso(SystemClock().now_ms())
    facts = {"lastRunAt": now, "lastRunVersion": VERSION, "lastRunCommand": command, "lastRunMode": mode}
    return [Put(("wizard", name), value) for name, value in facts.items()]
