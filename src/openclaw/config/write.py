"""Putting changed config files on the disk: valid or not at all, private, with backups (config.md 1.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from openclaw.config.catalog import Catalog
from openclaw.config.issues import Issue
from openclaw.config.load import Loaded, evaluate
from openclaw.config.plain import read_main
from openclaw.state.files import put_in_place, staged, why
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import ConfigInvalid, Refused, Unavailable

BACKUPS: Final = 5


def backup_path(path: Path, number: int) -> Path:
    """Return where a backup lies; 0 is the newest."""
    return path.with_name(f"{path.name}.bak" + (f".{number}" if number else ""))


def write_files(
    texts: Mapping[Path, str],
    layout: StateLayout,
    environment: Environment,
    *,
    catalog: Catalog | None = None,
    approve: Callable[[Loaded], None] | None = None,
) -> Loaded:
    """Check what the config would be with these files, then write them; the main file last.

    Args:
        texts: new text of the main file (`layout.config`) and of includes, by resolved path.
        layout: where the main file is.
        environment: the process environment.
        catalog: the plugins that are known.
        approve: looks at what the config would be, and raises to keep it from being written.

    Returns:
        The config as it is now on the disk.

    Raises:
        ConfigInvalid: the result would have faults; nothing is written.
        Refused: the config is managed elsewhere.
        Unavailable: the disk refuses; the main file is whole, old or new.
    """
    if environment.truthy("OPENCLAW_NIX_MODE"):
        raise Refused(
            "the config is managed outside of openclaw (OPENCLAW_NIX_MODE); change it there", code="config-managed"
        )
    main = real_path(layout.config)
    overlay = {path: text.encode("utf-8") for path, text in texts.items()}
    content = overlay[main] if main in overlay else read_main(main)
    loaded = evaluate(content, layout, environment, catalog=catalog, overlay=overlay)
    if loaded.config is None:
        raise refused_write(loaded.issues)
    if approve is not None:
        approve(loaded)
    _replace({path: texts[path] for path in sorted(texts, key=lambda item: item == main)})
    return loaded


def _replace(texts: Mapping[Path, str]) -> None:
    """Replace files and keep the old ones as backups: whatever needs room on the disk is done before anything moves."""
    waiting: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            kept = _staged_backup(path)
            waiting += [(kept, backup_path(path, 0))] if kept is not None else []
            waiting.append((staged(path, text), path))
        while waiting:
            temporary, path = waiting[0]
            if path not in texts:
                _age_backups(path.with_name(path.name.removesuffix(".bak")))
            put_in_place(temporary, path)
            del waiting[0]
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)


def real_path(path: Path) -> Path:
    """Return the file that a config path leads to, so that a link stays a link."""
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise Unavailable(f"{path} leads in a circle", code="config-unreadable") from error


def refused_write(issues: tuple[Issue, ...]) -> ConfigInvalid:
    """Return the error of a write whose result would be invalid."""
    first = issues[0]
    return ConfigInvalid(
        f"Config validation failed: {first.path or '<root>'}: {first.message}; nothing is written",
        details={"issues": [issue.as_dict() for issue in issues]},
    )


def rotate_backups(path: Path) -> None:
    """Keep the current file as `.bak` and the four before it as `.bak.1` to `.bak.4`, all private.

    Raises:
        Unavailable: the disk refuses; the current file is untouched.
    """
    kept = _staged_backup(path)
    if kept is not None:
        _age_backups(path)
        put_in_place(kept, backup_path(path, 0))


def _staged_backup(path: Path) -> Path | None:
    """Write what is to become `.bak`; None when there is no file to keep."""
    try:
        current = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"cannot back up {path}: {why(error)}") from error
    return staged(backup_path(path, 0), current)


def _age_backups(path: Path) -> None:
    """Make room for a new `.bak`: each of the others becomes one older."""
    try:
        for number in range(BACKUPS - 1, 0, -1):
            older = backup_path(path, number - 1)
            if older.exists():
                older.chmod(0o600)
                older.replace(backup_path(path, number))
    except OSError as error:
        raise Unavailable(f"cannot back up {path}: {why(error)}") from error
