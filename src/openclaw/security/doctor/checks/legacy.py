"""What older releases left: names of variables, directories and files (config.md 2.1, 2.4; 5.1 rows 1, 2, 12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.facts_legacy import default_profiles, oauth_file
from openclaw.security.doctor.model import NOTE, WARN, Found, check, count, plain
from openclaw.security.doctor.repairs.moves import MoveFiles, MoveStateDirectory
from openclaw.security.doctor.repairs.profiles import ImportOAuth
from openclaw.security.doctor.repairs.sessions import MoveSessions
from openclaw.state.layout import CONFIG_NAME
from openclaw.system.environment import BY_NAME

_OLD_PREFIXES: Final = ("CLAWDBOT_", "MOLTBOT_", "MOLDBOT_")


@check("environment.old_names", "Environment")
def old_variables(context: DoctorContext) -> Iterator[Found]:
    """Variables of older releases still count, but only a few, and not for ever."""
    for name in sorted(context.environment.values):
        prefix = next((old for old in _OLD_PREFIXES if name.startswith(old)), None)
        if prefix is None:
            continue
        now = f"OPENCLAW_{name.removeprefix(prefix)}"
        row = BY_NAME.get(now)
        known = row is not None and name in row.aliases
        message = f"{name} is the name of an older release" + (", still read." if known else " and is not read.")
        yield WARN, message, f"Set {now} instead." if row is not None else "Remove it."


@check("legacy.state_directory", "Older releases")
def state_directory(context: DoctorContext) -> Iterator[Found]:
    """A state directory under an older name is moved, with a link left behind."""
    wanted = context.environment.home / ".openclaw"
    for old in context.legacy.state_dirs if not context.is_managed else ():
        if wanted.exists():
            yield (
                WARN,
                f"{context.shown(old)} is the state directory of an older release; {context.shown(wanted)} is in use.",
                "Copy what you still need from it by hand, then move it away.",
            )
        elif old == context.layout.root:
            yield (
                WARN,
                f"The state lies in {context.shown(old)}, the name of an older release.",
                None,
                MoveStateDirectory(old, wanted, (context.shown(old), context.shown(wanted))),
            )


@check("legacy.config_file", "Older releases")
def config_file(context: DoctorContext) -> Iterator[Found]:
    """A config file under an older name is renamed."""
    old = context.legacy.config_file
    if old is None or context.is_foreign or context.is_managed:
        return
    move = MoveFiles(context.layout.root, ((old.name, CONFIG_NAME),), context.shown(context.layout.root))
    yield WARN, f"The config lies in {context.shown(old)}, the name of an older release.", None, move


@check("legacy.sessions", "Older releases")
def sessions(context: DoctorContext) -> Iterator[Found]:
    """Sessions of the time before there were several agents belong to the default one."""
    node = context.state.get("sessions")
    if node is None or node.kind != "directory" or context.is_foreign or context.policy is None:
        return
    agent = context.policy.routing.default_agent
    yield (
        WARN,
        "The sessions lie in sessions/, where a release with a single agent kept them.",
        None,
        MoveSessions(context.layout, agent, context.policy.routing.global_scope, context.shown(context.layout.root)),
    )


@check("legacy.agent", "Older releases")
def agent_folder(context: DoctorContext) -> Iterator[Found]:
    """The same for the agent's credentials and caches."""
    node = context.state.get("agent")
    if node is None or node.kind != "directory" or context.is_foreign or context.policy is None:
        return
    inside = f"agents/{context.policy.routing.default_agent}/agent"
    moves = tuple((child.path, f"{inside}/{child.name}") for child in context.state.children("agent"))
    if moves:
        move = MoveFiles(context.layout.root, moves, context.shown(context.layout.root))
        yield WARN, "The credentials of the agent lie in agent/, the place of an older release.", None, move


@check("legacy.whatsapp", "Older releases")
def whatsapp(context: DoctorContext) -> Iterator[Found]:
    """Loose WhatsApp files in `credentials` belong to its account `default`."""
    names = context.legacy.whatsapp
    if not names or context.is_foreign:
        return
    moves = tuple((path, f"credentials/whatsapp/default/{path.rpartition('/')[2]}") for path in names)
    yield (
        WARN,
        f"In credentials/ itself, as older releases had it: {count(len(names), 'WhatsApp file')}.",
        None,
        MoveFiles(context.layout.root, moves, context.shown(context.layout.root)),
    )


@check("legacy.oauth", "Older releases")
def oauth(context: DoctorContext) -> Iterator[Found]:
    """Logins in `oauth.json` are taken over into the default agent's profiles."""
    source = oauth_file(context.layout)
    if context.legacy.oauth_fault is not None:
        yield WARN, f"Old logins cannot be taken over: {plain(context.legacy.oauth_fault)}."
    if not context.legacy.oauth or context.is_foreign:
        return
    profiles = default_profiles(context.document, context.layout, context.environment)
    yield (
        WARN,
        f"{context.shown(source)} holds logins that no agent has: {', '.join(context.legacy.oauth)}.",
        None,
        ImportOAuth(source, profiles, context.legacy.oauth, context.shown(profiles)),
    )


@check("legacy.other_homes", "Older releases")
def other_homes(context: DoctorContext) -> Iterator[Found]:
    """State directories of other users are told, since a gateway of theirs may use the same bot."""
    for place in context.legacy.other_homes:
        yield NOTE, f"Another user of this machine has a state directory: {place}."


CHECKS: Final = (
    old_variables,
    state_directory,
    config_file,
    sessions,
    agent_folder,
    whatsapp,
    oauth,
    other_homes,
)
