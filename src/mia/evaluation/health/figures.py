"""Figures of the report on a live model, as SVG that a page inlines."""

from dataclasses import dataclass
from typing import Any

import altair
import numpy as np

from mia.drawing import Colours, by_variables, dress, render
from mia.evaluation.figures import reliability_figure
from mia.evaluation.health.report import Health
from mia.timeline import date_of

BINS = 30


@dataclass(frozen=True, slots=True)
class Figure:
    """One drawing with its words."""

    title: str
    caption: str
    svg: str


def draw_figures(health: Health) -> list[Figure]:
    """Drift by feature and region, scores then and now, reliability, and decisions day by day."""
    colours = by_variables()
    found = []
    if health.leading_drift:
        words = "Population stability index of the features of most gain; below 0.1 is stable, above 0.25 has moved."
        found.append(Figure("Drift of leading features", words, _bars(health.leading_drift, "feature", colours)))
    if health.facts.recent is not None and len(health.facts.recent):
        words = "How scores are spread over the impressions it learnt from, and over recent ones."
        found.append(Figure("Scores then and now", words, _spread(health, colours)))
    if health.regions:
        words = "Population stability index of the scores, region by region."
        found.append(Figure("Drift of scores by region", words, _bars(health.regions, "region", colours)))
    if health.measures is not None:
        words = "Stated against observed acceptance of recent impressions whose answer is known."
        found.append(Figure("Reliability now", words, reliability_figure(health.bins, colours)))
    if len(health.facts.decisions):
        words = "Share of decisions that fell back and that explored, day by day (UTC)."
        found.append(Figure("Fallbacks and exploration", words, _days(health, colours)))
    return found


def _bars(drift: dict[str, float], name: str, colours: Colours) -> str:
    rows = [{name: key, "index": value} for key, value in drift.items()]
    y = altair.Y(f"{name}:N", title=None, sort=None, axis=altair.Axis(labelLimit=240))
    bars = _chart(rows).mark_bar(color=colours.lines[0]).encode(x=altair.X("index:Q", title="stability index"), y=y)
    return render(dress(bars.properties(width=320), colours))


def _spread(health: Health, colours: Colours) -> str:
    recent = health.facts.recent
    then, now = health.facts.learnt.scores, np.zeros(0) if recent is None else recent.scores
    edges = np.linspace(0, float(np.quantile(np.concatenate([then, now]), 0.995)) or 1.0, BINS + 1)
    rows: list[dict[str, Any]] = []
    for name, scores in (("learnt from", then), ("recent", now)):
        shares = np.histogram(np.clip(scores, edges[0], edges[-1]), edges)[0] / max(len(scores), 1)
        middles = (edges[:-1] + edges[1:]) / 2
        rows += [{"when": name, "score": float(x), "share": float(y)} for x, y in zip(middles, shares, strict=True)]
    lines = (
        _chart(rows)
        .mark_line(interpolate="step")
        .encode(
            x=altair.X("score:Q", title="stated acceptance", axis=altair.Axis(format="%")),
            y=altair.Y("share:Q", title="share of impressions", axis=altair.Axis(format="%")),
            color=altair.Color("when:N", title=None, scale=altair.Scale(range=list(colours.lines[:2]))),
        )
    )
    return render(dress(lines.properties(width=320, height=200), colours))


def _days(health: Health, colours: Colours) -> str:
    table = health.facts.decisions
    day, count = table["day"].to_numpy(), table["decisions"].to_numpy().astype(float)
    rows: list[dict[str, Any]] = []
    for name, hit in (
        ("fell back", table["fallback"].is_valid().to_numpy(zero_copy_only=False)),
        ("explored", table["explored"].to_numpy(zero_copy_only=False)),
    ):
        for one in np.unique(day):
            here = day == one
            share = float(count[here & hit.astype(bool)].sum() / count[here].sum())
            rows.append({"what": name, "day": date_of(int(one)).isoformat(), "share": share})
    lines = (
        _chart(rows)
        .mark_line(point=True)
        .encode(
            x=altair.X("day:T", title=None),
            y=altair.Y("share:Q", title="share of decisions", axis=altair.Axis(format="%")),
            color=altair.Color("what:N", title=None, scale=altair.Scale(range=list(colours.lines[:2]))),
        )
    )
    return render(dress(lines.properties(width=320, height=200), colours))


def _chart(rows: list[dict[str, Any]]) -> altair.Chart:
    return altair.Chart(altair.InlineData(values=rows))
