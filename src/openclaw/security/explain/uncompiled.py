"""Keys that widen access and that no compiled policy holds yet: compared as they are written, by a table (config.md 3).

A key leaves the table when its room gets a policy; what the policy says is compared in `openclaw.policy.diff`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from openclaw.agent.models.catalog import PROVIDERS
from openclaw.config.issues import Parts, dotted
from openclaw.config.paths import get_value

Pattern: TypeAlias = tuple[str, ...]
ANY: Final = "*"
_MISSING: Final = object()


def _keys(text: str) -> tuple[Pattern, ...]:
    return tuple(tuple(key.split(".")) for key in text.split())


_BOXES: Final = ("agents.defaults.sandbox", "agents.list.*.sandbox")


def _in_boxes(text: str) -> tuple[Pattern, ...]:
    return _keys(" ".join(f"{box}.{key}" for box in _BOXES for key in text.split()))


def _in_channels(text: str) -> tuple[Pattern, ...]:
    return _keys(" ".join(f"channels.*.{key} channels.*.accounts.*.{key}" for key in text.split()))


TURNED_ON: Final = (
    *_keys(
        """
        hooks.allowRequestSessionKey hooks.gmail.allowUnsafeExternalContent hooks.internal.enabled
        hooks.mappings.*.allowUnsafeExternalContent gateway.http.endpoints.*.enabled plugins.entries.*.enabled
        tools.message.allowCrossContextSend tools.message.crossContext.allowAcrossProviders browser.noSandbox
        memory.qmd.sessions.enabled diagnostics.otel.enabled
        """
    ),
    *_in_boxes(
        """
        browser.enabled browser.allowHostControl docker.dangerouslyAllowContainerNamespaceJoin
        docker.dangerouslyAllowExternalBindSources docker.dangerouslyAllowReservedContainerTargets
        """
    ),
)
"""Switches that are off unless set, and admit."""
ON_AGAIN: Final = (
    *_keys("tools.message.crossContext.allowWithinProvider browser.evaluateEnabled plugins.enabled"),
    *_in_channels("configWrites"),
)
"""Switches that are on unless set, and admit."""
TURNED_OFF: Final = _in_boxes("docker.readOnlyRoot")
"""Switches that are on unless set, and guard."""
GROWING: Final = (
    *_keys(
        """
        plugins.load.paths skills.load.extraDirs hooks.presets hooks.mappings hooks.internal.handlers
        hooks.internal.load.extraDirs tools.links.models tools.media.models tools.media.*.models memory.qmd.paths
        agents.defaults.memorySearch.extraPaths agents.list.*.memorySearch.extraPaths
        """
    ),
    *_in_boxes("docker.binds docker.extraHosts"),
)
"""Lists of which each new entry lets more in."""
LIMITING: Final = _keys("plugins.allow skills.allowBundled hooks.allowedAgentIds hooks.allowedSessionKeyPrefixes")
"""Lists that limit once they are there."""
SHRINKING: Final = (*_keys("plugins.deny"), *_in_boxes("docker.capDrop"))
"""Lists of which each entry that goes lets more in."""
SET: Final = (
    *_keys("plugins.slots.memory hooks.transformsDir hooks.defaultSessionKey"),
    # programs that the gateway starts
    *_keys("browser.executablePath agents.defaults.cliBackends.* memory.qmd.command audio.transcription.command"),
    *_keys("logging.ledger.anchor"),
    *_in_channels("cliPath"),
    # folders that agents work in, or that are served
    *_keys("agents.defaults.workspace agents.list.*.workspace gateway.controlUi.root canvasHost.root"),
    # where conversations, searches and reports go
    *_keys(
        """
        agents.defaults.memorySearch.remote.baseUrl agents.list.*.memorySearch.remote.baseUrl
        tools.web.search.perplexity.baseUrl tools.media.*.baseUrl diagnostics.otel.endpoint browser.cdpUrl
        browser.profiles.*.cdpUrl
        """
    ),
    *_keys(" ".join(f"models.providers.{name}.baseUrl" for name in PROVIDERS)),
    *_in_channels("proxy apiRoot httpUrl remoteHost"),
    # what programs find in their environment
    *_keys("skills.entries.*.env.* hooks.internal.entries.*.env.*"),
    *_in_boxes(
        """
        docker.network docker.image docker.user docker.setupCommand docker.seccompProfile docker.apparmorProfile
        docker.env.* browser.network browser.image
        """
    ),
)
"""Values that nothing here can rank: each other one is told."""
MOVED: Final = _keys("models.providers.*.baseUrl")
"""Values that open nothing where there was none: a server that nobody has talked to yet is not asked by itself."""


def opened(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the keys of the table open in `after` that they keep shut in `before`, as sentences without secrets.

    Args:
        before: effective values as they are.
        after: effective values as they would be.
    """
    found: dict[str, None] = {}
    for patterns, compare in _RULES:
        for pattern in patterns:
            for parts in _places(pattern, before, after):
                old, new = _value(before, parts), _value(after, parts)
                found |= dict.fromkeys(f"{dotted(parts)} {text}" for text in compare(old, new))
    known = dict(_programs(before, ()))
    for parts, program in _programs(after, ()):
        if known.get(parts) != program:
            found[f"{dotted(parts)} is what a program prints, which the gateway starts"] = None
    return tuple(found)


def _programs(value: Any, at: Parts) -> Iterator[tuple[Parts, Any]]:
    """Yield every secret that a program prints, wherever it stands, with the command line."""
    if isinstance(value, Mapping):
        if value.get("source") == "exec" and "command" in value:
            yield at, value["command"]
        for key, item in value.items():
            yield from _programs(item, (*at, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _programs(item, (*at, index))


def _turned_on(old: Any, new: Any) -> Iterator[str]:
    if new is True and old is not True:
        yield "is turned on"


def _turned_off(old: Any, new: Any) -> Iterator[str]:
    if new is False and old is not False:
        yield "is turned off"


def _on_again(old: Any, new: Any) -> Iterator[str]:
    if old is False and new is not False:
        yield "is turned on again"


def _grown(old: Any, new: Any) -> Iterator[str]:
    known = _entries(old)
    yield from (f"adds {_word(entry)}" for entry in _entries(new) if entry not in known)


def _lifted(old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, list | tuple) and not isinstance(new, list | tuple):
        yield "limits nothing any more"
    elif isinstance(old, list | tuple):
        yield from _grown(old, new)


def _shrunk(old: Any, new: Any) -> Iterator[str]:
    known = _entries(new)
    yield from (f"no longer holds {_word(entry)}" for entry in _entries(old) if entry not in known)


def _set(old: Any, new: Any) -> Iterator[str]:
    if new is not _MISSING and new != old and not (old is _MISSING and new in (None, "none")):
        yield "is set" if old in (_MISSING, None) else "is set to something else"


def _moved(old: Any, new: Any) -> Iterator[str]:
    if old is not _MISSING:
        yield from _set(old, new)


_Compare: TypeAlias = Callable[[Any, Any], Iterator[str]]
_RULES: Final[tuple[tuple[tuple[Pattern, ...], _Compare], ...]] = (
    (TURNED_ON, _turned_on),
    (ON_AGAIN, _on_again),
    (TURNED_OFF, _turned_off),
    (GROWING, _grown),
    (LIMITING, _lifted),
    (SHRINKING, _shrunk),
    (SET, _set),
    (MOVED, _moved),
)


def _places(pattern: Pattern, *documents: Mapping[str, Any]) -> list[Parts]:
    """Return every place of a pattern that one of the documents has."""
    found: dict[Parts, None] = {}
    for document in documents:
        found |= dict.fromkeys(_match(pattern, document, ()))
    return list(found)


def _match(pattern: Pattern, value: Any, at: Parts) -> Iterator[Parts]:
    if not pattern:
        yield at
    elif pattern[0] != ANY:
        if isinstance(value, Mapping) and pattern[0] in value:
            yield from _match(pattern[1:], value[pattern[0]], (*at, pattern[0]))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _match(pattern[1:], item, (*at, key))
    else:
        for index, item in enumerate(_entries(value)):
            yield from _match(pattern[1:], item, (*at, index))


def _value(document: Mapping[str, Any], parts: Parts) -> Any:
    found, value = get_value(dict(document), parts)
    return value if found else _MISSING


def _entries(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _word(value: Any) -> str:
    """Return a text of a list as it is; of anything larger only that it is there, since it may hold secrets."""
    if isinstance(value, str):
        return value if value.isprintable() else repr(value)
    return "an entry"
