"""The digest of a certificate file is that of what the server shows."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path

import pytest

from openclaw.config.model import Config
from openclaw.gateway.tls import tls_context
from openclaw.state.layout import StateLayout
from openclaw.system.certificates import certificate_digest


def served(root: Path) -> tuple[ssl.SSLContext, Path]:
    layout = StateLayout.at(root)
    config = Config.from_document({"gateway": {"tls": {"enabled": True}}})
    context = tls_context(config.gateway, layout, config.environment)
    assert context is not None
    return context, layout.tls_certificate


@pytest.mark.asyncio
async def test_it_is_the_digest_that_a_client_sees(tmp_path: Path) -> None:
    context, place = served(tmp_path)

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
    assert certificate_digest(place.read_bytes()) == hashlib.sha256(shown).hexdigest()


def test_of_a_chain_the_first_counts_whatever_stands_around_it(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    own, other = (served(root)[1].read_bytes() for root in (tmp_path, tmp_path / "other"))
    assert own != other
    assert certificate_digest(b"subject: gateway\n" + own + other) == certificate_digest(own)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"\xff\xfe",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n",
        b"-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_no_certificate_is_a_value_error(pem: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - several of Python's own
        certificate_digest(pem)
