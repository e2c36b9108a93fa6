"""The relative lift and its interval."""

import numpy as np

from mia.frames import Floats
from mia.uptake.lift.difference import Difference


def relative_interval(found: Difference, errors: Floats) -> tuple[Floats, Floats]:
    """Both ends of the relative lift `mia / control - 1`, `errors` standard errors wide; NaN where it has no bounds.

    All ratios q that are not refused: (m - q c)^2 <= k^2 (V_m + q^2 V_c + (1 - q)^2 V_common), a quadratic in q.
    Fieller, E. (1954). Without bounds where the mean of control itself is not away from 0.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        square = errors**2
        lead = found.control**2 - square * (found.variance_control + found.variance_common)
        middle = found.mia * found.control - square * found.variance_common
        last = found.mia**2 - square * (found.variance_mia + found.variance_common)
        root = np.sqrt(np.maximum(middle**2 - lead * last, 0))
        bounded = np.isfinite(errors) & np.isfinite(lead) & np.isfinite(last) & (lead > 0)
        safe = np.where(bounded, lead, 1.0)
        low, high = (middle - root) / safe - 1, (middle + root) / safe - 1
    return np.where(bounded, np.maximum(low, -1.0), np.nan), np.where(bounded, high, np.nan)


def relative_lift(found: Difference) -> Floats:
    """`mia / control - 1`; NaN where control has nothing."""
    above = found.control > 0
    return np.where(above, found.difference / np.where(above, found.control, 1.0), np.nan)
