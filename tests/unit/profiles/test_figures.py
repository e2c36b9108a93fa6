from xml.etree import ElementTree

import pyarrow as pa
import pytest

from mia.profiles.figures import BINS, MOST_POINTS, pair_figure, spread_figure

SVG = "{http://www.w3.org/2000/svg}"


def marks(drawing: str, role: str) -> list[ElementTree.Element]:
    groups = ElementTree.fromstring(drawing).iter(f"{SVG}g")  # noqa: S314 - our own drawing
    return [path for group in groups if role in group.get("class", "").split() for path in group.iter(f"{SVG}path")]


def test_a_spread_has_a_bar_a_bin_and_leaves_out_who_has_no_value() -> None:
    table = pa.table({"data": [float(value) for value in range(400)] + [None] * 50})
    drawing = spread_figure(table, "data", "MiB in 30 days")
    assert "MiB in 30 days" in drawing
    bars = [path.get("aria-label", "") for path in marks(drawing, "mark-rect")]
    assert len(bars) == BINS
    assert all("subscribers: 10" in bar for bar in bars)


def test_a_pair_has_a_point_for_everybody_who_has_both() -> None:
    table = pa.table({"data": [0.0, 10.0, None, 5_000.0], "voice": [1.0, 0.0, 3.0, None]})
    drawing = pair_figure(table, "data", "voice")
    assert len(marks(drawing, "mark-symbol")) == 2
    assert ">data<" in drawing
    assert ">MiB<" in pair_figure(table, "data", "voice", ("MiB", "minutes"))


def test_of_many_subscribers_the_same_ones_are_drawn_each_time() -> None:
    values = [float(value) for value in range(3 * MOST_POINTS)]
    table = pa.table({"data": values, "voice": values})
    drawing = pair_figure(table, "data", "voice")
    assert len(marks(drawing, "mark-symbol")) == MOST_POINTS
    assert drawing == pair_figure(table, "data", "voice")


def test_a_feature_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError):
        spread_figure(pa.table({"data": [1.0]}), "voice", "")
