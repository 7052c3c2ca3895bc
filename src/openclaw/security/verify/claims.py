"""The claims, in the order of the report: the eight of the original's security models, then our own."""

from __future__ import annotations

from typing import Any, Final

from openclaw.config.compile.access import compile_access
from openclaw.policy.what.elevated import elevated_gates
from openclaw.policy.what.group_tools import group_stages
from openclaw.policy.what.tool_chain import chain_of, tools_policy
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.what.tool_stages import pick, stage_table
from openclaw.policy.where.key_builders import direct_key, linked_peer, room_key
from openclaw.policy.where.key_ids import id_fault, normalise_account_id
from openclaw.policy.where.mention import detect
from openclaw.policy.where.node_commands import judge_command, judge_invoke, usable
from openclaw.policy.where.routing import route
from openclaw.policy.where.scopes import authorize, closure, lacking, node_operation
from openclaw.policy.where.session_keys import canonical_key
from openclaw.policy.who.admission import decide
from openclaw.policy.who.command_authority import group_authority, is_owner, stage_b
from openclaw.policy.who.command_text import control_command
from openclaw.policy.who.device_pairing import approve_device, may_be_silent, pairing_need, request_pairing
from openclaw.policy.who.device_tokens import judge_device_token, remove_device, revoke_token, rotate_token, token_for
from openclaw.policy.who.direct import admit_direct
from openclaw.policy.who.dm_pairing import approve, is_live, live, upsert
from openclaw.policy.who.gateway_auth import decide_connect
from openclaw.policy.who.gateway_policy import start_refusals
from openclaw.policy.who.group_maps import compile_places
from openclaw.policy.who.groups import locate
from openclaw.policy.who.lists import approved as in_store
from openclaw.policy.who.lists import compile_list, match
from openclaw.policy.who.rooms import admit_room
from openclaw.security.verify import checks, twins
from openclaw.security.verify.model import Claim
from openclaw.state.journal import JournalStore
from openclaw.state.pairing import PairingStore
from openclaw.tools.approvals import Approvals, Coverage

CLAIMS: Final[tuple[Claim[Any], ...]] = (
    Claim(
        id="exposure",
        sentence="A gateway that others can reach asks them for a secret, and no connect without proof is let in.",
        source="gateway.md 2.1, 2.4",
        subject=checks.exposure.SHIPPED,
        checked=(start_refusals, decide_connect, judge_device_token, pairing_need),
        check=checks.exposure.check,
        twins=twins.exposure.TWINS,
    ),
    Claim(
        id="node-exec",
        sentence="A node runs only what it declared, what was approved for it and what is allowed here; programs need "
        "an admin.",
        source="gateway.md 3.10",
        subject=checks.node_exec.SHIPPED,
        checked=(judge_command, judge_invoke, usable, node_operation, authorize),
        check=checks.node_exec.check,
        twins=twins.node_exec.TWINS,
    ),
    Claim(
        id="pairing-limits",
        sentence="A pairing code counts for one hour and no longer, three people wait per account, asking again "
        "changes nothing.",
        source="channels.md 1.2",
        subject=checks.pairing_limits.SHIPPED,
        checked=(is_live, live, upsert, approve),
        check=checks.pairing_limits.check,
        twins=twins.pairing_limits.TWINS,
    ),
    Claim(
        id="ingress-gating",
        sentence="In a room that requires a mention nothing else is answered, and a command without the right to it is "
        "neither obeyed nor a way past the gate.",
        source="channels.md 2.3, 2.4, 3.1",
        subject=checks.ingress_gating.SHIPPED,
        checked=(decide, admit_room, detect, group_authority, stage_b, control_command),
        check=checks.ingress_gating.check,
        twins=twins.ingress_gating.TWINS,
    ),
    Claim(
        id="routing-isolation",
        sentence="Two conversations share a session only where the config makes them one.",
        source="agent.md 1.2, 2",
        subject=checks.routing_isolation.SHIPPED,
        checked=(route, direct_key, room_key, linked_peer, id_fault, canonical_key),
        check=checks.routing_isolation.check,
        twins=twins.routing_isolation.TWINS,
    ),
    Claim(
        id="pairing-races",
        sentence="Two processes at one pairing store get what they would get one after the other, in every order.",
        source="channels.md 1.2, 1.3",
        subject=checks.pairing_races.SHIPPED,
        checked=(PairingStore, upsert, approve),
        check=checks.pairing_races.check,
        twins=twins.pairing_races.TWINS,
    ),
    Claim(
        id="ingress-idempotency",
        sentence="An event is taken once and answered once, however often and in whatever order it comes, also after a "
        "restart; two events are never one.",
        source="channels.md 4.1; house rule 5",
        subject=checks.ingress_idempotency.SHIPPED,
        checked=(JournalStore,),
        check=checks.ingress_idempotency.check,
        twins=twins.ingress_idempotency.TWINS,
    ),
    Claim(
        id="dm-scope",
        sentence="The session of a direct chat names exactly the parts that session.dmScope says, on every channel, "
        "and a link counts for whom it lists.",
        source="agent.md 1.2",
        subject=checks.dm_scope.SHIPPED,
        checked=(route, direct_key, linked_peer, normalise_account_id, canonical_key),
        check=checks.dm_scope.check,
        twins=twins.dm_scope.TWINS,
    ),
    Claim(
        id="scope-subset",
        sentence="No device, token or call has a scope beyond what was approved for it and what its giver holds.",
        source="gateway.md 2.4, 2.6, 3.11",
        subject=checks.scope_subset.SHIPPED,
        checked=(
            *(closure, lacking, authorize, may_be_silent, approve_device),
            *(token_for, rotate_token, judge_device_token),
        ),
        check=checks.scope_subset.check,
        twins=twins.scope_subset.TWINS,
    ),
    Claim(
        id="revocation",
        sentence="What was revoked, rotated away or removed opens nothing until somebody who may gives it again.",
        source="gateway.md 2.4, 3.11",
        subject=checks.revocation.SHIPPED,
        checked=(
            *(request_pairing, may_be_silent, approve_device, pairing_need, token_for),
            *(rotate_token, revoke_token, remove_device, judge_device_token),
        ),
        check=checks.revocation.check,
        twins=twins.revocation.TWINS,
    ),
    Claim(
        id="approval-binding",
        sentence="An allowance covers exactly what was shown, once, for thirty seconds.",
        source="exec.md 2.5, 2.8",
        subject=checks.approval_binding.SHIPPED,
        checked=(Approvals, Coverage),
        check=checks.approval_binding.check,
        twins=twins.approval_binding.TWINS,
    ),
    Claim(
        id="deny-wins",
        sentence="A tool that one list denies is refused, whatever the others say and wherever they stand.",
        source="agent.md 5.3, 5.4",
        subject=checks.deny_wins.SHIPPED,
        checked=(ToolDecider, stage_table, pick, chain_of, tools_policy, group_stages),
        check=checks.deny_wins.check,
        twins=twins.deny_wins.TWINS,
    ),
    Claim(
        id="monotonicity",
        sentence="A rule added for one person, for one room or against one tool gives nobody else more than before.",
        source="channels.md 1, 2; agent.md 5.5",
        subject=checks.monotonicity.SHIPPED,
        checked=(
            *(compile_access, compile_list, compile_places, decide, admit_direct, admit_room),
            *(locate, match, is_owner, ToolDecider, group_stages),
        ),
        check=checks.monotonicity.check,
        twins=twins.monotonicity.TWINS,
    ),
    Claim(
        id="list-states",
        sentence="Absent, null, empty and wildcard are four answers: nobody named, no config, nobody, and everybody "
        "who has an id.",
        source="channels.md 1.1, 2.1; agent.md 5.3, 5.8",
        subject=checks.list_states.SHIPPED,
        checked=(compile_access, compile_list, match, in_store, decide, admit_direct, elevated_gates, stage_table),
        check=checks.list_states.check,
        twins=twins.list_states.TWINS,
    ),
)
