"""What monitoring tolerates. The settings take these as their section `[monitor]`."""

from dataclasses import dataclass

from mia.evaluation.gate.limits import Limit


@dataclass(frozen=True, slots=True)
class MonitorLimits:
    """Limits of the checks: beyond `amber` somebody should look, beyond `red` somebody should act."""

    feature_drift: Limit = Limit(0.1, 0.25)
    """Population stability index of the features, averaged by their gain, from what was learnt to now."""
    leading_feature_drift: Limit = Limit(0.25, 1.0)
    """The same of the most moved of the leading features."""
    score_drift: Limit = Limit(0.1, 0.25)
    """The same of the scores."""
    region_drift: Limit = Limit(0.25, 0.5)
    """The same of the scores in the region that moved most."""
    calibration_error: Limit = Limit(0.01, 0.02)
    """Expected calibration error on recent matured impressions."""
    calibration_slope: Limit = Limit(0.1, 0.3)
    """Distance of the calibration slope from 1, as far as its 95 % interval proves it."""
    auc_fall: Limit = Limit(0.02, 0.05)
    """AUC below that of the model's own evaluation, as far as the 95 % interval proves it."""
    fallbacks: Limit = Limit(0.05, 0.2)
    """Share of recent decisions that fell back."""
    exploration: Limit = Limit(0.15, 0.3)
    """Share of recent decisions that explored."""
    model_age: Limit = Limit(45, 120)
    """Days since the newest impression that the model learnt from."""
    minimum_rows: int = 500
    """Impressions that a region, or either time, needs for its drift to be told: of fewer, chance alone moves it."""
    minimum_positives: int = 100
    """Connections that matured impressions need for calibration and AUC to be told."""
