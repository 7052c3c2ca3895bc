"""Logging on real files and streams: shapes, levels, privacy, rotation, floods, secrets."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from openclaw.system.errors import Unavailable
from openclaw.system.log_file import LogFile
from openclaw.system.log_records import Entry, console_line, escape, file_line, safe_text, shown_subsystem
from openclaw.system.logs import TRACE, LogOptions, LogSystem, fields, setup_logging
from openclaw.system.redaction import Redactor

KEY = "sk-" + "abcdefghijklmnopqrstuvwx"


@pytest.fixture(autouse=True)
def restored_loggers() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    root.handlers[:] = []
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for name in ("telegram", "httpx", "asyncio"):
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    made.mkdir(mode=0o700)
    return made


def options(folder: Path, **changes: Any) -> LogOptions:
    return LogOptions(folder, **{"console_level": "silent", **changes})


def records(folder: Path) -> list[dict[str, Any]]:
    lines = [line for path in sorted(folder.glob("*.log")) for line in path.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def message_of(record: dict[str, Any]) -> str:
    """Read a record as `logs` does: positional parts but the subsystem, joined by a blank."""
    parts = [record[str(index)] for index in range(9) if str(index) in record]
    if record["_meta"]["name"] != "openclaw":
        parts = parts[1:]
    return " ".join(part if isinstance(part, str) else json.dumps(part) for part in parts)


def test_a_record_has_the_shape_that_readers_know(folder: Path) -> None:
    with setup_logging(options(folder), Redactor()) as system:
        logging.getLogger("openclaw.gateway.ws").info(
            "opened %s", "c1", extra=fields(conn="c1", ms=3, ok=True, none=None)
        )
        logging.getLogger().warning("plain")
        path = system.path
    assert re.fullmatch(r"openclaw-\d{4}-\d{2}-\d{2}\.log", path.name)
    first, second = records(folder)
    assert first["0"] == '{"subsystem":"gateway/ws"}'
    assert first["1"] == {"conn": "c1", "ms": 3, "ok": True, "none": None}
    assert first["2"] == "opened c1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["time"])
    meta = first["_meta"]
    assert meta["name"] == first["0"]
    assert (meta["logLevelId"], meta["logLevelName"], meta["date"]) == (3, "INFO", first["time"])
    assert meta["path"]["fileName"] == "test_logs.py"
    assert {"runtime", "runtimeVersion", "hostname", "parentNames"} <= meta.keys()
    assert (second["0"], second["_meta"]["name"], second["_meta"]["logLevelName"]) == ("plain", "openclaw", "WARN")


def test_each_client_is_given_the_message_without_its_subsystem(folder: Path) -> None:
    """The older one joins the numbered parts after the subsystem, the newer one reads `message`."""
    with setup_logging(options(folder), Redactor()):
        logging.getLogger("openclaw.gateway.ws").info("opened %s", KEY, extra=fields(conn="c1"))
        logging.getLogger().warning("plain")
        try:
            int("odd")
        except ValueError:
            logging.getLogger("openclaw.x").exception("failed")
    first, second, third = records(folder)
    assert first["message"].startswith('{"conn":"c1"} opened sk-abc')
    assert KEY not in first["message"]
    assert second["message"] == "plain"
    assert third["message"] == f"failed {third['2']}"
    assert "ValueError: invalid" in third["message"]


ORDER = ["trace", "debug", "info", "warn", "error", "fatal"]
NUMBERS = {"trace": TRACE, "debug": 10, "info": 20, "warn": 30, "error": 40, "fatal": 50}


@pytest.mark.parametrize("level", [*ORDER, "silent"])
def test_levels_have_their_normal_meaning(folder: Path, level: Any) -> None:
    with setup_logging(options(folder, level=level), Redactor()):
        for name in ORDER:
            logging.getLogger("openclaw.x").log(NUMBERS[name], name)
    written = [record["_meta"]["logLevelName"].lower() for record in records(folder)]
    assert written == (ORDER[ORDER.index(level) :] if level != "silent" else [])


def test_file_and_console_levels_are_independent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with setup_logging(LogOptions(folder, level="warn", console_level="debug"), Redactor()):
        logging.getLogger("openclaw.x").debug("only console")
        logging.getLogger("openclaw.x").error("both")
    assert [message_of(record) for record in records(folder)] == ["both"]
    out, err = capsys.readouterr()
    assert (out, err) == ("[x] only console\n", "[x] both\n")


def test_libraries_are_quiet_below_warnings(folder: Path) -> None:
    with setup_logging(options(folder, level="trace"), Redactor()):
        for name in ("telegram", "telegram.ext.Application", "httpx"):
            logging.getLogger(name).info("chatter")
            logging.getLogger(name).warning("counts")
    assert {message_of(record) for record in records(folder)} == {"counts"}


def test_adv_O1_secrets_are_masked_in_message_fields_and_exceptions(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError(f"https://api.telegram.org/bot123456789:{KEY[3:]}/getMe failed")

    with setup_logging(LogOptions(folder), Redactor(secrets=lambda: ["planted-canary-value"])):
        log = logging.getLogger("openclaw.channels.telegram")
        try:
            fail()
        except ValueError:
            log.exception("token=%s planted-canary-value", KEY, extra=fields(header=f"Bearer {KEY}", n=1))
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.log")) + "".join(capsys.readouterr())
    assert KEY not in text
    assert KEY[3:] not in text
    assert "planted-canary-value" not in text
    assert "getMe failed" in text
    assert "test_logs.py" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("\x1b[2Jx", "\\x1b[2Jx"),
        ("\r\t\0\x85", "\\r\\t\\x00\\x85"),
        ("a\u202eb\u200b", "a\\u202eb\\u200b"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("ä 漢\u3000字 é", "ä 漢\u3000字 é"),
    ],
)
def test_adv_O8_control_characters_are_escaped(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_adv_O8_a_hostile_header_is_one_short_line(folder: Path) -> None:
    header = 'evil\r\n{"0":"forged"}\x1b[2J' + "x" * 10_000
    with setup_logging(options(folder), Redactor(secrets=tuple)):
        logging.getLogger("openclaw.gateway").warning("origin %s", header, extra=fields(agent=header))
    (line,) = next(folder.glob("*.log")).read_text(encoding="utf-8").splitlines()
    record = json.loads(line)
    assert len(record["2"]) <= 8192
    assert len(record["1"]["agent"]) <= 8192
    assert record["2"].endswith(f"… ({len('origin ' + header)} characters)")
    assert "\x1b" not in record["2"]
    assert "\\r\\n" in record["2"]


def test_a_secret_at_the_cut_is_never_half_shown() -> None:
    redactor = Redactor(secrets=list)
    for start in range(8140, 8200, 7):
        assert "ghij" not in safe_text("." * start + KEY, redactor.redact)
    assert "ghij" not in safe_text("." * 65_520 + KEY, redactor.redact)


def test_arguments_that_do_not_fit_lose_nothing(folder: Path) -> None:
    logging.getLogger().handlers[:] = []  # the handler of pytest would raise here
    with setup_logging(options(folder), Redactor()):
        logging.getLogger("openclaw.x").info("a %s %s", "one")  # noqa: PLE1206 - the fault is the subject
        logging.getLogger("openclaw.x").info("b", extra=fields(odd=Path("/p")))  # type: ignore[arg-type]  # the subject
    assert [message_of(record) for record in records(folder)] == ["a %s %s (arguments do not fit)", '{"odd": "/p"} b']


# -- the console -----------------------------------------------------------------------------------


def entry(**changes: Any) -> Entry:
    facts = {
        "level": "INFO",
        "levelno": 20,
        "subsystem": "gateway/ws/conn",
        "message": "hi",
        "exception": "",
        "fields": {},
    }
    return Entry(**{"time_ms": 1_700_000_000_123, "path": {}, **facts, **changes})


def plain(text: str) -> str:
    return text


def test_console_styles() -> None:
    rich = entry(fields={"a": 1}, exception="Traceback\n  x")
    assert console_line(entry(), plain, "compact") == "[ws/conn] hi\n"
    assert console_line(entry(), plain, "compact", stamp=True) == "2023-11-14T22:13:20.123Z [ws/conn] hi\n"
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[ws/conn\] hi\n", console_line(entry(), plain, "pretty"))
    assert console_line(rich, plain, "compact") == "[ws/conn] hi a=1\n  Traceback\n    x\n"
    assert json.loads(console_line(rich, plain, "json")) == {
        "time": "2023-11-14T22:13:20.123Z",
        "level": "info",
        "subsystem": "gateway/ws/conn",
        "message": "hi",
        "a": 1,
        "exception": "Traceback\\n  x",
    }
    assert "\x1b[31mhi" in console_line(entry(level="ERROR"), plain, "pretty", colour=True)
    assert "\x1b[33mhi" in console_line(entry(level="WARN"), plain, "pretty", colour=True)


@pytest.mark.parametrize(
    ("subsystem", "shown"),
    [
        ("gateway/ws", "ws"), ("gateway", "gateway"), ("gateway/http/routes/chat", "routes/chat"),
        ("channels/telegram/polling", "telegram"), ("channels", "channels"),
        ("agent/models/offline", "models/offline"), ("", ""), ("telegram/ext", "telegram/ext"),
    ],
)  # fmt: skip
def test_shown_subsystems_are_short(subsystem: str, shown: str) -> None:
    assert shown_subsystem(subsystem) == shown


@pytest.mark.parametrize("message", ["telegram: up", "Telegram: up", "[telegram] up", "up"])
def test_a_repeated_prefix_is_removed(message: str) -> None:
    assert console_line(entry(subsystem="channels/telegram", message=message), plain, "compact") == "[telegram] up\n"


def test_with_json_output_the_console_log_goes_to_stderr(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with setup_logging(LogOptions(folder, to_stderr=True, style="json"), Redactor()):
        logging.getLogger("openclaw.x").info("hi")
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["message"] == "hi"


def test_a_console_that_cannot_show_a_character_or_is_closed_breaks_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    with setup_logging(LogOptions(folder), Redactor()):
        logging.getLogger("openclaw.x").info("ä")
        logging.getLogger("openclaw.x").error("e")
    narrow.seek(0)
    assert narrow.read() == "[x] \\xe4\n"
    assert len(records(folder)) == 2


# -- the file ----------------------------------------------------------------------------------------


def test_adv_K16_folder_and_file_are_private_from_birth(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with setup_logging(options(tmp_path / "a" / "logs"), Redactor()):
            logging.getLogger("openclaw.x").info("hi")
    finally:
        os.umask(before)
    (path,) = (tmp_path / "a" / "logs").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_command_that_may_leave_no_trace_makes_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with setup_logging(LogOptions(tmp_path / "logs", create_folder=False), Redactor()):
        logging.getLogger("openclaw.x").info("hi")
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("[x] hi\n", "")


def link_file(folder: Path, name: str) -> None:
    (folder.parent / "victim").write_text("", encoding="utf-8")
    (folder / name).symlink_to(folder.parent / "victim")


def hardlink_file(folder: Path, name: str) -> None:
    (folder.parent / "victim").write_text("", encoding="utf-8")
    (folder / name).hardlink_to(folder.parent / "victim")


def open_file(folder: Path, name: str) -> None:
    (folder / name).touch()
    (folder / name).chmod(0o666)


def foreign_file(folder: Path, name: str) -> None:
    (folder / name).touch()
    os.chown(folder / name, 12345, 12345)


def foreign_folder(folder: Path, name: str) -> None:
    os.chown(folder, 12345, 12345)


def linked_folder(folder: Path, name: str) -> None:
    folder.rename(folder.parent / "real")
    folder.symlink_to("real")


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@pytest.mark.parametrize(
    ("plant", "problem"),
    [
        (link_file, "cannot be opened"),
        (hardlink_file, "second name"),
        (open_file, "written by others"),
        (lambda folder, name: os.mkfifo(folder / name), "cannot be opened"),
        (lambda folder, name: (folder / name).mkdir(), "cannot be opened"),
        (lambda folder, name: folder.chmod(0o777), "written by others"),
        (linked_folder, "is a link"),
        pytest.param(foreign_file, "another user", marks=AS_ROOT),
        pytest.param(foreign_folder, "another user", marks=AS_ROOT),
    ],
)
def test_a_file_or_folder_that_somebody_could_have_planted_is_refused_with_one_line(
    folder: Path, plant: Any, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(folder, LogFile(folder).path.name)
    with setup_logging(LogOptions(folder), Redactor()):
        logging.getLogger("openclaw.x").info("one")
        logging.getLogger("openclaw.x").info("two")
    out, err = capsys.readouterr()
    assert out == "[x] one\n[x] two\n"
    assert len(err.splitlines()) == 1
    assert problem in err
    victim = folder.parent / "victim"
    assert not victim.exists() or victim.read_text(encoding="utf-8") == ""


def test_a_file_rolls_by_size_into_five_archives(folder: Path) -> None:
    file = LogFile(folder, max_bytes=30)
    for number in range(20):
        file.write(f"line {number:02d} ........\n")
    file.close()
    base = file.path.name
    assert sorted(path.name for path in folder.iterdir()) == sorted([base, *(f"{base}.{n}" for n in range(1, 6))])
    assert file.path.read_text(encoding="utf-8") == "line 19 ........\n"
    assert (folder / f"{base}.5").read_text(encoding="utf-8") == "line 14 ........\n"
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())


def test_a_new_day_starts_a_new_file_and_old_ones_go(folder: Path) -> None:
    now = [1_700_000_000.0]
    (folder / "openclaw-2023-11-01.log").touch()
    (folder / "openclaw-2023-11-12.log.2").touch()
    (folder / "gateway.log").touch()
    os.utime(folder / "openclaw-2023-11-01.log", (now[0] - 8 * 86400,) * 2)
    os.utime(folder / "openclaw-2023-11-12.log.2", (now[0] - 2 * 86400,) * 2)
    os.utime(folder / "gateway.log", (0, 0))
    file = LogFile(folder, now=lambda: now[0])
    file.write("a\n")
    now[0] += 86400
    file.write("b\n")
    file.close()
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 4
    assert "openclaw-2023-11-01.log" not in names
    assert "gateway.log" in names


def test_a_file_of_the_users_choice_is_appended_to_and_rolled_by_size_only(tmp_path: Path) -> None:
    chosen = tmp_path / "my.log"
    chosen.write_text("before\n", encoding="utf-8")
    chosen.chmod(0o600)
    (tmp_path / "openclaw-2020-01-01.log").touch()
    os.utime(tmp_path / "openclaw-2020-01-01.log", (0, 0))
    file = LogFile(tmp_path / "unused", fixed=chosen, max_bytes=10)
    file.write("after\n")
    file.close()
    assert (tmp_path / "my.log.1").read_text(encoding="utf-8") == "before\n"
    assert chosen.read_text(encoding="utf-8") == "after\n"
    assert (tmp_path / "openclaw-2020-01-01.log").exists()
    assert not (tmp_path / "unused").exists()


def test_a_full_disk_is_said_once(folder: Path) -> None:
    file = LogFile(folder, fixed=Path("/dev/full"))
    with pytest.raises(Unavailable):
        file.write("x\n")


# -- the queue -----------------------------------------------------------------------------------------


class SlowRedactor(Redactor):
    """Holds the writer until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def redact(self, text: str) -> str:
        self.let_go.wait()
        return super().redact(text)


def test_a_flood_is_bounded_and_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.system.logs.QUEUE_LIMIT", 50)
    redactor = SlowRedactor()
    with setup_logging(options(folder), redactor) as system:
        for number in range(500):
            logging.getLogger("openclaw.x").info("n %d", number)
        assert system.dropped >= 440
        dropped = system.dropped
        redactor.let_go.set()
    messages = [message_of(record) for record in records(folder)]
    assert any(f"{dropped} log messages were dropped" in message for message in messages)


def test_settings_change_in_order_with_the_messages_around_them(folder: Path, tmp_path: Path) -> None:
    with setup_logging(options(folder), Redactor()) as system:
        logging.getLogger("openclaw.x").info("first")
        system.reconfigure(options(folder, file=tmp_path / "second.log", level="debug"))
        logging.getLogger("openclaw.x").debug("second")
    assert [message_of(record) for record in records(folder)] == ["first"]
    assert "second" in (tmp_path / "second.log").read_text(encoding="utf-8")


def test_closing_writes_what_was_queued_and_removes_the_handler(folder: Path) -> None:
    before = list(logging.getLogger().handlers)
    system = LogSystem(options(folder), Redactor())
    for number in range(1000):
        logging.getLogger("openclaw.x").info("n %d", number)
    system.close()
    assert len(records(folder)) == 1000
    assert logging.getLogger().handlers == before


def test_the_redactor_serves_the_lines_of_the_file() -> None:
    line = file_line(entry(message=f"key {KEY}", fields={"k": KEY}), Redactor().redact, "host")
    assert KEY not in line
    assert line.count("\n") == 1


def test_importing_logging_brings_no_heavy_library() -> None:
    heavy = "{'asyncio', 'pydantic', 'aiohttp', 're2', 'rich', 'openclaw.policy.what.redact'}"
    code = f"import sys, openclaw.system.logs; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
