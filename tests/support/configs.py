"""Config files in throw-away state directories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openclaw.config.load import Loaded, read_config
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment


class ConfigFolder:
    """A state directory with a config file; `env` is the whole process environment."""

    def __init__(self, root: Path, env: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.layout = StateLayout.at(root)
        self.environment = Environment({"HOME": str(root / "home"), **(env or {})})

    @property
    def main(self) -> Path:
        return self.layout.config

    def write(self, document: Any, name: str = "openclaw.json") -> Path:
        """Write a document (text as it is, anything else as JSON)."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        path.chmod(0o600)
        return path

    def read(self) -> Loaded:
        return read_config(self.layout, self.environment)

    def paths(self) -> list[str]:
        """Return the paths of the faults."""
        return [issue.path for issue in self.read().issues]


def faults(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the faults that schema and rules find in a plain document, by path."""
    from openclaw.config.rules import check_rules
    from openclaw.config.validate import check_schema

    checked = check_schema(dict(document))
    issues = [*checked.issues, *check_rules(document, checked.issues)]
    return {issue.path: issue.message for issue in issues}
