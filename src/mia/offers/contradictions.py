"""Conditions of one offer that can never hold together, found without looking at any subscriber."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

from mia.domain.offer import Condition, Offer, Op
from mia.offers.violations import holds_of
from mia.tables import REGION


def find_contradiction(offer: Offer) -> str | None:
    """What contradicts what, None when some value of every column would do.

    >>> from mia.domain.offer import Text
    >>> text = Text("", "")
    >>> low, high = Condition("data_mb_30d", Op.LT, 5), Condition("data_mb_30d", Op.GT, 10)
    >>> find_contradiction(Offer("a", text, text, "c", "k", eligible_if=(low, high)))
    'data_mb_30d lt 5 and data_mb_30d gt 10'
    """
    columns: dict[str, list[Condition]] = defaultdict(list)
    if offer.regions:
        columns[REGION].append(Condition(REGION, Op.IN, tuple(sorted(offer.regions))))
    for condition in offer.eligible_if:
        columns[condition.column].append(condition)
    for conditions in columns.values():
        for size in (1, 2, len(conditions)):
            for some in combinations(conditions, min(size, len(conditions))):
                if not _can_hold(some):
                    return " and ".join(map(described, some))
    return None


def described(condition: Condition) -> str:
    """A condition in words.

    >>> described(Condition("tariff", Op.IN, ("smart", "max")))
    'tariff in smart, max'
    """
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    text = ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
    return f"{condition.column} {condition.op} {text}"


def _can_hold(conditions: Sequence[Condition]) -> bool:
    """Whether any value satisfies all of them.

    Between and beyond the bounds they name, all values are alike: one of each kind is tried.
    """
    return any(all(holds_of(condition, value) for condition in conditions) for value in _candidates(conditions))


def _candidates(conditions: Iterable[Condition]) -> Iterator[Any]:
    named = [
        value
        for condition in conditions
        if condition.op is not Op.IS_NULL
        for value in (condition.value if isinstance(condition.value, tuple) else (condition.value,))
    ]
    yield None
    numbers = sorted({float(value) for value in named if not isinstance(value, str)})
    yield from numbers
    yield from ((low + high) / 2 for low, high in pairwise(numbers))
    yield from (numbers[0] - 1, numbers[-1] + 1) if numbers else (0.0,)
    texts = [value for value in named if isinstance(value, str)]
    yield ""
    for text in texts:
        # The text itself, and the very next one in order.
        yield from (text, text + "\0")
