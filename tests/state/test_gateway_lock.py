"""One gateway per state directory (gateway.md 5, config.md 2.2)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from openclaw.state.gateway_lock import gateway_lock, gateway_owner, original_lock_path, process_start_time
from openclaw.state.layout import StateLayout
from openclaw.system.errors import StartRefused

HOLDER = """
import sys
from pathlib import Path
from openclaw.state.gateway_lock import gateway_lock
from openclaw.state.layout import StateLayout
state, temp = Path(sys.argv[1]), Path(sys.argv[2])
with gateway_lock(StateLayout.at(state), port=1234, now_ms=1_700_000_000_000, wait=0, temp_root=temp):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def layout(tmp_path: Path) -> StateLayout:
    return StateLayout.at(tmp_path / "state")


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    root = tmp_path / "tmp"
    root.mkdir()
    return root


def start_holder(layout: StateLayout, temp: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(layout.root), str(temp)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        stream.close()


def test_the_lock_names_its_owner(layout: StateLayout, temp: Path) -> None:
    assert gateway_owner(layout) is None
    with gateway_lock(layout, port=18789, now_ms=1_700_000_000_000, wait=0, temp_root=temp):
        owner = gateway_owner(layout)
        assert owner is not None
        assert (owner.pid, owner.port, owner.created_at) == (os.getpid(), 18789, "2023-11-14T22:13:20.000Z")
        assert owner.config_path == str(layout.config)
        assert owner.start_time == process_start_time(os.getpid())
        assert layout.gateway_lock.stat().st_mode & 0o777 == 0o600
        original = original_lock_path(layout, temp)
        assert set(json.loads(original.read_text())) == {"pid", "createdAt", "configPath", "startTime"}
        assert original.parent.stat().st_mode & 0o777 == 0o700
    assert gateway_owner(layout) is None
    assert not original.exists()


def test_a_second_gateway_is_refused_and_told_the_pid(layout: StateLayout, temp: Path) -> None:
    first = start_holder(layout, temp)
    try:
        with (
            pytest.raises(
                StartRefused, match=rf"gateway already running \(pid {first.pid}\); lock timeout after 0ms"
            ) as refused,
            gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp),
        ):
            pass
        assert refused.value.details == {"pid": first.pid}
        owner = gateway_owner(layout)
        assert owner is not None
        assert owner.pid == first.pid
    finally:
        stop(first)


def test_a_killed_owner_leaves_no_lock_behind(layout: StateLayout, temp: Path) -> None:
    first = start_holder(layout, temp)
    first.send_signal(signal.SIGKILL)
    first.wait()
    try:
        assert gateway_owner(layout) is None
        assert original_lock_path(layout, temp).exists()
        with gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp):
            owner = gateway_owner(layout)
            assert owner is not None
            assert owner.pid == os.getpid()
            assert json.loads(original_lock_path(layout, temp).read_text())["pid"] == os.getpid()
    finally:
        stop(first)


def test_it_waits_for_an_owner_that_is_going_away(layout: StateLayout, temp: Path) -> None:
    first = start_holder(layout, temp)
    timer = threading.Timer(0.3, first.kill)
    timer.start()
    try:
        with gateway_lock(layout, port=1, now_ms=0, wait=20, temp_root=temp):
            assert first.poll() is not None or not timer.is_alive()
    finally:
        timer.join()
        stop(first)


def test_a_living_original_gateway_keeps_us_out(layout: StateLayout, temp: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()", "gateway"], stdin=subprocess.PIPE, text=True
    )
    path = original_lock_path(layout, temp)
    path.parent.mkdir(mode=0o700)
    body = {
        "pid": other.pid,
        "createdAt": "x",
        "configPath": str(layout.config),
        "startTime": process_start_time(other.pid),
    }
    path.write_text(json.dumps(body))
    try:
        with (
            pytest.raises(StartRefused, match=rf"pid {other.pid}"),
            gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp),
        ):
            pass
        body["startTime"] = 1
        path.write_text(json.dumps(body))
        with gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp):
            assert json.loads(path.read_text())["pid"] == os.getpid()
    finally:
        other.kill()
        other.communicate()


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"pid":"7"}', '{"pid":true}'])
def test_an_owner_that_cannot_be_read_is_stale_after_thirty_seconds(
    layout: StateLayout, temp: Path, content: str
) -> None:
    path = original_lock_path(layout, temp)
    path.parent.mkdir(mode=0o700)
    path.write_text(content)
    with (
        pytest.raises(StartRefused, match="pid unknown"),
        gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp),
    ):
        pass
    old = time.time() - 31
    os.utime(path, (old, old))
    with gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def make_link(folder: Path) -> None:
    target = folder.parent / "elsewhere"
    target.mkdir()
    folder.symlink_to(target)


def make_open(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def make_file(folder: Path) -> None:
    folder.write_text("")


@pytest.mark.parametrize("plant", [make_link, make_open, make_file])
def test_an_unsafe_temporary_folder_is_left_alone(
    layout: StateLayout, temp: Path, plant: object, caplog: pytest.LogCaptureFixture
) -> None:
    folder = original_lock_path(layout, temp).parent
    assert callable(plant)
    plant(folder)
    with gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp):
        assert gateway_owner(layout) is not None
        assert not (folder.is_dir() and list(folder.iterdir()))
    assert "no lock file for an original gateway" in caplog.text


def test_a_readable_folder_of_ours_is_closed(layout: StateLayout, temp: Path) -> None:
    folder = original_lock_path(layout, temp).parent
    folder.mkdir(mode=0o755)
    with gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_lock_file_is_not_followed_through_a_link(layout: StateLayout, temp: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("keep")
    layout.root.mkdir()
    layout.gateway_lock.symlink_to(victim)
    with pytest.raises(Exception, match="cannot open"), gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp):
        pass
    assert victim.read_text() == "keep"
    assert gateway_owner(layout) is None


def test_a_deleted_lock_file_does_not_let_two_gateways_in(layout: StateLayout, temp: Path) -> None:
    first = start_holder(layout, temp)
    try:
        layout.gateway_lock.unlink()
        with (
            pytest.raises(StartRefused, match=str(first.pid)),
            gateway_lock(layout, port=1, now_ms=0, wait=0, temp_root=temp),
        ):
            pass
    finally:
        stop(first)
