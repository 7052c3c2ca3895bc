"""What the code of plugins and skills does, by its text (audit.md 5, 7). Only with `--deep`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import some

if TYPE_CHECKING:
    from openclaw.security.audit.deep_facts import CodeHit, CodeScan

_SHOWN: Final = 12
_LOOK: Final = "Read the lines that are named. Remove what you did not expect, and tell its author."


def _scans(ctx: AuditContext, kind: str) -> list[CodeScan]:
    return [scan for scan in ctx.deep.scans if scan.kind == kind] if ctx.deep is not None else []


def _code_hits(scan: CodeScan, check_id: str) -> Hits:
    """Yield one finding with the worst kind of hits, and another one for those that the seed does not know."""
    known = [hit for hit in scan.hits if hit.seed and scan.seed and not scan.failed]
    added = [hit for hit in scan.hits if hit not in known]
    for hits, seed in ((known, True), (added, False)):
        if hits:
            critical = any(hit.critical for hit in hits)
            worst = [hit for hit in hits if hit.critical == critical]
            yield Hit(
                (f"{scan.files} files read in {scan.root}", *_rows(worst)),
                id=check_id,
                severity=Severity.CRITICAL if critical else Severity.WARN,
                note=f" ({scan.name})",
                seed=seed,
                place=str(scan.root),
            )


def _rows(hits: list[CodeHit]) -> list[str]:
    rows = [f"- [{hit.rule}] {hit.message} ({hit.file}:{hit.line})" for hit in hits[:_SHOWN]]
    return [*rows, f"…{len(hits) - _SHOWN} more"] if len(hits) > _SHOWN else rows


@check(
    "plugins.code_safety",
    Severity.CRITICAL,
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A plugin's code does something dangerous",
    when="The code of a plugin folder matches a scan rule: it starts programs, runs text as code, hides text, mines, "
    "or reads files or variables next to a network call. The severity is that of the worst rule; one finding for each "
    "plugin, plugins.allow does not matter. The default report also reads Python.",
    attack="A plugin runs inside the gateway, with every secret that it has.",
    remedy=_LOOK,
    deep=True,
)
@check(
    "plugins.code_safety.entry_path",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A plugin is loaded from a hidden place",
    when="An entry of openclaw.extensions in the plugin's package.json leads through node_modules or a dot folder.",
    attack="Code lies where people and scanners do not look.",
    remedy="Look at the file; it was scanned all the same.",
    deep=True,
)
@check(
    "plugins.code_safety.entry_escape",
    Severity.CRITICAL,
    topic=Topic.PLUGINS,
    title="A plugin is loaded from outside its folder",
    when="An entry of openclaw.extensions in the plugin's package.json leads out of the folder; such files are not "
    "scanned.",
    attack="Removing or checking the folder does not remove or check the code.",
    remedy="Remove the plugin.",
    deep=True,
)
@check(
    "plugins.code_safety.scan_failed",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A plugin's code could not be read",
    when="The folder of plugins, or a file of a plugin, cannot be read.",
    attack="What is not read is not judged.",
    remedy="Run the audit as the user that runs the gateway.",
    deep=True,
)
@check(
    "plugins.code_safety.scan_truncated",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A plugin's code was not read to the end",
    when="A plugin folder has more files, folders or text than the scan reads (500 files, 1 MiB each).",
    attack="Code beyond the limit is not judged.",
    remedy="Look at what fills the folder.",
    since=Since.OURS,
    deep=True,
)
@check(
    "plugins.code_safety.manifest_parse_error",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A plugin's package.json is broken",
    when="The package.json of a plugin folder is no JSON object.",
    attack="Its entries are not known, so they are not scanned first.",
    remedy="Install the plugin again.",
    since=Since.LATER,
    deep=True,
)
def plugin_code(ctx: AuditContext) -> Hits:
    """Each plugin folder, by name."""
    base = "plugins.code_safety"
    if ctx.deep is not None and ctx.deep.extensions_failed:
        yield Hit(ctx.deep.extensions_failed, id=f"{base}.scan_failed", note=" (folder of plugins)")
    for scan in _scans(ctx, "plugin"):
        note, place = f" ({scan.name})", str(scan.root)
        if scan.broken_package:
            yield Hit(f"{scan.root}/package.json", id=f"{base}.manifest_parse_error", note=note, place=place)
        for entry in scan.hidden_entries:
            yield Hit(entry, id=f"{base}.entry_path", note=note, place=place)
        if scan.escaping_entries:
            detail = some(list(scan.escaping_entries))
            yield Hit(detail, id=f"{base}.entry_escape", note=note, place=place)
        if scan.failed:
            yield Hit(scan.failed, id=f"{base}.scan_failed", note=note, place=place)
        yield from _code_hits(scan, base)
        if scan.cut:
            yield Hit(scan.cut, id=f"{base}.scan_truncated", note=note, place=place)


@check(
    "skills.code_safety",
    Severity.CRITICAL,
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A skill's code or text does something dangerous",
    when="A rule of the scan matches code in a skill folder that is neither bundled nor part of a plugin. The default "
    "report also reads Python and the text of SKILL.md.",
    attack="Agents follow the text of a skill and run its programs.",
    remedy=_LOOK,
    deep=True,
)
@check(
    "skills.code_safety.scan_failed",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A skill's code could not be read",
    when="A file of a skill cannot be read.",
    attack="What is not read is not judged.",
    remedy="Run the audit as the user that runs the gateway.",
    deep=True,
)
@check(
    "skills.code_safety.scan_truncated",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A skill's code was not read to the end",
    when="A skill folder has more files, folders or text than the scan reads.",
    attack="Code beyond the limit is not judged.",
    remedy="Look at what fills the folder.",
    since=Since.OURS,
    deep=True,
)
def skill_code(ctx: AuditContext) -> Hits:
    """Each skill folder once."""
    for scan in _scans(ctx, "skill"):
        if scan.failed:
            yield Hit(
                scan.failed,
                id="skills.code_safety.scan_failed",
                note=f" ({scan.name})",
                seed=scan.seed,
                place=str(scan.root),
            )
        yield from _code_hits(scan, "skills.code_safety")
        if scan.cut:
            note = f" ({scan.name})"
            yield Hit(scan.cut, id="skills.code_safety.scan_truncated", note=note, place=str(scan.root))


SEED: Final[tuple[Check, ...]] = (plugin_code, skill_code)
