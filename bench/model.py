"""A process that serves the tests' OpenAI-compatible model, which answers at once, until it is ended."""

from __future__ import annotations

import asyncio

from support.model_server import model_server


async def main() -> None:
    """Serve; the first line printed is the base URL."""
    async with model_server() as server:
        print(server.base_url, flush=True)
        while True:
            await asyncio.sleep(1)
            server.requests.clear()


if __name__ == "__main__":
    asyncio.run(main())
