"""A home for each test, the command line in it, and one gateway for the tests that need one."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Cli, Home, Running, started


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def cli(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    yield Cli(home, capsys, monkeypatch)
    gc.enable()  # `gateway run` puts it off until it listens


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(Home(tmp_path_factory.mktemp("gateway"))) as running:
        yield running
