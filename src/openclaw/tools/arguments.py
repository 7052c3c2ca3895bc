"""Tool arguments as a model sends them: aliases, closed validation, one clear error, and their trace in the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from openclaw.system.errors import InvalidInput
from openclaw.tools.contract import Params, Tool

MAX_ARGUMENT_CHARS: Final = 4_000_000
SUMMARY_LENGTH: Final = 200
MALFORMED: Final = "INVALID_JSON"
"""Sole key of arguments that a model sent as a text which is no JSON object; its value is that text."""
MALFORMED_CODE: Final = "malformed-arguments"
_SHOWN_FAULTS: Final = 3


def canonical(arguments: object) -> str:
    """Return arguments as canonical JSON: sorted keys, no spaces; what is no JSON is written as text."""
    return json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=repr)


def digest(text: str) -> str:
    """Return the SHA-256 of canonical arguments."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def validated(tool: Tool, arguments: object, *, size: int) -> Params:
    """Return the parameters of a call.

    Args:
        tool: the tool.
        arguments: as the model gave them.
        size: characters of their canonical form.

    Raises:
        InvalidInput: with one text that names each fault (at most three) and the accepted names.
    """
    if size > MAX_ARGUMENT_CHARS:
        raise InvalidInput(f"The parameters of {tool.name} are too long.", code="invalid-arguments")
    if not isinstance(arguments, Mapping):
        raise InvalidInput(f"{tool.name} takes an object of parameters.", code="invalid-arguments")
    if (broken := _malformed(arguments)) is not None:
        raise InvalidInput(
            f"The arguments of this call of {tool.name} {broken}, so nothing ran. "
            "Send the whole call again, with one JSON object.",
            code=MALFORMED_CODE,
        )
    given = _canonical_names(tool, arguments)
    try:
        return tool.params.model_validate(given)
    except ValidationError as error:
        raise InvalidInput(_fault_text(tool, error), code="invalid-arguments") from None
    except RecursionError:
        raise InvalidInput(f"The parameters of {tool.name} are nested too deeply.", code="invalid-arguments") from None


def _malformed(arguments: Mapping[Any, Any]) -> str | None:
    """Return what is wrong with arguments that could not be read; nothing of their text, which may hold secrets."""
    raw = arguments.get(MALFORMED)
    if not isinstance(raw, str) or len(arguments) != 1:
        return None
    try:
        json.loads(raw)
    except json.JSONDecodeError as error:
        return (
            f"are not valid JSON ({error.msg.lower().removesuffix(' at')} at character {error.pos + 1} of {len(raw)})"
        )
    except (ValueError, RecursionError):
        return "are not valid JSON"
    return "are not a JSON object"


def _canonical_names(tool: Tool, arguments: Mapping[Any, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for seen, value in arguments.items():
        name = tool.aliases.get(str(seen), str(seen))
        if name in given:
            raise InvalidInput(f"{tool.name}: {name} is given twice (also as {seen}).", code="invalid-arguments")
        given[name] = value
    return given


def _fault_text(tool: Tool, error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    parts = []
    for fault in faults[:_SHOWN_FAULTS]:
        where = ".".join(str(step) for step in fault["loc"]) or "arguments"
        parts.append(f"{where}: {fault['msg'][0].lower()}{fault['msg'][1:]}")
    more = f" (and {len(faults) - _SHOWN_FAULTS} more)" if len(faults) > _SHOWN_FAULTS else ""
    known = ", ".join(tool.schema().get("properties", {}))
    return f"Invalid parameters for {tool.name}: {'; '.join(parts)}{more}. Known parameters: {known}."
