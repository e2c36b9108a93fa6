"""The dashboard page, its charts and its CSV."""

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from xml.etree import ElementTree as Xml

import pytest
from tests.fakes.door import MACRO_REGIONS, MONTHS, Door, open_door

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def busy() -> Iterator[Door]:
    with open_door() as door:
        door.fill()
        yield door


def page(door: Door, query: str = "") -> str:
    answer = door.get(f"/dashboard{query}")
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


def test_page_says_whether_the_month_is_complete(busy: Door) -> None:
    assert "месяц не завершён, цифры ещё вырастут" in page(busy)
    assert "month not complete" in page(busy, "?lang=en")


def test_table_has_a_row_a_month_and_group(busy: Door) -> None:
    html = page(busy)
    assert html.count('<th scope="row">') == len(MONTHS) * (len(MACRO_REGIONS) + 1)
    months = re.findall(r'<span class="month">([^<]+) <', html)
    assert months == ["июнь 2021", "май 2021", "апрель 2021", "март 2021", "февраль 2021", "январь 2021"]
    assert '<caption class="unseen">' in html


def test_groups_carry_their_names(busy: Door) -> None:
    assert "Урал" in page(busy)
    assert "не указан" in page(busy)
    offers = page(busy, "?by=offer")
    assert '<th scope="row">Музыка <30 дней></th>' in offers
    assert '<th scope="row">gone_1</th>' in offers
    assert "Music for 30 days" in page(busy, "?by=offer&lang=en")


def test_names_are_escaped(busy: Door) -> None:
    assert "Музыка &lt;30 дней&gt;" in busy.get("/dashboard?by=offer").text


def test_choice_is_kept_by_the_form_and_the_links(busy: Door) -> None:
    html = page(busy, "?baseline=2021-03&by=arm&lang=en")
    assert '<option value="2021-03" selected>' in html
    assert '<option value="arm" selected>' in html
    assert html.count(" selected>") == 2
    assert "baseline=2021-03&by=arm&lang=ru" in html
    assert '<input type="hidden" name="lang" value="en">' in html


def test_page_needs_no_other_host_and_no_script(busy: Door) -> None:
    for path in ("/dashboard", "/dashboard?lang=en&by=offer", "/docs"):
        text = busy.get(path).text
        assert not re.search(r"(src|href|srcset|action)=\"(?!/|#)", text)
        assert "<script" not in text
        assert " style=" not in text
    assert "http" not in busy.get("/dashboard/style.css").text


def test_empty_ledger_has_a_page_too() -> None:
    with open_door() as door:
        assert "Пока нет ни одного события" in page(door)
        assert "No events yet" in page(door, "?lang=en")
        assert door.get("/dashboard/index.svg").status_code == 200
        assert door.get("/dashboard/uptake.csv").status_code == 200


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
        assert "В базовом месяце подключений не было" in html


def test_malformed_choice_is_422(busy: Door) -> None:
    for query in ("baseline=soon", "baseline=2035-01", "by=colour", "lang=de"):
        assert busy.get(f"/dashboard?{query}").status_code == 422
    assert busy.get("/dashboard/pie.svg").status_code == 422


@pytest.mark.parametrize("width", ["wide", "narrow"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["index", "connections"])
def test_charts_are_drawn_for_every_screen(busy: Door, kind: str, theme: str, width: str) -> None:
    answer = busy.get(f"/dashboard/{kind}.svg?theme={theme}&width={width}")
    assert answer.headers["content-type"] == "image/svg+xml"
    root = Xml.fromstring(answer.text)  # noqa: S314 - our own
    assert root.get("width") == {"wide": "960", "narrow": "380"}[width]
    found = texts(answer.text)
    assert "Урал" in found
    assert "янв 2021" in found
    assert "июн 2021" in found
    assert not re.search(r"(href|src)=\"(?!#)", answer.text)


def test_charts_speak_english_too(busy: Door) -> None:
    found = texts(busy.get("/dashboard/index.svg?lang=en").text)
    assert {"Urals", "Jan 2021", "Index, baseline month = 1", "2.00"} <= set(found)
    assert "2,00" in texts(busy.get("/dashboard/index.svg").text)


def test_bars_add_up_to_the_connections_of_the_month(busy: Door) -> None:
    rows = busy.services.uptake.table("2021-01", "macro_region").to_pylist()
    totals = {month: sum(row["connections"] for row in rows if row["month"] == month) for month in MONTHS}
    assert {str(total) for total in totals.values()} <= set(texts(busy.get("/dashboard/connections.svg").text))


def test_csv_carries_the_table_without_a_key(busy: Door) -> None:
    answer = busy.get("/dashboard/uptake.csv?by=arm&baseline=2021-02")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["group"] for row in rows} == {"mia", "control"}
    assert 'filename="uptake-arm-2021-02.csv"' in answer.headers["content-disposition"]


def test_charts_are_drawn_again_when_an_event_arrives() -> None:
    with open_door() as door:
        door.fill()
        before = door.get("/dashboard/connections.svg").text
        assert door.get("/dashboard/connections.svg").text == before
        event = {"event_id": "e1", "occurred_at": "2021-06-30T10:00:00Z", "subscriber_id": "s1", "channel": "app"}
        event |= {"offer_id": "music_30", "kind": "connection"}
        door.post("/v1/events", key="events", json={"events": [event]})
        assert door.get("/dashboard/connections.svg").text != before
