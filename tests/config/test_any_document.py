"""Whatever a file holds, it is loaded or refused with faults; nothing else happens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openclaw.config.catalog import BUILT_IN
from openclaw.config.issues import Parts
from openclaw.config.legacy import find_legacy
from openclaw.config.migrate import migrate
from openclaw.config.odd import find_odd
from openclaw.config.redact import redact_value
from openclaw.config.registry import CHANNELS, SECTIONS
from openclaw.config.stamped import stamped
from openclaw.config.walk import ROOT, keys_of, spot_at
from openclaw.version import VERSION
from support.configs import ConfigFolder

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-2, 70000)
    | st.sampled_from(
        ["", "x", "*", "open", "http", "30m", "~/x", "../x", "telegram", "a", "${UNSET_X}", "https://u:p@h/?q=1"]
    )
)


def _documents(at: Parts, depth: int) -> st.SearchStrategy[Any]:
    """Make values that are often of the right shape and often not."""
    spot = spot_at(at)
    keys = keys_of(spot) if spot is not None and spot.type is not None else ()
    if depth == 0 or spot is None:
        return _scalars
    named = st.sampled_from(keys) if keys else st.sampled_from(["a", "-1", "*", "strategy", "id", "allow"])
    members = st.lists(named | st.just("nonsense"), max_size=4, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({key: _documents((*at, key), depth - 1) for key in chosen})
    )
    items = st.lists(st.deferred(lambda: _documents((*at, 0), depth - 1)), max_size=2)
    return st.one_of(members, members, members, _scalars, items)


_configs = st.lists(
    st.sampled_from([*SECTIONS, "channels", "routing", "agent", "telegram"]), max_size=4, unique=True
).flatmap(lambda chosen: st.fixed_dictionaries({key: _documents((key,), 4) for key in chosen}))


@given(_configs)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_document_is_loaded_or_refused(tmp_path_factory: Any, document: dict[str, Any]) -> None:
    folder = ConfigFolder(Path(tmp_path_factory.mktemp("state", numbered=True)))
    folder.write(document)
    loaded = folder.read()
    assert (loaded.config is None) == bool(loaded.issues)
    assert all(issue.message for issue in loaded.issues)
    migrate(document)
    find_legacy(document)
    redact_value(document)
    if loaded.config is not None:
        json.dumps(stamped(loaded.config))
        find_odd(loaded.config.document, BUILT_IN, VERSION)
        for name in CHANNELS:
            loaded.config.channels.account(name, "a")


def test_the_root_knows_all_sections() -> None:
    assert set(keys_of(ROOT)) == {*SECTIONS, "channels"}
