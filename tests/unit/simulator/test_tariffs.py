import numpy as np

from mia.simulator.tariffs import DATA_MB, TARIFFS, choose_tariffs


def choose(n, *, data_mb, voice_minutes, age, family):
    return choose_tariffs(
        np.random.default_rng(0),
        data_mb=np.full(n, float(data_mb)),
        voice_minutes=np.full(n, float(voice_minutes)),
        age=np.full(n, age),
        family=np.full(n, family),
    )


def test_only_the_old_are_on_the_tariff_for_seniors():
    senior = [tariff.name for tariff in TARIFFS].index("senior")
    assert not (choose(500, data_mb=300, voice_minutes=40, age=40, family=0.0) == senior).any()
    assert (choose(500, data_mb=300, voice_minutes=40, age=70, family=0.0) == senior).mean() > 0.3


def test_who_uses_more_gets_a_larger_package():
    small = DATA_MB[choose(500, data_mb=1_000, voice_minutes=40, age=40, family=0.0)].mean()
    large = DATA_MB[choose(500, data_mb=40_000, voice_minutes=40, age=40, family=0.0)].mean()
    assert large > 3 * small
