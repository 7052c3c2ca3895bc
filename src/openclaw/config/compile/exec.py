"""Compiles `tools.exec`, `tools.fs`, URL exceptions and log masking into the policy (exec.md 1, 2, 4, 5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar

from openclaw.config.compile.routing import listed_agents
from openclaw.config.model import Config
from openclaw.config.sections.agent_tools import AgentExecSettings, FileTools
from openclaw.config.sections.agent_tools import ExecSettings as ExecBlock
from openclaw.config.sections.agent_tools import SafeBinProfile as ProfileBlock
from openclaw.config.shapes import SsrfPolicy
from openclaw.policy.what.child_environment import EnvironmentRules
from openclaw.policy.what.exec_model import ExecPolicy, ExecRules, ExecSettings, SafeBinProfile
from openclaw.policy.what.safe_bins import DEFAULT_SAFE_BINS
from openclaw.policy.what.urls import UrlPolicy

T = TypeVar("T")


def compile_exec(config: Config) -> ExecPolicy:
    """Return the part of the policy that says how commands run, where files and URLs end, and what is masked."""
    tools = config.tools
    agents = {
        agent_id: _settings((entry.tools.exec, tools.exec), (entry.tools.fs, tools.fs))
        for _, agent_id, entry in listed_agents(config)
    }
    return ExecPolicy(
        defaults=_settings((tools.exec,), (tools.fs,)),
        agents=MappingProxyType(agents),
        fetch=_urls(tools.web.fetch.ssrf_policy, "tools.web.fetch.ssrfPolicy"),
        browser=_urls(config.browser.ssrf_policy, "browser.ssrfPolicy"),
        mask_shown=config.logging.redact_sensitive != "off",
        mask_patterns=tuple(config.logging.redact_patterns or ()),
    )


def _settings(blocks: tuple[ExecBlock, ...], files: tuple[FileTools, ...]) -> ExecSettings:
    """Return the settings of the first block over those behind it; an empty list of an agent is its own."""

    def texts(name: str) -> tuple[str, ...]:
        return tuple(_first(getattr(block, name) for block in blocks) or ())

    safe_bins = _first(block.safe_bins for block in blocks)
    profiles = _first(block.safe_bin_profiles for block in blocks) or {}
    own = blocks[0]
    notice = own.approval_running_notice_ms if isinstance(own, AgentExecSettings) else None
    return ExecSettings(
        rules=ExecRules(
            safe_bins=DEFAULT_SAFE_BINS if safe_bins is None else frozenset(safe_bins),
            safe_bin_profiles=_profiles(profiles),
            strict_inline_eval=_first(block.strict_inline_eval for block in blocks) is not False,
        ),
        extra_trusted_dirs=texts("safe_bin_trusted_dirs"),
        environment=EnvironmentRules.of(texts("env_allow"), texts("env_inherit")),
        path_prepend=texts("path_prepend"),
        background_ms=_first(block.background_ms for block in blocks),
        timeout_sec=_first(block.timeout_sec for block in blocks) or ExecSettings().timeout_sec,
        cleanup_ms=_first(block.cleanup_ms for block in blocks),
        running_notice_ms=ExecSettings().running_notice_ms if notice is None else notice,
        notify_on_exit=_first(block.notify_on_exit for block in blocks) is not False,
        workspace_only=_first(block.workspace_only for block in files) is True,
        patch_workspace_only=_first(block.apply_patch.workspace_only for block in blocks) is not False,
    )


def _first(values: Iterable[T | None]) -> T | None:
    """Return the first value that is set."""
    return next((value for value in values if value is not None), None)


def _profiles(blocks: Mapping[str, ProfileBlock]) -> Mapping[str, SafeBinProfile]:
    return MappingProxyType(
        {
            name: SafeBinProfile.custom(
                operands=(block.min_positional or 0, block.max_positional or 0),
                value_flags=block.allowed_value_flags or (),
                denied_flags=block.denied_flags or (),
            )
            for name, block in blocks.items()
        }
    )


def _urls(block: SsrfPolicy, key: str) -> UrlPolicy:
    """Return the exceptions of one block; the older name of the switch counts only while the new one is unset."""
    switch = block.dangerously_allow_private_network
    private = block.allow_private_network if switch is None else switch
    return UrlPolicy.of(
        allow_private=private is True,
        allowed_hostnames=block.allowed_hostnames or (),
        hostname_allowlist=block.hostname_allowlist or (),
        key=key,
    )
