"""What sessions, sandboxes, commands, files and fetches are allowed by settings that no single person's case shows."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Final

from openclaw.policy.diff.model import Fact
from openclaw.policy.snapshot import Policy
from openclaw.policy.verdict import Outcome
from openclaw.policy.what.exec_model import ExecSettings
from openclaw.policy.what.urls import UrlPolicy
from openclaw.policy.where.key_ids import DmScope, folded
from openclaw.policy.where.sandbox_mode import (
    SandboxMode,
    SandboxScope,
    SandboxSettings,
    SessionToolsVisibility,
)
from openclaw.policy.where.send_policy import SendPolicy
from openclaw.policy.who.commands_registry import Switch

_DM_SCOPES: Final = {DmScope.PER_CHANNEL_PEER: 1, DmScope.PER_PEER: 2}
_ONE_SESSION: Final = "dm-scope.main"
_ANY_REPLY: Final = "send.any"
_SHARING: Final = {SandboxScope.SESSION: 0, SandboxScope.AGENT: 1, SandboxScope.SHARED: 2}


def setting_facts(policy: Policy) -> Iterator[Fact]:
    """Yield what the settings of sessions, commands, rooms and fetches let in."""
    yield from _sessions(policy)
    yield from _sends(policy.routing.send)
    yield from _threads(policy)
    yield from _commands(policy)
    yield from _fetches(policy.exec.fetch)
    yield from _fetches(policy.exec.browser)
    if policy.exec.mask_shown:
        said = "secrets are {now} masked in what is shown (logging.redactSensitive)"
        yield Fact("mask", said, guard=True, topic="secrets")
    for pattern in policy.exec.mask_patterns:
        said = "a pattern of logging.redactPatterns {now} masks texts"
        yield Fact(("mask", pattern), said, guard=True, topic="secrets")


def agent_facts(policy: Policy, agent: str, called: str) -> Iterator[Fact]:
    """Yield what the settings of an agent let in.

    Args:
        policy: the policy.
        agent: the agent; one that the policy does not list has the general settings.
        called: the agent that the facts are about.
    """
    yield from _sandbox(policy.routing.sandbox.settings(agent), called)
    yield from _exec(policy.exec.for_agent(agent), called)
    yield from _node(policy.routing.exec_for(agent).node, called)


def pattern_facts(policy: Policy, agents: Iterable[str]) -> Iterator[Fact]:
    """Yield the texts that count as a mention; they matter where some room asks for one."""
    for agent in agents:
        for pattern in policy.access.patterns_for(agent).patterns:
            said = "text that matches {what} {now} counts as a mention of agent {who}"
            yield Fact(("mention", agent, pattern.source), said, pattern.source, agent, topic="access")


def _sessions(policy: Policy) -> Iterator[Fact]:
    routing = policy.routing
    if routing.dm_scope is DmScope.MAIN:
        said = "direct chats of different people {now} share one session (session.dmScope main)"
        yield Fact(_ONE_SESSION, said, topic="sessions")
    rank = _DM_SCOPES.get(routing.dm_scope)
    if rank:
        where = "with several accounts" if rank == 1 else "on several channels"
        said = f"one person's direct chats {where} {{now}} share a session (session.dmScope {routing.dm_scope})"
        yield Fact("dm-scope", said, rank=rank, within=_ONE_SESSION, topic="sessions")
    if routing.dm_scope is not DmScope.MAIN:
        for name, ids in routing.identity_links:
            for one in ids:
                said = "{what} (session.identityLinks) {now} share a direct session"
                yield Fact(("link", name, one), said, f"{one} and {name}", within=_ONE_SESSION, topic="sessions")
    if routing.global_scope:
        said = "all agents' main sessions are {now} one (session.scope global)"
        yield Fact("global-scope", said, topic="sessions")


def _sends(policy: SendPolicy) -> Iterator[Fact]:
    """Yield where replies may go, as far as rules name sessions by their keys; any matching denial wins."""
    if policy.default is Outcome.ALLOW:
        said = "replies may {now} go wherever no rule forbids it (session.sendPolicy.default)"
        yield Fact(_ANY_REPLY, said, topic="sessions")
    for rule in policy.rules:
        prefix = folded(rule.key_prefix)
        denies = rule.action is not Outcome.ALLOW
        if prefix:
            said = "replies may {now} go to sessions whose keys begin with {what} (session.sendPolicy.rules)"
            if denies:
                said = (
                    "a rule {now} forbids replies to sessions whose keys begin with {what} (session.sendPolicy.rules)"
                )
            key = ("send", rule.action, folded(rule.channel), rule.chat_type, prefix)
            yield Fact(key, said, prefix, guard=denies, within="" if denies else _ANY_REPLY, topic="sessions")


def _threads(policy: Policy) -> Iterator[Fact]:
    for channel, access in policy.access.channels.items():
        for account, scope in access.accounts.items():
            if scope.enabled and not scope.history_by_thread:
                key = f"channels.{channel}.thread.historyScope"
                said = f"unanswered words of one thread {{now}} reach the others of its channel on {{what}} ({key})"
                yield Fact(("threads", channel, account), said, f"{channel} account {account}", topic="sessions")


def _commands(policy: Policy) -> Iterator[Fact]:
    for switch in Switch:
        if switch in policy.access.commands.switches:
            said = f"owners may {{now}} give /{switch} (commands.{switch})"
            yield Fact(f"command:{switch}", said, topic="commands")
    if policy.access.text_commands:
        said = "commands that are written as text are {now} obeyed on every channel (commands.text)"
        yield Fact("command.text", said, topic="commands")


def _sandbox(settings: SandboxSettings, agent: str) -> Iterator[Fact]:
    bare: Hashable = ("unsandboxed", agent)
    if settings.mode is SandboxMode.OFF:
        said = "all sessions of agent {who} {now} run on this machine, without a sandbox (sandbox.mode off)"
        yield Fact(bare, said, who=agent, topic="sandbox")
        return
    rank = _SHARING[settings.scope]
    if rank:
        shared = "all agents" if settings.scope is SandboxScope.SHARED else "all sessions of the agent"
        said = f"the sandbox of agent {{who}} {{now}} serves {shared} (sandbox.scope {settings.scope})"
        yield Fact(("sandbox.scope", agent), said, who=agent, rank=rank, within=bare, topic="sandbox")
    if settings.tools_visibility is SessionToolsVisibility.ALL:
        said = "sandboxed sessions of agent {who} {now} see more than they started (sandbox.sessionToolsVisibility all)"
        yield Fact(("sandbox.sees", agent), said, who=agent, within=bare, topic="sandbox")
    if settings.workspace_root:
        said = "sandbox workspaces of agent {who} {now} lie in {what} (sandbox.workspaceRoot)"
        key = ("sandbox.root", agent, settings.workspace_root)
        yield Fact(key, said, settings.workspace_root, agent, within=bare, topic="sandbox")


def _exec(settings: ExecSettings, agent: str) -> Iterator[Fact]:
    rules, key = settings.rules, "tools.exec"
    lists = (
        ("safeBins", rules.safe_bins, "{what} {now} runs for agent {who} unasked, on its input only"),
        ("safeBinTrustedDirs", settings.extra_trusted_dirs, "programs in {what} {now} count as safe for agent {who}"),
        ("envAllow", settings.environment.allow, "commands of agent {who} may {now} set {what}"),
        ("envInherit", settings.environment.inherit, "commands of agent {who} {now} see the gateway's {what}"),
        ("pathPrepend", settings.path_prepend, "commands of agent {who} are {now} looked up in {what} first"),
    )
    for name, entries, said in lists:
        for entry in sorted(entries):
            yield Fact((name, agent, entry), f"{said} ({key}.{name})", entry, agent, topic="exec")
    for name, profile in rules.safe_bin_profiles.items():
        said = f"{{what}} {{now}} takes the arguments of its profile for agent {{who}} ({key}.safeBinProfiles)"
        yield Fact(("profile", agent, name, profile), said, name, agent, topic="exec")
    if rules.strict_inline_eval:
        said = f"allowlisted interpreters of agent {{who}} {{now}} run script files only ({key}.strictInlineEval)"
        yield Fact(("inline", agent), said, who=agent, guard=True, topic="exec")
    if settings.patch_workspace_only:
        said = f"apply_patch of agent {{who}} {{now}} stays in the workspace ({key}.applyPatch.workspaceOnly)"
        yield Fact(("patch", agent), said, who=agent, guard=True, topic="files")


def _node(node: str | None, agent: str) -> Iterator[Fact]:
    """Yield where commands on nodes may go: a run chooses the node where the config names none (exec.md 1.2)."""
    anywhere = ("exec.node", agent)
    if node is None:
        yield Fact(
            anywhere, "commands of agent {who} may {now} go to any node (tools.exec.node)", who=agent, topic="exec"
        )
    else:
        said = "commands of agent {who} may {now} go to the node {what} (tools.exec.node)"
        yield Fact((*anywhere, node), said, node, agent, within=anywhere, topic="exec")


def _fetches(policy: UrlPolicy) -> Iterator[Fact]:
    key = policy.key
    if policy.allow_private:
        said = f"fetches may {{now}} reach private networks ({key}.dangerouslyAllowPrivateNetwork)"
        yield Fact(f"{key}.private", said, topic="urls")
    for host in sorted(policy.allowed_hosts):
        said = f"fetches may {{now}} reach {{what}} although it is private ({key}.allowedHostnames)"
        yield Fact((key, "host", host), said, host, topic="urls")
    anywhere: Hashable = (key, "any")
    if not policy.only_hosts:
        yield Fact(anywhere, f"fetches may {{now}} reach any public host ({key}.hostnameAllowlist)", topic="urls")
    for host in policy.only_hosts:
        shown = f"*{host}" if host.startswith(".") else host
        said = f"fetches may {{now}} reach {{what}} ({key}.hostnameAllowlist)"
        yield Fact((key, "only", host), said, shown, within=anywhere, topic="urls")
