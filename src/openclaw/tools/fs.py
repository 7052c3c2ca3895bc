"""The file tools `read`, `write` and `edit` (agent.md 5.1), over the guarded files of the run (exec.md 4.9)."""

from __future__ import annotations

import asyncio
import base64
import posixpath
from typing import Final

from pydantic import Field

from openclaw.policy.what.labels import Effect, Provenance, Source
from openclaw.policy.what.paths import shown
from openclaw.system.errors import InvalidInput, NotFound, OpenClawError
from openclaw.system.files import GuardedFiles
from openclaw.tools.contract import CallEffects, Params, ToolContext, ToolResult, tool
from openclaw.tools.sandbox.workspace import SEED_NAMES
from openclaw.tools.text_slice import (
    MAX_BYTES,
    SNIFF_BYTES,
    Slice,
    image_type,
    replace_once,
    short_diff,
    slice_lines,
)

IMAGE_LIMIT: Final = 10 * 1024 * 1024
EDIT_LIMIT: Final = 10 * 1024 * 1024
BOOTSTRAP_NAMES: Final = frozenset({*SEED_NAMES, "MEMORY.md", "SKILL.md"})
BOOTSTRAP_FOLDERS: Final = frozenset({"skills", "memory", "hooks"})
"""What later runs obey: writing there is a change of configuration (guard.md 2)."""
_FILE: Final = Provenance(source=Source.FILE)


class ReadParams(Params):
    """Parameters of `read`."""

    path: str = Field(description="File to read: relative to the workspace, or absolute.")
    offset: int | None = Field(None, ge=1, description="Line to start from, counted from 1.")
    limit: int | None = Field(None, ge=1, description="Lines to read.")


class WriteParams(Params):
    """Parameters of `write`."""

    path: str = Field(description="File to write: relative to the workspace, or absolute.")
    content: str = Field(description="The whole new content.")


class EditParams(Params):
    """Parameters of `edit`."""

    path: str = Field(description="File to edit: relative to the workspace, or absolute.")
    old_text: str = Field(description="Text to replace; it must occur exactly once.")
    new_text: str = Field(description="What replaces it.")


@tool(
    "read",
    ReadParams,
    effects={Effect.READ},
    summary="Read a text file or an image",
    aliases={"file_path": "path"},
)
async def read(ctx: ToolContext, params: ReadParams) -> ToolResult:
    """Read a text file or an image.

    Text comes by lines, at most 2000 lines or 50 KB at once; use offset and limit for the rest. PNG, JPEG, GIF and WebP
    files come as images.
    """
    return await asyncio.to_thread(_read, ctx.files, params)


def _read(files: GuardedFiles, params: ReadParams) -> ToolResult:
    with files.open_read(params.path) as file:
        head = file.read(SNIFF_BYTES)
        kind = image_type(head)
        if kind is not None:
            return _image(head + file.read(IMAGE_LIMIT + 1 - len(head)), kind, params.path)
        if b"\0" in head:
            raise InvalidInput(f"{shown(params.path)} is not a text file.", code="binary-file")
        file.seek(0)
        found = slice_lines(file, params.offset or 1, params.limit)
    if found is None:
        raise InvalidInput(f"{shown(params.path)} has fewer than {params.offset} lines.", code="beyond-end")
    details = {"firstLine": found.first, "lastLine": found.last, "more": found.more}
    return ToolResult(content=({"type": "text", "text": found.text + _hint(found)},), details=details, provenance=_FILE)


def _image(data: bytes, kind: str, path: str) -> ToolResult:
    if len(data) > IMAGE_LIMIT:
        raise InvalidInput(f"{shown(path)} is larger than {IMAGE_LIMIT} bytes.", code="too-large")
    return ToolResult(
        content=(
            {"type": "text", "text": f"Image {shown(path)} ({kind}, {len(data)} bytes)"},
            {"type": "image", "data": base64.b64encode(data).decode(), "mimeType": kind},
        ),
        details={"mimeType": kind, "bytes": len(data)},
        provenance=_FILE,
    )


def _hint(found: Slice) -> str:
    gap = "\n" if found.text.endswith("\n") else "\n\n"
    if found.cut_line:
        return f"{gap}[Line {found.first} is larger than {MAX_BYTES} bytes; the rest of it is not shown.]"
    if not found.more:
        return ""
    return f"{gap}[Lines {found.first} to {found.last} of more. Use offset={found.last + 1} to continue.]"


def _write_effects(ctx: ToolContext, params: WriteParams | EditParams) -> CallEffects:
    """Return what a write does: to files that later runs obey it is a change of configuration."""
    effects = {Effect.WRITE}
    parts = posixpath.normpath(params.path.replace("\\", "/")).split("/")
    if parts[-1] in BOOTSTRAP_NAMES or BOOTSTRAP_FOLDERS & set(parts[:-1]):
        effects.add(Effect.CONFIG)
    if isinstance(params, WriteParams) and _exists(ctx.files, params.path):
        effects.add(Effect.DESTROY)
    return CallEffects(frozenset(effects), (params.path,))


def _exists(files: GuardedFiles, path: str) -> bool:
    try:
        files.stat(path)
    except NotFound:
        return False
    except OpenClawError:
        return True
    return True


@tool(
    "write",
    WriteParams,
    effects={Effect.WRITE, Effect.CONFIG, Effect.DESTROY},
    summary="Create or overwrite a file",
    aliases={"file_path": "path"},
    narrow=_write_effects,
)
async def write(ctx: ToolContext, params: WriteParams) -> ToolResult:
    """Write a file as a whole. Missing folders are made; an existing file is replaced."""
    return await asyncio.to_thread(_write, ctx.files, params)


def _write(files: GuardedFiles, params: WriteParams) -> ToolResult:
    data = params.content.encode("utf-8", "replace")
    created = not _exists(files, params.path)
    files.write(params.path, data)
    verb = "Created" if created else "Overwrote"
    details = {"path": params.path, "bytes": len(data), "created": created}
    return ToolResult.text(f"{verb} {shown(params.path)} ({len(data)} bytes).", details=details)


@tool(
    "edit",
    EditParams,
    effects={Effect.WRITE, Effect.CONFIG},
    summary="Replace one piece of text in a file",
    aliases={"file_path": "path", "old_string": "oldText", "new_string": "newText"},
    narrow=_write_effects,
)
async def edit(ctx: ToolContext, params: EditParams) -> ToolResult:
    """Replace exactly one place in a text file. oldText must match exactly, white space included, and occur once."""
    return await asyncio.to_thread(_edit, ctx.files, params)


def _edit(files: GuardedFiles, params: EditParams) -> ToolResult:
    name = shown(params.path)
    if not params.old_text:
        raise InvalidInput("oldText is empty; use write for a new file.", code="invalid-arguments")
    if params.old_text == params.new_text:
        raise InvalidInput("oldText and newText are the same; nothing would change.", code="invalid-arguments")
    files.check_write(params.path)
    try:
        before = files.read_bytes(params.path, limit=EDIT_LIMIT).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not UTF-8 text.", code="binary-file") from None
    after = replace_once(before, params.old_text, params.new_text)
    if isinstance(after, int):
        if after == 0:
            raise InvalidInput(f"oldText does not occur in {name}; read the file and copy it exactly.", code="no-match")
        raise InvalidInput(
            f"oldText occurs {after} times in {name}; give more text around it, so that it occurs once.",
            code="not-unique",
        )
    files.write(params.path, after.encode("utf-8"))
    diff = short_diff(before, after, name)
    return ToolResult.text(f"Edited {name}.\n\n{diff}", details={"path": params.path, "diff": diff})
