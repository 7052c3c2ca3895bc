"""The questions of `openclaw configure --section skills`. Each answer is a change; nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from openclaw.cli.questions import confirm, many, needed, secret, select, text

if TYPE_CHECKING:
    from openclaw.config.sections.skills import SkillEntry, Skills
    from openclaw.config.text_edit import Change
    from openclaw.system.environment import Environment

WHAT: Final = (
    ("entry", "One skill: whether it is offered, and its key"),
    ("bundled", "Which of the bundled skills are offered"),
    ("folders", "Further folders with skills"),
    ("none", "Nothing more"),
)
BUNDLED: Final = (("all", "All of them"), ("some", "Only those that I name"), ("none", "None"))


def ask_skills(skills: Skills, environment: Environment) -> list[Change]:
    """Ask what is to change, until a person has nothing more to say."""
    changes: list[Change] = []
    entries = dict(skills.entries or {})
    while True:
        proposed = "entry" if not changes else "none"
        match select("What about the skills?" if not changes else "What else about the skills?", WHAT, proposed):
            case "entry":
                changes += _entry(entries)
            case "bundled":
                changes += _bundled(skills)
            case "folders":
                changes += _folders(skills, environment)
            case _:
                return changes


def _entry(entries: Mapping[str, SkillEntry]) -> list[Change]:
    from openclaw.config.text_edit import Put

    name = _which(entries)
    known = entries.get(name)
    was = known is None or known.enabled is not False
    offered = confirm(f"Offer the skill {name}?", default=was)
    changes: list[Change] = [] if known is not None and was == offered else [_put(name, "enabled", offered)]
    key = secret(f"Key of {name} (not shown; nothing to leave it as it is):") if offered else None
    if key is not None:
        changes.append(Put(("skills", "entries", name, "apiKey"), key.reveal()))
    return changes


def _put(name: str, key: str, value: object) -> Change:
    from openclaw.config.text_edit import Put

    return Put(("skills", "entries", name, key), value)


def _which(entries: Mapping[str, SkillEntry]) -> str:
    rows = [(name, name) for name in sorted(entries)]
    other = ""
    chosen = select("Which skill?", [*rows, (other, "Another one")], rows[0][0]) if rows else other
    return chosen or text("Name of the skill:", fault=_name_fault)


def _name_fault(typed: str) -> str | None:
    from openclaw.config.paths import check_keys
    from openclaw.system.errors import OpenClawError

    try:
        check_keys({typed: True})
    except OpenClawError as error:
        return error.message
    return needed(typed) or (None if typed.isprintable() else "A name has no control characters.")


def _bundled(skills: Skills) -> list[Change]:
    from openclaw.config.text_edit import Drop, Put

    path = ("skills", "allowBundled")
    now = list(skills.allow_bundled or ()) if skills.allow_bundled is not None else None
    kind = "all" if now is None else "some" if now else "none"
    chosen = select("Which bundled skills are offered?", BUNDLED, kind)
    if chosen == "all":
        return [] if now is None else [Drop(path)]
    names = _listed(text("Their names, with commas:", ", ".join(now or ()), fault=needed)) if chosen == "some" else []
    return [Put(path, names)]


def _folders(skills: Skills, environment: Environment) -> list[Change]:
    from openclaw.config.text_edit import Put

    now = list(skills.load.extra_dirs or ())
    kept = many("Which folders stay?", [(one, one) for one in now], now) if now else []

    def fault(typed: str) -> str | None:
        return None if not typed or environment.expand(typed).is_dir() else "There is no such folder."

    more = text("One more folder (nothing for none):", fault=fault)
    wanted = [*kept, *([more] if more and more not in kept else [])]
    return [] if wanted == now else [Put(("skills", "load", "extraDirs"), wanted)]


def _listed(typed: str) -> list[str]:
    return [one for one in (piece.strip() for piece in typed.split(",")) if one]
