"""Evaluate: the figures of a registered model against the yardsticks, and what it would have earned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mia.domain.offer import Offer
from mia.domain.policy import ArbitrationPolicy
from mia.errors import NotEnoughData
from mia.evaluation.intervals import clusters
from mia.evaluation.measures import Measures, Scored, measure
from mia.evaluation.off_policy import OffPolicyLimits, PolicyValue, warnings_of
from mia.ports import LearningLog, Registry
from mia.ranking.local_time import Zones
from mia.ranking.point_in_time import BuildProfiles
from mia.ranking.rankers.base import Ranker
from mia.ranking.rankers.popular import Popular, PopularByRegion
from mia.ranking.rankers.registry import load_ranker
from mia.services.train.examples import build_examples
from mia.services.train.targets import EXPLORING, LOGGED, MIA, targets_of
from mia.services.train.trainer import EVALUATION, Progress
from mia.services.train.what_if import WhatIf
from mia.timeline import day_of_text

BASELINES: Mapping[str, type[Popular]] = {"popular": Popular, "popular_by_region": PopularByRegion}
RANKERS = (MIA, *BASELINES)
POLICIES = (*RANKERS, EXPLORING)
SEED = 7
STEPS = 3


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Figures of a model. `fresh` says whether they come from impressions after its training or from its own later
    window, kept back while it was evaluated. `warnings` say why the value of a policy should not be believed;
    `explored` of the `decided` impressions of the ledger come from decisions that explored.
    """

    version: str
    fresh: bool
    window: tuple[str, str]
    rows: int
    positives: int
    table: Mapping[str, Measures]
    policies: Mapping[str, PolicyValue]
    warnings: Mapping[str, tuple[str, ...]]
    explored: int
    decided: int


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates registered models."""

    ledger: LearningLog
    registry: Registry
    build_profiles: BuildProfiles
    arbitration: ArbitrationPolicy
    zones: Zones
    limits: OffPolicyLimits

    def evaluate(
        self,
        version: str,
        offers: tuple[Offer, ...],
        *,
        until: int,
        attribution_days: int,
        policies: tuple[str, ...],
        progress: Progress | None = None,
    ) -> Evaluated:
        """Figures on impressions after the model's training where there are any, else those of its training.

        `policies` name the policies to value from the log: `mia`, `popular` and `popular_by_region` are greedy,
        `plackett-luce:0.5` and the like explore (see `targets_of`); these by default. Raises UnknownModel, InvalidInput
        for a policy of another name, and NotEnoughData for a policy that the log cannot speak for.
        """
        targets = targets_of(policies or POLICIES, RANKERS)
        folder = self.registry.fetch(version)

        def step(label: str, done: int) -> None:
            if progress:
                progress(label, done, STEPS)

        step("impressions", 0)
        kept: dict[str, Any] = orjson.loads((folder / EVALUATION).read_bytes())
        try:
            examples = build_examples(
                self.ledger,
                self.build_profiles,
                offers,
                zones=self.zones,
                attribution_days=attribution_days,
                until=until,
                since_day=day_of_text(kept["trained_until"]),
            )
        except NotEnoughData:
            table = {name: Measures.from_json(figures) for name, figures in kept["table"].items()}
            valued = {name: PolicyValue.from_json(figures) for name, figures in kept["policies"].items()}
            step("done", STEPS)
            return Evaluated(
                version,
                False,
                (kept["window"][0], kept["window"][1]),
                kept["rows"],
                int(kept["positives"]),
                table,
                *self._policies(policies, valued),
            )
        step("policies", 1)
        mia = load_ranker(folder)
        rankers: dict[str, Ranker] = {MIA: mia}
        rankers |= {name: kind(mia.fingerprint, mia.objective) for name, kind in BASELINES.items()}
        pairs, impressions = examples.pairs.at_first_position(), examples.impressions
        rows = Scored(impressions.labels, impressions.slate, clusters(impressions.subscriber_ids))
        valued = WhatIf(examples, self.arbitration).values_of(rankers, targets, seed=SEED)
        step("figures", 2)
        table = {name: measure(ranker.score(pairs), rows) for name, ranker in rankers.items()}
        step("done", STEPS)
        return Evaluated(
            version,
            True,
            impressions.window,
            len(impressions),
            int(impressions.labels.sum()),
            table,
            *self._policies(policies, valued),
        )

    def _policies(
        self, asked: tuple[str, ...], valued: Mapping[str, PolicyValue]
    ) -> tuple[Mapping[str, PolicyValue], Mapping[str, tuple[str, ...]], int, int]:
        """The policies asked for beside that of the log, their warnings, and the share of learning."""
        for name in asked:
            if name not in valued:
                raise NotEnoughData(
                    f"policy {name} has no value: the log holds no impression in first place that it would have made "
                    "too, or it was not valued in training and no impressions came after that"
                )
        chosen = {name: value for name, value in valued.items() if name in (LOGGED, *(asked or POLICIES))}
        others = {name: value.first.overlap for name, value in chosen.items() if name != LOGGED}
        warnings = {name: warnings_of(overlap, self.limits) for name, overlap in others.items()}
        return chosen, warnings, *self.ledger.explored_impressions()
