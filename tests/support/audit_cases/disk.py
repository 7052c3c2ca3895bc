"""Cases of files: modes, owners, links."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.audit import AuditHome, Case, Setup

AGENTS: dict[str, Any] = {"agents": {"list": [{"id": "main", "default": True}, {"id": "work"}]}}


def mode(name: str, bits: int) -> Setup:
    """Make a file and give it a mode."""
    return lambda home: home.file(name, "{}", bits)


def config_mode(bits: int) -> Setup:
    return lambda home: home.layout.config.chmod(bits)


def state_mode(bits: int) -> Setup:
    return lambda home: home.state.chmod(bits)


def folder(name: str, bits: int) -> Setup:
    return lambda home: home.folder(name, bits)


def include(bits: int) -> Setup:
    return lambda home: home.file("extra.json5", "{}", bits)


def linked(name: str, place: str) -> Callable[[AuditHome], None]:
    """Put what lies at a name elsewhere, and a link in its place."""

    def setup(home: AuditHome) -> None:
        path = home.state / name if name else home.state
        target = home.home / place
        path.rename(target)
        path.symlink_to(target)

    return setup


def owned_by_somebody_else(name: str) -> Setup:
    return lambda home: os.chown(home.state / name, 12345, -1)


def log_in(folder_bits: int) -> Callable[[AuditHome], None]:
    def setup(home: AuditHome) -> None:
        path = home.home / "shared" / "gateway.log"
        path.parent.mkdir()
        path.parent.chmod(folder_bits)
        path.touch(0o600)

    return setup


INCLUDING = {"messages": {"$include": "./extra.json5"}}

STATE = (
    Case("fs.state_dir.symlink", "warn", setup=linked("", "real"), clean_setup=state_mode(0o700), seed=True),
    Case(
        "fs.state_dir.perms_world_writable",
        "critical",
        setup=state_mode(0o702),
        clean_setup=state_mode(0o720),
        seed=True,
    ),
    Case(
        "fs.state_dir.perms_group_writable", "warn", setup=state_mode(0o720), clean_setup=state_mode(0o722), seed=True
    ),
    Case("fs.state_dir.perms_readable", "warn", setup=state_mode(0o740), clean_setup=state_mode(0o711), seed=True),
    Case(
        "fs.config.symlink",
        "warn",
        setup=linked("openclaw.json", "real.json"),
        clean_setup=config_mode(0o600),
        seed=True,
    ),
    Case("fs.config.perms_writable", "critical", setup=config_mode(0o620), clean_setup=config_mode(0o600), seed=True),
    Case(
        "fs.config.perms_world_readable",
        "critical",
        setup=config_mode(0o604),
        clean_setup=config_mode(0o640),
        seed=True,
    ),
    Case("fs.config.perms_group_readable", "warn", setup=config_mode(0o640), clean_setup=config_mode(0o400), seed=True),
    Case(
        "fs.config_include.perms_writable", "critical", INCLUDING, INCLUDING, include(0o602), include(0o600), seed=True
    ),
    Case(
        "fs.config_include.perms_world_readable",
        "critical",
        INCLUDING,
        INCLUDING,
        include(0o644),
        include(0o640),
        seed=True,
    ),
    Case(
        "fs.config_include.perms_group_readable",
        "warn",
        INCLUDING,
        INCLUDING,
        include(0o640),
        include(0o600),
        seed=True,
    ),
    Case(
        "fs.credentials_dir.perms_writable",
        "critical",
        setup=folder("credentials", 0o720),
        clean_setup=folder("credentials", 0o740),
        seed=True,
    ),
    Case(
        "fs.credentials_dir.perms_readable",
        "warn",
        setup=folder("credentials", 0o704),
        clean_setup=folder("credentials", 0o711),
        seed=True,
    ),
)
PROFILES = "agents/work/agent/auth-profiles.json"
SESSIONS = "agents/work/sessions/sessions.json"
AGENT_FILES = (
    Case(
        "fs.auth_profiles.perms_writable",
        "critical",
        AGENTS,
        AGENTS,
        mode(PROFILES, 0o662),
        mode(PROFILES, 0o644),
        seed=True,
        says="mode=662",
    ),
    Case("fs.auth_profiles.perms_readable", "warn", AGENTS, {}, mode(PROFILES, 0o640), seed=True),
    Case(
        "fs.sessions_store.perms_readable",
        "warn",
        AGENTS,
        AGENTS,
        mode(SESSIONS, 0o604),
        mode(SESSIONS, 0o602),
        seed=True,
    ),
    Case("fs.sessions_store.perms_writable", "critical", AGENTS, AGENTS, mode(SESSIONS, 0o602), mode(SESSIONS, 0o604)),
    Case(
        "fs.transcripts.perms_readable",
        "warn",
        setup=mode("agents/ghost/sessions/abc.jsonl", 0o640),
        clean_setup=mode("agents/ghost/sessions/abc.jsonl", 0o600),
        says="1 transcripts",
    ),
    Case("fs.state_env.perms_readable", "critical", setup=mode(".env", 0o604), clean_setup=mode(".env", 0o600)),
    Case("fs.state_env.perms_readable", "warn", setup=mode(".env", 0o640)),
    Case(
        "fs.config_backup.perms_readable",
        "critical",
        setup=mode("openclaw.json.bak.2", 0o644),
        clean_setup=mode("openclaw.json.bak.2", 0o600),
    ),
    Case("fs.config_backup.perms_readable", "warn", setup=mode("openclaw.json.bak", 0o640)),
    Case(
        "fs.log_file.perms_readable",
        "warn",
        setup=mode("logs/openclaw-2026-01-01.log", 0o644),
        clean_setup=mode("logs/openclaw-2026-01-01.log", 0o600),
    ),
    Case(
        "fs.log_file.shared_folder",
        "warn",
        {"logging": {"file": "~/shared/gateway.log"}},
        {"logging": {"file": "~/shared/gateway.log"}},
        log_in(0o777),
        log_in(0o700),
        says="writable by others",
    ),
    Case(
        "fs.foreign_owner",
        "critical",
        setup=owned_by_somebody_else("openclaw.json"),
        clean_setup=config_mode(0o600),
        says="12345",
    ),
    Case(
        "fs.code_folder.writable",
        "critical",
        setup=folder("skills", 0o770),
        clean_setup=folder("skills", 0o755),
    ),
    Case(
        "fs.not_examined",
        "warn",
        setup=lambda home: os.mkfifo(home.state / "exec-approvals.json"),
        clean_setup=mode("exec-approvals.json", 0o600),
        says="not a regular file",
    ),
)


def cloud(home: AuditHome) -> None:
    """Move the state below a folder with a cloud service's name."""
    place = home.home / "Google Drive" / "claw"
    place.parent.mkdir()
    home.state.rename(place)
    home.env["OPENCLAW_STATE_DIR"] = str(place)


SECRETS = (
    Case("fs.synced_dir", "warn", setup=cloud, clean_setup=state_mode(0o700), seed=True),
    Case(
        "logging.redact_off",
        "warn",
        {"logging": {"redactSensitive": "off"}},
        {"logging": {"redactSensitive": "tools"}},
        seed=True,
    ),
    Case(
        "config.secrets.gateway_password_in_config",
        "warn",
        {"gateway": {"auth": {"password": "p" * 30}}},
        {"gateway": {"auth": {"password": "${PASSWORD}"}}},
        env={"PASSWORD": "p" * 30},
        seed=True,
    ),
    Case(
        "config.secrets.gateway_password_in_config",
        "warn",
        {"gateway": {"auth": {"password": "p" * 30}}},
        {"gateway": {"auth": {"password": {"source": "env", "id": "PASSWORD"}}}},
        env={"PASSWORD": "p" * 30},
        seed=True,
    ),
    Case(
        "config.secrets.hooks_token_in_config",
        "info",
        {"hooks": {"enabled": True, "token": "h" * 30}},
        {"hooks": {"enabled": False, "token": "h" * 30}},
        seed=True,
    ),
    Case("summary.attack_surface", "info", clean=False, seed=True, says="groups: open=0, allowlist=0"),
)

CASES = (*STATE, *AGENT_FILES, *SECRETS)


def paths_of(home: AuditHome) -> list[Path]:
    """Return everything below the state directory."""
    return sorted(home.state.rglob("*"))
