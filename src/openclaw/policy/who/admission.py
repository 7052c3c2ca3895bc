"""Who may talk: one pure function for every event of every channel, before any side effect (channels.md 0, 2.5).

Nothing is fetched, stored, shown or answered before this says so. What differs between channels is data in the rule
table; a missing, unknown or contradictory input drops.
"""

from __future__ import annotations

from openclaw.policy.verdict import Reason
from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.answers import drop
from openclaw.policy.who.case import KINDS, Case
from openclaw.policy.who.direct import admit_direct
from openclaw.policy.who.facts import ChatType, EventKind, MessageFacts, SelfIdentity, SessionView, StoreView
from openclaw.policy.who.rooms import admit_group_dm, admit_migration, admit_room


def decide(
    policy: AccessPolicy,
    channel: str,
    account: str | None,
    self_identity: SelfIdentity,
    store: StoreView,
    session: SessionView,
    facts: MessageFacts,
    now_ms: int,
) -> Admission:
    """Decide what happens to one inbound event.

    Total: it answers for any facts, and doubt drops. The last reason decided; each names the config key that would
    change it.

    Args:
        policy: the compiled policy.
        channel: channel id.
        account: channel account; None or blank is the default one.
        self_identity: who the bot is there.
        store: the pairing store of that channel and account, read for this event.
        session: what routing and the session store say.
        facts: the event.
        now_ms: the time, for the expiry of pairing requests.
    """
    scope = policy.account(channel, account)
    if scope is None:
        return _unknown_account(policy, channel)
    case = Case(policy, scope, self_identity, store, session, facts, now_ms)
    refused = _before(case)
    if refused:
        return drop(case, refused)
    if case.kind is EventKind.MIGRATE:
        return admit_migration(case)
    if case.is_room:
        return admit_room(case)
    return admit_group_dm(case) if facts.chat_type is ChatType.GROUP_DM else admit_direct(case)


def _unknown_account(policy: AccessPolicy, channel: str) -> Admission:
    name = channel.strip().lower()
    if name in policy.channels:
        reason = Reason("account.unknown", f"channels.{name}.accounts", "The config knows no such account.")
    else:
        reason = Reason("channel.unknown", "channels", "The config knows no such channel.")
    return Admission(Decision.DROP, (reason,))


def _before(case: Case) -> str:
    """Return the code of what stops an event before any list is asked; "" when nothing does."""
    facts = case.facts
    if case.kind not in KINDS or (case.kind is EventKind.MIGRATE and not case.rules.migrates):
        return "event.unsupported"
    if case.kind is EventKind.EDIT and not facts.original_waits:
        return "event.edit"
    if not _plausible(case):
        return "chat.unknown-type"
    if facts.lookup_failed:
        return "lookup.failed"
    if not case.scope.enabled:
        return "account.disabled"
    if facts.chat_id.endswith(case.rules.ignored_chats):
        return "chat.ignored"
    return _own(case) or _bot(case)


def _plausible(case: Case) -> bool:
    """Return whether the kind of conversation exists on this channel and nothing contradicts it (advisory C11)."""
    facts, rules = case.facts, case.rules
    kind, chat = facts.chat_type, facts.chat_id
    if kind not in rules.chat_types:
        return False
    has_guild = facts.guild is not None and bool(facts.guild.id)
    if kind is ChatType.DIRECT or kind is ChatType.GROUP_DM:
        if has_guild:
            return False
    elif rules.groups_need_guild and not has_guild:
        return False
    marks = rules.direct_marks if kind is ChatType.DIRECT else rules.room_marks
    return not marks or not any(chat.startswith(prefix) and chat.endswith(suffix) for prefix, suffix in marks)


def _own(case: Case) -> str:
    """Return why an event of the bot's own account stops, or "" (step 1)."""
    facts, rules, me = case.facts, case.rules, case.me
    if facts.sync or facts.echo:
        return "self.message"
    if facts.from_me:
        if not rules.self_chat or facts.chat_type is not ChatType.DIRECT:
            return "self.message"
        return "" if case.same_number else "dm.from-me"
    given = facts.sender.id
    if given and (given == me.id or given in me.other_ids):
        return "self.message"
    if me.e164 and case.own_number == case.sender.id and case.own_number and not rules.self_chat:
        return "self.message"
    same = given and me.id and not rules.operator and given.strip().lower() == me.id.strip().lower()
    return "self.message" if same else ""


def _bot(case: Case) -> str:
    """Return why a bot's event stops, or "" (step 2)."""
    sender = case.facts.sender
    if not sender.is_bot or (case.scope.proxied_members and sender.member_id):
        return ""
    allowed = case.place.allow_bots if case.is_room else case.scope.allow_bots
    return "" if allowed else "bot.sender"
