"""Figures of a model as SVG texts: how well stated probabilities hold, and what the model looks at."""

from collections.abc import Mapping, Sequence

import altair
import pyarrow as pa

from mia.drawing import render
from mia.evaluation.metrics import Bin

MOST = 25


def reliability_figure(bins: Sequence[Bin]) -> str:
    """Stated against observed rate of connection, with the diagonal of perfect calibration."""
    data = pa.table({"stated": [part.stated for part in bins], "observed": [part.observed for part in bins]})
    edge = max([0.01, *(max(part.stated, part.observed) for part in bins)])
    ends = pa.table({"stated": [0.0, edge], "observed": [0.0, edge]})
    x = altair.X("stated:Q", title="stated acceptance", axis=altair.Axis(format="%"))
    y = altair.Y("observed:Q", title="observed acceptance", axis=altair.Axis(format="%"))
    diagonal = altair.Chart(ends).mark_line(strokeDash=[4, 4], color="grey").encode(x=x, y=y)
    curve = altair.Chart(data).mark_line(point=True).encode(x=x, y=y)
    return render((diagonal + curve).properties(width=320, height=320, title="Reliability on the later window"))


def gains_figure(gains: Mapping[str, float]) -> str:
    """Share of the total gain of the leading columns."""
    leading = dict(list(gains.items())[:MOST])
    data = pa.table({"column": list(leading), "share": list(leading.values())})
    chart = (
        altair.Chart(data)
        .mark_bar()
        .encode(
            x=altair.X("share:Q", title="share of gain", axis=altair.Axis(format="%")),
            y=altair.Y("column:N", title=None, sort="-x"),
        )
    )
    return render(chart.properties(width=320, title="What the model looks at"))
