from hypothesis import given
from hypothesis import strategies as st

from mia.api.language import preferred_language
from mia.domain.offer import Language


@given(st.text(max_size=60))
def test_any_header_gives_a_language(header: str) -> None:
    assert preferred_language(header) in Language


@given(st.floats(0.001, 1), st.floats(0.001, 1))
def test_the_heavier_language_wins_in_any_order(russian: float, english: float) -> None:
    for header in (f"ru;q={russian:.3f},en;q={english:.3f}", f"en;q={english:.3f},ru;q={russian:.3f}"):
        if round(russian, 3) != round(english, 3):
            wanted = Language.RU if round(russian, 3) > round(english, 3) else Language.EN
            assert preferred_language(header) is wanted
