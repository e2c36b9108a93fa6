"""Train: impressions -> point-in-time pairs -> evaluation on later days -> fit on all of them -> a candidate."""

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from mia.domain.offer import Offer
from mia.errors import NotEnoughData, UnreadableModel
from mia.evaluation.figures import gains_figure, reliability_figure
from mia.evaluation.intervals import Estimate, clusters
from mia.evaluation.measures import Measures, Scored, auc_gain, measure
from mia.evaluation.metrics import reliability
from mia.evaluation.splits import split_by_time
from mia.frames import Floats
from mia.offers.contact import ContactPolicy
from mia.ports import Ledger, Registry
from mia.ranking.pairs import Pairs
from mia.ranking.point_in_time import BuildProfiles
from mia.ranking.rankers.base import FitOptions, Ranker
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.ranking.training_set import Impressions
from mia.services.train.examples import Examples, build_examples
from mia.services.train.what_if import WhatIf
from mia.timeline import MICROSECONDS, date_of

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
EVALUATION = "evaluation.json"
STEPS = 4


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a run is told: `until` in microseconds, windows in days, the share of the latest impressions held out, and
    the first local day whose impressions it learns from, when not all of them.
    """

    offers: tuple[Offer, ...]
    catalogue_version: str
    until: int
    attribution_days: int
    holdout_share: float
    options: FitOptions
    since_day: int | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered candidate, the table it was measured in, and what it was measured on."""

    version: str
    table: Mapping[str, Measures]
    gain_over_popular: Estimate
    train_rows: int
    test_rows: int
    test_positives: int
    test_window: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trainer:
    """Makes candidates. `yardsticks` are measured beside MIA and not kept."""

    ledger: Ledger
    registry: Registry
    build_profiles: BuildProfiles
    yardsticks: Mapping[str, type[Ranker]]
    contact: ContactPolicy

    def train(self, plan: TrainingPlan, progress: Progress | None = None) -> Trained:
        """Fit, evaluate on the later window, refit on all matured impressions, register. Raises NotEnoughData."""

        def step(label: str, done: int) -> None:
            if progress:
                progress(label, done, STEPS)

        step("training set", 0)
        examples = build_examples(
            self.ledger,
            self.build_profiles,
            plan.offers,
            attribution_days=plan.attribution_days,
            until=plan.until,
            since_day=plan.since_day,
        )
        impressions, pairs = examples.impressions, examples.pairs
        earlier, later = split_by_time(impressions.local_day, plan.holdout_share, gap=plan.attribution_days)
        labels = impressions.labels
        if not all(0 < labels[part].sum() < len(part) for part in (earlier, later)):
            raise NotEnoughData("the earlier or the later part of the impressions has no connection, or nothing else")
        step("evaluation", 1)
        rows = Scored(labels[later], impressions.slate[later], clusters(impressions.subscriber_ids[later]))
        held_out = pairs.take(later).at_first_position()
        mia = LightGBMRanker.fit(pairs.take(earlier), labels[earlier], plan.options)
        fitted: dict[str, Ranker] = {"mia": mia}
        fitted |= {
            name: kind.fit(pairs.take(earlier), labels[earlier], plan.options) for name, kind in self.yardsticks.items()
        }
        scores = {name: ranker.score(held_out) for name, ranker in fitted.items()}
        table = {name: measure(given, rows) for name, given in scores.items()}
        gain = auc_gain(scores["mia"], scores["popular"], rows)
        step("fit on all impressions", 2)
        final = mia.refit(pairs, labels, plan.options)
        step("registration", 3)
        window = impressions.take(later).window
        evidence = {
            "window": window,
            "rows": len(later),
            "positives": float(labels[later].sum()),
            "table": {name: measures.to_json() for name, measures in table.items()},
            "auc_gain_over_popular": asdict(gain),
            "policies": self._policies(examples.take(later), fitted, plan.options.seed),
            "champion": self._against_champion(plan, held_out, scores["mia"], rows, first_day=window[0]),
        }
        version = self._register(plan, final, evidence, scores["mia"], rows.labels, impressions)
        step("done", STEPS)
        return Trained(version, table, gain, len(labels), len(later), int(rows.labels.sum()), window)

    def _policies(self, later: Examples, fitted: Mapping[str, Ranker], seed: int) -> dict[str, Any]:
        """What policies would have earned, valued on rows that nothing was fitted on; empty without propensities."""
        values = WhatIf(later, self.contact).values_of(fitted, seed=seed)
        return {name: value.to_json() for name, value in values.items()}

    def _against_champion(
        self, plan: TrainingPlan, held_out: Pairs, scores: Floats, rows: Scored, *, first_day: str
    ) -> dict[str, Any] | None:
        """Gain over the champion, if it can be read, had not yet seen the later window and reads the same schema."""
        version = self.registry.champion()
        if version is None:
            return None
        folder = self.registry.fetch(version)
        seen_until = orjson.loads((folder / EVALUATION).read_bytes())["trained_until"]
        try:
            champion = LightGBMRanker.load(folder)
        except UnreadableModel:
            log.exception("champion %s is left out of the comparison", version)
            return None
        if seen_until > first_day or champion.schema.fingerprint != plan.options.fingerprint:
            return None
        return {"version": version, "auc_gain": asdict(auc_gain(scores, champion.score(held_out), rows))}

    def _register(
        self,
        plan: TrainingPlan,
        ranker: LightGBMRanker,
        evidence: dict[str, Any],
        scores: Floats,
        labels: Floats,
        impressions: Impressions,
    ) -> str:
        until = date_of(int(plan.until // (86_400 * MICROSECONDS))).isoformat()
        evidence = {
            **evidence,
            "trained_until": until,
            "trained_from": date_of(int(impressions.local_day.min())).isoformat(),
            "trained_rows": len(impressions),
            "fingerprint": plan.options.fingerprint,
            "catalogue": plan.catalogue_version,
        }
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ranker.save(folder)
            (folder / EVALUATION).write_bytes(orjson.dumps(evidence, option=orjson.OPT_INDENT_2))
            (folder / "reliability.svg").write_text(reliability_figure(reliability(scores, labels)))
            (folder / "gains.svg").write_text(gains_figure(ranker.gains()))
            mia: dict[str, Any] = evidence["table"]["mia"]
            return self.registry.register(
                folder=folder,
                parameters={
                    **asdict(plan.options),
                    "attribution_days": plan.attribution_days,
                    "holdout_share": plan.holdout_share,
                    "trained_from": evidence["trained_from"],
                    "trained_until": until,
                    "catalogue": plan.catalogue_version,
                },
                metrics={
                    "auc": mia["auc"]["value"],
                    "log_loss": mia["log_loss"],
                    "ndcg_at_3": mia["ndcg_at_3"],
                    "calibration_error": mia["calibration_error"],
                    "auc_gain_over_popular": evidence["auc_gain_over_popular"]["value"],
                    "positives": evidence["positives"],
                },
                tags={"fingerprint": plan.options.fingerprint, "trained_until": until},
            )
