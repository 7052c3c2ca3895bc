"""Node commands: gateway.md 3.10, exec.md 7.2, advisories B10, B11."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.where.node_commands import (
    DEFAULTS,
    NodePolicy,
    NodeSurface,
    Platform,
    classify,
    declared_commands,
    judge_command,
    judge_invoke,
    runs_programs,
    undeclared_before,
    usable,
)

NAMES = sorted({name for names in DEFAULTS.values() for name in names} | {"camera.snap", "sms.send", "x.y"})
SETS = st.lists(st.sampled_from(NAMES), unique=True, max_size=8).map(tuple)


@pytest.mark.parametrize(
    ("platform", "family", "expected"),
    [
        ("linux", None, Platform.LINUX),
        ("Linux x86_64", None, Platform.LINUX),
        ("darwin", "Mac", Platform.MACOS),
        ("macOS 15", None, Platform.MACOS),
        ("iOS 18.1", None, Platform.IOS),
        ("iPadOS", None, Platform.IOS),
        ("android", None, Platform.ANDROID),
        ("win32", None, Platform.WINDOWS),
        ("freebsd", "Linux", Platform.LINUX),
        ("", "android phone", Platform.ANDROID),
        (None, None, Platform.UNKNOWN),
        ("solaris", "toaster", Platform.UNKNOWN),
    ],
)
def test_the_platform_is_read_by_prefix(platform: str | None, family: str | None, expected: Platform) -> None:
    assert classify(platform, family) is expected


@pytest.mark.parametrize("text", ["lınux", "ⅼinux", "dаrwin", "LINUX".replace("I", "İ"), "mac\u200bos"[:3] + "\u200b"])
def test_adv_B11_look_alike_letters_are_no_platform(text: str) -> None:
    assert classify(text, None) is Platform.UNKNOWN
    assert classify(text, "linux") is Platform.UNKNOWN


def surface(platform: Platform, *commands: str, approved: tuple[str, ...] | None = None) -> NodeSurface:
    return NodeSurface(platform, declared=commands, approved=commands if approved is None else approved)


@pytest.mark.parametrize(
    ("command", "policy", "node", "rule", "detail"),
    [
        ("system.run", NodePolicy(), surface(Platform.LINUX, "system.run"), "node.approved", ""),
        (
            "system.run",
            NodePolicy(),
            surface(Platform.IOS, "system.run"),
            "node.not-allowlisted",
            "command not allowlisted",
        ),
        ("camera.snap", NodePolicy(), surface(Platform.IOS, "camera.snap"), "node.not-allowlisted", None),
        (
            "camera.snap",
            NodePolicy(allow=frozenset({"camera.snap"})),
            surface(Platform.IOS, "camera.snap"),
            "node.approved",
            "",
        ),
        (
            "system.run",
            NodePolicy(allow=frozenset({"system.run"}), deny=frozenset({"system.run"})),
            surface(Platform.LINUX, "system.run"),
            "node.denied",
            "command not allowlisted",
        ),
        (
            "system.run",
            NodePolicy(allow=frozenset({"system.run"})),
            surface(Platform.UNKNOWN, "system.run"),
            "node.unknown-platform",
            "command not allowlisted",
        ),
        (
            "system.run",
            NodePolicy(),
            NodeSurface(Platform.LINUX),
            "node.declares-nothing",
            "node did not declare commands",
        ),
        (
            "system.run",
            NodePolicy(),
            surface(Platform.LINUX, "system.which"),
            "node.not-declared",
            "command not declared by node",
        ),
        ("system.run", NodePolicy(), surface(Platform.LINUX, "system.run", approved=()), "node.not-approved", None),
        ("system.run", NodePolicy(), NodeSurface(Platform.LINUX, declared=("system.run",)), "node.not-approved", None),
    ],
)
def test_a_command_is_usable_when_allowed_declared_and_approved(
    command: str, policy: NodePolicy, node: NodeSurface, rule: str, detail: str | None
) -> None:
    verdict = judge_command(command, policy, node)
    assert verdict.decided_by.rule == rule
    assert (verdict.outcome is Outcome.ALLOW) == (rule == "node.approved")
    assert (command in usable(policy, node)) == (rule == "node.approved")
    if detail is not None:
        assert verdict.decided_by.detail == detail


def test_an_unknown_platform_offers_its_device_only() -> None:
    node = surface(Platform.UNKNOWN, *NAMES)
    assert set(usable(NodePolicy(), node)) == {"device.info", "device.status"}


def test_the_approvals_file_is_not_reached_by_invoke() -> None:
    node = surface(Platform.LINUX, "system.execApprovals.set", "system.run")
    assert judge_invoke("system.execApprovals.set", NodePolicy(), node).decided_by.detail == "command not allowlisted"
    assert judge_command("system.execApprovals.set", NodePolicy(), node).outcome is Outcome.ALLOW
    assert judge_invoke("system.run", NodePolicy(), node).outcome is Outcome.ALLOW


def test_adv_B10_a_command_that_was_declared_later_waits_for_approval() -> None:
    node = NodeSurface(Platform.MACOS, declared=("camera.list", "system.run"), approved=("camera.list",))
    assert usable(NodePolicy(), node) == ("camera.list",)
    assert undeclared_before(node) == ("system.run",)


@given(SETS, SETS, SETS, SETS, st.sampled_from(list(Platform)))
@settings(max_examples=150)
def test_usable_is_within_declared_approved_and_allowed(
    declared: tuple[str, ...],
    approved: tuple[str, ...],
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    platform: Platform,
) -> None:
    policy = NodePolicy(frozenset(allow), frozenset(deny))
    found = set(usable(policy, NodeSurface(platform, declared, approved)))
    assert found <= set(declared) & set(approved) & (DEFAULTS[platform] | set(allow)) - set(deny)
    assert not found & {name for name in found if platform is Platform.UNKNOWN and name.startswith("system.")}


def test_claims_are_bounded_and_cleaned() -> None:
    claims = [" system.run ", "system.run", "", "x" * 65, "näh", "a\nb", *[f"c{n}" for n in range(300)]]
    found = declared_commands(claims)
    assert found[:2] == ("system.run", "c0")
    assert len(found) == 128


def test_what_runs_programs() -> None:
    assert runs_programs(["camera.list", "system.run"])
    assert runs_programs(["system.run.prepare"])
    assert runs_programs(["system.execApprovals.set"])
    assert not runs_programs(["system.which", "canvas.eval"])
