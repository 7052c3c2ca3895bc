"""Facts about the machine, read from made-up system files."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from openclaw.security.doctor.facts_machine import disk_state, is_read_only, login_users
from support.state_dirs import put, read_only


def row(name: str, uid: int, shell: str, home: str) -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", home, shell))


def test_people_are_those_with_a_shell_a_home_and_an_ordinary_id(tmp_path: Path) -> None:
    home = str(tmp_path)
    rows = [
        row("root", 0, "/bin/bash", home),
        row("ann", 1000, "/bin/zsh", home),
        row("bob", 1001, "/usr/sbin/nologin", home),
        row("cid", 1002, "/bin/sh", f"{home}/none"),
        row("nobody", 65534, "/bin/sh", home),
        row("mac", 501, "/bin/zsh", home),
    ]
    assert login_users(rows, "linux") == ("ann",)
    assert login_users(rows, "darwin") == ("ann", "mac")


def machine(tmp_path: Path, *, device: str, kind: str = "ext4", source: str = "/dev/x") -> tuple[Path, Path, Path]:
    place = tmp_path / "state dir"
    place.mkdir()
    escaped = str(place).replace(" ", "\\040")
    mounts = put(
        tmp_path,
        "mountinfo",
        "1 0 9:9 / / rw - ext4 /dev/root rw\n"
        f"2 1 {device} / {escaped} rw,relatime shared:1 - {kind} {source} rw\nodd line\n",
    )
    return place, tmp_path / "sys", mounts


def block(sysfs: Path, device: str, *, uuid: str = "", slaves: tuple[str, ...] = ()) -> None:
    entry = sysfs / device
    (entry / "slaves").mkdir(parents=True)
    if uuid:
        put(entry, "dm/uuid", uuid)
    for name in slaves:
        target = sysfs / name
        (entry / "slaves" / name.replace(":", "-")).symlink_to(target)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ({"8:1": ("", ())}, "plain"),
        ({"253:0": ("CRYPT-LUKS2-abc", ("8:1",)), "8:1": ("", ())}, "encrypted"),
        ({"253:1": ("LVM-abc", ("253:0",)), "253:0": ("CRYPT-LUKS2-abc", ())}, "encrypted"),
        ({"253:1": ("LVM-abc", ("253:0", "8:1")), "253:0": ("CRYPT-x", ()), "8:1": ("", ())}, "plain"),
    ],
)
def test_encryption_is_followed_down_the_layers(
    tmp_path: Path, layers: dict[str, tuple[str, tuple[str, ...]]], expected: str
) -> None:
    place, sysfs, mounts = machine(tmp_path, device=next(iter(layers)))
    for device, (uuid, slaves) in reversed(layers.items()):
        block(sysfs, device, uuid=uuid, slaves=slaves)
    assert disk_state(place, sysfs=sysfs, mounts=mounts) == expected


@pytest.mark.parametrize(("kind", "source"), [("tmpfs", "tmpfs"), ("overlay", "overlay"), ("zfs", "tank/home")])
def test_what_cannot_be_told_is_unknown(tmp_path: Path, kind: str, source: str) -> None:
    place, sysfs, mounts = machine(tmp_path, device="0:44", kind=kind, source=source)
    assert disk_state(place, sysfs=sysfs, mounts=mounts) == "unknown"


def test_an_encrypted_file_system_is_known_by_its_type(tmp_path: Path) -> None:
    place, sysfs, mounts = machine(tmp_path, device="0:44", kind="ecryptfs")
    assert disk_state(place, sysfs=sysfs, mounts=mounts) == "encrypted"


def test_a_machine_without_such_files_tells_nothing(tmp_path: Path) -> None:
    assert disk_state(tmp_path, sysfs=tmp_path / "none", mounts=tmp_path / "none") == "unknown"


def test_a_read_only_disk_is_seen_also_below_what_is_not_there_yet(tmp_path: Path) -> None:
    import os

    assert not is_read_only(tmp_path / "a" / "b")
    if os.geteuid() != 0:
        return
    with read_only(tmp_path):
        assert is_read_only(tmp_path / "a" / "b")
