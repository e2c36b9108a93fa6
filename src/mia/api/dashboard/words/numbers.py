"""Months and numbers the way their readers write them."""

from mia.domain.offer import Language
from mia.timeline import date_of, month_number

_MONTHS = {
    Language.RU: [
        "январь",
        "февраль",
        "март",
        "апрель",
        "май",
        "июнь",
        "июль",
        "август",
        "сентябрь",
        "октябрь",
        "ноябрь",
        "декабрь",
    ],
    Language.EN: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
_GENITIVE = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
]
"""Months as they stand after a day in Russian."""
_MONTH_LETTERS = 3
_NO_BREAK, _MINUS = "\u00a0", "\u2212"
NUMBER_FORMAT = {
    Language.RU: {"decimal": ",", "thousands": _NO_BREAK, "grouping": [3], "currency": ["", ""]},
    Language.EN: {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""]},
}


def month_name(text: str, language: Language) -> str:
    """A month `YYYY-MM` in words.

    >>> month_name("2021-01", Language.EN)
    'January 2021'
    """
    number = month_number(text)
    return f"{_MONTHS[language][number % 12]} {number // 12}"


def month_short(text: str, language: Language) -> str:
    """A month `YYYY-MM` in a few letters.

    >>> month_short("2021-01", Language.EN)
    'Jan 2021'
    """
    number = month_number(text)
    return f"{_MONTHS[language][number % 12][:_MONTH_LETTERS]} {number // 12}"


def day_name(day: int, language: Language) -> str:
    """A day since the epoch in words.

    >>> day_name(18_805, Language.EN), day_name(18_805, Language.RU)
    ('27 June 2021', '27 июня 2021')
    """
    date = date_of(day)
    months = _GENITIVE if language is Language.RU else _MONTHS[language]
    return f"{date.day} {months[date.month - 1]} {date.year}"


def number_text(value: float | None, language: Language, decimals: int = 0, *, signed: bool = False) -> str:
    """A number the way its readers write it; an em dash where there is none.

    >>> number_text(-1234.5, Language.EN, 1)
    '−1,234.5'
    """
    if value is None:
        return "—"
    digits = f"{abs(value):,.{decimals}f}"
    if language is Language.RU:
        digits = digits.replace(",", _NO_BREAK).replace(".", ",")
    sign = _MINUS if value < 0 else "+" if signed and value > 0 else ""
    return sign + digits


def percent_text(value: float | None, language: Language, decimals: int = 1, *, signed: bool = True) -> str:
    """A percentage; an em dash where there is none.

    >>> percent_text(-2.345, Language.EN)
    '−2.3\xa0%'
    """
    text = number_text(value, language, decimals, signed=signed)
    return text if value is None else f"{text}{_NO_BREAK}%"
