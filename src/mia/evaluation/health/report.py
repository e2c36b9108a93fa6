"""The report on a live model: its checks, and the figures behind them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mia.evaluation.calibration_line import CalibrationLine, fit_line
from mia.evaluation.drift import drift_of, stability_index
from mia.evaluation.gate.check import ORDER, Check, Colour, at_most, unjudged
from mia.evaluation.health.facts import Facts
from mia.evaluation.health.limits import MonitorLimits
from mia.evaluation.measures import Measures, measure
from mia.evaluation.metrics import Bin, reliability
from mia.timeline import timestamp_of

LEADING = 10
"""Features of the largest gain that are watched one by one."""
NAMED = 3


@dataclass(frozen=True)
class Health:
    """What was found of one live model."""

    facts: Facts
    limits: MonitorLimits

    @cached_property
    def feature_drift(self) -> dict[str, float]:
        """Stability index of every column from what was learnt to now, the most moved first."""
        recent = self.facts.recent
        if recent is None:
            return {}
        found = drift_of(self.facts.columns, self.facts.learnt.matrix, recent.matrix)
        return {name: value for name, value in found.items() if not math.isnan(value)}

    @cached_property
    def weighted_drift(self) -> float:
        """The same of all columns, averaged by their gain."""
        weights = np.asarray([self.facts.gains.get(name, 0.0) for name in self.feature_drift])
        values = np.asarray(list(self.feature_drift.values()))
        return float(weights @ values / weights.sum()) if weights.sum() > 0 else float("nan")

    @cached_property
    def leading_drift(self) -> dict[str, float]:
        """The same of the features of the largest gain, the most moved first."""
        leading = list(self.facts.gains)[:LEADING]
        return {name: value for name, value in self.feature_drift.items() if name in leading}

    @cached_property
    def score_drift(self) -> float:
        """The same of the scores."""
        recent = self.facts.recent
        return float("nan") if recent is None else stability_index(self.facts.learnt.scores, recent.scores)

    @cached_property
    def regions(self) -> dict[str, float]:
        """The same of the scores by region, where both times have enough impressions; the most moved first."""
        recent, least = self.facts.recent, self.limits.minimum_rows
        if recent is None:
            return {}
        found = {}
        for region in sorted({str(name) for name in recent.regions if name is not None}):
            before, now = self.facts.learnt.of_region(region), recent.of_region(region)
            if min(len(before), len(now)) >= least:
                found[region] = stability_index(before, now)
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @cached_property
    def measures(self) -> Measures | None:
        """Ordering and calibration on recent impressions whose answer is known; None where they are too few."""
        answers = self.facts.answers
        if answers is None or not self.limits.minimum_positives <= answers.labels.sum() < len(answers.labels):
            return None
        return measure(self.facts.scores, answers)

    @cached_property
    def line(self) -> CalibrationLine | None:
        """Calibration line of the same impressions."""
        answers = self.facts.answers
        if self.measures is None or answers is None:
            return None
        return fit_line(self.facts.scores, answers.labels, answers.clusters)

    @cached_property
    def bins(self) -> list[Bin]:
        """Reliability curve of the same impressions."""
        answers = self.facts.answers
        return [] if answers is None else reliability(self.facts.scores, answers.labels)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """All checks."""
        return (*self._drift_checks(), *self._answer_checks(), *self._decision_checks(), self._age_check())

    @property
    def colour(self) -> Colour:
        """The worst colour of any check."""
        return max((check.colour for check in self.checks), key=ORDER.index)

    @property
    def figures(self) -> dict[str, float]:
        """Every figure that was found, by the name of its check: what a metrics system keeps."""
        return {
            check.name: check.found for check in self.checks if check.found is not None and math.isfinite(check.found)
        }

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        facts, measured = self.facts, self.measures
        return {
            "model": facts.version,
            "until": facts.until,
            "at": timestamp_of(facts.until).isoformat(timespec="minutes"),
            "days": facts.days,
            "colour": self.colour.value,
            "checks": [check.to_json() for check in self.checks],
            "learnt": {"rows": len(facts.learnt), "window": facts.learnt.window},
            "recent": None if facts.recent is None else {"rows": len(facts.recent), "window": facts.recent.window},
            "measures": None if measured is None else measured.to_json(),
            "regions": self.regions,
            "features": dict(list(self.feature_drift.items())[: 3 * LEADING]),
            "decisions": facts.decisions.to_pylist(),
        }

    def _drift_checks(self) -> Sequence[Check]:
        limits, recent = self.limits, self.facts.recent
        names = ("feature_drift", "leading_feature_drift", "score_drift", "region_drift")
        if recent is None or min(len(recent), len(self.facts.learnt)) < limits.minimum_rows:
            why = f"fewer than {limits.minimum_rows} impressions in the last {self.facts.days} days"
            return [unjudged(name, f"<= {getattr(limits, name).red:g}", why) for name in names]
        leading, regions = list(self.leading_drift.items()), list(self.regions.items())
        worst_region = (
            at_most("region_drift", regions[0][1], limits.region_drift, _named(regions))
            if regions
            else unjudged("region_drift", f"<= {limits.region_drift.red:g}", "no region has enough impressions")
        )
        worst = leading[0][1] if leading else 0.0
        return [
            at_most("feature_drift", self.weighted_drift, limits.feature_drift, _named(self.feature_drift.items())),
            at_most("leading_feature_drift", worst, limits.leading_feature_drift, _named(leading)),
            at_most("score_drift", self.score_drift, limits.score_drift),
            worst_region,
        ]

    def _answer_checks(self) -> Sequence[Check]:
        limits, measured, line = self.limits, self.measures, self.line
        if measured is None or line is None:
            why = f"fewer than {limits.minimum_positives} connections among recent matured impressions"
            names = ("calibration_error", "calibration_slope", "auc_fall")
            return [unjudged(name, f"<= {getattr(limits, name).red:g}", why) for name in names]
        fall = max(0.0, self.facts.own_auc - measured.auc.high)
        return [
            at_most("calibration_error", measured.calibration_error, limits.calibration_error),
            at_most("calibration_slope", line.deviation, limits.calibration_slope, f"slope {line.slope:.3f}"),
            at_most("auc_fall", fall, limits.auc_fall, f"{measured.auc}, {self.facts.own_auc:.4f} in its evaluation"),
        ]

    def _decision_checks(self) -> Sequence[Check]:
        found = []
        for name, column in (("fallbacks", "fallback"), ("exploration", "explored")):
            share, limit = self.facts.share_of_decisions(column), getattr(self.limits, name)
            found.append(
                unjudged(name, f"<= {limit.red:g}", f"no decisions in the last {self.facts.days} days")
                if math.isnan(share)
                else at_most(name, share, limit)
            )
        return found

    def _age_check(self) -> Check:
        return at_most("model_age", float(self.facts.age_days), self.limits.model_age, "days")


def _named(drift: Any) -> str:  # noqa: ANN401 - pairs of a name and a figure
    return "most: " + ", ".join(f"{name} {value:.2f}" for name, value in list(drift)[:NAMED])
