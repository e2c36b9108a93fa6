"""Off-policy value from logged propensities, for the greedy choice of a ranking at each logged place.

For each logged impression with propensity p, a target policy that would have shown the same offer at that position
has weight w = 1 / p there and 0 elsewhere. IPS averages w x reward (Horvitz, D., Thompson, D., 1952); SNIPS divides
the sum of w x reward by the sum of w (Swaminathan, A., Joachims, T., 2015). Both need 0 < p.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mia.errors import NotEnoughData
from mia.evaluation.intervals import Estimate, bootstrap
from mia.frames import Floats, Ints

VALUES_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("policy", "estimator")),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("value", "low", "high")),
    ]
)
SUPPORT_SCHEMA = pa.schema(
    [
        pa.field("policy", pa.string(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("effective_size", "matched")),
    ]
)


@dataclass(frozen=True, slots=True)
class OffPolicy:
    """Value a shown offer under the target policy, and how much of the log could speak for it.

    `effective_size` is (sum w)^2 / sum w^2 (Kish, L., 1965); `matched` is the share of impressions with weight.
    """

    ips: Estimate
    snips: Estimate
    effective_size: float
    matched: float

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "OffPolicy":
        """From the dict form that `dataclasses.asdict` makes."""
        return cls(Estimate(**data["ips"]), Estimate(**data["snips"]), data["effective_size"], data["matched"])


def estimate_value(
    rewards: Floats, propensity: Floats, chosen: NDArray[np.bool_], cluster: Ints, *, seed: int = 7
) -> OffPolicy:
    """Value of the target policy; `chosen` says where it would have shown the logged offer at the logged place.

    All arguments have one value a logged impression. Raises NotEnoughData when no logged choice is the target's.
    """
    if not (chosen & (propensity > 0)).any():
        raise NotEnoughData("the log holds no impression that this policy would have made too")
    weights = np.where(chosen & (propensity > 0), 1.0 / np.where(propensity > 0, propensity, 1.0), 0.0)
    return OffPolicy(
        bootstrap(lambda rows: float((weights[rows] * rewards[rows]).mean()), cluster, seed=seed),
        bootstrap(
            lambda rows: float((weights[rows] * rewards[rows]).sum() / max(weights[rows].sum(), 1e-12)),
            cluster,
            seed=seed,
        ),
        float(weights.sum() ** 2 / (weights**2).sum()),
        float((weights > 0).mean()),
    )


def values_table(values: Mapping[str, OffPolicy]) -> pa.Table:
    """The values as `VALUES_SCHEMA`, one row a policy and estimator."""
    rows = [
        {"policy": policy, "estimator": name, **asdict(estimate)}
        for policy, found in values.items()
        for name, estimate in (("ips", found.ips), ("snips", found.snips))
    ]
    return pa.Table.from_pylist(rows, schema=VALUES_SCHEMA)


def support_table(values: Mapping[str, OffPolicy]) -> pa.Table:
    """How much of the log speaks for each policy as `SUPPORT_SCHEMA`, one row a policy."""
    rows = [
        {"policy": policy, "effective_size": found.effective_size, "matched": found.matched}
        for policy, found in values.items()
    ]
    return pa.Table.from_pylist(rows, schema=SUPPORT_SCHEMA)
