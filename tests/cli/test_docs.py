"""`docs/cli.md` names every command and option, and nothing else."""

from __future__ import annotations

import re

import pytest

from openclaw.cli.commands import OPTIONS
from openclaw.cli.root import root
from support.cli_docs import DOC, GATEWAY_OPTIONS, commands, documented, expected, mentioned, stated

SECTIONS = [expected(command, context) for command, context in commands()]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.heading.strip("# `"))
def test_every_command_is_documented_with_exactly_its_options(section: object) -> None:
    from support.cli_docs import Section

    assert isinstance(section, Section)
    page = documented()
    assert section.heading in page, f"docs/cli.md lacks:\n\n{section}"
    assert stated(page[section.heading]) == tuple(line for line in section.lines if line), (
        f"docs/cli.md must say below {section.heading}:\n\n" + "\n".join(section.lines)
    )


def test_no_command_is_documented_that_does_not_exist() -> None:
    assert set(documented()) == {section.heading for section in SECTIONS}


def test_every_command_is_described_in_words() -> None:
    for heading, lines in documented().items():
        assert any(len(line) > 20 and not line.startswith("|") for line in lines), heading


def test_the_page_names_no_option_that_no_command_has() -> None:
    known = {name for command, _ in commands() for one in command.params for name in one.opts}
    known |= {name for one in root.params for name in one.opts} | {"--help"}
    text = DOC.read_text(encoding="utf-8")
    assert mentioned(text) - known == set()


def test_the_options_before_the_command_and_those_of_the_gateway_are_explained() -> None:
    text = DOC.read_text(encoding="utf-8")
    common, _, rest = text.partition("## Gateway options")
    for names, _ in OPTIONS:
        for name in re.findall(r"-{1,2}[a-zA-Z-]+", names):
            assert f"`{name}" in common
    for name in GATEWAY_OPTIONS:
        assert f"| `{name}" in rest.partition("\n## ")[0]


def test_every_command_and_option_has_a_help_of_its_own() -> None:
    for command, context in commands():
        assert command.help, context.command_path
        for one in command.params:
            if one.param_type_name == "option":
                assert getattr(one, "help", ""), f"{context.command_path} {one.opts}"


def test_every_command_shows_an_example() -> None:
    without = {context.command_path for command, context in commands() if not command.epilog}
    assert without <= {"openclaw help"}
