"""The dashboard page, its charts and its CSV."""

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from xml.etree import ElementTree as Xml

import pytest
from tests.fakes.door import MACRO_REGIONS, MONTHS, Door, open_door
from tests.fakes.lift import lift_meter

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def busy() -> Iterator[Door]:
    with open_door() as door:
        door.fill()
        yield door


def page(door: Door, query: str = "") -> str:
    answer = door.get(f"/dashboard{query}", key="uptake")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return unescape(answer.text)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in Xml.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own


def test_headline_agrees_with_the_report(busy: Door) -> None:
    headline = busy.services.uptake.headline("Urals", "2021-01")
    russian, english = page(busy), page(busy, "?lang=en")
    monthly, cumulative = headline.monthly_growth_percent, headline.growth_percent
    assert f'id="monthly-growth">{monthly:+.1f}\u00a0%<'.replace(".", ",") in russian
    assert f'id="monthly-growth">{monthly:+,.1f}\u00a0%<' in english
    assert f'id="cumulative-growth">{cumulative:+,.1f}\u00a0%<' in english
    assert f'id="connections">{headline.connections}<' in english
    assert f'id="index">{headline.index:.2f}<' in english
    assert f'id="cumulative">{headline.cumulative}<' in page(busy)


def test_headline_is_that_of_the_newest_complete_month_unless_another_is_asked_for(busy: Door) -> None:
    assert "последний завершённый месяц с событиями" in page(busy)
    assert "May 2021 against the baseline month: January 2021" in page(busy, "?lang=en")
    assert "the newest complete month with events" in page(busy, "?lang=en")
    june = page(busy, "?to=2021-06&lang=en")
    assert "June 2021 against" in june
    assert "month not complete, figures will still rise" in june
    assert "месяц не завершён, цифры ещё вырастут" in page(busy, "?to=2021-06")


def test_headline_speaks_of_the_region_of_the_address_or_the_settings(busy: Door) -> None:
    south = busy.services.uptake.headline("South", "2021-01")
    for html in (
        page(busy, "?macro_region=South&lang=en"),
        page(busy.with_services(headline="South"), "?lang=en"),
    ):
        assert '<h2 id="headline">South: connections of offers</h2>' in html
        assert f'id="cumulative">{south.cumulative}<' in html
    assert '<option value="South" selected>Юг</option>' in page(busy, "?macro_region=South")
    assert "macro_region=South" in page(busy, "?macro_region=South").partition("lang=en")[2].partition('"')[0]


def test_table_has_a_row_a_month_and_group(busy: Door) -> None:
    html = page(busy)
    table = html.partition('id="sheet-index"')[2].partition("</details>")[0]
    assert table.count('<th scope="row">') == len(MONTHS) * (len(MACRO_REGIONS) + 1)
    months = re.findall(r'<span class="month">([^<]+) <', html)
    assert months == ["июнь 2021", "май 2021", "апрель 2021", "март 2021", "февраль 2021", "январь 2021"]
    assert '<table aria-labelledby="sheet-index-name">' in table


def test_groups_carry_their_names(busy: Door) -> None:
    assert "Урал" in page(busy)
    assert "(неизвестно)" in page(busy)
    assert "(unknown)" in page(busy, "?lang=en")
    assert "mia group" in page(busy, "?by=arm&lang=en")
    assert "группа control" in page(busy, "?by=arm")
    offers = page(busy, "?by=offer")
    assert '<th scope="row">Музыка <30 дней></th>' in offers
    assert '<th scope="row">gone_1</th>' in offers
    assert "Music for 30 days" in page(busy, "?by=offer&lang=en")


def test_names_are_escaped(busy: Door) -> None:
    assert "Музыка &lt;30 дней&gt;" in busy.get("/dashboard?by=offer", key="uptake").text


def test_choice_is_kept_by_the_form_and_the_links(busy: Door) -> None:
    html = page(busy, "?baseline=2021-03&by=arm&lang=en")
    assert '<option value="2021-03" selected>' in html
    assert '<option value="arm" selected>' in html
    assert html.count(" selected>") == 2
    assert "from=2021-02&to=2021-04" in page(busy, "?from=2021-02&to=2021-04")
    assert "baseline=2021-03&lang=ru&by=arm" in html
    assert '<input type="hidden" name="lang" value="en">' in html


def test_page_needs_no_other_host_and_no_script_of_its_own(busy: Door) -> None:
    for path in ("/dashboard", "/dashboard?lang=en&by=offer", "/docs"):
        text = busy.get(path, key="uptake").text
        assert not re.search(r"(src|href|srcset|action)=\"(?!/|#)", text)
        assert not re.search(r'<script(?! src="/)', text)
        assert " style=" not in text
    assert "http" not in busy.get("/dashboard/style.css", key="uptake").text


def test_empty_ledger_has_a_page_too() -> None:
    with open_door() as door:
        assert "Пока нет ни одного события" in page(door)
        assert "No events yet" in page(door, "?lang=en")
        assert door.get("/dashboard/index.svg", key="uptake").status_code == 200
        assert door.get("/dashboard/uptake.csv", key="uptake").status_code == 200


def test_first_month_is_the_baseline_when_the_usual_one_is_not_there() -> None:
    with open_door() as door:
        event = {"event_id": "e1", "occurred_at": "2020-05-30T10:00:00Z", "subscriber_id": "s1", "channel": "app"}
        event |= {"offer_id": "music_30", "kind": "connection"}
        assert door.post("/v1/events", key="events", json={"events": [event]}).json()["accepted"] == ["e1"]
        html = page(door)
        assert '<option value="2020-05" selected>' in html
        assert "+0,0" not in html


def test_page_without_the_urals_and_without_connections() -> None:
    with open_door() as door:
        event = {"event_id": "e1", "occurred_at": "2021-05-30T10:00:00Z", "subscriber_id": "x", "channel": "app"}
        event |= {"offer_id": "music_30", "kind": "impression"}
        door.post("/v1/events", key="events", json={"events": [event]})
        html = page(door)
        assert "рост посчитать не от чего" in html
        assert "Слишком мало подключений к концу базового месяца" in html


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("baseline=soon", "baseline: must be a month such as 2021-01"),
        ("baseline=2035-01", "it may be any month from 2021-01 to 2021-06"),
        ("by=colour", "by: "),
        ("lang=de", "lang: "),
        ("from=2020-12", "parameter from: there are no events of 2020-12, only 2021-01 to 2021-06"),
        ("to=2035-01&lang=en", "parameter to: there are no events of 2035-01"),
        ("from=2021-05&to=2021-02", "parameter from: must not be later than 2021-02"),
        ("macro_region=<Mars>", "no events of '<Mars>'"),
    ],
)
def test_a_choice_that_cannot_be_shown_is_a_page_that_says_why(busy: Door, query: str, detail: str) -> None:
    answer = busy.get(f"/dashboard?{query}", key="uptake")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert detail in unescape(answer.text)
    assert "<Mars>" not in answer.text
    assert ("Start again" if "lang=en" in query else "Начать сначала") in answer.text


def test_malformed_addresses_of_charts_and_files_are_422(busy: Door) -> None:
    for path in ("/dashboard/pie.svg", "/dashboard/index.svg?baseline=soon", "/dashboard/uptake.csv?to=2035-01"):
        assert busy.get(path, key="uptake").status_code == 422
        assert busy.get(path, key="uptake").headers["content-type"] == "application/problem+json"


def test_the_bare_address_leads_to_the_dashboard(busy: Door) -> None:
    answer = busy.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/dashboard")


@pytest.mark.parametrize("width", ["wide", "narrow"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["index", "connections"])
def test_charts_are_drawn_for_every_screen(busy: Door, kind: str, theme: str, width: str) -> None:
    answer = busy.get(f"/dashboard/{kind}.svg?theme={theme}&width={width}", key="uptake")
    assert answer.headers["content-type"] == "image/svg+xml"
    root = Xml.fromstring(answer.text)  # noqa: S314 - our own
    assert root.get("width") == {"wide": "960", "narrow": "380"}[width]
    found = texts(answer.text)
    assert {"index": "Урал", "connections": "музыка"}[kind] in found
    assert "янв 2021" in found
    assert "июн 2021" in found
    assert not re.search(r"(href|src)=\"(?!#)", answer.text)


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_the_funnel_tells_counts_and_shares(busy: Door, width: str) -> None:
    found = texts(busy.get(f"/dashboard/funnel.svg?lang=en&width={width}", key="uptake").text)
    rows = busy.services.uptake.table("2021-01", "channel").to_pylist()
    for channel, name in (("app", "app"), ("call_centre", "contact centre")):
        shown, clicked = (
            sum(row[step] for row in rows if row["group"] == channel) for step in ("impressions", "clicks")
        )
        assert {name, str(shown), f"{clicked} · {clicked / shown:.1%}".replace("%", "\u00a0%")} <= set(found)


def test_lift_is_drawn_for_groups_with_an_interval(busy: Door) -> None:
    tested = busy.with_services(lift=lift_meter())
    found = texts(tested.get("/dashboard/lift.svg?lang=en", key="uptake").text)
    report = tested.services.lift.report("macro_region", baseline="2021-01")
    assert {"all together", "Urals", "Centre", "0"} <= set(found)
    assert "Volga" not in found
    assert f"{report.total.connections.relative * 100:+.1f}\u00a0%" in found
    table = list(csv.DictReader(io.StringIO(tested.get("/dashboard/lift.csv", key="uptake").text)))
    assert [row["group"] for row in table] == ["total", *(group.group for group in report.groups)]


def test_growth_and_what_mia_caused_carry_their_intervals(busy: Door) -> None:
    tested = busy.with_services(lift=lift_meter())
    headline = tested.services.uptake.headline("Urals", "2021-01")
    urals = next(
        g for g in tested.services.lift.report("macro_region", baseline="2021-01").groups if g.group == "Urals"
    )
    html = page(tested, "?lang=en").replace("\u2212", "-")
    if "aria-busy" in html:
        assert tested.get("/dashboard/lift.csv", key="uptake").status_code == 200
        html = page(tested, "?lang=en").replace("\u2212", "-")
    for low, high in (headline.growth_interval, headline.monthly_growth_interval):
        assert f'<span class="whole">{low:+,.1f} … {high:+,.1f}</span>' in html
    assert f'id="caused">{urals.incremental.connections:+,.0f}<' in html
    low, high = (getattr(urals.incremental.anytime_interval, end) for end in ("low", "high"))
    assert f'<span class="whole">{low:+,.0f} … {high:+,.0f}</span>' in html


def test_filters_say_what_they_narrow_and_what_they_do_not(busy: Door) -> None:
    html = page(busy.with_services(lift=lift_meter()), "?lang=en&channel=web&region=Land+0")
    assert '<option value="web" selected>' in html
    assert '<option value="Land 0" selected>' in html
    assert 'id="caused"' not in html
    assert "filters do not narrow it" in html.partition('class="card caused"')[2].partition("</dl>")[0]


def test_charts_speak_english_too(busy: Door) -> None:
    found = texts(busy.get("/dashboard/index.svg?lang=en", key="uptake").text)
    assert {"Urals", "Jan 2021", "Index, baseline month = 1", "2.00"} <= set(found)
    assert "2,00" in texts(busy.get("/dashboard/index.svg", key="uptake").text)


def test_bars_add_up_to_the_connections_of_the_month(busy: Door) -> None:
    rows = busy.services.uptake.table("2021-01", "macro_region").to_pylist()
    totals = {month: sum(row["connections"] for row in rows if row["month"] == month) for month in MONTHS}
    assert {str(total) for total in totals.values()} <= set(
        texts(busy.get("/dashboard/connections.svg", key="uptake").text)
    )


def test_csv_carries_the_table_without_a_key(busy: Door) -> None:
    answer = busy.get("/dashboard/uptake.csv?by=arm&baseline=2021-02", key="uptake")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["group"] for row in rows} == {"mia", "control"}
    assert 'filename="uptake-arm-2021-02.csv"' in answer.headers["content-disposition"]


def test_charts_are_drawn_again_when_an_event_arrives() -> None:
    with open_door() as door:
        door.fill()
        before = door.get("/dashboard/connections.svg", key="uptake").text
        assert door.get("/dashboard/connections.svg", key="uptake").text == before
        event = {"event_id": "e1", "occurred_at": "2021-06-30T10:00:00Z", "subscriber_id": "s1", "channel": "app"}
        event |= {"offer_id": "music_30", "kind": "connection"}
        door.post("/v1/events", key="events", json={"events": [event]})
        assert door.get("/dashboard/connections.svg", key="uptake").text != before


@pytest.fixture(scope="module")
def long() -> Iterator[Door]:
    """Half a year of events, and one impression of a stranger five years later."""
    with open_door() as door:
        door.fill()
        door.clock.now = 1_790_000_000_000_000
        event = {"event_id": "late", "occurred_at": "2026-09-20T10:00:00Z", "subscriber_id": "x", "channel": "app"}
        event |= {"offer_id": "roaming_7", "kind": "impression"}
        assert door.post("/v1/events", key="events", json={"events": [event]}).json()["accepted"] == ["late"]
        yield door


def test_one_event_far_from_the_others_stretches_nothing(long: Door) -> None:
    html = page(long, "?lang=en")
    assert "June 2021 against the baseline month: January 2021" in html
    months = re.findall(r'<span class="month">([^<]+) <', html)
    assert (months[0], months[-1], len(months)) == ("June 2021", "January 2021", 6)
    assert "There are later events, up to September 2026" in html
    assert len(list(csv.DictReader(io.StringIO(long.get("/dashboard/uptake.csv?by=arm", key="uptake").text)))) == 6 * 2
    assert len(re.findall(r'<span class="month">', page(long, "?to=2026-09"))) == 24
    assert len(re.findall(r'<span class="month">', page(long, "?from=2021-07"))) == 63


@pytest.mark.parametrize(("width", "most"), [("wide", 12), ("narrow", 6)])
@pytest.mark.parametrize("kind", ["index", "connections"])
def test_many_months_are_drawn_with_few_labels(long: Door, kind: str, width: str, most: int) -> None:
    answer = long.get(f"/dashboard/{kind}.svg?lang=en&from=2021-01&to=2026-09&width={width}", key="uptake")
    found = texts(answer.text)
    named = [text for text in found if re.fullmatch(r"[A-Z][a-z]{2} 20\d\d", text)]
    assert 3 <= len(named) <= most
    assert "Jan 2021" in named
    # There is no room for a sum over every bar: what stands there are ticks and names.
    assert not {str(row["connections"]) for row in long.services.uptake.table("2021-01").to_pylist()} & set(found) - {
        "0"
    }


def test_only_groups_with_something_to_draw_have_a_legend(long: Door) -> None:
    offers = page(long, "?by=offer&lang=en")
    assert '<th scope="row">Roaming for a week</th>' in offers
    for kind in ("index", "connections"):
        found = texts(long.get(f"/dashboard/{kind}.svg?by=offer&lang=en", key="uptake").text)
        assert "Music for 30 days" in found
        assert "Roaming for a week" not in found
    assert "Without a line: 1, with too few connections there by the end of the baseline month." in offers


def test_arms_are_said_to_begin_with_the_first_decision(busy: Door) -> None:
    assert "Before MIA's first decision both arms were treated alike." in page(busy, "?by=arm&lang=en")
    assert "Before MIA's first decision" not in page(busy, "?lang=en")


def test_a_model_card_is_open_as_the_dashboard_is_and_linked_from_it(door: Door) -> None:
    door.fill()
    link = re.search(r'href="(/dashboard/models/[^"]+)"', door.get("/dashboard", key="uptake").text)
    assert link
    answer = door.get(link[1], key="uptake")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Model 7" in answer.text
    policies = answer.headers.get_list("Content-Security-Policy")
    assert len(policies) == 1
    assert "style-src 'unsafe-inline'" in policies[0]
    assert "script-src" not in policies[0]
    unknown = door.get("/dashboard/models/99/card?lang=en", key="uptake")
    assert unknown.status_code == 404
    assert "no model &#39;99&#39; in the registry" in unknown.text


def test_the_page_of_the_live_model_is_linked_and_says_when_there_is_none(door: Door) -> None:
    door.fill()
    assert 'href="/dashboard/monitor"' in door.get("/dashboard", key="uptake").text
    nothing = door.get("/dashboard/monitor?lang=en", key="uptake")
    assert nothing.status_code == 404
    assert "was not looked at yet" in nothing.text
    door.services.health.last = {"model": "7", "until": 0, "checks": [], "regions": {}, "at": "2021-07-01T00:00+00:00"}
    found = door.get("/dashboard/monitor", key="uptake")
    assert (found.status_code, found.text) == (200, "<html>model 7</html>")
    assert "script-src" not in found.headers["Content-Security-Policy"]
