"""Safe bins: only listed options, no operands that name files, no expansion (advisories H12)."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.policy.what.exec_model import SafeBinProfile
from openclaw.policy.what.safe_bins import DEFAULT_SAFE_BINS, PROFILES, fits_profile, is_pathlike
from support.exec_world import why

ALL = [*PROFILES]
ACCEPTED = [
    "cut -d/ -f1", "cut -d : -f 2-", "cut --fields=1 --delimiter , --complement", "cut -sf1 -d' '", "cut -nb1",
    "uniq -c", "uniq -f1", "uniq --skip-fields 1", "uniq --group", "uniq --group=append", "head",
    "head -n 5", "head -5", "head -c9", "head --lines=-5 -q", "head -", "head - -", "tail -n +5", "tail -12",
    "tail --bytes 4", "tr a-z A-Z", "tr -d '\\n'", "tr -cd 0-9", "tr / _", "tr -- a b", "wc -l", "wc -lwc",
    "wc --max-line-length", "grep -e x", "grep -ivce x", "grep --regexp=x -m 1", "grep -A1 -B2 -e 'a b'", "sort -rn",
    "sort -k2,2 -t:", "sort --key=1 --reverse", "sort -u -", "sort -t/",
]  # fmt: skip
REFUSED = [
    "cut -f1 x", "cut --output x", "cut --fie=1", "cut -f1 /etc/passwd", "cut -d/etc", "cut -d ./x -f1", "uniq in",
    "uniq in out", "uniq -D", "uniq --group x", "uniq --all-repeated", "head x", "head -n5 x", "head -n ~/x",
    "head --lin=5", "head -5q", "head -5 x", "head -n", "head *", "head $X", "head -n $X", "head ~", "head -- x",
    "head -x", "tail -f", "tail -F", "tail --follow", "tail --retry", "tail -5f", "tail --pid=1", "tail +5", "tr",
    "tr a b c", "tr -x a b", "tr /etc/x b", "tr '../x' b", "wc x", "wc --files0-from=x", "wc --files0-from x", "grep x",
    "grep -f x -e y", "grep -r -e x", "grep -R -e x", "grep -d read -e x", "grep -D read", "grep -z -e x",
    "grep --file=x", "grep --recursive -e x", "grep --include=x", "grep --exclude-from=x", "grep -e /etc/passwd",
    "grep -e x y", "grep -5 -e x", "sort x", "sort -o x", "sort -ox", "sort --output=x", "sort -T /tmp", "sort -S1",
    "sort -m", "sort --compress-program=x", "sort --comp=x", "sort --files0-from=x", "sort --random-source=x",
    "sort --random-sort", "sort --parallel=2", "sort -k", "sort --debug", "jq .", "awk 1", "sed p",
    "gawk 1",
]  # fmt: skip


@pytest.mark.parametrize("line", ACCEPTED)
def test_what_only_reads_standard_input_runs_without_an_entry(line: str) -> None:
    assert why(line, safeBins=ALL) == "safe-bin"


@pytest.mark.parametrize("line", REFUSED)
def test_adv_H12_what_may_touch_a_file_or_start_a_program_asks(line: str) -> None:
    assert why(line, safeBins=[*ALL, "jq", "awk", "sed", "gawk"]) == "allowlist-miss"


def test_adv_H12_the_default_set_is_small() -> None:
    assert sorted(DEFAULT_SAFE_BINS) == ["cut", "head", "tail", "tr", "uniq", "wc"]
    assert why("sort") == "allowlist-miss"
    assert why("grep -e x") == "allowlist-miss"


@pytest.mark.parametrize("name", ["sh", "bash", "python3", "gawk", "sed", "env", "xargs", "jq", "busybox"])
def test_adv_H12_a_profile_makes_no_interpreter_or_wrapper_safe(name: str) -> None:
    anything = {name: {"maxPositional": 9}}
    facts: dict[str, Any] = {"safeBins": [name], "safeBinProfiles": anything, "safeBinTrustedDirs": ["/usr/local/bin"]}
    assert why(f"{name} x", **facts) == "allowlist-miss"
    assert why("git x", safeBins=["git"], safeBinProfiles={"git": {"maxPositional": 1}}) == "safe-bin"


def test_a_built_in_profile_cannot_be_loosened() -> None:
    assert (
        why("sort -o x", safeBins=["sort"], safeBinProfiles={"sort": {"allowedValueFlags": ["-o"]}}) == "allowlist-miss"
    )


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("", False), ("a", True), ("a b", True), ("a b c", False), ("-x v a", True), ("-xv a", True),
        ("-x /v a", False), ("--long=v a", True), ("--long v a", True), ("--other a", False), ("-q a", True),
        ("-d a", False), ("-qd a", False), ("--deny a", False), ("/a", False),
    ],
)  # fmt: skip
def test_a_custom_profile_lists_values_and_denials(line: str, fits: bool) -> None:
    profile = SafeBinProfile.custom(operands=(1, 2), value_flags=["-x", "--long"], denied_flags=["-d", "--deny"])
    assert fits_profile(profile, line.split()) is fits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/", False), ("~", False), (".", False), ("/x", True), ("./x", True), ("../x", True), ("..", True),
        ("~x", True), ("C:\\x", True), ("x/y", False), ("", False),
    ],
)  # fmt: skip
def test_path_likeness(text: str, expected: bool) -> None:
    assert is_pathlike(text) is expected


OPTION_TEXT = st.text(alphabet="abcdefhiklmnoqrstuvwxzACDEFGHLMPRSTVz-=/.~0", min_size=1, max_size=6)


@given(st.sampled_from(ALL), st.lists(OPTION_TEXT.map(lambda text: f"-{text}") | OPTION_TEXT, max_size=3))
def test_adv_H12_no_accepted_call_names_a_path(name: str, arguments: list[str]) -> None:
    if fits_profile(PROFILES[name], arguments):
        assert not any(text.startswith(("/", "./", "../", "~")) and len(text) > 1 for text in arguments)
        assert not any(
            text.startswith(("-o", "-T", "-f/", "--output", "--files0", "--compress"))
            for text in arguments
            if name == "sort"
        )


MAN_OPTIONS = {
    "sort": "-o --output -T --temporary-directory --compress-program --files0-from --random-source -S -m",
    "wc": "--files0-from",
    "tail": "-f -F --follow --retry --pid -s",
    "grep": "-f --file -r --exclude-from",
}


@pytest.mark.parametrize("name", sorted(MAN_OPTIONS))
@pytest.mark.skipif(not shutil.which("sort"), reason="needs coreutils")
def test_adv_H12_dangerous_options_of_the_installed_tools_are_refused_in_every_spelling(name: str) -> None:
    manual = subprocess.run([name, "--help"], capture_output=True, text=True, check=True).stdout
    for option in MAN_OPTIONS[name].split():
        assert option in manual
        for spelling in ([option], [option, "x"], [f"{option}=x"], [f"{option}x"]):
            assert not fits_profile(PROFILES[name], spelling), spelling
        if option.startswith("--"):
            assert not fits_profile(PROFILES[name], [option[:-1]])
