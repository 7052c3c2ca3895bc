"""The workspace of a sandbox: its name, its seeds, who owns it, what media come in."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from openclaw.policy.what.paths import StateParts
from openclaw.policy.where.sandbox_mode import SandboxScope, SandboxSettings, WorkspaceAccess
from openclaw.system.errors import ConfigInvalid, Unavailable
from openclaw.tools.sandbox.binds import BindBounds
from openclaw.tools.sandbox.bwrap import SANDBOX_UID
from openclaw.tools.sandbox.settings import JailSettings
from openclaw.tools.sandbox.workspace import (
    SEED_NAMES,
    Workspace,
    give_tree,
    jail_for,
    prepare,
    stage_media,
    workspace_for,
)

OWNER = SANDBOX_UID if os.geteuid() == 0 else os.geteuid()
SESSION = "agent:main:telegram:group:-100"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    for name in ("workspace", "sandboxes", "media"):
        (folder / name).mkdir(parents=True)
    return folder


def made(state: Path, **keys: Any) -> Workspace:
    settings = SandboxSettings(**keys)
    return workspace_for(
        settings,
        JailSettings(),
        agent_id="main",
        session_key=SESSION,
        agent_workspace=state / "workspace",
        sandboxes=state / "sandboxes",
        home=state.parent,
    )


def bounds(state: Path) -> BindBounds:
    return BindBounds(home=str(state.parent), state=str(state), roots=(str(state / "workspace"),))


def test_each_scope_has_its_folder(state: Path) -> None:
    assert made(state, scope=SandboxScope.AGENT).active.parent == state / "sandboxes"
    assert made(state, scope=SandboxScope.AGENT).active.name.startswith("agent-main-")
    assert made(state, scope=SandboxScope.SESSION).active.name.startswith("agent-main-telegram-group")
    assert made(state, scope=SandboxScope.SHARED).active == state / "sandboxes"
    assert made(state, workspace_access=WorkspaceAccess.RW).active == state / "workspace"
    assert made(state, workspace_root="~/boxes").active.parent == state.parent / "boxes"


def test_a_new_workspace_is_private_and_seeded_once(state: Path) -> None:
    for name in (*SEED_NAMES, "other.md"):
        (state / "workspace" / name).write_text(f"seed of {name}")
    workspace = made(state)
    prepare(workspace, uid=os.geteuid())
    assert sorted(path.name for path in workspace.active.iterdir()) == sorted(SEED_NAMES)
    assert workspace.active.stat().st_mode & 0o777 == 0o700
    (workspace.active / "AGENTS.md").write_text("changed inside")
    (workspace.active / "SOUL.md").unlink()
    prepare(workspace, uid=os.geteuid())
    assert (workspace.active / "AGENTS.md").read_text() == "changed inside"
    assert (workspace.active / "SOUL.md").read_text() == "seed of SOUL.md"


def test_adv_J6_seeds_follow_no_link(state: Path) -> None:
    canary = state.parent / "canary"
    canary.write_text("secret")
    (state / "workspace/AGENTS.md").symlink_to(canary)
    os.link(canary, state / "workspace/SOUL.md")
    (state / "workspace/TOOLS.md").write_text("tools")
    workspace = made(state)
    workspace.active.mkdir(mode=0o700)
    (workspace.active / "TOOLS.md").symlink_to(canary)
    prepare(workspace, uid=os.geteuid())
    assert sorted(path.name for path in workspace.active.iterdir()) == ["TOOLS.md"]
    assert canary.read_text() == "secret"


def test_a_root_gateway_gives_the_workspace_to_the_sandbox(state: Path) -> None:
    (state / "workspace/AGENTS.md").write_text("x")
    workspace = made(state)
    for _ in range(2):
        prepare(workspace, uid=os.geteuid())
        assert {path.stat().st_uid for path in (workspace.active, workspace.active / "AGENTS.md")} == {OWNER}
        (workspace.active / "AGENTS.md").unlink()


def test_giving_a_tree_away_touches_nothing_outside(state: Path) -> None:
    canary = state.parent / "canary"
    canary.write_text("secret")
    tree = state / "workspace"
    (tree / "deep").mkdir()
    (tree / "deep/file").write_text("x")
    (tree / "link").symlink_to(canary)
    os.link(canary, tree / "hard")
    (tree / "folder").symlink_to(state.parent)
    if OWNER == SANDBOX_UID:
        give_tree(tree)
    assert (tree / "deep/file").stat().st_uid == OWNER
    assert canary.stat().st_uid == os.geteuid()
    assert state.parent.stat().st_uid == os.geteuid()


def test_an_agent_workspace_that_is_missing_is_an_error(state: Path) -> None:
    (state / "workspace").rmdir()
    with pytest.raises(Unavailable, match="does not exist"):
        prepare(made(state, workspace_access=WorkspaceAccess.RW), uid=os.geteuid())


def test_the_jail_holds_the_workspace_and_read_only_the_agents_own(state: Path) -> None:
    plain = jail_for(made(state), JailSettings(), bounds(state))
    assert [(mount.target, mount.writable) for mount in plain.mounts] == [("/workspace", True)]
    read_only = jail_for(made(state, workspace_access=WorkspaceAccess.RO), JailSettings(), bounds(state))
    assert [(mount.source, mount.target, mount.writable) for mount in read_only.mounts][1:] == [
        (state / "workspace", "/agent", False)
    ]


@pytest.mark.parametrize("place", [".", ".."])
def test_a_workspace_that_holds_the_state_is_never_mounted(state: Path, place: str) -> None:
    settings = SandboxSettings(workspace_access=WorkspaceAccess.RW)
    workspace = workspace_for(
        settings,
        JailSettings(),
        agent_id="main",
        session_key=SESSION,
        agent_workspace=state / place,
        sandboxes=state / "sandboxes",
        home=state.parent,
    )
    with pytest.raises(ConfigInvalid, match="state directory"):
        jail_for(workspace, JailSettings(), bounds(state))


def staged(state: Path, *sources: str) -> dict[str, str]:
    active = state / "sandboxes" / "box"
    active.mkdir(exist_ok=True)
    return stage_media(
        sources, media=state / "media", active=active, state=StateParts.at(str(state)), home=state.parent
    )


def test_media_are_copied_under_a_free_name(state: Path) -> None:
    (state / "media/in").mkdir()
    (state / "media/in/cat.jpg").write_bytes(b"one")
    source = str(state / "media/in/cat.jpg")
    assert staged(state, source) == {source: "media/inbound/cat.jpg"}
    assert staged(state, source) == {source: "media/inbound/cat-1.jpg"}
    assert (state / "sandboxes/box/media/inbound/cat-1.jpg").read_bytes() == b"one"


def test_adv_J6_media_come_from_the_media_folder_only(state: Path) -> None:
    canary = state.parent / "canary"
    canary.write_text("secret")
    (state / "media/link").symlink_to(canary)
    os.link(canary, state / "media/hard")
    (state / "media/folder").symlink_to(state.parent)
    bad = [str(canary), "/etc/hostname", *(str(state / "media" / name) for name in ("link", "hard", "folder/canary"))]
    bad += [str(state / "media/../openclaw.json"), str(state / "media/none")]
    assert staged(state, *bad) == {}


def test_adv_J6_a_link_in_the_workspace_catches_nothing(state: Path) -> None:
    outside = state.parent / "outside"
    outside.mkdir()
    (state / "media/cat.jpg").write_bytes(b"one")
    active = state / "sandboxes/box"
    active.mkdir()
    (active / "media").symlink_to(outside)
    assert staged(state, str(state / "media/cat.jpg")) == {}
    assert list(outside.iterdir()) == []


def test_adv_J6_swapping_folder_and_link_never_lets_a_copy_out(state: Path) -> None:
    outside = state.parent / "outside"
    outside.mkdir()
    (state / "media/cat.jpg").write_bytes(b"one")
    active = state / "sandboxes/box"
    active.mkdir()
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                (active / "media").rename(active / "away")
            with contextlib.suppress(OSError):
                (active / "media").symlink_to(outside)
            with contextlib.suppress(OSError):
                (active / "media").unlink()
            with contextlib.suppress(OSError):
                (active / "away").rename(active / "media")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(150):
            staged(state, str(state / "media/cat.jpg"))
    finally:
        stop.set()
        swapper.join()
    assert list(outside.iterdir()) == []
