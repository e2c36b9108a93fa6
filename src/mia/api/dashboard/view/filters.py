"""The filters: select boxes over what there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mia.api.dashboard.choice import DIMENSIONS, NARROWING, Choice
from mia.api.dashboard.words import TEXTS, group_name, month_name


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a select box."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One select box; `usual` is the text of its empty entry, empty where there is none."""

    name: str
    text: str
    options: tuple[Option, ...]
    chosen: str | None
    usual: str


@dataclass(frozen=True, slots=True)
class Filters:
    """The boxes that always stand there, those that fold away, and whether one of those is set."""

    first: tuple[Filter, ...]
    further: tuple[Filter, ...]
    opened: bool


def filters_view(
    choice: Choice, months: Sequence[str], regions: Sequence[str], values: Mapping[str, Sequence[str]]
) -> Filters:
    """Select boxes; `regions` are macro-regions, `values` what figures can be narrowed to, by dimension."""
    language, texts = choice.language, TEXTS[choice.language]
    named = tuple(Option(month, month_name(month, language)) for month in months)

    def of_groups(groups: Sequence[str]) -> tuple[Option, ...]:
        found = (Option(group, group_name(group, language)) for group in groups)
        return tuple(sorted(found, key=lambda option: option.text.casefold()))

    first = (
        Filter("baseline", texts["baseline"], named, choice.baseline, ""),
        Filter("from", texts["from"], named, choice.start, texts["usual"]),
        Filter("to", texts["to"], named, choice.end, texts["usual"]),
        Filter("macro_region", texts["headline_region"], of_groups(regions), choice.macro_region, texts["usual"]),
    )
    # What was asked for is told even where nothing carries it.
    chosen = {name: {value} if (value := getattr(choice, name)) else set() for name in NARROWING}
    further = tuple(
        Filter(
            name,
            texts[name].capitalize(),
            of_groups([*{*values[name], *chosen[name]}]),
            getattr(choice, name),
            texts["every"],
        )
        for name in NARROWING
    )
    by = tuple(Option(name, texts[name]) for name in DIMENSIONS)
    grouped = Filter("by", texts["by"], by, choice.by, texts["usual"])
    return Filters(first, (*further, grouped), bool(choice.only) or choice.by is not None)
