"""The digest by which a gateway's certificate is known to its clients (gateway.md 2.7)."""

from __future__ import annotations

import hashlib
import ssl
from typing import Final

CERTIFICATE_LIMIT: Final = 256 * 1024
"""Bytes of a certificate file with its chain."""
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"


def certificate_digest(pem: bytes) -> str:
    """Return the SHA-256 of the first certificate of a PEM file, in lower-case hex: what a server with it shows.

    Raises:
        ValueError: there is no certificate in it.
    """
    text = pem.decode("ascii")
    body, end, _ = text[text.index(_BEGIN) :].partition(_END)
    der = ssl.PEM_cert_to_DER_cert(f"{body}{_END}\n") if end else b""
    if not der:
        raise ValueError("the certificate is cut off or empty")
    return hashlib.sha256(der).hexdigest()
