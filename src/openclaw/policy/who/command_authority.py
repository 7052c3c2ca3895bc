"""Who may give commands, and who owns the assistant (channels.md 3.1, 3.4; advisories C15, F1, F2).

Two stages: the channel's lists (A), then the owners' list (B). Ownership goes by the sender's id alone, never by a
name, a wildcard, a chat, a group list or the pairing store.
"""

from __future__ import annotations

from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.who.access_policy import AccessPolicy, AccountAccess
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.case import Case
from openclaw.policy.who.commands_registry import Authority, CommandSpec
from openclaw.policy.who.facts import MessageFacts
from openclaw.policy.who.lists import AllowList, Match, SenderKeys, match
from openclaw.policy.who.rule_columns import GroupsOff, ListRole

ADMIN: Final = "operator.admin"
APPROVALS: Final = "operator.approvals"


def is_owner(case: Case) -> bool:
    """Return whether the sender owns the assistant, as this account sees it."""
    owner = case.scope.owner
    if not case.steps.authority or not case.sender.id:
        return False
    if case.rules.operator:
        return ADMIN in case.facts.operator_scopes
    if case.sender.id in owner.ids:
        return True
    return owner.linked_number and case.sender.id == case.own_number


def list_of(case: Case, role: ListRole) -> AllowList | None:
    """Return the configured list that plays a role in this place."""
    match role:
        case ListRole.DIRECT:
            return case.scope.dm_list
        case ListRole.GROUP:
            return case.place.override if case.place.override is not None else case.scope.group_list
        case ListRole.USERS:
            return case.place.users


def group_authority(case: Case) -> bool:
    """Return stage A for a group: some configured list of the row holds the sender."""
    if case.authority is None:
        case.authority = _on_a_list(case)
    return case.authority


def _on_a_list(case: Case) -> bool:
    rules = case.rules
    if not case.sender.id:
        return False
    native = case.steps.command
    roles = rules.native_authorisers if native and rules.native_authorisers is not None else rules.authorisers
    off = rules.native_groups_off if native and rules.native_groups_off is not None else rules.groups_off
    if not case.policy.use_access_groups and off is GroupsOff.ALL:
        return True
    lists = [allow for role in roles if (allow := list_of(case, role)) is not None and allow.configured]
    if any(match(allow, case.sender) is not Match.NONE for allow in lists):
        return True
    if rules.store_in_group_commands and case.approved:
        return True
    return not case.policy.use_access_groups and not lists


def stage_b(case: Case) -> bool:
    """Return whether the owners' list lets a sender of stage A give commands."""
    owner, allow = case.scope.owner, case.scope.dm_list
    if owner.restricts:
        return case.sender.id in owner.ids
    if not case.rules.enforces_owners or not allow.configured or allow.wildcard:
        return True
    return case.sender.id in allow.ids


def command_owner(case: Case) -> bool:
    """Return whether the sender may use owners' commands of the group gate: the DM list without `*`, else itself."""
    allow = case.scope.dm_list
    if not case.sender.id:
        return False
    return case.sender.id in allow.ids if allow.ids else case.sender.id == case.own_number


def may_run(policy: AccessPolicy, spec: CommandSpec, admission: Admission, *, widens: bool = False) -> Verdict[Outcome]:
    """Decide whether an admitted sender may give a command, whatever surface it came from.

    A refusal whose rule is `command.unauthorized` is silent; any other is told to the sender. Commands of approvers are
    decided by `may_approve`; here they need command authority only.

    Args:
        policy: the compiled policy.
        spec: the command.
        admission: what `decide` said of the event.
        widens: the arguments ask for more than the config gives (`/exec`).
    """
    if admission.decision is not Decision.DELIVER or not admission.command_authorized:
        return _deny("command.unauthorized", "commands.ownerAllowFrom", "The sender has no command authority here.")
    if not policy.commands.is_on(spec):
        return _deny("command.disabled", f"commands.{spec.switch}", f"/{spec.name} is switched off.")
    owners_only = spec.authority is Authority.OWNER or (widens and spec.wider_needs_owner)
    if owners_only and not admission.sender_is_owner:
        return _deny("command.owner-only", "commands.ownerAllowFrom", f"/{spec.name} is for owners.")
    return Verdict(Outcome.ALLOW, (Reason("command.authorized", "commands.ownerAllowFrom"),))


def may_approve(scope: AccountAccess, facts: MessageFacts, admission: Admission) -> Verdict[Outcome]:
    """Decide whether an admitted sender may resolve an approval. Having caused the request gives no right.

    Approvers are owners, ids that the config lists, authorised senders in a configured approval chat, and gateway
    clients with the scope for it. An empty list is nobody.
    """
    if admission.decision is not Decision.DELIVER:
        return _deny("approval.not-admitted", None, "The event was not admitted.")
    if admission.sender_is_owner:
        return _approve("approval.owner", scope.owner.key)
    if scope.rules.operator:
        if APPROVALS in facts.operator_scopes or ADMIN in facts.operator_scopes:
            return _approve("approval.scope", None)
        return _deny("approval.scope-missing", None, f"The client lacks the scope {APPROVALS}.")
    sender = SenderKeys(scope.rules.identity, facts)
    if sender.id and sender.id in scope.approvers:
        return _approve("approval.listed", f"tools.elevated.allowFrom.{scope.rules.channel}")
    if admission.command_authorized and _in_approval_chat(scope, facts):
        return _approve("approval.chat", "approvals.exec.targets")
    detail = "Approvals are resolved by owners and listed approvers."
    return _deny("approval.not-an-approver", f"tools.elevated.allowFrom.{scope.rules.channel}", detail)


def _in_approval_chat(scope: AccountAccess, facts: MessageFacts) -> bool:
    threads = ("", facts.topic_id or facts.thread_id)
    return any(
        chat.account == scope.account and chat.chat == facts.chat_id and chat.thread in threads
        for chat in scope.approval_chats
    )


def _approve(rule: str, key: str | None) -> Verdict[Outcome]:
    return Verdict(Outcome.ALLOW, (Reason(rule, key),))


def _deny(rule: str, key: str | None, detail: str) -> Verdict[Outcome]:
    return Verdict(Outcome.DENY, (Reason(rule, key, detail),))
