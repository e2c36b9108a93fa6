"""When a log cannot answer, in words. The settings take these limits as their section `[off_policy]`."""

from dataclasses import dataclass

from mia.evaluation.off_policy.overlap import Overlap


@dataclass(frozen=True, slots=True)
class OffPolicyLimits:
    """What a log must offer before an off-policy value is worth reading; raises ValueError for what cannot be."""

    minimum_effective_size: float = 500.0
    """Rows that the weighted log is worth."""
    minimum_answers: int = 20
    """Rows with weight that were answered by a connection."""
    minimum_support: float = 0.9
    """Share of the policy's choices that the log could have held."""
    maximum_heaviest: float = 0.02
    """Share of the sum of weights that one row may have."""

    def __post_init__(self) -> None:
        if self.minimum_effective_size < 0 or self.minimum_answers < 0:
            raise ValueError("minimum_effective_size and minimum_answers are numbers of rows, from 0")
        if not (0 <= self.minimum_support <= 1 and 0 < self.maximum_heaviest <= 1):
            raise ValueError("minimum_support and maximum_heaviest are shares, up to 1")


def warnings_of(overlap: Overlap, limits: OffPolicyLimits) -> tuple[str, ...]:
    """Why the value of a policy should not be believed, one sentence a reason; nothing when it may be."""
    found = []
    if overlap.effective_size < limits.minimum_effective_size:
        found.append(
            f"its choices and the log's differ so much that {overlap.rows:,} rows count for only "
            f"{overlap.effective_size:,.0f} (at least {limits.minimum_effective_size:,.0f} are wanted)"
        )
    if overlap.answers < limits.minimum_answers:
        found.append(
            f"only {overlap.answers} of the rows that it would have shown too were answered "
            f"(at least {limits.minimum_answers} are wanted)"
        )
    if overlap.support.high < limits.minimum_support:
        found.append(
            f"the log could not have held about {1 - overlap.support.value:.0%} of its choices; what they would have "
            "earned is known to the model alone (DM), and IPS counts it as nothing"
        )
    if overlap.support.low > 2 - limits.minimum_support:
        found.append(
            f"the weights average {overlap.support.value:.2f} instead of 1: the logged propensities are not those of "
            "the policy that made the log"
        )
    if overlap.heaviest > limits.maximum_heaviest:
        found.append(f"a single row carries {overlap.heaviest:.0%} of the weight")
    return tuple(found)
