"""Session keys are built here and nowhere else (agent.md 1.2).

Different values of the parts that a key names give different keys, up to letter case; `key_ids.id_fault` says which ids
may not take part.
"""

from __future__ import annotations

from collections.abc import Iterable

from openclaw.policy.where.key_ids import (
    DEFAULT_MAIN_KEY,
    UNKNOWN,
    DmScope,
    PeerKind,
    folded,
    normalise_account_id,
    normalise_agent_id,
    normalise_main_key,
)


def main_session_key(agent_id: str | None, main_key: str = DEFAULT_MAIN_KEY) -> str:
    """Return the key of an agent's main session."""
    return f"agent:{normalise_agent_id(agent_id)}:{normalise_main_key(main_key)}"


def linked_peer(links: Iterable[tuple[str, Iterable[str]]], channel: str, peer_id: str) -> str | None:
    """Return the name that `session.identityLinks` gives to a peer: the first entry in order that lists it."""
    bare = peer_id.strip().lower()
    if not bare:
        return None
    candidates = {bare, f"{channel.strip().lower()}:{bare}"} if channel.strip() else {bare}
    for name, ids in links:
        if name.strip() and any(listed.strip().lower() in candidates for listed in ids if listed.strip()):
            return name.strip().lower()
    return None


def _peer_part(links: Iterable[tuple[str, Iterable[str]]], channel: str, peer_id: str) -> str:
    """Return the peer part of a DM key.

    A peer whose own id equals a linked name is not that person: his part gets an `id:` in front, so that a link merges
    the listed ids and nobody else (advisories G7).
    """
    entries = tuple(links)
    linked = linked_peer(entries, channel, peer_id)
    if linked:
        return linked
    bare = peer_id.strip().lower()
    core = bare
    while core.startswith("id:"):
        core = core[3:]
    taken = {name.strip().lower() for name, _ in entries}
    return f"id:{bare}" if core and core in taken else bare


def direct_key(
    agent_id: str | None,
    scope: DmScope,
    *,
    channel: str,
    account_id: str | None,
    peer_id: str | None,
    links: Iterable[tuple[str, Iterable[str]]] = (),
    main_key: str = DEFAULT_MAIN_KEY,
) -> str:
    """Return the key of a direct chat.

    Args:
        agent_id: the routed agent.
        scope: which parts the key names.
        channel: channel id.
        account_id: account of that channel.
        peer_id: the peer; a blank one is the shared bucket `unknown`, None means that there is no peer at all.
        links: `session.identityLinks` in file order.
        main_key: rest of the main session's key.
    """
    agent = normalise_agent_id(agent_id)
    if scope is DmScope.MAIN or peer_id is None:
        return main_session_key(agent, main_key)
    peer = _peer_part(links, channel, peer_id) or UNKNOWN
    if scope is DmScope.PER_PEER:
        return f"agent:{agent}:direct:{peer}"
    place = channel.strip().lower() or UNKNOWN
    if scope is DmScope.PER_CHANNEL_PEER:
        return f"agent:{agent}:{place}:direct:{peer}"
    return f"agent:{agent}:{place}:{normalise_account_id(account_id)}:direct:{peer}"


def room_key(agent_id: str | None, kind: PeerKind, channel: str, room_id: str | None) -> str:
    """Return the key of a group or channel; a blank id becomes `unknown`."""
    place = channel.strip().lower() or UNKNOWN
    room = folded(room_id) or UNKNOWN
    return f"agent:{normalise_agent_id(agent_id)}:{place}:{kind}:{room}"


def thread_key(base: str, thread_id: str | None, parent: str | None = None) -> tuple[str, str | None]:
    """Return the key of a thread and its parent's; a blank thread id is the base itself, without a parent."""
    thread = folded(thread_id)
    return (f"{base}:thread:{thread}", parent) if thread else (base, None)


def topic_key(base: str, topic_id: str | None) -> str:
    """Return the key of a forum topic; without an id it is the General topic, 1."""
    return f"{base}:topic:{folded(topic_id) or '1'}"


def slash_key(agent_id: str | None, channel: str, user_id: str, *, prefix: str | None = None) -> str:
    """Return the key under which a native slash command runs; `prefix` is Slack's `slashCommand.sessionPrefix`."""
    head = folded(prefix) or f"{channel.strip().lower() or UNKNOWN}:slash"
    return f"agent:{normalise_agent_id(agent_id)}:{head}:{user_id.strip().lower() or UNKNOWN}"


def subagent_key(agent_id: str | None, uuid: str) -> str:
    """Return the key of a sub-agent session."""
    return f"agent:{normalise_agent_id(agent_id)}:subagent:{uuid.strip().lower()}"


def acp_key(agent_id: str | None, uuid: str) -> str:
    """Return the key of an ACP bridge session."""
    return f"agent:{normalise_agent_id(agent_id)}:acp:{uuid.strip().lower()}"


def cron_key(agent_id: str | None, job_id: str, *, run_session_id: str | None = None) -> str:
    """Return the key of a cron job, or of one of its isolated runs."""
    base = f"agent:{normalise_agent_id(agent_id)}:cron:{job_id.strip().lower()}"
    return f"{base}:run:{run_session_id.strip().lower()}" if run_session_id else base


def hook_key(agent_id: str | None, hook_id: str) -> str:
    """Return the key of a webhook run."""
    return f"agent:{normalise_agent_id(agent_id)}:hook:{hook_id.strip().lower()}"


def node_key(agent_id: str | None, node_id: str) -> str:
    """Return the key of runs that a node starts."""
    return f"agent:{normalise_agent_id(agent_id)}:node-{node_id.strip().lower()}"
