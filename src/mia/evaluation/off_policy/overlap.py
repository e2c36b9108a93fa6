"""How much of a log can speak for a policy."""

from dataclasses import dataclass

from mia.evaluation.intervals import Estimate
from mia.evaluation.off_policy.logged import Logged, Target


@dataclass(frozen=True, slots=True)
class Overlap:
    """Diagnostics of the weights w of R rows.

    `effective_size` is (sum w)^2 / sum w^2 (Kish, L., 1965), in rows; `matched` the share of rows with weight;
    `support` the mean of w, which is 1 when the log could have held every choice of the policy, and less by the chance
    of its choices that it could not (Lefortier, D. et al., 2016); `heaviest` the largest share that one row has in the
    sum of weights; `answers` the rows with weight that earned something.
    """

    rows: int
    effective_size: float
    matched: float
    support: Estimate
    heaviest: float
    answers: int


def overlap_of(log: Logged, target: Target, support: Estimate) -> Overlap:
    """The diagnostics of a policy on a log; `support` comes with its interval."""
    weight = target.weight(log)
    total = float(weight.sum())
    return Overlap(
        len(log),
        total**2 / float((weight**2).sum()) if total else 0.0,
        float((weight > 0).mean()),
        support,
        float(weight.max()) / total if total else 0.0,
        int(((weight > 0) & (log.reward != 0)).sum()),
    )
