"""A real browser before a real server. Debian's Chromium is needed: without it these tests fail, they do not skip."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.fakes.door import Door, open_door
from tests.fakes.lift import lift_meter
from tests.fakes.serving import serving

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class SignedIn:
    """A browser of somebody who signed in, by the form, as everybody does."""

    browser: Browser
    state: Any

    def new_context(self, **options: Any) -> BrowserContext:
        return self.browser.new_context(storage_state=self.state, **options)

    def new_page(self, **options: Any) -> Page:
        return self.browser.new_page(storage_state=self.state, **options)


def sign_in(page: Page, key: str = "mia_uptake") -> None:
    """Fill the form that stands before the page in."""
    page.fill("input[name=key]", key)
    with page.expect_navigation():
        page.click("button[type=submit]")


@pytest.fixture(scope="module")
def browser(stranger: Browser, address: str) -> SignedIn:
    context = stranger.new_context()
    page = context.new_page()
    page.goto(f"{address}/dashboard")
    sign_in(page)
    state = context.storage_state()
    context.close()
    return SignedIn(stranger, state)


@pytest.fixture(scope="module")
def stranger() -> Iterator[Browser]:
    assert CHROMIUM.exists(), "install the Debian package `chromium`"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        opened.fill()
        yield opened.with_services(lift=lift_meter())


@pytest.fixture(scope="module")
def empty_door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(door: Door) -> Iterator[str]:
    with serving(door) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def empty_address(empty_door: Door) -> Iterator[str]:
    with serving(empty_door) as port:
        yield f"http://127.0.0.1:{port}"
