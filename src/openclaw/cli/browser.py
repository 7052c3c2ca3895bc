"""Opening the web chat in the browser of a desktop, without its token on any command line."""

from __future__ import annotations

import html
import sys
from typing import Final

from openclaw.cli.context import CliContext

_PAGE: Final = """<!doctype html>
<meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>openclaw</title>
"""


def open_address(context: CliContext, address: str) -> None:
    """Open an address when there is a desktop. The browser is handed a private page that leads there.

    Other users of the machine can read the command line of a process; the address holds a secret.
    """
    has_desktop = sys.platform == "darwin" or any(map(context.environment.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    if not has_desktop:
        return
    import webbrowser

    from openclaw.state.files import write_private
    from openclaw.system.errors import OpenClawError

    page = context.layout.root / "cache" / "open.html"
    try:
        write_private(page, _PAGE.format(address=html.escape(address, quote=True)))
        webbrowser.open(page.as_uri())
    except (OpenClawError, webbrowser.Error):
        return  # the address was printed
