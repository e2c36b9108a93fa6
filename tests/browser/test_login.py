"""Signing in and out, as people do it."""

from playwright.sync_api import Browser, expect
from tests.browser.conftest import sign_in


def test_signing_in_leads_back_and_signing_out_ends_it(stranger: Browser, address: str) -> None:
    page = stranger.new_page(viewport={"width": 340, "height": 700})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # What a page asked for and nobody waited for, since another page was asked for, is no failure.
    page.on(
        "requestfailed",
        lambda request: request.failure == "net::ERR_ABORTED" or complaints.append(f"{request.url} failed"),
    )
    page.goto(f"{address}/dashboard?by=arm&lang=en")
    assert page.url.startswith(f"{address}/dashboard/login?next=")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth")
    sign_in(page, "mia_offers")
    assert page.get_by_role("alert").count() == 1
    sign_in(page)
    assert page.url == f"{address}/dashboard?by=arm&lang=en"
    expect(page.locator("figure img")).to_have_count(4)
    assert page.evaluate("document.cookie") == ""
    with page.expect_navigation():
        page.click("text=Sign out")
    page.goto(f"{address}/dashboard")
    assert page.url.startswith(f"{address}/dashboard/login")
    assert complaints == []
    page.close()


def test_a_key_is_typed_and_sent_without_a_mouse(stranger: Browser, address: str) -> None:
    page = stranger.new_page()
    page.goto(f"{address}/dashboard/login")
    expect(page.locator("input[name=key]")).to_be_focused()
    page.keyboard.type("mia_admin")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url == f"{address}/dashboard"
    page.close()
