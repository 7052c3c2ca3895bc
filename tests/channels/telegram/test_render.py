from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.channels.telegram.render import to_html


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("plain", "plain"),
        ("**bold** _it_ ~~gone~~ `x<y`", "<b>bold</b> <i>it</i> <s>gone</s> <code>x&lt;y</code>"),
        ("# Title\n\ntext", "<b>Title</b>\n\ntext"),
        (
            "```python\nif a < b:\n    pass\n```",
            '<pre><code class="language-python">if a &lt; b:\n    pass</code></pre>',
        ),
        ("```\nx\n```", "<pre>x</pre>"),
        ("- one\n- two\n  - inner", "• one\n• two\n  • inner"),
        ("3. one\n4. two", "3. one\n4. two"),
        ("> quoted\n> more", "<blockquote>quoted\nmore</blockquote>"),
        ("[site](https://example.org/?a=1&b=2)", '<a href="https://example.org/?a=1&amp;b=2">site</a>'),
        ("[bad](javascript:alert(1))", "[bad](javascript:alert(1))"),
        ("![pic](https://example.org/x.png)", '<a href="https://example.org/x.png">pic</a>'),
        ("||secret||", "<tg-spoiler>secret</tg-spoiler>"),
        ("a <script> & b", "a &lt;script&gt; &amp; b"),
        ("line one\nline two", "line one\nline two"),
        ("", ""),
    ],
)
def test_markdown_becomes_telegram_html(markdown: str, html: str) -> None:
    assert to_html(markdown) == html


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab*_~`[]()<>&#->|!\\\n 1.:/h"), max_size=120))
def test_any_markdown_gives_balanced_tags_that_telegram_knows(markdown: str) -> None:
    checker = _Balance()
    found = to_html(markdown)
    checker.feed(found)
    checker.close()
    assert checker.open == []
    assert checker.names <= {"b", "i", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}
    assert not re.search(r"\n{3,}", re.sub(r"<pre>.*?</pre>", "", found, flags=re.DOTALL))
