"""Whether the arms are as large as they were meant to be (sample-ratio mismatch)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

CONCENTRATION = 1_000.0
"""How near to the planned share another one is expected: as if so many subscribers had been seen."""


@dataclass(frozen=True, slots=True)
class Balance:
    """`share` of subscribers in arm control against the one `planned`.

    `p_value` is exact for one look; `anytime_p_value` holds however often one looks.
    """

    share: float | None
    planned: float
    p_value: float
    anytime_p_value: float


def check_balance(control: int, mia: int, planned: float) -> Balance:
    """The two-sided exact binomial test of the number in arm control, and its sequential form.

    The latter is 1 / E with E the likelihood ratio of a beta prior around the planned share against that share, a
    martingale under it: Lindon, M. and Malek, A. (2022), with two arms.

    >>> check_balance(100, 900, 0.1).p_value
    1.0
    >>> check_balance(200, 800, 0.1).anytime_p_value < 1e-9
    True
    """
    every = control + mia
    if not every:
        return Balance(None, planned, 1.0, 1.0)
    if planned in (0.0, 1.0):
        chance = float(control == every * planned)
        return Balance(control / every, planned, chance, chance)
    # Most of what SciPy has comes along with its statistics: a server pays for it when lift is first asked for.
    from scipy.stats import binomtest

    a, b = CONCENTRATION * planned, CONCENTRATION * (1 - planned)
    evidence = betaln(a + control, b + mia) - betaln(a, b) - control * np.log(planned) - mia * np.log1p(-planned)
    exact = float(binomtest(control, every, planned).pvalue)
    return Balance(control / every, planned, min(exact, 1.0), float(min(1.0, np.exp(-evidence))))
