"""The headline: how much the connections of one macro-region grew since a baseline month."""

from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist

from mia.timeline import month_text
from mia.uptake.growth import Series, Span

LEVEL = 0.95
"""How often the intervals of growth hold."""


@dataclass(frozen=True, slots=True)
class Headline:
    """Connections of one macro-region in two months, and in all up to the end of each.

    `index` is `cumulative / cumulative_at_baseline`; it and the percentages are None where they would be divided by
    less than `small_base`. `complete` says whether all events of `month` have arrived.
    """

    macro_region: str
    baseline: str
    month: str
    connections_at_baseline: int
    connections: int
    cumulative_at_baseline: int
    cumulative: int
    complete: bool
    small_base: int = 1

    @property
    def index(self) -> float | None:
        """Cumulative connections divided by those at the end of the baseline month."""
        return self._ratio(self.cumulative, self.cumulative_at_baseline)

    @property
    def growth_percent(self) -> float | None:
        """Growth of the cumulative connections since the end of the baseline month."""
        return _growth(self.index)

    @property
    def since_baseline(self) -> int:
        """Connections since the first day of the baseline month."""
        return self.cumulative - self.cumulative_at_baseline + self.connections_at_baseline

    @property
    def since_baseline_growth_percent(self) -> float | None:
        """Growth of the connections since the first day of the baseline month over those of that month."""
        return _growth(self._ratio(self.since_baseline, self.connections_at_baseline))

    @property
    def monthly_growth_percent(self) -> float | None:
        """Growth of the connections of the month over those of the baseline month."""
        return _growth(self._ratio(self.connections, self.connections_at_baseline))

    @property
    def growth_interval(self) -> tuple[float, float] | None:
        """Ends of the interval of `growth_percent`, in percent: the baseline and what came after it are two counts."""
        if self.growth_percent is None:
            return None
        low, high = ratio_interval(self.cumulative - self.cumulative_at_baseline, self.cumulative_at_baseline)
        return low * 100, high * 100

    @property
    def monthly_growth_interval(self) -> tuple[float, float] | None:
        """Ends of the interval of `monthly_growth_percent`, in percent."""
        if self.monthly_growth_percent is None:
            return None
        low, high = ratio_interval(self.connections, self.connections_at_baseline)
        return (low - 1) * 100, (high - 1) * 100

    @property
    def sentence(self) -> str:
        """The headline in words.

        >>> Headline("Urals", "2021-01", "2021-06", 100, 150, 100, 800, True).sentence
        'Urals: 150 connections in 2021-06 against 100 in 2021-01 (+50.0 %); cumulative 800 against 100 (+700.0 %).'
        """
        if not self.cumulative:
            return f"{self.macro_region}: no connections up to {self.month}."
        monthly, total = _percent(self.monthly_growth_percent), _percent(self.growth_percent)
        note = "" if self.complete else f" {self.month} is not complete yet."
        return (
            f"{self.macro_region}: {self.connections:,} connections in {self.month} against "
            f"{self.connections_at_baseline:,} in {self.baseline} ({monthly}); cumulative "
            f"{self.cumulative:,} against {self.cumulative_at_baseline:,} ({total}).{note}"
        )

    def _ratio(self, value: int, base: int) -> float | None:
        return value / base if base >= max(self.small_base, 1) else None


def build_headline(series: Series, span: Span, macro_region: str, month: int, small_base: int) -> Headline:
    """The headline of one group of a series by macro-region and month."""
    group = series.groups.index((macro_region,))
    then, now = series.baseline - series.first, month - series.first
    connections, cumulative = series.connections[group], series.cumulative[group]
    return Headline(
        macro_region,
        month_text(series.baseline),
        month_text(month),
        int(connections[then]),
        int(connections[now]),
        int(cumulative[then]),
        int(cumulative[now]),
        span.is_complete(month),
        small_base,
    )


def ratio_interval(count: int, base: int, level: float = LEVEL) -> tuple[float, float]:
    """Ends of an interval for the ratio of the rates behind two counts, `base` >= 1.

    Counts are taken as Poisson, so the logarithm of their ratio has variance 1/count + 1/base (Rothman, 1986); without
    any count the lower end is 0 and the upper one that of a count of one.

    >>> [round(end, 3) for end in ratio_interval(150, 100)]
    [1.165, 1.932]
    """
    some = max(count, 1)
    spread = NormalDist().inv_cdf((1 + level) / 2) * sqrt(1 / some + 1 / base)
    centre = log(some / base)
    return exp(centre - spread) if count else 0.0, exp(centre + spread)


def _growth(ratio: float | None) -> float | None:
    return None if ratio is None else (ratio - 1) * 100


def _percent(value: float | None) -> str:
    return "no growth to tell" if value is None else f"{value:+,.1f} %"
