"""Trying out what was answered: the model by a real request, the bot by asking who it is, the sandbox by a command."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.agent.contract import Failure, ModelRequest, TextDelta
from openclaw.agent.models.catalog import parse_ref
from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.settings import Settings
from openclaw.channels.registry import CHANNELS, ChannelTools
from openclaw.channels.webhooks import Webhook
from openclaw.config.model import Config
from openclaw.config.secrets import SecretResolver
from openclaw.security.onboarding.answers import ModelAnswer
from openclaw.state.layout import StateLayout
from openclaw.system.clock import SystemClock
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, OpenClawError, Unavailable
from openclaw.system.secret import Secret
from openclaw.system.tasks import Supervisor
from openclaw.tools.sandbox.backend import Probe
from openclaw.tools.sandbox.select import Sandboxes

MODEL_SECONDS: Final = 60.0
CHANNEL_SECONDS: Final = 20.0
_SYSTEM: Final = "This is a connection test."
_QUESTION: Final = "Answer with the single word: ready"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try came to: whether it worked, and one line for people without any secret."""

    ok: bool
    message: str


def try_model(model: ModelAnswer, document: Mapping[str, Any], layout: StateLayout, environment: Environment) -> Tried:
    """Send one short request to a model.

    Args:
        model: which, with its key.
        document: the config as it would be.
        layout: the state directory.
        environment: the process environment.
    """
    return asyncio.run(_try_model(model, document, layout, environment))


async def _try_model(
    model: ModelAnswer, document: Mapping[str, Any], layout: StateLayout, environment: Environment
) -> Tried:
    tasks = Supervisor("onboarding")
    started = time.monotonic()
    try:
        config = Config.from_document(document, environment)
        registry = ModelRegistry(Settings(lambda: config, layout), SystemClock(), tasks)
        try:
            async with asyncio.timeout(MODEL_SECONDS):
                failure, answered = await _ask(registry, model)
        finally:
            await registry.close()
    except TimeoutError:
        return Tried(ok=False, message=f"{model.ref} did not answer within {MODEL_SECONDS:g} seconds.")
    except OpenClawError as error:
        return Tried(ok=False, message=error.message)
    finally:
        await tasks.close()
    if failure is not None:
        return Tried(ok=False, message=failure.message)
    if not answered:
        return Tried(ok=False, message=f"{model.ref} answered with nothing.")
    return Tried(ok=True, message=f"{model.ref} answered in {time.monotonic() - started:.1f} s.")


async def _ask(registry: ModelRegistry, model: ModelAnswer) -> tuple[Failure | None, bool]:
    parsed = parse_ref(model.ref, {})
    if parsed is None:
        raise InvalidInput(f'"{model.ref}" is no model; write provider/model')
    ref = registry.reference(parsed)
    message = {"role": "user", "content": [{"type": "text", "text": _QUESTION}]}
    request = ModelRequest(ref=ref, system=_SYSTEM, messages=[message], tools=())
    failure, answered = None, False
    async for event in registry.client(ref).stream(request, model.secret):
        if isinstance(event, Failure):
            failure = event
        answered = answered or (isinstance(event, TextDelta) and bool(event.text.strip()))
    return failure, answered


class _NoWebhooks:
    """A probe serves nothing."""

    async def serve(self, webhook: Webhook) -> None:
        raise Unavailable(f"no webhook is served at {webhook.path} while a bot is tried out")


def try_telegram(token: Secret, document: Mapping[str, Any], layout: StateLayout, environment: Environment) -> Tried:
    """Ask Telegram who the bot is.

    Args:
        token: the bot token.
        document: the config as it would be.
        layout: the state directory.
        environment: the process environment.
    """
    return asyncio.run(_try_telegram(token, document, layout, environment))


async def _try_telegram(
    token: Secret, document: Mapping[str, Any], layout: StateLayout, environment: Environment
) -> Tried:
    kind = next(kind for kind in CHANNELS if kind.id == "telegram")
    try:
        config = Config.from_document(document, environment)
        tools = ChannelTools(
            config=config,
            layout=layout,
            clock=SystemClock(),
            webhooks=_NoWebhooks(),
            secrets=SecretResolver(environment),
            commands=lambda _channel, _account: (),
        )
        channel = kind.load()("default", tools)
        if channel is None or not token:
            return Tried(ok=False, message="There is no bot token.")
        async with asyncio.timeout(CHANNEL_SECONDS):
            found = await channel.probe()
    except TimeoutError:
        return Tried(ok=False, message=f"Telegram did not answer within {CHANNEL_SECONDS:g} seconds.")
    except OpenClawError as error:
        return Tried(ok=False, message=error.message)
    name = found.facts.get("username")
    return Tried(ok=found.ok, message=f"The bot is @{name}." if found.ok else found.message)


def try_sandbox(environment: Environment) -> Probe:
    """Run a command in each sandbox of this machine; the first that works, else what is wrong with the last."""
    machine = Sandboxes.of_machine(uid=os.geteuid(), runtime_dir=environment.get("XDG_RUNTIME_DIR"))
    probes = [report.probe for report in asyncio.run(machine.report())]
    usable = next((probe for probe in probes if probe.usable), None)
    none = Probe(usable=False, detail="this build has no sandbox for this machine")
    return usable or (probes[-1] if probes else none)
