"""The Control UI: static files with a strict policy, and the page itself for every other path (gateway.md 4).

The page is the same for everybody and holds no data: name, avatar and all else come over the socket after connect.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import openclaw
from openclaw.gateway.http.router import SAFE_METHODS, not_allowed, not_found
from openclaw.policy.what.paths import FileRoots
from openclaw.policy.who.client_address import split_host
from openclaw.policy.who.gateway_policy import ControlUiPolicy
from openclaw.protocol.peer import HttpRequest, HttpResponse
from openclaw.system.errors import NotFound, Refused
from openclaw.system.files import GuardedFiles

INDEX: Final = "index.html"
MAX_FILE: Final = 8 * 1024 * 1024
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".map": "application/json; charset=utf-8",
}
NOT_PAGES: Final = ("/v1/", "/hooks/", "/tools/", "/__openclaw__/", "/avatar/", "/api/")
"""Paths of programs: where no endpoint answers, the page must not."""
_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'none'; "
    "script-src 'self'; style-src 'self'; font-src 'self'; media-src 'self' blob:; img-src 'self' data: blob:; "
    "connect-src 'self'{sockets}"
)
_HOST: Final = re.compile(r"[a-z0-9.:-]{1,255}")
"""Nothing else of a Host header may become part of the policy."""
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def bundled_root() -> Path:
    """Return the folder of the page that comes with the program."""
    return Path(openclaw.__file__).parent / "ui"


class ControlUi:
    """Serves the page.

    Args:
        policy: the page's switches as they are now.
        root: another folder instead of the bundled one (`gateway.controlUi.root`); None for that.
    """

    def __init__(self, policy: Callable[[], ControlUiPolicy], root: Path | None = None) -> None:
        folder = bundled_root() if root is None else root
        self._policy = policy
        # the package manager may have made the bundled files with hard links
        roots = FileRoots(cwd=str(folder), home=str(folder), writable=False, allow_hardlinks=root is None)
        self._files = GuardedFiles(roots)

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer a request that no other endpoint takes."""
        policy = self._policy()
        base, path = policy.base_path, request.path
        if not policy.enabled:
            return not_found()
        if base and path == base:
            query = getattr(request, "raw_query", "")
            return HttpResponse(302, headers={"Location": f"{base}/" + (f"?{query}" if query else "")})
        if (base and not path.startswith(f"{base}/")) or _is_no_page(path, base):
            return not_found()
        if request.method not in SAFE_METHODS:
            return not_allowed(("GET", "HEAD"))
        return await self._file(path[len(base) :], request)

    async def _file(self, path: str, request: HttpRequest) -> HttpResponse:
        name = _file_name(path)
        content = await asyncio.to_thread(self._read, name)
        if content is None and Path(name).suffix in TYPES and name != INDEX:
            return not_found()
        if content is None:
            name, content = INDEX, await asyncio.to_thread(self._read, INDEX)
        if content is None:
            return HttpResponse(503, b"The Control UI is not installed; see gateway.controlUi.root")
        headers = {**_HEADERS, "Content-Security-Policy": _content_policy(request)}
        kind = TYPES.get(Path(name).suffix, "application/octet-stream")
        return HttpResponse(200, content, content_type=kind, headers=headers)

    def _read(self, name: str) -> bytes | None:
        if Path(name).suffix not in TYPES:
            return None
        try:
            return self._files.read_bytes(name, limit=MAX_FILE)
        except (NotFound, Refused):
            return None


def _is_no_page(path: str, base: str) -> bool:
    return any(f"{path}/".startswith(prefix) for prefix in NOT_PAGES) or (
        not base and (path == "/ui" or path.startswith("/ui/"))
    )


def _file_name(path: str) -> str:
    """Return the file that a path below the base asks for; `assets/` is found at any depth."""
    name = path.strip("/")
    _, found, rest = f"/{name}".rpartition("/assets/")
    return f"assets/{rest}" if found else name or INDEX


def _content_policy(request: HttpRequest) -> str:
    host = split_host(request.headers.get("Host"))
    if host is None or not _HOST.fullmatch(host[0]):
        return _POLICY.format(sockets="")
    name = f"[{host[0]}]" if ":" in host[0] else host[0]
    own = name if host[1] is None else f"{name}:{host[1]}"
    return _POLICY.format(sockets=f" ws://{own} wss://{own}")
