"""Extra mounts: what may never be reached, by any spelling."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw.system.errors import ConfigInvalid
from openclaw.tools.sandbox.binds import BindBounds, checked_binds


@pytest.fixture
def bounds(tmp_path: Path) -> BindBounds:
    home = tmp_path / "home"
    state = home / ".openclaw"
    for folder in (state / "workspace/data", state / "credentials", home / ".ssh", home / "projects"):
        folder.mkdir(parents=True)
    return BindBounds(home=str(home), state=str(state), roots=(str(state / "workspace"), str(state / "sandboxes")))


def wide(bounds: BindBounds) -> BindBounds:
    return replace(bounds, allow_external=True, allow_reserved=True)


def test_a_folder_of_the_workspace_is_mounted_with_its_identity(bounds: BindBounds) -> None:
    data = Path(bounds.state, "workspace/data")
    (mount,) = checked_binds((f"{data}:/data:ro",), bounds)
    found = data.stat()
    assert (mount.source, mount.target, mount.writable) == (data, "/data", False)
    assert mount.identity == (found.st_dev, found.st_ino)
    assert checked_binds((f"{data}:/data",), bounds)[0].writable


@pytest.mark.parametrize(
    "source",
    [
        "/",
        "/etc",
        "/etc/ssl",
        "/proc",
        "/sys",
        "/dev",
        "/root",
        "/boot",
        "/run",
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/var",
        "/usr/../etc",
        "//etc",
    ],
)
def test_adv_J1_the_system_is_never_mounted(bounds: BindBounds, source: str) -> None:
    with pytest.raises(ConfigInvalid, match="is refused"):
        checked_binds((f"{source}:/x",), wide(bounds))


@pytest.mark.parametrize(
    "part", ["", ".ssh", ".ssh/keys", ".aws", ".config", ".netrc", ".openclaw", ".openclaw/credentials"]
)
def test_adv_J1_keys_and_state_are_never_mounted(bounds: BindBounds, part: str) -> None:
    Path(bounds.home, ".ssh/keys").mkdir(exist_ok=True)
    with pytest.raises(ConfigInvalid, match="reaches"):
        checked_binds((f"{bounds.home}/{part}:/x",), wide(bounds))


def test_other_folders_need_the_dangerous_key(bounds: BindBounds) -> None:
    text = f"{bounds.home}/projects:/projects"
    with pytest.raises(ConfigInvalid, match="dangerouslyAllowExternalBindSources"):
        checked_binds((text,), bounds)
    assert checked_binds((text,), replace(bounds, allow_external=True))[0].target == "/projects"


@pytest.mark.parametrize("target", ["/workspace", "/workspace/x", "/agent", "/work"])
def test_reserved_targets_need_the_dangerous_key(bounds: BindBounds, target: str) -> None:
    bounds = replace(bounds, workdir="/work")
    text = f"{bounds.state}/workspace/data:{target}"
    with pytest.raises(ConfigInvalid, match="dangerouslyAllowReservedContainerTargets"):
        checked_binds((text,), bounds)
    assert checked_binds((text,), replace(bounds, allow_reserved=True))


@pytest.mark.parametrize("target", ["/", "/proc/1", "/usr/bin", "/lib64", "/dev/shm", "/etc", "/sys", "/a/../usr"])
def test_the_sandboxs_own_folders_are_never_covered(bounds: BindBounds, target: str) -> None:
    with pytest.raises(ConfigInvalid, match="belongs to the sandbox"):
        checked_binds((f"{bounds.state}/workspace/data:{target}",), wide(bounds))


def test_adv_J3_a_link_below_the_workspace_is_judged_by_what_it_leads_to(bounds: BindBounds) -> None:
    link = Path(bounds.state, "workspace/link")
    link.symlink_to("/etc")
    for source in (link, link / "missing", link / "ssl"):
        with pytest.raises(ConfigInvalid, match="is refused"):
            checked_binds((f"{source}:/x",), bounds)


@pytest.mark.parametrize("text", ["/a", "/a:/b:ro:z", "a:/b", "/a:b", "/a:/b:rwx", "", ":", "/a\0:/b"])
def test_malformed_mounts_are_refused(bounds: BindBounds, text: str) -> None:
    with pytest.raises(ConfigInvalid, match="is refused"):
        checked_binds((text,), wide(bounds))


def test_missing_sources_and_special_files_are_refused(bounds: BindBounds) -> None:
    folder = Path(bounds.state, "workspace")
    with pytest.raises(ConfigInvalid, match="does not exist"):
        checked_binds((f"{folder}/none:/x",), bounds)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        previous = Path.cwd()
        os.chdir(folder)
        try:
            listener.bind("sock")
        finally:
            os.chdir(previous)
        for name in ("pipe", "sock"):
            with pytest.raises(ConfigInvalid, match="neither"):
                checked_binds((f"{folder}/{name}:/x",), bounds)


def test_one_bad_mount_refuses_all(bounds: BindBounds) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        checked_binds((f"{bounds.state}/workspace/data:/data", "/etc:/x"), bounds)
    assert caught.value.details["bind"] == "/etc:/x"
