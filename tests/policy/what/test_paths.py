"""What the text of a path means, without a file system."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.paths import (
    Access,
    FileRoots,
    Mount,
    StateParts,
    judge_path,
    judge_state_part,
    parts_of,
    short,
)

STATE = StateParts.at(
    "/home/u/.openclaw", workspaces=["/home/u/.openclaw/agents/x/ws", "/srv/ws"], files=["/etc/oc.json"]
)
ROOTS = FileRoots(
    cwd="/srv/ws",
    home="/home/u",
    mounts=(Mount("/workspace", "/srv/ws"), Mount("/agent", "/srv/agent", writable=False)),
    state=STATE,
)
OPEN = FileRoots(cwd="/srv/ws", home="/home/u", bounded=False, state=STATE)


def why(text: str, access: Access = Access.READ, roots: FileRoots = ROOTS) -> str:
    return judge_path(text, access, roots).decided_by.rule


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a.txt", "/srv/ws/a.txt"),
        ("@a.txt", "/srv/ws/a.txt"),
        ("@@a.txt", "/srv/ws/@a.txt"),
        ("./x/.././a.txt", "/srv/ws/a.txt"),
        ("..foo", "/srv/ws/..foo"),
        ("...", "/srv/ws/..."),
        ("/srv/ws", "/srv/ws"),
        ("/srv//ws/./a", "/srv/ws/a"),
        ("/workspace/a", "/srv/ws/a"),
        ("/agent/n", "/srv/agent/n"),
        ("a\u00a0b\u3000c", "/srv/ws/a b c"),
        ("file:///srv/ws/a%20b", "/srv/ws/a b"),
        ("FILE:/srv/ws/a", "/srv/ws/a"),
        ("~x", "/srv/ws/~x"),
        ("a~", "/srv/ws/a~"),
    ],
)
def test_a_path_inside_leads_to_one_place(text: str, path: str) -> None:
    verdict = judge_path(text, Access.READ, ROOTS)
    assert verdict.place is not None
    assert verdict.place.path == path


@pytest.mark.parametrize(
    "text",
    ["..", "../ws2/a", "/srv/ws-evil/a", "/", "~", "~/a", "/workspace/../etc", "/agent/../srv/agent/n", "/srv/agent/n"],
)
def test_adv_R9_containment_is_by_component(text: str) -> None:
    assert why(text) == "outside"


@pytest.mark.parametrize("prefix", ["@", "file://", "@file://", "file:", "./../..", "dir/../../.."])
def test_adv_K3_a_prefix_does_not_change_the_verdict(prefix: str) -> None:
    assert why(f"{prefix}/etc/passwd") == why("/etc/passwd") == "outside"


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u3000", "@", "a\0b", "file:///a%00b", "x" * 5000, "\ud800", "file:///%ff", "file:a"],
)
def test_what_cannot_be_a_path_is_malformed(text: str) -> None:
    assert why(text) == "malformed"


@pytest.mark.parametrize("text", ["file://evil/x", "file:////evil/x", "FILE://localhost/etc/passwd"])
def test_adv_K7_a_file_url_names_no_host(text: str) -> None:
    assert why(text) == "malformed"


@pytest.mark.parametrize("text", ["/agent/n", "/agent/x/../n"])
def test_the_agent_mount_is_read_only(text: str) -> None:
    assert why(text) == "inside"
    assert why(text, Access.WRITE) == "read-only"


def test_a_session_with_read_only_workspace_writes_nowhere() -> None:
    roots = FileRoots(cwd="/srv/ws", home="/home/u", mounts=ROOTS.mounts, writable=False)
    assert {why(text, Access.WRITE, roots) for text in ("a", "/workspace/a", "/srv/ws/a", "/agent/a")} == {"read-only"}


@pytest.mark.parametrize(
    ("path", "read", "write"),
    [
        ("openclaw.json", False, False),
        ("openclaw.json.bak.1", False, False),
        ("exec-approvals.json", False, False),
        ("credentials/x.json", False, False),
        ("agents/main/agent/auth-profiles.json", False, False),
        ("agents/main/sessions/s.jsonl", False, False),
        ("devices/paired.json", False, False),
        ("nodes/paired.json", False, False),
        ("identity/device.json", False, False),
        ("hooks/h.py", False, False),
        ("extensions/p/x.py", False, False),
        ("cron/jobs.json", False, False),
        ("logs/openclaw.log", False, False),
        ("ledger/HEAD", False, False),
        ("browser/p/user-data/Cookies", False, False),
        ("", False, False),
        (".", False, False),
        ("anything-new", False, False),
        ("workspaces/x", False, False),
        ("browser/p/downloads/x", True, True),
        ("workspace/AGENTS.md", True, True),
        ("workspace-work/a", True, True),
        ("sandboxes/s/a", True, True),
        ("media/inbound/a.png", True, True),
        ("canvas/index.html", True, True),
        ("skills/s/SKILL.md", True, False),
        ("agents/x/ws/a", True, True),
        ("workspace/../openclaw.json", False, False),
    ],
)
def test_adv_P10_only_named_parts_of_the_state_can_be_touched(path: str, read: bool, write: bool) -> None:
    text = f"/home/u/.openclaw/{path}"
    assert (why(text, Access.READ, OPEN) == "open") is read
    assert (why(text, Access.WRITE, OPEN) == "open") is write
    assert why(text, Access.WRITE, OPEN) in {"open", "protected"}


@pytest.mark.parametrize(
    "workspace",
    ["", "/", "/credentials", "/agents", "/agents/main", "/agents/main/agent", "/agents/main/sessions/x", "/logs/w"],
)
def test_adv_P10_no_workspace_setting_opens_the_state(workspace: str) -> None:
    state = StateParts.at("/s", workspaces=[f"/s{workspace}"])
    for parts in (("openclaw.json",), ("credentials", "x"), ("agents", "main", "agent", "x"), ("logs", "w", "x")):
        assert judge_state_part(parts, Access.READ, state) is Outcome.DENY


def test_the_state_inside_a_bounded_root_stays_protected() -> None:
    roots = FileRoots(cwd="/home/u", home="/home/u", state=STATE)
    assert why("~/.openclaw/openclaw.json", Access.READ, roots) == "protected"
    assert why("notes.txt", Access.READ, roots) == "inside"


@pytest.mark.parametrize("text", ["/proc/self/environ", "/sys/kernel/x", "/proc", "/x/../proc/1/mem"])
def test_an_unbounded_session_does_not_read_the_kernels_files(text: str) -> None:
    assert why(text, Access.READ, OPEN) == "not-a-file"


def test_a_refusal_says_what_the_original_says_and_hides_control_characters() -> None:
    detail = judge_path("../a\x1b[2J\nb", Access.READ, FileRoots(cwd="/home/u/ws", home="/home/u")).decided_by.detail
    assert detail == "Path escapes sandbox root (~/ws): ../a\\u{1b}[2J\\u{a}b"
    assert short("/srv/ws", "/home/u") == "/srv/ws"
    assert len(judge_path("../" + "x" * 4000, Access.READ, ROOTS).decided_by.detail) < 500


TEXTS = st.text(alphabet=st.sampled_from("ab./~@ \0\\%2eF:\u00a0\ud800é")) | st.text()


@given(TEXTS, st.sampled_from(Access))
def test_judging_never_raises_and_never_leads_outside(text: str, access: Access) -> None:
    verdict = judge_path(text, access, ROOTS)
    assert verdict.reasons
    if verdict.outcome is Outcome.ALLOW:
        assert verdict.place is not None
        assert verdict.place.root in {"/srv/ws", "/srv/agent"}
        assert not {"", ".", ".."} & set(verdict.place.parts)
        assert all("/" not in part and "\0" not in part for part in verdict.place.parts)
    else:
        assert verdict.place is None


@given(st.text(alphabet="ab./"))
def test_resolving_by_text_is_idempotent(text: str) -> None:
    parts = parts_of(text)
    assert parts_of("/" + "/".join(parts)) == parts


@pytest.mark.parametrize("part", ["agent", "sessions", "qmd"])
def test_adv_P10_a_workspace_in_a_reserved_part_of_an_agent_opens_nothing(part: str) -> None:
    folder = f"/home/u/.openclaw/agents/x/{part}"
    state = StateParts.at("/home/u/.openclaw", workspaces=[folder, f"{folder}/deeper"])
    assert state.workspaces == ()
    assert judge_path(f"{folder}/f", Access.READ, FileRoots(folder, "/home/u", state=state)).outcome is Outcome.DENY
