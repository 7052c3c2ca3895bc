"""What lies in the workspaces of agents, where agents write: skills and plugins (audit.md 9.1, advisories M1)."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit.agent_settings import contexts, offers, sandbox_mode, workspace_access, writers
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, some


@check(
    "skills.workspace.symlink_escape",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A workspace skill lies outside its workspace",
    when="A SKILL.md below <workspace>/skills leads, through a link, to a file outside the workspace; at most 2000 "
    "files.",
    attack="Whoever owns that file writes instructions that the agent follows.",
    remedy="Replace the link by a copy.",
    since=Since.LATER,
)
@check(
    "skills.workspace.scan_truncated",
    Severity.WARN,
    topic=Topic.PLUGINS,
    title="A skills folder is too large to look through",
    when="The search for skills of a workspace hit its limit (40000 names, 2000 skills).",
    attack="What is not seen is not judged.",
    remedy="Move what is no skill out of <workspace>/skills.",
    since=Since.LATER,
)
def workspace_skills(ctx: AuditContext) -> Hits:
    """Links that lead out."""
    for path, target in ctx.workspaces.escapes:
        yield Hit(f"{path} → {target}", id="skills.workspace.symlink_escape", place=str(path))
    for workspace in ctx.workspaces.cut:
        yield Hit(f"{workspace}/skills", id="skills.workspace.scan_truncated", place=str(workspace))


@check(
    "skills.workspace.agent_writable",
    Severity.INFO,
    topic=Topic.PLUGINS,
    title="Agents can write their own skills",
    when="skills.load.workspace is not false, and an agent has write, edit or exec where its workspace is writable.",
    attack="A turn that was taken over plants a skill, and the next session follows it.",
    remedy="Set skills.load.workspace to false when no workspace skills are needed.",
    since=Since.OURS,
)
def writable_skills(ctx: AuditContext) -> Hits:
    """A skill folder in reach of the one who reads it."""
    if at(ctx.document, "skills", "load", "workspace") is False:
        return
    found = []
    for _, agent, entry in contexts(ctx):
        kept_out = sandbox_mode(ctx, entry) == "all" and workspace_access(ctx, entry) != "rw"
        if not kept_out and offers(ctx, entry, "exec", *writers(ctx)):
            found.append(agent)
    if found:
        yield Hit(f"agents: {some(found)}.", place="skills.load.workspace")


@check(
    "plugins.in_workspace",
    Severity.INFO,
    Severity.CRITICAL,
    topic=Topic.PLUGINS,
    title="A workspace holds plugins",
    when="The workspace of an agent has a folder .openclaw/extensions with something in it: it is not loaded. Critical "
    "when plugins.load.paths names a folder inside a workspace: that is.",
    attack="A cloned repository, or an agent that was taken over, brings code that runs with the gateway's rights.",
    remedy="Move plugins that you trust to <state>/extensions; remove the others.",
    since=Since.OURS,
)
def workspace_plugins(ctx: AuditContext) -> Hits:
    """Code where agents write."""
    for path in ctx.workspaces.loaded:
        place = "plugins.load.paths"
        title = "Plugins are loaded from a workspace"
        yield Hit(f"{place}: {path}.", severity=Severity.CRITICAL, title=title, place=place)
    for path in ctx.workspaces.plugins:
        if path not in ctx.workspaces.loaded:
            yield Hit(f"{path} is not loaded.", place=str(path))


LATER: Final[tuple[Check, ...]] = (workspace_skills,)
OURS: Final[tuple[Check, ...]] = (writable_skills, workspace_plugins)
