"""Sums that come to the same bits in any order: everything is counted in whole grains before it is added up.

Floats add whole numbers without error while a sum stays below 2^53, so the same records give the same sums however they
are split into files, days, chunks, threads and engines, and what was added can be taken away again.
"""

from ibis.expr.types import NumericValue, Table

from mia.tables import KIND, QUANTITY

MONEY_GRAINS = 1e9
"""Grains of one currency unit: sums are exact up to 9 million units, a charge is off by 5e-10 at most."""
QUANTITY_GRAINS = 1e6
"""Grains of one unit of consumption: sums are exact up to 9e9 seconds, messages or units, an amount is off by 5e-7 at
most. Bytes are whole already and count as they are."""
WHOLE_KIND = "data"


def whole(number: NumericValue) -> NumericValue:
    """A number of at least 0 rounded to a whole one, in float: no engine has an integer wide enough for all of them."""
    shifted = number + 0.5
    return shifted - shifted % 1.0


def money_grains(money: NumericValue) -> NumericValue:
    """Money as a whole number of grains."""
    return whole(money.cast("float64") * MONEY_GRAINS)


def quantity_grains(usage: Table) -> NumericValue:
    """The quantity of usage records as a whole number of grains; bytes are grains of their own."""
    quantity = usage[QUANTITY].cast("float64")
    return whole((usage[KIND] == WHOLE_KIND).ifelse(quantity, quantity * QUANTITY_GRAINS))
