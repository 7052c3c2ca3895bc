"""Which model answers a turn, with which credentials: references, aliases, allow list, fallbacks (agent.md 4.1-4.4).

An explicitly configured model that has no credential is an error. The offline model answers only where nothing was
configured and no provider has a credential.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from openclaw.agent.contract import ModelClient, ModelRef
from openclaw.agent.models.catalog import (
    BUILT_IN_ALIASES,
    DEFAULT_MODEL,
    DEFAULT_MODELS,
    OFFLINE_MODEL,
    PROVIDERS,
    RESERVED,
    ParsedRef,
    parse_ref,
    traits,
)
from openclaw.agent.models.keyring import Key, KeyRing, SecretResolver, provider_block
from openclaw.agent.models.library import LibraryModel
from openclaw.agent.models.offline import OFFLINE, OfflineModel
from openclaw.agent.models.scripted import ScriptedModel
from openclaw.agent.settings import AgentSettings, Settings
from openclaw.config.base import SecretRef
from openclaw.config.sections.models import ModelEntry, ModelProvider
from openclaw.state.auth_profiles import Credential, provider_id
from openclaw.system.clock import Clock, iso
from openclaw.system.errors import InvalidInput, OpenClawError
from openclaw.system.secret import Secret
from openclaw.system.tasks import Supervisor

BUILT_IN: Final = Key(None, origin="built in")
_FREE: Final = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model with its keys in the order in which they are tried."""

    ref: ModelRef
    keys: tuple[Key, ...]
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What a turn asks for beside the agent's configuration.

    Attributes:
        model: reference for this run only.
        session_model: reference of the session's override.
        profile: profile that the session uses.
        profile_by_user: the user pinned it: no other key is tried.
    """

    model: str | None = None
    session_model: str | None = None
    profile: str | None = None
    profile_by_user: bool = False


class ModelRegistry:
    """Chooses models and keys, and remembers how keys fared.

    Args:
        settings: the current config.
        clock: for cooldowns.
        tasks: writes usage records in the background.
        resolve: turns a secret of the config into its value.
        clients: further or other clients by provider id, for tests.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        tasks: Supervisor,
        *,
        resolve: SecretResolver | None = None,
        clients: Mapping[str, ModelClient] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        plain: SecretResolver = lambda value: value if isinstance(value, Secret) else None  # noqa: E731 - the default
        self.keyring = KeyRing(settings, clock, tasks, resolve or plain)
        self._library = LibraryModel()
        self._clients: dict[str, ModelClient] = {
            "offline": OfflineModel(),
            "scripted": ScriptedModel(),
            **(clients or {}),
        }

    def client(self, ref: ModelRef) -> ModelClient:
        """Return the client that speaks to a model."""
        return self._clients.get(ref.provider, self._library)

    async def close(self) -> None:
        """Close the connections to providers."""
        await self._library.close()

    # References

    def aliases(self) -> dict[str, str]:
        """Return all aliases, lower-case, with their references."""
        entries = self._settings.config.agents.defaults.models or {}
        named = {alias: ref for alias, ref in BUILT_IN_ALIASES.items() if ref in entries}
        named.update({entry.alias.strip().lower(): ref for ref, entry in entries.items() if entry.alias})
        return named

    def allowed(self, parsed: ParsedRef) -> bool:
        """Return whether `agents.defaults.models` admits a model: empty admits all, the configured primary is in."""
        defaults = self._settings.config.agents.defaults
        entries = defaults.models or {}
        if not entries or parsed.provider in RESERVED:
            return True
        written = (parse_ref(ref, self.aliases()) for ref in (*entries, defaults.model.primary or ""))
        return any(ref is not None and (ref.provider, ref.model) == (parsed.provider, parsed.model) for ref in written)

    def choose(self, text: str) -> ParsedRef:
        """Return the model that somebody asks for.

        Raises:
            InvalidInput: it is no reference, not allowed, or of an unknown provider; nothing was changed.
        """
        parsed = parse_ref(text, self.aliases())
        if parsed is None:
            raise InvalidInput(f'"{text.strip()}" is no model; write provider/model or an alias', code="model-unknown")
        if not self.allowed(parsed):
            raise InvalidInput(
                f"Model {parsed} is not allowed: agents.defaults.models does not list it.", code="model-not-allowed"
            )
        self.reference(parsed)
        return parsed

    def reference(self, parsed: ParsedRef) -> ModelRef:
        """Return a model with everything that config and catalogue say about it.

        Raises:
            InvalidInput: the provider is unknown.
        """
        if str(parsed) == OFFLINE_MODEL or parsed.provider == "offline":
            return OFFLINE
        provider, entry = self._blocks(parsed.provider, parsed.model)
        known = PROVIDERS.get(parsed.provider)
        if provider is None and known is None and parsed.provider not in self._clients:
            raise InvalidInput(
                f'Provider "{parsed.provider}" is unknown: set models.providers.{parsed.provider}.baseUrl and .api.',
                code="provider-unknown",
            )
        catalogue = (self._settings.config.agents.defaults.models or {}).get(str(parsed))
        guessed = traits(parsed.provider, parsed.model)
        return ModelRef(
            provider=parsed.provider,
            model=parsed.model,
            base_url=provider.base_url if provider else (known.base_url if known else None),
            api=_api(provider, entry, known.api if known else None),
            context_window=self.context_window(parsed.provider, parsed.model),
            max_tokens=int(entry.max_tokens) if entry and entry.max_tokens else None,
            reasoning=bool(entry.reasoning) if entry and entry.reasoning is not None else guessed.reasoning,
            images="image" in entry.input if entry and entry.input is not None else guessed.images,
            headers=self._headers(provider, entry),
            params=dict(catalogue.params or {}) if catalogue else {},
            streaming=not (catalogue and catalogue.streaming is False),
            auth_header=bool(provider and provider.auth_header),
        )

    def context_window(self, provider: str, model: str) -> int:
        """Return how many tokens a model takes: what the config says, else what is known of its kind."""
        _, entry = self._blocks(provider, model)
        return int(entry.context_window) if entry and entry.context_window else traits(provider, model).context_window

    def _blocks(self, provider: str, model: str) -> tuple[ModelProvider | None, ModelEntry | None]:
        """Return what the config says of a provider and of one of its models."""
        block = provider_block(self._settings.config, provider)
        return block, next((item for item in block.models if item.id == model), None) if block else None

    def _headers(self, provider: ModelProvider | None, entry: ModelEntry | None) -> dict[str, str]:
        merged: dict[str, Secret | SecretRef] = {
            **((provider.headers if provider else None) or {}),
            **((entry.headers if entry else None) or {}),
        }
        found = {name: self.keyring.resolve(value) for name, value in merged.items()}
        return {name: value.reveal() for name, value in found.items() if value is not None}

    # Choosing

    def plan(self, agent: AgentSettings, wish: Wish) -> tuple[Candidate, ...]:
        """Return the candidates for a turn, best first; every one has a key that is not known to be spent.

        Raises:
            InvalidInput: no model can be asked; the message says why for each, and what to set.
        """
        wanted = self._wanted(agent, wish)
        if not wanted:
            return (Candidate(OFFLINE, (BUILT_IN,)),)
        found: list[Candidate] = []
        refused: list[str] = []
        for text, chosen in wanted:
            try:
                candidate = self._candidate(agent, text, wish if chosen else Wish())
            except OpenClawError as error:
                refused.append(str(error))
                continue
            if all(key.waits_until is not None for key in candidate.keys):
                refused.append(f"{candidate.ref}: all credentials are resting for {self._rest(candidate)}")
                continue
            found.append(candidate)
        if not found:
            raise InvalidInput(" ".join(dict.fromkeys(refused)), code="model-unavailable")
        return tuple(found)

    def _wanted(self, agent: AgentSettings, wish: Wish) -> list[tuple[str, bool]]:
        """Return references in order, and whether the session's profile belongs to them; none means offline."""
        session = wish.session_model if wish.session_model and self._listed(wish.session_model) else None
        chosen = wish.model or session
        if chosen is None and agent.primary is None:
            chosen = self._default(agent)
            if chosen is None:
                return []
        first = chosen or agent.primary or DEFAULT_MODEL
        wanted = [first, *(ref for ref in agent.fallbacks if self._listed(ref))]
        if chosen is not None and agent.primary is not None:
            wanted.append(agent.primary)
        return [(ref, ref == first) for ref in dict.fromkeys(wanted)]

    def _default(self, agent: AgentSettings) -> str | None:
        """Return what answers where nobody named a model: built-in defaults first, then providers of the config.

        One with a key that does not rest goes first; None when nobody has a key at all.
        """
        own = (f"{name}/{block.models[0].id}" for name, block in self._providers().items() if block.models)
        resting: str | None = None
        for text in dict.fromkeys((*DEFAULT_MODELS, *own)):
            parsed = parse_ref(text, {})
            keys = self._keys(agent, parsed, None, only=False) if parsed and self.allowed(parsed) else ()
            if any(key.waits_until is None for key in keys):
                return text
            if keys and resting is None:
                resting = text
        return resting

    def _providers(self) -> Mapping[str, ModelProvider]:
        return self._settings.config.models.providers or {}

    def _listed(self, text: str) -> bool:
        parsed = parse_ref(text, self.aliases())
        return parsed is not None and self.allowed(parsed)

    def _candidate(self, agent: AgentSettings, text: str, wish: Wish) -> Candidate:
        parsed = parse_ref(text, self.aliases())
        if parsed is None:
            raise InvalidInput(f'"{text}" is no model reference')
        ref = self.reference(parsed)
        pinned = parsed.profile or (wish.profile if wish.profile_by_user else None)
        keys = self._keys(agent, parsed, pinned or wish.profile, only=pinned is not None)
        if not keys:
            ended = self.keyring.expired(agent, parsed.provider)
            raise InvalidInput(f"{ref}: {_missing_key(parsed, ended)}", code="credential-missing")
        return Candidate(ref, keys, pinned=pinned is not None)

    def _keys(self, agent: AgentSettings, parsed: ParsedRef, profile: str | None, *, only: bool) -> tuple[Key, ...]:
        if parsed.provider in RESERVED or parsed.provider in self._clients:
            return (BUILT_IN,)
        return self.keyring.keys(agent, parsed.provider, profile=profile, only=only)

    def _rest(self, candidate: Candidate) -> str:
        until = min(key.waits_until or 0 for key in candidate.keys)
        return f"{max(1, (until - self._clock.now_ms() + 59_999) // 60_000)} min"

    def price(self, ref: ModelRef) -> tuple[float, float, float, float]:
        """Return what a million tokens cost: input, output, cache read, cache write; zeros where nothing is said."""
        _, entry = self._blocks(ref.provider, ref.model)
        cost = entry.cost if entry else None
        return (
            (cost.input or 0.0, cost.output or 0.0, cost.cache_read or 0.0, cost.cache_write or 0.0) if cost else _FREE
        )

    @property
    def has_image_model(self) -> bool:
        """Return whether a model that reads images is configured for the `image` tool."""
        return bool(self._settings.config.agents.defaults.image_model.primary)

    # Listing

    def listed(self) -> list[dict[str, Any]]:
        """Return the rows of `models.list`: what the config names, and the offline model."""
        defaults = self._settings.config.agents.defaults
        texts = [*(defaults.models or {}), *filter(None, (defaults.model.primary, *(defaults.model.fallbacks or ())))]
        for name, block in self._providers().items():
            texts += [f"{provider_id(name)}/{entry.id}" for entry in block.models]
        if not texts:
            texts.append(DEFAULT_MODEL)
        rows: dict[str, dict[str, Any]] = {}
        for text in (*texts, OFFLINE_MODEL):
            parsed = parse_ref(text, self.aliases())
            if parsed is None or str(parsed) in rows:
                continue
            try:
                rows[str(parsed)] = self._row(self.reference(parsed))
            except InvalidInput:
                continue
        return list(rows.values())

    def _row(self, ref: ModelRef) -> dict[str, Any]:
        _, entry = self._blocks(ref.provider, ref.model)
        return {
            "id": ref.model,
            "name": entry.name if entry else ref.model,
            "provider": ref.provider,
            "contextWindow": ref.context_window,
            "reasoning": ref.reasoning,
            "input": ["text", "image"] if ref.images else ["text"],
        }


def _api(provider: ModelProvider | None, entry: ModelEntry | None, known: str | None) -> str:
    return (entry.api if entry else None) or (provider.api if provider else None) or known or "openai-completions"


def _missing_key(parsed: ParsedRef, ended: Sequence[Credential]) -> str:
    for credential in ended:
        if parsed.profile in (None, credential.profile_id):
            return (
                f'the login "{credential.profile_id}" expired on {iso(credential.expires_ms or 0)[:10]} and is not '
                "renewed by itself; log in again with: openclaw configure --section model"
            )
    if parsed.profile is not None:
        return f'there is no usable auth profile "{parsed.profile}" for this provider.'
    known = PROVIDERS.get(parsed.provider)
    variables = f"the environment variable {known.variables[-1]}, " if known else ""
    return (
        f"no credential. Set {variables}models.providers.{parsed.provider}.apiKey, or an auth profile of the agent; "
        "or unset agents.defaults.model.primary to use the offline model."
    )
