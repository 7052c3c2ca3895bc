"""The one redactor: logs, tool summaries, reports, exports and errors that leave the process all pass through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from openclaw.policy.what.redact import redact
from openclaw.system.secret import known_secrets

if TYPE_CHECKING:
    from openclaw.policy.patterns import PatternSet

Mode = Literal["tools", "off"]
_MAX_DEPTH: Final = 32


class Redactor:
    """Masks secrets in text, with what this process knows and what the user added (config.md 6.5).

    Args:
        mode: `off` ends the masking by patterns of what is shown (tool summaries, console); whatever is stored or sent
            stays masked.
        patterns: `logging.redactPatterns`; an unreadable one is skipped and stands in `warnings`.
        secrets: gives the secret values that are known now.
    """

    def __init__(
        self,
        *,
        mode: Mode = "tools",
        patterns: Iterable[str] = (),
        secrets: Callable[[], Iterable[str]] = known_secrets,
    ) -> None:
        self._secrets = secrets
        self.configure(mode=mode, patterns=patterns)

    def configure(self, *, mode: Mode, patterns: Iterable[str]) -> None:
        """Take over changed settings; the object stays the same for all who hold it."""
        sources = [_body(source) for source in patterns]
        found: PatternSet | None = None
        if sources:
            from openclaw.policy.patterns import compile_patterns

            found = compile_patterns(sources)
        self._mode = mode
        self._patterns = found.patterns if found is not None else ()
        self.warnings: tuple[str, ...] = tuple(
            f"logging.redactPatterns: {warning.source!r} is skipped, {warning.why}"
            for warning in (found.warnings if found is not None else ())
        )

    def redact(self, text: str) -> str:
        """Return the text as it may be stored or sent."""
        return redact(text, secrets=self._secrets(), patterns=self._patterns).text

    def redact_counted(self, text: str) -> tuple[str, int]:
        """Return the text and the number of places that were masked, for exports, which state it."""
        found = redact(text, secrets=self._secrets(), patterns=self._patterns)
        return found.text, found.count

    def redact_shown(self, text: str) -> str:
        """Return the text as it may be shown in tool summaries and on the console; known secrets are masked always."""
        return redact(text, secrets=self._secrets(), patterns=self._patterns, shapes=self._mode != "off").text

    def redact_value(self, value: Any, _depth: int = 0) -> Any:
        """Return a JSON-able value with every text in it masked; keys stay."""
        if isinstance(value, str):
            return self.redact(value)
        if _depth > _MAX_DEPTH:
            return "…"
        if isinstance(value, Mapping):
            return {key: self.redact_value(item, _depth + 1) for key, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
            return [self.redact_value(item, _depth + 1) for item in value]
        return value


def _body(source: str) -> str:
    """Return the body of a pattern written as `/body/flags`; case is never regarded, so flags say nothing more."""
    if len(source) > 2 and source.startswith("/"):
        body, slash, flags = source[1:].rpartition("/")
        if slash and body and (not flags or flags.isalpha()):
            return body
    return source
