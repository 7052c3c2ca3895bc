"""From the file to a Config: the stages of config.md 1.2. Each reports all its faults and hides those of later ones.

An invalid file never yields a config: callers get the faults and decide what still runs (config.md 1.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from openclaw.config import checks, env_block
from openclaw.config.catalog import BUILT_IN, Catalog, discover
from openclaw.config.includes import DIRECTIVE
from openclaw.config.issues import Issue, fault
from openclaw.config.json5 import Json5Error, place
from openclaw.config.model import Config, Source, invalid
from openclaw.config.odd import find_odd
from openclaw.config.plain import Plain, evaluate_plain, read_main
from openclaw.config.rules import check_rules
from openclaw.config.validate import Checked, check_schema
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.version import VERSION

_PLACES_LIMIT: Final = 2 * 1024 * 1024
"""Above this size faults are reported without line and column: measuring would take longer than reading."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What reading a config came to.

    Attributes:
        config: the config, when there are no faults.
        issues: the faults of the first stage that has any.
        warnings: what is odd but valid.
        source: the file as it was read; also of an invalid config.
        legacy_only: the faults are older keys and nothing else, so that a migration mends them all.
    """

    config: Config | None
    issues: tuple[Issue, ...]
    warnings: tuple[Issue, ...]
    source: Source
    legacy_only: bool = False


def load_config(layout: StateLayout, environment: Environment, *, catalog: Catalog | None = None) -> Config:
    """Return the config of a state directory; an absent file is an empty config.

    Args:
        layout: where the file and the state are.
        environment: the process environment; `config.environment` has `<state>/.env` and the `env` block below it.
        catalog: the plugins that are known; None looks at the disk.

    Raises:
        ConfigInvalid: the file has faults; `details["issues"]` lists them.
    """
    loaded = read_config(layout, environment, catalog=catalog)
    if loaded.config is None:
        raise invalid(loaded.issues, layout.config)
    return loaded.config


def check_config(
    layout: StateLayout, environment: Environment, *, catalog: Catalog | None = None
) -> tuple[Config | None, list[Issue]]:
    """Return the config, or None, and its faults, for `config validate`."""
    loaded = read_config(layout, environment, catalog=catalog)
    return loaded.config, list(loaded.issues)


def read_config(layout: StateLayout, environment: Environment, *, catalog: Catalog | None = None) -> Loaded:
    """Read, check and type the config of a state directory. Raises nothing for whatever the file holds."""
    try:
        content = read_main(layout.config)
    except Json5Error as error:
        return _failed([fault((), str(error))], Source(path=layout.config, exists=True, files=(layout.config,)))
    return evaluate(content, layout, environment, catalog=catalog)


def evaluate(
    content: bytes | None,
    layout: StateLayout,
    environment: Environment,
    *,
    catalog: Catalog | None = None,
    overlay: Mapping[Path, bytes] | None = None,
) -> Loaded:
    """Check and type a config whose main file has these bytes; None stands for an absent file.

    Includes are read from the disk, or from `overlay` by resolved path: so this also answers what files would mean
    before they are written.
    """
    plain = evaluate_plain(content, layout, environment, overlay=overlay)
    if plain.document is None:
        failed = _failed(located(list(plain.issues), plain.source), plain.source, plain.warnings)
        return replace(failed, legacy_only=plain.legacy_only)
    return _Reading(plain, layout, catalog).run(plain.document)


def _failed(issues: list[Issue], source: Source, warnings: tuple[Issue, ...] = ()) -> Loaded:
    return Loaded(None, tuple(issues), warnings, source)


class _Reading:
    """The stages from the schema on."""

    def __init__(self, plain: Plain, layout: StateLayout, catalog: Catalog | None) -> None:
        self._layout = layout
        self._catalog = catalog
        self._environment = plain.environment
        self._warnings = list(plain.warnings)
        self._source = plain.source

    def run(self, document: dict[str, Any]) -> Loaded:
        checked = check_schema(document)
        issues = [*checked.issues, *check_rules(document, checked.issues)]
        return self._stop(issues) if issues else self._checked(document, checked)

    def _checked(self, document: dict[str, Any], checked: Checked) -> Loaded:
        stages: tuple[Callable[[], list[Issue]], ...] = (
            lambda: checks.check_agent_dirs(document, self._layout, self._environment),
            lambda: checks.check_avatars(document, self._layout, self._environment),
        )
        for stage in stages:
            if issues := stage():
                return self._stop(issues)
        catalog, issues = self._plugins(document)
        issues = [*issues, *checks.check_plugins(document, catalog)]
        if issues:
            return self._stop(issues)
        self._warnings += find_odd(document, catalog, VERSION)
        self._environment, _ = env_block.apply_env(document, self._environment)
        self._import_shell(document)
        warnings = tuple(self._warnings)
        config = Config(document, checked, source=self._source, warnings=warnings, environment=self._environment)
        return Loaded(config, (), warnings, self._source)

    def _plugins(self, document: dict[str, Any]) -> tuple[Catalog, list[Issue]]:
        if self._catalog is not None:
            return self._catalog, []
        stated = (document.get("plugins") or {}).get("load") or {}
        paths = [str(self._environment.expand(text)) for text in stated.get("paths") or ()]
        extensions = self._layout.root / "extensions"
        bundled = self._environment.get("OPENCLAW_BUNDLED_PLUGINS_DIR")
        if not paths and bundled is None and not extensions.is_dir():
            return BUILT_IN, []
        return discover(paths, extensions, self._environment.expand(bundled) if bundled else None)

    def _import_shell(self, document: dict[str, Any]) -> None:
        if not env_block.wants_shell(document, self._environment):
            return
        from openclaw.config import shell_env

        limit = shell_env.timeout_ms(document, self._environment)
        found, warnings = shell_env.import_shell_env(shell_env.login_shell(), self._environment, limit)
        self._environment = self._environment.below(found, "login shell")
        self._warnings += warnings

    def _stop(self, issues: list[Issue]) -> Loaded:
        return _failed(located(issues, self._source), self._source, tuple(self._warnings))


def located(issues: list[Issue], source: Source) -> list[Issue]:
    """Return the issues with line and column, where what they speak of stands in the main file itself."""
    if not source.raw or len(source.raw) > _PLACES_LIMIT or not any(issue.parts for issue in issues):
        return issues
    from openclaw.config.json5_spans import spans

    try:
        root = spans(source.raw)
    except Json5Error:
        return issues
    found = []
    for issue in issues:
        span, value, inside = root, source.parsed, True
        for part in issue.parts:
            inside = not (isinstance(value, dict) and DIRECTIVE in value)
            below = span.at(part) if inside else None
            if below is None:
                break
            span, value = below, value[part]
        if not inside or (isinstance(value, dict) and DIRECTIVE in value):
            found.append(issue)
            continue
        line, column = place(source.raw, span.start)
        found.append(replace(issue, line=line, column=column) if issue.parts else issue)
    return found
