"""What the config says of a jail, merged as the spec wants."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.model import Config
from openclaw.config.sections.sandbox import SandboxDocker
from openclaw.system.errors import ConfigInvalid
from openclaw.tools.sandbox.backend import GIB, MIB
from openclaw.tools.sandbox.settings import JailSettings, jail_settings, tmpfs_folders


def docker(**keys: Any) -> SandboxDocker:
    """Return the docker block of a config document."""
    return Config.from_document({"agents": {"defaults": {"sandbox": {"docker": keys}}}}).agents.defaults.sandbox.docker


def merged(general: dict[str, Any], own: dict[str, Any] | None = None, *, shared: bool = False) -> JailSettings:
    return jail_settings(docker(**general), docker(**own) if own is not None else None, shared=shared)


def test_defaults() -> None:
    found = merged({})
    assert (found.workdir, found.network, found.env) == ("/workspace", "none", {"LANG": "C.UTF-8"})
    assert found.tmpfs == ("/tmp", "/var/tmp", "/run")
    assert (found.limits.processes, found.limits.address_space, found.limits.memory) == (256, 4 * GIB, 2 * GIB)
    assert found.binds == ()


def test_variables_and_mounts_add_up_and_the_rest_is_replaced() -> None:
    general = {"env": {"A": "1", "B": "2"}, "binds": ["/a:/a"], "pidsLimit": 10, "tmpfs": ["/tmp"]}
    own = {"env": {"B": "3"}, "binds": ["/b:/b"], "pidsLimit": 20, "tmpfs": ["/run"]}
    found = merged(general, own)
    assert found.env == {"A": "1", "B": "3"}
    assert found.binds == ("/a:/a", "/b:/b")
    assert (found.limits.processes, found.tmpfs) == (20, ("/run",))


def test_a_shared_sandbox_ignores_the_agents_block() -> None:
    assert merged({"pidsLimit": 10}, {"pidsLimit": 20, "binds": ["/b:/b"]}, shared=True).limits.processes == 10


@pytest.mark.parametrize(
    ("value", "expected"),
    [("512m", 512 * MIB), ("2g", 2 * GIB), ("1.5G", 3 * GIB // 2), (1048576, MIB), ("64MiB", 64 * MIB)],
)
def test_memory_is_read_with_its_unit(value: str | int, expected: int) -> None:
    assert merged({"memory": value}).limits.memory == expected


def test_limits_by_name() -> None:
    found = merged({"ulimits": {"nofile": {"soft": 10, "hard": 99}, "nproc": 50, "fsize": "1000"}})
    assert (found.limits.open_files, found.limits.processes, found.limits.file_size) == (99, 50, 1000)


@pytest.mark.parametrize(
    "keys",
    [
        {"memory": "lots"},
        {"env": {"A B": "x"}},
        {"env": {"1A": "x"}},
        {"workdir": "relative"},
        {"workdir": "/usr/x"},
        {"workdir": "/"},
        {"workdir": "/a/../etc"},
        {"ulimits": {"nofile": "many"}},
    ],
)
def test_values_without_meaning_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ConfigInvalid, match=r"agents\.\*\.sandbox\.docker"):
        merged(keys)


def test_secret_values_do_not_show() -> None:
    assert "hunter2" not in repr(merged({"env": {"KEY": "hunter2"}}))


def test_folders_in_memory_take_options() -> None:
    first, second = tmpfs_folders(("/tmp", "/cache:size=8m,mode=700,nosuid"))
    assert (first.target, first.size, first.mode) == ("/tmp", 64 * MIB, 0o1777)
    assert (second.target, second.size, second.mode) == ("/cache", 8 * MIB, 0o700)


@pytest.mark.parametrize(
    "entry", ["tmp", "/", "/proc/x", "/workspace", "/usr", "/a/../usr", "/x:exec,size=1", "/x:size=big"]
)
def test_folders_that_would_cover_something_are_refused(entry: str) -> None:
    with pytest.raises(ConfigInvalid):
        tmpfs_folders((entry,))
