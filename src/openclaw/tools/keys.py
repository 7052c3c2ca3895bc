"""Names of keys to the bytes that a terminal sends for them (exec.md 1.6, `send-keys`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_ESC: Final = "\x1b"
PASTE_START: Final = f"{_ESC}[200~"
PASTE_END: Final = f"{_ESC}[201~"

_PLAIN: Final = {
    "enter": "\r",
    "return": "\r",
    "tab": "\t",
    "escape": _ESC,
    "esc": _ESC,
    "space": " ",
    "backspace": "\x7f",
    "bspace": "\x7f",
    "btab": f"{_ESC}[Z",
}
_LETTERED: Final = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
"""Keys of the form ESC [ letter; with modifiers ESC [ 1 ; code letter."""
_FUNCTION: Final = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
"""Keys of the form ESC O letter; with modifiers like the above."""
_NUMBERED: Final = {
    "insert": 2,
    "ins": 2,
    "ic": 2,
    "delete": 3,
    "del": 3,
    "dc": 3,
    "pgup": 5,
    "pageup": 5,
    "ppage": 5,
    "pgdn": 6,
    "pagedown": 6,
    "npage": 6,
    "f5": 15,
    "f6": 17,
    "f7": 18,
    "f8": 19,
    "f9": 20,
    "f10": 21,
    "f11": 23,
    "f12": 24,
}
"""Keys of the form ESC [ number ~; with modifiers ESC [ number ; code ~."""
_KEYPAD: Final = {
    **{f"kp{digit}": f"{_ESC}O{letter}" for digit, letter in zip("0123456789", "pqrstuvwxy", strict=True)},
    "kp.": f"{_ESC}On",
    "kp/": f"{_ESC}Oo",
    "kp*": f"{_ESC}Oj",
    "kp-": f"{_ESC}Om",
    "kp+": f"{_ESC}Ok",
    "kpenter": f"{_ESC}OM",
}
_MODIFIERS: Final = re.compile(r"((?:[CMS]-)+)(.+)", re.IGNORECASE | re.DOTALL)
_SHIFT, _ALT, _CTRL = 1, 2, 4
_MODIFIER_BITS: Final = {"c": _CTRL, "m": _ALT, "s": _SHIFT}


@dataclass(frozen=True, slots=True)
class Keys:
    """The bytes to send and what could not be understood."""

    data: bytes
    warnings: tuple[str, ...]


def encode(*, literal: str | None, hex_bytes: Iterable[str], names: Iterable[str]) -> Keys:
    """Return literal text, then bytes given in hex, then named keys, in this order; unknown ones are left out."""
    parts = [(literal or "").encode("utf-8", "replace")]
    warnings = []
    for text in hex_bytes:
        byte = _hex_byte(text)
        if byte is None:
            warnings.append(f'"{text[:20]}" is not a byte in hex.')
        else:
            parts.append(byte)
    for name in names:
        sequence = key_sequence(name)
        if sequence is None:
            warnings.append(f'Unknown key "{name[:20]}".')
        else:
            parts.append(sequence.encode("utf-8", "replace"))
    return Keys(b"".join(parts), tuple(warnings))


def _hex_byte(text: str) -> bytes | None:
    found = re.fullmatch(r"(?:0x)?([0-9a-fA-F]{1,2})", text.strip())
    return bytes([int(found[1], 16)]) if found else None


def key_sequence(name: str) -> str | None:
    """Return what a terminal sends for one key, with modifiers `C-`, `M-`, `S-` or `^x`; None when it is unknown."""
    modifiers = 0
    base = name
    if len(name) == 2 and name[0] == "^":
        modifiers, base = _CTRL, name[1]
    elif found := _MODIFIERS.fullmatch(name):
        base = found[2]
        for letter in found[1].lower().replace("-", ""):
            modifiers |= _MODIFIER_BITS[letter]
    return _sequence(base, modifiers)


def _sequence(base: str, modifiers: int) -> str | None:
    key = base.lower()
    code = 1 + modifiers
    if key in _LETTERED:
        return f"{_ESC}[1;{code}{_LETTERED[key]}" if modifiers else f"{_ESC}[{_LETTERED[key]}"
    if key in _FUNCTION:
        return f"{_ESC}[1;{code}{_FUNCTION[key]}" if modifiers else f"{_ESC}O{_FUNCTION[key]}"
    if key in _NUMBERED:
        return f"{_ESC}[{_NUMBERED[key]};{code}~" if modifiers else f"{_ESC}[{_NUMBERED[key]}~"
    if key in _KEYPAD:
        return None if modifiers else _KEYPAD[key]
    if key == "tab" and modifiers & _SHIFT:
        return _alt(_PLAIN["btab"], modifiers)
    text = _PLAIN.get(key, base if len(base) == 1 else None)
    return None if text is None else _with_modifiers(text, modifiers)


def _with_modifiers(text: str, modifiers: int) -> str | None:
    if modifiers & _SHIFT and len(text) == 1:
        text = text.upper()
    if modifiers & _CTRL:
        control = _control(text)
        if control is None:
            return None
        text = control
    return _alt(text, modifiers)


def _control(text: str) -> str | None:
    if text == " ":
        return "\0"
    if text == "?":
        return "\x7f"
    upper = text.upper()
    if len(upper) == 1 and "@" <= upper <= "_":
        return chr(ord(upper) & 0x1F)
    return text if text in {"\r", "\t", _ESC, "\x7f"} else None


def _alt(text: str, modifiers: int) -> str:
    return _ESC + text if modifiers & _ALT else text


def pasted(text: str, *, bracketed: bool) -> bytes:
    """Return text as a terminal pastes it; text cannot close its own brackets."""
    if not bracketed:
        return text.encode("utf-8", "replace")
    inside = text
    while PASTE_END in inside or PASTE_START in inside:
        inside = inside.replace(PASTE_END, "").replace(PASTE_START, "")
    return f"{PASTE_START}{inside}{PASTE_END}".encode("utf-8", "replace")
