"""What the tool policy says, word for word: registration, filters, rooms and senders, elevation."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from types import MappingProxyType

from openclaw.policy.what import group_rooms as rooms
from openclaw.policy.what import tool_chain as chain
from openclaw.policy.what.elevated import (
    Admission,
    AgentElevated,
    ElevatedFacts,
    ElevatedPolicy,
    Origin,
    admission_of,
    effective_level,
    elevated_call,
    elevated_gates,
    origin_of,
)
from openclaw.policy.what.group_rooms import ChannelRooms, RoomFacts, RoomMap, RoomStyle, ToolSender, room_entry
from openclaw.policy.what.group_tools import group_stages
from openclaw.policy.what.labels import (
    Confidentiality,
    Integrity,
    Label,
    Provenance,
    Source,
    join_all,
    label_of,
)
from openclaw.policy.what.tool_chain import AgentBlocks, ApplyPatchRule, ToolRun, tools_policy
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool, normalise_tool
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.what.tool_stages import (
    Entry,
    StageId,
    ToolBlock,
    ToolStage,
    entries,
    pick,
    profile_stage,
    stage_table,
)
from openclaw.policy.where.exec_host import ElevatedLevel
from support.answers import asked, check_answers
from support.tool_runs import CATALOGUE

SMALL_TOOLS = (
    *(CatalogueTool(name) for name in ("read", "write", "exec", "apply_patch", "message", "image", "web_fetch")),
    CatalogueTool("owner_tool", owner_only=True),
    CatalogueTool("memory_get", plugin_id="Memory-Core"),
    CatalogueTool("memory_search"),
    CatalogueTool("w1", plugin_id="weather"),
    CatalogueTool("w2", plugin_id="weather", optional=True),
    CatalogueTool("read", plugin_id="thief"),
    CatalogueTool("w1", plugin_id="other"),
    CatalogueTool("x*", plugin_id="star"),
    CatalogueTool("y", plugin_id="*"),
    CatalogueTool("z", plugin_id="exec"),
    CatalogueTool("group:x"),
    CatalogueTool("q", plugin_id="group:q"),
    CatalogueTool(" "),
    CatalogueTool("v", plugin_id=" "),
)


def small() -> Catalogue:
    """Return the catalogue of the tools above, built anew: what is made while this file is imported tests nothing."""
    return Catalogue.of(SMALL_TOOLS)


def test_names_of_tools() -> None:
    answers: list[tuple[object, object]] = asked(normalise_tool, " Bash ", "APPLY-PATCH", "exec", "", "group:FS")
    catalogue = small()
    answers.append(("catalogue", (list(catalogue.tools), catalogue.plugins, catalogue.rejected)))
    names = ("weather", "group:fs", "group:plugins", "group:openclaw", "read", "nothing", "memory-core")
    answers += [(("members", name), catalogue.members(name)) for name in names]
    answers.append(("no plugins", Catalogue.of(()).members("group:plugins")))
    check_answers("tool-names", answers)


def test_stages_word_for_word() -> None:
    catalogue = small()
    lists: tuple[tuple[str, ...] | None, ...] = (
        None,
        (),
        (" ",),
        ("exec",),
        ("*",),
        ("w*", "READ"),
        ("weather",),
        ("group:fs", "group:plugins"),
        ("bash", "nothing"),
    )
    answers: list[tuple[object, object]] = []
    for allow, also, deny in product(
        lists, (None, (), ("message",)), (None, ("exec",), ("weather", "r*"), ("w1", "*"))
    ):
        stage = pick(StageId.AGENT, ToolBlock("tools", allow=allow, also_allow=also, deny=deny))
        table = stage_table(stage, catalogue)
        said = {name: (answer.passes, answer.rule, answer.key) for name, answer in table.items()}
        answers.append(((allow, also, deny), (stage, stage.is_empty, said)))
    for profile, more in product(
        (None, "", " Coding ", "minimal", "messaging", "full", "x"), (None, (), ("exec", " "))
    ):
        named = None if profile is None else ToolBlock("own", profile=profile)
        added = ToolBlock("more", also_allow=more)
        answers.append(((profile, more), profile_stage(StageId.PROFILE, named, added)))
        answers.append(((profile, "alone"), profile_stage(StageId.PROVIDER_PROFILE, named, None)))
    answers += asked(entries, (None, "k"), ((" Bash", "", "x"), "k"))
    check_answers("tool-stages", answers)


def test_chains_word_for_word() -> None:
    block = ToolBlock("agents.list.tools", profile="coding", allow=("read", "exec"), deny=("message",))
    policy = tools_policy(
        ToolBlock("tools", profile="messaging", also_allow=("exec",), deny=("web_fetch",)),
        by_provider=(
            (" OpenAI ", ToolBlock("tools.byProvider.openai", allow=("read",), profile="minimal")),
            (" ", ToolBlock("blank")),
            ("openai/gpt-5", ToolBlock("tools.byProvider.gpt", deny=("exec",))),
            ("x/", ToolBlock("no model", deny=("exec",))),
        ),
        agents=(
            (
                "Work",
                AgentBlocks(
                    block,
                    (
                        ("anthropic", ToolBlock("own.anthropic", also_allow=("image",))),
                        ("mistral", ToolBlock("own.mistral", profile="minimal")),
                    ),
                    ToolBlock("own.sandbox", allow=("read",)),
                    ApplyPatchRule(True, ("GPT-5",), "own.patch"),
                    read_only=True,
                    memory_search=False,
                ),
            ),
            ("work", AgentBlocks(ToolBlock("second"))),
            ("bare", AgentBlocks()),
        ),
        sandbox=ToolBlock("tools.sandbox.tools", deny=("exec",)),
        subagents=ToolBlock("tools.subagents.tools", allow=("read", "cron"), deny=("write",)),
        http_allow=("group:runtime", "cr*"),
        http_deny=("read",),
        memory_plugin="memory-core",
        web_search=False,
    )
    models = (
        (None, None),
        ("OpenAI", "GPT-5"),
        ("openai", None),
        ("anthropic", "x"),
        ("anthropic", "openai/gpt-5"),
        ("", "gpt-5"),
        ("mistral", "large"),
        ("x", None),
    )
    answers: list[tuple[object, object]] = []
    for agent, (provider, model), key in product(
        ("Work", "bare", "other"), models, ("agent:work:main", "agent:work:subagent:1")
    ):
        for sandboxed, over_http in ((False, False), (True, False), (False, True)):
            run = ToolRun(agent, key, sandboxed=sandboxed, provider=provider, model=model, over_http=over_http)
            answers.append(
                (
                    (agent, provider, model, key, sandboxed, over_http),
                    [
                        (stage.id, stage.allow_key, len(stage.allow), len(stage.deny))
                        for stage in chain.chain_of(policy, run)
                    ],
                )
            )
            found = ToolDecider(policy, CATALOGUE).effective(run)
            answers.append(
                (
                    (agent, provider, model, key, sandboxed, over_http, "tools"),
                    (found.allowed, found.offered, found.unknown_entries, found.warnings),
                )
            )
    bare = tools_policy(ToolBlock("tools"))
    plain = (
        bare.web_search,
        bare.web_fetch,
        bare.memory_plugin,
        bare.elevated,
        bare.unlisted.sandbox,
        bare.subagent,
        bare.http,
    )
    answers.append(("nothing configured", plain))
    off = tools_policy(
        ToolBlock("tools"),
        web_search=False,
        web_fetch=False,
        memory_plugin=None,
        elevated=ElevatedPolicy(enabled=False),
    )
    answers.append(("switched off", (off.web_search, off.web_fetch, off.memory_plugin, off.elevated)))
    blocks = (
        None,
        ToolBlock("a"),
        ToolBlock("a", allow=("read", "Image")),
        ToolBlock("a", allow=("group:openclaw",)),
        ToolBlock("a", deny=()),
        ToolBlock("b", allow=("read",), deny=("write",)),
    )
    answers += [((one, other), chain.sandbox_stage(one, other)) for one, other in product(blocks, repeat=2)]
    answers += [(one, chain.subagent_stage(one)) for one in blocks]
    answers += asked(
        chain.http_stage, ((), ()), (("*",), ("x",)), ((" Exec ", "group:automation"), (" ",)), (("e*",), ())
    )
    stage = ToolStage(StageId.AGENT)
    answers += asked(
        chain.provider_key,
        *product(
            ({"openai": stage, "openai/gpt-5": stage, "a/b": stage},),
            (None, " ", "OpenAI", "x"),
            (None, " GPT-5 ", "a/b", "z"),
        ),
    )
    check_answers("tool-chains", answers)


def test_decisions_on_tools_word_for_word() -> None:
    catalogue = small()
    answers: list[tuple[object, object]] = []
    policies = {
        "open": tools_policy(ToolBlock("tools")),
        "patches": tools_policy(
            ToolBlock("tools", also_allow=("w2", "nothing")),
            unlisted=AgentBlocks(apply_patch=ApplyPatchRule(True, (" GPT-5 ", "openai/o3"))),
        ),
        "patches for all": tools_policy(
            ToolBlock("tools", allow=("exec", "raed")), unlisted=AgentBlocks(apply_patch=ApplyPatchRule(True))
        ),
        "write denied": tools_policy(
            ToolBlock("tools", deny=("write",)), unlisted=AgentBlocks(apply_patch=ApplyPatchRule(True))
        ),
        "write not allowed": tools_policy(
            ToolBlock("tools", allow=("apply_patch",)), unlisted=AgentBlocks(apply_patch=ApplyPatchRule(True))
        ),
        "memory elsewhere": tools_policy(ToolBlock("tools"), memory_plugin="other", web_fetch=False),
        "no memory": tools_policy(ToolBlock("tools"), memory_plugin=None),
        "memory off": tools_policy(ToolBlock("tools"), unlisted=AgentBlocks(memory_search=False)),
        "read only": tools_policy(
            ToolBlock("tools"), unlisted=AgentBlocks(read_only=True, apply_patch=ApplyPatchRule(True))
        ),
    }
    base = ToolRun("main", "agent:main:main")
    runs = {
        "plain": base,
        "openai": replace(base, provider=" OpenAI ", model=" gpt-5 "),
        "o3": replace(base, provider="openai", model="o3"),
        "full name": replace(base, provider="openai", model="openai/o3"),
        "a name of another's": replace(base, provider="openai", model="openai/gpt-5"),
        "no model": replace(base, provider="openai"),
        "owner": replace(base, sender=ToolSender(is_owner=True), image_model=False, may_message=False),
        "sandboxed": replace(base, sandboxed=True),
        "child": replace(base, at_most=frozenset({"read"})),
    }
    for (name, policy), (who, run), tool in product(
        policies.items(), runs.items(), (*catalogue.tools, "unheard", " Bash ", "x*", "z")
    ):
        found = ToolDecider(policy, catalogue).decide(run, tool)
        answers.append(((name, who, tool), (found, found.reason, found.verdict, found.refusal("agent:main:main"))))
    check_answers("tool-decisions", answers)


def test_a_decider_remembers_and_stays_bounded() -> None:
    decider = ToolDecider(tools_policy(ToolBlock("tools")), small())
    first = decider.effective(ToolRun("main", "agent:main:0"))
    assert decider.effective(ToolRun("main", "agent:main:0")) is first
    for number in range(1, 4096):
        decider.effective(ToolRun("main", f"agent:main:{number}"))
    assert decider.effective(ToolRun("main", "agent:main:0")) is first
    decider.effective(ToolRun("main", "agent:main:4096"))
    assert decider.effective(ToolRun("main", "agent:main:0")) is not first


# Rooms


def _entry(name: str, **senders: tuple[str, ...]) -> rooms.RoomEntry:
    blocks = [(key.replace("_", ":"), ToolBlock(f"{name}.{key}", deny=deny)) for key, deny in senders.items()]
    return room_entry(ToolBlock(f"{name}.tools", allow=("read",)), blocks or None)


def test_senders_of_rooms_word_for_word() -> None:
    keys = (
        "42",
        "@42",
        " U1 ",
        "ann",
        "@Ann",
        "id:7",
        "ID: 8",
        "e164:+1 555",
        "+1555",
        "username:bea",
        "name: Cyd Lee",
        "*",
        "id:*",
        "id:",
        "",
        "tag:x",
        "name:a:b",
        "120@g.us",
        "0a1b2c3d-1111-2222-3333-444455556666",
    )
    answers: list[tuple[object, object]] = []
    for key in keys:
        found = rooms.sender_rules([(key, ToolBlock(key, deny=("exec",))), (key, ToolBlock("again"))])
        answers.append(
            (
                key,
                (
                    sorted(found.ids),
                    sorted(found.numbers),
                    sorted(found.usernames),
                    sorted(found.names),
                    found.everyone is not None,
                ),
            )
        )
    both = rooms.sender_rules([("42", ToolBlock("one")), (" 42", ToolBlock("two")), ("x", ToolBlock("three"))])
    answers.append(("the first counts", both.ids["42"].allow_key))
    after = rooms.sender_rules([("*", ToolBlock("any")), (" ", ToolBlock("none")), ("42", ToolBlock("one"))])
    answers.append(("after everyone", sorted(after.ids)))
    for read in (rooms.sender_key,):
        answers += [
            ((read.__name__, text), read(text))
            for text in (" @Ann Lee ", "##A_b  C!", "a--b", "-x-", ".a.", "\u00c4x", "@@x", "", "a b#c", "a__b")
        ]
    answers.append((None, rooms.sender_key(None)))
    bare = room_entry(None, None)
    answers.append(("bare", (bare.tools, bare.senders, bare.slug, room_entry(None, [], slug=" My Slug ").slug)))
    check_answers("tool-senders", answers)


def test_rooms_word_for_word() -> None:
    inner = RoomMap.of(
        [
            ("7001", _entry("c7001", ann=("w1",))),
            ("general", _entry("general")),
            ("Big Talk", _entry("talk")),
            ("*", _entry("any", id_42=("exec",))),
        ]
    )
    discord = RoomMap.of(
        [
            ("5001", room_entry(ToolBlock("guild"), None, slug="Friends", rooms=inner)),
            ("Other Guild", room_entry(ToolBlock("named"), None)),
            ("my-guild", room_entry(ToolBlock("slugged"), None)),
            ("5002", room_entry(ToolBlock("twin one"), None, slug="twins")),
            ("5003", room_entry(ToolBlock("twin two"), None, slug="twins")),
            ("*", _entry("star")),
        ]
    )
    tables = {
        "telegram": ChannelRooms(
            RoomStyle.GROUPS,
            RoomMap.of(
                [
                    ("-100", _entry("g", **{"42": ("exec",), "ann": ("read",), "*": ("message",)})),
                    ("ABC", _entry("upper")),
                    ("abc", _entry("lower")),
                    ("*", _entry("star")),
                ]
            ),
            MappingProxyType({"work": RoomMap.of([("-100", _entry("own"))])}),
        ),
        "slack": ChannelRooms(
            RoomStyle.SLACK,
            RoomMap.of(
                [
                    ("C1", _entry("c1")),
                    ("#general", _entry("hash")),
                    ("random", _entry("random")),
                    ("my-room", _entry("slug")),
                    ("Odd Room", _entry("odd")),
                    ("*", _entry("star")),
                ]
            ),
        ),
        "discord": ChannelRooms(RoomStyle.DISCORD, discord),
        "msteams": ChannelRooms(
            RoomStyle.TEAMS,
            RoomMap.of(
                [
                    (
                        "19:t",
                        room_entry(
                            ToolBlock("team"),
                            None,
                            rooms=RoomMap.of([("19:c", _entry("chan")), ("Big Talk", _entry("talk"))]),
                        ),
                    ),
                    ("My Team", room_entry(ToolBlock("byname"), None)),
                    ("My  Team", room_entry(ToolBlock("also by name"), None)),
                ]
            ),
        ),
        "signal": ChannelRooms(
            RoomStyle.GROUPS, accounts=MappingProxyType({"default": RoomMap.of([("g", _entry("usual"))])})
        ),
    }
    places = (
        RoomFacts("telegram", None, "-100"),
        RoomFacts(" Telegram ", "Work", " -100 "),
        RoomFacts("telegram", None, "-100:topic:7"),
        RoomFacts("telegram", None, "-100:7"),
        RoomFacts("telegram", None, "ABC"),
        RoomFacts("telegram", None, "aBc"),
        RoomFacts("telegram", None, "-9"),
        RoomFacts("slack", None, "C1", "general"),
        RoomFacts("slack", None, "c9", "#general"),
        RoomFacts("slack", None, "C9", " random "),
        RoomFacts("slack", None, "C9", "My Room"),
        RoomFacts("slack", None, "C9"),
        RoomFacts("discord", None, "7001", "general", "5001"),
        RoomFacts("discord", None, "9", "#General", "friends"),
        RoomFacts("discord", None, "9", "x", "5001"),
        RoomFacts("discord", None, "9", None, "other-guild"),
        RoomFacts("discord", None, "9"),
        RoomFacts("msteams", None, "19:c;messageid=1", None, "19:t"),
        RoomFacts("msteams", None, "9", "big-talk", "my-team"),
        RoomFacts("msteams", None, "9", "Big Talk", "19:t"),
        RoomFacts("telegram", "Work", "-9"),
        RoomFacts("telegram", "Home", "-100"),
        RoomFacts("signal", "Home", "g"),
        RoomFacts("signal", " ", "g"),
        RoomFacts("slack", "work", "C1"),
        RoomFacts("slack", None, "C1;x"),
        RoomFacts("slack", None, "C9", "#random"),
        RoomFacts("slack", None, "C9", "Odd Room"),
        RoomFacts("discord", None, "9", None, "19:t"),
        RoomFacts("discord", None, "9", "Big Talk", "5001"),
        RoomFacts("discord", None, "9", None, "Other Guild"),
        RoomFacts("discord", None, "9", None, "My Guild"),
        RoomFacts("discord", None, "9", None, "twins"),
        RoomFacts("msteams", None, "19:c;messageid=1", "big-talk", "19:t"),
        RoomFacts("msteams", None, "9;messageid=1", "big-talk", "19:t"),
        RoomFacts("signal", None, "g"),
        RoomFacts(None, None, "-100"),
        RoomFacts(),
    )
    senders = (
        ToolSender(),
        ToolSender(id="42"),
        ToolSender(username="@Ann"),
        ToolSender(id="42", name="Ann", username="ann"),
        ToolSender(e164="42"),
    )
    keys = (
        "agent:main:main",
        "agent:main:telegram:group:-100",
        "agent:main:telegram:group:-100:topic:7",
        "agent:main:discord:channel:7001",
        "agent:main:msteams:channel:19:c",
        "agent:main:msteams:channel:9",
        "agent:main:msteams:channel:9;messageid=2",
    )
    answers: list[tuple[object, object]] = []
    for place, sender, key, parent in product(places, senders, keys, (None, "agent:main:slack:channel:c1")):
        found = group_stages(tables, session_key=key, spawned_by=parent, room=place, sender=sender)
        answers.append(
            ((place, sender, key, parent), [(stage.allow_key, [entry.text for entry in stage.deny]) for stage in found])
        )
    check_answers("tool-rooms", answers)
    twice = ToolStage(StageId.GROUP, deny=(Entry("exec", "k"),))
    assert twice != ToolStage(StageId.GROUP, deny=(Entry("exec", "k"),))


# Elevation and labels


def test_elevation_word_for_word() -> None:
    base = ElevatedFacts("main", "telegram", "42", admission=Admission.LISTED)
    facts = {
        "plain": base,
        "another agent": replace(base, agent_id="Work"),
        "no channel": replace(base, channel=" "),
        "other channel": replace(base, channel="Slack"),
        "discord": replace(base, channel="discord"),
        "by number": replace(base, sender_id=None, sender_e164="telegram:42"),
        "with prefix": replace(base, sender_id=" Telegram:user:42 "),
        "by name": replace(base, sender_id="7", names=("@Ann", " ")),
        "by name, openly": replace(base, sender_id="7", names=("ann",), admission=Admission.OPEN),
        "nobody": replace(base, sender_id=None),
        "everybody": replace(base, sender_id="*"),
        "anonymous": replace(base, sender_id="Anonymous"),
        "group": replace(base, is_group=True),
        "group, mentioned": replace(base, is_group=True, mentioned=True),
        "the room itself": replace(base, is_group=True, mentioned=True, chat_id="telegram:42"),
        "not in a group": replace(base, chat_id="42"),
        **{f"heard as {one}": replace(base, sender_id="9", admission=one) for one in Admission},
        **{f"started by {one}": replace(base, origin=one) for one in Origin},
    }
    own = MappingProxyType(
        {
            "work": AgentElevated(False, MappingProxyType({"telegram": ("7",)}), "work.elevated"),
            "main": AgentElevated(None, MappingProxyType({"Telegram": ("42", "name:ann")}), "main.elevated"),
        }
    )
    policies = {
        "nothing": ElevatedPolicy(),
        "listed": ElevatedPolicy(allow_from=MappingProxyType({" Telegram": ("user:42",)})),
        "wildcard": ElevatedPolicy(
            allow_from=MappingProxyType({"telegram": ("*",), "slack": ("42",)}), discord_dm=("42", "*")
        ),
        "names": ElevatedPolicy(allow_from=MappingProxyType({"telegram": ("name: @Ann ", "", "name:")})),
        "off": ElevatedPolicy(enabled=False, allow_from=MappingProxyType({"telegram": ("42",)})),
        "agents": ElevatedPolicy(allow_from=MappingProxyType({"telegram": ("42", "7")}), agents=own),
    }
    answers: list[tuple[object, object]] = []
    for (name, policy), (who, one) in product(policies.items(), facts.items()):
        answers.append(((name, who), elevated_gates(policy, one)))
    for (name, policy), level, given in product(policies.items(), ElevatedLevel, (None, True, False)):
        answers.append(((name, level, given), elevated_call(policy, base, level=level, asked=given)))
    for default, inline, session in product(
        (None, ElevatedLevel.FULL), (None, ElevatedLevel.ASK), (None, ElevatedLevel.OFF)
    ):
        answers.append(
            (
                (default, inline, session),
                effective_level(ElevatedPolicy(default_level=default), inline=inline, session=session),
            )
        )
    keys = (
        "agent:main:main",
        "agent:main:subagent:1",
        "agent:main:cron:j",
        "agent:main:hook:h",
        "agent:main:node-p",
        "agent:main:telegram:group:1",
    )
    answers += [
        ((source, key), (admission_of(source), origin_of(source, key))) for source, key in product(Source, keys)
    ]
    check_answers("elevation", answers)


def test_labels_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    for source, secret in product(Source, Confidentiality):
        answers.append(((source, secret), (label_of(source), label_of(source, secret))))
    pairs = tuple(Label(one, other) for one, other in product(Integrity, Confidentiality))
    answers += [((one, other), join_all((one, other))) for one, other in product(pairs, repeat=2)]
    answers.append(("nothing", join_all(())))
    answers += [((one, "stored"), one.as_dict()) for one in pairs]
    whole = Provenance(Source.SESSION, "telegram", "work", "42", "agent:main:main", "run", "exec")
    answers += [
        ("whole", (whole.as_json(), Provenance.from_json(whole.as_json()))),
        ("bare", Provenance(Source.OWNER).as_json()),
    ]
    odd: tuple[object, ...] = (
        None,
        [],
        {},
        {"source": "nonsense"},
        {"source": 1, "channel": 2},
        {"source": "web", "tool": "fetch", "x": 1},
        {"source": ""},
    )
    answers += [(one, (Provenance.from_json(one), Provenance.from_json(one, fallback=Source.WEB))) for one in odd]
    check_answers("labels", answers)
