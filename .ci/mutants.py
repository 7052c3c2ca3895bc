"""Mutation testing of the kernel: mutmut makes the mutants, one pytest session tests them in forked children.

    python .ci/mutants.py [--continue] [PATTERN...]     such as 'openclaw.policy.who.*'; without one, the whole kernel

`--continue` keeps the results of an earlier run and tests what has none: mutants that were not reached, and those of
functions that changed. `--survivors` tests those again that survived as well.

`mutmut run` starts pytest anew for each mutant, which takes half a second each. Here the tests are collected once,
every mutant is tested in a child forked from that session, and stops at its first failing test. The results are stored
where mutmut looks for them, so that `mutmut show NAME` and `mutmut browse` work.

A function that only runs while modules are imported cannot be switched in a fork: its mutants get an interpreter each.
"""

from __future__ import annotations

import contextlib
import fnmatch
import gc
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from _pytest.tmpdir import tmppath_result_key

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "mutants"
EXPLAINED = ROOT / "docs" / "verification.md"
WORKERS = os.cpu_count() or 1
EXAMPLES = 25
MEMORY = 2 << 30
MAY_FAIL = 3
"""Tests that measure time may fail on code that is instrumented; more failures than these stop the run."""
TARGET = 95.0
WHOLE = ("inbound", "snapshot")
"""Modules that look at whole policies; the tests of the floors are not asked about them."""
NEAR = tuple(f"tests/policy/{name}" for name in ("who/", "where/", "what/", "test_names", "test_patterns"))
OWN = {"diff": ("tests/policy/diff/", "tests/policy/test_diff"), "domain": ("tests/policy/domain/",)}
"""Floors that walk over whole policies, and the tests that are asked about them: every other one is too slow."""
STATES = {0: "survived", 1: "killed", 33: "survived", 36: "timeout"}


@dataclass
class Module:
    """One mutated file: where mutmut keeps its results, and the exit code of each mutant."""

    path: Path
    data: Any
    names: list[str] = field(default_factory=list)


def generate(*, afresh: bool) -> list[Module]:
    """Let mutmut write the mutated copies below `mutants/`, and return what there is to test.

    What is not made afresh keeps the results of functions that did not change.
    """
    from mutmut.__main__ import create_mutants
    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir, setup_source_paths, walk_mutatable_files

    if afresh and WORK.exists():
        shutil.rmtree(WORK)
    WORK.mkdir(exist_ok=True)
    with contextlib.redirect_stdout(io.StringIO()):
        copy_src_dir()
        copy_also_copy_files()
        setup_source_paths()
        create_mutants(WORKERS)
    modules = []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        data.meta_path = ROOT / data.meta_path
        modules.append(Module(path, data, list(data.exit_code_by_key)))
    return modules


class Loop:
    """The pytest plugin that runs instead of the tests: first once as they are, then once per mutant."""

    def __init__(self, wanted: list[tuple[str, Module]]) -> None:
        self._wanted = wanted
        self._running: dict[int, tuple[str, Module]] = {}
        self.at_import: list[tuple[str, Module]] = []
        self.failed: list[str] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give properties few examples, the same ones each time, and no shrinking."""
        from hypothesis import HealthCheck, Phase, settings

        for item in items:
            function: Any = getattr(item, "function", None)
            given = getattr(function, "_hypothesis_internal_use_settings", None)
            if given is not None:
                function._hypothesis_internal_use_settings = settings(
                    given,
                    max_examples=min(given.max_examples, EXAMPLES),
                    phases=(Phase.explicit, Phase.generate),
                    derandomize=True,
                    database=None,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                )

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure which tests reach which function, then test the mutants."""
        reached, seconds, self.failed = in_child(lambda: measure(session))
        if len(self.failed) > MAY_FAIL:
            return True
        items = {item.nodeid: item for item in session.items}
        started = time.monotonic()
        gc.collect()
        gc.freeze()
        before = None
        for number, (name, module) in enumerate(self._wanted, start=1):
            if before is not None and before is not module:
                before.data.save()
            before = module
            tests = [test for test in reached.get(name.partition("__mutmut_")[0], []) if is_near(module.path, test)]
            if not tests:
                self.at_import.append((name, module))
                continue
            mirror = f"test_{module.path.stem}"
            tests.sort(key=lambda test: (mirror not in test, seconds[test]))
            while len(self._running) >= WORKERS:
                self._reap()
            self._start(session, name, module, {items[test]: seconds[test] for test in tests})
            if number % 100 == 0:
                rate = number / (time.monotonic() - started)
                module.data.save()
                print(f"\r{number} of {len(self._wanted)} mutants, {rate:.0f} per second", end="", file=sys.stderr)
        while self._running:
            self._reap()
        print(file=sys.stderr)
        return True

    def _start(self, session: pytest.Session, name: str, module: Module, items: dict[pytest.Item, float]) -> None:
        pid = os.fork()
        if pid:
            self._running[pid] = (name, module)
            return
        silence()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.alarm(60 + int(30 * sum(items.values())))
        activate(name)
        code = 1
        with contextlib.suppress(BaseException):
            code = 1 if first_failure(session, list(items), limits=items) else 0
        os._exit(code)

    def _reap(self) -> None:
        pid, status = os.wait()
        name, module = self._running.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        module.data.exit_code_by_key[name] = 36 if code in (-signal.SIGPROF, -signal.SIGALRM) else min(abs(code), 1)


def is_near(path: Path, test: str) -> bool:
    """Tell whether a test is asked about a module: one of its floor, and none that is slow because it asks them all."""
    own = OWN.get(path.parent.name)
    if own is not None:
        return test.startswith(own)
    return test.startswith(NEAR) is not (path.stem in WHOLE)


def activate(name: str) -> None:
    """Switch a mutant on."""
    from mutmut.mutation.trampoline import set_mutant_under_test

    set_mutant_under_test(name)


def silence() -> None:
    """Send what a child prints to nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def first_failure(
    session: pytest.Session,
    items: Sequence[pytest.Item],
    then: pytest.Item | None = None,
    limits: Mapping[pytest.Item, float] | None = None,
) -> str | None:
    """Run tests until one fails, and return which. No report is made: writing one costs more than the test.

    Args:
        session: the session whose fixtures are set up and torn down.
        items: the tests, in order.
        then: the test that will follow.
        limits: seconds that each test usually takes; one that uses the processor ten times as long ends this process.
    """
    for item, following in zip(items, [*items[1:], then], strict=True):
        if getattr(item, "_request", None) is False:
            item._initrequest()  # type: ignore[attr-defined]
        item.stash[tmppath_result_key] = {"call": True}
        if limits is not None:
            signal.setitimer(signal.ITIMER_PROF, 2 + 10 * limits[item])
        try:
            session._setupstate.setup(item)
            item.runtest()
        except pytest.skip.Exception:
            continue
        except BaseException:
            return item.nodeid
        finally:
            session._setupstate.teardown_exact(following)
    return None


def measure(session: pytest.Session) -> tuple[dict[str, list[str]], dict[str, float], list[str]]:
    """Run all tests without a mutant: which reach which function, how long each takes, and which fail."""
    from mutmut.state import state

    reached: dict[str, list[str]] = {}
    seconds: dict[str, float] = {}
    failed = []
    activate("stats")
    hits = state()._stats
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        hits.clear()
        started = time.monotonic()
        failure = first_failure(session, [item], following)
        seconds[item.nodeid] = time.monotonic() - started
        if failure:
            failed.append(failure)
            continue
        for function in hits:
            reached.setdefault(function, []).append(item.nodeid)
    return reached, seconds, failed


def in_child(work: Callable[[], Any]) -> Any:
    """Return what a function answers in a forked child, so that no cache of this process remembers it."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        silence()
        with contextlib.suppress(BaseException), os.fdopen(write, "w") as stream:
            json.dump(work(), stream)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        answer = stream.read()
    os.waitpid(pid, 0)
    return json.loads(answer)


def test_at_import(waiting: Sequence[tuple[str, Module]], selection: Sequence[str]) -> None:
    """Test the mutants of functions that only run at import, each in an interpreter of its own."""
    running: dict[subprocess.Popen[bytes], tuple[str, Module]] = {}

    def reap() -> None:
        done = next(process for process in running if process.wait() is not None)
        name, module = running.pop(done)
        module.data.exit_code_by_key[name] = 0 if done.returncode == 0 else 1

    for number, (name, module) in enumerate(waiting, start=1):
        if len(running) >= WORKERS:
            reap()
        mirror = sorted(Path("tests/policy").rglob(f"test_*{module.path.stem}*.py"))
        floor = Path("tests/policy") / module.path.parent.name
        tests = [str(path) for path in mirror] or [str(floor)]
        command = [sys.executable, "-m", "pytest", "-x", "-q", *OPTIONS, *tests, *selection]
        environment = {**os.environ, "MUTANT_UNDER_TEST": name, "PYTHONPATH": os.pathsep.join(["src", "."])}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        running[process] = (name, module)
        print(f"\r{number} of {len(waiting)} mutants of import time", end="", file=sys.stderr)
    while running:
        reap()
    print(file=sys.stderr)


OPTIONS = ("--rootdir=.", "-n", "0", "-s", "-p", "no:cacheprovider", "--timeout=0")


def explained() -> set[str]:
    """Return the mutants that docs/verification.md lists with the reason why no test can tell them apart."""
    if not EXPLAINED.exists():
        return set()
    return set(re.findall(r"`(openclaw\.policy\.[^`]+__mutmut_\d+)`", EXPLAINED.read_text(encoding="utf-8")))


def report(modules: Sequence[Module], names: set[str]) -> Iterator[str]:
    """Write the score of each module, and each survivor that is not explained."""
    known, open_names, total, dead = explained(), [], 0, 0
    yield f"{'module':44} {'mutants':>8} {'killed':>7} {'timeout':>8} {'survived':>9} {'score':>7}"
    for module in modules:
        codes = {name: code for name, code in module.data.exit_code_by_key.items() if name in names}
        if not codes:
            continue
        count = {state: sum(STATES.get(code or 0) == state for code in codes.values()) for state in STATES.values()}
        gone = count["killed"] + count["timeout"]
        total, dead = total + len(codes), dead + gone
        label = str(module.path.relative_to("src/openclaw"))
        yield (
            f"{label:44} {len(codes):8} {count['killed']:7} {count['timeout']:8} {count['survived']:9} "
            f"{100 * gone / len(codes):6.1f}%"
        )
        open_names += [name for name, code in codes.items() if STATES.get(code or 0) == "survived"]
    unexplained = [name for name in open_names if name not in known]
    score = 100 * dead / total if total else 100.0
    yield f"{'all':44} {total:8} {dead:7} {'':8} {total - dead:9} {score:6.1f}%"
    yield f"{len(open_names) - len(unexplained)} survivors are explained in {EXPLAINED.relative_to(ROOT)}."
    for name in unexplained:
        yield f"unexplained: {name}"
    if unexplained or score < TARGET:
        yield f"not met: at least {TARGET:.0f} % and no unexplained survivor (mutmut show NAME)"


def main(arguments: Sequence[str]) -> int:
    """Make and test the mutants; 0 when the score is reached and every survivor is explained."""
    os.chdir(ROOT)
    patterns = [argument for argument in arguments if not argument.startswith("--")] or ["*"]
    print("making mutants", file=sys.stderr)
    modules = generate(afresh=not {"--continue", "--survivors"} & set(arguments))
    named = [
        (name, module)
        for module in modules
        for name in module.names
        if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
    ]
    open_codes = (None, 0, 33) if "--survivors" in arguments else (None,)
    wanted = [(name, module) for name, module in named if module.data.exit_code_by_key[name] in open_codes]
    from mutmut.configuration import config

    selection = list(config().pytest_add_cli_args_test_selection)
    loop = Loop(wanted)
    os.chdir(WORK)
    activate("")
    print("measuring which tests reach which function", file=sys.stderr)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = pytest.main([*OPTIONS, "-q", *selection], plugins=[loop])
    for name in loop.failed:
        print(f"left out, since it fails on instrumented code without any mutant: {name}", file=sys.stderr)
    if code or len(loop.failed) > MAY_FAIL:
        print(said.getvalue()[-4000:], file=sys.stderr)
        return 1
    test_at_import(loop.at_import, [option for option in selection if option.startswith("-")])
    os.chdir(ROOT)
    for module in modules:
        module.data.save()
    lines = list(report(modules, {name for name, _ in named}))
    print("\n".join(lines))
    return 1 if lines[-1].startswith("not met") else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
