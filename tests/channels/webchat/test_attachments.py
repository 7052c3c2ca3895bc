"""Images inside a chat message are typed by their bytes, never by what the client says of them."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.channels.webchat.attachments import MAX_ATTACHMENTS, MAX_IMAGE_BYTES, images_of
from openclaw.system.errors import InvalidInput

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
TEXT = base64.b64encode(PNG).decode()
BLOCK = {"type": "image", "data": TEXT, "mimeType": "image/png"}


@pytest.mark.parametrize(
    "content",
    [TEXT, f"data:image/png;base64,{TEXT}", f"data:text/html;base64,{TEXT}", "\n".join(re.findall(".{1,8}", TEXT))],
    ids=["plain", "data-url", "false-type", "lines"],
)
def test_an_image_is_read_however_its_base64_is_dressed(content: str) -> None:
    assert images_of([{"content": content, "mimeType": "text/html"}]) == ((BLOCK,), ())


def test_what_is_no_image_is_left_out_with_a_warning_and_the_others_stay() -> None:
    page = base64.b64encode(b"<script>alert(1)</script>").decode()
    images, (warning,) = images_of([{"content": page, "mimeType": "image/png"}, {"content": TEXT}])
    assert images == (BLOCK,)
    assert warning.startswith("attachment 1 is ")


@pytest.mark.parametrize("content", [None, 5, "", "***", "data:image/png;base64,***", "QUJ"])
def test_what_is_no_base64_is_refused_with_its_number(content: Any) -> None:
    with pytest.raises(InvalidInput, match="attachment 2: content"):
        images_of([{"content": TEXT}, {"content": content}])


def test_size_and_number_have_limits() -> None:
    large = PNG + b"\0" * (MAX_IMAGE_BYTES + 1 - len(PNG))
    with pytest.raises(InvalidInput, match=f"larger than {MAX_IMAGE_BYTES}"):
        images_of([{"content": base64.b64encode(large).decode()}])
    assert len(images_of([{"content": base64.b64encode(large[:-1]).decode()}])[0]) == 1
    assert len(images_of([{"content": TEXT}] * MAX_ATTACHMENTS)[0]) == MAX_ATTACHMENTS
    with pytest.raises(InvalidInput, match=f"at most {MAX_ATTACHMENTS}"):
        images_of([{"content": TEXT}] * (MAX_ATTACHMENTS + 1))


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_an_image_or_a_warning_and_never_both(data: bytes) -> None:
    images, warnings = images_of([{"content": base64.b64encode(data).decode()}])
    assert len(images) + len(warnings) == 1
    assert [base64.b64decode(image["data"]) for image in images] in ([], [data])
