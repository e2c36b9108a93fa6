"""The page: it stands alone, says what the report says, and trusts no name."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.fakes.lake import LIMITS, iso, sound_lake

from mia.drawing import THEMES
from mia.quality.figures import draw_figures
from mia.quality.limits import Limits
from mia.quality.page import render_page
from mia.quality.report import Report

HOSTILE = "<script>alert('Kurgan')</script>"
VOID = {"meta", "link", "br", "img"}


class Reader(HTMLParser):
    """Tags that are open, what they refer to, and the ids there are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.named: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset", "xlink:href"):
                self.references.append(value or "")
            if name == "aria-labelledby":
                self.named += (value or "").split()
            if name == "id":
                self.ids.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report() -> Report:
    lake = sound_lake()
    lake.people["region"] = [HOSTILE if region == "Kurgan" else region for region in lake.people["region"]]
    lake.keep(~lake.where("data", days=[60]))
    lake.usage["known_day"][::10] += np.arange(len(lake.usage["known_day"][::10])) % 40
    lake.usage["quantity"][lake.where("voice", days=[70])] *= 100
    return lake.validate()


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return render_page(report)


def test_the_page_needs_nothing_from_anywhere(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    assert reader.references == []
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert not re.search(r"url\(|@import", page)
    addresses = set(re.findall(r"https?://[^\"' ]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "default-src 'none'" in page


def test_every_plot_and_table_has_a_name(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.named) <= set(reader.ids)
    assert page.count('role="img"') == 8
    assert '<html lang="en">' in page


def test_names_from_the_data_stay_text(page: str) -> None:
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 3


def test_verdicts_values_and_examples_are_on_the_page(page: str, report: Report) -> None:
    assert f"<title>{report.status}: the lake as of 2021-04-11</title>" in page
    for check in report.checks:
        assert check.name in page
    assert f"{iso(60)}, data: none, usually 120" in page
    # The grave ones come first.
    order = [page.index(f'class="verdict {status}">{status}</span>\n        <span') for status in ("FAIL", "PASS")]
    assert order == sorted(order)


def test_plots_are_drawn_once_for_both_themes_and_twice_for_width(report: Report) -> None:
    figures = draw_figures(report)
    assert [figure.title for figure in figures] == [
        "Records a day by kind",
        "Completeness by region and day",
        "Subscribers without usage by region",
        "Late records by day",
    ]
    for figure in figures:
        assert list(figure.drawings) == ["wide", "narrow"]
        widths = [float(ElementTree.fromstring(svg).attrib["width"]) for svg in figure.drawings.values()]  # noqa: S314
        assert widths[0] > 2 * widths[1] > 600
        paints = re.findall(r'(?:fill|stroke)="([^"]+)"', "".join(figure.drawings.values()))
        assert {paint for paint in paints if paint.startswith("#")} <= {"#000"}
        variables = set(re.findall(r"var\(([^)]+)\)", "".join(paints)))
        assert variables <= set(THEMES["dark"].variables())
        assert len(variables) > 1


def test_the_day_without_data_shows_in_its_row(report: Report) -> None:
    completeness = draw_figures(report)[1].drawings["wide"]
    assert "var(--chart-line-1)" in completeness  # below half of the usual


def test_plots_of_nothing_are_left_out() -> None:
    lake = sound_lake()
    lake.keep(lake.where(days=range(15)))
    report = lake.validate(Limits(minimum_records=LIMITS.minimum_records), as_of=18_628 + 15)
    drawn = {figure.title: bool(figure.drawings) for figure in draw_figures(report)}
    assert drawn == {
        "Records a day by kind": True,
        "Completeness by region and day": False,
        "Subscribers without usage by region": False,
        "Late records by day": False,
    }
    assert render_page(report).count("Nothing to draw.") == 3
