from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.errors import NotEnoughData
from mia.evaluation.off_policy import OffPolicy, estimate_value

ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.05, 0.5, 1.0, float("nan")]), st.booleans(), st.integers(0, 5)),
    min_size=1,
    max_size=20,
)


@given(ROWS)
def test_the_estimates_are_their_formulas(rows):
    rewards = np.asarray([row[0] for row in rows], float)
    propensity, chosen = np.asarray([row[1] for row in rows]), np.asarray([row[2] for row in rows])
    cluster = np.asarray([row[3] for row in rows])
    weights = [1 / p if c and p > 0 else 0.0 for _, p, c, _ in rows]
    if not any(weights):
        with pytest.raises(NotEnoughData):
            estimate_value(rewards, propensity, chosen, cluster)
        return
    found = estimate_value(rewards, propensity, chosen, cluster)
    gained = sum(weight * reward for weight, reward in zip(weights, rewards, strict=True))
    assert found.ips.value == pytest.approx(gained / len(rows))
    assert found.snips.value == pytest.approx(gained / sum(weights))
    assert found.effective_size == pytest.approx(sum(weights) ** 2 / sum(weight**2 for weight in weights))
    assert found.matched == pytest.approx(sum(weight > 0 for weight in weights) / len(rows))
    assert OffPolicy.from_json(asdict(found)) == found


def test_the_value_of_another_policy_is_found_in_the_log_of_this_one():
    """Three offers are connected with chance 0.1, 0.3 and 0.6; the log shows them with 0.7, 0.2 and 0.1."""
    rng = np.random.default_rng(5)
    truth, shown = np.asarray([0.1, 0.3, 0.6]), np.asarray([0.7, 0.2, 0.1])
    action = rng.choice(3, 20_000, p=shown)
    rewards = (rng.random(20_000) < truth[action]).astype(float)
    for target in range(3):
        found = estimate_value(rewards, shown[action], action == target, np.arange(20_000))
        for estimate in (found.ips, found.snips):
            width = estimate.high - estimate.low
            assert abs(estimate.value - truth[target]) < width < 0.08
    assert rewards.mean() == pytest.approx(0.19, abs=0.01)
