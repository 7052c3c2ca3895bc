"""The live config as the door and the methods ask it: current policy, current secret, redacted views, writes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from openclaw.config.compile.gateway import GatewayFlags, shared_secret
from openclaw.config.edit import ConfigEditor, Written
from openclaw.config.live import Change, LiveConfig
from openclaw.config.load import Loaded, read_config
from openclaw.config.model import Config
from openclaw.config.redact import redacted, restore_text
from openclaw.config.secrets import SecretResolver
from openclaw.gateway.rpc.ports import Json
from openclaw.policy.snapshot import Policy
from openclaw.policy.who.gateway_policy import AuthMode, GatewayPolicy
from openclaw.state.files import write_json
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock, iso
from openclaw.system.environment import Environment
from openclaw.system.errors import ConfigInvalid, Conflict, InvalidInput, OpenClawError
from openclaw.system.secret import Secret
from openclaw.version import VERSION

DEFAULT_RESTART_DELAY_MS: Final = 2000


class LiveDoor:
    """Implements `DoorConfig`: nothing is kept beyond the config it was read from (advisory A19)."""

    def __init__(self, live: LiveConfig[Policy], environment: Environment, flags: GatewayFlags) -> None:
        self._live = live
        self._environment = environment
        self._flags = flags
        self._read_for: Config | None = None
        self._secret: Secret | None = None

    def policy(self) -> GatewayPolicy:
        """Return the compiled `gateway` section."""
        return self._live.policy.gateway

    def secret(self) -> Secret | None:
        """Return the shared secret; one that cannot be resolved opens nothing."""
        config = self._live.config
        if config is not self._read_for:
            self._secret = self._resolve(config)
            self._read_for = config
        return self._secret

    def _resolve(self, config: Config) -> Secret | None:
        mode = self.policy().auth_mode
        if mode is AuthMode.TRUSTED_PROXY:
            return None
        kind = "password" if mode is AuthMode.PASSWORD else "token"
        place = shared_secret(config, config.environment, "password" if kind == "password" else "token", self._flags)
        try:
            return SecretResolver(config.environment).resolve(place.value, place.path)
        except OpenClawError:
            return None


class ConfigService:
    """Implements `ConfigPort` (gateway.md 3.3, config.md 1.8)."""

    def __init__(
        self,
        live: LiveConfig[Policy],
        layout: StateLayout,
        environment: Environment,
        clock: Clock,
        *,
        redact: Callable[[str], str],
        restart: Callable[[float], bool],
    ) -> None:
        self._live = live
        self._layout = layout
        self._environment = environment
        self._clock = clock
        self._redact = redact
        self._restart = restart
        self._schema: Json | None = None

    async def get(self, *, admin: bool) -> Json:
        """Answer `config.get` from the disk as it is now."""
        loaded = await asyncio.to_thread(read_config, self._layout, self._environment)
        source = loaded.source
        shown = redacted(
            source,
            loaded.config.document if loaded.config is not None else None,
            loaded.config.environment if loaded.config is not None else self._environment,
            redact_text=self._redact,
        )
        path = source.path or self._layout.config
        return {
            "path": str(path) if admin else path.name,
            "exists": source.exists,
            "raw": shown.raw if admin else None,
            "parsed": shown.parsed,
            "valid": loaded.config is not None,
            "config": shown.config if shown.config is not None else {},
            "hash": source.hash,
            "configRevisionHash": source.revision_hash,
            "issues": [{"path": issue.path, "message": issue.message} for issue in loaded.issues],
            "warnings": [{"path": issue.path, "message": issue.message} for issue in loaded.warnings],
            "legacyIssues": [],
        }

    async def write(self, kind: str, params: Mapping[str, Any], /) -> Json:
        """Answer `config.set`, `config.patch` and `config.apply`.

        Raises:
            InvalidInput: no base hash, no JSON5, a masked value without a stored one, or more access that is not
                confirmed (`details["widens"]` lists it).
            Conflict: the file changed since it was read.
            ConfigInvalid: the result would be invalid.
        """
        try:
            written, change = await self._written(kind, params)
        except ConfigInvalid as error:
            raise InvalidInput("invalid config", details={"issues": error.details.get("issues", [])}) from None
        shown = redacted(written.loaded.source, written.config.document, written.config.environment)
        answer: Json = {"ok": True, "path": str(self._layout.config), "config": shown.config}
        if kind == "set":
            return answer
        return {**answer, **await self._restarting(kind, params, change)}

    async def _written(self, kind: str, params: Mapping[str, Any]) -> tuple[Written, Change[Policy] | None]:
        current = await asyncio.to_thread(read_config, self._layout, self._environment)
        confirmed = params.get("confirmWiden") is True
        editor = ConfigEditor(
            self._layout,
            self._environment,
            clock=self._clock,
            approve=None if confirmed else lambda loaded: self._approve(current, loaded),
        )
        base = self._base(current, params.get("baseHash"))
        text = restore_text(str(params["raw"]), current.source.parsed)
        if kind == "patch":
            if current.config is None:
                raise InvalidInput("the config is invalid; mend it before patching: openclaw config validate")
            from openclaw.config.json5 import loads

            patch = loads(text)
            written = await asyncio.to_thread(lambda: editor.patch(patch, _config(current), base_hash=base))
        else:
            written = await asyncio.to_thread(lambda: editor.replace(text, base_hash=base))
        result = await self._live.adopt(written.loaded)
        return written, result.change

    def _approve(self, before: Loaded, after: Loaded) -> None:
        """Refuse a result that widens access; the caller may repeat the write with `confirmWiden` (config.md 1.8)."""
        from openclaw.security.explain.widening import judge_configs

        widens = judge_configs(before.config, _config(after), self._environment).widened
        if widens:
            raise InvalidInput(
                "config change widens access; repeat with confirmWiden", details={"widens": list(widens)}
            )

    @staticmethod
    def _base(current: Loaded, base: object) -> str | None:
        if not current.source.exists:
            return None
        if not isinstance(base, str) or not base:
            raise InvalidInput("config base hash required; re-run config.get and retry")
        if base not in {current.source.hash, current.source.revision_hash}:
            raise Conflict("config changed since last load; re-run config.get and retry")
        return base

    async def _restarting(self, kind: str, params: Mapping[str, Any], change: Change[Policy] | None) -> Json:
        """Restart only when a changed path needs it; otherwise say that the change is in force."""
        delay = int(params.get("restartDelayMs", DEFAULT_RESTART_DELAY_MS))
        if change is None or not change.plan.restart:
            return {"restart": {"ok": True, "mode": "none", "delayMs": 0, "reason": "hot"}}
        reason = f"config.{kind}"
        scheduled = self._restart(delay / 1000)
        payload = {
            "kind": "config-apply",
            "status": "ok",
            "ts": self._clock.now_ms(),
            "sessionKey": params.get("sessionKey"),
            "message": params.get("note") or f"{reason} at {iso(self._clock.now_ms())}",
            "doctorHint": "openclaw config validate",
            "stats": {"mode": reason, "root": str(self._layout.root)},
        }
        path = self._layout.root / "restart-sentinel.json"
        await asyncio.to_thread(write_json, path, {"version": 1, "payload": payload})
        restart = {
            "ok": scheduled,
            "pid": os.getpid(),
            "signal": "SIGUSR1",
            "delayMs": delay,
            "reason": reason,
            "mode": "signal",
        }
        return {"restart": restart, "sentinel": {"path": str(path), "payload": payload}}

    async def schema(self) -> Json:
        """Answer `config.schema`."""
        if self._schema is None:
            from openclaw.config.schema import config_schema

            self._schema = await asyncio.to_thread(
                lambda: config_schema(version=VERSION, generated_at=iso(self._clock.now_ms()))
            )
        return self._schema


def _config(loaded: Loaded) -> Config:
    if loaded.config is None:
        raise InvalidInput("the config is invalid")
    return loaded.config
