"""Every built-in tool, in the order in which models see them. Adding a tool means one module and one line here."""

from __future__ import annotations

from typing import Final

from openclaw.tools.contract import Tool
from openclaw.tools.exec import exec_tool
from openclaw.tools.fs import edit, read, write
from openclaw.tools.process import process_tool
from openclaw.tools.session_tools import session_status, sessions_history, sessions_list

TOOLS: Final[tuple[Tool, ...]] = (
    read,
    write,
    edit,
    exec_tool,
    process_tool,
    sessions_list,
    sessions_history,
    session_status,
)
