"""Values of policies as tables, for people and plots."""

from collections.abc import Mapping
from dataclasses import asdict

import pyarrow as pa

from mia.evaluation.off_policy.value import PolicyValue

VALUES_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("policy", "estimator")),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("value", "low", "high")),
    ]
)
SUPPORT_SCHEMA = pa.schema(
    [
        pa.field("policy", pa.string(), nullable=False),
        *(
            pa.field(name, pa.float64(), nullable=False)
            for name in ("effective_size", "matched", "support", "heaviest")
        ),
    ]
)


def values_table(values: Mapping[str, PolicyValue]) -> pa.Table:
    """Connections an impression in first place as `VALUES_SCHEMA`, one row a policy and estimator."""
    rows = [
        {"policy": policy, "estimator": name, **asdict(estimate)}
        for policy, found in values.items()
        for name, estimate in found.first.connections.items()
    ]
    return pa.Table.from_pylist(rows, schema=VALUES_SCHEMA)


def support_table(values: Mapping[str, PolicyValue]) -> pa.Table:
    """How much of the log speaks for each policy in first place as `SUPPORT_SCHEMA`, one row a policy."""
    rows = [
        {
            "policy": policy,
            "effective_size": found.first.overlap.effective_size,
            "matched": found.first.overlap.matched,
            "support": found.first.overlap.support.value,
            "heaviest": found.first.overlap.heaviest,
        }
        for policy, found in values.items()
    ]
    return pa.Table.from_pylist(rows, schema=SUPPORT_SCHEMA)
