"""Real processes: groups, pipelines, chains, terminals, floods and time-outs."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from openclaw.system.child_output import BoundedText, StreamText
from openclaw.system.errors import InvalidInput, Unavailable
from openclaw.system.processes import Exit, Launch, Step, run_process, start_process

SH = "/bin/sh"
ENV = {"PATH": "/usr/bin:/bin"}


def shell(script: str, cwd: Path) -> Launch:
    return Launch.of([SH, "-c", script], env=ENV, cwd=str(cwd))


def python(code: str, cwd: Path, *, terminal: bool = False) -> Launch:
    return Launch.of([sys.executable, "-I", "-c", code], env=ENV, cwd=str(cwd), terminal=terminal)


def chain(cwd: Path, *steps: tuple[str, list[list[str]]]) -> Launch:
    made = tuple(Step(op, tuple(tuple(argv) for argv in commands)) for op, commands in steps)  # type: ignore[arg-type]
    return Launch(made, ENV, str(cwd))


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.asyncio
async def test_a_child_gets_exactly_the_environment_it_is_given(tmp_path: Path) -> None:
    os.environ["PLANTED_CANARY"] = "leak"
    done = await run_process(python("import os; print(sorted(os.environ))", tmp_path))
    del os.environ["PLANTED_CANARY"]
    assert done.stdout.strip() == "['LC_CTYPE', 'PATH']"  # Python itself sets LC_CTYPE in a C locale


@pytest.mark.asyncio
async def test_streams_are_kept_apart_and_the_code_is_reported(tmp_path: Path) -> None:
    done = await run_process(shell("echo out; echo err >&2; exit 3", tmp_path))
    assert (done.stdout, done.stderr, done.exit) == ("out\n", "err\n", Exit(3))


@pytest.mark.asyncio
async def test_a_signal_is_reported_as_a_signal(tmp_path: Path) -> None:
    assert (await run_process(shell("kill -9 $$", tmp_path))).exit == Exit(None, 9)


@pytest.mark.asyncio
async def test_input_reaches_the_child_even_when_it_is_larger_than_a_pipe(tmp_path: Path) -> None:
    data = b"0123456789" * 100_000
    done = await run_process(shell("wc -c", tmp_path), input_bytes=data)
    assert done.stdout.strip() == str(len(data))


@pytest.mark.asyncio
async def test_adv_Q7_a_timeout_kills_the_whole_group_and_nothing_else(tmp_path: Path) -> None:
    bystander = await start_process(shell("read line; exit 5", tmp_path))
    done = await run_process(shell("sleep 60 & echo $!; sleep 60", tmp_path), timeout_seconds=0.3)
    assert done.timed_out
    assert done.exit == Exit(None, 9)
    assert not alive(int(done.stdout))
    await bystander.write(b"go\n")
    assert await bystander.wait() == Exit(5)


@pytest.mark.asyncio
async def test_adv_I9_only_a_group_that_is_still_ours_is_signalled(tmp_path: Path) -> None:
    started = asyncio.Event()
    process = await start_process(shell("echo up; sleep 60", tmp_path), sink=lambda *_: started.set())
    await started.wait()
    process.kill()
    assert await process.wait() == Exit(None, 9)
    assert not alive(process.pid)
    process.kill()  # a second kill finds nobody


@pytest.mark.asyncio
async def test_a_child_leads_its_own_session_without_our_terminal(tmp_path: Path) -> None:
    done = await run_process(python("import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))", tmp_path))
    assert done.stdout.strip() == "True"


@pytest.mark.asyncio
async def test_a_pipeline_runs_without_a_shell_and_its_last_member_decides(tmp_path: Path) -> None:
    launch = chain(
        tmp_path, ("", [["/usr/bin/printf", "b\\na\\n$HOME\\n"], ["/usr/bin/sort"], ["/usr/bin/head", "-n1"]])
    )
    done = await run_process(launch)
    assert (done.stdout, done.exit) == ("$HOME\n", Exit(0))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ([("", "true"), ("&&", "echo a")], "a"),
        ([("", "false"), ("&&", "echo a"), ("||", "echo b")], "b"),
        ([("", "true"), ("||", "echo a"), ("&&", "echo b")], "b"),
        ([("", "false"), (";", "echo a"), (";", "echo b")], "a b"),
        ([("", "false"), ("&&", "echo a"), (";", "echo c")], "c"),
    ],
)
async def test_a_chain_follows_the_rules_of_the_shell(
    tmp_path: Path, ops: list[tuple[str, str]], expected: str
) -> None:
    line = " ".join(f"{op} {word}" for op, word in ops).strip()
    steps = [(op, [["/usr/bin/" + word.split()[0], *word.split()[1:]]]) for op, word in ops]
    ours = await run_process(chain(tmp_path, *steps))
    theirs = await run_process(shell(line, tmp_path))
    assert ours.stdout.split() == theirs.stdout.split() == expected.split()
    assert ours.exit == theirs.exit


@pytest.mark.asyncio
async def test_killing_a_chain_starts_no_further_step(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    process = await start_process(
        chain(tmp_path, ("", [["/usr/bin/sleep", "60"]]), (";", [["/usr/bin/touch", str(mark)]]))
    )
    process.kill()
    await process.wait()
    assert not mark.exists()


@pytest.mark.asyncio
async def test_a_later_step_that_cannot_start_counts_as_127(tmp_path: Path) -> None:
    done = await run_process(chain(tmp_path, ("", [["/usr/bin/true"]]), ("&&", [["/nonexistent/x"]])))
    assert done.exit == Exit(127)
    assert "/nonexistent/x" in done.stderr


@pytest.mark.asyncio
async def test_a_first_program_that_cannot_start_is_an_error_and_leaks_no_descriptor(tmp_path: Path) -> None:
    before = open_descriptors()
    with pytest.raises(Unavailable, match="Cannot start /nonexistent/x"):
        await run_process(chain(tmp_path, ("", [["/usr/bin/sleep", "60"], ["/nonexistent/x"]])))
    with pytest.raises(InvalidInput):
        await run_process(Launch.of(["sleep", "1"], env=ENV, cwd=str(tmp_path)))
    assert open_descriptors() == before


@pytest.mark.asyncio
async def test_the_run_starts_in_the_directory_of_a_descriptor_even_after_it_was_renamed(tmp_path: Path) -> None:
    (tmp_path / "before").mkdir()
    fd = os.open(tmp_path / "before", os.O_PATH | os.O_DIRECTORY)
    (tmp_path / "before").rename(tmp_path / "after")
    done = await run_process(Launch.of(["/bin/pwd", "-P"], env=ENV, cwd=fd))
    os.close(fd)
    assert done.stdout.strip() == str(tmp_path / "after")


@pytest.mark.asyncio
async def test_output_merges_in_order_of_arrival_and_keeps_its_tail_in_bounded_memory(tmp_path: Path) -> None:
    output = BoundedText(1000)
    process = await start_process(shell("yes 0123456789 | head -c 5000000; echo END", tmp_path), output=output)
    assert await process.wait() == Exit(0)
    assert len(output.text()) == 1000
    assert output.text().endswith("END\n")
    assert output.total == 5_000_004
    assert output.truncated


@pytest.mark.asyncio
async def test_a_grandchild_that_keeps_the_pipe_does_not_hold_the_result(tmp_path: Path) -> None:
    process = await start_process(shell("sleep 60 & echo $!", tmp_path))
    assert await process.wait() == Exit(0)
    assert process.output.text().strip().isdigit()


@pytest.mark.asyncio
async def test_writing_to_a_child_that_is_gone_says_so(tmp_path: Path) -> None:
    process = await start_process(shell("exec <&-; exit 0", tmp_path))
    await process.wait()
    with pytest.raises(Unavailable, match="reads no further input"):
        await process.write(b"x")


@pytest.mark.asyncio
async def test_a_terminal_is_one_and_is_the_controlling_terminal(tmp_path: Path) -> None:
    code = "import os; s=os.get_terminal_size(); print(os.isatty(0), *s, os.getpgrp() == os.tcgetpgrp(0))"
    process = await start_process(python(code, tmp_path, terminal=True))
    assert await process.wait() == Exit(0)
    assert process.output.text().split() == ["True", "120", "30", "True"]


@pytest.mark.asyncio
async def test_a_terminal_answers_the_cursor_query_and_strips_it(tmp_path: Path) -> None:
    code = "import os, tty; tty.setraw(0); os.write(1, b'<\\x1b[6n>'); print(os.read(0, 20) == b'\\x1b[1;1R')"
    process = await start_process(python(code, tmp_path, terminal=True))
    await process.wait()
    assert process.output.text().split() == ["<>True"]


def test_a_character_cut_by_a_read_is_not_broken() -> None:
    stream = StreamText()
    assert stream.feed("ä€".encode()[:3]) == "ä"
    assert stream.feed("ä€".encode()[3:]) == "€"
    assert stream.feed(b"\xe2\x82") == ""
    assert stream.finish() == "�"


def test_control_and_format_characters_are_removed_but_not_line_ends() -> None:
    assert StreamText().feed("a\x1b[31m\x07\r\n\tb\u200b\u202e\x7f\x85ü".encode()) == "a[31m\r\n\tbü"


@pytest.mark.parametrize(("keep", "expected"), [("tail", "6789"), ("head", "0123")])
def test_bounded_text_keeps_the_side_it_was_told(keep: str, expected: str) -> None:
    text = BoundedText(4, keep=keep)  # type: ignore[arg-type]
    for piece in ("01", "2", "345678", "", "9"):
        text.append(piece)
    assert (text.text(), text.total, text.truncated) == (expected, 10, True)
    assert text.tail(2) == expected[-2:]
    assert (text.take(), text.text(), text.total) == (expected, "", 0)
