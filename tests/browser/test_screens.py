"""Every screen, theme and language: whole, without serious findings of axe, and kept as a picture to be looked at."""

import re
from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import SignedIn
from tests.browser.watched import LOADED, Watched

PICTURES = Path("build") / "screenshots"
SCREENS = {"desk": (1280, 900), "phone": (390, 844), "wall": (2560, 1440)}
GRAVE = ("serious", "critical")


def require_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in GRAVE] == []


def open_all(page: Page) -> None:
    page.eval_on_selector_all("details", "all => all.forEach(one => { one.open = true })")


FIRST = {("desk", "light", "ru"), ("phone", "dark", "en"), ("wall", "dark", "ru")}
"""Fast tests look at each screen in one theme and language, slow ones in all."""
LOOKS = [
    pytest.param(*look, marks=() if look in FIRST else pytest.mark.slow)
    for look in product(SCREENS, ("light", "dark"), ("ru", "en"))
]


@pytest.mark.parametrize(("screen", "theme", "lang"), LOOKS)
def test_dashboard(browser: SignedIn, address: str, screen: str, theme: str, lang: str) -> None:
    wide, high = SCREENS[screen]
    context = browser.new_context(viewport={"width": wide, "height": high}, color_scheme=theme)
    watched = Watched(context.new_page())
    page = watched.page
    page.goto(f"{address}/dashboard?lang={lang}", wait_until="networkidle")
    assert page.eval_on_selector_all("figure img", LOADED)
    assert page.evaluate("document.documentElement.scrollWidth") <= wide
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(243, 245, 249)", "dark": "rgb(14, 18, 26)"}[theme]
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"dashboard-{screen}-{theme}-{lang}.png", full_page=True)
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= wide
    require_accessible(page)
    watched.require_own_host(address)
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_login_and_problem_and_empty_pages(
    browser: SignedIn, stranger: Browser, address: str, empty_address: str, theme: str
) -> None:
    pages = {
        "login": (stranger, f"{address}/dashboard/login"),
        "problem": (browser, f"{address}/dashboard?baseline=1999-01"),
        "empty": (stranger, f"{empty_address}/dashboard"),
        "nothing-found": (browser, f"{address}/dashboard?region=Land+0&channel=web"),
    }
    for name, (who, where) in pages.items():
        key = {"Authorization": "Bearer mia_uptake"} if name == "empty" else {}
        page = who.new_page(viewport={"width": 390, "height": 844}, color_scheme=theme, extra_http_headers=key)
        page.goto(where, wait_until="networkidle")
        require_accessible(page)
        page.screenshot(path=PICTURES / f"{name}-phone-{theme}.png", full_page=True)
        page.close()


def test_everything_is_reached_by_keyboard(browser: SignedIn, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/dashboard?lang=en")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the figures"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#main$"))
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.ariaLabel || document.activeElement.textContent.trim()"))
    assert "Table Index of cumulative connections by macro-region" in reached
    assert "Download: Funnel by channel, CSV" in reached
    assert "Acceptance, %" in reached
    assert "model card" in reached
    page.close()
