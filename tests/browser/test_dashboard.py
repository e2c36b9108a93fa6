"""The dashboard as people see it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import sign_in
from tests.browser.watched import CHARTS, LOADED, Watched
from tests.fakes.door import Door

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
    expect(page.locator("figure img")).to_have_count(len(CHARTS), timeout=30_000)
    assert page.eval_on_selector_all("figure img", LOADED)
    shown = page.eval_on_selector_all("figure img", "images => images.map(image => image.currentSrc)")
    wanted = "theme=dark&width=narrow" if page.viewport_size["width"] < 640 else "theme=light&width=wide"
    assert all(source.endswith(wanted) for source in shown)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("window.innerWidth")
    watched.require_own_host(address)


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
        "#sheet-index tbody",
        """bodies => bodies.flatMap(body => [...body.rows].slice(1).map(row => [
            body.rows[0].textContent.trim().split(/\\s+/).slice(0, 2).join(' '),
            row.cells[0].textContent, row.cells[1].textContent, row.cells[3].textContent]))""",
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
    page.click(".filters summary")
    page.select_option("select[name=by]", "channel")
    page.focus(".filters button[type=submit]")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    empty = "&from=&to=&macro_region=&region=&category=&channel=&arm="
    assert page.url.endswith(f"/dashboard?baseline=2021-03{empty}&by=channel")
    assert page.input_value("select[name=by]") == "channel"
    assert "контакт-центр" in page.text_content("#sheet-index")
    with page.expect_navigation():
        page.click(".language")
    assert page.get_attribute("html", "lang") == "en"
    assert page.input_value("select[name=baseline]") == "2021-03"
    assert "contact centre" in page.text_content("#sheet-index")
    page.select_option("select[name=to]", "2021-04")
    page.select_option("select[name=macro_region]", "South")
    with page.expect_navigation():
        page.click(".filters button[type=submit]")
    assert page.inner_text("#headline") == "South: connections of offers"
    assert page.inner_text(".hero .months").startswith("April 2021")
    page.click("#sheet-index summary")
    assert page.locator("#sheet-index .month").first.inner_text().startswith("April 2021")
    page.close()


@pytest.mark.parametrize(
    ("name", "value"), [("region", "Land 0"), ("category", "music"), ("channel", "call_centre"), ("arm", "control")]
)
def test_every_figure_is_narrowed_by_a_filter(
    browser: Browser, address: str, door: Door, name: str, value: str
) -> None:
    page = browser.new_page()
    page.goto(f"{address}/dashboard?lang=en")
    page.click(".filters summary")
    page.select_option(f"select[name={name}]", value)
    with page.expect_navigation():
        page.click(".filters button[type=submit]")
    assert page.locator(".filters details").get_attribute("open") is not None
    rows = door.services.uptake.table("2021-01", only={name: [value]}).to_pylist()
    counted = sum(row["connections"] for row in rows)
    assert 0 < counted < sum(row["connections"] for row in door.services.uptake.table("2021-01").to_pylist())
    told = page.eval_on_selector_all(
        "#sheet-connections tbody td:nth-child(2)", "all => all.map(one => +one.textContent)"
    )
    assert sum(told) == counted
    offers = page.eval_on_selector_all("#offers tbody td:nth-child(5)", "all => all.map(one => +one.textContent)")
    assert sum(offers) == counted
    funnel = page.eval_on_selector_all("#sheet-funnel tbody td:nth-child(5)", "all => all.map(one => +one.textContent)")
    assert sum(funnel) == counted
    page.close()


def test_an_address_is_a_view_that_can_be_sent(browser: Browser, stranger: Browser, address: str) -> None:
    sent = f"{address}/dashboard?baseline=2021-02&lang=en&to=2021-05&channel=app&sort=name"
    mine, theirs = browser.new_page(), stranger.new_page()
    mine.goto(sent)
    theirs.goto(sent)
    assert theirs.url.startswith(f"{address}/dashboard/login?next=")
    sign_in(theirs)
    assert theirs.url == sent
    for page in (mine, theirs):
        expect(page.locator("[aria-busy]")).to_have_count(0, timeout=30_000)
    for part in ("#headline", "#cumulative", "#offers", "#chart-lift figcaption"):
        assert mine.inner_text(part) == theirs.inner_text(part)
    mine.close()
    theirs.close()


def test_offers_are_sorted_through_the_address(browser: Browser, address: str) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{address}/dashboard?lang=en&channel=app")

    def names() -> list[str]:
        return page.locator("#offers tbody th").all_inner_texts()

    def sort_by(name: str) -> str | None:
        with page.expect_navigation():
            page.click(f"#offers thead a:has-text('{name}')")
        assert "channel=app" in page.url
        return page.locator("#offers thead th", has_text=name).get_attribute("aria-sort")

    assert sort_by("Offer") == "ascending"
    assert names() == sorted(names(), key=str.casefold)
    assert sort_by("Offer") == "descending"
    assert names() == sorted(names(), key=str.casefold, reverse=True)
    assert sort_by("Reach") == "descending"
    reach = [int(text) for text in page.locator("#offers tbody td:nth-child(3)").all_inner_texts()]
    assert reach == sorted(reach, reverse=True)
    assert page.url.endswith("#offers")
    page.close()


@pytest.mark.parametrize("query", ["by=offer&lang=en", "by=region"])
def test_every_column_of_the_table_can_be_scrolled_to_on_a_phone(browser: Browser, address: str, query: str) -> None:
    page = browser.new_page(viewport={"width": 340, "height": 700})
    page.goto(f"{address}/dashboard?{query}")
    page.click("#sheet-index summary")
    page.eval_on_selector(
        "#sheet-index tbody th[scope=row]", "name => { name.textContent = 'A long name of an offer. '.repeat(3) }"
    )
    box = page.locator("#sheet-index .scroll")
    box.evaluate("box => { box.scrollLeft = box.scrollWidth }")
    seen, name, last = (
        page.evaluate("document.documentElement.clientWidth"),
        page.locator("#sheet-index tbody th[scope=row]").first.bounding_box(),
        page.locator("#sheet-index tbody td:last-child").first.bounding_box(),
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


@pytest.mark.parametrize("chart", CHARTS)
def test_every_chart_can_be_kept_as_table_and_picture(browser: Browser, address: str, chart: str) -> None:
    page = browser.new_page(accept_downloads=True)
    page.goto(f"{address}/dashboard?lang=en&by=channel")
    starts = {"CSV": b'"', "SVG": b"<svg", "PNG": b"\x89PNG"}
    for form, start in starts.items():
        with page.expect_download() as download:
            page.click(f"#chart-{chart} .downloads a:text-is('{form}')")
        kept = download.value
        assert kept.suggested_filename.startswith(chart)
        assert kept.suggested_filename.endswith(f".{form.lower()}")
        content = kept.path().read_bytes()
        assert content.startswith(start)
        if form == "CSV":
            assert content.count(b"\n") >= 3
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
    watched.require_own_host(address)
