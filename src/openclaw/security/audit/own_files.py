"""Who may open files that the seed does not look at (audit.md 9.4, 9.5)."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.disk import log_path
from openclaw.security.audit.look import Kind, Seen
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import some

_DOCTOR: Final = "openclaw doctor --fix (or chmod 600 {path})"


def _owners(ctx: AuditContext) -> frozenset[int]:
    return frozenset({0, ctx.disk.user})


@check(
    "fs.sessions_store.perms_writable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Others may change which session is whose",
    when="Group or others may write agents/<id>/sessions/sessions.json; one finding for each agent.",
    attack="Another account of this machine points its own chat at your session, or yours at a text that it wrote.",
    remedy="chmod 600 <path>",
    since=Since.OURS,
    fix="Sets mode 600; a link is left alone.",
)
def sessions_writable(ctx: AuditContext) -> Hits:
    """The session list decides what an agent remembers of whom."""
    for files in ctx.disk.agents:
        seen = files.sessions
        if seen is not None and seen.writable:
            yield Hit(seen.shown, note=f" ({files.agent})", remedy=f"chmod 600 {seen.path}", place=str(seen.path))


@check(
    "fs.transcripts.perms_readable",
    Severity.WARN,
    topic=Topic.DISK,
    title="Others may open transcripts",
    when="A file agents/*/sessions/*.jsonl has any permission for group or others; one finding with the count.",
    attack="Another account of this machine reads conversations and whatever tools printed in them.",
    remedy="openclaw doctor --fix",
    since=Since.OURS,
)
def transcripts(ctx: AuditContext) -> Hits:
    """Everything that was said."""
    loose = ctx.disk.transcripts
    if loose.count:
        names = (f"- {path}" for path in loose.examples)
        yield Hit((f"{loose.count} transcripts, such as", *names), place=str(loose.examples[0]))


@check(
    "fs.state_env.perms_readable",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Others may open the secrets in .env",
    when="<state>/.env has permissions for its group (warn) or for others (critical). The gateway does not read it "
    "then.",
    attack="Tokens and keys are in it.",
    remedy="openclaw doctor --fix (or chmod 600 <path>)",
    since=Since.OURS,
)
def state_env(ctx: AuditContext) -> Hits:
    """The file of secrets."""
    if ctx.disk.state_env is not None:
        yield from _secret_file(ctx.disk.state_env)


@check(
    "fs.config_backup.perms_readable",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Others may open a backup of the config",
    when="A file openclaw.json.bak* has permissions for its group (warn) or for others (critical).",
    attack="Old tokens in it may still be valid.",
    remedy="openclaw doctor --fix (or chmod 600 <path>)",
    since=Since.OURS,
)
def config_backups(ctx: AuditContext) -> Hits:
    """Copies of the config."""
    for seen in ctx.disk.backups:
        yield from _secret_file(seen)


def _secret_file(seen: Seen) -> Hits:
    if seen.kind is Kind.FILE and seen.mode & 0o077:
        severity = Severity.CRITICAL if seen.mode & 0o007 else Severity.WARN
        yield Hit(seen.shown, severity=severity, remedy=_DOCTOR.format(path=seen.path), place=str(seen.path))


@check(
    "fs.log_file.shared_folder",
    Severity.WARN,
    topic=Topic.DISK,
    title="The log lies in a folder that others control",
    when="The folder of logging.file belongs to another user, is a link, or may be written by group or others.",
    attack="Another account of this machine puts a link in the log's place, or takes the log away.",
    remedy="Remove logging.file: the log then lies in <state>/logs.",
    since=Since.OURS,
)
def log_folder(ctx: AuditContext) -> Hits:
    """A folder such as /tmp."""
    seen = ctx.disk.log_folder
    if seen is None:
        return
    foreign = seen.uid not in _owners(ctx)
    if foreign or seen.kind is Kind.LINK or seen.writable:
        why = (
            "belongs to another user" if foreign else "is a link" if seen.kind is Kind.LINK else "is writable by others"
        )
        yield Hit(f"{seen.shown}: it {why} ({log_path(ctx.reading)}).", place="logging.file")


@check(
    "fs.foreign_owner",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Somebody else owns part of the state",
    when="The state directory, the config, the credentials folder or an auth-profiles.json belongs to neither the user "
    "nor root.",
    attack="The owner can change it whatever its mode says.",
    remedy="Give it to your user (chown), after looking at what it holds.",
    since=Since.OURS,
)
def foreign_owner(ctx: AuditContext) -> Hits:
    """Modes mean little under another owner."""
    owners = _owners(ctx)
    for seen in ctx.disk.private_places:
        if seen.uid not in owners:
            yield Hit(f"{seen.path} belongs to user id {seen.uid}.", place=str(seen.path))


@check(
    "fs.code_folder.writable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Others may change code that the gateway trusts",
    when="A folder of plugins, skills or hooks may be written by group or others, or belongs to neither the user nor "
    "root.",
    attack="Whatever is put there runs with the gateway's rights at the next start.",
    remedy="chmod 700 <path>, after looking at what it holds.",
    since=Since.OURS,
)
def code_folders(ctx: AuditContext) -> Hits:
    """Folders of trusted code."""
    owners = _owners(ctx)
    for seen in ctx.disk.code:
        if seen.kind is Kind.FOLDER and (seen.writable or seen.uid not in owners):
            owner = "" if seen.uid in owners else f", owner {seen.uid}"
            remedy = f"chmod 700 {seen.path}, after looking at what it holds."
            yield Hit(f"{seen.shown}{owner}", remedy=remedy, place=str(seen.path))


@check(
    "fs.not_examined",
    Severity.WARN,
    topic=Topic.DISK,
    title="Something could not be looked at",
    when="A file or folder that the audit needs cannot be read, is no regular file, is too large or is no JSON.",
    attack="What is not seen is not judged.",
    remedy="Run the audit as the user that runs the gateway, and look at these names.",
    since=Since.OURS,
)
def not_examined(ctx: AuditContext) -> Hits:
    """Gaps in the snapshot."""
    troubles = ctx.troubles
    if troubles:
        yield Hit(some([f"{path}: {why}" for path, why in troubles], limit=8), place=str(troubles[0][0]))


OURS: Final[tuple[Check, ...]] = (
    sessions_writable,
    transcripts,
    state_env,
    config_backups,
    log_folder,
    foreign_owner,
    code_folders,
    not_examined,
)
