"""Figures of a model as SVG texts: how well stated probabilities hold, what the model looks at, where it gains."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair
import pyarrow as pa

from mia.drawing import THEMES, Colours, dress, render
from mia.evaluation.metrics import Bin
from mia.evaluation.slices import Slice

MOST = 25
LIGHT = THEMES["light"]


def reliability_figure(bins: Sequence[Bin], colours: Colours = LIGHT) -> str:
    """Stated against observed rate of connection, with the diagonal of perfect calibration."""
    rows = [{"stated": part.stated, "observed": part.observed} for part in bins]
    edge = max([0.01, *(max(part.stated, part.observed) for part in bins)])
    x = altair.X("stated:Q", title="stated acceptance", axis=altair.Axis(format="%"))
    y = altair.Y("observed:Q", title="observed acceptance", axis=altair.Axis(format="%"))
    ends = [{"stated": 0.0, "observed": 0.0}, {"stated": edge, "observed": edge}]
    diagonal = _chart(ends).mark_line(strokeDash=[4, 4], color=colours.others).encode(x=x, y=y)
    point = altair.OverlayMarkDef(color=colours.lines[0])
    curve = _chart(rows).mark_line(point=point, color=colours.lines[0]).encode(x=x, y=y)
    return render(dress((diagonal + curve).properties(width=320, height=320), colours))


def gains_figure(gains: Mapping[str, float], colours: Colours = LIGHT) -> str:
    """Share of the total gain of the leading columns."""
    rows = [{"column": name, "share": share} for name, share in list(gains.items())[:MOST]]
    chart = (
        _chart(rows)
        .mark_bar(color=colours.lines[0])
        .encode(
            x=altair.X("share:Q", title="share of gain", axis=altair.Axis(format="%")),
            y=altair.Y("column:N", title=None, sort="-x", axis=altair.Axis(labelLimit=240)),
        )
    )
    return render(dress(chart.properties(width=320), colours))


def slices_figure(slices: Sequence[Slice], reference: str, colours: Colours = LIGHT) -> str:
    """The AUC gain over the reference in every slice that is large enough, with its 95 % interval."""
    rows = [
        {"slice": one.name, "gain": one.auc_gain.value, "low": one.auc_gain.low, "high": one.auc_gain.high}
        for one in slices
        if one.auc_gain is not None
    ]
    y = altair.Y("slice:N", title=None, sort=None, axis=altair.Axis(labelLimit=240))
    x = altair.X("low:Q", title=f"AUC gain over {reference}", scale=altair.Scale(zero=False))
    zero = _chart([{"zero": 0.0}]).mark_rule(color=colours.others, strokeDash=[4, 4]).encode(x="zero:Q")
    span = _chart(rows).mark_rule(color=colours.lines[0], strokeWidth=2).encode(x=x, x2="high:Q", y=y)
    dot = _chart(rows).mark_point(filled=True, size=70, color=colours.lines[0]).encode(x="gain:Q", y=y)
    return render(dress((zero + span + dot).properties(width=320), colours))


def values_figure(values: pa.Table, colours: Colours = LIGHT) -> str:
    """Off-policy values with their 95 % intervals by policy, one panel an estimator; `values` as of `values_table`."""
    y = altair.Y("policy:N", title=None, sort=None, axis=altair.Axis(labelLimit=240))
    x = altair.X("low:Q", title="connections an impression", scale=altair.Scale(zero=False))
    base = altair.Chart(altair.InlineData(values=values.to_pylist()))
    span = base.mark_rule(color=colours.lines[0], strokeWidth=2).encode(x=x, x2="high:Q", y=y)
    dot = base.mark_point(filled=True, size=70, color=colours.lines[0]).encode(x="value:Q", y=y)
    header = altair.Header(
        title=None, labelColor=colours.text, labelFontSize=13, labelOrient="top", labelAnchor="start"
    )
    chart = (span + dot).properties(width=320).facet(row=altair.Row("estimator:N", sort=None, header=header))
    return render(dress(chart, colours))


def _chart(rows: list[dict[str, Any]]) -> altair.Chart:
    return altair.Chart(altair.InlineData(values=rows))
