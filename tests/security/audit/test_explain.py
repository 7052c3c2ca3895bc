"""Every check explains itself, and the reference page is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from openclaw.security.audit.explain import describe, explain_sections, find_rule, reference_page, rules
from openclaw.security.audit.model import Rule, Since
from openclaw.system.errors import NotFound

DOCS = Path(__file__).resolve().parents[3] / "docs" / "security"


def test_the_reference_page_is_up_to_date() -> None:
    page = (DOCS / "audit-checks.md").read_text(encoding="utf-8")
    assert page == reference_page(), "write docs/security/audit-checks.md anew from explain.reference_page()"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_every_rule_is_explained_in_full_and_by_itself(rule: Rule) -> None:
    sections = dict(explain_sections(rule))
    assert list(sections) == [
        "Severity",
        "What it means",
        "How it is attacked",
        "How to mend it",
        "Can --fix do it",
        "Since",
    ]
    assert all(text.strip() for text in sections.values())
    text = " ".join(sections.values())
    assert not re.search(r"\b[Aa]s (above|for)\b", text), "one entry is read alone"
    facts = describe(rule)
    assert facts["checkId"] == rule.id
    assert facts["severities"] == [severity.value for severity in rule.severities]


@pytest.mark.parametrize(
    ("check_id", "rule_id"),
    [
        ("gateway.bind_no_auth", "gateway.bind_no_auth"),
        ("  gateway.bind_no_auth ", "gateway.bind_no_auth"),
        ("channels.telegram.warning.7", "channels.<id>.warning.<n>"),
        ("channels.mattermost.dm.open", "channels.<id>.dm.open"),
        ("channels.<id>.dm.open", "channels.<id>.dm.open"),
        ("channels.discord.commands.native.unrestricted", "channels.discord.commands.native.unrestricted"),
        ("tools.elevated.allowFrom.slack.large", "tools.elevated.allowFrom.<provider>.large"),
    ],
)
def test_an_id_as_it_is_printed_finds_its_rule(check_id: str, rule_id: str) -> None:
    assert find_rule(check_id).id == rule_id


@pytest.mark.parametrize(
    ("check_id", "hint"),
    [
        ("gateway.bind_noauth", "did you mean gateway.bind_no_auth"),
        ("zzzzzzzz", "audit-checks.md lists them all"),
        ("", "audit-checks.md"),
        ("x" * 100_000, "audit-checks.md"),
        ("\x1b[2J", "audit-checks.md"),
    ],
)
def test_an_unknown_id_is_one_clear_refusal(check_id: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        find_rule(check_id)
    assert hint in caught.value.message


def test_the_page_names_the_findings_that_the_default_report_leaves_out() -> None:
    page = (DOCS / "audit.md").read_text(encoding="utf-8")
    for check_id in (
        "config.secrets.gateway_password_in_config",
        "config.secrets.hooks_token_in_config",
        "gateway.trusted_proxies_missing",
    ):
        assert find_rule(check_id).since is Since.SEED
        assert check_id in page


def test_every_id_on_the_page_is_a_check() -> None:
    page = (DOCS / "audit.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:gateway|fs|config\.secrets|tools\.exec)\.[a-z_.]*_[a-z_.]+)`", page))
    for check_id in named:
        find_rule(check_id)
