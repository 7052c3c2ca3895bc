"""Where skills lie, which of them load, and which lead out of their workspace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from openclaw.security.audit.look import Looker
from openclaw.security.audit.skill_folders import installed_skills, look_at_workspaces, workspaces
from support.audit import AuditHome, plugin, skill


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    made.config()
    return made


def found(home: AuditHome) -> dict[str, bool]:
    skills = installed_skills(home.reading(), Looker())
    return {str(one.folder.relative_to(home.home)): one.loads for one in skills}


def test_each_agent_has_a_workspace(home: AuditHome) -> None:
    home.config({"agents": {"list": [{"id": "a", "default": True}, {"id": "b"}, {"id": "c", "workspace": "~/c"}]}})
    assert workspaces(home.reading()) == (home.state / "workspace", home.state / "workspace-b", home.home / "c")


def test_skills_of_every_place_are_found(home: AuditHome) -> None:
    home.config({"skills": {"load": {"extraDirs": ["~/extra"]}}})
    (home.home / "extra" / "x").mkdir(parents=True)
    (home.home / "extra" / "x" / "SKILL.md").write_text("---\nname: x\ndescription: d\n---\n")
    skill(home, "skills/deep/y")
    skill(home, "workspace/skills/z")
    skill(home, "workspace/skills/.hidden")
    skill(home, "workspace/skills/node_modules/n")
    assert set(found(home)) == {"extra/x", ".openclaw/skills/deep/y", ".openclaw/workspace/skills/z"}


def test_of_equal_names_the_last_place_loads(home: AuditHome) -> None:
    skill(home, "skills/one")
    skill(home, "workspace/skills/two")
    assert found(home) == {".openclaw/skills/one": False, ".openclaw/workspace/skills/two": True}


def test_skills_of_plugins_are_the_plugins_own(home: AuditHome) -> None:
    home.config({"skills": {"load": {"extraDirs": ["~/.openclaw/extensions/demo"]}}})
    plugin(home)
    skill(home, "extensions/demo/skills/x")
    assert found(home) == {}


@pytest.mark.parametrize(
    ("text", "loads"),
    [
        ("---\nname: a\ndescription: b\n---\n", True),
        ("---\r\nname: a\r\ndescription: b\r\n---\r\n", True),
        ("\ufeff---\nname: a\ndescription: b\n---\n", True),
        ("---\nname: a\ndescription:\n  folded\n---\n", True),
        ("---\ndescription: b\n---\n", True),
        ("---\nname: a\n---\n", False),
        ("---\nname: a\ndescription: b\n", False),
        ("name: a\ndescription: b\n", False),
        ("", False),
    ],
)
def test_a_head_with_a_description_is_what_a_loader_takes(home: AuditHome, text: str, loads: bool) -> None:
    home.file("skills/x/SKILL.md", text.encode())
    assert found(home) == {".openclaw/skills/x": loads}


def test_the_name_is_that_of_the_head_else_of_the_folder(home: AuditHome) -> None:
    home.file("skills/x/SKILL.md", '---\nname: "quoted"\ndescription: d\n---\n')
    home.file("skills/y/SKILL.md", b"---\nname: \xff\ndescription: d\n---\n")
    home.file("skills/z/SKILL.md", "---\ndescription: d\n---\n")
    names = [one.name for one in installed_skills(home.reading(), Looker())]
    assert names == ["quoted", "\ufffd", "z"]


def escapes(home: AuditHome) -> list[str]:
    return [path.parent.name for path, _ in look_at_workspaces(home.reading(), Looker()).escapes]


def test_only_links_that_lead_out_are_told(home: AuditHome) -> None:
    outside = home.home / "outside"
    outside.mkdir()
    (outside / "SKILL.md").write_text("x")
    skill(home, "workspace/skills/inside")
    skills = home.state / "workspace/skills"
    (skills / "same").symlink_to("inside")
    (skills / "folder").symlink_to(outside)
    (skills / "file").mkdir()
    (skills / "file" / "SKILL.md").symlink_to(outside / "SKILL.md")
    (skills / "loop").symlink_to(".")
    (skills / "gone").symlink_to("nowhere")
    assert escapes(home) == ["file", "folder"]


def test_a_linked_workspace_is_its_own_root(home: AuditHome) -> None:
    real = home.home / "real"
    (real / "skills" / "a").mkdir(parents=True)
    (real / "skills" / "a" / "SKILL.md").write_text("x")
    (home.state / "workspace").symlink_to(real)
    assert escapes(home) == []


def test_deep_trees_and_long_loops_end(home: AuditHome) -> None:
    folder = home.folder("workspace/skills")
    inner = folder
    for _ in range(60):
        inner /= "d"
        inner.mkdir()
    (inner / "SKILL.md").touch()
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "back").symlink_to(folder)
    assert escapes(home) == []
    assert look_at_workspaces(home.reading(), Looker()).cut == ()


def test_pipes_and_folders_named_like_skills_are_not_waited_for(home: AuditHome) -> None:
    folder = home.folder("skills/x")
    os.mkfifo(folder / "SKILL.md")
    home.folder("skills/y/SKILL.md")
    assert set(found(home).values()) == {False}
