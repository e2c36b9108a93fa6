"""Check of the slices: a gain on average must not be paid for by a few."""

from mia.evaluation.gate.check import Check, Colour, unjudged
from mia.evaluation.gate.evidence import Evidence
from mia.evaluation.gate.limits import GateLimits
from mia.evaluation.slices import Slice

NAMED = 3


def check_slices(evidence: Evidence, limits: GateLimits) -> Check:
    """The slice that loses most against the reference.

    With many slices some lose by chance: red needs a loss that is proven for all of them together, amber one that is
    proven for the slice by itself, or an estimate beyond the bound.
    """
    limit, asked = limits.slice_loss, "no loss proven for all slices together"
    judged = [(one, one.auc_gain) for one in evidence.slices if one.auc_gain is not None]
    if not judged:
        return unjudged("AUC gain in the worst slice", asked, "no slice is large enough to be judged", Colour.AMBER)
    together = len(judged)
    red = [one for one, gain in judged if gain.upper_end(together) < 0]
    amber = [one for one, gain in judged if gain.high < 0 or gain.value < -limit]
    worst, gain = min(judged, key=lambda pair: pair[1].value)
    colour = Colour.RED if red else Colour.AMBER if amber else Colour.GREEN
    words = f"{worst.name} {gain}, against {evidence.reference}, {len(judged)} slices judged"
    if red or amber:
        words += f"; losing: {_names(red or amber)}"
    return Check("AUC gain in the worst slice", gain.value, asked, colour, -limit, None, words)


def _names(slices: list[Slice]) -> str:
    more = len(slices) - NAMED
    return ", ".join(one.name for one in slices[:NAMED]) + (f" and {more} more" if more > 0 else "")
