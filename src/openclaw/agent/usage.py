"""Token counts and their cost, in the shapes of transcripts and session entries (agent.md 1.7, 3.5). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openclaw.agent.contract import Usage

_MILLION = 1_000_000


def usage_fields(usage: Usage, price: tuple[float, float, float, float]) -> dict[str, Any]:
    """Return the `usage` object of an assistant message.

    Args:
        usage: token counts of one request.
        price: cost per million tokens of input, output, cache read and cache write.
    """
    counts = (usage.input, usage.output, usage.cache_read, usage.cache_write)
    costs = [count * rate / _MILLION for count, rate in zip(counts, price, strict=True)]
    names = ("input", "output", "cacheRead", "cacheWrite")
    return {
        **dict(zip(names, counts, strict=True)),
        "totalTokens": sum(counts),
        "cost": {**dict(zip(names, costs, strict=True)), "total": sum(costs)},
    }


@dataclass(slots=True)
class Tally:
    """The counts of one run.

    Attributes:
        input, output, cache_read, cache_write: sums over its requests.
        prompt: prompt size of the last request.
        requests: how many requests were answered.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    prompt: int = 0
    requests: int = 0

    def add(self, usage: Usage) -> None:
        """Count one request."""
        self.input += usage.input
        self.output += usage.output
        self.cache_read += usage.cache_read
        self.cache_write += usage.cache_write
        self.prompt = usage.input + usage.cache_read + usage.cache_write
        self.requests += 1

    def totals(self) -> dict[str, int]:
        """Return the counts as results and events carry them."""
        return {
            "input": self.input,
            "output": self.output,
            "cacheRead": self.cache_read,
            "cacheWrite": self.cache_write,
            "total": self.input + self.output + self.cache_read + self.cache_write,
        }

    def line(self, model: str = "") -> str:
        """Return the line that `/usage` puts under an answer."""
        counts = f"Tokens: input {self.input}, output {self.output}, cached {self.cache_read}"
        return f"{counts} ({model})" if model else counts

    def entry_fields(self) -> dict[str, int]:
        """Return the counters of the session entry: those of the last run; none when nothing was answered."""
        if not self.requests:
            return {}
        totals = self.totals()
        return {
            "inputTokens": totals["input"],
            "outputTokens": totals["output"],
            "totalTokens": totals["total"],
            "contextTokens": self.prompt,
        }
