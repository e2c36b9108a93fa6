"""Checks of offers against the subscribers there are: whom they reach, and whether they are ever shown to anybody."""

from mia.quality.catalogue.dates import is_valid
from mia.quality.catalogue.facts import CatalogueFacts
from mia.quality.catalogue.limits import CatalogueLimits
from mia.quality.check import Example, Finding


def unknown_columns(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Conditions on columns that no subscriber has."""
    if facts.reach is None:
        return Finding(None, facts.without)
    examples = [
        Example(f"no subscriber has a column {name!r}", {"offer": offer_id})
        for offer_id, names in facts.reach.unknown_columns.items()
        for name in names
    ]
    return Finding(float(len(facts.reach.unknown_columns)), "", examples)


def unknown_regions(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Regions without subscribers."""
    if facts.reach is None:
        return Finding(None, facts.without)
    examples = [
        Example(f"nobody lives in {', '.join(names)}", {"offer": offer_id})
        for offer_id, names in facts.reach.unknown_regions.items()
    ]
    return Finding(float(len(examples)), _among(facts), examples)


def unreachable(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:  # noqa: ARG001
    """Offers that nobody can be shown, with the rule that shuts everybody out."""
    reach = facts.reach
    if reach is None:
        return Finding(None, facts.without)
    examples = []
    for offer_id in (offer_id for offer_id, count in reach.offers.items() if not count):
        alone = reach.alone[offer_id]
        shut = [rule for rule, count in alone.items() if not count]
        why = f"nobody satisfies {shut[0]}" if shut else f"nobody satisfies all of {', '.join(alone)}"
        examples.append(Example(why, {"offer": offer_id}))
    return Finding(float(len(examples)), _among(facts), examples)


def always_loses(facts: CatalogueFacts, limits: CatalogueLimits) -> Finding:
    """Offers that are never among the first places of anybody who may see them."""
    wins = facts.wins
    if wins is None:
        return Finding(None, facts.without)
    judged = [
        offer.id
        for offer in facts.offers
        if wins.allowed.get(offer.id, 0) >= limits.minimum_allowed and is_valid(offer, facts)
    ]
    examples = [
        Example(
            f"not among the first {wins.places} of any of {wins.allowed[offer_id]:,} who may see it",
            {"offer": offer_id},
        )
        for offer_id in judged
        if not wins.shown.get(offer_id, 0)
    ]
    note = f"of {len(judged):,} judged by {wins.by} for {wins.subscribers:,} subscribers"
    return Finding(float(len(examples)), note, examples)


def _among(facts: CatalogueFacts) -> str:
    reach = facts.reach
    if reach is None:
        return facts.without
    all_of_them = reach.sampled == reach.subscribers
    return f"among {reach.sampled:,} {'subscribers' if all_of_them else f'of {reach.subscribers:,} subscribers'}"
