"""From query results to a frame."""

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from mia.profiles.assemble import assemble_profiles
from mia.profiles.attributes import attribute_names
from mia.profiles.features import FEATURE_NAMES
from mia.profiles.keys import RESPONSE_MEASURES, USAGE_MEASURES

PEOPLE = pa.table(
    {
        "subscriber_id": ["b", "a"],
        "region": ["Kurgan", None],
        "activated_on": pa.array([date(2021, 1, 1)] * 2),
        "birth_year": pa.array([1980, None], pa.int32()),
        "personalisation": [True, None],
        "consent_channels": pa.array([["vk", "app"], []]),
        "discount": pa.array([Decimal("1.5"), None]),
        "since": pa.array([date(2020, 2, 29), None]),
        "score": [0.25, None],
        "tenure_days": [-5.0, -5.0],
    }
)


def features(*rows: tuple[str, int]) -> pa.Table:
    columns = {
        "subscriber_id": pa.array([who for who, _ in rows], pa.string()),
        "as_of": pa.array([day for _, day in rows], pa.int32()),
    }
    for place, name in enumerate(FEATURE_NAMES):
        values = [None if place == 0 else float(place + 100 * number) for number in range(len(rows))]
        columns[name] = pa.array(values, pa.float64())
    return pa.table(columns)


def long(measures: tuple[str, ...], *rows: tuple[str, int, str]) -> pa.Table:
    columns = {
        "subscriber_id": pa.array([row[0] for row in rows], pa.string()),
        "as_of": pa.array([row[1] for row in rows], pa.int32()),
        "key": pa.array([row[2] for row in rows], pa.string()),
    }
    return pa.table(columns | {name: pa.array([1.0] * len(rows), pa.float64()) for name in measures})


def test_rows_come_by_day_and_id_with_their_attributes_and_keys() -> None:
    profiles = assemble_profiles(
        features(("b", 2), ("a", 2), ("b", 1), ("stranger", 1)),
        long(USAGE_MEASURES, ("b", 2, "item:x"), ("b", 2, "category:y")),
        long(RESPONSE_MEASURES, ("a", 2, "offer:o")),
        PEOPLE,
    )
    assert list(zip(profiles.subscriber_ids.tolist(), profiles.as_of.tolist(), strict=True)) == [
        ("b", 1),
        ("stranger", 1),
        ("a", 2),
        ("b", 2),
    ]
    assert profiles.names == FEATURE_NAMES
    assert np.isnan(profiles.numeric[:, 0]).all()
    assert profiles.numeric[:, 1].tolist() == [201.0, 301.0, 101.0, 1.0]
    assert {name: values.tolist() for name, values in profiles.attributes.items()} == {
        "region": ["Kurgan", None, None, "Kurgan"],
        "birth_year": [1980.0, None, None, 1980.0],
        "personalisation": [1.0, None, None, 1.0],
        "consent_channels": ["app;vk", None, "", "app;vk"],
        "discount": [1.5, None, None, 1.5],
        "since": ["2020-02-29", None, None, "2020-02-29"],
        "score": [0.25, None, None, 0.25],
    }
    assert profiles.usage.indptr.tolist() == [0, 0, 0, 0, 2]
    assert profiles.usage.vocabulary[profiles.usage.codes].tolist() == ["category:y", "item:x"]
    assert profiles.responses.indptr.tolist() == [0, 0, 0, 1, 1]


def test_nobody_makes_an_empty_frame() -> None:
    profiles = assemble_profiles(features(), long(USAGE_MEASURES), long(RESPONSE_MEASURES), PEOPLE)
    assert (len(profiles), profiles.numeric.shape) == (0, (0, len(FEATURE_NAMES)))


def test_a_profile_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        assemble_profiles(features(("a", 1), ("a", 1)), long(USAGE_MEASURES), long(RESPONSE_MEASURES), PEOPLE)


def test_ids_days_and_namesakes_of_features_are_no_attributes() -> None:
    assert attribute_names(PEOPLE.column_names, FEATURE_NAMES) == [
        "region",
        "birth_year",
        "personalisation",
        "consent_channels",
        "discount",
        "since",
        "score",
    ]
