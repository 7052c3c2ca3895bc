"""The rule table (channels.md 2.4)."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import openclaw.policy.who as who
from openclaw.policy.who.access_policy import AccessPolicy, ChannelAccess
from openclaw.policy.who.reasons import CODES
from openclaw.policy.who.rule_columns import Bypass, ChannelRules, Gate, GroupPolicy, MapKind
from openclaw.policy.who.rule_table import RULES, rules_for
from support.access import CHANNELS, SENDERS, account_of, answer, ask, channel_policy, id_of, said

KERNEL = Path(who.__path__[0])
DECIDERS = ("admission", "rooms", "direct", "answers", "case", "command_authority", "groups", "group_maps", "lists")


@pytest.mark.parametrize("channel", sorted(RULES))
def test_adv_D1_no_row_lets_the_pairing_store_into_groups(channel: str) -> None:
    assert not RULES[channel].store_in_group_senders
    assert not RULES[channel].store_in_group_commands


def test_a_channel_without_a_row_gets_the_strictest_one() -> None:
    rules = rules_for(" Carrier-Pigeon ")
    assert rules.channel == "carrier-pigeon"
    assert rules.sectionless_groups is GroupPolicy.ALLOWLIST
    assert rules.bypass is Bypass.NONE
    assert rules.mention_gate
    assert not rules.operator
    assert set(rules.gates) >= {Gate.ENABLED, Gate.POLICY, Gate.SENDER, Gate.PLACE, Gate.COMMAND, Gate.MENTION}


@pytest.mark.parametrize("channel", sorted(RULES))
def test_every_row_asks_policy_and_place(channel: str) -> None:
    rules = RULES[channel]
    assert Gate.POLICY in rules.gates
    assert Gate.MENTION in rules.gates
    assert len(set(rules.gates)) == len(rules.gates)
    assert rules.map_kind is MapKind.NONE or Gate.PLACE in rules.gates


def with_rules(channel: str, settings: dict[str, object], **columns: object) -> AccessPolicy:
    """Return a policy whose row has other values in some columns."""
    policy = channel_policy(channel, settings)
    scope = account_of(policy, channel)
    rules: ChannelRules = replace(scope.rules, **columns)  # type: ignore[arg-type]  # columns by name
    return replace(policy, channels={channel: ChannelAccess({"default": replace(scope, rules=rules)})})


@pytest.mark.parametrize("channel", ["telegram", "signal", "imessage", "msteams"])
def test_the_store_columns_are_what_decides(channel: str) -> None:
    me = id_of(channel, SENDERS[channel])
    facts = said(channel, text="/status")
    settings: dict[str, object] = {"groupAllowFrom": ["+15550009999"]}
    as_in_2026_2 = with_rules(channel, settings, store_in_group_senders=True, store_in_group_commands=True)
    assert ask(as_in_2026_2, channel, facts, approved=[me]).command_authorized
    assert answer(ask(with_rules(channel, settings), channel, facts, approved=[me])) == (
        "drop",
        "group.sender-not-allowed",
    )


def test_the_mention_gate_is_a_column() -> None:
    me = id_of("signal", SENDERS["signal"])
    policy = with_rules("signal", {"groupAllowFrom": [me]}, mention_gate=True)
    patterns = {"main": channel_policy("signal", {}, messages={"groupChat": {"mentionPatterns": ["claw"]}})}
    gated = replace(policy, mention_patterns=patterns["main"].mention_patterns)
    assert answer(ask(gated, "signal", said("signal"))) == ("buffer", "mention.required")
    assert answer(ask(gated, "signal", said("signal", text="claw"))) == ("deliver", "mention.pattern")


@pytest.mark.parametrize("module", DECIDERS)
def test_no_decider_names_a_channel(module: str) -> None:
    tree = ast.parse((KERNEL / f"{module}.py").read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not texts & {*CHANNELS, "bluebubbles", "googlechat", "webchat"}


def test_every_code_that_the_deciders_use_is_in_the_vocabulary() -> None:
    heads = {code.split(".")[0] for code in CODES}
    for module in (*DECIDERS, "rule_table"):
        tree = ast.parse((KERNEL / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name not in ("drop", "reason", "reason_here", "passed"):
                continue
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and "." in argument.value:
                    assert argument.value in CODES, argument.value
                    assert argument.value.split(".")[0] in heads
