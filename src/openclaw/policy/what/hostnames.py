"""Host names as browsers read them: percent signs, wide letters and international names become plain ASCII.

Doubt refuses: a host that cannot be brought into one plain form is none (exec.md 5.1 steps 2 to 4, advisories L9).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote_to_bytes

from openclaw.policy.what.addresses import Address, parse_address

MAX_HOST: Final = 253
MAX_LABEL: Final = 63

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f\"#%/:<>?@\[\\\]^`{|}]")
_IGNORED: Final = re.compile(
    "[\u00ad\u034f\u180b-\u180d\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_DOTS: Final = re.compile("[\u3002\uff0e\uff61]")
_KEPT_BY_FOLDING: Final = frozenset("ßς")
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
_NUMERIC: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_QUAD: Final = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}")


def plain_host(text: str) -> str | None:
    """Return a host in lower-case ASCII without trailing dots, an IPv6 literal without brackets; None when it is none.

    Args:
        text: the host of a URL as written, brackets included.
    """
    if text.startswith("["):
        address = parse_address(text[1:-1]) if text.endswith("]") and ":" in text else None
        return str(address) if address is not None else None
    try:
        decoded = unquote_to_bytes(text).decode("utf-8", "strict") if "%" in text else text
    except ValueError:
        return None
    folded = decoded.lower() if decoded.isascii() else _folded(decoded)
    host = folded.rstrip(".")
    if not host or _FORBIDDEN.search(host):
        return None
    labels = [_plain_label(label) for label in host.split(".")]
    if None in labels:
        return None
    joined = ".".join(label or "" for label in labels)
    return joined if len(joined) <= MAX_HOST else None


def is_legacy_address(host: str) -> bool:
    """Tell whether a plain host is an IPv4 address in a form other than the dotted quad."""
    return ":" not in host and _NUMERIC.fullmatch(host.rpartition(".")[2]) is not None and literal_address(host) is None


def literal_address(host: str) -> Address | None:
    """Return the address that a plain host spells out, or None when it is a name."""
    if ":" in host:
        return parse_address(host)
    return parse_address(host) if _QUAD.fullmatch(host) else None


def _folded(text: str) -> str:
    """Map a name as UTS-46 does: ignorable characters vanish, wide and compatibility forms become ordinary ones."""
    text = _DOTS.sub(".", _IGNORED.sub("", text))
    text = unicodedata.normalize("NFKC", text)
    text = "".join(char if char in _KEPT_BY_FOLDING else char.casefold() for char in text)
    return _DOTS.sub(".", unicodedata.normalize("NFKC", text))


def _plain_label(label: str) -> str | None:
    if not label or len(label) > MAX_LABEL:
        return None
    try:
        if label.isascii():
            return label if not label.startswith("xn--") or _is_canonical(label) else None
        if not _is_valid(label):
            return None
        encoded = "xn--" + label.encode("punycode").decode("ascii")
    except (UnicodeError, ValueError, OverflowError, IndexError):
        return None
    return encoded if len(encoded) <= MAX_LABEL else None


def _is_canonical(label: str) -> bool:
    """Tell whether an encoded label stands for a name that encodes to the same label."""
    decoded = label[4:].encode("ascii").decode("punycode")
    if decoded.isascii() or not _is_valid(decoded) or _folded(decoded) != decoded:
        return False
    return decoded.encode("punycode").decode("ascii") == label[4:]


def _is_valid(label: str) -> bool:
    """Tell whether an international label has no control or unassigned character and begins with no combining mark."""
    categories = [unicodedata.category(char) for char in label]
    return not _REFUSED_CATEGORIES & set(categories) and not categories[0].startswith("M")
