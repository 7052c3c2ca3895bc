from __future__ import annotations

import asyncio
import ssl
import stat
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.load import load_config
from openclaw.config.sections.gateway import Gateway
from openclaw.gateway.tls import tls_context
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import StartRefused
from support.configs import ConfigFolder


def gateway_of(root: Path, **tls: Any) -> tuple[Gateway, StateLayout, Environment]:
    folder = ConfigFolder(root)
    folder.write({"gateway": {"tls": tls}})
    return load_config(folder.layout, folder.environment).gateway, folder.layout, folder.environment


def pair(root: Path) -> tuple[Path, Path]:
    folder = root / "gateway" / "tls"
    return folder / "gateway-cert.pem", folder / "gateway-key.pem"


@pytest.mark.parametrize("tls", [{}, {"enabled": False}])
def test_without_the_switch_there_is_no_tls_and_nothing_is_made(tmp_path: Path, tls: dict[str, Any]) -> None:
    assert tls_context(*gateway_of(tmp_path, **tls)) is None
    assert not (tmp_path / "gateway").exists()


def test_a_pair_is_made_once_and_is_private(tmp_path: Path) -> None:
    found = gateway_of(tmp_path, enabled=True)
    assert tls_context(*found) is not None
    certificate, key = pair(tmp_path)
    made = (certificate.read_bytes(), key.read_bytes())
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert tls_context(*found) is not None
    assert (certificate.read_bytes(), key.read_bytes()) == made


@pytest.mark.asyncio
async def test_it_speaks_tls_1_3_and_nothing_older(tmp_path: Path) -> None:
    context = tls_context(*gateway_of(tmp_path, enabled=True))
    served: list[str | None] = []

    def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer.get_extra_info("ssl_object").version())
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = ssl.create_default_context(cafile=str(pair(tmp_path)[0]))
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="localhost")
        assert await reader.read() == b""
        writer.close()
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="localhost")
    assert served == ["TLSv1.3"]


@pytest.mark.parametrize(
    "tls",
    [
        {"autoGenerate": False},
        {"certPath": "/nowhere/cert.pem", "keyPath": "/nowhere/key.pem"},
        {"certPath": "/etc/passwd", "keyPath": "/etc/passwd"},
        {"caPath": "/nowhere/ca.pem"},
    ],
)
def test_a_certificate_that_cannot_be_used_stops_the_start_and_names_the_keys(
    tmp_path: Path, tls: dict[str, Any]
) -> None:
    with pytest.raises(StartRefused, match=r"set gateway\.tls\.certPath and \.keyPath") as caught:
        tls_context(*gateway_of(tmp_path, enabled=True, **tls))
    assert caught.value.code == "start-tls"


def test_a_configured_pair_is_never_replaced_by_a_made_one(tmp_path: Path) -> None:
    missing = tmp_path / "own.pem"
    with pytest.raises(StartRefused):
        tls_context(*gateway_of(tmp_path, enabled=True, certPath=str(missing), keyPath=str(missing)))
    assert not missing.exists()
    assert not pair(tmp_path)[0].exists()


def test_paths_may_begin_with_the_home_directory(tmp_path: Path) -> None:
    made = gateway_of(tmp_path, enabled=True)
    tls_context(*made)
    home = tmp_path / "home"
    home.mkdir()
    for path in pair(tmp_path):
        path.rename(home / path.name)
    context = tls_context(
        *gateway_of(tmp_path, enabled=True, certPath="~/gateway-cert.pem", keyPath="~/gateway-key.pem")
    )
    assert context is not None
