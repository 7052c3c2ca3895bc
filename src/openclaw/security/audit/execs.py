"""How commands run: hosts, allowlists, safe programs, and what the tool lists leave (audit.md 9.1)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.audit.agent_settings import (
    contexts,
    exec_host,
    has_tool_lists,
    offers,
    sandbox_mode,
    workspace_access,
    writers,
)
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.exposure import exec_scopes, open_keys
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, items, listed, mapping, some

_BROAD: Final = frozenset({"jq", "awk", "gawk", "mawk", "nawk", "sed", "gsed"})


@check(
    "tools.exec.host_sandbox_no_sandbox_defaults",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="Commands are to run in a sandbox that is off",
    when="tools.exec.host is written as sandbox while agents.defaults.sandbox.mode is off.",
    attack="Commands run on the gateway host without approvals, against what the config seems to say.",
    remedy='Set agents.defaults.sandbox.mode to "all", or tools.exec.host to "gateway" with approvals.',
    since=Since.LATER,
)
def sandbox_host_without_sandbox(ctx: AuditContext) -> Hits:
    """A sandbox is named and none is on."""
    if at(ctx.document, "tools", "exec", "host") == "sandbox" and sandbox_mode(ctx) == "off":
        yield Hit("tools.exec.host is sandbox and agents.defaults.sandbox.mode is off.", place="tools.exec.host")


@check(
    "tools.exec.host_sandbox_no_sandbox_agents",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="Agents' commands are to run in a sandbox that is off",
    when="tools.exec.host of an agent is written as sandbox while its sandbox mode is off.",
    attack="Commands of these agents run on the gateway host without approvals, against what the config seems to say.",
    remedy='Set sandbox.mode of the agents to "all".',
    since=Since.LATER,
)
def agent_sandbox_host_without_sandbox(ctx: AuditContext) -> Hits:
    """The same, for single agents."""
    found = [
        agent
        for _, agent, entry in contexts(ctx)
        if at(entry, "tools", "exec", "host") == "sandbox" and sandbox_mode(ctx, entry) == "off"
    ]
    if found:
        yield Hit(f"agents: {some(found)}.", place="agents.list")


@check(
    "tools.exec.security_full_configured",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.TOOLS,
    title="Every command is allowed on a host",
    when="tools.exec.security of the defaults or an agent is full. Critical when a policy of a channel is open.",
    attack="One injected instruction runs any program with your rights; nobody is asked.",
    remedy='Set tools.exec.security to "allowlist" and tools.exec.ask to "on-miss".',
    since=Since.LATER,
)
def security_full(ctx: AuditContext) -> Hits:
    """No list and no question."""
    found = [path for path, value in exec_scopes(ctx) if value == "full"]
    if found:
        severity = Severity.CRITICAL if open_keys(ctx) else Severity.WARN
        yield Hit(f"full: {some(found)}.", severity=severity, place=found[0])


@check(
    "tools.exec.fs_tools_disabled_but_exec_enabled",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="File tools are denied, but commands can still write files",
    when="An agent has none of write, edit and apply_patch, but has exec, and is not confined to a sandbox without a "
    "writable workspace.",
    attack="What write may not do, a shell line does.",
    remedy="Deny exec and process too, or sandbox the agent with workspaceAccess none or ro.",
    since=Since.LATER,
)
def files_denied_but_exec(ctx: AuditContext) -> Hits:
    """Read-only in name."""
    if not has_tool_lists(ctx):
        return
    found = []
    for _, agent, entry in contexts(ctx):
        boxed = sandbox_mode(ctx, entry) == "all" and exec_host(ctx, entry) == "sandbox"
        confined = boxed and workspace_access(ctx, entry) != "rw"
        if not confined and offers(ctx, entry, "exec") and not offers(ctx, entry, *writers(ctx)):
            found.append(agent)
    if found:
        yield Hit(f"agents: {some(found)}.", place="tools.deny")


def _approval_sections(ctx: AuditContext) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield "defaults", mapping(at(ctx.stores.approvals, "defaults"))
    for name, section in items(at(ctx.stores.approvals, "agents")):
        yield f"agents.{name}", mapping(section)


@check(
    "tools.exec.auto_allow_skills_enabled",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="Programs that skills ask for run without approval",
    when="autoAllowSkills is true in exec-approvals.json, in the defaults or for an agent.",
    attack="Whoever gets a skill installed chooses programs that run unasked.",
    remedy="Set autoAllowSkills to false and allow the few programs by path: openclaw approvals allowlist add PATH.",
    since=Since.LATER,
)
def auto_allow_skills(ctx: AuditContext) -> Hits:
    """Skills approve themselves."""
    found = [name for name, section in _approval_sections(ctx) if section.get("autoAllowSkills") is True]
    if found:
        yield Hit(f"autoAllowSkills is true in {some(found)}.", place=str(ctx.reading.layout.exec_approvals))


@check(
    "tools.exec.allowlist_interpreter_without_strict_inline_eval",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="An allowed interpreter may run code from its arguments",
    when="The allowlist of exec-approvals.json names an interpreter or shell and tools.exec.strictInlineEval is false "
    "for that agent.",
    attack='python -c "…" is any program at all.',
    remedy="Remove tools.exec.strictInlineEval (it is true by default), or allow scripts by path instead.",
    since=Since.LATER,
)
def interpreter_allowed(ctx: AuditContext) -> Hits:
    """An interpreter on the list without the inline guard."""
    if not ctx.stores.approvals:
        return
    from openclaw.policy.what.exec_interpreters import interpreter_of

    overall = at(ctx.document, "tools", "exec", "strictInlineEval")
    own = {agent: at(entry, "tools", "exec", "strictInlineEval") for _, agent, entry in contexts(ctx)}
    found = []
    for name, section in items(at(ctx.stores.approvals, "agents")):
        settings = [own[normalise_agent_id(name)]] if normalise_agent_id(name) in own else list(own.values())
        loose = any((overall if value is None else value) is False for value in settings)
        patterns = [
            item if isinstance(item, str) else str(at(item, "pattern")) for item in listed(section.get("allowlist"))
        ]
        programs = [text for text in patterns if interpreter_of(frozenset({posixpath.basename(text)})) is not None]
        if loose and programs:
            found.append(f"{name}: {some(programs)}")
    if found:
        yield Hit(tuple(f"- {row}" for row in found), place="tools.exec.strictInlineEval")


def _safe_bins(ctx: AuditContext) -> Iterator[tuple[str, list[str], Mapping[str, Any]]]:
    overall = at(ctx.document, "tools", "exec")
    yield "tools.exec", entries(at(overall, "safeBins")), mapping(at(overall, "safeBinProfiles"))
    for path, _, entry in contexts(ctx):
        block = at(entry, "tools", "exec")
        profiles = {**mapping(at(overall, "safeBinProfiles")), **mapping(at(block, "safeBinProfiles"))}
        yield f"{path}.tools.exec", entries(at(block, "safeBins")), profiles


@check(
    "tools.exec.safe_bins_interpreter_unprofiled",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="An interpreter is listed as a safe program",
    when="tools.exec.safeBins, global or of an agent, names an interpreter or shell without an entry in "
    "safeBinProfiles.",
    attack="In the original it would run any code without approval; here it is refused all the same.",
    remedy="Remove it from tools.exec.safeBins.",
    since=Since.LATER,
)
@check(
    "tools.exec.safe_bins_broad_behavior",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="A program with a language of its own is listed as safe",
    when="tools.exec.safeBins names jq, awk or sed, or one of their variants.",
    attack="These read files and variables by their own scripts, whatever their input is.",
    remedy="Remove it from tools.exec.safeBins; allow a fixed command line instead.",
    since=Since.LATER,
)
def safe_bins(ctx: AuditContext) -> Hits:
    """Programs that do more than read their input."""
    for path, names, profiles in _safe_bins(ctx):
        if not names:
            continue
        from openclaw.policy.what.exec_interpreters import interpreter_of

        bare = [name for name in names if name not in _BROAD and interpreter_of(frozenset({name})) is not None]
        unprofiled = [name for name in bare if name not in profiles]
        place = f"{path}.safeBins"
        if unprofiled:
            detail = f"{place}: {some(unprofiled)}."
            yield Hit(detail, id="tools.exec.safe_bins_interpreter_unprofiled", place=place)
        broad = [name for name in names if name in _BROAD]
        if broad:
            yield Hit(f"{place}: {some(broad)}.", id="tools.exec.safe_bins_broad_behavior", place=place)


@check(
    "tools.exec.safe_bin_trusted_dirs_risky",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="Safe programs may come from a folder that others write to",
    when="tools.exec.safeBinTrustedDirs names a relative path, a folder for temporary files, a package manager's bin "
    "folder, or one in a home directory.",
    attack="A planted program with the name of a safe one runs without approval.",
    remedy="Leave tools.exec.safeBinTrustedDirs out; /bin and /usr/bin are trusted already.",
    since=Since.LATER,
)
def trusted_dirs(ctx: AuditContext) -> Hits:
    """Folders that are not the system's."""
    blocks = [("tools.exec", at(ctx.document, "tools", "exec"))]
    blocks += [(f"{path}.tools.exec", at(entry, "tools", "exec")) for path, _, entry in contexts(ctx)]
    for path, block in blocks:
        risky = [folder for folder in entries(at(block, "safeBinTrustedDirs")) if _is_risky(ctx, folder)]
        if risky:
            yield Hit(f"{path}.safeBinTrustedDirs: {some(risky)}.", place=f"{path}.safeBinTrustedDirs")


def _is_risky(ctx: AuditContext, folder: str) -> bool:
    path = posixpath.normpath(folder)
    if not path.startswith("/"):
        return True
    risky = ("/tmp", "/var/tmp", "/dev/shm", "/usr/local", "/opt", "/home", "/root", "/Users", "/snap", "/nix")  # noqa: S108
    return any(path == base or path.startswith(f"{base}/") for base in (*risky, str(ctx.reading.environment.home)))


@check(
    "tools.profile_minimal_overridden",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="Agents leave the minimal tool profile",
    when="tools.profile is minimal and an agent sets another profile.",
    attack="The strict setting on top does not hold for these agents, although it reads as if it did.",
    remedy="Remove tools.profile of the agents, or list their extra tools in alsoAllow.",
    since=Since.LATER,
)
def minimal_overridden(ctx: AuditContext) -> Hits:
    """A strict default that some agents replace."""
    if at(ctx.document, "tools", "profile") != "minimal":
        return
    found = [
        f"{agent} ({profile})"
        for _, agent, entry in contexts(ctx)
        if (profile := at(entry, "tools", "profile")) not in (None, "minimal")
    ]
    if found:
        yield Hit(f"agents: {some(found)}.", place="tools.profile")


LATER: Final[tuple[Check, ...]] = (
    sandbox_host_without_sandbox,
    agent_sandbox_host_without_sandbox,
    security_full,
    files_denied_but_exec,
    auto_allow_skills,
    interpreter_allowed,
    safe_bins,
    trusted_dirs,
    minimal_overridden,
)
