"""Under which key a group's pending history is kept (channels.md 2.6). Keys are unique within one channel account."""

from __future__ import annotations

from openclaw.policy.who.facts import MessageFacts, SessionView
from openclaw.policy.who.rule_columns import ChannelRules, HistoryForm


def history_key(
    rules: ChannelRules, account: str, facts: MessageFacts, session: SessionView, *, by_thread: bool = True
) -> str:
    """Return the key.

    Args:
        rules: the channel's row.
        account: id of the channel account.
        facts: the message.
        session: the message's session; its key serves threads.
        by_thread: whether a thread has a history of its own (`thread.historyScope`).
    """
    match rules.history:
        case HistoryForm.ACCOUNT:
            return f"{rules.channel}:{account}:group:{facts.chat_id}"
        case HistoryForm.TOPIC:
            return f"{facts.chat_id}:topic:{facts.topic_id}" if facts.topic_id else facts.chat_id
        case HistoryForm.THREAD if by_thread and facts.thread_id:
            return session.key or f"{facts.chat_id}:thread:{facts.thread_id}"
        case HistoryForm.CONVERSATION:
            return facts.chat_id.partition(";")[0]
        case _:
            return facts.chat_id
