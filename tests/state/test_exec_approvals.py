"""The approvals file: what it means, what it never means, and how it is changed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.what.exec_model import AllowEntry, Ask, Persistable, Security
from openclaw.state.exec_approvals import ExecApprovalsFile, revision
from openclaw.state.exec_approvals_doc import (
    EffectiveRules,
    UsedEntry,
    effective,
    elevated_full,
    faults,
    host_rules,
    normalise,
    parse,
)
from openclaw.system.errors import Conflict, InvalidInput
from support.time import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exec-approvals.json"


@pytest.fixture
def store(path: Path) -> ExecApprovalsFile:
    return ExecApprovalsFile(path, FakeClock(), redact=lambda text: text.replace("hunter2", "***"))


def joined(document: dict[str, Any], agent: str = "main", security: str = "full", ask: str = "off") -> EffectiveRules:
    rules = host_rules(normalise({"version": 1, **document}))
    return effective(rules, agent, security=Security(security), ask=Ask(ask))


# Meaning


def test_no_file_leaves_the_config_values_and_denies_on_timeout(store: ExecApprovalsFile) -> None:
    found = effective(store.rules(), "main", security=Security.ALLOWLIST, ask=Ask.ON_MISS)
    assert found == EffectiveRules(Security.ALLOWLIST, Ask.ON_MISS, Security.DENY, False, ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        '{"version": 2}',
        '{"version": true}',
        '{"version": "1"}',
        "{}",
        "[" * 100_000,
        "\xff",
    ],
)
def test_a_file_that_is_not_understood_denies_everything_and_says_so(
    path: Path, store: ExecApprovalsFile, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(text.encode("latin-1"))
    for rules in (store.rules(), store.rules()):
        assert effective(rules, "main", security=Security.FULL, ask=Ask.OFF).security is Security.DENY
        assert elevated_full(rules, "main").security is Security.DENY
        assert rules.fault is not None
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert "openclaw approvals set" in caplog.text


@pytest.mark.parametrize(
    ("document", "security", "ask"),
    [
        ({}, "full", "off"),
        ({"defaults": {"security": "allowlist"}}, "allowlist", "off"),
        ({"defaults": {"security": "deny"}, "agents": {"*": {"security": "full"}}}, "full", "off"),
        ({"agents": {"*": {"security": "deny"}, "main": {"security": "allowlist"}}}, "allowlist", "off"),
        ({"agents": {"main": {"ask": "always"}}}, "full", "always"),
        ({"agents": {"main": {"security": "nonsense"}, "*": {"security": "deny"}}}, "deny", "off"),
        ({"agents": {"other": {"security": "deny"}}}, "full", "off"),
        ({"agents": {"default": {"security": "deny"}}}, "deny", "off"),
        ({"agents": {"default": {"security": "deny"}, "main": {"security": "allowlist"}}}, "allowlist", "off"),
        ({"agents": [], "defaults": 5}, "full", "off"),
    ],
)
def test_agent_then_star_then_defaults_then_config(document: dict[str, Any], security: str, ask: str) -> None:
    found = joined(document)
    assert (str(found.security), str(found.ask)) == (security, ask)


LEVEL = st.fixed_dictionaries(
    {}, optional={"security": st.sampled_from([*Security, "bad"]), "ask": st.sampled_from([*Ask, 3])}
)


@settings(max_examples=200)
@given(LEVEL, LEVEL, LEVEL, st.sampled_from(list(Security)), st.sampled_from(list(Ask)))
def test_the_file_never_loosens_the_config(defaults: Any, star: Any, main: Any, security: Security, ask: Ask) -> None:
    found = joined({"defaults": defaults, "agents": {"*": star, "main": main}}, security=security, ask=ask)
    assert found.security.tighter(security) is found.security
    assert found.ask.tighter(ask) is found.ask


def test_the_allowlist_is_that_of_everybody_then_of_the_agent() -> None:
    found = joined({"agents": {"*": {"allowlist": ["/bin/a"]}, "main": {"allowlist": [{"pattern": "/bin/b"}]}}})
    assert [(entry.pattern, entry.agent) for entry in found.allowlist] == [("/bin/a", "*"), ("/bin/b", "main")]
    star = joined({"agents": {"*": {"allowlist": ["/bin/a"]}}}, agent="*")
    assert [entry.pattern for entry in star.allowlist] == ["/bin/a"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"pattern": "/bin/a"}, (None, False)),
        ({"pattern": "/bin/a", "args": []}, ((), False)),
        ({"pattern": "/bin/a", "args": ["-l"]}, (("-l",), False)),
        ({"pattern": "/bin/a", "args": "-l"}, (None, True)),
        ({"pattern": "/bin/a", "args": [1]}, (None, True)),
        ({"pattern": "/bin/a", "args": None}, (None, True)),
    ],
)
def test_unusable_words_void_an_entry(entry: dict[str, Any], expected: tuple[Any, bool]) -> None:
    (found,) = joined({"agents": {"main": {"allowlist": [entry]}}}).allowlist
    assert (found.args, found.void) == expected


def test_entries_without_a_pattern_are_dropped_and_ids_are_filled_and_stay() -> None:
    document = {
        "version": 1,
        "agents": {"main": {"allowlist": ["/a", {"pattern": " "}, {}, 5, {"id": "x", "pattern": "/b"}]}},
    }
    first, second = normalise(document), normalise(document)
    assert first == second
    rows = first["agents"]["main"]["allowlist"]
    assert [row["pattern"] for row in rows] == ["/a", "/b"]
    assert rows[1]["id"] == "x"
    assert rows[0]["id"]


def test_the_old_agent_name_joins_main() -> None:
    document = {
        "version": 1,
        "agents": {
            "default": {"ask": "always", "allowlist": ["/A", "/b"]},
            "main": {"security": "full", "allowlist": ["/a"]},
        },
    }
    found = normalise(document)["agents"]
    assert set(found) == {"main"}
    assert found["main"]["ask"] == "always"
    assert [row["pattern"] for row in found["main"]["allowlist"]] == ["/a", "/b"]


def test_unknown_fields_are_kept() -> None:
    document = {"version": 1, "x": 1, "agents": {"main": {"y": 2, "allowlist": [{"pattern": "/a", "z": 3}]}}}
    found = normalise(document)
    assert (found["x"], found["agents"]["main"]["y"]) == (1, 2)
    assert found["agents"]["main"]["allowlist"][0]["z"] == 3


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, ("full", "off")),
        ({"defaults": {"security": "allowlist", "ask": "on-miss"}}, ("full", "off")),
        ({"defaults": {"security": "deny"}}, ("deny", "off")),
        ({"agents": {"main": {"security": "deny"}}}, ("deny", "off")),
        ({"defaults": {"security": "deny"}, "agents": {"main": {"security": "allowlist"}}}, ("full", "off")),
        ({"agents": {"*": {"ask": "always"}}}, ("full", "always")),
    ],
)
def test_elevated_full_skips_prompts_but_not_the_hosts_no(document: dict[str, Any], expected: tuple[str, str]) -> None:
    found = elevated_full(host_rules(normalise({"version": 1, **document})), "main")
    assert (str(found.security), str(found.ask)) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["allowlist", "agents", "pattern", "args", "security", "id", "main"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["agents", "defaults", "socket", "version", "x"]), JSON))
def test_no_document_breaks_the_reading(document: dict[str, Any]) -> None:
    found = normalise(document)
    assert normalise(found) == found
    effective(host_rules(found), "main", security=Security.FULL, ask=Ask.OFF)
    faults(document)


# The disk


def test_the_file_is_made_private_with_a_token_that_is_never_shown(path: Path, store: ExecApprovalsFile) -> None:
    found = store.get()
    assert path.stat().st_mode & 0o777 == 0o600
    stored = json.loads(path.read_text())
    assert len(stored["socket"]["token"]) == 32
    assert stored["socket"]["token"] not in json.dumps(found)
    assert found["file"]["socket"] == {"path": str(path.with_suffix(".sock"))}
    assert (found["path"], found["exists"], found["hash"]) == (str(path), True, revision(path.read_text()))
    assert path.read_text().endswith("}\n")


def test_a_set_needs_the_hash_of_what_was_read(path: Path, store: ExecApprovalsFile) -> None:
    first = store.get()
    token = json.loads(path.read_text())["socket"]["token"]
    second = store.set({"version": 1, "defaults": {"security": "allowlist"}}, first["hash"])
    assert second["file"]["defaults"] == {"security": "allowlist"}
    assert json.loads(path.read_text())["socket"]["token"] == token
    with pytest.raises(InvalidInput, match=r"re-run exec\.approvals\.get and retry"):
        store.set({"version": 1}, None)


def test_adv_H17_a_set_over_a_stale_read_conflicts(store: ExecApprovalsFile) -> None:
    first = store.get()
    store.set({"version": 1, "agents": {"main": {"security": "deny"}}}, first["hash"])
    with pytest.raises(Conflict, match="changed since last load"):
        store.set({"version": 1}, first["hash"])
    assert store.rules().agents["main"].knobs.security is Security.DENY


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ([], "must be an object"),
        ({}, "version must be 1"),
        ({"version": 2}, "version must be 1"),
        ({"version": 1, "agents": []}, "agents must be an object"),
        ({"version": 1, "defaults": {"security": "all"}}, "defaults.security must be one of deny, allowlist, full"),
        ({"version": 1, "agents": {"x": {"ask": "never"}}}, "agents.x.ask"),
        ({"version": 1, "agents": {"x": {"askFallback": 1}}}, "agents.x.askFallback"),
        ({"version": 1, "agents": {"x": {"autoAllowSkills": "yes"}}}, "autoAllowSkills"),
        ({"version": 1, "agents": {"x": {"allowlist": {}}}}, "allowlist must be a list"),
    ],
)
def test_a_document_with_faults_is_not_stored(path: Path, store: ExecApprovalsFile, document: Any, part: str) -> None:
    with pytest.raises(InvalidInput, match=part.replace(".", r"\.")):
        store.set(document, None)
    assert not path.exists()


def test_a_broken_file_can_be_replaced(path: Path, store: ExecApprovalsFile) -> None:
    path.write_text("{broken")
    found = store.get()
    assert "not JSON" in found["fault"]
    assert path.read_text() == "{broken"
    assert "fault" not in store.set({"version": 1}, found["hash"])
    assert store.rules().fault is None


ENTRY = AllowEntry("/usr/bin/git", id="e1", agent="*")


def test_a_use_is_written_to_the_entry_also_under_star(path: Path, store: ExecApprovalsFile) -> None:
    path.write_text(
        json.dumps({"version": 1, "agents": {"*": {"allowlist": [{"id": "e1", "pattern": "/usr/bin/git"}]}}})
    )
    store.record_use([UsedEntry(ENTRY, "/usr/bin/git")], command="git push hunter2")
    row = json.loads(path.read_text())["agents"]["*"]["allowlist"][0]
    assert row["lastUsedCommand"] == "git push ***"
    assert row["lastResolvedPath"] == "/usr/bin/git"
    assert row["lastUsedAt"] == FakeClock().now_ms()


def test_entries_without_an_id_in_the_file_are_found_again(path: Path, store: ExecApprovalsFile) -> None:
    path.write_text(json.dumps({"version": 1, "agents": {"main": {"allowlist": ["/usr/bin/git"]}}}))
    (entry,) = effective(store.rules(), "main", security=Security.ALLOWLIST, ask=Ask.OFF).allowlist
    store.record_use([UsedEntry(entry, None)], command="git")
    assert json.loads(path.read_text())["agents"]["main"]["allowlist"][0]["lastUsedCommand"] == "git"


def test_adv_H9_always_binds_the_program_to_exactly_these_words(path: Path, store: ExecApprovalsFile) -> None:
    one = Persistable("/usr/bin/git", ("status",))
    assert store.allow_always("main", [one, one], command="git status")
    assert store.allow_always("main", [one], command="git status")
    rows = json.loads(path.read_text())["agents"]["main"]["allowlist"]
    assert [(row["pattern"], row["args"]) for row in rows] == [("/usr/bin/git", ["status"])]
    (entry,) = effective(store.rules(), "main", security=Security.ALLOWLIST, ask=Ask.OFF).allowlist
    assert entry.args == ("status",)
    assert not store.allow_always("main", [], command="x")


def test_a_file_that_is_not_understood_is_never_edited(path: Path, store: ExecApprovalsFile) -> None:
    path.write_text("{broken")
    assert not store.allow_always("main", [Persistable("/bin/a", ())], command="a")
    store.record_use([UsedEntry(ENTRY, None)], command="a")
    assert path.read_text() == "{broken"


def test_a_disk_that_refuses_is_reported_and_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x")
    store = ExecApprovalsFile(blocked / "exec-approvals.json", FakeClock(), redact=str)
    assert not store.allow_always("main", [Persistable("/bin/a", ())], command="a")
    assert "were not updated" in caplog.text
    assert store.rules().fault is not None


def test_adv_J12_writers_at_the_same_time_lose_nothing(path: Path, store: ExecApprovalsFile) -> None:
    def work(number: int) -> None:
        own = ExecApprovalsFile(path, FakeClock(), redact=str)
        for index in range(5):
            own.allow_always("main", [Persistable(f"/bin/{number}-{index}", ())], command="x")

    workers = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(store.rules().agents["main"].allowlist) == 30


def test_a_change_on_disk_is_seen_at_once(path: Path, store: ExecApprovalsFile) -> None:
    store.get()
    assert store.rules().agents == {}
    path.write_text(json.dumps({"version": 1, "defaults": {"security": "deny"}}))
    assert store.rules().defaults.security is Security.DENY


def test_the_revision_of_an_absent_file_is_that_of_no_text() -> None:
    assert revision(None) == revision("")
    assert parse(None) == {"version": 1}
