"""One request, sent to the first model and key that answers (agent.md 4.1, 4.2, 3.5).

What fails for a reason that another key or model may not have moves on; what fails otherwise is told. Nothing here
tries for ever: a request is sent a bounded number of times (advisory Q5).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol, cast

from openclaw.agent.contract import Failure, ModelEvent, ModelRef, ModelRequest
from openclaw.agent.models.keyring import Key
from openclaw.agent.models.registry import Candidate, ModelRegistry
from openclaw.agent.settings import AgentSettings
from openclaw.state.auth_profiles import FailureReason
from openclaw.system.clock import Clock

log = logging.getLogger(__name__)

MAX_SENDS: Final = 8
RETRY_SECONDS: Final = 0.5
_NEXT_KEY: Final = frozenset({"auth", "billing", "rate_limit", "timeout"})
_NEXT_MODEL: Final = _NEXT_KEY | {"format", "network"}


@dataclass(frozen=True, slots=True)
class Started:
    """A request goes out: everything that was streamed for it before is void."""

    candidate: Candidate
    key: Key


class Build(Protocol):
    """Builds the request for a model."""

    def __call__(self, ref: ModelRef, /) -> ModelRequest:
        """Return the request as this model takes it."""
        ...


Sent = ModelEvent | Started


class Failover:
    """Sends requests. Holds no state of its own: how keys fared is the registry's to remember."""

    def __init__(self, registry: ModelRegistry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock

    async def stream(
        self,
        agent: AgentSettings,
        candidates: Sequence[Candidate],
        build: Build,
    ) -> AsyncGenerator[Sent]:
        """Yield `Started` and what comes, again for each new try; ends with one Stop or the Failure of the last try.

        Args:
            agent: whose keys they are.
            candidates: from the registry's plan, best first.
            build: builds the request.
        """
        failures: list[tuple[Candidate, Failure]] = []
        sends = 0
        for candidate in candidates:
            retried = False
            keys = [key for key in candidate.keys if key.waits_until is None]
            while keys and sends < MAX_SENDS:
                sends += 1
                key = keys[0]
                failure: Failure | None = None
                yield Started(candidate, key)
                async with aclosing(self._once(candidate, key, build)) as events:
                    async for event in events:
                        if isinstance(event, Failure):
                            failure = event
                        else:
                            yield event
                if failure is None:
                    self._registry.keyring.succeeded(agent, candidate.ref.provider, key)
                    return
                log.warning("%s failed (%s): %s", candidate.ref, failure.kind, failure.message)
                if _transient(failure) and not retried:
                    retried = True
                    await self._clock.sleep(RETRY_SECONDS)
                    continue
                self._note(agent, candidate, key, failure)
                failures.append((candidate, failure))
                if failure.kind not in _NEXT_KEY:
                    break
                keys.pop(0)
            if failures and failures[-1][1].kind not in _NEXT_MODEL:
                break
        yield _joined(failures)

    async def _once(self, candidate: Candidate, key: Key, build: Build) -> AsyncGenerator[ModelEvent]:
        stream = self._registry.client(candidate.ref).stream(build(candidate.ref), key.secret)
        async with aclosing(cast("AsyncGenerator[ModelEvent]", stream)) as events:
            async for event in events:
                yield event

    def _note(self, agent: AgentSettings, candidate: Candidate, key: Key, failure: Failure) -> None:
        if failure.kind in _NEXT_KEY:
            reason = cast("FailureReason", failure.kind)
            self._registry.keyring.failed(agent, candidate.ref.provider, key, reason)


def _transient(failure: Failure) -> bool:
    """Return whether the same request may well work in a moment: a broken connection, a server error."""
    return failure.kind == "network" or (failure.kind == "other" and (failure.status or 0) >= 500)


def _joined(failures: Sequence[tuple[Candidate, Failure]]) -> Failure:
    """Return one failure for all tries: the last one alone, or a line that names each model with its reason."""
    if not failures:
        return Failure("other", "No model could be asked.")
    last = failures[-1][1]
    by_model = {str(candidate.ref): failure for candidate, failure in failures}
    if len(by_model) == 1:
        return last
    told = "; ".join(f"{ref}: {failure.message.rstrip('.')} ({failure.kind})" for ref, failure in by_model.items())
    return Failure(last.kind, f"All models failed. {told}.", last.status, last.retry_after)
