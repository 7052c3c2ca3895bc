from __future__ import annotations

import json

import pytest

from openclaw.cli.root import run
from openclaw.security.verify.claims import CLAIMS


def test_one_claim_is_checked_and_reported_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--claim", "node-exec", "--json"]) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report["ok"] is True
    assert [claim["id"] for claim in report["claims"]] == ["node-exec"]
    assert all(twin["caught"] for twin in report["claims"][0]["twins"])
    assert "node-exec" in said.err


def test_people_read_a_line_per_claim_and_hashes_when_they_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--claim", "node-exec", "--hashes"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("holds  node-exec")
    assert "openclaw.policy.where.node_commands.judge_command" in said
    assert "1 of 1 claims hold" in said


def test_an_unknown_claim_fails_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--claim", "nothing"]) == 1
    assert "there is no claim 'nothing'" in capsys.readouterr().err


def test_the_claims_are_listed_without_being_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(CLAIMS)
    assert run(["verify", "--list", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [claim.id for claim in CLAIMS]


def test_a_twin_that_survives_makes_the_command_fail(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from openclaw.security.verify import runner
    from openclaw.security.verify.model import Twin

    honest = next(claim for claim in CLAIMS if claim.id == "dm-scope")
    blind = replace(honest, twins=(Twin("nothing is wrong", honest.subject),))
    monkeypatch.setattr(runner, "chosen", lambda _ids: (blind,))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert run(["verify"]) == 1
    assert "the twin in which nothing is wrong was not caught" in capsys.readouterr().err
