"""Hints about the machine. None of them is ever a repair: they are choices of whoever owns it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openclaw.security.doctor.checks.state import some
from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.model import NOTE, WARN, Found, check

TITLE: Final = "This machine"


@check("host.root", TITLE)
def root(context: DoctorContext) -> Iterator[Found]:
    """A gateway that runs as root gives root to whoever takes it over."""
    if context.machine.uid == 0:
        yield (
            WARN,
            "You are root: a gateway started like this runs as root, and so does what its agent runs on the host.",
            "Give it a user account of its own.",
        )


@check("host.users", TITLE)
def users(context: DoctorContext) -> Iterator[Found]:
    """On a shared machine the other people are one mistake away from the state."""
    others = [name for name in context.machine.login_users if name != context.machine.user]
    if others:
        yield (
            NOTE,
            f"Other people can log in here: {some(others)}.",
            "Keep the gateway in a user account that only you use.",
        )


@check("host.disk", TITLE)
def disk(context: DoctorContext) -> Iterator[Found]:
    """Whoever holds an unencrypted disk holds the secrets and conversations on it."""
    if context.machine.disk == "plain":
        yield (
            NOTE,
            "The disk under the state directory does not look encrypted, as far as this machine can tell.",
            "Full-disk encryption protects keys and conversations when the disk leaves your hands.",
        )


CHECKS: Final = (root, users, disk)
