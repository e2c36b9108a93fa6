"""The row of figures that every ranker is compared by, each on the same later window."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from mia.evaluation.intervals import Estimate, bootstrap
from mia.evaluation.metrics import auc, calibration_error, log_loss, ndcg
from mia.frames import Floats, Ints

MEASURES_SCHEMA = pa.schema(
    [
        pa.field("ranker", pa.string(), nullable=False),
        *(
            pa.field(name, pa.float64(), nullable=False)
            for name in ("auc", "auc_low", "auc_high", "log_loss", "ndcg_at_3", "calibration_error")
        ),
    ]
)


@dataclass(frozen=True, slots=True)
class Scored:
    """R labelled rows: slates group rows of one request, clusters rows of one subscriber."""

    labels: Floats
    slates: Ints
    clusters: Ints


@dataclass(frozen=True, slots=True)
class Measures:
    """AUC with its 95 % interval, log loss in nats, NDCG at 3, expected calibration error."""

    auc: Estimate
    log_loss: float
    ndcg_at_3: float
    calibration_error: float

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Measures":
        """The inverse of `to_json`."""
        return cls(Estimate(**data["auc"]), data["log_loss"], data["ndcg_at_3"], data["calibration_error"])


def measure(scores: Floats, rows: Scored) -> Measures:
    """The figures of one ranker's scores (R)."""
    return Measures(
        bootstrap(lambda taken: auc(scores[taken], rows.labels[taken]), rows.clusters),
        log_loss(scores, rows.labels),
        ndcg(scores, rows.labels, rows.slates, 3),
        calibration_error(scores, rows.labels),
    )


def auc_gain(scores: Floats, others: Floats, rows: Scored) -> Estimate:
    """How much more AUC `scores` has than `others`, paired on the same resamples."""
    return bootstrap(
        lambda taken: auc(scores[taken], rows.labels[taken]) - auc(others[taken], rows.labels[taken]), rows.clusters
    )


def measures_table(found: Mapping[str, Measures]) -> pa.Table:
    """The figures as `MEASURES_SCHEMA`, one row a ranker, in the order given."""
    rows = [
        (name, one.auc.value, one.auc.low, one.auc.high, one.log_loss, one.ndcg_at_3, one.calibration_error)
        for name, one in found.items()
    ]
    names = MEASURES_SCHEMA.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=MEASURES_SCHEMA)
