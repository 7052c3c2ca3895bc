"""`openclaw config`: the table of its commands."""

from __future__ import annotations

from typing import Final

from openclaw.cli.groups import Table, lazy_group

_READ: Final = "openclaw.cli.config_read"
_WRITE: Final = "openclaw.cli.config_write"

TABLE: Final[Table] = {
    "get": (f"{_READ}:get", "Print a value; secrets are masked."),
    "set": (f"{_WRITE}:set_value", "Set a value."),
    "unset": (f"{_WRITE}:unset", "Remove a value."),
    "validate": (f"{_READ}:validate", "Check the file, and say what is wrong where."),
    "schema": (f"{_READ}:schema", "Print the JSON Schema of the file."),
    "patch": (f"{_WRITE}:patch", "Merge a JSON5 document into the file (RFC 7396)."),
    "edit": ("openclaw.cli.config_edit:edit", "Edit the file in your editor; it is checked before it counts."),
}

config = lazy_group(
    "config",
    "Read, change and check the configuration. Comments, includes and ${VARIABLES} of the file are kept.",
    TABLE,
    examples=(
        "openclaw config get gateway.port",
        "openclaw config set channels.telegram.dmPolicy allowlist",
        "openclaw config set channels.telegram.botToken        the value is asked for, or read from stdin",
        "openclaw config validate --json",
    ),
)
