"""The estimators once more, term by term as they were published, in plain loops. They share no code with MIA's.

Each takes for every slate i its rows k: reward r, propensity p_0 of the log, chance p_e of the target, modelled
reward q of what was shown, and modelled reward v of the target there. A single place is a slate of one row.
"""

from collections import defaultdict
from math import isinf, sqrt

Slates = list[list[tuple[float, float, float, float, float]]]


def horvitz_thompson(slates: Slates) -> float:
    """(1 / N) sum_i sum_k [p_e / p_0] r (Horvitz and Thompson, 1952; independent IPS of Li et al., 2018)."""
    total = 0.0
    for rows in slates:
        for r, p_0, p_e, _, _ in rows:
            total += p_e / p_0 * r
    return total / len(slates)


def self_normalised(slates: Slates, places: list[list[int]]) -> float:
    """Swaminathan and Joachims (2015), at each place by itself, weighted with how often the place is filled."""
    over, under, filled = defaultdict(float), defaultdict(float), defaultdict(int)
    for rows, numbers in zip(slates, places, strict=True):
        for (r, p_0, p_e, _, _), k in zip(rows, numbers, strict=True):
            over[k] += p_e / p_0 * r
            under[k] += p_e / p_0
            filled[k] += 1
    return sum(filled[k] / len(slates) * over[k] / under[k] for k in filled)


def direct(slates: Slates) -> float:
    """(1 / N) sum_i sum_k sum_a p_e(a) q(a) (Beygelzimer and Langford, 2009)."""
    total = 0.0
    for rows in slates:
        for *_, v in rows:
            total += v
    return total / len(slates)


def doubly_robust(slates: Slates) -> float:
    """(1 / N) sum_i sum_k {v + [p_e / p_0] (r - q)} (Dudik, Langford and Li, 2011)."""
    total = 0.0
    for rows in slates:
        for r, p_0, p_e, q, v in rows:
            total += v + p_e / p_0 * (r - q)
    return total / len(slates)


def switch(slates: Slates, tau: float) -> float:
    """DR where the weight is at most tau, the direct method elsewhere (Wang, Agarwal and Dudik, 2017)."""
    total = 0.0
    for rows in slates:
        for r, p_0, p_e, q, v in rows:
            total += v
            if p_e / p_0 <= tau:
                total += p_e / p_0 * (r - q)
    return total / len(slates)


def optimistic_shrinkage(slates: Slates, strength: float) -> float:
    """DR with weights lambda w / (w^2 + lambda) (Su, Dimakopoulou, Krishnamurthy and Dudik, 2020)."""
    total = 0.0
    for rows in slates:
        for r, p_0, p_e, q, v in rows:
            w = p_e / p_0
            shrunk = w if isinf(strength) else strength * w / (w**2 + strength)
            total += v + shrunk * (r - q)
    return total / len(slates)


def kish(slates: Slates) -> float:
    """(sum w)^2 / sum w^2 (Kish, 1965)."""
    once, twice = 0.0, 0.0
    for rows in slates:
        for _, p_0, p_e, _, _ in rows:
            once += p_e / p_0
            twice += (p_e / p_0) ** 2
    return once**2 / twice


def squared_error(slates: Slates, owners: list[int], kind: str, strength: float) -> float:
    """Variance plus squared bound of the bias against DR, |bias| + 2 standard errors (Su et al., 2020, section 5)."""
    value = switch(slates, strength) if kind == "switch" else optimistic_shrinkage(slates, strength)
    bias = value - doubly_robust(slates)
    off, apart = defaultdict(float), defaultdict(float)
    for rows, owner in zip(slates, owners, strict=True):
        off[owner] -= value
        apart[owner] -= bias
        for r, p_0, p_e, q, v in rows:
            w = p_e / p_0
            if kind == "switch":
                kept = w if w <= strength else 0.0
            else:
                kept = w if isinf(strength) else strength * w / (w**2 + strength)
            off[owner] += v + kept * (r - q)
            apart[owner] += (kept - w) * (r - q)
    variance = sum(one**2 for one in off.values()) / len(slates) ** 2
    doubt = sum(one**2 for one in apart.values()) / len(slates) ** 2
    return variance + (abs(bias) + 2 * sqrt(doubt)) ** 2
