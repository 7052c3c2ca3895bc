"""The original's findings: every shared scenario, by the comparison of the shared runner (audit.md 10)."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from support.cli import Answer, Cli, Home
from support.shared import SHARED, shared_fixture

VERSION = "2026.2.9"
FOLDER = SHARED / "audit"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json")) or ["gw-empty-config"]
ON_PURPOSE = {
    ("config.secrets.gateway_password_in_config", "warn"),
    ("config.secrets.hooks_token_in_config", "info"),
    ("gateway.trusted_proxies_missing", "warn"),
}
"""What the default report leaves out where the config says so (audit.md 9.5)."""


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    path = shared_fixture("audit", "run_oracle.py")
    spec = importlib.util.spec_from_file_location("audit_oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def cli(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    home.path.mkdir()
    return Cli(home, capsys, monkeypatch)


def scenario(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(shared_fixture("audit", f"{name}.json").read_text("utf-8"))
    return found


def answer(oracle: ModuleType, cli: Cli, case: Mapping[str, Any], *arguments: str) -> Answer:
    oracle.materialise(case, cli.home.path)
    for name, value in case.get("env", {}).items():
        cli.set_variable(name, value.replace("@HOME@", str(cli.home.path)))
    return cli("security", "audit", "--json", *arguments, *case.get("args", []))


def report_of(said: Answer) -> Any:
    document = said.json
    return document.get("report", document)


def listed(report: Any) -> list[tuple[str, str]]:
    return [(item["checkId"], item["severity"]) for item in report["findings"]]


@pytest.mark.parametrize("name", NAMES)
def test_the_compatible_report_is_exactly_that_of_the_original(oracle: ModuleType, cli: Cli, name: str) -> None:
    case = scenario(name)
    wanted = case["expected"][VERSION]
    said = answer(oracle, cli, case, "--compat", VERSION)
    if wanted is None:
        assert said.code == 1
        assert "findings" not in said.json
        return
    assert said.code == 0
    report = report_of(said)
    assert listed(report) == [(item["checkId"], item["severity"]) for item in wanted]
    counts = Counter(severity for _, severity in listed(report))
    assert report["summary"] == {key: counts[key] for key in ("critical", "warn", "info")}
    fix = case.get("expected_fix", {}).get(VERSION)
    if fix is not None:
        assert done(oracle, cli.home.path, said.json["fix"]) == fix


def done(oracle: ModuleType, home: Path, fix: Any) -> dict[str, Any]:
    """Return what was mended, as the runner records it."""

    def relative(text: str) -> str:
        return text.replace(f"{home}/", "~/")

    actions = [
        {"path": relative(one["path"]), "mode": f"{one['mode']:03o}", "ok": one["ok"]}
        | ({"skipped": one["skipped"]} if one.get("skipped") else {})
        for one in fix["actions"]
    ]
    return {
        "ok": fix["ok"],
        "configWritten": fix["configWritten"],
        "changes": [relative(text) for text in fix["changes"]],
        "actions": actions,
        "errors": [relative(text) for text in fix["errors"]],
        "modes": oracle.tree_modes(home),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_default_report_has_all_of_it_too(oracle: ModuleType, cli: Cli, name: str) -> None:
    case = scenario(name)
    wanted = case["expected"][VERSION]
    said = answer(oracle, cli, case)
    if wanted is None:
        assert said.code == 1
        return
    missing = Counter((item["checkId"], item["severity"]) for item in wanted) - Counter(listed(report_of(said)))
    assert set(missing) <= ON_PURPOSE


def test_the_shared_runner_agrees_on_the_real_program() -> None:
    runner = shared_fixture("audit", "run_oracle.py")
    program = Path(sys.executable).with_name("openclaw")
    only = [text for name in ("gw-lan-no-auth", "fix-all", "gw-invalid-config") for text in ("--only", name)]
    arguments = ["--cmd", str(program), "--extra-args", f"--compat {VERSION}", "--ordered", *only]
    result = subprocess.run(
        [sys.executable, str(runner), *arguments], capture_output=True, text=True, check=False, timeout=90
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "exact 3 of 3 scenarios" in result.stdout
