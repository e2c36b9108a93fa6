"""An open page keeps itself fresh, and tells when it cannot."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import SignedIn
from tests.browser.watched import LOADED, Watched
from tests.fakes.door import Door, build_history, open_door
from tests.fakes.lift import lift_meter
from tests.fakes.population import FakePopulation
from tests.fakes.serving import serving
from tests.fakes.uptake import CONNECT

from mia.services.lift import LiftMeter
from mia.uptake.lift.result import LiftReport
from mia.uptake.lift.rules import LiftRules

KEY = {"Authorization": "Bearer mia_uptake"}
WATCH_INSERTIONS = """() => {
    window.early = [];
    new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach(node =>
        node.querySelectorAll?.("img").forEach(image => window.early.push(image.complete && image.naturalWidth > 0))
    ))).observe(document.body, {childList: true, subtree: true});
}"""


class SlowLift:
    """Waits until it may answer."""

    def __init__(self) -> None:
        self.meter, self.may_answer = lift_meter(), threading.Event()

    def report(self, *terms: str | None) -> LiftReport:
        assert self.may_answer.wait(60)
        return self.meter.report(*terms)


@pytest.fixture
def own_door() -> Iterator[Door]:
    """Another one for each test, since events arrive at it."""
    with open_door() as opened:
        opened.fill()
        yield opened.with_services(lift=lift_meter())


def open_page(stranger: Browser, port: int, query: str = "") -> Watched:
    page = stranger.new_page(extra_http_headers=KEY)
    page.clock.install()
    watched = Watched(page)
    page.goto(f"http://127.0.0.1:{port}/dashboard?lang=en{query}", wait_until="networkidle")
    return watched


def add_connection(door: Door, number: int = 0) -> None:
    one = next(event for event in build_history() if event.kind == "connection" and event.macro_region == "Urals")
    door.ledger.append_events([replace(one, event_id=f"new-{number}", subscriber_id=f"new-{number}")])


def test_what_changed_is_put_in_and_nothing_else_moves(stranger: Browser, own_door: Door) -> None:
    with serving(own_door) as port:
        watched = open_page(stranger, port)
        page = watched.page
        before = int(page.inner_text("#cumulative"))
        page.click("#sheet-index summary")
        page.evaluate(WATCH_INSERTIONS)
        page.evaluate("document.querySelector('#chart-lift').mark = 'the same'")
        for chart in ("index", "connections"):
            page.locator(f"#chart-{chart}").evaluate("chart => chart.setAttribute('data-old', '')")
        scrolled = page.evaluate("window.scrollTo(0, 400), window.scrollY")
        asked = len(watched.asked)
        add_connection(own_door)
        page.clock.fast_forward(31_000)
        expect(page.locator("#cumulative")).to_have_text(str(before + 1))
        # Its new picture has to be there first.
        expect(page.locator(".chart[data-old]")).to_have_count(0, timeout=30_000)
        assert page.evaluate("document.querySelector('#chart-lift').mark") == "the same"
        assert page.locator("#sheet-index").get_attribute("open") is not None
        assert page.evaluate("window.scrollY") == scrolled
        assert page.evaluate("document.activeElement.matches('#sheet-index summary')")
        # No picture was put in before it could be shown.
        assert page.evaluate("window.early.length") >= 2
        assert page.evaluate("window.early.every(Boolean)")
        assert page.eval_on_selector_all("figure img", LOADED)
        # Nor in the form for another screen.
        assert [url for url in watched.asked[asked:] if "width=narrow" in url or "theme=dark" in url] == []
        assert page.inner_text("#fresh").startswith("Updated at")
        watched.require_own_host(f"http://127.0.0.1:{port}")
        page.close()


def test_nothing_is_touched_while_nothing_changes(stranger: Browser, own_door: Door) -> None:
    with serving(own_door) as port:
        page = open_page(stranger, port).page
        expect(page.locator("[aria-busy]")).to_have_count(0, timeout=30_000)
        page.evaluate("""() => {
            window.touched = 0;
            new MutationObserver(changes => { window.touched += changes.length; })
                .observe(document.querySelector("main"), {childList: true, subtree: true, attributes: true});
        }""")
        for _ in range(2):
            with page.expect_response(lambda answer: "/dashboard?" in answer.url):
                page.clock.fast_forward(31_000)
            # The next refresh is set when this one is done.
            page.wait_for_timeout(1_000)
        assert page.evaluate("window.touched") == 0
        page.close()


def test_a_server_that_is_away_is_told_and_forgotten_when_it_is_back(stranger: Browser, own_door: Door) -> None:
    with serving(own_door) as port:
        page = open_page(stranger, port).page
        before = page.inner_text("#cumulative")
        page.route("**/dashboard?*", lambda route: route.abort())
        page.clock.fast_forward(31_000)
        expect(page.locator("#fresh")).to_contain_text("The server does not answer")
        assert page.inner_text("#cumulative") == before
        page.unroute("**/dashboard?*")
        page.clock.fast_forward(31_000)
        expect(page.locator("#fresh")).to_contain_text("Updated at")
        page.close()


def test_lift_that_takes_long_comes_by_itself(stranger: Browser, own_door: Door) -> None:
    slow = SlowLift()
    with serving(own_door.with_services(lift=slow)) as port:
        page = open_page(stranger, port).page
        lift = page.locator("#chart-lift")
        assert lift.get_attribute("aria-busy") == "true"
        assert "Lift is being measured" in lift.inner_text()
        assert page.locator("#cumulative").inner_text()
        slow.may_answer.set()
        for _ in range(3):
            page.clock.fast_forward(3_000)
            page.wait_for_timeout(300)
        expect(lift.locator("img")).to_have_count(1)
        assert lift.get_attribute("aria-busy") is None
        total = slow.meter.report("macro_region", None, None, "2021-01").total.incremental.connections
        assert f"{total:+,.0f}" in lift.inner_text()
        page.close()


def test_lift_that_cannot_be_measured_says_why(stranger: Browser, own_door: Door) -> None:
    empty = LiftMeter(own_door.ledger, FakePopulation([]), dict, CONNECT, LiftRules())
    with serving(own_door.with_services(lift=empty)) as port:
        page = open_page(stranger, port).page
        expect(page.locator("#chart-lift .blank")).to_contain_text("the lake holds no subscribers", timeout=30_000)
        expect(page.locator(".caused")).to_contain_text("Lift cannot be measured yet")
        page.close()


def test_the_first_event_fills_an_empty_page(stranger: Browser) -> None:
    with open_door() as door, serving(door) as port:
        page = open_page(stranger, port).page
        assert page.inner_text("main h2") == "No events yet"
        add_connection(door)
        page.clock.fast_forward(31_000)
        expect(page.locator("#headline")).to_be_visible()
        page.close()


def test_a_session_that_ended_leads_to_the_login(browser: SignedIn, address: str) -> None:
    context = browser.new_context()
    page: Page = context.new_page()
    page.clock.install()
    page.goto(f"{address}/dashboard", wait_until="networkidle")
    context.clear_cookies()
    page.clock.fast_forward(31_000)
    page.wait_for_url("**/dashboard/login?next=*")
    context.close()
