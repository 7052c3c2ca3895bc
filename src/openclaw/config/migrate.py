"""Moving keys of older versions to their new places in the authored document (config.md 1.10).

What stands at the new place already wins. Nothing is guessed: a value that has no new place stays and is reported by
the schema.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

from openclaw.config.issues import Parts
from openclaw.config.text_edit import Change, Drop, Put
from openclaw.policy.where.key_ids import normalise_agent_id

_CHANNELS: Final = ("whatsapp", "telegram", "discord", "slack", "signal", "imessage", "msteams")
_MENTION_CHANNELS: Final = ("whatsapp", "telegram", "imessage")


def migrate(authored: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the document with every older key in its new place, and what was moved, for people."""
    work = _Work(copy.deepcopy(authored))
    for rule in _STEPS:
        rule(work)
    return work.document, tuple(work.notes)


def migration_changes(authored: dict[str, Any]) -> tuple[list[Change], tuple[str, ...]]:
    """Return the same as changes to the text, so that comments and references stay."""
    moved, notes = migrate(authored)
    return list(difference(authored, moved)), notes


def difference(before: Any, after: Any, at: Parts = ()) -> Iterator[Change]:
    """Yield the changes that make one document into another: object by object, lists as a whole."""
    for key in before:
        if key not in after:
            yield Drop((*at, key))
    for key, value in after.items():
        known = key in before
        if known and isinstance(before[key], dict) and isinstance(value, dict):
            yield from difference(before[key], value, (*at, key))
        elif not known or before[key] != value or type(before[key]) is not type(value):
            yield Put((*at, key), value)


class _Work:
    """A document under change."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.notes: list[str] = []

    def get(self, *path: str) -> Any:
        found: Any = self.document
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def take(self, *path: str) -> Any:
        """Remove and return the value at a path, and objects that become empty by that; None when there is none."""
        holder = self.get(*path[:-1]) if len(path) > 1 else self.document
        if not isinstance(holder, dict) or path[-1] not in holder:
            return None
        value = holder.pop(path[-1])
        if not holder and len(path) > 1:
            self.take(*path[:-1])
        return value

    def give(self, value: Any, *path: str, source: str = "") -> None:
        """Lay a value below what stands at a path."""
        holder = self.document
        for key in path[:-1]:
            inner = holder.setdefault(key, {})
            if not isinstance(inner, dict):
                return
            holder = inner
        last = path[-1]
        if last not in holder:
            holder[last] = value
        elif isinstance(holder[last], dict) and isinstance(value, dict):
            holder[last] = _below(value, holder[last])
        if source:
            self.notes.append(f"{source} -> {'.'.join(path)}")

    def move(self, source: tuple[str, ...], *target: str) -> None:
        value = self.take(*source)
        if value is not None:
            self.give(value, *target, source=".".join(source))


def _below(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    """Join two objects; at the same place the newer one counts, lists included."""
    joined = {**older, **newer}
    for key, value in newer.items():
        if isinstance(value, dict) and isinstance(older.get(key), dict):
            joined[key] = _below(older[key], value)
    return joined


def _channels(work: _Work) -> None:
    mention = work.take("telegram", "requireMention")
    for name in _CHANNELS:
        work.move((name,), "channels", name)
    if mention is not None:
        work.give(mention, "channels", "telegram", "groups", "*", "requireMention", source="telegram.requireMention")


def _routing(work: _Work) -> None:
    allowed = work.take("routing", "allowFrom")
    if allowed is not None and work.get("channels", "whatsapp") is not None:
        work.give(allowed, "channels", "whatsapp", "allowFrom", source="routing.allowFrom")
    elif allowed is not None:
        work.notes.append("routing.allowFrom -> dropped, as there is no channels.whatsapp")
    work.move(("routing", "bindings"), "bindings")
    work.move(("routing", "agentToAgent"), "tools", "agentToAgent")
    mention = work.take("routing", "groupChat", "requireMention")
    for name in _MENTION_CHANNELS if mention is not None else ():
        if work.get("channels", name) is not None:
            source = "routing.groupChat.requireMention"
            work.give(mention, "channels", name, "groups", "*", "requireMention", source=source)
    for key in ("mentionPatterns", "historyLimit"):
        work.move(("routing", "groupChat", key), "messages", "groupChat", key)
    work.move(("routing", "queue"), "messages", "queue")


def _routing_agents(work: _Work) -> None:
    agents = work.take("routing", "agents")
    for name, entry in agents.items() if isinstance(agents, dict) else ():
        target = _agent(work, name)
        own = dict(entry) if isinstance(entry, dict) else {}
        patterns = own.pop("mentionPatterns", None)
        if patterns is not None:
            own.setdefault("groupChat", {}).setdefault("mentionPatterns", patterns)
        target.update(_below(own, target))
        work.notes.append(f"routing.agents.{name} -> agents.list")
    chosen = work.take("routing", "defaultAgentId")
    if isinstance(chosen, str) and chosen.strip():
        _agent(work, chosen)["default"] = True
        work.notes.append("routing.defaultAgentId -> agents.list[].default")


def _agent(work: _Work, name: str) -> dict[str, Any]:
    """Return the entry of an agent in agents.list, which is made when it is missing."""
    listed = work.document.setdefault("agents", {}).setdefault("list", [])
    wanted = normalise_agent_id(name)
    for entry in listed:
        if isinstance(entry, dict) and normalise_agent_id(str(entry.get("id", ""))) == wanted:
            found: dict[str, Any] = entry
            return found
    made: dict[str, Any] = {"id": name}
    listed.append(made)
    return made


def _identity(work: _Work) -> None:
    identity = work.take("identity")
    if not isinstance(identity, dict):
        return
    listed = work.get("agents", "list") or []
    chosen = next((entry.get("id") for entry in listed if entry.get("default") is True), None)
    first = listed[0].get("id") if listed else "main"
    target = _agent(work, str(chosen or first))
    target["identity"] = _below(identity, target.get("identity", {}))
    work.notes.append("identity -> agents.list[].identity")


def _agent_block(work: _Work) -> None:
    block = work.take("agent")
    if not isinstance(block, dict):
        return
    for key, target in (("tools", ()), ("elevated", ("elevated",)), ("bash", ("exec",)), ("exec", ("exec",))):
        value = block.pop(key, None)
        if value is not None:
            work.give(value, "tools", *target, source=f"agent.{key}")
    for key in ("sandbox", "subagents"):
        inner = block.get(key)
        if isinstance(inner, dict) and "tools" in inner:
            work.give(inner.pop("tools"), "tools", key, "tools", source=f"agent.{key}.tools")
    _agent_models(block)
    if block:
        work.give(block, "agents", "defaults", source="agent")


def _agent_models(block: dict[str, Any]) -> None:
    """Bring the older model keys into their later form, inside the block."""
    for key, fallbacks in (("model", "modelFallbacks"), ("imageModel", "imageModelFallbacks")):
        if isinstance(block.get(key), str):
            block[key] = {"primary": block[key]}
        listed = block.pop(fallbacks, None)
        if listed is not None:
            block.setdefault(key, {}).setdefault("fallbacks", listed)
    stated: Any = block.get("models")
    models: dict[str, Any] = stated if isinstance(stated, dict) else {}
    for name in block.pop("allowedModels", None) or ():
        models.setdefault(name, {})
    for alias, name in (block.pop("modelAliases", None) or {}).items():
        models.setdefault(name, {}).setdefault("alias", alias)
    if models:
        block["models"] = models


def _transcription(work: _Work) -> None:
    for path in (("routing", "transcribeAudio"), ("audio", "transcription")):
        stated = work.take(*path)
        command = stated.get("command") if isinstance(stated, dict) else None
        if not isinstance(command, list) or not command:
            continue
        model: dict[str, Any] = {"type": "cli", "command": command[0], "args": command[1:]}
        if "timeoutSeconds" in stated:
            model["timeoutSeconds"] = stated["timeoutSeconds"]
        work.give([model], "tools", "media", "audio", "models", source=".".join(path))


def _smaller(work: _Work) -> None:
    work.move(("tools", "bash"), "tools", "exec")
    spoken = work.take("messages", "tts", "enabled")
    if isinstance(spoken, bool):
        work.give("always" if spoken else "off", "messages", "tts", "auto", source="messages.tts.enabled")
    token = work.take("gateway", "token")
    if token is not None:
        work.give(token, "gateway", "auth", "token", source="gateway.token")
        work.give("token", "gateway", "auth", "mode")
    work.move(("messages", "queue", "byProvider"), "messages", "queue", "byChannel")


def _matches(work: _Work) -> None:
    """Rename keys inside the match of bindings and send rules."""
    listed = [work.get("bindings"), work.get("session", "sendPolicy", "rules")]
    for rule in [rule for rules in listed if isinstance(rules, list) for rule in rules if isinstance(rule, dict)]:
        match = rule.get("match")
        for old, new in (("provider", "channel"), ("accountID", "accountId")):
            if isinstance(match, dict) and old in match:
                match.setdefault(new, match[old])
                del match[old]
                work.notes.append(f"match.{old} -> match.{new}")


_STEPS: Final[tuple[Callable[[_Work], None], ...]] = (
    _channels,
    _routing,
    _routing_agents,
    _agent_block,
    _identity,
    _transcription,
    _smaller,
    _matches,
)
