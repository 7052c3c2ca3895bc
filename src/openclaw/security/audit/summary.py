"""The overview, and state that a cloud folder copies away (audit.md 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Topic, check
from openclaw.security.audit.values import at, mapping

_CLOUD_FOLDERS: Final = ("icloud", "dropbox", "google drive", "googledrive", "onedrive")


@check(
    "summary.attack_surface",
    Severity.INFO,
    topic=Topic.OTHER,
    title="Attack surface at a glance",
    when="Always reported, once.",
    attack="Nothing by itself: each line is a way in that the other findings judge.",
    remedy="",
)
def attack_surface(ctx: AuditContext) -> Hits:
    """Count what is open and what is switched on."""
    policies = [at(section, "groupPolicy") for section in mapping(at(ctx.seed, "channels")).values()]
    lines = (
        f"groups: open={policies.count('open')}, allowlist={policies.count('allowlist')}",
        f"tools.elevated: {_switch(ctx.elevated)}",
        f"hooks: {_switch(ctx.hooks_on)}",
        f"browser control: {_switch(at(ctx.document, 'browser', 'enabled') is not False)}",
    )
    yield Hit(lines)


def _switch(on: bool) -> str:
    return "enabled" if on else "disabled"


@check(
    "fs.synced_dir",
    Severity.WARN,
    topic=Topic.DISK,
    title="State or config lies in a folder that a cloud service copies",
    when="The path of the state directory or of the config holds iCloud, Dropbox, Google Drive or OneDrive.",
    attack="Tokens, transcripts and pairing stores go to the provider and to every machine on the account.",
    remedy="Keep the state on a local disk: move it and set OPENCLAW_STATE_DIR.",
)
def synced_folder(ctx: AuditContext) -> Hits:
    """Look for the name of a cloud service in the configured paths."""
    paths: Mapping[str, str] = {
        "the state directory": str(ctx.reading.layout.root),
        "the config": str(ctx.reading.layout.config),
    }
    for what, path in paths.items():
        if any(name in path.lower() for name in _CLOUD_FOLDERS):
            yield Hit(f"{what} is {path}", place=path)
            return


SEED: Final[tuple[Check, ...]] = (attack_surface, synced_folder)
