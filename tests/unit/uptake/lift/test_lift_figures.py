"""Figures of lift against other ways to the same number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.fakes.experiments import Trial

from mia.errors import InvalidInput, InvalidSettings
from mia.uptake.lift.balance import check_balance
from mia.uptake.lift.difference import estimate_difference
from mia.uptake.lift.effect import Effects, Interval
from mia.uptake.lift.looks import p_value, standard_errors, tuned_at
from mia.uptake.lift.measure import Outcomes, Scale, measure_groups
from mia.uptake.lift.moments import Moments, gather_moments
from mia.uptake.lift.plan import Baseline, Design, build_plan
from mia.uptake.lift.pooling import pool
from mia.uptake.lift.ratio import relative_interval
from mia.uptake.lift.rules import LiftRules

RULES = LiftRules()
CONTROL, MIA = np.array([0.0, 1, 2, 1, 0, 3]), np.array([2.0, 3, 1, 4])


def moments_of(control, mia, before_control=None, before_mia=None) -> Moments:
    y = np.concatenate([control, mia])
    x = np.zeros(len(y)) if before_control is None else np.concatenate([before_control, before_mia])
    return gather_moments(np.repeat([0, 1], [len(control), len(mia)]), 1, y, x)


def test_without_history_it_is_the_difference_of_welch() -> None:
    found = estimate_difference(moments_of(CONTROL, MIA))
    welch = stats.ttest_ind(MIA, CONTROL, equal_var=False)
    assert found.difference[0] == pytest.approx(MIA.mean() - CONTROL.mean())
    assert found.difference[0] / np.sqrt(found.variance[0]) == pytest.approx(welch.statistic)
    assert (found.control[0], found.mia[0], found.removed[0]) == (CONTROL.mean(), MIA.mean(), 0.0)


def test_an_outcome_that_history_tells_wholly_has_no_variance_left() -> None:
    found = estimate_difference(moments_of(2 * CONTROL, 2 * MIA + 1, CONTROL, MIA))
    assert found.difference[0] == pytest.approx(1.0)
    assert found.variance[0] == pytest.approx(0.0, abs=1e-12)
    assert found.removed[0] == pytest.approx(1.0)


counts = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12)


@given(counts, counts)
def test_history_never_adds_variance_and_its_origin_means_nothing(control, mia) -> None:
    (cy, cx), (my, mx) = (np.array(rows, float).T for rows in (control, mia))
    plain = estimate_difference(moments_of(cy, my))
    found = estimate_difference(moments_of(cy, my, cx, mx))
    moved = estimate_difference(moments_of(cy, my, cx + 7, mx + 7))
    assert found.variance[0] <= plain.variance[0] + 1e-9
    assert found.removed[0] >= -1e-9
    assert moved.difference[0] == pytest.approx(found.difference[0], abs=1e-9)


@given(st.floats(0.001, 100), st.sampled_from([0.01, 0.05, 0.1]))
def test_the_bound_is_where_the_mixture_reaches_one_over_alpha(ratio: float, alpha: float) -> None:
    variance, planned = np.array([ratio]), np.array([1.0])
    k = standard_errors(variance, planned, alpha)[0]
    rates = np.linspace(-12, 12, 4_001) / np.sqrt(max(ratio, 1)) * 3
    width = np.sqrt(tuned_at(alpha))
    error = k * np.sqrt(ratio)
    mixed = np.trapezoid(np.exp(rates * error - rates**2 * ratio / 2) * stats.norm.pdf(rates, scale=width), rates)
    inside = np.abs(rates).max() > 4 * width
    assert not inside or mixed == pytest.approx(1 / alpha, rel=1e-3)
    assert p_value(np.array([error]), variance, planned, alpha)[0] == pytest.approx(alpha)


def test_the_interval_is_tightest_where_it_was_planned_to_be() -> None:
    ratios = np.geomspace(0.01, 100, 401)
    errors = standard_errors(ratios, np.ones(401), 0.05)
    assert ratios[errors.argmin()] == pytest.approx(1.0, rel=0.05)
    assert errors.min() == pytest.approx(3.035, abs=0.01)
    assert np.isinf(standard_errors(np.zeros(1), np.ones(1), 0.05)).all()


def test_the_relative_interval_holds_just_the_ratios_that_are_not_refused() -> None:
    found = estimate_difference(moments_of(np.tile(CONTROL, 30), np.tile(MIA, 60)))
    (low,), (high,) = relative_interval(found, np.array([2.0]))
    for end in (low, high):
        gap = found.mia[0] - (1 + end) * found.control[0]
        spread = found.variance_mia[0] + (1 + end) ** 2 * found.variance_control[0]
        assert gap**2 == pytest.approx(4 * (spread + end**2 * found.variance_common[0]))
    assert low < found.difference[0] / found.control[0] < high
    assert np.isnan(relative_interval(found, np.array([500.0]))[0]).all()


def test_pooling_draws_thin_groups_and_leaves_sure_ones() -> None:
    difference = np.array([0.0, 0.1, 0.2, 0.05, 0.15, 0.9, 5.0])
    variance = np.array([1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 0.5, np.inf])
    found = pool(difference, variance, 0.05)
    assert found.difference[:5] == pytest.approx(difference[:5], abs=0.01)
    assert 0.05 < found.difference[5] < 0.4
    assert found.low[6] < 0.1 < found.high[6]
    assert found.high[6] - found.low[6] > found.high[0] - found.low[0]
    order = [5, 3, 0, 4, 6, 2, 1]
    assert pool(difference[order], variance[order], 0.05).difference == pytest.approx(found.difference[order])
    assert pool(difference[:3], variance[:3], 0.05) is None


def test_groups_that_agree_pool_to_their_weighted_mean() -> None:
    variance = np.array([0.01, 0.02, 0.04, 0.01, 0.05, 0.02])
    found = pool(np.full(6, 0.3), variance, 0.05)
    assert found.difference == pytest.approx(np.full(6, 0.3), abs=1e-6)
    assert (found.high - found.low < 2 * 1.96 * np.sqrt(variance)).all()


def test_balance() -> None:
    assert check_balance(130, 870, 0.1).p_value == pytest.approx(stats.binomtest(130, 1_000, 0.1).pvalue)
    lost = check_balance(1_400, 8_600, 0.1)
    assert lost.anytime_p_value < 1e-6
    assert lost.p_value < lost.anytime_p_value
    assert check_balance(0, 0, 0.1).share is None
    assert (check_balance(0, 9, 0.0).p_value, check_balance(1, 9, 0.0).p_value) == (1.0, 0.0)


def test_thin_groups_have_no_interval_and_p_says_what_the_interval_says() -> None:
    found = Trial(50, 150, 30, 0.05, 0.5, 30, 0.8).effects(40, 1, RULES)
    low, high = found.anytime_interval
    shown = np.isfinite(low)
    assert 0 < shown.sum() < shown.size
    assert (np.isfinite(found.anytime_p_value) == shown).all()
    excluded = (low > 0) | (high < 0)
    assert 0 < excluded.sum() < shown.sum()
    assert (excluded == (found.anytime_p_value < RULES.alpha)).all()
    assert (found.interval[0][shown] > low[shown]).all()


def groups_of(before: int = 100):
    y = np.tile([0.0, 1.0, 2.0], 200)
    moments = gather_moments(np.repeat([0, 1], [300, 300]), 1, y + np.repeat([0.0, 0.5], 300), np.zeros(600))
    outcomes = Outcomes(("total",), moments, moments, np.array([[250, 240]]), np.array([before]))
    return measure_groups(outcomes, Scale(0.5, 1.0), RULES, 0.5, pooled=False)[0][0]


def test_what_was_caused_is_the_difference_times_the_subscribers_of_the_arm() -> None:
    group = groups_of()
    assert group.connections.difference == pytest.approx(0.5)
    assert group.incremental.connections == pytest.approx(150)
    assert group.incremental.index == pytest.approx(2.5)
    assert group.incremental.total_index == pytest.approx(1 + 750 / 100)
    caused, index = group.incremental.anytime_interval, group.incremental.index_anytime_interval
    assert (index.low, index.high) == pytest.approx((1 + caused.low / 100, 1 + caused.high / 100))
    assert group.connections.anytime_interval.excludes_zero
    assert not Interval(None, None).excludes_zero


def test_a_small_base_has_no_index() -> None:
    assert groups_of(before=29).incremental.index is None


def test_moments_of_groups_are_those_of_each() -> None:
    cells, y, x = np.array([0, 1, 2, 3, 3]), np.array([1.0, 2, 3, 4, 6]), np.array([1.0, 0, 0, 2, 4])
    found = gather_moments(cells, 2, y, x)
    assert found.mean.tolist() == [[1, 2], [3, 5]]
    assert (found.variance[1, 1], found.covariance[1, 1], found.variance_before[1, 1]) == (2, 2, 2)


def test_a_plan_grows_with_lift_days_and_history() -> None:
    design = Design(1_000, 9_000, Baseline(0.01, 1.0), 90, RULES)
    small, large = (build_plan(design, lift=lift, days=60, power=0.8) for lift in (0.05, 0.2))
    assert small.power_daily < large.power_daily < large.power_once
    assert large.days_needed_once < large.days_needed_daily
    assert small.smallest_lift_once == large.smallest_lift_once < large.smallest_lift_daily
    without = Design(1_000, 9_000, Baseline(0.01, 1.0), 0, RULES)
    assert without.power(0.1, 60)[0][-1] < design.power(0.1, 60)[0][-1]
    nothing = design.power(1e-9, 60)
    assert nothing[0][-1] == pytest.approx(0.05, abs=0.01)
    assert nothing[1][-1] < 0.05


def test_a_plan_finds_with_the_power_it_was_asked_for() -> None:
    design = Design(1_000, 9_000, Baseline(0.02, 0.5), 30, RULES)
    found = build_plan(design, lift=0.1, days=30, power=0.7)
    assert design.power(found.smallest_lift_daily, 30)[1][-1] == pytest.approx(0.7, abs=0.01)
    assert design.power(0.1)[1][found.days_needed_daily - 1] >= 0.7 > design.power(0.1)[1][found.days_needed_daily - 2]


@pytest.mark.parametrize("bad", [{"lift": 0.0}, {"days": 0}, {"days": 366}, {"power": 1.0}])
def test_a_plan_beyond_reason_is_refused(bad: dict[str, float]) -> None:
    design = Design(100, 900, Baseline(0.01, 1.0), 90, RULES)
    with pytest.raises(InvalidInput) as caught:
        build_plan(design, **({"lift": 0.1, "days": 30, "power": 0.8} | bad))
    assert caught.value.option == f"--{next(iter(bad))}"


def test_rules_name_what_they_refuse() -> None:
    with pytest.raises(InvalidSettings, match="level"):
        LiftRules(level=1.0)


def test_effects_of_no_subscribers_are_empty_not_wild() -> None:
    empty = Moments(*(np.zeros((1, 2)) for _ in range(6)))
    effect = Effects.estimate(empty, np.ones(1), 0.05).of_group(0)
    assert effect.interval == effect.anytime_interval == Interval(None, None)
    assert (effect.relative, effect.anytime_p_value, effect.difference) == (None, None, 0.0)
