"""The Control UI in a real Chromium against a real gateway process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from support.process import TOKEN, GatewayProcess, gateway_process

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ASKS = {
    "agents": {"defaults": {"sandbox": {"mode": "off"}}},
    "tools": {"exec": {"host": "gateway", "security": "allowlist", "ask": "on-miss"}},
}


@asynccontextmanager
async def page_of(gateway: GatewayProcess, fragment: str = f"#token={TOKEN}") -> AsyncIterator[Page]:
    """Open the page; anything in the console or an uncaught error fails the test."""
    noise: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = await browser.new_page()
        page.on("console", lambda message: noise.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: noise.append(str(error)))
        await page.goto(f"http://127.0.0.1:{gateway.port}/{fragment}")
        try:
            yield page
        finally:
            await browser.close()
    assert noise == []


async def connected(page: Page) -> None:
    await expect(page.locator("#connection")).to_have_attribute("data-state", "connected")


async def say(page: Page, text: str) -> None:
    await page.fill("#text", text)
    await page.press("#text", "Enter")


@pytest.mark.asyncio
async def test_a_message_is_answered_and_its_tool_call_shown(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway, page_of(gateway) as page:
        await connected(page)
        await say(page, "run echo from-$((40+2))")
        await expect(page.locator(".tool[data-tool=exec]")).to_have_attribute("data-state", "done")
        await expect(page.locator(".message.assistant").last).to_contain_text("from-42")
        await page.reload()
        await connected(page)
        await expect(page.locator(".message.user")).to_contain_text("run echo from")
        await expect(page.locator(".message.assistant").last).to_contain_text("from-42")


@pytest.mark.asyncio
async def test_a_command_waits_for_approval_and_its_result_is_seen(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, **ASKS) as gateway, page_of(gateway) as page:
        await connected(page)
        marker = tmp_path / "marker"
        await say(page, f"run touch {marker} && echo made-it")
        card = page.locator(".approval")
        await expect(card).to_contain_text(f"touch {marker}")
        await expect(page.locator(".tool[data-tool=exec]")).to_have_attribute("data-state", "waiting")
        assert not marker.exists()
        await card.locator("[data-decision=allow-once]").click()
        await expect(card).to_have_count(0)
        await expect(page.locator(".tool[data-tool=exec]")).to_have_attribute("data-state", "approved")
        await expect(page.locator(".message.assistant").last).to_contain_text("made-it")
        assert marker.exists()


@pytest.mark.asyncio
async def test_a_denied_command_never_runs(tmp_path: Path) -> None:
    async with gateway_process(tmp_path, **ASKS) as gateway, page_of(gateway) as page:
        await connected(page)
        marker = tmp_path / "marker"
        await say(page, f"run touch {marker}")
        await page.locator(".approval [data-decision=deny]").click()
        await expect(page.locator(".message.assistant").last).to_contain_text("denied")
        await expect(page.locator(".tool[data-tool=exec]")).to_have_attribute("data-state", "denied")
        assert not marker.exists()


@pytest.mark.asyncio
async def test_sessions_are_kept_apart_and_listed(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway, page_of(gateway) as page:
        await connected(page)
        await say(page, "first room")
        await expect(page.locator(".message.assistant")).to_have_count(1)
        await page.click("#new-chat")
        await expect(page.locator(".message")).to_have_count(0)
        await say(page, "second room")
        await expect(page.locator(".message.assistant")).to_have_count(1)
        await expect(page.locator(".session")).to_have_count(2)
        await page.locator(".session[aria-current=false]").click()
        await expect(page.locator(".message.user")).to_have_text(["first room"])


@pytest.mark.asyncio
async def test_the_token_leaves_the_address_and_is_asked_for_without_one(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway:
        async with page_of(gateway) as page:
            await connected(page)
            assert page.url == f"http://127.0.0.1:{gateway.port}/"
        async with page_of(gateway, "") as page:
            await page.fill("#secret", TOKEN)
            await page.click("#login button[type=submit]")
            await connected(page)
            assert await page.evaluate("Object.keys(localStorage)") == ["openclaw-device-identity-v1"]


@pytest.mark.asyncio
async def test_adv_A1_a_link_cannot_send_the_token_elsewhere(tmp_path: Path) -> None:
    query = f"?gatewayUrl=ws://127.0.0.1:9/&token={TOKEN}"
    async with gateway_process(tmp_path) as gateway, page_of(gateway, query) as page:
        await expect(page.locator("#login-fields")).to_be_visible()
        assert TOKEN not in page.url
        assert "gatewayUrl" not in page.url


@pytest.mark.asyncio
async def test_what_a_model_writes_is_never_markup_and_loads_nothing(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    hostile = '<img src=x onerror="alert(1)"> ![x](https://evil.example/p.png) [go](javascript:alert(1)) **bold**'
    script.write_text(json.dumps({"steps": [{"text": hostile}]}))
    sections: dict[str, Any] = {
        "agents": {"defaults": {"model": {"primary": "scripted/test"}}},
        "models": {"providers": {"scripted": {"baseUrl": script.as_uri(), "models": [{"id": "test", "name": "test"}]}}},
    }
    async with gateway_process(tmp_path, **sections) as gateway, page_of(gateway) as page:
        await connected(page)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await say(page, "hello")
        answer = page.locator(".message.assistant .bubble")
        await expect(answer.locator("strong")).to_have_text("bold")
        assert await answer.locator("img").count() == 0
        assert await answer.locator("a[href^=javascript]").count() == 0
        assert [url for url in asked if "evil.example" in url] == []


@pytest.mark.asyncio
async def test_the_page_comes_back_after_the_gateway_did(tmp_path: Path) -> None:
    async with gateway_process(tmp_path) as gateway, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{gateway.port}/#token={TOKEN}")
        await connected(page)
        await gateway.kill()
        await expect(page.locator("#connection")).not_to_have_attribute("data-state", "connected")
        await gateway.start()
        await expect(page.locator("#connection")).to_have_attribute("data-state", "connected", timeout=20_000)
        await browser.close()
