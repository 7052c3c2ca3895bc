"""A catalogue, policies and runs for tests of the tool policy."""

from __future__ import annotations

from typing import Any, Final

from openclaw.config.compile.tools import compile_tools
from openclaw.config.model import Config
from openclaw.policy.what.group_rooms import RoomFacts, ToolSender
from openclaw.policy.what.tool_chain import ToolRun, ToolsPolicy
from openclaw.policy.what.tool_names import CORE_TOOLS, MEMORY_TOOLS, Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import effective_tools

CATALOGUE: Final = Catalogue.of(
    (
        *(
            CatalogueTool(
                name,
                plugin_id="memory-core" if name in MEMORY_TOOLS else None,
                owner_only=name == "whatsapp_login",
            )
            for name in CORE_TOOLS
        ),
        CatalogueTool("weather_now", plugin_id="weather"),
        CatalogueTool("weather_purge", plugin_id="weather", optional=True),
        CatalogueTool("notes_add", plugin_id="notes", optional=True),
    )
)
NOBODY: Final = ToolSender()


def policy_of(**document: Any) -> ToolsPolicy:
    """Return the tool policy of a config document."""
    return compile_tools(Config.from_document(document))


def run_of(key: str = "agent:main:main", **facts: Any) -> ToolRun:
    """Return a run of a session."""
    return ToolRun(agent_id=facts.pop("agent_id", key.split(":")[1]), session_key=key, **facts)


def group_run(channel: str, group_id: str, sender: ToolSender = NOBODY, **facts: Any) -> ToolRun:
    """Return a run of a message in a group."""
    kind = facts.pop("kind", "group")
    room = RoomFacts(channel=channel, group_id=group_id, **facts.pop("room", {}))
    return run_of(f"agent:main:{channel}:{kind}:{group_id.lower()}", room=room, sender=sender, **facts)


def allowed(policy: ToolsPolicy, run: ToolRun, catalogue: Catalogue = CATALOGUE) -> frozenset[str]:
    """Return the names that the chain leaves."""
    return frozenset(effective_tools(policy, run, catalogue).allowed)
