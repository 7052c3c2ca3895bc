from __future__ import annotations

import base64
import re
import stat
from pathlib import Path

import pytest

from openclaw.channels.contract import MediaRef
from openclaw.channels.media import MAX_IMAGE_BYTES, MAX_MEDIA, MediaFetcher
from support.channels import FakeChannel, inbound

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
LIMIT = 6_000_000


def fetcher(root: Path, channel: FakeChannel | None) -> MediaFetcher:
    return MediaFetcher(root, lambda _channel, _account: channel, lambda _channel, _account: LIMIT)


def with_files(*files: bytes) -> tuple[FakeChannel, tuple[MediaRef, ...]]:
    channel = FakeChannel()
    channel.files = {f"f{number}": data for number, data in enumerate(files)}
    return channel, tuple(MediaRef(kind="document", handle=handle, name="../../evil.sh") for handle in channel.files)


def kept(root: Path) -> list[Path]:
    return sorted((root / "inbound").iterdir()) if (root / "inbound").exists() else []


@pytest.mark.asyncio
async def test_a_picture_is_kept_privately_under_a_name_of_ours_and_shown_to_the_model(tmp_path: Path) -> None:
    channel, media = with_files(PNG)
    found = await fetcher(tmp_path, channel).fetch(inbound(media=media))
    (path,) = kept(tmp_path)
    assert re.fullmatch(r"[0-9a-f-]{36}\.png", path.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert found.images == ({"type": "image", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"},)
    assert found.notes == (f"media attached: document image/png, {len(PNG)} bytes, media/inbound/{path.name}",)
    assert found.refused is None


@pytest.mark.asyncio
async def test_the_bytes_say_what_a_file_is_not_its_name(tmp_path: Path) -> None:
    channel, media = with_files(b"#!/bin/sh\nrm -r /\n")
    found = await fetcher(tmp_path, channel).fetch(inbound(media=media))
    (path,) = kept(tmp_path)
    assert found.images == ()
    assert path.suffix != ".sh"
    assert "evil" not in str(path) + "".join(found.notes)


@pytest.mark.asyncio
async def test_a_large_picture_is_kept_and_not_shown(tmp_path: Path) -> None:
    channel, media = with_files(PNG + b"\0" * MAX_IMAGE_BYTES)
    found = await fetcher(tmp_path, channel).fetch(inbound(media=media))
    assert (found.images, len(found.notes)) == ((), 1)


@pytest.mark.asyncio
async def test_one_that_fails_is_told_and_the_others_are_taken(tmp_path: Path) -> None:
    channel, media = with_files(PNG, b"x" * (LIMIT + 1), PNG)
    found = await fetcher(tmp_path, channel).fetch(inbound(media=media))
    assert (len(found.notes), found.refused) == (2, f"larger than {LIMIT}")


@pytest.mark.asyncio
async def test_a_disk_that_refuses_is_told_without_its_path(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    channel, media = with_files(PNG)
    (tmp_path / "inbound").write_text("in the way")
    found = await fetcher(tmp_path, channel).fetch(inbound(media=media))
    assert (found.notes, found.refused) == ((), "The attachment could not be stored.")
    assert "was not kept" in caplog.text


@pytest.mark.asyncio
async def test_a_message_with_very_many_files_is_bounded(tmp_path: Path) -> None:
    channel, media = with_files(*[PNG] * (MAX_MEDIA + 5))
    found = await fetcher(tmp_path, channel).fetch(inbound(media=media))
    assert len(found.notes) == len(kept(tmp_path)) == MAX_MEDIA


@pytest.mark.asyncio
async def test_nothing_attached_or_no_channel_fetches_nothing(tmp_path: Path) -> None:
    channel, media = with_files(PNG)
    assert (await fetcher(tmp_path, channel).fetch(inbound())).notes == ()
    assert (await fetcher(tmp_path, None).fetch(inbound(media=media))).notes == ()
    assert kept(tmp_path) == []
