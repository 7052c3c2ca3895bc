"""Rules between keys of the config (config.md 1.6). Each looks at plain values, so that it runs beside other faults.

A rule of an object is passed over when the schema stage found a fault inside that object: its values cannot be trusted
then.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from openclaw.config.issues import Issue, Parts, fault
from openclaw.policy.where.key_ids import normalise_agent_id

FLAT_DM: Final = ("whatsapp", "telegram", "signal", "imessage", "bluebubbles", "msteams")
NESTED_DM: Final = ("discord", "slack", "googlechat")
COMMAND_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?", re.IGNORECASE)
CLOCK: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
BARE_PROGRAM: Final = re.compile(r"[A-Za-z0-9._+][A-Za-z0-9._+-]*")
SHELL_CHARACTERS: Final = frozenset(";&|`$<>\"'\0\r\n")


def check_rules(document: Mapping[str, Any], schema_issues: Iterable[Issue]) -> list[Issue]:
    """Return the faults between keys, where the schema stage found the objects concerned in order."""
    broken = [issue.parts for issue in schema_issues]
    found: list[Issue] = []
    for owner, issues in _all(document):
        if not any(parts[: len(owner)] == owner for parts in broken):
            found += issues
    return found


def _all(document: Mapping[str, Any]) -> Iterator[tuple[Parts, Iterator[Issue]]]:
    """Yield each rule with the object that it belongs to."""
    for name, section in _objects(document, "channels"):
        yield from _channel(name, section)
    for top in ("tools", "agents", "channels"):
        yield from _tool_lists(document.get(top), (top,))
    yield from _heartbeats(document)
    yield from _browser(document)
    yield ("audio",), _transcription(document)
    yield ("gateway",), _gateway(document)
    yield ("agents", "list"), _agent_ids(document)
    yield ("logging", "ledger", "anchor"), _ledger_anchor(document)
    yield (), _broadcast(document)


def _object(document: Any, *path: str) -> dict[str, Any]:
    """Return the object at a path; empty where there is none."""
    for key in path:
        document = document.get(key) if isinstance(document, Mapping) else None
    return dict(document) if isinstance(document, Mapping) else {}


def _agent_entries(document: Mapping[str, Any]) -> list[Any]:
    listed = _object(document, "agents").get("list")
    return listed if isinstance(listed, list) else []


def _objects(holder: Any, key: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the objects of a map of objects, leaving out whatever is none."""
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return [(name, item) for name, item in found.items() if isinstance(item, dict)] if isinstance(found, dict) else []


def _channel(name: str, section: dict[str, Any]) -> Iterator[tuple[Parts, Iterator[Issue]]]:
    base = ("channels", name)
    accounts = [((*base, "accounts", key), value) for key, value in _objects(section, "accounts")]
    for at, settings in [(base, section), *accounts]:
        if name in FLAT_DM:
            yield at, _open_needs_star(settings, at, "dmPolicy")
        if name in NESTED_DM and isinstance(settings.get("dm"), dict):
            yield (*at, "dm"), _open_needs_star(settings["dm"], (*at, "dm"), "policy")
        if name == "telegram":
            yield at, _custom_commands(settings, at)
        if name in {"signal", "imessage"} and "cliPath" in settings:
            yield (*at, "cliPath"), _program(settings["cliPath"], (*at, "cliPath"))
    if name == "telegram":
        yield base, _telegram_webhook(section, base)
    if name == "slack":
        yield base, _slack_signing(section, base)


def _open_needs_star(settings: dict[str, Any], at: Parts, policy: str) -> Iterator[Issue]:
    listed = settings.get("allowFrom") or ()
    if settings.get(policy) == "open" and not any(str(entry).strip() == "*" for entry in listed):
        yield fault((*at, "allowFrom"), f'must hold "*" while {policy} is "open", as everybody is let in then')


def _present(value: Any) -> bool:
    """Tell whether a secret is there: non-blank text or a reference."""
    return bool(value.strip()) if isinstance(value, str) else isinstance(value, dict)


def _telegram_webhook(section: dict[str, Any], at: Parts) -> Iterator[Issue]:
    message = "is required with webhookUrl, so that nobody else can send updates"
    shared = _present(section.get("webhookSecret"))
    if _present(section.get("webhookUrl")) and not shared:
        yield fault((*at, "webhookSecret"), message)
    for name, account in _objects(section, "accounts"):
        live = account.get("enabled") is not False and _present(account.get("webhookUrl"))
        if live and not shared and not _present(account.get("webhookSecret")):
            yield fault((*at, "accounts", name, "webhookSecret"), message)


def _slack_signing(section: dict[str, Any], at: Parts) -> Iterator[Issue]:
    message = 'is required while mode is "http", so that requests can be checked'
    shared, mode = _present(section.get("signingSecret")), section.get("mode", "socket")
    if mode == "http" and not shared:
        yield fault((*at, "signingSecret"), message)
    for name, account in _objects(section, "accounts"):
        live = account.get("enabled") is not False and account.get("mode", mode) == "http"
        if live and not shared and not _present(account.get("signingSecret")):
            yield fault((*at, "accounts", name, "signingSecret"), message)


def _custom_commands(settings: dict[str, Any], at: Parts) -> Iterator[Issue]:
    for index, entry in enumerate(settings.get("customCommands") or ()):
        name = entry["command"].strip().removeprefix("/").strip().lower()
        if not COMMAND_NAME.fullmatch(name):
            yield fault((*at, "customCommands", index, "command"), "must be 1 to 32 of a-z, 0-9 and _")
        elif not entry["description"].strip():
            yield fault((*at, "customCommands", index, "description"), "must not be blank")


def is_safe_program(value: str) -> bool:
    """Tell whether a text is one program: a path, or a bare name, without anything a shell would act on."""
    text = value.strip()
    if not text or SHELL_CHARACTERS & set(value):
        return False
    looks_like_path = text.startswith((".", "~")) or "/" in text or "\\" in text or text[1:2] == ":"
    return looks_like_path or BARE_PROGRAM.fullmatch(text) is not None


def _program(value: str, at: Parts) -> Iterator[Issue]:
    if not is_safe_program(value):
        yield fault(at, "must be a path or the bare name of a program, without shell characters")


def _transcription(document: Mapping[str, Any]) -> Iterator[Issue]:
    transcription = _object(document, "audio", "transcription")
    if transcription:
        command = transcription.get("command") or [""]
        yield from _program(command[0], ("audio", "transcription", "command", 0))


def _tool_lists(value: Any, at: Parts) -> Iterator[tuple[Parts, Iterator[Issue]]]:
    """Yield the rule of allow and alsoAllow for each object that has both."""
    if isinstance(value, dict):
        if value.get("allow") and value.get("alsoAllow"):
            yield at, iter([fault(at, "has both allow and alsoAllow; put everything into one of them")])
        for key, item in value.items():
            yield from _tool_lists(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _tool_lists(item, (*at, index))


def _heartbeats(document: Mapping[str, Any]) -> Iterator[tuple[Parts, Iterator[Issue]]]:
    for at, block in heartbeat_blocks(document):
        yield at, _heartbeat(block, at)


def heartbeat_blocks(document: Mapping[str, Any]) -> Iterator[tuple[Parts, dict[str, Any]]]:
    """Yield every heartbeat block with its path."""
    defaults = _object(document, "agents", "defaults").get("heartbeat")
    if isinstance(defaults, dict):
        yield ("agents", "defaults", "heartbeat"), defaults
    for index, entry in enumerate(_agent_entries(document)):
        if isinstance(entry, dict) and isinstance(entry.get("heartbeat"), dict):
            yield ("agents", "list", index, "heartbeat"), entry["heartbeat"]


def _heartbeat(block: dict[str, Any], at: Parts) -> Iterator[Issue]:
    if "every" in block and not DURATION.fullmatch(block["every"].strip()):
        yield fault((*at, "every"), "must be a duration such as 30m, 1h or 0")
    hours = block.get("activeHours") or {}
    for key, midnight in (("start", False), ("end", True)):
        if key in hours and not _is_clock(hours[key], midnight=midnight):
            yield fault((*at, "activeHours", key), "must be a time of day, HH:MM")


def _is_clock(text: str, *, midnight: bool) -> bool:
    found = CLOCK.fullmatch(text)
    if found is None:
        return False
    return found.group(1) != "24" or (midnight and found.group(2) == "00")


def _browser(document: Mapping[str, Any]) -> Iterator[tuple[Parts, Iterator[Issue]]]:
    for name, profile in _objects(document.get("browser"), "profiles"):
        at = ("browser", "profiles", name)
        if not profile.get("cdpPort") and not profile.get("cdpUrl"):
            yield at, iter([fault(at, "needs cdpPort or cdpUrl")])


def _gateway(document: Mapping[str, Any]) -> Iterator[Issue]:
    gateway, auth = _object(document, "gateway"), _object(document, "gateway", "auth")
    if auth.get("mode") == "trusted-proxy" and "trustedProxy" not in auth:
        yield fault(("gateway", "auth", "trustedProxy", "userHeader"), 'is required while auth.mode is "trusted-proxy"')
    host = gateway.get("customBindHost")
    if host is not None and not _is_address(host):
        yield fault(("gateway", "customBindHost"), "must be an IP address")


def _ledger_anchor(document: Mapping[str, Any]) -> Iterator[Issue]:
    at = ("logging", "ledger", "anchor")
    anchor = _object(document, *at)
    if len(anchor) > 1:
        yield fault(at, "takes one of command, file and url")
    command, url = anchor.get("command"), anchor.get("url")
    if command is not None and not (command and str(command[0]).startswith("/")):
        yield fault((*at, "command"), "must start with the absolute path of a program")
    if url is not None and not str(url).startswith(("https://", "http://")):
        yield fault((*at, "url"), "must start with https:// or http://")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _agent_ids(document: Mapping[str, Any]) -> Iterator[Issue]:
    seen: dict[str, int] = {}
    for index, entry in enumerate(_agent_entries(document)):
        known = seen.setdefault(normalise_agent_id(entry["id"]), index)
        if known != index:
            yield fault(("agents", "list", index, "id"), f"is the same id as that of agents.list.{known}")


def _broadcast(document: Mapping[str, Any]) -> Iterator[Issue]:
    known = {entry["id"] for entry in _agent_entries(document)}
    if not known:
        return
    for peer, ids in _object(document, "broadcast").items():
        if isinstance(ids, list):
            for index, agent in enumerate(ids):
                if agent not in known:
                    yield fault(("broadcast", peer, index), "names an agent that agents.list does not have")
