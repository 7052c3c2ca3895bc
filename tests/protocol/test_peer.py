"""What handlers see of a connection."""

from __future__ import annotations

from dataclasses import replace

from openclaw.policy.where.scopes import Role, Scope
from openclaw.protocol.peer import Client, Peer

PEER = Peer(
    conn_id="c",
    protocol=4,
    client=Client("cli", "cli", display_name="Box", instance_id="i"),
    role=Role.OPERATOR,
    scopes=(Scope.WRITE,),
    device_id="d",
    auth_method="token",
    local=True,
    remote_address="127.0.0.1",
)


def test_a_peer_holds_what_its_scopes_imply() -> None:
    assert PEER.has(Scope.READ)
    assert not PEER.has(Scope.ADMIN)
    assert not replace(PEER, role=Role.NODE, scopes=(Scope.ADMIN,)).has(Scope.READ)


def test_a_peer_is_known_by_device_else_instance_else_connection() -> None:
    assert PEER.identity == "d"
    assert replace(PEER, device_id=None).identity == "i"
    assert replace(PEER, device_id=None, client=Client("cli", "cli")).identity == "c"
    assert PEER.name == "Box"
    assert replace(PEER, client=Client("cli", "cli")).name == "cli"


def test_a_node_manages_no_devices() -> None:
    assert PEER.caller().device_id == "d"
    assert replace(PEER, role=Role.NODE, scopes=(Scope.ADMIN,)).caller().scopes == ()
