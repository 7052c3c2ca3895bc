"""What this system's own rules make of a config: commands on the host, bindings, inheritance, lists (audit.md 9.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.audit.agent_settings import contexts, exec_host, offers, sandbox_mode
from openclaw.security.audit.channel_cases import distinct, own_cases
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.exposure import open_keys
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, items, listed, mapping, some, trim


def _unsandboxed(ctx: AuditContext) -> list[str]:
    """Return the agents whose commands may run on the gateway host without approval (exec.md 1.2)."""
    return [
        f"{agent} (sandbox mode {sandbox_mode(ctx, entry)})"
        for _, agent, entry in contexts(ctx)
        if exec_host(ctx, entry) == "sandbox" and sandbox_mode(ctx, entry) != "all" and offers(ctx, entry, "exec")
    ]


def _several_senders(ctx: AuditContext) -> bool:
    return any("*" in case.allow_from or distinct(case) > 1 for case in own_cases(ctx))


@check(
    "tools.exec.unsandboxed_host_exec",
    Severity.INFO,
    Severity.WARN,
    topic=Topic.TOOLS,
    title="Commands run on this machine without approval",
    when="An agent may call exec, its exec host is sandbox (the default), and its sandbox mode leaves some session "
    "out. Warn when a channel is open or several people may write.",
    attack="One injected instruction runs any program with your rights.",
    remedy='Set agents.defaults.sandbox to {mode: "all", workspaceAccess: "rw"}, or tools.exec to {host: "gateway", '
    'security: "allowlist", ask: "on-miss"}.',
    since=Since.OURS,
)
def host_exec(ctx: AuditContext) -> Hits:
    """The seed's default: no sandbox, no approvals."""
    agents = _unsandboxed(ctx)
    if agents:
        severity = Severity.WARN if open_keys(ctx) or _several_senders(ctx) else Severity.INFO
        yield Hit(f"agents: {some(agents)}.", severity=severity, place="agents.defaults.sandbox.mode")


@check(
    "tools.exec.env_inherit_secret",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="Commands are handed a secret of the gateway",
    when="tools.exec.envInherit, global or of an agent, names a variable that is named like a secret.",
    attack="Any command prints it.",
    remedy="Remove it from envInherit; give the one skill that needs it the variable in skills.entries.<key>.env.",
    since=Since.OURS,
)
def inherited_secrets(ctx: AuditContext) -> Hits:
    """Variables that every child sees."""
    blocks = [("tools.exec", at(ctx.document, "tools", "exec"))]
    blocks += [(f"{path}.tools.exec", at(entry, "tools", "exec")) for path, _, entry in contexts(ctx)]
    for path, block in blocks:
        names = entries(at(block, "envInherit"))
        if not names:
            continue
        from openclaw.policy.what.child_environment import is_secret_name

        found = [name for name in names if is_secret_name(name)]
        if found:
            yield Hit(f"{path}.envInherit: {some(found)}.", place=f"{path}.envInherit")


@check(
    "bindings.unknown_agent",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="A binding leads to an agent that is not listed",
    when="agents.list is not empty and a binding names an agent that is not in it.",
    attack="In the original its messages go to the default agent, which often has the most rights. Here they are "
    "refused.",
    remedy="Correct bindings[].agentId, or list the agent.",
    since=Since.OURS,
)
def unknown_agents(ctx: AuditContext) -> Hits:
    """Bindings into the void."""
    known = {normalise_agent_id(entry.get("id")) for entry in ctx.reading.agents}
    for index, binding in enumerate(listed(at(ctx.document, "bindings"))):
        name = trim(at(binding, "agentId"))
        if known and normalise_agent_id(name) not in known:
            yield Hit(f'bindings.{index} names "{name}".', place=f"bindings.{index}.agentId")


@check(
    "agents.auth_inherited",
    Severity.INFO,
    topic=Topic.MODELS,
    title="Agents use the main agent's model keys",
    when="auth.inheritMain is not false, the main agent has an auth-profiles.json, and other agents are listed.",
    attack="An agent that was taken over spends on, and reads with, keys that were meant for another.",
    remedy="Set auth.inheritMain to false and log each agent in by itself.",
    since=Since.OURS,
)
def inherited_auth(ctx: AuditContext) -> Hits:
    """Keys below an agent's own."""
    main = any(files.agent == "main" and files.auth is not None for files in ctx.disk.agents)
    others = [agent for _, agent, _ in contexts(ctx) if agent != "main"]
    if main and others and at(ctx.document, "auth", "inheritMain") is not False:
        yield Hit(f"agents: {some(others)}.", place="auth.inheritMain")


@check(
    "tools.provenance.off",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.TOOLS,
    title="Untrusted text may cause consequential calls",
    when="tools.provenance.mode, global or of an agent, is off. Critical when commands may run on a host.",
    attack="A page or mail that the agent reads makes it send data out, spend or run commands, and nobody is asked.",
    remedy='Set tools.provenance.mode to "ask".',
    since=Since.OURS,
)
def provenance_off(ctx: AuditContext) -> Hits:
    """The gate that remembers where words came from."""
    blocks = [("tools.provenance.mode", at(ctx.document, "tools", "provenance", "mode"))]
    blocks += [
        (f"{path}.tools.provenance.mode", at(entry, "tools", "provenance", "mode")) for path, _, entry in contexts(ctx)
    ]
    found = [path for path, mode in blocks if mode == "off"]
    if found:
        hosts = any(exec_host(ctx, entry) != "sandbox" for _, _, entry in contexts(ctx))
        severity = Severity.CRITICAL if hosts or _unsandboxed(ctx) else Severity.WARN
        yield Hit(f"off: {some(found)}.", severity=severity, place=found[0])


@check(
    "config.widened_since_seed",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="This config admits more people here than in the original",
    when="An account says nothing about its policy, its channel's section is open, and the policy in force admits "
    "strangers there. The original gives each silent account pairing and allowlist.",
    attack="People write to an account that used to be closed.",
    remedy="State dmPolicy and groupPolicy in the account.",
    since=Since.OURS,
)
def widened(ctx: AuditContext) -> Hits:
    """An account that inherits an open base."""
    for channel, section in items(at(ctx.seed, "channels")):
        accounts = mapping(at(section, "accounts"))
        if not accounts or not any(key.startswith(f"channels.{channel}.") for key in open_keys(ctx)):
            continue
        for name, own in accounts.items():
            yield from _widened_account(ctx, channel, name, mapping(own))


def _widened_account(ctx: AuditContext, channel: str, name: str, seed: Mapping[str, Any]) -> Iterator[Hit]:
    account = ctx.policy.access.account(channel, name)
    if account is None or not account.enabled:
        return
    path = f"channels.{channel}.accounts.{name}"
    before = at(seed, "dm", "policy") if account.rules.nested_dm else seed.get("dmPolicy")
    if account.dm_policy == "open" and account.dm_list.wildcard and before != "open":
        yield Hit(f"{path}: direct messages are open, by the section of the channel.", place=path)
    if account.group_policy == "open" and seed.get("groupPolicy") != "open":
        yield Hit(f"{path}: groups are open, by the section of the channel.", place=path)


def _tool_blocks(ctx: AuditContext) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (config path, block) of every place with tool lists that hold for a run."""
    blocks = [("tools", mapping(at(ctx.document, "tools")))]
    blocks += [(f"{path}.tools", mapping(at(entry, "tools"))) for path, _, entry in contexts(ctx)]
    for path, block in blocks:
        yield path, block
        for name, inner in items(block.get("byProvider")):
            yield f"{path}.byProvider.{name}", mapping(inner)


@check(
    "tools.policy.meaning_changed",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="A tool list means something else here than in the original",
    when="An allow list names no tool of the product: only names of plugins, channels, patterns or typing errors. The "
    "original ignores such a list and offers every tool; here it holds, and nothing passes.",
    attack="In the original an agent that looks restricted has every tool.",
    remedy="Move names of plugin tools to alsoAllow. For sending to a channel use message: names such as telegram are "
    "no tools.",
    since=Since.OURS,
)
@check(
    "tools.by_provider.never_matches",
    Severity.WARN,
    topic=Topic.TOOLS,
    title="A tool list for a provider never applies",
    when="A key of tools.byProvider has more than one slash: a model id that holds a slash is looked up without its "
    "provider.",
    attack="A restriction that was written down does not hold.",
    remedy="Write the key without the provider, such as anthropic/claude-x for openrouter/anthropic/claude-x.",
    since=Since.OURS,
)
def tool_lists(ctx: AuditContext) -> Hits:
    """Lists that do not do what they say."""
    for path, block in _tool_blocks(ctx):
        names = entries(block.get("allow"))
        if names and not _names_a_tool([*names, *entries(block.get("alsoAllow"))], ctx):
            place = f"{path}.allow"
            yield Hit(f"{place}: {some(names)}.", id="tools.policy.meaning_changed", place=place)
        vain = [key for key in mapping(block.get("byProvider")) if key.strip().count("/") > 1]
        if vain:
            place = f"{path}.byProvider"
            yield Hit(f"{place}: {some(vain)}.", id="tools.by_provider.never_matches", place=place)


def _names_a_tool(names: list[str], ctx: AuditContext) -> bool:
    """Tell whether the original would take a list seriously: some entry is a tool of the product, or a bare `*`."""
    from openclaw.policy.what.tool_names import CORE_TOOLS, GROUPS, MEMORY_TOOLS, normalise_tool

    patching = at(ctx.document, "tools", "exec", "applyPatch", "enabled") is True
    core = {*CORE_TOOLS, "*"} - set(MEMORY_TOOLS) - (set() if patching else {"apply_patch"})
    expanded = {member for name in names for member in GROUPS.get(normalise_tool(name), (normalise_tool(name),))}
    return not core.isdisjoint(expanded)


OURS: Final[tuple[Check, ...]] = (
    host_exec,
    inherited_secrets,
    tool_lists,
    unknown_agents,
    inherited_auth,
    provenance_off,
    widened,
)
