"""Doing what was decided: credentials, config, directories, workspace files."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openclaw.agent.workspace import FIRST_RUN, create_missing
from openclaw.config.baseline import TOKEN_BYTES
from openclaw.config.compile import compile_policy
from openclaw.config.edit import ConfigEditor
from openclaw.config.load import read_config
from openclaw.config.model import Config, invalid
from openclaw.config.places import agent_dir, agent_workspace, default_agent
from openclaw.config.text_edit import Change
from openclaw.policy.who.gateway_policy import AuthMode
from openclaw.security.doctor.repairs.config import wizard_note
from openclaw.security.onboarding.answers import Answers, ModelAnswer
from openclaw.security.onboarding.changes import applied, config_changes
from openclaw.security.service.run import find, run
from openclaw.state.auth_profiles import read_profiles
from openclaw.state.files import check_owned, private_dir, write_json
from openclaw.state.layout import StateLayout
from openclaw.state.locks import file_lock
from openclaw.system.environment import Environment

PROFILES: Final = "auth-profiles.json"


@dataclass(frozen=True, slots=True)
class Done:
    """What was made.

    Attributes:
        config: the config as it is now.
        workspace: the default agent's.
        created: workspace files that were written.
    """

    config: Config
    workspace: Path
    created: tuple[str, ...]


class Setup:
    """Sets one state directory up.

    Args:
        layout: the state directory.
        environment: the process environment.
        sandboxed: a sandbox works on this machine.

    Raises:
        ConfigInvalid: the present config has faults.
        Unavailable: the state directory belongs to somebody else.
    """

    def __init__(self, layout: StateLayout, environment: Environment, *, sandboxed: bool) -> None:
        check_owned(layout.root)
        loaded = read_config(layout, environment)
        if loaded.config is None:
            raise invalid(loaded.issues, layout.config)
        self.current = loaded.config
        self._exists = loaded.source.exists
        self._layout = layout
        self._environment = environment
        self._sandboxed = sandboxed
        self._token = secrets.token_hex(TOKEN_BYTES)

    @property
    def exists(self) -> bool:
        """Tell whether there is a config already."""
        return self._exists

    def changes(self, answers: Answers) -> list[Change]:
        """Return what the answers come to in the config.

        Raises:
            InvalidInput: they contradict each other.
        """
        gateway = compile_policy(self.current, self.current.environment).gateway
        return config_changes(
            answers,
            self.document,
            home=self._environment.home,
            token=self._token,
            sandboxed=self._sandboxed,
            has_secret=gateway.has_shared_secret or gateway.auth_mode is AuthMode.TRUSTED_PROXY,
        )

    @property
    def document(self) -> dict[str, Any]:
        """Return the effective values as they are."""
        return dict(self.current.document)

    def preview(self, answers: Answers) -> dict[str, Any]:
        """Return the effective values as they would be."""
        return applied(self.document, self.changes(answers))

    def apply(self, answers: Answers) -> Done:
        """Make it so.

        Raises:
            InvalidInput: the answers contradict each other, or the result would be invalid; nothing is written.
            Unavailable: the disk refuses.
        """
        changes = self.changes(answers)
        private_dir(self._layout.root)
        if answers.model is not None and answers.model.secret is not None:
            document = applied(self.document, changes)
            agent = default_agent(document)
            folder = agent_dir(document, agent, self._layout, self._environment)
            store_credential(folder / PROFILES, answers.model)
        editor = ConfigEditor(self._layout, self._environment)
        config = editor.change([*changes, *wizard_note(answers.command, answers.mode)]).config
        if answers.mode == "remote":
            return Done(config, Path(), ())
        return Done(config, *self._folders(config))

    def _folders(self, config: Config) -> tuple[Path, tuple[str, ...]]:
        document = dict(config.document)
        agent = default_agent(document)
        workspace = agent_workspace(document, agent, self._layout, self._environment)
        private_dir(self._layout.credentials)
        private_dir(self._layout.sessions_dir(agent))
        private_dir(workspace)
        created = () if config.agents.defaults.skip_bootstrap is True else create_missing(workspace)
        if FIRST_RUN in created and not (workspace / ".git").exists():
            run(find("git"), ["init", "--quiet", "--", str(workspace)], {"HOME": str(self._environment.home)})
        return workspace, created


def store_credential(path: Path, model: ModelAnswer) -> None:
    """Put a model's key or token into an agent's profiles. Blocks.

    Raises:
        InvalidInput: the file is no JSON object.
        Conflict: another process holds it.
        Unavailable: the disk refuses.
    """
    assert model.secret is not None
    field = "token" if model.kind == "token" else "key"
    record: dict[str, Any] = {"type": model.kind, "provider": model.provider, field: model.secret.reveal()}
    if model.expires_ms is not None:
        record["expires"] = model.expires_ms
    private_dir(path.parent)
    with file_lock(path):
        store = dict(read_profiles(path).raw)
        kept = store.get("profiles")
        profiles = {**(kept if isinstance(kept, dict) else {}), model.profile_id: record}
        write_json(path, {**store, "version": store.get("version", 1), "profiles": profiles})
