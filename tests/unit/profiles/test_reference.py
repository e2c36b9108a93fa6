"""Every feature against a slow, literal reference that was written from the descriptions."""

import math
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from tests.unit.profiles.bench import Bench
from tests.unit.profiles.operators import Operator, random_operator, small_operators
from tests.unit.profiles.reference.people import Person
from tests.unit.profiles.reference.profile import CONTRACT, profile_of

from mia.profiles.features import FEATURE_NAMES, FEATURES
from mia.profiles.features.feature import Feature
from mia.timeline import date_of

Values = list[tuple[float | None, float | None]]
BACK = (0, 3, 20, 45)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.connection.close()


def compared(bench: Bench, operator: Operator, back: tuple[int, ...]) -> dict[str, Values]:
    """What the code and the reference say of every feature of everybody, as of some days before the operator's."""
    days = [operator.as_of - timedelta(days=number) for number in back]
    owners = {person.subscriber_id: person for person in operator.people}
    rows = bench.features(bench.daily(bench.usage(operator.people, operator.records)), operator.people, days)
    assert len(rows) == len(owners) * len(days)
    found: dict[str, Values] = {name: [] for name in FEATURE_NAMES}
    for row in rows.to_pylist():
        wanted = profile_of(owners[row["subscriber_id"]], operator.records, date_of(row["as_of"]))
        for name in FEATURE_NAMES:
            found[name].append((row[name], wanted[name]))
    return found


def agree(feature: Feature, found: float | None, wanted: float | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    # Entropies are kept in whole steps and are off by 5e-10 at most; all else differs by what floats round.
    near = 1e-9 if feature.unit == "nat" else 1e-10
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=near)


@pytest.fixture(scope="module")
def dense(bench: Bench) -> dict[str, Values]:
    """The values of 30 people with 100 records each, on four days of two years."""
    operators = [random_operator(Random(seed), people=15, records=1500) for seed in (1, 2)]
    both = [compared(bench, operator, BACK) for operator in operators]
    return {name: [pair for found in both for pair in found[name]] for name in FEATURE_NAMES}


def test_the_reference_knows_every_feature_and_no_other() -> None:
    found = profile_of(Person("s0", "UTC", date(2021, 1, 1)), [], date(2021, 7, 1))
    assert set(found) == set(FEATURE_NAMES)
    assert set(CONTRACT) <= set(FEATURE_NAMES)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_the_feature_is_what_its_description_says(dense: dict[str, Values], feature: Feature) -> None:
    pairs = dense[feature.name]
    assert [pair for pair in pairs if not agree(feature, *pair)] == []
    # Values that are all alike would prove nothing.
    assert len({wanted for _, wanted in pairs}) > 4
    if "null" in feature.about:
        assert None in {wanted for _, wanted in pairs}


@settings(max_examples=5, deadline=None)
@given(small_operators())
def test_features_are_what_their_descriptions_say(bench: Bench, operator: Operator) -> None:
    values = compared(bench, operator, (0, 20))
    wrong = {feature.name: [p for p in values[feature.name] if not agree(feature, *p)] for feature in FEATURES}
    assert {name: pairs for name, pairs in wrong.items() if pairs} == {}
