"""Comparison: a candidate against what is live, in all and slice by slice, for the gate to judge by."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mia.evaluation.calibration_line import fit_line
from mia.evaluation.drift import drift_of, sample_rows
from mia.evaluation.measures import Scored
from mia.evaluation.metrics import log_loss, reliability
from mia.evaluation.paired import Statistic, auc_difference, estimate_gains, log_loss_difference, ndcg_difference
from mia.evaluation.slices import SliceFacts, SliceRules, measure_slices
from mia.frames import Floats, Ints
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import Ranker
from mia.services.train.examples import Examples
from mia.services.train.what_if import Choices

ENOUGH = 50
"""Connections that a champion must not have learnt from, for a comparison with it to say anything."""
PLACES = 3


@dataclass(frozen=True, slots=True)
class Champion:
    """The live model and the last local day of the impressions it learnt from."""

    version: str
    ranker: Ranker
    learnt_through: int


@dataclass(frozen=True, slots=True)
class Reference:
    """What the candidate is held against: its `scores` of the later rows, and `rows`, those of them that it had not
    learnt from; `note` says why it is not the champion, and `version` is None then.
    """

    name: str
    ranker: Ranker
    scores: Floats
    rows: Ints
    version: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Over one set of examples, of which the candidate has learnt from the `earlier` rows and not from the `later`."""

    examples: Examples
    earlier: Ints
    later: Ints
    rules: SliceRules

    def reference(self, champion: Champion | None, held_out: Pairs, popular: Ranker) -> Reference:
        """The champion on the later rows that it had not learnt from, if those are enough; else the popular order."""
        if champion is None:
            return self._popular(popular, held_out, "there is no champion to compare with")
        impressions = self.examples.impressions
        fresh = np.flatnonzero(impressions.local_day[self.later] > champion.learnt_through)
        labels = impressions.labels[self.later][fresh]
        if not ENOUGH <= labels.sum() < len(labels):
            note = f"champion {champion.version} has learnt from all but {labels.sum():.0f} of these connections"
            return self._popular(popular, held_out, note)
        name = f"champion {champion.version}"
        return Reference(name, champion.ranker, champion.ranker.score(held_out), fresh, champion.version)

    def evidence(
        self,
        scores: Floats,
        rows: Scored,
        reference: Reference,
        choices: Choices | None,
        gains: Mapping[str, float],
    ) -> dict[str, Any]:
        """What goes into the stored evaluation; `scores` are the candidate's of the later `rows`, `gains` its columns'
        shares.
        """
        taken = reference.rows
        ours, theirs = scores[taken], reference.scores[taken]
        fresh = Scored(rows.labels[taken], rows.slates[taken], rows.clusters[taken])
        found = estimate_gains(
            {
                "auc": auc_difference(ours, theirs, fresh.labels),
                "ndcg_at_3": ndcg_difference(ours, theirs, fresh.labels, fresh.slates, PLACES),
                "log_loss": _share(log_loss_difference(ours, theirs, fresh.labels), log_loss(theirs, fresh.labels)),
            },
            fresh.clusters,
        )
        first_day = int(self.examples.impressions.local_day[self.later][taken].min())
        policy = {} if choices is None else choices.gains("mia", reference.name, since_day=first_day)
        line = fit_line(scores, rows.labels, rows.clusters)
        slices = measure_slices(self._facts(self.later[taken]), ours, theirs, fresh, self.rules)
        champion = None
        if reference.version is not None:
            auc = found["auc"]
            gain = {"value": auc.value, "low": auc.low, "high": auc.high}
            champion = {"version": reference.version, "auc_gain": gain}
        return {
            "champion": champion,
            "reference": {
                "name": reference.name,
                "rows": len(taken),
                "positives": float(fresh.labels.sum()),
                "note": reference.note,
            },
            "gains_over_reference": {name: asdict(one) for name, one in found.items()},
            "policy_gain": {name: None if one is None else asdict(one) for name, one in policy.items()},
            "calibration": {
                **asdict(line),
                "deviation": line.deviation,
                "bins": [
                    {"share": part.share, "stated": part.stated, "observed": part.observed}
                    for part in reliability(scores, rows.labels)
                ],
            },
            "slices": [asdict(one) for one in slices],
            "drift": self._drift(gains),
        }

    def _popular(self, popular: Ranker, held_out: Pairs, note: str) -> Reference:
        return Reference(popular.name, popular, popular.score(held_out), np.arange(len(self.later)), None, note)

    def _facts(self, rows: Ints) -> SliceFacts:
        examples = self.examples.take(rows)
        impressions, pairs = examples.impressions, examples.pairs
        learnt = self.examples.impressions.region[self.earlier].astype(str)
        regions, counts = np.unique(learnt, return_counts=True)
        known = dict(zip(regions.tolist(), counts.tolist(), strict=True))
        names, codes = np.unique(impressions.region.astype(str), return_inverse=True)
        return SliceFacts(
            _of_rows(pairs, "tenure_days"),
            _of_rows(pairs, "active_days_90d"),
            pairs.feature("offer_impressions"),
            impressions.region,
            impressions.channel,
            np.asarray([known.get(name, 0) for name in names.tolist()], float)[codes],
        )

    def _drift(self, gains: Mapping[str, float]) -> dict[str, Any]:
        """Stability index by feature, and its mean weighted by the gain of the features."""
        pairs = self.examples.pairs
        names = (*pairs.profiles.names, *pairs.names)
        parts = [_matrix(pairs, sample_rows(rows)) for rows in (self.earlier, self.later)]
        drift = {name: value for name, value in drift_of(names, *parts).items() if not np.isnan(value)}
        weights = np.asarray([gains.get(name, 0.0) for name in drift])
        weighted = float(weights @ np.asarray(list(drift.values())) / weights.sum()) if weights.any() else 0.0
        return {"weighted": weighted, "features": drift}


def _share(statistic: Statistic, whole: float) -> Statistic:
    return lambda weights: statistic(weights) / whole


def _of_rows(pairs: Pairs, name: str) -> Floats:
    values = pairs.profiles.column(name)
    return np.full(len(pairs), np.nan) if values is None else values.astype(float)[pairs.rows]


def _matrix(pairs: Pairs, rows: Ints) -> Floats:
    return np.concatenate([pairs.profiles.numeric[pairs.rows[rows]], pairs.features[rows]], axis=1)
