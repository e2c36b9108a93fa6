"""Pseudonyms are HMAC-SHA256 of the digits of a number, exactly as Python computes them."""

import hmac

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mia.intake.pseudonyms import install_pseudonyms


def pseudonyms(key: bytes, *texts: str | None) -> list[str | None]:
    with duckdb.connect() as connection:
        install_pseudonyms(connection, key)
        query = "SELECT mia_pseudonym(text) FROM (SELECT unnest($1::VARCHAR[]) AS text)"
        return [row[0] for row in connection.execute(query, [list(texts)]).fetchall()]


def digest(key: bytes, digits: str) -> str:
    return hmac.digest(key, digits.encode(), "sha256").hex()


@settings(max_examples=25)
@given(st.binary(min_size=1, max_size=200), st.from_regex(r"[1-7][0-9]{9,14}", fullmatch=True))
def test_they_are_what_python_computes(key: bytes, digits: str) -> None:
    assert pseudonyms(key, digits, f"+{digits}", f"00{digits}") == [digest(key, digits)] * 3


@pytest.mark.parametrize(
    "written", ["79123456789", "+7 912 345-67-89", "8 (912) 345-67-89", "9123456789", "007 912 345.67.89"]
)
def test_a_number_has_one_pseudonym_however_it_is_written(written: str) -> None:
    assert pseudonyms(b"key", written) == [digest(b"key", "79123456789")]


@pytest.mark.parametrize("text", [None, "s1", "12345", "a79123456789", "0f" * 32, "+7 912 ext 5", ""])
def test_what_is_no_number_stays(text: str | None) -> None:
    assert pseudonyms(b"key", text) == [text]


def test_another_key_gives_another_pseudonym_and_the_same_key_the_same() -> None:
    one, other = pseudonyms(b"one", "79123456789"), pseudonyms(b"other", "79123456789")
    assert one != other
    assert one == pseudonyms(b"one", "79123456789")
