"""What the gate tolerates. The settings take these as their section `[gate]`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A check is amber beyond `amber` and red beyond `red`; raises ValueError out of order."""

    amber: float
    red: float

    def __post_init__(self) -> None:
        if not 0 <= self.amber <= self.red:
            raise ValueError("a limit needs 0 <= amber <= red")


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What a model must show before it goes live: amber passes with a warning, red refuses.

    Losses are against the reference: the champion, or the popular order where no champion can be compared. A loss is
    amber when the estimate lies beyond `amber`, and red when it lies beyond `red`, or when the whole 95 % interval lies
    beyond `amber`, so that a proven loss is not put down to chance.
    """

    minimum_positives: int = 200
    """Connections in the evaluation window; fewer are red."""
    amber_positives: int = 400
    """Connections in the evaluation window; fewer are amber."""
    minimum_auc_gain: float = 0.0
    """AUC above the popular order; the lower end of the 95 % interval must exceed it."""
    maximum_calibration_error: float = 0.02
    """Expected calibration error of acceptance; more is red."""
    amber_calibration_error: float = 0.01
    """Expected calibration error of acceptance; more is amber."""
    calibration_slope: Limit = Limit(0.1, 0.3)
    """Distance of the calibration slope from 1, as far as its 95 % interval proves it."""
    auc_loss: Limit = Limit(0.005, 0.02)
    """AUC below the reference."""
    ndcg_loss: Limit = Limit(0.01, 0.04)
    """NDCG@3 below the reference."""
    log_loss_rise: Limit = Limit(0.005, 0.02)
    """Log loss above the reference, as a share of the reference's."""
    value_loss: Limit = Limit(0.05, 0.5)
    """Off-policy value below the reference, as a share of the reference's.

    The log shows few choices of a policy, so the estimate is uncertain, and only a proven or a large loss is red.
    """
    value_effective_size: float = 200.0
    """Rows that the weighted log must be worth, for the candidate and for the reference, before their values are held
    against each other: of fewer, chance alone would refuse."""
    slice_loss: float = 0.03
    """AUC below the reference in a slice; more is amber. Red is only a loss that is proven for all slices together."""
    drift: Limit = Limit(0.25, 2.0)
    """Population stability index between the earlier and the later part, averaged over features by their gain.
    Features of long windows move much while the history of usage is younger than their window."""
    latency: Limit = Limit(4.0, 12.0)
    """Time to score 40 rows, as a multiple of a fixed piece of work measured in the same run."""
    latency_microseconds: Limit = Limit(20_000, 100_000)
    """Time to score 40 rows whatever the machine, in microseconds."""
    rehearsed_subscribers: int = 200
    """Subscribers whose decisions are rehearsed with the candidate before it goes live."""
