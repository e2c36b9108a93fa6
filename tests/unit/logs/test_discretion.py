"""What no log may tell."""

import logging

import pytest

from mia.logs import Discretion, Exchange, JsonLines, TextLines, redact, set_exchange

KEY = "mia_" + "aB3-_" * 6 + "xy"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"  # noqa: S105 - made up


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"key {KEY} failed", "key [key] failed"),
        (f"?token={TOKEN}&a=1", "?token=[token]&a=1"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer [token]"),
        ("postgresql+psycopg://mia:secret@db/mia", "postgresql+psycopg://mia:[password]@db/mia"),
        ("call +79123456789, 89123456789 or 9123456789", "call [phone], [phone] or [phone]"),
        ("at 1625140800000000 took 1234567890123 of snapshot 2021-07-01.1", None),
        ("mia_http_request_seconds_bucket of decision 0f3a9c", None),
    ],
)
def test_secrets_and_phone_numbers_are_taken_out_and_nothing_else(text: str, clean: str | None) -> None:
    assert redact(text) == (text if clean is None else clean)


@pytest.mark.parametrize(
    "hidden",
    ["s17", {"subscriber_id": "s17"}, [{"event_id": "e1", "subscriber_id": "s17"}], {"a": [{"subscriberId": "s17"}]}],
)
def test_ids_of_the_request_are_taken_out_wherever_they_stand(hidden: object) -> None:
    assert (
        redact("no offers for s17, e1 and s171 (s17)", hidden)
        == "no offers for [subscriber], e1 and s171 ([subscriber])"
    )


@pytest.mark.parametrize("formatter", [JsonLines(), TextLines()])
def test_errors_are_told_without_what_they_quote(formatter: logging.Formatter) -> None:
    scope: dict[str, object] = {}
    set_exchange(Exchange("r-1", hidden="s17"), scope)
    try:
        raise ValueError(f"s17 came with {KEY}")
    except ValueError as error:
        record = logging.LogRecord("mia", 40, "f", 1, "%s broke", ("s17",), (type(error), error, error.__traceback__))
    assert Discretion().filter(record)
    line = formatter.format(record)
    assert "s17" not in line
    assert KEY not in line
    assert "[subscriber] broke" in line
    assert "ValueError: [subscriber] came with [key]" in line
    assert "r-1" in line


def test_a_client_cannot_write_lines_of_its_own() -> None:
    record = logging.LogRecord("mia", 20, "f", 1, "%s", ("a\n2021-07-01 INFO mia: all is well\x1b[2J",), None)
    for formatter in (JsonLines(), TextLines()):
        assert len(formatter.format(record).splitlines()) == 1
        assert "\x1b" not in formatter.format(record)
