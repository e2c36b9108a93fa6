"""How charts look: two themes with the same paints, and one drawing for both."""

from xml.etree import ElementTree

import altair as alt

from mia.drawing import THEMES, by_variables, dress, paint, render


def test_themes_name_the_same_paints_and_a_drawing_by_variables_asks_for_no_other() -> None:
    light, dark = (theme.variables() for theme in THEMES.values())
    assert list(light) == list(dark)
    assert not set(light.values()) & set(dark.values())
    asked = by_variables()
    paints = (asked.ground, asked.text, asked.faint, asked.others, *asked.lines)
    assert [f"var({name})" for name in light] == list(paints)
    assert len(asked.lines) == len(THEMES["light"].lines)


def test_a_chart_becomes_svg_in_the_colours_and_numbers_given() -> None:
    rows = alt.InlineData(values=[{"x": "a", "y": 0.5}, {"x": "b", "y": 1.5}])
    chart = dress(alt.Chart(rows).mark_bar(color="var(--bar)").encode(x="x:N", y="y:Q"), by_variables())
    plain = render(chart)
    russian = render(chart, {"decimal": ",", "thousands": " ", "grouping": [3], "currency": ["", ""]})
    assert ElementTree.fromstring(plain).tag.endswith("svg")  # noqa: S314 - our own drawing
    for asked in ("var(--bar)", "var(--chart-text)", "var(--chart-faint)"):
        assert asked in plain
    assert (">1.0<" in plain, ">1,0<" in russian) == (True, True)


def test_a_drawing_by_variables_can_be_painted_and_keeps_variables_that_are_not_ours() -> None:
    rows = alt.InlineData(values=[{"x": "a", "y": 0.5}])
    plain = render(dress(alt.Chart(rows).mark_bar(color="var(--bar)").encode(x="x:N", y="y:Q"), by_variables()))
    painted = paint(plain, THEMES["dark"])
    assert "var(--chart-" not in painted
    assert "var(--bar)" in painted
    assert THEMES["dark"].text in painted
