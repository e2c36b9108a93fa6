"""The dashboard as people see it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from tests.fakes.door import Door

LOADED = "images => images.every(image => image.complete && image.naturalWidth > 0)"


class Watched:
    """A page, and everything it asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(f"{request.url} failed"))
        page.on("response", lambda answer: answer.ok or self.complaints.append(f"{answer.url}: {answer.status}"))


SCREENS = {
    "desk": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "phone at night": {"viewport": {"width": 340, "height": 700}, "color_scheme": "dark"},
}


@pytest.fixture(params=SCREENS)
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    context = browser.new_context(**SCREENS[request.param])
    yield Watched(context.new_page())
    context.close()


@pytest.mark.parametrize("query", ["", "?lang=en&by=offer"], ids=["ru", "en by offer"])
def test_page_is_whole_on_every_screen(watched: Watched, address: str, query: str) -> None:
    page = watched.page
    page.goto(f"{address}/dashboard{query}", wait_until="networkidle")
    assert page.locator("figure img").count() == 2
    assert page.eval_on_selector_all("figure img", LOADED)
    shown = page.eval_on_selector_all("figure img", "images => images.map(image => image.currentSrc)")
    wanted = "theme=dark&width=narrow" if page.viewport_size["width"] < 640 else "theme=light&width=wide"
    assert all(source.endswith(wanted) for source in shown)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("window.innerWidth")
    assert all(url.startswith(f"{address}/") for url in watched.asked)
    assert watched.complaints == []


def test_headline_and_rows_match_the_service(browser: Browser, address: str, door: Door) -> None:
    page = browser.new_page()
    page.goto(f"{address}/dashboard?lang=en")
    headline = door.services.uptake.headline("Urals", "2021-01")
    assert page.inner_text("#cumulative") == f"{headline.cumulative:,}"
    assert page.inner_text("#connections") == f"{headline.connections:,}"
    assert page.inner_text("#monthly-growth") == f"{headline.monthly_growth_percent:+,.1f}\u00a0%"
    assert page.locator(".hero .state").inner_text() == "the newest complete month with events"
    rows = {
        (row["month"], row["group"] or "(unknown)"): [str(row["impressions"]), str(row["connections"])]
        for row in door.services.uptake.table("2021-01", "macro_region").to_pylist()
    }
    found = page.eval_on_selector_all(
        "tbody",
        """bodies => bodies.flatMap(body => [...body.rows].slice(1).map(row => [
            body.rows[0].innerText.trim().split(/\\s+/).slice(0, 2).join(' '),
            row.cells[0].innerText, row.cells[1].innerText, row.cells[3].innerText]))""",
    )
    names = {"2021-01": "January 2021", "2021-02": "February 2021", "2021-03": "March 2021"}
    names |= {"2021-04": "April 2021", "2021-05": "May 2021", "2021-06": "June 2021"}
    assert {(month, group): numbers for month, group, *numbers in found} == {
        (names[month], group): numbers for (month, group), numbers in rows.items()
    }
    page.close()


def test_filters_work_by_mouse_and_by_keyboard(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/dashboard")
    page.select_option("select[name=baseline]", "2021-03")
    page.select_option("select[name=by]", "channel")
    page.focus("button[type=submit]")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/dashboard?baseline=2021-03&by=channel&from=&to=&macro_region=")
    assert page.input_value("select[name=by]") == "channel"
    assert "контакт-центр" in page.inner_text("table")
    with page.expect_navigation():
        page.click(".language")
    assert page.get_attribute("html", "lang") == "en"
    assert page.input_value("select[name=baseline]") == "2021-03"
    assert "contact centre" in page.inner_text("table")
    page.select_option("select[name=to]", "2021-04")
    page.select_option("select[name=macro_region]", "South")
    with page.expect_navigation():
        page.click("button[type=submit]")
    assert page.inner_text("#headline") == "South: connections of offers"
    assert page.inner_text(".hero .months").startswith("April 2021")
    assert page.locator("tbody .month").first.inner_text().startswith("April 2021")
    page.close()


@pytest.mark.parametrize("query", ["by=offer&lang=en", "by=region"])
def test_every_column_of_the_table_can_be_scrolled_to_on_a_phone(browser: Browser, address: str, query: str) -> None:
    page = browser.new_page(viewport={"width": 340, "height": 700})
    page.goto(f"{address}/dashboard?{query}")
    page.eval_on_selector("tbody th[scope=row]", "name => { name.textContent = 'A long name of an offer. '.repeat(3) }")
    box = page.locator(".scroll")
    box.evaluate("box => { box.scrollLeft = box.scrollWidth }")
    seen, name, last = (
        page.evaluate("document.documentElement.clientWidth"),
        page.locator("tbody th[scope=row]").first.bounding_box(),
        page.locator("tbody td:last-child").first.bounding_box(),
    )
    assert last["x"] + last["width"] <= seen
    # The names stay in sight, and leave room for the figures beside them.
    assert 0 <= name["x"] < name["x"] + name["width"] <= last["x"]
    page.close()


def test_a_choice_that_cannot_be_shown_leads_back(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/dashboard?baseline=1999-01&lang=en")
    assert page.inner_text("main h2") == "This cannot be shown"
    with page.expect_navigation():
        page.click("main a")
    assert page.inner_text("#headline") == "Urals: connections of offers"
    page.goto(address)
    assert page.url == f"{address}/dashboard"
    page.close()


def test_csv_is_downloaded(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}/dashboard?by=arm")
    with page.expect_download() as download:
        page.click("text=Скачать CSV")
    assert download.value.suggested_filename == "uptake-arm-2021-01.csv"
    assert download.value.path().read_text("utf-8").count("\n") == 1 + 6 * 2
    page.close()


def test_empty_ledger_has_a_whole_page_too(watched: Watched, empty_address: str) -> None:
    watched.page.goto(f"{empty_address}/dashboard", wait_until="networkidle")
    assert watched.page.inner_text("main h2") == "Пока нет ни одного события"
    assert watched.complaints == []


def test_docs_page_is_whole(watched: Watched, address: str) -> None:
    page = watched.page
    page.goto(f"{address}/docs", wait_until="networkidle")
    assert page.locator(".route").count() >= 10
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("window.innerWidth")
    assert all(url.startswith(f"{address}/") for url in watched.asked)
    assert watched.complaints == []
