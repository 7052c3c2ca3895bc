"""Who may open the files of the state directory: the seed's rules (audit.md 4.7). The first that fits counts."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.look import Kind, Seen
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Topic, check

_FOLDER: Final = "chmod 700 {path}"
_FILE: Final = "chmod 600 {path}"
_PLANT: Final = "Another account of this machine plants settings, senders or code that the gateway then obeys."
_READ: Final = "Another account of this machine, or a backup that copies modes, reads tokens and private messages."
_FIX_700: Final = "Sets mode 700; a link is left alone."
_FIX_600: Final = "Sets mode 600; a link is left alone."


def _hit(seen: Seen, check_id: str, remedy: str = _FILE, *, note: str = "", seed: bool = True) -> Hit:
    path = str(seen.path)
    return Hit(seen.shown, id=check_id, note=note, remedy=remedy.format(path=path), seed=seed, place=path)


@check(
    "fs.state_dir.symlink",
    Severity.WARN,
    topic=Topic.DISK,
    title="The state directory is a link",
    when="The state directory is a symbolic link.",
    attack="Whoever may change the link, or a folder on its way, chooses the state that the gateway uses.",
    remedy="",
)
@check(
    "fs.state_dir.perms_world_writable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Everybody may write into the state directory",
    when="Others may write it. A link has mode 777 on Linux and so counts as well.",
    attack=_PLANT,
    remedy="chmod 700 <path>",
    fix=_FIX_700,
)
@check(
    "fs.state_dir.perms_group_writable",
    Severity.WARN,
    topic=Topic.DISK,
    title="A group may write into the state directory",
    when="Its group may write it, and others may not.",
    attack=_PLANT,
    remedy="chmod 700 <path>",
    fix=_FIX_700,
)
@check(
    "fs.state_dir.perms_readable",
    Severity.WARN,
    topic=Topic.DISK,
    title="Others may list the state directory",
    when="Group or others may read it, and neither may write it.",
    attack=_READ,
    remedy="chmod 700 <path>",
    fix=_FIX_700,
)
def state_dir(ctx: AuditContext) -> Hits:
    """The folder that holds everything."""
    seen = ctx.disk.state
    if seen is None:
        return
    if seen.kind is Kind.LINK:
        yield _hit(seen, "fs.state_dir.symlink", "")
    if seen.world_writable:
        yield _hit(seen, "fs.state_dir.perms_world_writable", _FOLDER)
    elif seen.group_writable:
        yield _hit(seen, "fs.state_dir.perms_group_writable", _FOLDER)
    elif seen.readable:
        yield _hit(seen, "fs.state_dir.perms_readable", _FOLDER)


@check(
    "fs.config.symlink",
    Severity.WARN,
    topic=Topic.DISK,
    title="The config is a link",
    when="The config file is a symbolic link.",
    attack="Whoever may change the link, or a folder on its way, chooses the config.",
    remedy="",
)
@check(
    "fs.config.perms_writable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Others may change the config",
    when="Group or others may write the config file. A link has mode 777 on Linux and so counts as well.",
    attack=_PLANT,
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
@check(
    "fs.config.perms_world_readable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Everybody may read the config",
    when="Others may read the config file, and neither group nor others may write it.",
    attack=_READ,
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
@check(
    "fs.config.perms_group_readable",
    Severity.WARN,
    topic=Topic.DISK,
    title="A group may read the config",
    when="Only its group may read the config file.",
    attack=_READ,
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
def config_file(ctx: AuditContext) -> Hits:
    """The config may hold tokens."""
    seen = ctx.disk.config
    if seen is None:
        return
    if seen.kind is Kind.LINK:
        yield _hit(seen, "fs.config.symlink", "")
    yield from _config_modes(seen, "fs.config")


def _config_modes(seen: Seen, base: str) -> Hits:
    if seen.writable:
        yield _hit(seen, f"{base}.perms_writable")
    elif seen.world_readable:
        yield _hit(seen, f"{base}.perms_world_readable")
    elif seen.readable:
        yield _hit(seen, f"{base}.perms_group_readable")


@check(
    "fs.config_include.perms_writable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Others may change an included config file",
    when="Group or others may write an included config file; one finding for each.",
    attack=_PLANT,
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
@check(
    "fs.config_include.perms_world_readable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Everybody may read an included config file",
    when="Others may read an included config file, and neither group nor others may write it.",
    attack=_READ,
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
@check(
    "fs.config_include.perms_group_readable",
    Severity.WARN,
    topic=Topic.DISK,
    title="A group may read an included config file",
    when="Only its group may read an included config file.",
    attack=_READ,
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
def included_files(ctx: AuditContext) -> Hits:
    """Each included file, in the order in which they are met."""
    for seen in ctx.disk.includes:
        yield from _config_modes(seen, "fs.config_include")


@check(
    "fs.credentials_dir.perms_writable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Others may write into the credentials folder",
    when="The credentials folder is a directory, and group or others may write it.",
    attack="Another account of this machine approves itself in a pairing store, or swaps a login.",
    remedy="chmod 700 <path>",
    fix=_FIX_700,
)
@check(
    "fs.credentials_dir.perms_readable",
    Severity.WARN,
    topic=Topic.DISK,
    title="Others may list the credentials folder",
    when="The credentials folder is a directory that group or others may read but not write.",
    attack=_READ,
    remedy="chmod 700 <path>",
    fix=_FIX_700,
)
def credentials_folder(ctx: AuditContext) -> Hits:
    """Logins of channels and pairing stores."""
    seen = ctx.disk.credentials
    if seen is None or seen.kind is not Kind.FOLDER:
        return
    if seen.writable:
        yield _hit(seen, "fs.credentials_dir.perms_writable", _FOLDER)
    elif seen.readable:
        yield _hit(seen, "fs.credentials_dir.perms_readable", _FOLDER)


@check(
    "fs.auth_profiles.perms_writable",
    Severity.CRITICAL,
    topic=Topic.DISK,
    title="Others may change an agent's model keys",
    when="Group or others may write agents/<id>/agent/auth-profiles.json; for the default agent and each listed one.",
    attack="Another account of this machine swaps in a key of its own and reads every conversation at the provider.",
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
@check(
    "fs.auth_profiles.perms_readable",
    Severity.WARN,
    topic=Topic.DISK,
    title="Others may read an agent's model keys",
    when="Group or others may read but not write agents/<id>/agent/auth-profiles.json.",
    attack=_READ,
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
@check(
    "fs.sessions_store.perms_readable",
    Severity.WARN,
    topic=Topic.DISK,
    title="Others may read who talked to an agent",
    when="Group or others may read agents/<id>/sessions/sessions.json.",
    attack=_READ,
    remedy="chmod 600 <path>",
    fix=_FIX_600,
)
def agent_files(ctx: AuditContext) -> Hits:
    """Each agent's keys and session list."""
    for files in ctx.disk.agents:
        note = f" ({files.agent})"
        if files.auth is not None and (files.auth.writable or files.auth.readable):
            kind = "writable" if files.auth.writable else "readable"
            yield _hit(files.auth, f"fs.auth_profiles.perms_{kind}", note=note, seed=files.seed)
        if files.sessions is not None and files.sessions.readable:
            yield _hit(files.sessions, "fs.sessions_store.perms_readable", note=note, seed=files.seed)


@check(
    "fs.log_file.perms_readable",
    Severity.WARN,
    topic=Topic.DISK,
    title="Others may read the log",
    when="logging.file is set, exists, and group or others may read it. The default report also looks at <state>/logs "
    "and the newest file in it.",
    attack=_READ,
    remedy="chmod 600 <path>",
)
def log_files(ctx: AuditContext) -> Hits:
    """The configured log, then the default one."""
    seen = ctx.disk.log_file
    if seen is not None and seen.readable:
        yield _hit(seen, "fs.log_file.perms_readable")
    for own in ctx.disk.own_logs:
        if own.readable and own.kind is not Kind.LINK:
            remedy = _FOLDER if own.kind is Kind.FOLDER else _FILE
            yield _hit(own, "fs.log_file.perms_readable", f"{remedy}, or openclaw doctor --fix", seed=False)


STATE: Final[tuple[Check, ...]] = (state_dir, config_file, included_files)
STORES: Final[tuple[Check, ...]] = (credentials_folder, agent_files, log_files)
