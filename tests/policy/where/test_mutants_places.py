"""What every rule of place says, word for word: outcome, rule, config key and sentence."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import MappingProxyType

from openclaw.policy.verdict import Outcome
from openclaw.policy.where import freshness as fresh
from openclaw.policy.where.exec_host import ElevatedLevel, ExecDefaults, exec_route, parse_level
from openclaw.policy.where.freshness import EffectiveReset, ResetMode, ResetPolicy, ResetRule, ResetType, ZoneOffsets
from openclaw.policy.where.key_ids import PeerKind
from openclaw.policy.where.node_commands import (
    NodePolicy,
    NodeSurface,
    Platform,
    classify,
    declared_commands,
    judge_command,
    judge_invoke,
    undeclared_before,
)
from openclaw.policy.where.sandbox_mode import (
    SandboxMode,
    SandboxPolicy,
    SandboxScope,
    SandboxSettings,
    SessionToolsVisibility,
    container_name,
    sandbox_status,
    scope_key,
    slug,
)
from openclaw.policy.where.send_policy import SendFacts, SendPolicy, SendRule, may_send
from openclaw.policy.where.visibility import (
    Caller,
    SessionVisibility,
    Target,
    VisibilityPolicy,
    agent_to_agent,
    may_see,
    may_spawn,
    reach,
)
from support.answers import asked, check_answers

MAIN, WORK, CHILD = "agent:main:main", "agent:work:main", "agent:main:subagent:1"
ROOM = "agent:main:telegram:group:-100"


def test_where_exec_runs_word_for_word() -> None:
    answers = []
    configured = [
        ExecDefaults.read(host, security, ask, node, key="agents.list.tools.exec")
        for host, security, ask, node in (
            (None, None, None, None),
            ("gateway", None, "off", None),
            ("NODE ", "full", "always", " phone "),
            ("sandbox", "allowlist", "on-miss", ""),
            ("nowhere", "x", "y", None),
        )
    ]
    sessions = (None, ExecDefaults.read("gateway", "deny", "always", "other"))
    wishes = (None, ExecDefaults.read("node", "full", "off", "phone"), ExecDefaults.read(None, "deny", "always", "x"))
    for base, session, wish, sandboxed, level in product(configured, sessions, wishes, (True, False), ElevatedLevel):
        found = exec_route(configured=base, session=session, requested=wish, sandboxed=sandboxed, elevated=level)
        answers.append(((base, session, wish, sandboxed, level), found))
    check_answers("exec-route", answers)


def test_an_exec_block_without_a_key_of_its_own_speaks_of_the_general_one() -> None:
    assert ExecDefaults.read("node", None, None, None) == ExecDefaults(host=ExecDefaults.read("node", "", "", "").host)
    assert ExecDefaults.read(None, None, None, None).key == "tools.exec"
    over = ExecDefaults.read("node", None, None, None, key="a").over(
        ExecDefaults.read(None, "full", "off", "n", key="b")
    )
    check_answers(
        "exec-defaults", [("a over b", over), *asked(parse_level, None, "", "on", " FULL ", "ask", "off", "x")]
    )


def test_sandboxes_word_for_word() -> None:
    modes = {mode: SandboxSettings(mode=mode, mode_key=f"key.{mode}") for mode in SandboxMode}
    answers: list[tuple[object, object]] = []
    for mode, shared, parent in product(SandboxMode, (False, True), (False, True)):
        policy = SandboxPolicy(
            defaults=modes[mode],
            agents=MappingProxyType({"work": modes[SandboxMode.ALL], "home": modes[SandboxMode.NON_MAIN]}),
            main_key="base",
            global_scope=shared,
        )
        keys = (None, "main", "base", "global", MAIN, WORK, CHILD, ROOM, "agent:home:base", "agent:main:base")
        for agent, key in product((None, "Work", "main", "Home"), keys):
            found = sandbox_status(policy, agent, key, parent_sandboxed=parent)
            answers.append(((mode, shared, parent, agent, key), found))
    check_answers("sandbox-status", answers)


def test_names_of_sandboxes() -> None:
    keys = ("shared", MAIN, "  ", "Ünï/..", "a" * 40, "-x-", "agent:main:telegram:group:-100:topic:7", ".", "\ud800x")
    answers = [
        *asked(slug, *keys),
        *asked(container_name, *((prefix, key) for prefix in ("", "p-", "p" * 60) for key in keys)),
    ]
    answers += asked(scope_key, *product(SandboxScope, ("Work", None), (ROOM, " ")))
    assert all(len(container_name("p" * size, MAIN)) <= 63 for size in range(70))
    check_answers("sandbox-names", answers)


def test_send_rules_word_for_word() -> None:
    rules = (
        SendRule(Outcome.ALLOW, channel=" Telegram "),
        SendRule(Outcome.DENY, chat_type=PeerKind.GROUP, key="rules[1]"),
        SendRule(Outcome.ALLOW, key_prefix="cron:", key="rules[2]"),
        SendRule(Outcome.ASK, key_prefix="agent:main:slack:", key="rules[3]"),
    )
    facts = [
        SendFacts(MAIN),
        SendFacts(MAIN, channel="telegram"),
        SendFacts(ROOM),
        SendFacts("agent:main:telegram:direct:42"),
        SendFacts("agent:main:slack:direct:42"),
        SendFacts("agent:main:cron:job"),
        SendFacts(MAIN, chat_type=PeerKind.GROUP),
        *(SendFacts(ROOM, override=word) for word in (" ALLOW ", "deny", "inherit", "")),
    ]
    answers = []
    for policy in (SendPolicy(rules=rules), SendPolicy(Outcome.DENY), SendPolicy(Outcome.ASK, rules[:1])):
        answers += [((policy.default, len(policy.rules), one), may_send(policy, one)) for one in facts]
    check_answers("send-policy", answers)


def test_what_sessions_see_word_for_word() -> None:
    callers = [
        Caller(MAIN),
        Caller(CHILD),
        Caller("agent:main:telegram:direct:42"),
        Caller(MAIN, sandboxed=True),
        Caller(MAIN, sandboxed=True, sandbox_visibility=SessionToolsVisibility.ALL),
        Caller("global", agent_id="Work"),
        Caller("agent:work:home"),
        Caller(CHILD, sandboxed=True),
        Caller(" "),
    ]
    targets = [
        Target(MAIN),
        Target(CHILD, (MAIN,)),
        Target("agent:main:subagent:2", (CHILD, MAIN)),
        Target("agent:main:subagent:3", ("agent:main:subagent:2", CHILD, MAIN)),
        Target("agent:main:subagent:4", (MAIN, "agent:main:telegram:direct:42")),
        Target(WORK),
        Target("global"),
        Target("unknown"),
        Target(""),
    ]
    answers: list[tuple[object, object]] = []
    for level, talks in product(
        (None, *SessionVisibility), ((False, ()), (True, ()), (True, ("m*",)), (True, ("*", " ")))
    ):
        policy = VisibilityPolicy(level, agent_to_agent=talks[0], agent_allow=talks[1], main_key="home")
        answers += [((level, talks, one, other), may_see(policy, one, other)) for one in callers for other in targets]
        answers += [((level, one), reach(policy, one)) for one in callers]
    check_answers("session-visibility", answers)


def test_agents_that_talk_and_start_each_other_word_for_word() -> None:
    allowed = VisibilityPolicy(
        agent_to_agent=True,
        agent_allow=(" Main ", "w*"),
        spawn_targets=MappingProxyType({"main": ("Work", " "), "work": ("*",), "x": (" ",)}),
        agents=("main", "work"),
    )
    talks = [
        (policy, one, other)
        for policy in (VisibilityPolicy(), allowed)
        for one, other in product(("main", "Work", "x"), repeat=2)
    ]
    answers: list[tuple[object, object]] = [
        ((policy.agent_to_agent, one, other), agent_to_agent(policy, one, other)) for policy, one, other in talks
    ]
    for policy, key, wanted in product(
        (VisibilityPolicy(), allowed), (MAIN, WORK, CHILD, "agent:x:main"), (None, " ", "work", "Main", "y", "*")
    ):
        answers.append(((len(policy.agents), key, wanted), may_spawn(policy, Caller(key), wanted)))
    check_answers("agents", answers)


def test_resets_word_for_word() -> None:
    policies = [
        ResetPolicy(),
        ResetPolicy(idle_minutes=0.4),
        ResetPolicy(base=ResetRule(ResetMode.IDLE), idle_minutes=90),
        ResetPolicy(base=ResetRule(at_hour=30.9, idle_minutes=float("inf"))),
        ResetPolicy(
            by_type=MappingProxyType({ResetType.GROUP: ResetRule(ResetMode.IDLE, idle_minutes=5.7)}), idle_minutes=7
        ),
        ResetPolicy(
            base=ResetRule(ResetMode.DAILY, at_hour=-3, idle_minutes=20),
            by_type=MappingProxyType(
                {ResetType.DIRECT: ResetRule(at_hour=6), ResetType.THREAD: ResetRule(ResetMode.IDLE)}
            ),
            by_channel=MappingProxyType({"slack": ResetRule(idle_minutes=3)}),
        ),
    ]
    answers: list[tuple[object, object]] = []
    for number, policy in enumerate(policies):
        for kind, channel in product(ResetType, (None, " Slack ", "telegram", "")):
            answers.append(((number, kind, channel), fresh.effective_reset(policy, kind, channel)))
    keys = (None, MAIN, ROOM, f"{ROOM}:topic:7", "agent:main:slack:channel:c1:thread:9")
    for key, in_thread, group in product(keys, (False, True), (None, True, False)):
        answers.append(((key, in_thread, group), fresh.reset_type(key, in_thread=in_thread, is_group=group)))
    answers += [((key,), fresh.reset_type(key)) for key in keys]
    check_answers("resets", answers)


def test_freshness_word_for_word() -> None:
    hour, day = 3_600_000, 86_400_000
    now = 1_700_000_000_000
    zones = {
        "utc": ZoneOffsets(),
        "east": ZoneOffsets(5 * 3600),
        "west": ZoneOffsets(-8 * 3600),
        "an hour twice": ZoneOffsets(7200, ((now // 1000 - 43_200, 3600),)),
        "an hour less": ZoneOffsets(3600, ((now // 1000 - 43_200, 7200),)),
        "at this moment": ZoneOffsets(3600, ((now // 1000, 7200),)),
    }
    answers: list[tuple[object, object]] = []
    for (name, zone), at_hour in product(zones.items(), (0, 4, 10, 12, 13, 23)):
        for late in (0, 999, hour):
            reset_at = fresh.last_daily_reset(now + late, at_hour, zone)
            answers.append(((name, at_hour, late), reset_at))
        offsets = [zone.at(now // 1000 + seconds) for seconds in (-43_201, -43_200, -1, 0, 1)]
        answers.append(((name, at_hour), offsets))
    for mode, idle, age in product(ResetMode, (None, 60), (0, hour, hour + 1, day, 2 * day)):
        reset = EffectiveReset(mode, 4, idle, "session.reset")
        found = fresh.freshness(reset, updated_ms=now - age, now_ms=now, zone=ZoneOffsets())
        answers.append(((mode, idle, age), found))
    last = fresh.last_daily_reset(now, 4, ZoneOffsets())
    for moment in (last - 1, last):
        found = fresh.freshness(
            EffectiveReset(ResetMode.DAILY, 4, None, "k"), updated_ms=moment, now_ms=now, zone=ZoneOffsets()
        )
        answers.append((moment, found))
    check_answers("freshness", answers)


def test_an_instant_whose_offset_holds_counts_before_the_length_of_a_gap() -> None:
    assert ZoneOffsets(0, ((3600, 3600), (5000, -3600))).instant_of(4000) == 7600


def test_triggers_and_what_a_reset_keeps() -> None:
    triggers = ("/new", " /Reset ", "")
    texts = ("/new", "/NEW", " /new  opus ", "/newer", "/reset now", "hello", "", "/new\topus", "/reset\u0130 x")
    answers: list[tuple[object, object]] = [(text, fresh.trigger_rest(text, triggers)) for text in texts]
    kept = fresh.after_reset({"label": 1, "sendPolicy": "deny", "elevatedLevel": "full", "execHost": "gateway"})
    answers.append(("after a reset", kept))
    check_answers("reset-triggers", answers)


def test_node_commands_word_for_word() -> None:
    policy = NodePolicy(allow=frozenset({"camera.snap", "system.run"}), deny=frozenset({"canvas.eval"}))
    commands = ("system.run", "canvas.eval", "camera.snap", "device.info", "system.execApprovals.get", "made.up")
    answers: list[tuple[object, object]] = []
    for platform, command in product(Platform, commands):
        whole = NodeSurface(platform, commands, commands)
        for node in (
            whole,
            replace(whole, declared=()),
            replace(whole, declared=("x",)),
            replace(whole, approved=None),
        ):
            answers.append(((platform, command, len(node.declared)), judge_command(command, policy, node)))
            answers.append(((platform, command, "raw"), judge_invoke(command, policy, node)))
    answers.append(("new", undeclared_before(NodeSurface(Platform.IOS, ("a", "b"), ("b",)))))
    check_answers("node-commands", answers)


def test_what_a_node_says_of_itself() -> None:
    claims = [" a ", "a", "", "b" * 64, "c" * 65, "\u00fc", "d\n e", "d\ne"]
    answers: list[tuple[object, object]] = [("claims", declared_commands(claims))]
    many = declared_commands(f"command.{number}" for number in range(200))
    answers.append(("at most", (len(many), many[-1])))
    answers += asked(
        classify,
        *product(
            (None, "", "iOS 17", "iPadOS", "Android", "macOS", "Darwin", "win32", "Linux x86_64", "\u0456os", "plan9"),
            (None, "iPhone", "Linux", "\u00fc"),
        ),
    )
    check_answers("node-claims", answers)
