"""Scopes: gateway.md 2.6, advisories B9, B14, B18, B19."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.where.scopes import (
    OPERATIONS,
    TABLE,
    Operation,
    Role,
    Scope,
    Surface,
    authorize,
    browser_operation,
    closure,
    known_scopes,
    lacking,
    node_operation,
    operation,
    pairing_operation,
)

SCOPES = st.lists(st.sampled_from(list(Scope)), unique=True).map(tuple)
NAMES = st.sampled_from([row.name for row in OPERATIONS]) | st.text(max_size=12)
METHODS_BY_LETTER = {
    Scope.READ: "health status system-presence last-heartbeat logs.tail models.list config.get agents.list "
    "sessions.list sessions.preview chat.history channels.status cron.list cron.get cron.status cron.runs node.list "
    "node.describe skills.status agent.identity.get voicewake.get usage.cost",
    Scope.WRITE: "wake chat.send chat.abort agent agent.wait send node.invoke browser.request talk.mode voicewake.set",
    Scope.ADMIN: "system-event set-heartbeats config.set config.patch config.apply config.schema agents.create "
    "agents.files.get sessions.patch sessions.reset sessions.delete sessions.compact sessions.resolve chat.inject "
    "channels.logout cron.add cron.update cron.remove cron.run exec.approvals.get exec.approvals.set skills.install "
    "update.run poll security.audit",
    Scope.PAIRING: "node.pair.list node.pair.approve node.rename device.pair.list device.pair.approve "
    "device.token.rotate device.token.revoke device.pair.remove pairing.approve",
    Scope.APPROVALS: "exec.approval.request exec.approval.resolve",
}


@pytest.mark.parametrize(
    ("scope", "method"),
    [(scope, method) for scope, methods in METHODS_BY_LETTER.items() for method in methods.split()],
)
def test_each_method_needs_the_scope_of_the_specification(scope: Scope, method: str) -> None:
    assert operation(method).scope is scope
    assert authorize(method, "operator", (scope,)).outcome is Outcome.ALLOW
    refused = authorize(method, "operator", ())
    assert refused.outcome is Outcome.DENY
    assert refused.message == f"missing scope: {scope}"
    assert refused.missing is scope


def test_write_implies_read_and_admin_implies_all() -> None:
    assert closure((Scope.WRITE,)) == {Scope.WRITE, Scope.READ}
    assert closure((Scope.ADMIN,)) == set(Scope)
    for other in (Scope.READ, Scope.APPROVALS, Scope.PAIRING, Scope.QUESTIONS):
        assert closure((other,)) == {other}


@pytest.mark.parametrize("name", ["no.such.method", "", "config.SET", "/reset", "/bash", "/model", "http.unknown"])
def test_what_is_in_no_list_needs_admin(name: str) -> None:
    everything_else = tuple(scope for scope in Scope if scope is not Scope.ADMIN)
    assert authorize(name, "operator", everything_else).message == "missing scope: operator.admin"
    assert authorize(name, "operator", (Scope.ADMIN,)).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    "name", ["node.invoke.result", "node.event", "skills.bins", "node.skills.update", "node.x.update"]
)
def test_node_methods_are_for_nodes_alone(name: str) -> None:
    assert authorize(name, "operator", (Scope.ADMIN,)).message == "unauthorized role: operator"
    assert authorize(name, "node", ()).outcome is Outcome.ALLOW


@pytest.mark.parametrize("name", ["health", "chat.send", "config.get", "node.list", "no.such.method", "/help"])
def test_a_node_calls_nothing_else(name: str) -> None:
    verdict = authorize(name, "node", tuple(Scope))
    assert verdict.message == "unauthorized role: node"
    assert verdict.missing is None


@pytest.mark.parametrize("role", ["", "admin", "OPERATOR", "worker"])
def test_an_unknown_role_calls_nothing(role: str) -> None:
    assert authorize("health", role, tuple(Scope)).outcome is Outcome.DENY
    assert authorize("node.event", role, tuple(Scope)).outcome is Outcome.DENY


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_adv_B15_nothing_is_free_to_a_caller_without_scopes(row: Operation) -> None:
    assert authorize(row.name, "operator", ()).outcome is Outcome.DENY


@pytest.mark.parametrize("scope", list(Scope))
@pytest.mark.parametrize(("http", "method"), [("http.tools.invoke", "agent"), ("http.responses", "agent")])
def test_adv_B16_an_http_endpoint_needs_what_its_method_needs(http: str, method: str, scope: Scope) -> None:
    assert authorize(http, "operator", (scope,)).outcome is authorize(method, "operator", (scope,)).outcome


def test_the_table_names_every_operation_once() -> None:
    assert len(TABLE) == len(OPERATIONS)
    assert all(row.body_limit is not None for row in OPERATIONS if row.surface is Surface.HTTP)
    assert {row.role for row in OPERATIONS} == {Role.OPERATOR, Role.NODE}


@given(NAMES, SCOPES, SCOPES)
@settings(max_examples=150)
def test_more_scopes_never_refuse_what_fewer_allowed(
    name: str, held: tuple[Scope, ...], more: tuple[Scope, ...]
) -> None:
    if authorize(name, "operator", held).outcome is Outcome.ALLOW:
        assert authorize(name, "operator", (*held, *more)).outcome is Outcome.ALLOW


@given(NAMES, SCOPES, st.lists(NAMES, max_size=3))
@settings(max_examples=150)
def test_carried_operations_only_narrow(name: str, held: tuple[Scope, ...], inner: list[str]) -> None:
    whole = authorize(name, "operator", held, inner).outcome is Outcome.ALLOW
    each = all(authorize(step, "operator", held).outcome is Outcome.ALLOW for step in (name, *inner))
    assert whole == each


def test_adv_B14_containment_of_empty_lists() -> None:
    assert lacking((), ()) == ()
    assert lacking((Scope.READ,), ()) == ()
    assert lacking((), (Scope.READ,)) == (Scope.READ,)
    assert lacking((Scope.ADMIN,), tuple(Scope)) == ()
    assert lacking(tuple(Scope), ("operator.root",)) == ("operator.root",)


@given(SCOPES, SCOPES)
def test_containment_agrees_with_sets(held: tuple[Scope, ...], wanted: tuple[Scope, ...]) -> None:
    assert set(lacking(held, wanted)) == set(wanted) - closure(held)


@given(SCOPES, SCOPES, SCOPES)
def test_containment_is_transitive(a: tuple[Scope, ...], b: tuple[Scope, ...], c: tuple[Scope, ...]) -> None:
    if not lacking(a, b) and not lacking(b, c):
        assert not lacking(a, c)


def test_unknown_scopes_are_dropped_and_order_is_kept() -> None:
    asked = ["operator.write", "operator.root", "operator.read", "operator.write", "OPERATOR.ADMIN", ""]
    assert known_scopes(asked) == (Scope.WRITE, Scope.READ)


@pytest.mark.parametrize(
    "command", ["/new", "/reset", "/verbose", "/think", "/model", "/elevated", "/exec", "/config", "/restart", "/send"]
)
def test_adv_B18_a_command_that_changes_state_needs_the_scope_of_its_effect(command: str) -> None:
    verdict = authorize("chat.send", "operator", (Scope.WRITE,), [command])
    assert verdict.message == "missing scope: operator.admin"
    assert authorize("chat.send", "operator", (Scope.ADMIN,), [command]).outcome is Outcome.ALLOW


def test_a_plain_command_needs_no_more_than_the_message() -> None:
    assert authorize("chat.send", "operator", (Scope.WRITE,), ["/status"]).outcome is Outcome.ALLOW
    assert authorize("chat.send", "operator", (Scope.WRITE,), ["/approve"]).missing is Scope.APPROVALS


@pytest.mark.parametrize("row", OPERATIONS, ids=lambda row: row.name)
def test_the_name_of_a_row_tells_by_which_way_it_is_reached(row: Operation) -> None:
    by_name = (
        Surface.COMMAND if row.name.startswith("/") else Surface.HTTP if row.body_limit is not None else Surface.WS
    )
    assert row.surface is by_name
    assert row.name.startswith("http.") is (row.surface is Surface.HTTP)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"method": "GET", "path": "/snapshot"}, "browser.request:read"),
        ({"method": "get", "path": "/profiles"}, "browser.request:read"),
        ({"method": "POST", "path": "/navigate", "body": {"url": "https://a.example"}}, "browser.request:act"),
        ({"method": "POST", "path": "/act", "body": {"kind": "click", "ref": "1"}}, "browser.request:act"),
        ({"method": "POST", "path": "/act", "body": {"kind": "type", "text": "evaluate"}}, "browser.request:act"),
        ({"method": "POST", "path": "/act", "body": {"kind": "Evaluate"}}, "browser.request:evaluate"),
        ({"method": "POST", "path": "/act", "body": {"kind": "wait", "fn": "() => 1"}}, "browser.request:evaluate"),
        ({"method": "POST", "path": "/act", "body": {"request": {"kind": "evaluate"}}}, "browser.request:evaluate"),
        ({"method": "POST", "path": "/act", "body": '{"kind":"evaluate"}'}, "browser.request:evaluate"),
        ({"method": "POST", "path": "/act", "body": object()}, "browser.request:evaluate"),
        ({"method": "POST", "path": "/profiles/create"}, "browser.request:profile"),
        ({"method": "DELETE", "path": "/profiles/openclaw"}, "browser.request:profile"),
        ({"method": "POST", "path": "//Profiles/create"}, "browser.request:profile"),
        ({"method": "POST", "path": "/reset-profile?profile=x"}, "browser.request:profile"),
        ({"method": "POST", "path": "/tabs/../profiles/create"}, "browser.request:profile"),
        ({"method": "POST", "path": "/%70rofiles/create"}, "browser.request:profile"),
        ({"method": "POST"}, "browser.request:profile"),
        ({"method": 1, "path": "/"}, "browser.request:profile"),
        ({}, "browser.request:profile"),
    ],
)
def test_adv_B19_a_proxy_method_is_judged_by_what_it_carries(params: dict[str, object], expected: str) -> None:
    assert browser_operation(params) == expected
    assert node_operation("browser.proxy", params) == expected
    needs_admin = expected.endswith((":profile", ":evaluate"))
    for outer, inner in (("browser.request", expected), ("node.invoke", node_operation("browser.proxy", params))):
        verdict = authorize(outer, "operator", (Scope.WRITE,), [inner])
        assert (verdict.missing is Scope.ADMIN) == needs_admin


def test_a_deeply_nested_body_counts_as_script() -> None:
    body: object = {"kind": "click"}
    for _ in range(20):
        body = [body]
    assert browser_operation({"method": "POST", "path": "/act", "body": body}) == "browser.request:evaluate"


@pytest.mark.parametrize("command", ["system.run", "system.run.prepare"])
def test_raw_system_run_needs_admin(command: str) -> None:
    assert authorize("node.invoke", "operator", (Scope.WRITE,), [node_operation(command)]).missing is Scope.ADMIN
    assert authorize("node.invoke", "operator", (Scope.WRITE,), [node_operation("camera.list")]).missing is None


@pytest.mark.parametrize("method", ["node.pair.approve", "device.pair.approve"])
@pytest.mark.parametrize("exec_commands", [False, True])
@pytest.mark.parametrize("scope", list(Scope))
def test_adv_B9_who_may_approve_a_node(method: str, scope: Scope, *, exec_commands: bool) -> None:
    inner = [pairing_operation(method, exec_commands=exec_commands)]
    allowed = authorize(method, "operator", (scope,), inner).outcome is Outcome.ALLOW
    assert allowed == (scope is Scope.ADMIN or (scope is Scope.PAIRING and not exec_commands))
