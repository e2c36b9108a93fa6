import numpy as np
import pytest

from mia.simulator.lifestyles import APPS, CHANNELS, CONTENTS, DEVICE_CLASSES, HOURS, LIFESTYLES, draw_rows, trait


def test_every_life_style_has_all_mixes():
    assert trait("share").sum() == pytest.approx(1.0)
    for name, names in (("apps", APPS), ("contents", CONTENTS), ("devices", DEVICE_CLASSES), ("channels", CHANNELS)):
        assert trait(name).shape == (len(LIFESTYLES), len(names))
    assert HOURS.shape[1] == 24
    assert set(trait("curve")) <= set(range(len(HOURS)))


def test_columns_are_drawn_in_proportion_to_their_weights():
    weights = np.array([[1.0, 0.0, 3.0], [0.0, 2.0, 2.0]])
    row = np.repeat([0, 1], 20_000)
    drawn = draw_rows(np.random.default_rng(0), weights, row)
    shares = np.bincount(row * 3 + drawn, minlength=6).reshape(2, 3) / 20_000
    assert shares == pytest.approx(weights / weights.sum(axis=1, keepdims=True), abs=0.02)
    assert shares[0, 1] == shares[1, 0] == 0
