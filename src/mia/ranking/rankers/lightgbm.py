"""The LightGBM ranker: boosted trees on the log loss.

The latest pairs first tell how many trees pay and how to calibrate; then all pairs are fitted with that many.

Ke, G. et al. (2017), LightGBM: a highly efficient gradient boosting decision tree. Trees are kept as LightGBM's own
text, everything else as JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from threadpoolctl import threadpool_limits

from mia.frames import Floats, Ints, Matrix, Singles
from mia.ranking.arbitration import Objective
from mia.ranking.calibration import Calibration, expit, logit
from mia.ranking.forest import Block, Ensemble, StoredBoosters, column_of, join, native, whole
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions, read_head, readable, write_head
from mia.ranking.schema import FeatureSchema

if TYPE_CHECKING:
    import lightgbm

LATEST_SHARE = 0.15
PATIENCE = 40
MODEL = "model-{}.txt"
FEW = 64
"""Subscribers whose requests are answered together, and ask for reasons after scores."""
ENOUGH_CONNECTIONS = 500
"""With fewer in the training set there are no lines for each offer: their column would vary more than it tells."""


class LightGBMRanker:
    """Acceptance by boosted trees; several bags, fitted with seeds of their own, are averaged."""

    name: ClassVar[str] = "lightgbm"
    loss: ClassVar[Mapping[str, Any]] = {"objective": "binary"}
    """What is boosted, in LightGBM's words."""

    def __init__(
        self,
        boosters: Sequence["lightgbm.Booster"],
        schema: FeatureSchema,
        calibration: Calibration,
        objective: Objective = Objective.VALUE,
        answers: Sequence[str] = (),
        line_share: float = 0.0,
    ) -> None:
        self.schema, self.calibration = schema, calibration
        self.line_share = 0.0 if schema.affinity is None else line_share
        self.fingerprint, self.objective = schema.fingerprint, objective
        self._boosters, self._ensemble = boosters, Ensemble(boosters, answers)
        self._offer_side: tuple[OfferTable, Singles] | None = None
        self._worked: _Worked | None = None

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """Fit on pairs in order of time; the latest 15 % choose the number of trees and calibrate."""
        cut = int(len(labels) * (1 - LATEST_SHARE))
        earlier, later = pairs.take(np.arange(cut)), pairs.take(np.arange(cut, len(labels)))
        schema, matrix = _learn(earlier, labels[:cut], options)
        unseen = schema.matrix(later)
        seen = cls._dataset(matrix, labels[:cut], earlier)
        trial = _boost(cls.loss, seen, options, 0, cls._dataset(unseen, labels[cut:], later, seen))
        found = cls([trial], schema, Calibration(), options.objective, line_share=options.line_share)
        chance = cls._chance(np.asarray(trial.predict(unseen)))
        found.calibration = Calibration.fit(found._beside_lines(chance, whole(unseen)), labels[cut:])
        return found.refit(pairs, labels, options)

    def refit(self, pairs: Pairs, labels: Floats, options: FitOptions) -> Self:
        """The same number of trees and calibration, fitted on other (more) pairs in order of time."""
        found = [
            booster.best_iteration if booster.best_iteration > 0 else booster.num_trees() for booster in self._boosters
        ]
        enough = replace(options, trees=max(1, *found))
        schema, matrix = _learn(pairs, labels, options)
        boosters = [
            _boost(self.loss, self._dataset(matrix, labels, pairs), enough, bag, None) for bag in range(options.bags)
        ]
        return type(self)(boosters, schema, self.calibration, options.objective, line_share=options.line_share)

    def score(self, pairs: Pairs) -> Floats:
        """Calibrated acceptance of each pair."""
        if len(pairs.profiles) > FEW:
            return self._accepted(len(pairs), self.schema.blocks(pairs, self._offer_side_of(pairs.offers)))
        return self._accepted(len(pairs), self._work(pairs).blocks)

    def acceptance(self, matrix: Matrix) -> Floats:
        """Calibrated acceptance of each row of the matrix."""
        return self._accepted(len(matrix), whole(matrix))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the matrix, no two alike."""
        return self.schema.columns

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Columns of the profile and pair features in the contributions."""
        return self.schema.places

    def contributions(self, pairs: Pairs, which: Ints) -> Floats:
        """SHAP values in the logit of the pairs asked for, one row each x columns of the schema; those of the affinity
        go to what it is made of. They add up to the score less the mean one, see `Forest.contributions` for how nearly.
        """
        worked = self._work(pairs)
        blocks = [block.take(which) for block in worked.blocks]
        terms = None if worked.terms is None else worked.terms[which]
        found = self._ensemble.contributions(join(len(which), blocks))
        if self.line_share and terms is not None:
            found = (1.0 - self.line_share) * found
            # The first term is that of a person who is average in all.
            found[:, self.schema.at_learnt] += self.line_share * terms[:, 1:].sum(axis=1)
        return self.schema.spread(terms, found)

    def gains(self) -> dict[str, float]:
        """Share of the total gain by column, largest first."""
        gain = np.mean([booster.feature_importance("gain") for booster in self._boosters], axis=0)
        share = gain / max(gain.sum(), 1e-12)
        order = np.argsort(-share, kind="stable")
        columns = self.columns
        return {columns[place]: float(share[place]) for place in order}

    def save(self, folder: Path) -> None:
        """Trees as LightGBM text, the rest as JSON."""
        files = [folder / MODEL.format(bag) for bag in range(len(self._boosters))]
        for file, booster in zip(files, self._boosters, strict=True):
            booster.save_model(str(file))
        head = {
            "bags": len(self._boosters),
            "digests": list(map(_digest, files)),
            "answers": self._ensemble.answers,
            "schema": self.schema.to_json(),
            "calibration": {"intercept": self.calibration.intercept, "slope": self.calibration.slope},
            "line_share": self.line_share,
        }
        write_head(folder, self, head)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`; raises UnreadableModel."""
        head = read_head(folder)
        with readable(folder):
            files = [folder / MODEL.format(bag) for bag in range(head["bags"])]
            # LightGBM reads on behind the end of a file that was cut short, and takes the process with it.
            # Models of earlier versions say nothing of their files.
            digests = list(map(_digest, files))
            if digests != head.get("digests", digests):
                raise ValueError("not the files that were saved")
            boosters = StoredBoosters([file.read_text("utf-8") for file in files])
            schema, calibration = FeatureSchema.from_json(head["schema"]), Calibration(**head["calibration"])
            answers, share = head.get("answers", ()), head.get("line_share", 0.0)
            found = cls(boosters, schema, calibration, head["objective"], answers, share)
            found._ensemble.prepare()
        return found

    def matrix(self, pairs: Pairs) -> Matrix:
        """The matrix of the pairs."""
        return self.schema.join(pairs, self._offer_side_of(pairs.offers))

    def _offer_side_of(self, offers: OfferTable) -> Singles:
        """The offers' side of the matrix. One catalogue is scored again and again, so it is kept."""
        kept = self._offer_side
        if kept is None or kept[0] is not offers:
            kept = self._offer_side = (offers, self.schema.offer_side(offers))
        return kept[1]

    def _work(self, pairs: Pairs) -> "_Worked":
        """What scores and reasons are made of. Of few subscribers both are wanted, so the latest is kept."""
        kept = self._worked
        if kept is None or kept.pairs is not pairs:
            terms = self.schema.terms(pairs)
            kept = _Worked(pairs, self.schema.blocks(pairs, self._offer_side_of(pairs.offers), terms), terms)
            if len(pairs.profiles) <= FEW:
                self._worked = kept
        return kept

    def _accepted(self, rows: int, blocks: list[Block]) -> Floats:
        return self.calibration.apply(self._beside_lines(self._chance(self._ensemble.predict(rows, blocks)), blocks))

    def _beside_lines(self, chance: Floats, blocks: list[Block]) -> Floats:
        """What the trees say of R rows, together with what the lines say: the weighted mean of their log odds, a
        logarithmic opinion pool (Genest, C., Zidek, J., 1986).
        """
        if not self.line_share:
            return chance
        lines = column_of(blocks, self.schema.at_learnt).astype(float)
        return expit((1.0 - self.line_share) * logit(chance) + self.line_share * lines)

    @classmethod
    def _dataset(
        cls,
        matrix: Matrix,
        labels: Floats,
        pairs: Pairs,  # noqa: ARG003 - for kinds that learn from what was shown together
        seen: "lightgbm.Dataset | None" = None,
    ) -> "lightgbm.Dataset":
        """What is boosted on; binned like `seen` when that is given."""
        return native().Dataset(matrix, labels, reference=seen)

    @staticmethod
    def _chance(margin: Floats) -> Floats:
        """What the trees answer as a number in (0, 1)."""
        return margin


@dataclass(frozen=True, slots=True)
class _Worked:
    """The matrix of some pairs in pieces, and the terms of their affinity."""

    pairs: Pairs
    blocks: list[Block]
    terms: Singles | None


def _learn(pairs: Pairs, labels: Floats, options: FitOptions) -> tuple[FeatureSchema, Matrix]:
    """The schema, and the matrix to fit on."""
    schema = FeatureSchema.fit(pairs, labels, options.fingerprint)
    if not options.affinity or labels.sum() < ENOUGH_CONNECTIONS:
        return schema, schema.training_matrix(pairs, labels)
    # Matrices of some hundred columns: more threads than asked for only wait for one another.
    with threadpool_limits(options.threads, "blas"):
        schema, unseen = schema.with_affinity(pairs, labels)
    matrix = schema.training_matrix(pairs, labels, unseen)
    if options.line_share:
        # A column that is the same everywhere is no column to trees.
        matrix[:, schema.at_learnt] = 0.0
    return schema, matrix


def _boost(
    loss: Mapping[str, Any],
    seen: "lightgbm.Dataset",
    options: FitOptions,
    bag: int,
    later: "lightgbm.Dataset | None",
) -> "lightgbm.Booster":
    """Boost on a data set; with a `later` one, stop when it no longer gains."""
    return native().train(
        parameters(loss, options, bag),
        seen,
        num_boost_round=options.trees,
        valid_sets=[] if later is None else [later],
        callbacks=[] if later is None else [native().early_stopping(PATIENCE, verbose=False)],
    )


def parameters(loss: Mapping[str, Any], options: FitOptions, bag: int = 0) -> dict[str, Any]:
    """The options of a fit in LightGBM's words; each bag has a seed of its own."""
    return {
        **loss,
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
    }


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
