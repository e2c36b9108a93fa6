"""Slices: the same model looked at where it knows little, and region by region and channel by channel."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mia.evaluation.linear import auc_gain_of, log_loss_gain_of
from mia.evaluation.measures import Scored
from mia.evaluation.metrics import auc
from mia.evaluation.paired import Gain
from mia.frames import Floats, Ints, Objects

Mask = NDArray[np.bool_]
ABOUT = {
    "new subscribers": "tenure under {new_subscriber_days} days",
    "no usage": "no active day in 90 days",
    "new offers": "under {new_offer_impressions} impressions of the offer before",
    "thin regions": "under {thin_region_impressions} impressions of the region to learn from",
}


@dataclass(frozen=True, slots=True)
class SliceRules:
    """What counts as new and as thin, and how large a slice must be to be judged."""

    new_subscriber_days: int = 30
    """Tenure in days below which a subscriber is new."""
    new_offer_impressions: int = 200
    """Impressions before, by anybody, below which an offer is new."""
    thin_region_impressions: int = 500
    """Impressions in the earlier part below which a region is thin."""
    minimum_rows: int = 200
    """Impressions of the later window that a slice needs to be judged."""
    minimum_positives: int = 10
    """Connections among them that it needs to be judged."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 0:
                raise ValueError(f"{name} must not be negative")


@dataclass(frozen=True, slots=True)
class SliceFacts:
    """What places R rows in slices: tenure and active days of 90 of the subscriber, impressions of the offer before,
    region and channel, and impressions of that region in the earlier part.
    """

    tenure_days: Floats
    active_days: Floats
    offer_impressions: Floats
    region: Objects
    channel: Objects
    region_impressions: Floats


KINDS: Mapping[str, Callable[[SliceFacts, SliceRules], Mask]] = {
    "new subscribers": lambda facts, rules: np.asarray(facts.tenure_days < rules.new_subscriber_days),
    "no usage": lambda facts, _: np.asarray(facts.active_days == 0),
    "new offers": lambda facts, rules: np.asarray(facts.offer_impressions < rules.new_offer_impressions),
    "thin regions": lambda facts, rules: np.asarray(facts.region_impressions < rules.thin_region_impressions),
}


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice: its size, and, where it is large enough, its figures beside those of the reference.

    `stated` and `observed` are mean acceptance and rate of connection; gains are paired, in AUC and in nats.
    """

    name: str
    about: str
    rows: int
    positives: int
    stated: float | None = None
    observed: float | None = None
    auc: float | None = None
    reference_auc: float | None = None
    auc_gain: Gain | None = None
    log_loss_gain: Gain | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Slice":
        """From the dict form that `dataclasses.asdict` makes."""
        gains = {name: data[name] and Gain.from_json(data[name]) for name in ("auc_gain", "log_loss_gain")}
        return cls(**{**data, **gains})


def slice_masks(facts: SliceFacts, rules: SliceRules) -> dict[str, tuple[str, Mask]]:
    """What each slice is and which rows it has, by name: the kinds, then every region, then every channel."""
    found = {name: (ABOUT[name].format(**asdict(rules)), select(facts, rules)) for name, select in KINDS.items()}
    for axis, values in (("region", facts.region), ("channel", facts.channel)):
        for value in sorted({str(one) for one in values if one is not None}):
            found[f"{axis} {value}"] = ("", np.asarray(values == value, bool))
    return found


def measure_slices(
    facts: SliceFacts, scores: Floats, reference: Floats, rows: Scored, rules: SliceRules
) -> list[Slice]:
    """Every slice with rows; figures for those that are large enough."""
    return [
        _slice(name, about, np.flatnonzero(mask), scores, reference, rows, rules)
        for name, (about, mask) in slice_masks(facts, rules).items()
        if mask.any()
    ]


def _slice(
    name: str, about: str, taken: Ints, scores: Floats, reference: Floats, rows: Scored, rules: SliceRules
) -> Slice:
    ours, theirs, labels, cluster = scores[taken], reference[taken], rows.labels[taken], rows.clusters[taken]
    positives = int(labels.sum())
    if len(taken) < rules.minimum_rows or not max(rules.minimum_positives, 1) <= positives < len(taken):
        return Slice(name, about, len(taken), positives)
    return Slice(
        name,
        about,
        len(taken),
        positives,
        float(ours.mean()),
        float(labels.mean()),
        auc(ours, labels),
        auc(theirs, labels),
        auc_gain_of(ours, theirs, labels, cluster),
        log_loss_gain_of(ours, theirs, labels, cluster),
    )
