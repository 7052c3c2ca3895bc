"""A snapshot of the state directory: who may read or write what. Nothing is followed and nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.audit.look import Kind, Looker, Seen
from openclaw.security.audit.reading import Reading
from openclaw.security.audit.values import at, entries, trim

_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class AgentFiles:
    """The files of one agent.

    Attributes:
        agent: normalised id.
        auth: `auth-profiles.json`.
        sessions: `sessions.json`.
        seed: whether the seed looks at them.
    """

    agent: str
    auth: Seen | None
    sessions: Seen | None
    seed: bool = True


@dataclass(frozen=True, slots=True)
class Loose:
    """Files of one kind that others may open.

    Attributes:
        count: how many.
        examples: the first few.
    """

    count: int = 0
    examples: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Disk:
    """What the state directory looks like. A name that is absent is None.

    Attributes:
        state, config, credentials: the three main places.
        includes: included config files.
        agents: files per agent, the seed's agents first.
        log_file: `logging.file`.
        log_folder: the folder that it lies in.
        own_logs: `<state>/logs` and the newest file in it.
        state_env: `<state>/.env`.
        backups: `openclaw.json.bak*`.
        transcripts: transcripts that others may open.
        extensions: `<state>/extensions`.
        plugins: the folders in it, by name; links and files do not count.
        code: folders whose code the gateway loads.
        user: id of the user who looks.
    """

    state: Seen | None
    config: Seen | None
    credentials: Seen | None
    includes: tuple[Seen, ...] = ()
    agents: tuple[AgentFiles, ...] = ()
    log_file: Seen | None = None
    log_folder: Seen | None = None
    own_logs: tuple[Seen, ...] = ()
    state_env: Seen | None = None
    backups: tuple[Seen, ...] = ()
    transcripts: Loose = Loose()
    extensions: Seen | None = None
    plugins: tuple[Seen, ...] = ()
    code: tuple[Seen, ...] = ()
    user: int = 0

    @property
    def private_places(self) -> tuple[Seen, ...]:
        """Return what nobody but the user or root may own."""
        found = [self.state, self.config, self.credentials, *(files.auth for files in self.agents)]
        return tuple(dict.fromkeys(seen for seen in found if seen is not None))


def look_at_disk(reading: Reading, looker: Looker, *, transcripts: bool = True) -> Disk:
    """Return the snapshot.

    Args:
        reading: says which files there are.
        looker: looks.
        transcripts: whether to look at every transcript too.
    """
    layout = reading.layout
    log_file = log_path(reading)
    extensions = looker.look(layout.root / "extensions")
    plugins = _plugins(extensions, looker)
    return Disk(
        state=looker.look(layout.root),
        config=looker.look(layout.config),
        credentials=looker.look(reading.credentials),
        includes=tuple(seen for path in reading.includes if (seen := looker.look(path)) is not None),
        agents=tuple(_agents(reading, looker)),
        log_file=looker.look(log_file) if log_file else None,
        log_folder=looker.look(log_file.parent) if log_file else None,
        own_logs=tuple(_own_logs(layout.logs, looker)),
        state_env=looker.look(layout.root / ".env"),
        backups=tuple(_backups(layout.config, looker)),
        transcripts=_transcripts(layout.root / "agents", looker) if transcripts else Loose(),
        extensions=extensions,
        plugins=plugins,
        code=tuple(_code(reading, extensions, plugins, looker)),
        user=os.geteuid(),
    )


def log_path(reading: Reading) -> Path | None:
    """Return `logging.file` as an absolute path; None when it is not set or cannot be expanded."""
    text = trim(at(reading.document, "logging", "file"))
    if not text:
        return None
    path = reading.environment.expand(text)
    if not path.is_absolute() and text.startswith("~"):
        return None
    return path if path.is_absolute() else Path.cwd() / path


def _agents(reading: Reading, looker: Looker) -> Iterator[AgentFiles]:
    layout, known = reading.layout, set(reading.seed_agents)
    for agent in (*reading.seed_agents, *({"main"} - known)):
        yield AgentFiles(
            agent,
            auth=looker.look(layout.agent_dir(agent) / "auth-profiles.json"),
            sessions=looker.look(layout.sessions_dir(agent) / "sessions.json"),
            seed=agent in known,
        )
    for entry in reading.agents:
        folder = trim(entry.get("agentDir"))
        if folder:
            agent = normalise_agent_id(entry.get("id"))
            path = reading.environment.expand(folder)
            yield AgentFiles(agent, looker.look(path / "auth-profiles.json"), None, seed=False)


def _own_logs(folder: Path, looker: Looker) -> Iterator[Seen]:
    seen = looker.look(folder)
    if seen is None:
        return
    yield seen
    files = [item for item in looker.folder(folder) if item.kind is Kind.FILE] if seen.kind is Kind.FOLDER else []
    if files:
        yield max(files, key=lambda item: item.mtime_ns)


def _backups(config: Path, looker: Looker) -> Iterator[Seen]:
    prefix = f"{config.name}.bak"
    yield from (seen for seen in looker.folder(config.parent) if seen.path.name.startswith(prefix))


def _transcripts(agents: Path, looker: Looker) -> Loose:
    count = 0
    examples: list[Path] = []
    for agent in looker.folder(agents):
        seen = looker.look(agent.path / "sessions") if agent.kind is Kind.FOLDER else None
        if seen is not None and seen.kind is Kind.FOLDER:
            found, names = looker.loose(seen.path, ".jsonl", _EXAMPLES)
            count += found
            examples += names
    return Loose(count, tuple(examples[:_EXAMPLES]))


def _plugins(extensions: Seen | None, looker: Looker) -> tuple[Seen, ...]:
    if extensions is None or extensions.kind is not Kind.FOLDER:
        return ()
    return tuple(seen for seen in looker.folder(extensions.path) if seen.kind is Kind.FOLDER)


def _code(reading: Reading, extensions: Seen | None, plugins: tuple[Seen, ...], looker: Looker) -> Iterator[Seen]:
    """Yield the folders that hold trusted code: plugins, skills, hooks and their transforms (agent.md 6, 7)."""
    document, root = reading.document, reading.layout.root
    paths = [root / "skills", root / "hooks"]
    for folder in (
        *entries(at(document, "skills", "load", "extraDirs")),
        *entries(at(document, "plugins", "load", "paths")),
        trim(at(document, "hooks", "transformsDir")),
    ):
        path = reading.environment.expand(folder) if folder else Path()
        if path.is_absolute():
            paths.append(path)
    if extensions is not None:
        yield extensions
    yield from plugins
    yield from (seen for path in dict.fromkeys(paths) if (seen := looker.look(path)) is not None)
