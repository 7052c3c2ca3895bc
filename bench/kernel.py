"""How many decisions a CPU-second gives: admission, tool policy and exec analysis, on a config of ordinary size."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.report import Figure

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.inbound import judge_inbound
from openclaw.policy.snapshot import Policy
from openclaw.policy.what.exec_decide import decide as decide_exec
from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_names import CORE_TOOLS, MEMORY_TOOLS, Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.who.admission import decide as admit
from openclaw.policy.who.facts import ChatType, MessageFacts, SelfIdentity, Sender, SessionView, StoreView
from openclaw.security.policy_cases.exec import DescribedWorld, request_of, rules_of
from openclaw.system.environment import Environment

SECONDS: Final = 0.5
ROUNDS: Final = 3
NOW_MS: Final = 1_700_000_000_000
ME: Final = SelfIdentity(id="900", username="mybot")
STORE: Final = StoreView(allow_from=("42", "43", "44"))
SESSION: Final = SessionView(key="agent:main:main", agent_id="main")
DIRECT: Final = MessageFacts(ChatType.DIRECT, "42", Sender(id="42", username="ann"), "what is on today?")
GROUP: Final = MessageFacts(ChatType.GROUP, "-1001", Sender(id="43", username="bob"), "@mybot what is on today?")
LINE: Final = "git log --oneline | head -5 && rg -n 'def main' src"
WORLD: Final[dict[str, Any]] = {
    "home": "/home/u",
    "path": ["/usr/local/bin", "/usr/bin", "/bin"],
    "executables": ["/usr/bin/git", "/usr/bin/rg", "/usr/bin/head"],
    "symlinks": {"/bin": "usr/bin"},
}
DOCUMENT: Final[dict[str, Any]] = {
    "agents": {"list": [{"id": "main", "default": True, "tools": {"deny": ["browser"]}}, {"id": "work"}]},
    "bindings": [{"agentId": "work", "match": {"channel": "telegram", "peer": {"kind": "group", "id": "-1002"}}}],
    "tools": {"profile": "coding", "alsoAllow": ["group:web"], "byProvider": {"openai": {"deny": ["exec"]}}},
    "channels": {
        "telegram": {
            "dmPolicy": "pairing",
            "groupPolicy": "allowlist",
            "groupAllowFrom": ["42", "43"],
            "groups": {"-1001": {"requireMention": True}, "-1002": {"tools": {"deny": ["exec"]}}},
        }
    },
}


def measure(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Ask one question again and again, in this process."""
    del folder
    policy = compile_policy(Config.from_document(DOCUMENT), Environment({}))
    rounds, seconds = (1, 0.05) if quick else (ROUNDS, SECONDS)
    for name, question in _questions(policy):
        rate = max(_rate(question, seconds) for _ in range(rounds))
        yield Figure(f"kernel: {name}", rate, "/CPU-s", more_is_better=True, note=f"{1e6 / rate:.1f} \u00b5s each")


def _questions(policy: Policy) -> Iterator[tuple[str, Callable[[], object]]]:
    yield (
        "admission, direct message",
        lambda: admit(policy.access, "telegram", None, ME, STORE, SESSION, DIRECT, NOW_MS),
    )
    yield (
        "admission, group with mention",
        lambda: admit(policy.access, "telegram", None, ME, STORE, SESSION, GROUP, NOW_MS),
    )
    yield (
        "routing and admission",
        lambda: judge_inbound(
            policy, "telegram", "", GROUP, identity=ME, store=STORE, activation=lambda _key: None, now_ms=NOW_MS
        ),
    )
    tools = (CatalogueTool(name, plugin_id="memory-core" if name in MEMORY_TOOLS else None) for name in CORE_TOOLS)
    catalogue = Catalogue.of(tools)
    decider = ToolDecider(policy.tools, catalogue)
    run = ToolRun(agent_id="main", session_key="agent:main:main", provider="openai", model="gpt-5.2")
    yield "tool policy, same run again", lambda: decider.decide(run, "exec")
    yield "tool policy, cold", lambda: ToolDecider(policy.tools, catalogue).decide(run, "exec")
    facts = {"command": LINE, "cwd": "/home/u", "safeBins": ["head"], "allowlist": ["/usr/bin/git", "/usr/bin/rg"]}
    request, rules = request_of(facts, WORLD), rules_of(facts)
    world = DescribedWorld(WORLD)
    yield "exec analysis, three commands", lambda: decide_exec(request, rules, world)


def _rate(question: Callable[[], object], seconds: float) -> float:
    """Return answers per CPU-second, measured over some CPU seconds."""
    count, batch = 0, 50
    began = time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for _ in range(batch):
            question()
        count += batch
    return count / spent
