"""Markdown to Telegram's HTML (channels.md 4.4): b i s code pre a blockquote tg-spoiler. Pure.

Everything that is not one of our tags is escaped, so that no text of a model can write a tag of its own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_INLINE: Final = {
    "strong_open": "<b>",
    "strong_close": "</b>",
    "em_open": "<i>",
    "em_close": "</i>",
    "s_open": "<s>",
    "s_close": "</s>",
    "softbreak": "\n",
    "hardbreak": "\n",
}
_SPOILER: Final = re.compile(r"\|\|(?=\S)(.+?)(?<=\S)\|\|", re.DOTALL)
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9_+#.-]{1,32}")
_SAFE_LINK: Final = re.compile(r"(?:https?|tg|mailto):", re.IGNORECASE)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("strikethrough")


def to_html(markdown: str) -> str:
    """Return Telegram HTML for a chunk of markdown; blank text gives an empty string."""
    writer = _Writer()
    writer.blocks(_parser().parse(markdown))
    return writer.text()


class _Writer:
    """Walks the tokens of one chunk."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._lists: list[int | None] = []
        self._quotes = 0
        self._item_start = False

    def text(self) -> str:
        return re.sub(r"\n{3,}", "\n\n", "".join(self._parts)).strip()

    def blocks(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            self._block(token)

    def _block(self, token: Token) -> None:
        match token.type:
            case "inline":
                self._parts.append(_inline(token.children or []))
            case "paragraph_close":
                self._parts.append("\n" if self._lists else "\n\n")
            case "heading_open":
                self._parts.append("<b>")
            case "heading_close":
                self._parts.append("</b>\n\n")
            case "fence" | "code_block":
                self._parts.append(_code(token))
            case "hr":
                self._parts.append("———\n\n")
            case "blockquote_open" | "blockquote_close":
                self._quote(token)
            case _:
                self._list(token)

    def _quote(self, token: Token) -> None:
        """Telegram does not nest quotes: the inner ones are plain."""
        opening = token.type == "blockquote_open"
        if not opening:
            self._trim()
        depth = self._quotes
        self._quotes += 1 if opening else -1
        if depth == (0 if opening else 1):
            self._parts.append("<blockquote>" if opening else "</blockquote>\n\n")

    def _list(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._open_list(None)
            case "ordered_list_open":
                self._open_list(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                if not self._lists:
                    self._parts.append("\n")
            case "list_item_open":
                self._parts.append(f"{'  ' * (len(self._lists) - 1)}{self._mark()} ")

    def _open_list(self, start: int | None) -> None:
        if self._lists and self._parts and not self._parts[-1].endswith("\n"):
            self._parts.append("\n")
        self._lists.append(start)

    def _mark(self) -> str:
        number = self._lists[-1]
        if number is None:
            return "•"
        self._lists[-1] = number + 1
        return f"{number}."

    def _trim(self) -> None:
        while self._parts and not self._parts[-1].strip():
            self._parts.pop()
        if self._parts:
            self._parts[-1] = self._parts[-1].rstrip("\n")


def _code(token: Token) -> str:
    language = _LANGUAGE.match(token.info.strip())
    body = html.escape(token.content.rstrip("\n"), quote=False)
    if language:
        return f'<pre><code class="language-{html.escape(language.group())}">{body}</code></pre>\n\n'
    return f"<pre>{body}</pre>\n\n"


def _inline(tokens: Sequence[Token]) -> str:
    parts: list[str] = []
    links: list[bool] = []
    for token in tokens:
        match token.type:
            case "text" | "html_inline" | "text_special":
                parts.append(_plain(token.content))
            case "code_inline":
                parts.append(f"<code>{html.escape(token.content, quote=False)}</code>")
            case "link_open":
                target = str(token.attrGet("href") or "")
                links.append(bool(_SAFE_LINK.match(target)))
                parts.append(f'<a href="{html.escape(target)}">' if links[-1] else "")
            case "link_close":
                parts.append("</a>" if links.pop() else "")
            case "image":
                parts.append(_image(token))
            case _:
                parts.append(_INLINE.get(token.type, ""))
    return "".join(parts)


def _image(token: Token) -> str:
    """An image is never loaded by itself (advisory P9): it becomes a link that says where it leads."""
    target = str(token.attrGet("src") or "")
    label = html.escape(token.content or "image", quote=False)
    if not _SAFE_LINK.match(target):
        return label
    return f'<a href="{html.escape(target)}">{label}</a>'


def _plain(text: str) -> str:
    return _SPOILER.sub(r"<tg-spoiler>\1</tg-spoiler>", html.escape(text, quote=False))
