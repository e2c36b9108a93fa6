"""The LightGBM ranker: boosted trees on the log loss.

The latest pairs first tell how many trees pay and how to calibrate; then all pairs are fitted with that many.

Ke, G. et al. (2017), LightGBM: a highly efficient gradient boosting decision tree. Trees are kept as LightGBM's own
text, everything else as JSON.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import lightgbm
import numpy as np
import orjson

from mia.errors import UnreadableModel
from mia.frames import Floats, Singles
from mia.ranking.calibration import Calibration
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions
from mia.ranking.schema import FeatureSchema

LATEST_SHARE = 0.15
PATIENCE = 40
MODEL, HEAD = "model-{}.txt", "ranker.json"


class LightGBMRanker:
    """Acceptance by boosted trees; several bags, fitted with seeds of their own, are averaged."""

    name: ClassVar[str] = "lightgbm"

    def __init__(self, boosters: list[lightgbm.Booster], schema: FeatureSchema, calibration: Calibration) -> None:
        self.schema, self.calibration = schema, calibration
        self._boosters = boosters
        self._offer_side: tuple[OfferTable, Floats] | None = None

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """Fit on pairs in order of time; the latest 15 % choose the number of trees and calibrate."""
        cut = int(len(labels) * (1 - LATEST_SHARE))
        earlier, later = pairs.take(np.arange(cut)), pairs.take(np.arange(cut, len(labels)))
        schema, seen = _learn(earlier, labels[:cut], options)
        unseen = schema.matrix(later)
        trial = _boost(seen, labels[:cut], options, 0, (unseen, labels[cut:]))
        calibration = Calibration.fit(np.asarray(trial.predict(unseen)), labels[cut:])
        found = cls([trial], schema, calibration)
        return found.refit(pairs, labels, options)

    def refit(self, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """The same number of trees and calibration, fitted on other (more) pairs in order of time."""
        found = [
            booster.best_iteration if booster.best_iteration > 0 else booster.num_trees() for booster in self._boosters
        ]
        enough = replace(options, trees=max(1, *found))
        schema, matrix = _learn(pairs, labels, options)
        boosters = [_boost(matrix, labels, enough, bag, None) for bag in range(options.bags)]
        return type(self)(boosters, schema, self.calibration)

    def score(self, pairs: Pairs) -> Floats:
        """Calibrated acceptance of each pair."""
        return self.calibration.apply(self._raw(self._matrix(pairs)))

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Columns of the profile and pair features in the contributions."""
        return self.schema.places

    def contributions(self, pairs: Pairs) -> Floats:
        """Exact SHAP values in the logit, R x columns of the schema."""
        matrix = self._matrix(pairs)
        parts = [np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=1)) for booster in self._boosters]
        return np.asarray(np.mean(parts, axis=0)[:, :-1])

    def gains(self) -> dict[str, float]:
        """Share of the total gain by column, largest first."""
        gain = np.mean([booster.feature_importance("gain") for booster in self._boosters], axis=0)
        share = gain / max(gain.sum(), 1e-12)
        order = np.argsort(-share, kind="stable")
        return {self.schema.names[place]: float(share[place]) for place in order}

    def save(self, folder: Path) -> None:
        """Trees as LightGBM text, the rest as JSON."""
        for bag, booster in enumerate(self._boosters):
            booster.save_model(str(folder / MODEL.format(bag)))
        head = {
            "bags": len(self._boosters),
            "schema": self.schema.to_json(),
            "calibration": {"intercept": self.calibration.intercept, "slope": self.calibration.slope},
        }
        (folder / HEAD).write_bytes(orjson.dumps(head, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`; raises UnreadableModel."""
        try:
            head: dict[str, Any] = orjson.loads((folder / HEAD).read_bytes())
            boosters = [lightgbm.Booster(model_file=str(folder / MODEL.format(bag))) for bag in range(head["bags"])]
            return cls(boosters, FeatureSchema.from_json(head["schema"]), Calibration(**head["calibration"]))
        except (OSError, KeyError, TypeError, ValueError, lightgbm.basic.LightGBMError) as error:
            raise UnreadableModel(str(folder)) from error

    def _matrix(self, pairs: Pairs) -> Singles:
        """The matrix of the pairs. One catalogue is scored again and again, so its side of the matrix is kept."""
        kept = self._offer_side
        if kept is None or kept[0] is not pairs.offers:
            kept = self._offer_side = (pairs.offers, self.schema.offer_side(pairs.offers))
        return self.schema.join(pairs, kept[1])

    def _raw(self, matrix: Singles) -> Floats:
        threads = 1 if len(matrix) < 10_000 else 0
        return np.asarray(
            np.mean([np.asarray(booster.predict(matrix, num_threads=threads)) for booster in self._boosters], axis=0)
        )


def _learn(pairs: Pairs, labels: Floats, options: FitOptions) -> tuple[FeatureSchema, Singles]:
    """The schema, and the matrix to fit on."""
    schema = FeatureSchema.fit(pairs, labels, options.fingerprint)
    if not options.affinity:
        return schema, schema.training_matrix(pairs, labels)
    schema, unseen = schema.with_affinity(pairs, labels)
    return schema, schema.training_matrix(pairs, labels, unseen)


def _boost(
    matrix: Singles,
    labels: Floats,
    options: FitOptions,
    bag: int,
    later: tuple[Singles, Floats] | None,
) -> lightgbm.Booster:
    """Boost on a matrix; with a `later` one, stop when it no longer gains."""
    seen = lightgbm.Dataset(matrix, labels)
    return lightgbm.train(
        {
            "objective": "binary",
            "learning_rate": options.learning_rate,
            "num_leaves": options.leaves,
            "min_data_in_leaf": options.minimum_leaf,
            "feature_fraction": options.feature_share,
            "bagging_fraction": options.row_share,
            "bagging_freq": 1,
            "lambda_l2": options.l2,
            "extra_trees": options.extra_trees,
            "seed": options.seed + bag,
            "num_threads": options.threads,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        },
        seen,
        num_boost_round=options.trees,
        valid_sets=[] if later is None else [lightgbm.Dataset(*later, reference=seen)],
        callbacks=[] if later is None else [lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
