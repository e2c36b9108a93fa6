"""Train: impressions -> point-in-time pairs -> evaluation on later days -> fit on all of them -> a candidate."""

import hashlib
import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from mia.domain.offer import Offer
from mia.domain.policy import ArbitrationPolicy
from mia.errors import NotEnoughData, UnreadableModel
from mia.evaluation.figures import gains_figure, reliability_figure
from mia.evaluation.given_anyway import estimate_given_anyway
from mia.evaluation.intervals import Estimate, clusters
from mia.evaluation.measures import Measures, Scored, auc_gain, measure
from mia.evaluation.metrics import reliability
from mia.evaluation.slices import SliceRules
from mia.evaluation.splits import split_by_time
from mia.frames import Floats
from mia.ports import LearningLog, Registry, Tried
from mia.ranking.arbitration import Objective
from mia.ranking.local_time import Zones
from mia.ranking.pairs import Pairs
from mia.ranking.point_in_time import BuildProfiles
from mia.ranking.rankers.base import FitOptions, Ranker
from mia.ranking.rankers.registry import load_ranker
from mia.ranking.training_set import Impressions
from mia.services.train.comparison import Champion, Comparison
from mia.services.train.examples import Examples, build_examples
from mia.services.train.tuning import Search, Tuned, tune
from mia.services.train.what_if import WhatIf
from mia.timeline import MICROSECONDS, date_of, day_of_text

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
EVALUATION = "evaluation.json"
STEPS = 4
EXAMPLE_ROWS = 5
MOST_GAINS = 40


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a run is told: `until` in microseconds, windows in days, the share of the latest impressions held out, and
    the first local day whose impressions it learns from, when not all of them. `kind` is what is fitted; `tags` are
    kept with the version. With `search`, which opens a search by the name of what it is for, parameters are looked for
    first.
    """

    offers: tuple[Offer, ...]
    catalogue_version: str
    until: int
    attribution_days: int
    holdout_share: float
    options: FitOptions
    kind: type[Ranker]
    since_day: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    search: Callable[[str], Search] | None = None


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

    ledger: LearningLog
    registry: Registry
    build_profiles: BuildProfiles
    yardsticks: Mapping[str, type[Ranker]]
    arbitration: ArbitrationPolicy
    zones: Zones
    slices: SliceRules

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
            zones=self.zones,
            attribution_days=plan.attribution_days,
            until=plan.until,
            since_day=plan.since_day,
        )
        impressions, pairs = examples.impressions, examples.pairs
        earlier, later = split_by_time(impressions.local_day, plan.holdout_share, gap=plan.attribution_days)
        labels = impressions.labels
        if not all(0 < labels[part].sum() < len(part) for part in (earlier, later)):
            raise NotEnoughData("the earlier or the later part of the impressions has no connection, or nothing else")
        trials: Sequence[Tried] = ()
        if plan.search is not None:
            tuned = self._tune(plan, plan.search, examples.take(earlier), progress)
            plan, trials = replace(plan, options=tuned.options), tuned.trials
        step("evaluation", 1)
        rows = Scored(labels[later], impressions.slate[later], clusters(impressions.subscriber_ids[later]))
        held_out = pairs.take(later).at_first_position()
        mia = plan.kind.fit(pairs.take(earlier), labels[earlier], plan.options)
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
        comparison = Comparison(examples, earlier, later, self.slices)
        reference = comparison.reference(self._champion(plan), held_out, fitted["popular"])
        choices = WhatIf(examples.take(later), self.arbitration).choices(fitted | {reference.name: reference.ranker})
        values = {} if choices is None else choices.values(seed=plan.options.seed)
        evidence = {
            "window": window,
            "rows": len(later),
            "positives": float(labels[later].sum()),
            "table": {name: measures.to_json() for name, measures in table.items()},
            "auc_gain_over_popular": asdict(gain),
            "policies": {name: value.to_json() for name, value in values.items()},
            "discount_given_anyway": self._given_anyway(plan, examples),
            **comparison.evidence(scores["mia"], rows, reference, choices, final.gains()),
        }
        example = pairs.take(later[:EXAMPLE_ROWS]).at_first_position()
        version = self._register(plan, final, evidence, scores["mia"], rows.labels, impressions, example, trials)
        step("done", STEPS)
        return Trained(version, table, gain, len(labels), len(later), int(rows.labels.sum()), window)

    def _tune(
        self, plan: TrainingPlan, search: Callable[[str], Search], earlier: Examples, progress: Progress | None
    ) -> Tuned:
        """Parameters for these examples; a study belongs to them, the kind and the options that it starts from."""
        known = {**asdict(plan.options), "threads": None, "kind": plan.kind.name, "share": plan.holdout_share}
        packed = orjson.dumps({**known, "data": earlier.impressions.fingerprint}, option=orjson.OPT_SORT_KEYS)
        return tune(
            search(hashlib.blake2b(packed, digest_size=12).hexdigest()),
            plan.kind,
            earlier.pairs,
            earlier.impressions.labels,
            earlier.impressions.local_day,
            plan.options,
            share=plan.holdout_share,
            gap=plan.attribution_days,
            progress=progress,
        )

    def _given_anyway(self, plan: TrainingPlan, examples: Examples) -> dict[str, Any] | None:
        """What discounts cost that changed nothing, where offers are ordered by what they earn."""
        if plan.options.objective is not Objective.VALUE:
            return None
        costs = {offer.id: offer.price * offer.discount for offer in plan.offers if offer.discount > 0}
        found = estimate_given_anyway(
            examples.moment.events,
            costs,
            attribution_days=plan.attribution_days,
            since=int(examples.impressions.occurred_at[0]),
            until=plan.until,
        )
        return asdict(found)

    def _champion(self, plan: TrainingPlan) -> Champion | None:
        """The champion, if it can be read and reads the same schema."""
        version = self.registry.champion()
        if version is None:
            return None
        folder = self.registry.fetch(version)
        try:
            champion = load_ranker(folder)
        except UnreadableModel:
            log.exception("champion %s is left out of the comparison", version)
            return None
        if champion.fingerprint != plan.options.fingerprint:
            return None
        evaluation = orjson.loads((folder / EVALUATION).read_bytes())
        learnt = evaluation.get("trained_through", evaluation["trained_until"])
        return Champion(version, champion, day_of_text(learnt))

    def _register(
        self,
        plan: TrainingPlan,
        ranker: Ranker,
        evidence: dict[str, Any],
        scores: Floats,
        labels: Floats,
        impressions: Impressions,
        example: Pairs,
        trials: Sequence[Tried],
    ) -> str:
        until = date_of(int(plan.until // (86_400 * MICROSECONDS))).isoformat()
        evidence = {
            **evidence,
            "trained_until": until,
            "trained_from": impressions.window[0],
            "trained_through": impressions.window[1],
            "trained_rows": len(impressions),
            "fingerprint": plan.options.fingerprint,
            "catalogue": plan.catalogue_version,
            "ranker": plan.kind.name,
            "objective": plan.options.objective,
            "parameters": asdict(plan.options),
            "data_fingerprint": impressions.fingerprint,
            "gains": dict(list(ranker.gains().items())[:MOST_GAINS]),
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
                    "ranker": plan.kind.name,
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
                tags={
                    **plan.tags,
                    "fingerprint": plan.options.fingerprint,
                    "trained_until": until,
                    "ranker": plan.kind.name,
                    "objective": plan.options.objective,
                },
                example=dict(zip(ranker.columns, ranker.matrix(example).T, strict=True)),
                trials=trials,
            )
