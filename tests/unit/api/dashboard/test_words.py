from hypothesis import given
from hypothesis import strategies as st

from mia.api.dashboard.words import TEXTS, group_name, month_name, month_short, number_text
from mia.domain.offer import Language


def test_both_languages_say_the_same_things() -> None:
    assert set(TEXTS[Language.RU]) == set(TEXTS[Language.EN])
    assert all(text.strip() for texts in TEXTS.values() for text in texts.values())


def test_numbers_are_written_the_way_their_readers_do() -> None:
    assert number_text(1234567.891, Language.RU, 2) == "1\u00a0234\u00a0567,89"
    assert number_text(1234567.891, Language.EN, 2) == "1,234,567.89"
    assert number_text(-0.5, Language.RU, 1, signed=True) == "\u22120,5"
    assert number_text(0, Language.EN, 1, signed=True) == "0.0"
    assert number_text(None, Language.EN) == "—"


@given(st.floats(-1e12, 1e12), st.sampled_from(Language), st.integers(0, 3))
def test_numbers_can_be_read_back(value: float, language: Language, decimals: int) -> None:
    text = number_text(value, language, decimals, signed=True).replace("\u2212", "-")
    if language is Language.RU:
        text = text.replace("\u00a0", "").replace(",", ".")
    assert abs(float(text.replace(",", "")) - value) <= 0.5 * 10**-decimals + abs(value) * 1e-12


def test_months_and_groups() -> None:
    assert month_name("2021-05", Language.RU) == "май 2021"
    assert month_short("2021-09", Language.RU) == "сен 2021"
    assert group_name("Urals", Language.RU) == "Урал"
    assert group_name("Atlantis", Language.RU) == "Atlantis"
    assert group_name(None, Language.EN) == "(unknown)"
