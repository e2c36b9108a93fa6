"""The model card: everything to know about one version before trusting it, as one HTML page that stands alone.

Mitchell, M. et al. (2019), Model cards for model reporting.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mia.drawing import by_variables
from mia.evaluation.figures import gains_figure, reliability_figure, slices_figure
from mia.evaluation.metrics import Bin
from mia.evaluation.slices import Slice
from mia.pages import open_pages

MICROSECONDS = 1_000_000
MOST_DRIFT = 10
MEASURES = ("auc", "log_loss", "ndcg_at_3", "calibration_error")
SLICE = ("rows", "positives", "stated", "observed", "auc", "reference_auc", "auc_gain", "log_loss_gain")
UNFIT_FOR = (
    "Acceptance is the chance that an offer is connected when it is shown in first place: not the chance that it is "
    "connected at all, and not what showing it adds. For what an offer adds, hold the arms of the experiment against "
    "each other.",
    "No decision about a person's rights, credit, price or quality of service may rest on it: it only orders offers "
    "that the rules allow.",
    "It must not be used to infer age, health, income or other traits of a person from what they use.",
    "It speaks for offers like those it was shown, in the regions and channels of its data window; figures of slices "
    "that are too small to be judged are unknown, not good.",
    "It must not score profiles of another feature schema, and is not meant for a time in which habits have moved far "
    "from its data window.",
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """One plot with its words."""

    title: str
    caption: str
    svg: str


def render_card(version: str, evaluation: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> str:
    """The page of one version from its stored evaluation and the verdict of the gate, None before that was run."""
    pages = open_pages(Path(__file__).parent)
    pages.filters |= {"figure": written, "moment": _moment}
    return pages.get_template("card.html").render(
        version=version,
        known=evaluation,
        verdict=verdict,
        colour="grey" if verdict is None else verdict["colour"],
        facts=_facts(evaluation),
        drawings=_drawings(evaluation),
        measures=[(name, *(row.get(key) for key in MEASURES)) for name, row in evaluation["table"].items()],
        slices=[_slice_row(one) for one in evaluation.get("slices", ())],
        reference=evaluation.get("reference"),
        policies=[
            (name, estimate, value)
            for name, found in evaluation["policies"].items()
            for estimate, value in found.items()
        ],
        given_anyway=_rows(evaluation.get("discount_given_anyway")),
        gains=list(evaluation.get("gains", {}).items()),
        drift=list((evaluation.get("drift") or {"features": {}})["features"].items())[:MOST_DRIFT],
        parameters=list(evaluation.get("parameters", {}).items()),
        unfit_for=UNFIT_FOR,
    )


def written(value: Any) -> str:  # noqa: ANN401 - any figure of the evaluation
    """A figure for people.

    >>> written(0.123456), written(12345), written(None), written({"value": 0.5, "low": 0.25, "high": 0.75})
    ('0.1235', '12,345', '–', '0.5000 [0.2500, 0.7500]')
    """
    if isinstance(value, Mapping) and {"value", "low", "high"} <= value.keys():
        return f"{written(value['value'])} [{written(value['low'])}, {written(value['high'])}]"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{int(value):,}" if float(value).is_integer() else f"{value:.4f}"


def _facts(known: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("learnt from", f"{known['trained_from']} to {known.get('trained_through', known['trained_until'])}"),
        ("impressions learnt from", written(known.get("trained_rows"))),
        ("measured on", " to ".join(known["window"])),
        ("impressions measured on", written(known["rows"])),
        ("connections among them", written(known["positives"])),
        ("catalogue", str(known["catalogue"])),
        ("feature schema", str(known["fingerprint"])),
        ("data fingerprint", str(known.get("data_fingerprint", "–"))),
    ]
    kind = known.get("kind")
    return [("kind of ranker", str(kind)), *facts] if kind else facts


def _drawings(known: Mapping[str, Any]) -> list[Drawing]:
    colours, found = by_variables(), []
    calibration = known.get("calibration")
    if calibration:
        bins = [Bin(part["share"], part["stated"], part["observed"]) for part in calibration["bins"]]
        words = (
            f"Stated against observed acceptance in ten bins of equal size. Slope {written(calibration['slope'])} "
            f"[{written(calibration['low'])}, {written(calibration['high'])}], 1 is perfect."
        )
        found.append(Drawing("Reliability on the later window", words, reliability_figure(bins, colours)))
    slices = [Slice.from_json(one) for one in known.get("slices", ())]
    if any(one.auc_gain is not None for one in slices):
        name = str(known["reference"]["name"])
        words = f"AUC gain over {name} with its 95 % interval, in every slice that is large enough."
        found.append(Drawing("Gain by slice", words, slices_figure(slices, name, colours)))
    if known.get("gains"):
        words = "Share of the total gain by column: what the model looks at, not what causes a connection."
        found.append(Drawing("Features", words, gains_figure(known["gains"], colours)))
    return found


def _slice_row(one: Mapping[str, Any]) -> tuple[Any, ...]:
    name = f"{one['name']} ({one['about']})" if one["about"] else one["name"]
    return (name, *(one[key] for key in SLICE))


def _rows(given: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - a figure, or several by name
    """Named figures as rows; a plain figure is a row by itself."""
    if given is None:
        return []
    if isinstance(given, Mapping) and "value" not in given:
        return [(str(name).replace("_", " "), value) for name, value in given.items()]
    return [("cost", given)]


def _moment(microseconds: int) -> str:
    return datetime.fromtimestamp(microseconds / MICROSECONDS, UTC).strftime("%Y-%m-%d %H:%M UTC")
