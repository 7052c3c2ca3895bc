"""Inline code in every spelling, and the script files that remain allowed (advisories H10)."""

from __future__ import annotations

import pytest

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.exec_interpreters import interpreter_of
from support.exec_world import EVERYTHING, ask

CODE = [
    "sh", "sh -c id", "sh -ec id", "sh -lc id", "sh -xc id", "sh -s", "sh -", "sh -- ", "sh -i x.sh", "sh -l x.sh",
    "sh -o stdin", "sh -o x", "sh $X", "sh -$X x.sh", "sh -c", "sh +c id", "sh -e -c id", "bash -c id",
    "bash -lic id", "bash --init-file x y.sh", "bash --rcfile x y.sh", "bash --login x.sh", "bash -c'id'",
    "bash -O extglob -c id", "bash -o history x.sh", "bash --dump-po-strings x.sh", "bash -D x.sh",
    "bash --rcfile=x y.sh", "zsh -c id", "zsh -ic id", "zsh -s x", "ksh -c id", "fish -c id", "fish -C id x.fish",
    "fish --init-command=id x.fish", "python3", "python3 -c 1", "python3 -Bc 1", "python3 -m x", "python3 -Im x",
    "python3 -i x.py", "python3 -", "python3 -W", "python3 -W error::m.C x.py", "python3 -X pycache_prefix=. x.py",
    "python3 $X x.py", "python3 --unknown x.py", "node", "node -e 1", "node -pe 1", "node -p 1", "node -r ./x y.js",
    "node --require ./x y.js", "node --eval=1", "node -i", "node --import ./x y.js",
    "node --experimental-loader ./x y.js", "node inspect", "node -", "node https://x/y.js", "perl", "perl -e 1",
    "perl -we 1", "perl -ne 1", "perl -Mx y.pl", "perl -I. y.pl", "perl -i -pe 1", "perl -d y.pl", "ruby -e 1",
    "ruby -rx y.rb", "ruby -ne 1", "ruby -I. y.rb", "ruby", "php -r 1", "php -a", "php -B 1", "php -S h:1",
    "php -d auto_prepend_file=x y.php", "lua -e 1", "lua -l x y.lua", "lua -i y.lua", "lua -", "pwsh -c id",
    "pwsh -Command id", "pwsh -enc aQBk", "pwsh -EncodedCommand aQBk", "pwsh -e aQBk", "pwsh -NoP -c id", "pwsh",
    "pwsh -", "pwsh -File", "pwsh x", "pwsh -File -x.ps1", "pwsh -ec aQBk", "awk '{system(\"id\")}'", "gawk -e 1",
    "gawk -f x -e 1", "gawk -i x -f y", "gawk -f", "gawk -f -", "gawk -f a -f b", "gawk", "sed p", "sed -e p",
    "sed -n p x", "sed -f x -e p", "sed -f x y -e p", "sed --expression=p -f x", "sed -f $X", "sed -nf", "R -e 1",
    "R x.R", "R -f x.R", "deno eval 1", "deno run x.ts", "deno x.ts",
]  # fmt: skip
SCRIPTS = [
    ("sh x.sh a -c b", "x.sh"), ("sh -eu x.sh", "x.sh"), ("sh -- x.sh", "x.sh"), ("bash -euo pipefail x.sh", "x.sh"),
    ("bash +e x.sh", "x.sh"), ("bash --norc --noprofile x.sh", "x.sh"), ("bash -O globstar x.sh", "x.sh"),
    ("python3 x.py -c 1", "x.py"), ("python3 -IBu ./x.py", "x.py"), ("python3 -W error x.py", "x.py"),
    ("python3 -Xdev x.py", "x.py"), ("node x.js -e 1", "x.js"), ("node --no-warnings x.js", "x.js"),
    ("perl -wT x.pl", "x.pl"), ("ruby -w x.rb", "x.rb"), ("php -f x.php", "x.php"), ("php -n x.php", "x.php"),
    ("lua x.lua", "x.lua"), ("pwsh -NoProfile -File x.ps1", "x.ps1"), ("pwsh X.PS1 -c", "X.PS1"),
    ("gawk -F: -v a=1 -f x.awk y", "x.awk"), ("gawk -fx.awk y", "x.awk"), ("sed -n -f x.sed y", "x.sed"),
    ("sed -i.bak --file=x.sed y", "x.sed"), ("fish x.fish", "x.fish"), ("sh x.sh $X", "x.sh"),
    ("/home/u/bin/shx x.sh", "x.sh"), ("zsh ~/x.zsh", None),
]  # fmt: skip


@pytest.mark.parametrize("line", CODE)
def test_adv_H10_every_way_to_inline_code_asks(line: str) -> None:
    decision = ask(line, EVERYTHING)
    assert decision.why in {"strict-inline-eval", "parse:dynamic-executable"}
    assert decision.decision is Outcome.ASK
    assert decision.plan is None


@pytest.mark.parametrize(("line", "script"), SCRIPTS)
def test_a_literal_script_file_is_allowed_and_named_for_binding(line: str, script: str | None) -> None:
    decision = ask(line, EVERYTHING)
    assert decision.why == "allowlist-match"
    assert decision.segments[0].script == (f"/home/u/work/{script}" if script else "/home/u/x.zsh")


def test_without_the_strict_rule_an_allowlisted_interpreter_may_do_anything() -> None:
    assert ask("sh -c id", EVERYTHING, strictInlineEval=False).why == "allowlist-match"


def test_adv_H10_a_busybox_shell_is_a_shell_under_its_own_name_and_a_dispatcher_otherwise() -> None:
    assert ask("ash -c id", EVERYTHING).why == "strict-inline-eval"
    assert ask("ash x.sh", EVERYTHING).why == "allowlist-match"
    assert ask("bbsh x.sh", EVERYTHING).why == "dispatcher"


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("python3.11", "python"), ("pypy3", "python"[:0] + "pypy"), ("perl5.36.0", "perl"), ("lua5.4", "lua"),
        ("node18", "node"), ("mawk", "mawk"), ("awkward", "awk"), ("Rscript", "rscript"), ("bash.exe", "bash"),
        ("rg", None), ("g++", None), ("7z", None),
    ],
)  # fmt: skip
def test_an_interpreter_is_known_by_any_version_of_its_name(name: str, family: str | None) -> None:
    assert interpreter_of(frozenset({name})) == family
