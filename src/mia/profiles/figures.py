"""Figures of profiles as SVG texts: how a feature is spread over subscribers, and how two go together."""

import altair as alt
import numpy as np
import pyarrow as pa

from mia.drawing import THEMES, Colours, dress, render
from mia.frames import Floats

LIGHT = THEMES["light"]
BINS = 40
MOST_POINTS = 1_000
SEED = 7


def spread_figure(features: pa.Table, name: str, title: str, colours: Colours = LIGHT) -> str:
    """How many subscribers lie in each of 40 bins of equal width; those without a value are left out.

    Raises KeyError for a feature that the table does not hold.
    """
    values = _known(features, name)
    counts, edges = np.histogram(values, bins=BINS)
    rows = [
        {"from": low, "to": high, "subscribers": count}
        for low, high, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(color=colours.lines[0])
        .encode(
            x=alt.X("from:Q", title=title, bin=alt.BinParams(binned=True)),
            x2="to:Q",
            y=alt.Y("subscribers:Q", title="subscribers"),
        )
    )
    return render(dress(chart.properties(width=480, height=220), colours))


def pair_figure(
    features: pa.Table, across: str, up: str, titles: tuple[str, str] | None = None, colours: Colours = LIGHT
) -> str:
    """Two features against each other, a point a subscriber, on scales that hold zeros and orders of magnitude.

    Of more than 1,000 subscribers as many are drawn by lot, the same each time. `titles` name the axes, by default as
    the features. Raises KeyError for a feature that the table does not hold.
    """
    taken = np.arange(features.num_rows)
    if len(taken) > MOST_POINTS:
        taken = np.sort(np.random.default_rng(SEED).choice(taken, MOST_POINTS, replace=False))
    points = features.select([across, up]).take(taken).rename_columns(["across", "up"]).drop_null()
    scale, axis = alt.Scale(type="symlog"), alt.Axis(values=[0, *(10**power for power in range(7))], format="~s")
    named = titles or (across, up)
    chart = (
        alt.Chart(alt.InlineData(values=points.to_pylist()))
        .mark_circle(opacity=0.3, color=colours.lines[0])
        .encode(
            x=alt.X("across:Q", title=named[0], scale=scale, axis=axis),
            y=alt.Y("up:Q", title=named[1], scale=scale, axis=axis),
        )
    )
    return render(dress(chart.properties(width=480, height=320), colours))


def _known(features: pa.Table, name: str) -> Floats:
    values = features[name].cast(pa.float64()).to_numpy()
    known: Floats = values[~np.isnan(values)]
    return known
