"""Older keys, older values and unknown keys in the config: what is mended, and what is only told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.load import read_config
from openclaw.security.doctor.config_shape import mend_plan, unknown_keys
from openclaw.security.doctor.model import Finding, Level
from openclaw.security.doctor.run import examine
from openclaw.state.layout import StateLayout
from support.shared import shared_fixture
from support.state_dirs import context_of, environment_of, put


def write(home: Path, config: Any) -> StateLayout:
    put(home, ".openclaw/openclaw.json", config)
    (home / ".openclaw").chmod(0o700)
    return StateLayout.at(home / ".openclaw")


def of(home: Path, check: str) -> list[Finding]:
    return [one for one in examine(context_of(home)) if one.check == check]


def mend(home: Path) -> tuple[str, ...]:
    finding = of(home, "config.shape")[0]
    assert finding.repair is not None
    return finding.repair.apply()


def stored(home: Path) -> Any:
    loaded = read_config(StateLayout.at(home / ".openclaw"), environment_of(home))
    assert loaded.config is not None, loaded.issues
    return dict(loaded.config.document)


def test_older_keys_and_unknown_keys_go_together_and_comments_stay(tmp_path: Path) -> None:
    write(
        tmp_path,
        """{
  // my notes
  telegram: { botToken: "${TOKEN}", dmPolicy: "pairing", colour: "red" },
  gateway: { token: "t", mode: "local", bogus: 1 },
  bridge: { x: 1 },
}
""",
    )
    finding = next(one for one in examine(context_of(tmp_path, TOKEN="1:x")) if one.check == "config.shape")
    assert finding.level is Level.ERROR
    assert finding.repair is not None
    lines = "\n".join(finding.repair.describe())
    assert "move telegram -> channels.telegram" in lines
    assert "remove gateway.bogus" in lines
    assert "remove channels.telegram.colour" in lines
    finding.repair.apply()
    text = (tmp_path / ".openclaw/openclaw.json").read_text()
    assert "// my notes" in text
    assert "${TOKEN}" in text
    loaded = read_config(StateLayout.at(tmp_path / ".openclaw"), environment_of(tmp_path, TOKEN="1:x"))
    assert loaded.config is not None
    assert loaded.config.document["gateway"]["auth"] == {"token": "t", "mode": "token"}
    assert "bridge" not in loaded.config.document


def test_the_run_is_noted_and_the_backup_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"gateway": {"mode": "local", "bogus": 1}})
    told = mend(tmp_path)
    assert "openclaw.json.bak" in "".join(told)
    assert (tmp_path / ".openclaw/openclaw.json.bak").stat().st_mode & 0o777 == 0o600
    wizard = stored(tmp_path)["wizard"]
    assert (wizard["lastRunCommand"], wizard["lastRunMode"]) == ("doctor", "local")
    assert of(tmp_path, "config.shape") == []


def test_wrong_values_are_told_and_never_changed(tmp_path: Path) -> None:
    write(tmp_path, {"gateway": {"port": "many", "bogus": 1}, "bridge": {}})
    before = (tmp_path / ".openclaw/openclaw.json").read_text()
    shape = of(tmp_path, "config.shape")[0]
    assert shape.repair is None
    assert "remove bridge" in (shape.hint or "")
    invalid = of(tmp_path, "config.invalid")
    assert [one.message.partition(" ")[0] for one in invalid] == ["gateway.port"]
    assert (tmp_path / ".openclaw/openclaw.json").read_text() == before


def test_a_later_fault_comes_to_light_before_anything_is_written(tmp_path: Path) -> None:
    write(tmp_path, {"bridge": {}, "channels": {"telegram": {"dmPolicy": "open"}}})
    assert of(tmp_path, "config.shape")[0].repair is None
    assert "channels.telegram.allowFrom" in of(tmp_path, "config.invalid")[0].message


def test_a_config_that_is_no_json5_is_told_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, '{\n  gateway: { mode: "local" ,,\n}')
    assert of(tmp_path, "config.shape") == []
    assert "line 2" in of(tmp_path, "config.invalid")[0].message


def test_keys_of_an_included_file_are_removed_there(tmp_path: Path) -> None:
    write(tmp_path, '{ gateway: { $include: "gw.json5" } }')
    put(tmp_path, ".openclaw/gw.json5", "{ /* kept */ mode: 'local', bogus: 1 }")
    mend(tmp_path)
    text = (tmp_path / ".openclaw/gw.json5").read_text()
    assert "kept" in text
    assert "bogus" not in text
    assert stored(tmp_path)["gateway"]["mode"] == "local"


def test_a_near_key_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"channels": {"telegram": {"dmPolcy": "allowlist"}}})
    finding = of(tmp_path, "config.shape")[0]
    assert finding.repair is not None
    assert 'was "dmPolicy" meant?' in finding.repair.describe()[0]


@pytest.mark.parametrize(
    ("scope", "direct", "group"),
    [(None, False, "mentions"), ("all", True, "always"), ("direct", True, "never"), ("group-all", False, "always")],
)
def test_the_older_reaction_becomes_whatsapps_own(tmp_path: Path, scope: str | None, direct: bool, group: str) -> None:
    messages = {"ackReaction": "👀", **({"ackReactionScope": scope} if scope else {})}
    write(tmp_path, {"messages": messages, "channels": {"whatsapp": {}}})
    mend(tmp_path)
    found = stored(tmp_path)
    assert found["channels"]["whatsapp"]["ackReaction"] == {"emoji": "👀", "direct": direct, "group": group}
    assert found["messages"] == messages
    assert of(tmp_path, "config.shape") == []


@pytest.mark.parametrize(
    "config", [{"messages": {"ackReaction": "👀"}}, {"messages": {"ackReaction": ""}, "channels": {"whatsapp": {}}}]
)
def test_a_reaction_without_whatsapp_or_text_stays(tmp_path: Path, config: dict[str, Any]) -> None:
    write(tmp_path, config)
    assert of(tmp_path, "config.shape") == []


def test_maps_references_and_plugin_settings_hold_no_unknown_keys() -> None:
    document = {
        "gateway": {"auth": {"token": {"source": "env", "id": "X"}}, "tls": {"strange": 1}},
        "env": {"ANY": "1", "vars": {"MORE": "2"}},
        "plugins": {"entries": {"x": {"config": {"free": {"deep": 1}}}}},
        "channels": {"matrix": {"free": 1}, "telegram": {"groups": {"-1": {"topics": {"2": {"oops": 1}}}}}},
        "agents": {"list": [{"id": "a", "nope": 1}]},
    }
    assert list(unknown_keys(document)) == [
        ("channels", "telegram", "groups", "-1", "topics", "2", "oops"),
        ("agents", "list", 0, "nope"),
    ]


@pytest.mark.parametrize(
    "name",
    ["bad-root-unknown-key", "bad-nested-unknown-key", "bad-legacy-gateway-token", "bad-legacy-top-level-channel"],
)
def test_shared_cases_of_these_faults_are_mended(tmp_path: Path, name: str) -> None:
    folder = shared_fixture("config", name)
    cases = json.loads(shared_fixture("config", "index.json").read_text())
    listed = cases["cases"] if isinstance(cases, dict) else cases
    case = next(one for one in listed if name in json.dumps(one))
    main = folder / Path(str(case.get("main", "openclaw.json"))).name
    write(tmp_path, main.read_text())
    mend(tmp_path)
    assert stored(tmp_path)


def test_the_plan_of_a_valid_config_is_empty(tmp_path: Path) -> None:
    layout = write(tmp_path, {"gateway": {"mode": "local"}})
    environment = environment_of(tmp_path)
    assert mend_plan(read_config(layout, environment), layout, environment).changes == ()
