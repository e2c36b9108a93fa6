from tests.fakes.frames import profiles

from mia.offers.consent import consented, opted_out


def test_only_a_no_opts_out() -> None:
    assert opted_out(profiles(3, attributes={"personalisation": [0.0, 1.0, None]})).tolist() == [True, False, False]
    assert opted_out(profiles(2)).tolist() == [False, False]


def test_only_the_channels_that_were_named_are_agreed_to() -> None:
    people = profiles(4, attributes={"consent_channels": ["app;vk", "vk", "", None]})
    assert consented(people, 4, "vk").tolist() == [True, True, False, False]
    assert consented(people, 4, "app").tolist() == [True, False, False, False]
    assert consented(profiles(2), 2, "vk").tolist() == [False, False]
    assert consented(None, 1, "vk").tolist() == [False]
