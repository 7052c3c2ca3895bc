"""The one way to a command, whatever surface its text came from (channels.md 3, advisories A3, B18, F1, F2).

Commands are read from the raw text of the message alone, never from what a tool, page, hook, cron job or other session
said. Who may give one is decided by the kernel's table; what a gateway client may, by its scopes as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from openclaw.agent.commands import info, levels, models, session
from openclaw.agent.commands.context import CommandContext, CommandParts, Handler
from openclaw.agent.contract import TurnRequest
from openclaw.agent.run_facts import INTERNAL
from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.what.labels import NEVER_COMMANDS
from openclaw.policy.where.freshness import trigger_rest
from openclaw.policy.where.scopes import authorize
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.command_authority import may_approve, may_run
from openclaw.policy.who.command_text import control_command, is_abort_word
from openclaw.policy.who.commands_registry import Authority, CommandSpec
from openclaw.policy.who.facts import ChatType, MessageFacts, Sender
from openclaw.state.ledger_port import LedgerEntry, LedgerPort
from openclaw.tools.contract import Requester

RESET: Final = frozenset({"new", "reset"})
"""Commands that wait for their turn in the session's order; all others are answered at once."""

HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "help": info.help_text,
        "commands": info.commands_text,
        "status": info.status_text,
        "whoami": info.whoami_text,
        "usage": info.usage_text,
        "stop": session.stop,
        "activation": session.activation,
        "send": session.send,
        "approve": session.approve,
        "think": levels.think,
        "verbose": levels.verbose,
        "reasoning": levels.reasoning,
        "elevated": levels.elevated,
        "exec": levels.exec_command,
        "model": models.model,
        "models": models.models,
    }
)
"""What is built. A command of the registry that is not here is text for the model."""

_CHAT_TYPES: Final = {"direct": ChatType.DIRECT, "group": ChatType.GROUP, "channel": ChatType.CHANNEL}
_PASSED: Final = Verdict(Outcome.ALLOW, (Reason("command.authorized"),))


@dataclass(frozen=True, slots=True)
class Command:
    """A message that is a command.

    Attributes:
        spec: the command.
        arguments: what follows its name; for a reset, what passes to the new session.
    """

    spec: CommandSpec
    arguments: str = ""

    @property
    def resets(self) -> bool:
        """Return whether it starts the session anew."""
        return self.spec.name in RESET


class Commands:
    """Finds commands in messages, decides on them and runs them."""

    def __init__(self, parts: CommandParts, ledger: LedgerPort) -> None:
        self._parts = parts
        self._ledger = ledger

    def find(self, request: TurnRequest) -> Command | None:
        """Return the command that a message is, or None when it is text for the model.

        The bare words that stop a run count only from senders with command authority: `wait` is a word as well.
        """
        requester, said = request.requester, request.command_text
        if not said.strip() or requester.source in NEVER_COMMANDS or requester.channel == INTERNAL:
            return None
        policy = self._parts.policy()
        index = policy.access.commands
        rest = trigger_rest(said, policy.routing.reset_triggers)
        new = index.find("new")
        if rest is not None and new is not None:
            return Command(new, rest)
        stop = index.find("stop")
        if is_abort_word(said) and stop is not None:
            return Command(stop) if requester.command_authorized else None
        bot = self._parts.bot_username(requester.channel, requester.account)
        found = control_command(index, said, bot)
        if found is None or (found.spec.name not in HANDLERS and found.spec.name not in RESET):
            return None
        return Command(found.spec, found.arguments)

    def judge(self, command: Command, request: TurnRequest) -> Verdict[Outcome]:
        """Return whether the sender may give a command, and note it in the ledger."""
        verdict = self._verdict(command, request)
        reason = verdict.decided_by
        requester = request.requester
        self._ledger.record(
            LedgerEntry(
                kind="command",
                run=request.run_id,
                session=request.session_key,
                agent=request.agent_id,
                actor={"channel": requester.channel, "account": requester.account, "sender": requester.sender_id},
                what={"summary": f"/{command.spec.name}"},
                verdict={"outcome": str(verdict.outcome), "rule": reason.rule, "key": reason.key},
            )
        )
        return verdict

    def _verdict(self, command: Command, request: TurnRequest) -> Verdict[Outcome]:
        requester, policy = request.requester, self._parts.policy()
        admission = Admission(
            Decision.DELIVER,
            command_authorized=requester.command_authorized,
            sender_is_owner=requester.is_owner,
        )
        widens = command.spec.name == "exec" and levels.exec_widens(self._parts, request, command.arguments)
        verdict = may_run(policy.access, command.spec, admission, widens=widens)
        if verdict.outcome is Outcome.ALLOW and is_client(requester):
            verdict = self._scopes(command, requester)
        if verdict.outcome is Outcome.ALLOW and command.spec.authority is Authority.APPROVER:
            verdict = self._approver(request, admission)
        return verdict

    @staticmethod
    def _scopes(command: Command, requester: Requester) -> Verdict[Outcome]:
        """Ask the scopes of a gateway client for the effect of the command, not for the text that carries it."""
        verdict = authorize(f"/{command.spec.name}", "operator", requester.scopes)
        if verdict.outcome is Outcome.ALLOW:
            return _PASSED
        return Verdict(Outcome.DENY, (replace(verdict.decided_by, detail=f"{verdict.message}."),))

    def _approver(self, request: TurnRequest, admission: Admission) -> Verdict[Outcome]:
        requester, target = request.requester, request.target
        scope = self._parts.policy().access.account(requester.channel, requester.account)
        if scope is None:
            return Verdict(Outcome.DENY, (Reason("approval.unknown-account", None, "This account is not known."),))
        facts = MessageFacts(
            chat_type=_CHAT_TYPES[requester.chat_type],
            chat_id=target.to if target else requester.group_id or "",
            sender=Sender(id=requester.sender_id, e164=requester.sender_e164),
            thread_id=target.thread_id if target else None,
            operator_scopes=tuple(requester.scopes),
        )
        return may_approve(scope, facts, admission)

    async def run(self, command: Command, request: TurnRequest) -> str:
        """Decide and run; returns the answer, blank where there is none for this sender."""
        verdict = self.judge(command, request)
        if verdict.outcome is not Outcome.ALLOW:
            return refusal(verdict)
        answers = []
        for single in self._split(command):
            handler = HANDLERS[single.spec.name]
            answers.append(await handler(CommandContext(self._parts, request, single.spec, single.arguments)))
        return "\n".join(answers)

    def _split(self, command: Command) -> list[Command]:
        """Return the directives of one message: `/think high /verbose on` is two, where both need the same rights."""
        if not command.spec.directive or command.spec.wider_needs_owner or " /" not in f" {command.arguments}":
            return [command]
        head, _, tail = f" {command.arguments}".partition(" /")
        following = control_command(self._parts.policy().access.commands, f"/{tail}", None)
        alike = (
            following is not None
            and following.spec.directive
            and following.spec.authority is command.spec.authority
            and not following.spec.wider_needs_owner
            and following.spec.name in HANDLERS
        )
        if not alike or following is None:
            return [command]
        return [Command(command.spec, head.strip()), *self._split(Command(following.spec, following.arguments))]


def is_client(requester: Requester) -> bool:
    """Return whether a requester is a gateway client, whose scopes bound what his commands do."""
    return bool(requester.scopes) or requester.conn_id is not None or requester.channel == "webchat"


def refusal(verdict: Verdict[Outcome]) -> str:
    """Return the one line for a refused sender; blank for one without command authority."""
    reason = verdict.decided_by
    if reason.rule == "command.unauthorized":
        return ""
    return f"{reason.detail} ({reason.key})" if reason.key else reason.detail
