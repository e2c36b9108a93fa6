"""200,000 slates of every policy and case: each offer is at each place as often as its propensity says."""

import numpy as np
import pytest
from scipy import stats
from tests.unit.ranking.exploration_cases import CASES, POLICIES, many, prospects_of

DRAWS = 200_000


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_frequencies_are_the_stated_propensities(policy):
    """Every frequency lies within 4 standard errors; below ten expected ones, within binomial tails as thin."""
    for case, (worth, places) in CASES.items():
        prospects, rng = prospects_of(worth), np.random.default_rng(17)
        orders, _ = policy.orders_from(rng, prospects, places, DRAWS)
        stated = policy.marginals(many(prospects), orders.shape[1])[0]
        seen = np.stack([np.bincount(column, minlength=len(worth)) for column in orders.T], axis=1) / DRAWS
        within = np.abs(seen - stated) <= 4 * np.sqrt(stated * (1 - stated) / DRAWS) + 1e-12
        rare = np.minimum(stated, 1 - stated) * DRAWS < 10
        assert (within | rare).all(), case
        counts, chance = np.rint(seen[rare] * DRAWS), np.clip(stated[rare], 0, 1)
        tail = np.minimum(stats.binom.cdf(counts, DRAWS, chance), stats.binom.sf(counts - 1, DRAWS, chance))
        assert (tail > stats.norm.sf(4)).all(), case


@pytest.mark.slow
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_seeds_draw_as_one_stream_does(policy):
    prospects = prospects_of([4.0, 1.0, 2.0, 3.0])
    draws = DRAWS // 10
    orders = np.concatenate(
        [policy.orders_from(np.random.default_rng(seed), prospects, 3, 1)[0] for seed in range(draws)]
    )
    stated = policy.marginals(many(prospects), 3)[0]
    seen = np.stack([np.bincount(column, minlength=4) for column in orders.T], axis=1) / draws
    assert (np.abs(seen - stated) <= 4 * np.sqrt(stated * (1 - stated) / draws) + 1e-12).all()
