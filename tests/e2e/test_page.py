"""The same first mile typed into the page, by hand as it were, in a headless Chromium."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.drive import Drive, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
pytestmark = [
    pytest.mark.page,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM} (set CHROMIUM)"),
]


@pytest.fixture(scope="module")
def page(sandbox: Drive) -> Iterator["Page"]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as chromium:
        browser = chromium.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        opened = browser.new_page(viewport={"width": 1400, "height": 1000})
        errors: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.goto(sandbox.page)
        yield opened
        browser.close()
    assert errors == []


def test_the_first_mile_typed_by_hand(sandbox: Drive, page: "Page", public_key: str) -> None:
    sandbox.world({"do": "set-quota", "region": "us-west-2", "code": "L-7212CCBC", "value": 0})
    _type(page, "/gpu launch p3.2xlarge spot in us-west-2 for 30m name paula")
    wall = page.locator(".message", has_text="paula").filter(
        has=page.locator("button[data-action^='choose-']")
    )
    wall.last.wait_for(timeout=20_000)
    _type(page, f"/gpu key add {public_key}")
    _type(page, "/gpu allow 203.0.113.9/32")
    wall.last.get_by_role("button", name=re.compile("when granted", re.I)).click()
    ready = page.locator(".message", has_text="paula is ready")
    ready.last.wait_for(timeout=90_000)
    assert "ssh ubuntu@" in ready.last.inner_text()
    assert len(sandbox.instances()) == 1
    _press_extend(page)
    _type(page, "/gpu end paula")
    page.locator(".message", has_text=re.compile("paula.*ended", re.I | re.S)).last.wait_for(
        timeout=60_000
    )
    wait_for(lambda: not any(sandbox.left_over().values()), "nothing is left over", 60)


def _press_extend(page: "Page") -> None:
    card = page.locator(".message", has_text="paula").filter(
        has=page.locator("button[data-action='extend']")
    )
    card.last.wait_for(timeout=20_000)
    card.last.locator("button[data-action='extend']").first.click()
    page.locator(".message", has_text=re.compile("extended|stops|ends", re.I)).last.wait_for(
        timeout=20_000
    )


def _type(page: "Page", text: str) -> None:
    composer = page.locator("#composer")
    composer.fill(text)
    composer.press("Enter")
