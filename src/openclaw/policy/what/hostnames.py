"""Host names as browsers read them: percent signs, wide letters and international names become plain ASCII.

Doubt refuses: a host that cannot be brought into one plain form is none (exec.md 5.1 steps 2 to 4, advisories L9).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote_to_bytes

from openclaw.policy.what.addresses import parse_address

MAX_HOST: Final = 253
MAX_LABEL: Final = 63

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f\"#%/:<>?@\[\\\]^`{|}]")
_IGNORED: Final = re.compile(
    "[\u00ad\u034f\u180b-\u180d\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef]"
)
_KEPT_BY_FOLDING: Final = frozenset("ßς")
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
_NUMERIC: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def plain_host(text: str) -> str | None:
    """Return a host in lower-case ASCII without trailing dots, an IPv6 literal without brackets; None when it is none.

    Args:
        text: the host of a URL as written, brackets included.
    """
    if text.startswith("["):
        address = parse_address(text[1:-1]) if text.endswith("]") and ":" in text else None
        return str(address) if address is not None else None
    try:
        decoded = unquote_to_bytes(text).decode()
    except ValueError:
        return None
    host = _folded(decoded).rstrip(".")
    if not host or _FORBIDDEN.search(host):
        return None
    labels: list[str] = []
    for part in host.split("."):
        label = _plain_label(part)
        if label is None:
            return None
        labels.append(label)
    joined = ".".join(labels)
    return joined if len(joined) <= MAX_HOST else None


def is_legacy_address(host: str) -> bool:
    """Tell whether a plain host is an IPv4 address in a form other than the dotted quad."""
    return _NUMERIC.fullmatch(host.rpartition(".")[2]) is not None and parse_address(host) is None


def _folded(text: str) -> str:
    """Map a name as UTS-46 does: ignorable characters vanish, wide and compatibility forms become ordinary ones."""
    text = unicodedata.normalize("NFKC", _IGNORED.sub("", text))
    text = "".join(char if char in _KEPT_BY_FOLDING else char.casefold() for char in text)
    return unicodedata.normalize("NFKC", text).replace("\u3002", ".")


def _plain_label(label: str) -> str | None:
    if not label or len(label) > MAX_LABEL:
        return None
    try:
        if label.isascii():
            return label if not label.startswith("xn--") or _is_canonical(label) else None
        if not _is_valid(label):
            return None
        encoded = "xn--" + label.encode("punycode").decode()
    except (UnicodeError, ValueError, OverflowError, IndexError):
        return None
    return encoded if len(encoded) <= MAX_LABEL else None


def _is_canonical(label: str) -> bool:
    """Tell whether an encoded label stands for a name that encodes to the same label."""
    decoded = label[4:].encode().decode("punycode")
    if decoded.isascii() or not _is_valid(decoded) or _folded(decoded) != decoded:
        return False
    return decoded.encode("punycode").decode() == label[4:]


def _is_valid(label: str) -> bool:
    """Tell whether an international label has no control or unassigned character and begins with no combining mark."""
    categories = [unicodedata.category(char) for char in label]
    return not _REFUSED_CATEGORIES & set(categories) and not categories[0].startswith("M")
