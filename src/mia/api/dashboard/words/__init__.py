"""Texts and number formats of the dashboard, in Russian and English."""

from mia.api.dashboard.words.groups import group_name
from mia.api.dashboard.words.numbers import NUMBER_FORMAT, day_name, month_name, month_short, number_text, percent_text
from mia.api.dashboard.words.texts import TEXTS, Texts

__all__ = [
    "NUMBER_FORMAT",
    "TEXTS",
    "Texts",
    "day_name",
    "group_name",
    "month_name",
    "month_short",
    "number_text",
    "percent_text",
]
